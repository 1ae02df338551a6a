"""Whatever happens to a run with a journal, nobody is created twice or lost."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import requests
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from intermezzo_nb.api.manner import Manner, rows_in
from intermezzo_nb.api.outcomes import CREATED
from intermezzo_nb.api.sending import send
from intermezzo_nb.errors import ApiError, BadTable, NetworkError

ANSWERS = "answers"
NOT_REACHED, GONE, NOT_FOUND = "is not reached", "is gone", "does not know the place"
DIES_BEFORE, REFUSES_ONE = "kills the sender before", "refuses one and does nothing"
HANGS_UP, FAILS, DIES_AFTER = "hangs up", "fails", "kills the sender after"
UNDONE = (NOT_REACHED, GONE, NOT_FOUND, DIES_BEFORE, REFUSES_ONE)
ACTS = (*(ANSWERS,) * 8, *UNDONE, HANGS_UP, FAILS, DIES_AFTER)
BAD = {"code": "BAD", "field": "email"}


class Killed(BaseException):
    pass


def mail(version):
    return f"version{version}@firm.example"


class Server:
    """Takes contacts, as far as it likes to; answers as one does."""

    # What looks up an organization would use; none is looked up by an id.
    ask, rate = None, 0

    def __init__(self):
        self.places, self.styles = {}, {}
        self.there = []
        self.draw = None  # nothing happens then but what should

    def get_ready(self):
        pass

    def choose(self, choices, usual):
        return self.draw(choices) if self.draw else usual

    def request(self, _method, _path, *, data, **_):
        rows = json.loads(data)
        act = self.choose(st.sampled_from(ACTS), ANSWERS)
        bad, done = set(), 0
        if act not in UNDONE:
            places = range(len(rows))
            bad = self.choose(st.sets(st.sampled_from(places)), set())
            done = self.choose(st.sampled_from(places), 0) or len(rows)
        taken = [n for n in range(done) if n not in bad]
        self.there += [(rows[n]["name"], rows[n]["email"]) for n in taken]
        self.raise_what(act, rows)
        errors = [{"inputIndex": n, "errors": [BAD]} for n in sorted(bad)]
        told = {
            "succeeded": len(taken),
            "failed": len(bad),
            "unprocessed": len([n for n in range(done, len(rows)) if n not in bad]),
            "data": [{"id": f"{len(self.there)}-{n}", **rows[n]} for n in taken],
            "errors": errors,
        }
        return SimpleNamespace(
            content=json.dumps(told).encode(),
            status_code=200,
            headers={"Content-Type": "application/json"},
            request=requests.Request("POST", "https://api.example").prepare(),
        )

    def raise_what(self, act, rows):
        if act in (DIES_BEFORE, DIES_AFTER):
            raise Killed
        if act == NOT_REACHED:
            raise NetworkError("the server is not reached")
        if act in (GONE, HANGS_UP):
            fault = NetworkError("the server hung up")
            fault.unanswered = True
            raise fault
        if act == NOT_FOUND:
            raise ApiError("there is no such place", status=404)
        if act == FAILS:
            raise ApiError("it failed", status=500)
        if act == REFUSES_ONE:
            one = self.draw(st.sampled_from(range(len(rows))))
            told = {"errors": [{"inputIndex": one, "errors": [BAD]}]}
            raise ApiError("one is refused", status=400, details=told)


class Sessions(RuleBasedStateMachine):
    """
    Somebody sends a table, again and again, and corrects it between.

    Each row is of somebody, who is known by the name; some rows may say the same. An
    uncertain row is looked up before it is sent again, as the report advises; of rows
    alike, it is counted how many are there.
    """

    @initialize(
        people=st.lists(st.integers(0, 3), min_size=1, max_size=5),
        chunk=st.sampled_from([1, 2, 10]),
        are_alike=st.booleans(),
    )
    def begin(self, people, chunk, are_alike):
        self.temporary = tempfile.TemporaryDirectory()
        self.journal = Path(self.temporary.name) / "run.jsonl"
        names = people if are_alike else range(len(people))
        self.names = {label: f"Person {n}" for label, n in enumerate(names)}
        self.said = {label: [mail(0)] for label in self.names}
        self.wanted, self.chunk = Counter(self.names.values()), chunk
        self.server, self.report = Server(), None

    def teardown(self):
        if hasattr(self, "temporary"):
            try:
                self.end_well()
            finally:
                self.temporary.cleanup()

    def table(self, said):
        told = {"name": [self.names[label] for label in said], "email": said.values()}
        return pd.DataFrame(told, index=[*said])

    def now(self):
        return {label: said[-1] for label, said in self.said.items()}

    def send(self, said):
        """Send the table in a new session."""
        self.report = None
        self.manner = Manner(
            self.server,
            "https://api.example",
            lambda _: None,
            on_error="report",
            journal=self.journal,
        )
        with suppress(Killed):
            self.report = send(
                *(self.manner, "contacts", self.table(said), "org_1"),
                usual=None,
                chunk_size=self.chunk,
                extra=(),
            )
        self.check()

    def check(self):
        there = self.count_there()
        assert there <= self.wanted
        assert Counter(self.names[label] for label in self.created()) <= there

    def count_there(self):
        return Counter(name for name, _ in self.server.there)

    def created(self):
        """Give the labels of the rows that this session takes for created."""
        rows = rows_in(self.manner.attempts, CREATED)
        return {label for job, at in rows for label in job.labels[at]}

    def look_up(self):
        """Confirm what is uncertain, as far as more are there than are created."""
        spare = self.count_there()
        spare.subtract(self.names[label] for label in self.created())
        found = []
        for label in self.report.uncertain.index:
            if spare[self.names[label]] > 0:
                spare[self.names[label]] -= 1
                found.append(label)
        self.report.confirm(self.report.uncertain.loc[found])
        self.check()

    @rule(data=st.data())
    def a_session_begins(self, data):
        self.server.draw = data.draw
        said = {
            label: data.draw(st.sampled_from(said[::-1]))
            for label, said in self.said.items()
        }
        order = data.draw(st.permutations([*said]))
        with suppress(BadTable):
            self.send({label: said[label] for label in order})

    @precondition(lambda self: self.report is not None and not self.report.complete)
    @rule(data=st.data())
    def what_is_missing_is_sent_again(self, data):
        self.server.draw = data.draw
        self.look_up()
        report = self.report
        are_settled = {*report.rejected.index, *report.uncertain.index}
        left = [*are_settled, *report.unsent.index]
        if not left:
            return
        said = {}
        for label in data.draw(
            st.lists(st.sampled_from(left), min_size=1, unique=True)
        ):
            old = [*report._frame.loc[[label], "email"]]
            new = [mail(len(self.said[label])), *self.said[label]]
            is_free = label in are_settled
            said[label] = data.draw(st.sampled_from(old + new if is_free else old))
            if said[label] != self.said[label][-1]:
                self.said[label].append(said[label])
        self.report = None
        with suppress(Killed, BadTable):
            self.report = report.retry(self.table(said))
        self.check()

    def end_well(self):
        """Send, look up and retry until the report says that all is there."""
        self.server.draw = None
        said = self.now()
        for turn in range(20):
            try:
                self.send(said)
            except BadTable as refused:
                # What was not answered goes as it was; what was created stays.
                for label in refused.problems["label"]:
                    earlier = self.said[label]
                    said[label] = earlier[turn % len(earlier)]
                continue
            while not self.report.complete:
                self.look_up()
                left = [*self.report.rejected.index, *self.report.uncertain.index]
                left += [*self.report.unsent.index]
                if not left:
                    break
                self.report = self.report.retry(self.table({n: said[n] for n in left}))
                self.check()
            break
        assert self.count_there() == self.wanted


Sessions.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestSessions = Sessions.TestCase
