"""Source and store against a model of the server, in every order that comes up."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from intermezzo_nb.errors import LoginRequired, NetworkError, StoreError
from intermezzo_nb.oauth.models import Token
from intermezzo_nb.secret import Secret
from intermezzo_nb.tokens.source import TokenSource
from intermezzo_nb.tokens.store import FileStore

LIFE = 100.0
BOTH = st.sampled_from([0, 1])


class Killed(BaseException):
    """The process ends here."""


class Server:
    """Rotates, and ends the family when a spent token comes again."""

    def __init__(self):
        self.true_time = 1_900_000_000.0
        self.count, self.alive, self.access = 0, None, {}
        self.sent, self.revoked = [], set()
        self.is_down = self.loses_answer = False

    def sign_in(self, wall):
        self.sent = []
        return self._token(wall)

    def refresh(self, token, wall):
        if self.is_down:
            raise NetworkError("nobody answers")
        if token is None:
            raise LoginRequired("nobody is signed in")
        spent = token.refresh_token.reveal()
        self.sent.append(spent)
        if spent != self.alive:
            self.end_family()
            raise LoginRequired("no longer", code="session_ended")
        newer = self._token(wall)
        if self.loses_answer:
            self.loses_answer = False
            raise NetworkError("the answer was lost")
        return newer

    def end_family(self):
        self.revoked |= set(self.access)
        self.alive, self.access = None, {}

    def takes(self, token):
        return self.access.get(token.access_token.reveal(), 0.0) > self.true_time

    def _token(self, wall):
        self.count += 1
        self.alive = f"rt-{self.count}"
        self.access[f"at-{self.count}"] = self.true_time + LIFE
        return Token(
            Secret(f"at-{self.count}"),
            issued_at=wall,
            expires_in=LIFE,
            refresh_token=Secret(self.alive),
        )


class Process:
    """A kernel: its own source, on the store that all share."""

    def __init__(self, machine):
        self.machine, self.store = machine, FileStore(machine.folder)
        self.monotonic, self.fails_to_save = 0.0, False
        self.dies_before_saving = self.has_unsaved = False
        save = self.store.save

        def saved(key, token):
            if self.dies_before_saving:
                raise Killed
            if self.fails_to_save:
                self.fails_to_save, self.has_unsaved = False, True
                raise StoreError("the disk is full")
            save(key, token)
            self.has_unsaved = False

        self.store.save = saved
        self.source = TokenSource(
            self.store,
            "key",
            self.renew,
            clock=lambda: machine.wall,
            monotonic=lambda: self.monotonic,
        )

    def renew(self, token, keep):
        newer = self.machine.server.refresh(token, self.machine.wall)
        keep(newer)
        return newer


class Renewal(RuleBasedStateMachine):
    """
    What may cost a sign-in is told to ``is_lost``; nothing else may.

    Sources run as in a kernel, with a thread for each renewal, and are waited for.
    """

    @initialize()
    def begin(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self.temporary.name) / "sessions"
        self.server = Server()
        self.wall = self.server.true_time
        self.processes = [Process(self), Process(self)]
        self.is_in = self.is_lost = self.was_set_back = False

    def teardown(self):
        if hasattr(self, "temporary"):
            self.rest()
            self.temporary.cleanup()

    def rest(self):
        for process in self.processes:
            if flight := process.source._flight:
                flight.exception(10)

    @rule(which=BOTH)
    def sign_in(self, which):
        if any(process.has_unsaved for process in self.processes):
            # Else that would be saved over the new one, and rightly: a server has
            # both sessions. This model has one.
            return
        token = self.server.sign_in(self.wall)
        process = self.processes[which]
        try:
            process.source.accept(token)
        except StoreError:
            self.is_lost = True  # the other one cannot know of it
        else:
            self.is_lost = False
        self.is_in = True

    @rule(which=BOTH)
    def use(self, which):
        self.call(which)

    @rule(which=BOTH)
    def use_in_threads(self, which):
        before = len(self.server.sent)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self.call, [which] * 4))
        self.rest()
        if not self.is_lost and not self.server.is_down:
            assert len(self.server.sent) - before <= 1

    @rule(which=BOTH)
    def a_token_is_revoked(self, which):
        if held := self.processes[which].source._held:
            name = held.token.access_token.reveal()
            self.server.access.pop(name, None)
            self.server.revoked.add(name)

    def call(self, which):
        """Call the API: a token, and after a 401 one more."""
        source = self.processes[which].source
        is_in, is_stale = self.is_in, self.is_stale_for(which)
        try:
            token = source.token()
            # Each process may hold one that was revoked, and the store another.
            for _ in range(3):
                if self.server.takes(token):
                    break
                assert not is_in or is_stale or self.may_be_dead(token)
                token = source.token(rejected=token.access_token)
        except LoginRequired:
            assert not is_in or self.is_lost or is_stale
            self.is_in = False
        except NetworkError:
            assert self.server.is_down or self.is_lost
        except StoreError:
            pass
        else:
            assert is_in or self.is_lost
            assert self.server.takes(token) or self.server.is_down
        self.rest()
        self.notice_losses()

    def may_be_dead(self, token):
        # Revoked behind our back; or a new process was misled by a clock set back.
        is_revoked = token.access_token.reveal() in self.server.revoked
        return is_revoked or self.was_set_back or self.is_lost

    def is_stale_for(self, which):
        return self.processes[1 - which].has_unsaved

    def notice_losses(self):
        if not self.is_lost and len(set(self.server.sent)) < len(self.server.sent):
            # The one holds what could not be saved, the other spent the old one.
            assert any(process.has_unsaved for process in self.processes)
            self.is_lost = True
        if self.server.alive is None:
            self.is_lost = True

    @rule(which=BOTH)
    def an_answer_is_lost(self, which):
        self.server.loses_answer = True
        self.is_lost = True
        self.processes[which].monotonic += LIFE
        self.use(which)
        self.server.loses_answer = False

    @rule(which=BOTH)
    def a_process_is_killed_between_answer_and_saving(self, which):
        process = self.processes[which]
        process.dies_before_saving = True
        before = self.server.alive
        held = process.source._held
        with suppress(Killed, LoginRequired, NetworkError, StoreError):
            process.source._renewed(held.token.access_token if held else None)
        self.processes[which] = Process(self)
        if self.server.alive != before or process.has_unsaved:
            self.is_lost = True
        if self.server.alive is None:
            self.is_in = False

    @rule(which=BOTH)
    def a_process_ends(self, which):
        if self.processes[which].has_unsaved:
            self.is_lost = True
        self.processes[which] = Process(self)

    @rule(which=BOTH)
    def the_disk_is_full_once(self, which):
        self.processes[which].fails_to_save = True

    @rule(which=BOTH)
    def sign_out(self, which):
        self.processes[which].source.forget()
        self.server.end_family()
        other = self.processes[1 - which]
        # What the other could not save, it will find refused.
        self.is_in, self.is_lost = False, other.has_unsaved or self.is_lost

    @rule(down=st.booleans())
    def the_server_goes_or_comes(self, down):
        self.server.is_down = down

    @rule(seconds=st.sampled_from([1.0, 20.0, 76.0, 91.0, 101.0]))
    def time_passes(self, seconds):
        self.server.true_time += seconds
        self.wall += seconds
        for process in self.processes:
            process.monotonic += seconds

    @rule(seconds=st.sampled_from([30.0, 7200.0]))
    def the_machine_sleeps(self, seconds):
        self.server.true_time += seconds
        self.wall += seconds

    @rule(seconds=st.sampled_from([-3600.0, -50.0, 50.0, 3600.0]))
    def the_clock_is_set(self, seconds):
        self.wall += seconds
        self.was_set_back = self.was_set_back or seconds < 0


Renewal.TestCase.settings = settings(
    max_examples=200,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestRenewal = Renewal.TestCase
