"""What the lines of a journal tell of each row, whoever sends it next."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from typing import Any

from .outcomes import CREATED, REJECTED, UNCERTAIN, UNSENT, Outcome, RowError

EARLIER = "told in an earlier run"


class Ledger:
    """What is known of rows, by their marks; of rows alike, of each of them."""

    def __init__(self) -> None:
        self._outcomes: dict[str, list[Outcome]] = defaultdict(list)
        # By the id() of an outcome, each of which is an object of its own.
        self._corrected: dict[int, set[str]] = {}
        self._unsent: dict[str, set[str]] = {}
        self._open_ones: set[str] = set()
        self._whose: dict[str, str] = {}
        self._chunks: list[list[str]] = []

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known."""
        return not self._outcomes

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
        marks = [*beside, *rows]
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
        return [at for at, row in enumerate(rows) if row in self._open_ones]

    def beside(self, rows: Sequence[str]) -> Counter[str]:
        """Count by state what is known of other rows than these."""
        ours = {*rows}
        return Counter(
            outcome.state
            for mark, told in self._outcomes.items()
            for outcome in told
            if mark not in ours and not self._is_of(mark, outcome)
        )

    def paid_beside(self, rows: Sequence[str], whose: Sequence[str]) -> int:
        """Count those of whom other rows than these were created, too."""
        ours, wanted = {*rows}, {*whose}
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
        ours = {*rows}
        gone: dict[str | None, str] = {}
        for chunk in self._chunks:
            states = (UNCERTAIN,) if ours.isdisjoint(chunk) else (UNCERTAIN, CREATED)
            gone |= {
                self._whose.get(mark): outcome.state
                for mark in {*chunk} - ours
                for outcome in self._outcomes.get(mark, ())
                if outcome.state in states
            }
        found = {at: gone.get(one) for at, one in enumerate(whose)}
        return {
            at: state
            for at, state in found.items()
            if state is not None and rows[at] not in self._outcomes
        }

    def take(self, entries: Sequence[Mapping[str, Any]]) -> int:
        """
        Take over the lines of a journal, and give the number of its last request.

        Raises
        ------
        LookupError, TypeError, ValueError, AttributeError
            They are none, or one of them is missing.
        """
        last = 0
        answers = {entry["answered"]: entry for entry in entries if "answered" in entry}
        for entry in entries:
            if "sending" not in entry:
                _ = entry["answered"]  # there is nothing else
                continue
            last = max(last, entry["sending"])
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
        return last

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
