"""From the name of a resource to its records: what is asked, in which order."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..errors import ApiError, NetworkError, NotFound
from .ahead import Ahead
from .client import Api
from .failures import ABOUT_SOME, Failures, Owner
from .page import LARGEST, Page, whole
from .paging import walk
from .progress import Progress, finish, plural
from .query import Query
from .schema import Column, Resource
from .shaping import Record, matching, shape
from .tally import Question, Tally
from .transport import AT_ONCE
from .validity import GAP, OVERLAP, Validity

_SIZES = ("size", "limit")  # of a page: who sends one has a reason
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
            api.read,
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
        self.hints = list(self._odd_values())
        self.of_organizations = Failures("organization", strict=query.strict)
        self.of_employees = Failures("employee", strict=query.strict)
        self.without: list[Owner] = []
        """Employees for whom there is no such record, or none on that day."""
        self._unknown = 0
        self._doubts = [0, 0]
        self.complete = False

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
        owners = (
            [Owner(o) for o in self.organizations] if self._has_owner else [Owner()]
        )
        for owner in owners:
            is_last_owner = owner is owners[-1]
            try:
                for page in self._pages(owner, ahead):
                    batch, is_cut = self._rows_of(page, owner)
                    is_end = page.following is None and is_last_owner
                    self.complete = is_end and not is_cut and self._is_whole
                    self._tell()
                    yield batch
                    if self._has_enough:
                        self._total = self._total if is_last_owner else None
                        return
                self.of_organizations.good()
            except ABOUT_SOME as error:
                self._total = None
                if len(owners) == 1:
                    raise
                self.of_organizations.add(owner, error)
            self._count_total()
        self.of_organizations.end()
        if not owners:
            self.complete = self._is_whole
            yield []

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
        self.notes += [*page.notes, *self._bare(page)]
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
    def _has_owner(self) -> bool:
        return self._resource is not None and self._resource.owner != "account"

    def _added(self, owner: Owner) -> dict[str, str]:
        resource = self._resource
        if resource is None:
            return {}
        is_told_apart = len(self.organizations) > 1
        is_own = self._has_owner and resource.column(_OWNER.name)
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

        def fetch(question: Question) -> tuple[Any, str]:
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
        take: Callable[[Question], tuple[Any, str]],
        expect: Callable[[Iterable[Question], int], None] = lambda _many, _count: None,
    ) -> Iterator[Page]:
        path, style, inside = self.query.address()
        if self._resource:
            path = path.format(**self._inside(owner))
        params = {**self.sent, **self.query.sent_as_it_is}
        sizes = {name: params[name] for name in _SIZES if name in params}
        announced = ""

        def question(paging: Mapping[str, Any]) -> Question:
            return path, {**params, **paging, **sizes}

        def fetch(paging: Mapping[str, Any]) -> Any:
            nonlocal announced
            payload, announced = take(question(paging))
            return payload

        def changed() -> None:
            reason = "the list changed meanwhile, so it is read once more"
            self.tally.tell_wait(0, reason)

        limit, is_list = self.query.limit, self._resource is not None
        is_bound = limit is not None and self.counts_rows
        for page in walk(
            fetch,
            style=style,
            inside=inside,
            name=self.query.label,
            is_list=is_list and style != "object",
            changed=changed,
            expect=lambda many, count: expect(map(question, many), count),
            wanted=max(0, (limit or 0) - self.rows) if is_bound else None,
        ):
            is_unread = announced and page.following is None
            note = (
                f"{self.query.label}: the answer announces more by its {announced}, "
                "which was not read"
            )
            yield replace(page, notes=(*page.notes, note)) if is_unread else page

    def _bare(self, page: Page) -> Iterator[str]:
        nested = self._resource.nested if self._resource else ""
        bare = [r for r in page.records if not isinstance(r, dict) or nested not in r]
        if nested and bare:
            yield (
                f"{self.query.label}: {plural(len(bare), 'record')} came without "
                f"{nested}, so what is in there is not known"
            )

    def _odd_values(self) -> Iterator[str]:
        resource = self._resource
        for name, value in {**self.sent, **self.here}.items():
            known = resource and (resource.parameter(name) or resource.column(name))
            if known and known.values and value and value not in known.values:
                yield f"{name} is documented as {', '.join(known.values)}"

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


def provenance(
    reading: Reading,
    *,
    profile: str,
    rows: int,
    columns: int,
    totals: Mapping[str, str],
    notes: list[str],
) -> dict[str, Any]:
    """Give what ``df.attrs["intermezzo"]`` holds: JSON only, and no secret."""
    query = reading.query
    return {
        "resource": query.label,
        "organizations": list(reading.organizations),
        "filters": {**reading.in_path, **reading.sent, **reading.here},
        "filtered_here": sorted(reading.here),
        "profile": profile,
        "fetched_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "as_of": query.day.isoformat() if query.is_of_day else None,
        "valid_to": query.valid_to,
        "rows": rows,
        "columns": columns,
        "read": reading.seen,
        "total": reading.total if reading.counts_rows else None,
        "limit": query.limit,
        "complete": reading.complete,
        "requests": reading.requests,
        "repeated": reading.tally.repeated,
        "seconds": round(reading.tally.seconds, 3),
        "control_totals": dict(totals),
        "failures": reading.failures,
        "without": [owner.employee for owner in reading.without],
        "notes": [*reading.remarks, *notes],
    }


def summary(about: Mapping[str, Any]) -> str:
    """Give the one line that stays above a frame."""
    is_cut = not about["complete"] and about["limit"] is not None
    of = f" of {about['total']:,}" if is_cut and about["total"] else ""
    rows = f"{about['rows']:,}{of} row" + ("" if about["rows"] == 1 and not of else "s")
    cut = " (cut by the limit)" if is_cut and not of else ""
    parts = [
        about["resource"],
        f"{rows} × {about['columns']} columns{cut}",
        plural(about["requests"], "request")
        + (f" ({about['repeated']:,} repeated)" if about["repeated"] else ""),
        f"{about['seconds']:.1f} s",
        about["profile"],
        "complete" if about["complete"] else "not complete",
    ]
    if about["filtered_here"]:
        parts.insert(2, f"filtered here: {about['rows']:,} of {about['read']:,}")
    if about["as_of"]:
        parts.insert(2, f"as of {about['as_of']}")
    return "\n".join([" · ".join(parts), *(f"  {note}" for note in about["notes"])])
