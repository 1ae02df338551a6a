"""From the name of a resource to its records: what is asked, in which order."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..errors import ApiError, NetworkError, NotFound
from .ahead import Ahead
from .answers import Answer
from .client import Api
from .failures import ABOUT_SOME, Failures, Owner
from .lists import pages_of_list
from .page import LARGEST, Page, whole
from .place import Bookmark, Place, Stretch
from .progress import Progress, finish, plural
from .query import Query
from .schema import Column, Resource
from .shaping import Record, matching, shape
from .tally import Question, Tally
from .transport import AT_ONCE
from .validity import GAP, OVERLAP, Validity

_OWNER = Column("organizationId")


class Reading:
    """
    One reading of a resource, in batches of records.

    ``organizations`` are asked one after the other; none for what has no such owner.
    Where ``employees`` are given, each of them is asked, several at once, and their
    records come in the order of the employees. What fails for one of many owners is
    listed, and the others are read. After the reading has ended, the attributes tell
    how it went.

    Parameters
    ----------
    progress : callable
        Told after each answer, and of each wait; in the thread that reads.
    max_requests : int or None
        Where more are needed, it is an error, as soon as that is known.
    announces : bool
        Whether many requests are told of before they are sent.
    """

    def __init__(
        self,
        api: Api,
        query: Query,
        *,
        progress: Callable[[Progress], None] = lambda _: None,
        max_requests: int | None = None,
        announces: bool = True,
    ) -> None:
        self.query, self._api, self._progress = query, api, progress
        self._resource = query.resource
        self.organizations: tuple[str, ...] = ()
        self.employees: tuple[Owner, ...] | None = None
        self.are_from_list = False
        """Whether the employees are those that the API lists."""
        self.in_path, self.sent, self.here = query.sorted_filters()
        self.tally = Tally(
            api.ask,
            query,
            most=query.max_requests or max_requests,
            tell=self.tell_wait,
            announces=announces,
        )
        self.rows = self.seen = self._read_of = 0
        self._total: int | None = 0
        self._total_here: int | None = None
        self.notes: list[str] = []
        """Why not all rows are here, apart from failures."""
        self.hints = list(query.odd_values())
        self.of_organizations = Failures("organization", strict=query.strict)
        self.of_employees = Failures("employee", strict=query.strict)
        self.without: list[Owner] = []
        """Employees for whom there is no such record, or none on that day."""
        self._unknown = 0
        self._doubts = [0, 0]
        self.complete = False
        self.only: Stretch | None = None
        """What alone is read, of all that is asked for; None for all."""
        self._earlier: Bookmark | None = None
        self._last: tuple[str, Page] | None = None

    @property
    def resource(self) -> Resource | None:
        """The resource as it is read here, with the column that tells owners apart."""
        resource = self._resource
        several = len(self.organizations) > 1
        if resource is None or not several or resource.column("organizationId"):
            return resource
        return replace(resource, columns=(_OWNER, *resource.columns))

    @property
    def requests(self) -> int:
        """How many were sent, each counted once however often it was repeated."""
        return self.tally.requests

    @property
    def total(self) -> int | None:
        """Rows of all that is asked; None where one of the owners does not tell."""
        if self._total is None or self._total_here is None:
            return None
        return self._total + self._total_here

    @property
    def country(self) -> str:
        """The only country whose organizations have it; empty for all."""
        return self._resource.country if self._resource else ""

    @property
    def failures(self) -> list[dict[str, Any]]:
        """What failed, one object for each owner."""
        return [*self.of_organizations.listed, *self.of_employees.listed]

    @property
    def remarks(self) -> list[str]:
        """All that is to be told of what was read."""
        doubts = zip(self._doubts, (OVERLAP, GAP), strict=True)
        return [
            *self.hints,
            *self._absences(),
            *(t.format(count=f"{n:,}", what="employees") for n, t in doubts if n),
            *self.notes,
            *self.of_organizations.notes(len(self.organizations)),
            *self.of_employees.notes(len(self.employees or ())),
        ]

    def bookmark(self) -> Bookmark | None:
        """Tell where the reading can be taken up again; None where it cannot."""
        if self.employees is not None or self.query.takes_all_versions:
            return None
        if self._last is None:
            return self._earlier
        owner, page = self._last
        place = Place.after(page)
        if place is None and (page.following or page.upto is None):
            return None
        return Bookmark(
            owner,
            place,
            rows=self.rows,
            seen=self.seen,
            total=self._total if place else self.total,
            notes=tuple(self.notes),
            complete=self.complete,
        )

    def go_on_after(self, bookmark: Bookmark) -> None:
        """Begin where an earlier reading was left."""
        self._earlier = bookmark
        self.rows, self.seen = bookmark.rows, bookmark.seen
        self._total, self.notes = bookmark.total, [*bookmark.notes]
        self.complete = bookmark.complete

    def first_page(self, owner: str) -> Page:
        """Give the first page of an owner's list, in the largest size there is."""
        return next(self._walk(Owner(owner), self.tally.fetch))

    def batches(self) -> Iterator[list[Record]]:
        """Give the records of each answer, shaped, filtered and cut at the limit."""
        self.tally.begin()
        is_of_many = self.employees is not None
        ahead = Ahead(
            self._whole if is_of_many else self.tally.fetch,
            at_once=AT_ONCE,
            meanwhile=self.tally.tell_meanwhile,
        )
        try:
            self._tell()
            yield from self._of_each(ahead) if is_of_many else self._of_all(ahead)
        finally:
            ahead.close()
            finish(self._progress)

    def _of_all(self, ahead: Ahead) -> Iterator[list[Record]]:
        owners = [Owner(o) for o in self.organizations if self.has_owner]
        owners = owners if self.has_owner else [Owner()]
        for owner in self._left_of(owners):
            is_last_owner = owner == owners[-1]
            try:
                for page in self._pages(owner, ahead):
                    batch, is_cut = self._rows_of(page, owner)
                    is_end = page.following is None and is_last_owner
                    self.complete = is_end and not is_cut and self._is_whole
                    self._last = owner.organization, page
                    self._tell()
                    yield batch
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
            self.complete = self._is_whole
            yield []

    def _left_of(self, owners: list[Owner]) -> list[Owner]:
        if self.only is not None:
            return [Owner(self.only.owner)]
        if self._earlier is None:
            return owners
        at = owners.index(Owner(self._earlier.owner))
        return owners[at:] if self._earlier.place else owners[at + 1 :]

    def _place_in(self, owner: Owner) -> Place | None:
        earlier = self._earlier
        is_here = earlier is not None and earlier.owner == owner.organization
        return earlier.place if earlier and is_here else None

    def _of_each(self, ahead: Ahead) -> Iterator[list[Record]]:
        employees = self.employees or ()
        ahead.expect(employees)
        gathered: list[Record] = []
        is_cut = False
        for owner in employees:
            try:
                before = self.seen
                batch, is_cut = self._rows_of(ahead.take(owner), owner)
                self.of_employees.good()
                if self.seen == before:
                    self.without.append(owner)
            except ABOUT_SOME as error:
                self._miss(owner, error)
                batch = []
            self._read_of += 1
            self._count_total()
            self._tell()
            gathered += batch
            if self._has_enough:
                if owner is not employees[-1]:
                    is_cut, self._total = True, None
                break
            if len(gathered) >= LARGEST:
                yield gathered
                gathered = []
        self.of_employees.end()
        if employees and self._unknown == self._read_of:
            self.notes.append(
                f"{self.query.label}: each employee was answered with HTTP 404, so "
                "that may be due to the address or the organization"
            )
        self.complete = self._is_whole and not is_cut
        yield gathered

    def _miss(self, owner: Owner, error: ApiError | NetworkError) -> None:
        may_be_absent = self._resource is not None and self._resource.may_be_absent
        if isinstance(error, NotFound) and (self.are_from_list or may_be_absent):
            # There is such an employee, so it is the record that there is not.
            self.without.append(owner)
            self._unknown += not may_be_absent
            self.of_employees.good()
        else:
            self._total = None
            self.of_employees.add(owner, error)

    @property
    def _has_enough(self) -> bool:
        return self.query.limit is not None and self.rows >= self.query.limit

    @property
    def _is_whole(self) -> bool:
        return not (self.notes or self.failures)

    def _absences(self) -> Iterator[str]:
        if self.without:
            day = f" on {self.query.day}" if self.query.is_of_day else ""
            employees = f"{plural(len(self.without), 'employee')} of {self._read_of:,}"
            yield f"no {self.query.label}{day} of {employees}"

    def _count_total(self) -> None:
        self._total, self._total_here = self.total, 0

    def _rows_of(self, page: Page, owner: Owner) -> tuple[list[Record], bool]:
        self._total_here = page.total
        self.notes += page.notes
        resource = self._resource
        kept = [*shape(page.records, resource, self._added(owner))]
        if resource and resource.history:
            kept = self._versions(kept, resource)
        self.seen += len(kept)
        batch = list(matching(kept, self.here, resource))
        limit = self.query.limit
        room = len(batch) if limit is None else limit - self.rows
        self.rows += len(batch[:room])
        return batch[:room], len(batch) > room

    def _versions(self, records: list[Record], resource: Resource) -> list[Record]:
        is_inclusive = self.query.valid_to == "inclusive"
        validity = Validity.of(resource, is_inclusive=is_inclusive)
        if self.query.takes_all_versions and resource.column(validity.end):
            for n, count in enumerate(validity.doubts(records)):
                self._doubts[n] += count
        is_of_day = self.query.is_of_day
        return validity.on(self.query.day, records) if is_of_day else records

    @property
    def counts_rows(self) -> bool:
        """Whether the server's total counts what becomes a row here."""
        resource = self._resource
        has_lines = bool(resource and (resource.lines or resource.nested))
        return not (has_lines or self.query.is_of_day or self.here)

    @property
    def has_owner(self) -> bool:
        """Whether it is asked of each organization."""
        return self._resource is not None and self._resource.owner != "account"

    def _added(self, owner: Owner) -> dict[str, str]:
        resource = self._resource
        if resource is None:
            return {}
        is_told_apart = len(self.organizations) > 1
        is_own = self.has_owner and resource.column(_OWNER.name)
        of = {_OWNER.name: owner.organization} if is_told_apart or is_own else {}
        inside = self._inside(owner)
        return of | {p.column: inside[p.name] for p in resource.parameters if p.column}

    def _inside(self, owner: Owner) -> dict[str, str]:
        """Give what the path of an owner holds."""
        whose = {"organization_id": owner.organization, "employee_id": owner.employee}
        return {**whose, **self.in_path}

    def _whole(self, owner: Owner) -> Page:
        """Give all that one employee has, as one page; in whatever thread."""
        asked = 0

        def fetch(question: Question) -> Answer:
            nonlocal asked
            asked += 1
            if asked > 1:
                self.tally.plan_more()
            return self.tally.fetch(question)

        return whole([*self._walk(owner, fetch)])

    def _pages(self, owner: Owner, ahead: Ahead) -> Iterator[Page]:
        def expect(many: Iterable[Question], count: int) -> None:
            self.tally.foresee(count)
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
        def changed() -> None:
            reason = "the list changed meanwhile, so it is read once more"
            self.tally.tell_wait(0, reason)

        limit = self.query.limit
        is_bound = limit is not None and self.counts_rows
        return pages_of_list(
            self.query,
            take,
            in_path=self._inside(owner),
            sent=self.sent,
            begin=self.only or self._place_in(owner),
            changed=changed,
            expect=expect,
            wanted=max(0, (limit or 0) - self.rows) if is_bound else None,
        )

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
        return Progress(
            self.query.label,
            self.requests,
            self.rows,
            self.total if self.employees is None else None,
            self.tally.seconds,
            planned=self.tally.planned,
            slowed_to=self._api.rate,
            employees=self._read_of,
            of_employees=None if self.employees is None else len(self.employees),
        )
