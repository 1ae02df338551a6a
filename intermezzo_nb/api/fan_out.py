"""Each of many employees asked: what they have, who has nothing, and whose failed."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from ..errors import ApiError, NetworkError, NotFound
from ..quoting import plain
from .answers import Answer
from .failures import ABOUT_SOME, Failures, Owner
from .following import ListChanged
from .page import NOTHING, Page, whole
from .place import Bookmark, Gap, Standing
from .progress import plural
from .rows import Rows
from .tally import Question, Tally

_LONGEST = 120  # characters of the API's words


class FanOut(Struct):
    """
    The employees that a reading asks, one by one, and what became of each.

    Parameters
    ----------
    groups : iterable of tuple of Owner
        In the order of their records. Where a limit may end the reading early, a group
        is listed when it is its turn.
    failures : Failures
        Whose records could not be read.
    are_from_list : bool
        Whether the API lists them, so that it is known that there are such employees.
    wanted : tuple of str or None
        The ids that were asked for; None for all that it lists.
    may_be_absent : bool
        Whether the documentation says that somebody may have no such record.
    number : int or None
        How many they are; None where they are listed as they are asked.
    nowhere : int
        How many others were asked for, whom no list names.
    expects_some : bool
        Whether it would be odd if none of them had such a record.

    Attributes
    ----------
    listed : int or None
        How many they are where they are listed as they are asked, once all are.
    done : int
        How many of them are read.
    gaps : list of Gap
        Those among them who failed.
    again : deque of Gap
        Those who failed in an earlier reading, and are asked before all others.
    """

    groups: Iterable[tuple[Owner, ...]]
    failures: Failures
    are_from_list: bool
    wanted: tuple[str, ...] | None
    may_be_absent: bool
    number: int | None = None
    nowhere: int = 0
    expects_some: bool = False
    listed: int | None = None
    done: int = 0
    gaps: list[Gap] = field(default_factory=list)
    again: deque[Gap] = field(default_factory=deque)
    _unknown: int = 0
    _absent: dict[int, Owner] = field(default_factory=dict)
    _earlier: int = 0
    _mark: Any = field(default_factory=hashlib.sha256)

    def each(self, expect: Callable[[Sequence[Owner]], None]) -> Iterator[Owner]:
        """Give them in turn; ``expect`` is told of those whose turn comes next."""
        for group in self.groups:
            expect(group)
            yield from group

    def ask(
        self, owner: Owner, rows_of: Callable[[Owner], Rows], so_far: int
    ) -> Rows | None:
        """
        Give the rows of one of them; None where they could not be read.

        Parameters
        ----------
        so_far : int
            Rows given before, by earlier readings too.

        Raises
        ------
        ApiError, NetworkError
            What has failed concerns everybody.
        """
        rows: Rows | None
        place = Gap(self.done, so_far)
        if is_again := bool(self.again):
            place = self._moved(self.again.popleft(), so_far)
            self.failures.good()  # that they all failed before says nothing new
        try:
            rows = rows_of(owner)
            self.failures.good()
            if not rows.seen:
                self._absent[place.at] = owner
        except ABOUT_SOME as error:
            rows = self._miss(owner, error, place)
        if not is_again:
            self._count(owner)
        return rows

    def standing(self, at_end: Bookmark) -> Standing | None:
        """Tell how far it is; None where it cannot be taken up there."""
        if self.number is None:
            return None
        known = replace(
            at_end,
            asked=self.done,
            mark=self._mark.hexdigest(),
            without=tuple(sorted(self._absent)),
            gaps=(*self.gaps, *(self._moved(g, at_end.rows) for g in self.again)),
        )
        return Standing(known)

    def go_on_after(self, bookmark: Bookmark) -> None:
        """
        Leave out those who were asked before, and ask those again who failed.

        Raises
        ------
        ListChanged
            They are not the first of those who are to be asked now.
        """
        owners = chain.from_iterable(self.groups)
        asked = [*islice(owners, bookmark.asked)]
        for owner in asked:
            self._count(owner)
        if self._mark.hexdigest() != bookmark.mark:
            raise ListChanged
        self.groups = [tuple(asked[gap.at] for gap in bookmark.gaps), tuple(owners)]
        self.again, self._earlier = deque(bookmark.gaps), bookmark.rows
        self._absent = {position: asked[position] for position in bookmark.without}
        self.failures.good()

    def end(self, label: str) -> Iterator[str]:
        """
        Judge all of them, and tell what is in doubt.

        Raises
        ------
        ApiError, NetworkError
            Each has failed, and in the same way.
        """
        self.failures.end()
        if self.expects_some and self.done and self._unknown == self.done:
            yield (
                f"{label}: each employee was answered with HTTP 404, so that may be "
                "due to the address or the organization"
            )

    @property
    def without(self) -> list[Owner]:
        """For whom there is no such record, or none on that day."""
        return [self._absent[at] for at in sorted(self._absent)]

    @property
    def is_through(self) -> bool:
        """Whether it is known, without one more request, that nobody is left."""
        return self.done == (self.listed if self.number is None else self.number)

    @property
    def asked_for(self) -> int:
        """How many were to be asked, those among them who cannot be found."""
        return (self.done if self.number is None else self.number) + self.nowhere

    def _miss(
        self, owner: Owner, error: ApiError | NetworkError, place: Gap
    ) -> Rows | None:
        if isinstance(error, NotFound) and self.are_from_list and not error.in_doubt:
            # There is such an employee, so it is the record that there is not.
            self._absent[place.at] = owner
            self._unknown += not self.may_be_absent
            self.failures.good()
            return Rows([], 0, is_cut=False, said=error.said)
        self.failures.add(owner, error)
        self.gaps.append(place)
        return None

    def _moved(self, gap: Gap, so_far: int) -> Gap:
        """Give an earlier gap where it is, now that others before it are filled."""
        return Gap(gap.at, gap.rows + so_far - self._earlier)

    def _count(self, owner: Owner) -> None:
        self._mark.update(json.dumps(owner).encode())
        self.done += 1


def absences(
    label: str, without: Sequence[Owner], asked: int, said: str
) -> Iterator[str]:
    """Tell how many employees have none of what is asked for, and what is said."""
    if without:
        employees = plural(len(without), "employee")
        of_one = " of one of them" if len(without) > 1 else ""
        words = f" (the API said{of_one}: {plain(said, _LONGEST)})" if said else ""
        yield f"no {label} of {employees} of {asked:,}{words}"


def or_nothing(pages: Iterator[Page], is_known: Callable[[], bool]) -> Iterator[Page]:
    """
    Give the pages of an employee; an empty one where it is the record that is missing.

    Parameters
    ----------
    is_known : callable
        Tells whether there is such an employee; asked after a 404 alone, and not where
        that is about something else.
    """
    try:
        first = next(pages)
    except NotFound as error:
        if error.in_doubt or not is_known():
            raise
        yield replace(NOTHING, said=error.said)
        return
    yield first
    yield from pages


def whole_list(
    walk: Callable[[Callable[[Question], Answer]], Iterator[Page]], tally: Tally
) -> Page:
    """
    Give a whole list as one page, in whatever thread.

    Parameters
    ----------
    walk : callable
        Gives the pages of the list, given what fetches an answer.
    tally : Tally
        Sends the requests; one was foreseen.
    """
    asked = 0

    def fetch(question: Question) -> Answer:
        nonlocal asked
        asked += 1
        if asked > 1:
            tally.plan_more()
        return tally.fetch(question)

    return whole([*walk(fetch)])
