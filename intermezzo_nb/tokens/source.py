"""The one judge of whether a token is good now, and the one that renews it."""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress

from msgspec.structs import replace

from ..errors import IntermezzoError, LoginMismatch, LoginRequired, StoreError
from ..oauth.models import Token
from ..secret import Secret
from .forks import renew_in_child
from .held import Clocks, Held, is_same
from .store import TokenStore

_LONGEST_PAUSE = 30.0  # seconds between two renewals that fail

log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())  # else Python prints what nobody asked for
Renew = Callable[[Token | None, Callable[[Token], None]], Token]


class TokenSource:
    """
    A token that is good now.

    Two windows before the end of its life: in the *advisory* one (the last quarter,
    300 s at most) one thread renews in the background while others go on; in the
    *mandatory* one (the last tenth, 30 s at most) all wait for one renewal and share
    its outcome. A renewal happens under the store's lock and is saved before the
    token is handed out, so that a rotating refresh token is spent once.

    Parameters
    ----------
    renew : callable
        Gives the next token from the last one, or from nothing. What it receives it
        hands to its second argument before it looks at anything else; what is not
        to be used before that, with a life that is over.
    clock, monotonic : callable
        Wall clock and monotonic clock, in seconds.
    """

    def __init__(
        self,
        store: TokenStore,
        key: str,
        renew: Renew,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store, self._key, self._renew = store, key, renew
        self._clocks = Clocks(clock, monotonic)
        self._held: Held | None = None
        self._mutex = threading.Lock()
        self._flight: Future[Token] | None = None
        self._faults, self._not_before = 0, float("-inf")
        renew_in_child(self)

    def after_fork(self) -> None:
        """Let go of a renewal that goes on in the parent only."""
        self._mutex, self._flight = threading.Lock(), None

    def token(self, *, rejected: Secret | None = None) -> Token:
        """
        Give a token that is good now; renew it first if it is not.

        Parameters
        ----------
        rejected : Secret or None
            An access token that the API has refused: it counts as dead.

        Raises
        ------
        LoginRequired
            Nobody is signed in, or the session has ended.
        NetworkError, AuthorizationServerError, StoreError
            It could not be renewed now; the session is kept.
        """
        token = self._good(rejected)
        if rejected is not None and token.access_token == rejected:
            # The renewal that was joined had begun before anybody knew of this.
            token = self._good(rejected)
        return token

    def peek(self) -> Token | None:
        """Give the token that is held or saved, good or not; renew nothing."""
        if self._held is None and (kept := self.store.load(self._key)):
            with self._mutex:
                # A renewal may have been faster; what it received is worth more.
                if self._held is None:
                    self._held = Held.begun(kept, self._clocks)
        held = self._held
        return held.token if held else None

    def accept(self, token: Token) -> None:
        """Take the token of a new sign-in, save it and use it from now on."""
        kept = None
        with suppress(StoreError):
            kept = self.store.load(self._key)
        # Held also where locking or saving fails: what was received is not lost.
        try:
            with self.store.lock(self._key):
                self._hold(token, unsaved=True, instead=kept)
                self._save()
        except StoreError:
            self._hold(token, unsaved=True, instead=kept)
            raise

    def forget(self) -> tuple[Token | None, StoreError | None]:
        """
        Purge the session here.

        Returns
        -------
        tuple of (Token or None, StoreError or None)
            What was held or saved, for its revocation; and why it is still saved.
        """
        held = self._held
        try:
            with self.store.lock(self._key):
                with suppress(StoreError):
                    self._adopt()
                held = self._held
                self._end()
        except StoreError as fault:
            self._held = None
            return (held.token if held else None), fault
        return (held.token if held else None), None

    def seconds_left(self) -> float | None:
        """Give the life that the held token has left; None where that is unknown."""
        held = self._held
        if held is None or held.token.expires_in is None:
            return None
        return max(0.0, held.left)

    def _good(self, rejected: Secret | None) -> Token:
        held = self._held if rejected is None else self._refused(rejected)
        if held is None or held.unsaved or held.refused:
            return self._landed()
        left = held.left
        if left >= held.advisory:
            return held.token
        if left <= 0 or self._clocks.monotonic() >= self._not_before:
            if left < held.mandatory:
                return self._landed()
            self._renewal(held.token.access_token)
        return held.token

    def _landed(self) -> Token:
        while True:
            try:
                return self._renewal(None).result()
            except CancelledError:
                continue  # who had begun it was interrupted before it could start
            except IntermezzoError as error:
                # Each who waits raises its own: a traceback grows where it is raised.
                raise copy.copy(error) from None

    def _renewal(self, stale: Secret | None) -> Future[Token]:
        # In a thread of its own: an interrupt ends the wait for it, but cannot come
        # between the server's answer and its saving.
        flight: Future[Token] = Future()
        try:
            with self._mutex:
                if self._flight is not None:
                    return self._flight
                self._flight = flight
            threading.Thread(
                target=self._fly,
                args=(flight, stale),
                name="intermezzo-renewal",
                daemon=False,
            ).start()
        except RuntimeError:
            self._fly(flight, stale)  # there are no threads left, or Python is ending
        except BaseException:
            # An interrupt, of all moments now: nobody may wait for what never flies.
            with self._mutex:
                if flight.cancel():
                    self._flight = None
            raise
        return flight

    def _fly(self, flight: Future[Token], stale: Secret | None) -> None:
        if not flight.set_running_or_notify_cancel():
            return
        try:
            outcome: Token | BaseException = self._renewed(stale)
        except BaseException as error:  # noqa: BLE001 (told to those who wait)
            outcome = error.with_traceback(None)
        with self._mutex:
            self._flight = None
        if isinstance(outcome, Token):
            flight.set_result(outcome)
        else:
            flight.set_exception(outcome)

    def _renewed(self, stale: Secret | None) -> Token:
        try:
            with self.store.lock(self._key):
                self._adopt()
                self._save()
                held = self._held
                if held and held.token.access_token != stale and not held.is_dead:
                    return held.token
                newer = self._asked_for(held.token if held else None)
        except (LoginRequired, LoginMismatch):
            raise
        except IntermezzoError as fault:
            self._pause()
            if alive := self._alive():
                # Nobody else hears of it.
                log.warning("a token could not be renewed yet (%s)", fault.code)
                return alive
            raise
        self._faults, self._not_before = 0, float("-inf")
        return newer

    def _asked_for(self, sent: Token | None, *, again: bool = True) -> Token:
        keep = _Kept(self, sent)
        try:
            newer = self._renew(sent, keep)
        except LoginRequired:
            other = self._instead_of(sent)
            if other is None or (other.is_dead and not again):
                raise
            if other.is_dead:
                return self._asked_for(other.token, again=False)
            return other.token
        except LoginMismatch:
            if self._held and self._held.token is keep.last:
                self._end()
            raise
        if keep.last != newer:
            keep(newer)
        # Somebody may have signed in meanwhile: that counts.
        return self._held.token if self._held else newer

    def _pause(self) -> None:
        # While the token lives, a server that stumbles is not asked at each call.
        pause = min(2.0**self._faults, _LONGEST_PAUSE)
        self._faults += 1
        self._not_before = self._clocks.monotonic() + pause

    def _alive(self) -> Token | None:
        # The API may have refused it while we asked.
        held = self._held
        return held.token if held and held.is_alive else None

    def _instead_of(self, sent: Token | None) -> Held | None:
        """Look once more before a session is dropped for what the server says."""
        if sent and sent.refresh_token is None and self._alive():
            return self._until_its_end()  # not renewable, but good until then
        # Where the lock does not reach, on some network disks, a sibling was faster.
        self._adopt()
        self._save()
        held = self._held
        if held is None or is_same(held.token, sent):
            self._end()
            return None
        return held

    def _until_its_end(self) -> Held | None:
        with self._mutex:
            if self._held:
                self._held = replace(self._held, advisory=0.0, mandatory=0.0)
            return self._held

    def _adopt(self) -> None:
        # A sibling may have renewed, or signed out, since we looked.
        held = self._held
        try:
            kept = self.store.load(self._key)
        except StoreError:
            if held and held.unsaved:
                return  # saving may mend it
            raise
        if held and held.unsaved and is_same(kept, held.instead):
            return
        if kept is None:
            # What has no refresh token is not kept by every store.
            self._held = held if held and not held.token.refresh_token else None
        elif held is None or not is_same(kept, held.token):
            self._hold(kept)

    def take_over(self, known: Token | None, token: Token) -> bool:
        """
        Hold and save what a renewal brought, in place of what is known to it.

        Returns
        -------
        bool
            False where somebody has signed in meanwhile, and nothing was done.
        """
        with self._mutex:
            if (self._held.token if self._held else None) is not known:
                return False
            # Held first: should saving fail, what was received is not lost.
            self._held = Held.begun(token, self._clocks, unsaved=True, instead=known)
        self._save()
        return True

    def _end(self) -> None:
        self._held = None
        self.store.delete(self._key)

    def _hold(
        self, token: Token, *, unsaved: bool = False, instead: Token | None = None
    ) -> None:
        held = Held.begun(token, self._clocks, unsaved=unsaved, instead=instead)
        with self._mutex:
            self._held = held

    def _refused(self, rejected: Secret) -> Held | None:
        with self._mutex:
            held = self._held
            if held and held.token.access_token == rejected:
                held = self._held = replace(held, refused=True)
            return held

    def _save(self) -> None:
        held = self._held
        if held is None or not held.unsaved:
            return
        self.store.save(self._key, held.token)
        with self._mutex:
            if self._held and self._held.token is held.token:
                self._held = replace(self._held, unsaved=False, instead=None)


class _Kept:
    """What one renewal has received so far: each takes the place of the last."""

    def __init__(self, source: TokenSource, sent: Token | None) -> None:
        self._source, self.last = source, sent

    def __call__(self, token: Token) -> None:
        known, self.last = self.last, token
        self._source.take_over(known, token)
