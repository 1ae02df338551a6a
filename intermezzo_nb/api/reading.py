"""The records of a resource, page after page, and how far their reading is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from msgspec.structs import replace

from ..advice import named_by_place
from ..errors import NotFound
from .ahead import Ahead
from .answers import Answer, read_json
from .catalogue.terms import EMPLOYEE
from .client import Api
from .extent import Extent
from .failures import ABOUT_SOME, Failures, Owner
from .fan_out import FanOut, or_nothing, whole_list
from .lists import pages_of_list
from .page import LARGEST, Page, whole
from .page_reader import PageReader
from .place import Bookmark, Standing, Stretch
from .progress import Progress, finish
from .query import Query
from .rows import Rows, Sieve
from .shaping import Record
from .tally import Question, Tally
from .transport import AT_ONCE

_CHANGED = "the list changed meanwhile, so it is read once more"


class Reading:
    """
    One reading of a resource, in batches of records.

    Where ``employees`` are given, each of them is asked, several at once, and their
    records come in the order of the employees. What fails for one of many owners is
    listed, and the others are read. After the reading has ended, the attributes tell
    how it went.

    Parameters
    ----------
    progress : callable
        Told after each answer, and of each wait; in the thread that reads, or while
        that waits for an answer.
    max_requests : int or None
        Where more are needed, it is an error, as soon as that is known.
    announces : bool
        Whether many requests are told of before they are sent.
    within : Tally, optional
        Of the reading that needs this one on its way.
    load : callable, optional
        Called while the first answer is on its way, to load what will be needed.
    """

    def __init__(
        self,
        api: Api,
        query: Query,
        *,
        progress: Callable[[Progress], None] = lambda _: None,
        max_requests: int | None = None,
        announces: bool = True,
        within: Tally | None = None,
        load: Callable[[], object] | None = None,
    ) -> None:
        self.query, self._api, self._progress = query, api, progress
        self.load = load
        self.extent = Extent(query)
        self.employees: FanOut | None = None
        self._sieve = Sieve(query, self.extent.here)
        self.tally = Tally(
            api.ask,
            query,
            get_ready=api.get_ready,
            most=query.max_requests or max_requests,
            tell=self.tell_wait,
            announces=announces,
            within=within,
        )
        self.rows = self.seen = 0
        self._total: int | None = 0
        self._total_here: int | None = None
        self.notes: list[str] = []
        """Why not all rows are here, apart from failures."""
        self.is_short = False
        """Whether rows of a list did not come, by what the server says."""
        self.hints = list(query.odd_values())
        self.of_organizations = Failures("organization", strict=query.strict)
        self.said = ""
        """The API's words on the first record that is not there."""
        self.complete = False
        self.explain: Callable[[NotFound], NotFound] = lambda error: error
        """Gives the error that says more of what was not found."""
        self.page: int | None = None
        """The page that the last batch is of; None where that is not certain."""
        self.only: Stretch | None = None
        """What alone is read, of all that is asked for; None for all."""
        self._earlier: Bookmark | None = None
        self._last: tuple[str, Page] | None = None
        self._read: Callable[[bytes], Any] = read_json

    @property
    def requests(self) -> int:
        """How many were sent, each counted once however often it was repeated."""
        return self.tally.requests

    @property
    def total(self) -> int | None:
        """Rows of all that is asked; None where one of the owners does not tell."""
        return None if self.employees and self.employees.gaps else self._counted

    @property
    def failures(self) -> list[dict[str, Any]]:
        """What failed, one object for each owner."""
        of_employees = self.employees.failures.listed if self.employees else ()
        return [*self.of_organizations.listed, *of_employees]

    def doubts(self) -> Iterator[str]:
        """Tell what versions do not follow one another."""
        return self._sieve.doubts()

    def standing(self) -> Standing | None:
        """Tell how far the reading is; None where it cannot be taken up there."""
        at_end = Bookmark(
            self._last[0] if self._last else "",
            None,
            rows=self.rows,
            seen=self.seen,
            total=self._counted,
            notes=tuple(self.notes),
            complete=self.complete,
            doubts=self._sieve.doubtful,
            strays={**self._sieve.strays},
            said=self.said,
        )
        if self.employees is not None:
            # Who failed did not count for the limit, and would be too many later.
            is_short = self.query.limit is not None and self.employees.gaps
            return None if is_short else self.employees.standing(at_end)
        return Standing(at_end, self._last[1], self._total) if self._last else None

    def go_on_after(self, bookmark: Bookmark) -> None:
        """
        Begin where an earlier reading was left.

        Raises
        ------
        ListChanged
            Other employees are to be asked than those who were.
        """
        if self.employees is not None:
            self.employees.go_on_after(bookmark)
            left = (self.employees.number or 0) - bookmark.asked
            self.tally.foresee(left + len(bookmark.gaps))
        self._earlier = bookmark
        self.rows, self.seen = bookmark.rows, bookmark.seen
        self._total, self._total_here = bookmark.total, 0
        # What the lists of whom to ask lack is known by now, of this time.
        new = [note for note in self.notes if note not in bookmark.notes]
        self.notes, self.said = [*new, *bookmark.notes], bookmark.said
        self.complete = bookmark.complete
        self._sieve.doubtful = bookmark.doubts
        self._sieve.strays.update(bookmark.strays)

    def first_page(self, owner: str) -> Page:
        """Give the first page of an owner's list, in the largest size there is."""
        return next(self._walk(Owner(owner), self.tally.fetch))

    def batches(self, *, alike: bool = False) -> Iterator[list[Any]]:
        """
        Give the records of each answer, shaped, filtered and cut at the limit.

        First come those of employees who failed before, one by one, where the reading
        goes on after an earlier one.

        Parameters
        ----------
        alike : bool
            Whether they may be :class:`Alike` in place of objects.
        """
        self._read = read_json
        if alike and self._sieve.takes_alike and self.employees is None:
            filled = self.extent.added(Owner())
            self._read = PageReader(self.query.resource, filled).read
        self.tally.begin()
        many = self.employees
        ahead = Ahead(
            self._whole_of if many else self.tally.fetch,
            at_once=AT_ONCE,
            meanwhile=self.tally.tell_meanwhile,
            load=self.load,
        )
        try:
            self._tell()
            with named_by_place(self._api.places):
                yield from self._of_each(many, ahead) if many else self._of_all(ahead)
        except NotFound as error:
            raise self.explain(error) from None
        finally:
            ahead.close()
            finish(self._progress)

    def _of_all(self, ahead: Ahead) -> Iterator[list[Any]]:
        owners = self.extent.owners
        for owner in self._left_of(owners):
            is_last_owner = owner == owners[-1]
            is_only_one = len(owners) == 1
            try:
                for page in self._pages(owner, ahead):
                    rows = self._rows_of(page, owner)
                    self.said = self.said or rows.said
                    is_end = page.following is None and is_last_owner
                    self.complete = is_end and not rows.is_cut and self.is_whole
                    self._last = owner.organization, page
                    self.page = page.number if is_only_one else None
                    self._tell()
                    yield rows.kept
                    if self._has_enough:
                        self._total = self._total if is_last_owner else None
                        return
                self.of_organizations.good()
            except ABOUT_SOME as error:
                if len(owners) == 1:
                    raise
                self.of_organizations.add(owner, error)
                self._total = None
            self._count_total()
        self.of_organizations.end()
        if not owners:
            self.complete = self.is_whole
            yield []

    def _left_of(self, owners: list[Owner]) -> list[Owner]:
        if self.only is not None:
            return [Owner(self.only.owner)]
        earlier = self._earlier
        done = earlier.done_of([o.organization for o in owners]) if earlier else 0
        return owners[done:]

    def _of_each(self, employees: FanOut, ahead: Ahead) -> Iterator[list[Record]]:
        def rows_of(owner: Owner) -> Rows:
            return self._rows_of(ahead.take(owner), owner)

        had_enough = self._has_enough
        if had_enough:  # by an earlier reading, which knows of the others
            yield []
            return
        gathered: list[Record] = []
        is_cut = False
        self._total_here = 0  # so it is where somebody has none
        for owner in employees.each(ahead.expect):
            is_again = bool(employees.again)
            rows = employees.ask(owner, rows_of, self.rows)
            self._count_total()
            self._tell()
            gathered += rows.kept if rows else ()
            self.said = self.said or (rows.said if rows else "")
            if self._has_enough:
                is_through = employees.is_through
                is_cut = bool(rows and rows.is_cut) or not is_through
                self._total = self._total if is_through else None
                break
            if len(gathered) >= LARGEST or is_again:
                yield gathered
                gathered = []
        self.notes += employees.end(self.query.label)
        self.complete = self.is_whole and not is_cut
        yield gathered

    @property
    def _has_enough(self) -> bool:
        return self.query.limit is not None and self.rows >= self.query.limit

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing, apart from what a limit cuts."""
        return not (self.notes or self.failures)

    @property
    def _counted(self) -> int | None:
        if self._total is None or self._total_here is None:
            return None
        return self._total + self._total_here

    def _count_total(self) -> None:
        self._total, self._total_here = self._counted, 0

    def _rows_of(self, page: Page, owner: Owner) -> Rows:
        self.is_short |= page.is_short
        self._total_here = page.total
        if self.extent.is_told_apart and not self.employees:
            self.notes += [f"{note} ({owner.organization})" for note in page.notes]
        else:
            # What is so for each of thousands is told once.
            self.notes += [note for note in page.notes if note not in self.notes]
        limit = self.query.limit
        most = None if limit is None else limit - self.rows
        rows = self._sieve.rows_of(page, self.extent.added(owner), most)
        self.seen += rows.seen
        self.rows += len(rows.kept)
        return rows

    @property
    def counts_rows(self) -> bool:
        """Whether the server's total counts what becomes a row here."""
        return self._sieve.keeps_all

    def _whole_of(self, owner: Owner) -> Page:
        return whole_list(lambda take: self._walk(owner, take), self.tally)

    def _pages(self, owner: Owner, ahead: Ahead) -> Iterator[Page]:
        def expect(many: Iterable[Question], count: int) -> None:
            is_last = owner == self.extent.owners[-1]
            self.tally.foresee(count, are_all=is_last, is_least=not is_last)
            ahead.expect(many)

        pages = self._walk(owner, ahead.take, expect)
        if self.query.takes_all_versions:
            # Which version counts is known when all of them are.
            yield whole([*pages])
        else:
            yield from pages

    def _walk(
        self,
        owner: Owner,
        take: Callable[[Question], Answer],
        expect: Callable[[Iterable[Question], int], None] = lambda _many, _count: None,
    ) -> Iterator[Page]:
        limit, earlier = self.query.limit, self._earlier
        is_bound = limit is not None and self.counts_rows
        place = earlier.place_in(owner.organization) if earlier else None
        pages = pages_of_list(
            self.query,
            self.extent.question(owner),
            lambda question: partial(take(question), self._read),
            begin=self.only or place,
            changed=lambda: self.tally.tell_wait(0, _CHANGED),
            expect=expect,
            wanted=max(0, (limit or 0) - self.rows) if is_bound else None,
            styles=self._api.styles,
        )
        is_named = bool(self.extent.only_employee or owner.employee) and not (
            self.employees and self.employees.are_from_list
        )
        return or_nothing(pages, lambda: self._is_known(owner)) if is_named else pages

    def _is_known(self, owner: Owner) -> bool:
        self.tally.plan_more()
        try:
            self.tally.fetch((EMPLOYEE.format(**self.extent.inside(owner)), {}))()
        except ABOUT_SOME:
            return False
        return True

    def _tell(self) -> None:
        self._progress(self._progress_now())

    def tell_wait(self, seconds: float, reason: str) -> None:
        """Tell that the reading stands still, and why."""
        waiting = f"{reason}: {math.ceil(seconds)} s" if seconds else reason
        self._progress(replace(self._progress_now(), waiting=waiting))

    def tell_step(self, now: Progress) -> None:
        """Tell how far a list is that is needed first."""
        self._progress(replace(now, resource=self.query.label, step=now.resource))

    def _progress_now(self) -> Progress:
        employees = self.employees
        return Progress(
            self.query.label,
            self.requests,
            self.rows,
            None if employees else self.total,
            self.tally.seconds,
            planned=self.tally.planned,
            slowed_to=self._api.rate,
            employees=employees.done if employees else 0,
            of_employees=employees.number if employees else None,
        )
