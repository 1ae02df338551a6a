"""
What was sent, kept in a file: for the run that is killed, and for the one after it.

A line of JSON goes to the disk before each request, and one after its answer. It holds
salted hashes of the rows, the ids that came back, codes and fields of errors; no value
that was sent and no words about one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import secrets
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from filelock import FileLock, Timeout

from ..errors import StoreError
from .outcomes import CREATED, REJECTED, UNCERTAIN, UNSENT, Outcome, RowError

_VERSION = 1
_NONE: Mapping[int, Sequence[str]] = {}
_BEGINNING = b'{"journal":'
_ODD = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
EARLIER = "told in an earlier run"
# Another journal knows nothing of what was sent, and would send it again.
_ADVICE = {
    "journal_busy": "Wait for the other run to end, and run it again then.",
    "journal_damaged": "If it was one, look up first what was created; then name "
    "another file.",
}


class Journal:
    """
    A journal that is open, and locked against a second run.

    Parameters
    ----------
    path : path
        Made where there is none; readable by its owner alone.
    subject : str
        What is sent, and where to; a journal is of one subject.

    Raises
    ------
    StoreError
        ``journal_busy``, ``journal_of_another``, ``journal_damaged``, or it cannot be
        written.
    """

    def __init__(self, path: str | os.PathLike[str], subject: str) -> None:
        self.path = Path(path)
        self._lock = FileLock(f"{self.path}.lock", timeout=0)
        self._outcomes: dict[str, list[Outcome]] = defaultdict(list)
        self._corrected: dict[int, set[str]] = {}
        self._unsent: dict[str, set[str]] = {}
        self._open_ones: set[str] = set()
        self._whose: dict[str, str] = {}
        self._chunks: list[list[str]] = []
        self._number = 0
        if not self.path.parent.is_dir():  # the lock would make it
            raise self._fault("its folder is not there", "journal_unwritable")
        try:
            self._lock.acquire()
        except Timeout:
            raise self._fault("another run is writing it", "journal_busy") from None
        except OSError as fault:
            raise self._fault(str(fault), "journal_unwritable") from None
        try:
            self._open(subject)
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._file)
        self._lock.release()

    def recalled(
        self, rows: Sequence[str], beside: Sequence[str] = ()
    ) -> list[Outcome]:
        """
        Give what earlier runs know of each row; unsent where they know nothing.

        Parameters
        ----------
        beside : sequence of str
            Those that were created of others, which may be alike.
        """
        marks = [*map(self._mark, (*beside, *rows))]
        counted = Counter(marks)
        # Who counts by what was sent does not count by what it corrected, too.
        own = {mark: self._sorted(mark)[:count] for mark, count in counted.items()}
        taken = {id(o) for mark in own for o in own[mark] if not self._is_of(mark, o)}
        known = {
            mark: deque(
                o
                for o in self._sorted(mark)
                if not (self._is_of(mark, o) and id(o) in taken)
            )
            for mark in counted
        }
        told = [known[m].popleft() if known[m] else Outcome(UNSENT) for m in marks]
        return told[len(beside) :]

    def _sorted(self, mark: str) -> list[Outcome]:
        """Give what was created first, and last of that what corrected the row."""
        return sorted(
            self._outcomes.get(mark, ()),
            key=lambda o: (o.state != CREATED, self._is_of(mark, o)),
        )

    def _is_of(self, mark: str, outcome: Outcome) -> bool:
        """Tell whether an outcome is of a row that corrected this one."""
        return mark in self._corrected.get(id(outcome), ())

    def doubtful(self, rows: Sequence[str]) -> list[int]:
        """Give the positions of the rows of which an earlier attempt is unanswered."""
        return [at for at, row in enumerate(rows) if self._mark(row) in self._open_ones]

    def beside(self, rows: Sequence[str]) -> Counter[str]:
        """Count by state what is known of other rows than these."""
        ours = {*map(self._mark, rows)}
        return Counter(
            outcome.state
            for mark, told in self._outcomes.items()
            for outcome in told
            if mark not in ours and not self._is_of(mark, outcome)
        )

    def paid_beside(self, rows: Sequence[str], whose: Sequence[str]) -> int:
        """Count those of whom other rows than these were created, too."""
        ours, wanted = {*map(self._mark, rows)}, {*map(self._mark, whose)}
        paid = {
            self._whose.get(mark)
            for mark, told in self._outcomes.items()
            if mark not in ours
            and any(o.state == CREATED and not self._is_of(mark, o) for o in told)
        }
        return len(paid & wanted)

    def changed(self, rows: Sequence[str], whose: Sequence[str]) -> dict[int, str]:
        """
        Give the positions of rows that are not known, of whom another was sent.

        That other one is not among these rows, and was created or is uncertain. One
        that was created was sent beside some of these rows, too: else the labels are
        those of another table, by chance.

        Returns
        -------
        dict of int to str
            The state of the other one.
        """
        marks = [*map(self._mark, rows)]
        ours = {*marks}
        gone: dict[str | None, str] = {}
        for chunk in self._chunks:
            states = (UNCERTAIN,) if ours.isdisjoint(chunk) else (UNCERTAIN, CREATED)
            gone |= {
                self._whose.get(mark): outcome.state
                for mark in {*chunk} - ours
                for outcome in self._outcomes.get(mark, ())
                if outcome.state in states
            }
        found = {at: gone.get(self._mark(one)) for at, one in enumerate(whose)}
        return {
            at: state
            for at, state in found.items()
            if state is not None and marks[at] not in self._outcomes
        }

    def sending(
        self,
        rows: Mapping[int, str],
        again: Sequence[int] = (),
        whose: Sequence[str] = (),
        instead: Mapping[int, Sequence[str]] = _NONE,
    ) -> None:
        """
        Note that rows are about to be sent; it is on the disk when this returns.

        Parameters
        ----------
        rows : mapping of int to str
            By their positions.
        again : sequence of int
            Those whose earlier outcome this one replaces.
        whose : sequence of str, optional
            What each row is of, which is not to have two.
        instead : mapping of int to sequence of str, optional
            By position, rows that were sent before and that this one corrects.
        """
        self._number += 1
        places = [*rows]
        entry = {
            "sending": self._number,
            "at": _now(),
            "first": places[0],
            "last": places[-1],
            "rows": [self._mark(row) for row in rows.values()],
            "again": [n for n, place in enumerate(places) if place in again],
        }
        if whose:
            entry["whose"] = [self._mark(one) for one in whose]
        if corrected := {
            str(number): [self._mark(row) for row in instead[place]]
            for number, place in enumerate(places)
            if place in instead
        }:
            entry["instead"] = corrected
        self._write(entry)

    def answered(self, outcomes: Sequence[Outcome]) -> None:
        """Note what became of the rows that were noted last."""
        told: dict[str, Any] = {
            state: {} for state in (CREATED, REJECTED, UNCERTAIN, UNSENT)
        }
        for number, outcome in enumerate(outcomes):
            told[outcome.state][str(number)] = {
                CREATED: (outcome.record or {}).get("id"),
                REJECTED: [(error.code, error.field) for error in outcome.errors],
            }.get(outcome.state)
        self._write({"answered": self._number, "at": _now(), **told})

    def _open(self, subject: str) -> None:
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
            self._file = os.open(self.path, flags, 0o600)
            content = self.path.read_bytes()
        except OSError as fault:
            raise self._fault(str(fault), "journal_unwritable") from None
        try:
            self._take_up(content, subject)
        except BaseException:
            os.close(self._file)
            raise

    def _take_up(self, content: bytes, subject: str) -> None:
        *whole, torn = content.split(b"\n")
        if not whole and torn[: len(_BEGINNING)] != _BEGINNING[: len(torn)]:
            whole, torn = [torn], b""  # no journal begins so
        try:
            entries = [json.loads(line) for line in whole]
            head = entries[0] if entries else self._head(subject)
            self._salt = bytes.fromhex(head["salt"])
            is_ours = head["journal"] == _VERSION
            is_same = head["subject"] == self._mark(subject)
            self._replay(entries[1:])
        except _ODD:
            why = "it is no journal, or is damaged"
            raise self._fault(why, "journal_damaged") from None
        if not (is_ours and (is_same or not self._outcomes)):
            why = "it is of something else that was sent, or to another place"
            raise self._fault(why, "journal_of_another")
        if not is_same:  # where nothing came of what was tried, as by a wrong id
            os.ftruncate(self._file, 0)
            torn, entries, head = b"", [], self._head(subject)
        if torn:
            # What was being written when somebody died was never acted upon. Of a
            # file that is no journal, nothing is cut off.
            os.ftruncate(self._file, len(content) - len(torn))
        if not entries:
            self._write(head)

    def _head(self, subject: str) -> dict[str, Any]:
        self._salt = secrets.token_bytes(16)
        mark = self._mark(subject)
        return {"journal": _VERSION, "salt": self._salt.hex(), "subject": mark}

    def _replay(self, entries: Sequence[Mapping[str, Any]]) -> None:
        answers = {entry["answered"]: entry for entry in entries if "answered" in entry}
        for entry in entries:
            if "sending" not in entry:
                _ = entry["answered"]  # there is nothing else
                continue
            self._number = max(self._number, entry["sending"])
            answer = answers.get(entry["sending"])
            self._chunks.append(entry["rows"])
            marked = [*entry["rows"], *entry.get("whose", ())]
            if not all(isinstance(mark, str) for mark in marked):
                raise TypeError
            if "whose" in entry:
                self._whose |= zip(entry["rows"], entry["whose"], strict=True)
            for number, mark in enumerate(entry["rows"]):
                corrected = {*entry.get("instead", {}).get(str(number), ())}
                is_again = number in entry["again"]
                outcome = _read(answer, str(number))
                self._note(mark, outcome, corrected, is_again=is_again)

    def _note(
        self, mark: str, outcome: Outcome, corrected: set[str], *, is_again: bool
    ) -> None:
        """Note what became of a row, and so of those that it corrected."""
        corrected |= self._unsent.pop(mark, set())
        if outcome.state == UNSENT:
            self._unsent[mark] = corrected  # whoever sends it next
            return
        if is_again:
            corrected |= self._settle(mark)
        for before in [*corrected]:
            corrected |= self._settle(before)
        corrected.discard(mark)
        for one in (mark, *corrected):
            self._outcomes[one].append(outcome)
            if outcome.state == UNCERTAIN:
                self._open_ones.add(one)
        self._corrected[id(outcome)] = corrected

    def _settle(self, mark: str) -> set[str]:
        """
        Forget what another outcome takes the place of: of rows alike, of one.

        Give the rows that it had corrected, of which it is forgotten, too.
        """
        others = [o for o in self._outcomes[mark] if o.state != CREATED]
        if not others:
            return set()
        # Which of them it was is not known; what is uncertain stays so.
        old = min(others, key=lambda o: o.state == UNCERTAIN)
        if self._is_of(mark, old):
            self._forget(mark, old)
            self._corrected[id(old)].remove(mark)
            return set()
        corrected = self._corrected.pop(id(old), set())
        for one in (mark, *corrected):
            self._forget(one, old)
        return corrected

    def _forget(self, mark: str, outcome: Outcome) -> None:
        self._outcomes[mark] = [o for o in self._outcomes[mark] if o is not outcome]

    def _mark(self, text: str) -> str:
        return hashlib.sha256(self._salt + text.encode()).hexdigest()[:32]

    def _write(self, entry: Mapping[str, Any]) -> None:
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        try:
            while line:
                line = line[os.write(self._file, line) :]
            os.fsync(self._file)
        except OSError as fault:
            raise self._fault(str(fault), "journal_unwritable") from None

    def _fault(self, why: str, code: str) -> StoreError:
        return StoreError(
            f"the journal {self.path} cannot be used",
            why=f"{why[:1].upper()}{why[1:]}.",
            advice=_ADVICE.get(code, "Name another file."),
            code=code,
        )


def _read(answer: Mapping[str, Any] | None, number: str) -> Outcome:
    if answer is None or number in answer[UNCERTAIN]:
        return Outcome(UNCERTAIN)
    if number in answer[CREATED]:
        return Outcome(CREATED, record={"id": answer[CREATED][number]})
    if number in answer[REJECTED]:
        told = answer[REJECTED][number]
        return Outcome(
            REJECTED, tuple(RowError(code, field, EARLIER) for code, field in told)
        )
    _ = answer[UNSENT][number]
    return Outcome(UNSENT)


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
