"""What the lines of a journal tell of each row, whoever sends it next."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from .cases import Case, Row
from .outcomes import CREATED, REJECTED, UNCERTAIN, UNSENT, Outcome, RowError

EARLIER = "told in an earlier run; a journal keeps no words"
_LATER = "another row of its label was sent later: it may be this one, corrected"
_ALIKE = "a row that says the same was created: it may be this one"
_OTHERWISE = {
    CREATED: "it was created with other values, which it had when it was sent last",
    UNCERTAIN: "it had other values when it was sent last: look for those, too",
}
_MAY_BE_THERE = (CREATED, UNCERTAIN)


class Ledger:
    """What is known of rows by what they say and whose they are; of each its case."""

    def __init__(self) -> None:
        # In order, as a list has them, and quick to find among many alike.
        self._by_mark: dict[str, dict[Case, None]] = defaultdict(dict)
        self._by_whose: dict[str, list[Case]] = defaultdict(list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known."""
        return not self._by_mark

    def recalled(self, rows: Sequence[Row], settled: Sequence[Row]) -> list[Outcome]:
        """
        Give what earlier runs know of each row; unsent where they know nothing.

        Parameters
        ----------
        settled : sequence of Row
            Those of which this session has told something, as they were last: these
            rows among them, and others that may be alike.
        """
        found, taken = self._found(rows, settled)
        marks = {case.mark for case in found if case}
        spare = {mark for mark in marks if not taken.issuperset(self._created(mark))}
        return [
            self._told(row, case, taken, spare) if case else Outcome(UNSENT)
            for row, case in zip(rows, found, strict=True)
        ]

    def _found(
        self, rows: Sequence[Row], settled: Sequence[Row]
    ) -> tuple[list[Case | None], set[Case]]:
        """
        Take for each row a case, and none twice; give them, and all that are taken.

        What is settled has its cases first: so a row keeps the one that was told of it,
        in whatever parts the rows of a table are sent again.
        """
        taken: set[Case] = set()
        told = self._matched(settled, taken)
        had = {r.whose: case for r, case in zip(settled, told, strict=True) if case}
        found = [had.pop(row.whose, None) for row in rows]  # 1 and "1" are told as one
        new = dict[int, Row]()
        for at, (row, case) in enumerate(zip(rows, found, strict=True)):
            if case is None:
                new[at] = row
            elif row.mark not in case.said:
                new[at] = row._replace(before=())  # what it was is taken
        matched = self._matched([*new.values()], taken)
        for at, case in zip(new, matched, strict=True):
            found[at] = case
        return found, taken

    def _matched(self, rows: Sequence[Row], taken: set[Case]) -> list[Case | None]:
        """Take for each row a case: by its label first, and what was said last."""
        shelves = self._shelves(rows)
        found: list[Case | None] = [None] * len(rows)
        for has_label in (True, False):
            for is_last in (True, False):
                missing = [at for at, case in enumerate(found) if case is None]
                # Where A was corrected to B, the row that says B comes first: else it
                # would have no case, and be sent again.
                kept = {rows[at].mark for at in missing} if not is_last else set()
                for at in missing:
                    whose = rows[at].whose if has_label else None
                    shelf = shelves[is_last, rows[at].mark, whose]
                    while shelf and shelf[0] in taken:
                        shelf.popleft()
                    free = (c for c in shelf if c not in taken and c.mark not in kept)
                    if (case := next(free, None)) is not None:
                        found[at] = case
                        taken.add(case)
            # What a row takes the place of is no other's.
            for at, row in enumerate(rows) if has_label else ():
                if found[at] is None and row.before:
                    taken.update(self._meant(row, row.before))
        return found

    def _shelves(
        self, rows: Sequence[Row]
    ) -> dict[tuple[bool, str, str | None], deque[Case]]:
        """
        Order the cases of these rows, the created ones first.

        By whether it was said last, by what was said, and by the label or None.
        """
        shelves: dict[tuple[bool, str, str | None], deque[Case]] = defaultdict(deque)
        marks = dict.fromkeys(row.mark for row in rows)
        known = dict.fromkeys(c for mark in marks for c in self._known(mark))
        for case in sorted(known, key=lambda case: not case.is_created):
            for mark in case.said:
                for whose in (case.whose, None):
                    shelves[mark == case.mark, mark, whose].append(case)
        return shelves

    def _told(self, row: Row, case: Case, taken: set[Case], spare: set[str]) -> Outcome:
        """Give the outcome of a case: uncertain, if another may be the same row."""
        state, errors = case.outcome.state, case.outcome.errors
        if state in _OTHERWISE and row.mark != case.mark:
            told = RowError(message=_OTHERWISE[state])
            return replace(case.outcome, errors=(*errors, told))
        if state != REJECTED:
            return case.outcome
        if not taken.issuperset(self._later(case)):
            why = _LATER
        elif case.mark in spare:
            why = _ALIKE
        else:
            return case.outcome
        return Outcome(UNCERTAIN, (*errors, RowError(message=why)))

    def _later(self, case: Case) -> list[Case]:
        """Give those of the same label that were sent later, and may be there."""
        return [
            other
            for other in self._by_whose[case.whose]
            if other.turn > case.turn and other.outcome.state in _MAY_BE_THERE
        ]

    def _created(self, mark: str) -> list[Case]:
        """Give those that were created as this."""
        return [c for c in self._known(mark) if c.is_created and c.mark == mark]

    def doubtful(self, marks: Sequence[str]) -> list[int]:
        """Give the positions of the rows of which an earlier attempt is unanswered."""
        was_open = {
            mark: any(case.was_open for case in self._known(mark)) for mark in {*marks}
        }
        return [at for at, mark in enumerate(marks) if was_open[mark]]

    def beside(self, marks: Sequence[str]) -> Counter[str]:
        """Count by state what is known of other rows than these."""
        return Counter(case.outcome.state for case in self._others({*marks}))

    def paid_beside(self, marks: Sequence[str], whose: Sequence[str]) -> list[int]:
        """Give the places of those of whom other rows than these were created, too."""
        paid = {case.whose for case in self._others({*marks}) if case.is_created}
        return [at for at, one in enumerate(whose) if one in paid]

    def changed(self, rows: Sequence[Row], settled: Sequence[Row]) -> dict[int, str]:
        """
        Give the positions of rows that are not known, of whom another was sent.

        That other one has the label, or was to be corrected to just this; it was
        created or is uncertain, and is none of these rows; or it has the label and has
        said just this, and another row was found to be it. Where the label is another
        row's now, as in a table that was sorted, it may be any that is none of these.

        Returns
        -------
        dict of int to str
            The state of the other one.
        """
        found, taken = self._found(rows, settled)
        return {
            at: other.outcome.state
            for at, case in enumerate(found)
            for other in (() if case else self._near(rows[at], taken, settled))
            if other.outcome.state in _MAY_BE_THERE
            and (other not in taken or _is_of(rows[at], other))
        }

    def _near(
        self, row: Row, taken: set[Case], settled: Sequence[Row]
    ) -> Iterator[Case]:
        own = self._by_whose.get(row.whose, ())
        yield from own
        cases = self._by_mark.get(row.mark, {})
        yield from (case for case in cases if row.mark in case.planned)
        if own and taken.issuperset(own) and not settled:
            yield from self._others(set())

    def take(self, entries: Sequence[Mapping[str, Any]]) -> int:
        """
        Take over the lines of a journal, and give the number of its last request.

        Raises
        ------
        LookupError, TypeError, ValueError, AttributeError
            They are none, or some of them are missing.
        """
        answers = {entry["answered"]: entry for entry in entries if "answered" in entry}
        requests = [entry for entry in entries if "answered" not in entry]
        numbers = [entry["sending"] for entry in requests]
        # Else lines are lost, or those of two journals, and answers to others.
        if numbers != [*range(1, len(numbers) + 1)] or not {*answers} <= {*numbers}:
            raise ValueError
        for number, entry in zip(numbers, requests, strict=True):
            self._take(entry, answers.get(number))
        return len(numbers)

    def _take(self, entry: Mapping[str, Any], answer: Mapping[str, Any] | None) -> None:
        before = entry.get("before", {})
        if not {*before} <= {*map(str, range(len(entry["rows"])))}:
            raise ValueError
        rows = [
            Row(mark, whose, tuple(before.get(str(number), ())))
            for number, (mark, whose) in enumerate(
                zip(entry["rows"], entry["whose"], strict=True)
            )
        ]
        is_listed = isinstance(entry["rows"], list) and isinstance(entry["whose"], list)
        marks = [mark for row in rows for mark in (row.mark, row.whose, *row.before)]
        if not (is_listed and all(isinstance(mark, str) for mark in marks)):
            raise TypeError
        again = {*entry["again"]}
        for number, row in enumerate(rows):
            outcome = _read(answer, str(number))
            own = (row.mark,) if number in again else ()
            cases = self._meant(row, (*row.before, *own))
            if outcome.state == UNSENT:
                for case in cases:
                    self._enter(row.mark, case, case.planned)
                continue
            if entry.get("found") and cases:
                same = self._later(cases[0])
                if not same and cases[0].outcome.state == REJECTED:
                    same = self._created(row.mark)[:1]
                cases += same
            case = self._united(cases) or Case(row.mark, row.whose, outcome)
            self._leave(case)
            case.mark, case.whose, case.outcome = row.mark, row.whose, outcome
            case.turn = entry["sending"]
            case.was_open |= outcome.state == UNCERTAIN
            self._by_whose[case.whose].append(case)
            self._enter(case.mark, case, case.said)

    def _meant(self, row: Row, before: Sequence[str]) -> list[Case]:
        """
        Give the cases, not created so far, that a row is of.

        Parameters
        ----------
        before : sequence of str
            What it takes the place of, if it is sent by a retry.
        """
        own = [
            case
            for case in self._by_whose.get(row.whose, ())
            if not case.is_created
            and (row.mark in case.planned or not case.said.isdisjoint(before))
        ]
        if own:
            return own
        alike = [c for one in before for c in self._known(one) if not c.is_created]
        # Which of rows alike it was is not known; what is uncertain stays so.
        return sorted(alike, key=lambda case: case.outcome.state == UNCERTAIN)[:1]

    def _united(self, cases: Iterable[Case]) -> Case | None:
        """Make one of cases that turn out to be the same row."""
        cases = [*dict.fromkeys(cases)]
        for other in cases[1:]:
            self._leave(other)
            for mark in other.said | other.planned:
                del self._by_mark[mark][other]
            for mark in other.said:
                self._enter(mark, cases[0], cases[0].said)
            for mark in other.planned:
                self._enter(mark, cases[0], cases[0].planned)
            cases[0].was_open |= other.was_open
        return cases[0] if cases else None

    def _enter(self, mark: str, case: Case, where: set[str]) -> None:
        where.add(mark)
        self._by_mark[mark][case] = None

    def _leave(self, case: Case) -> None:
        """Take a case from those of whom it was."""
        own = self._by_whose[case.whose]
        if case in own:
            own.remove(case)

    def _known(self, mark: str) -> list[Case]:
        return [case for case in self._by_mark.get(mark, {}) if mark in case.said]

    def _others(self, ours: set[str]) -> Iterable[Case]:
        """Give the cases that say something else than these rows."""
        return (
            case
            for cases in self._by_whose.values()
            for case in cases
            if case.mark not in ours
        )


def _is_of(row: Row, case: Case) -> bool:
    return case.whose == row.whose and row.mark in case.said


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
