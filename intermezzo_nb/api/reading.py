"""From the name of a resource to its records: what is asked, in which order."""

from __future__ import annotations

import datetime as dt
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..errors import SettingsError
from .ahead import Ahead
from .client import Api
from .following import pages_of
from .page import Page
from .paging import go_on, numbered, walk
from .place import Bookmark, Place, Stretch
from .progress import Progress, finish, plural
from .query import Query
from .schema import Column, Resource
from .shaping import Record, matching, shape, valid_on
from .transport import AT_ONCE
from .waits import telling_waits

_SIZES = ("size", "limit")  # of a page: who sends one has a reason
_OWNER = Column("organizationId")
_MANY = 200  # requests; more are announced
_MINUTE = 60


Asking = Callable[[Mapping[str, Any]], tuple[str, dict[str, Any]]]


class Reading:
    """
    One reading of a resource, in batches of records.

    ``organizations`` are asked one after the other; none for what has no such owner.
    After it has ended, the attributes tell how it went.

    Parameters
    ----------
    progress : callable
        Told after each answer, and of each wait; in the thread that reads.
    max_requests : int or None
        Where more are needed, it is an error, as soon as that is known.
    """

    def __init__(
        self,
        api: Api,
        query: Query,
        *,
        progress: Callable[[Progress], None] = lambda _: None,
        max_requests: int | None = None,
    ) -> None:
        self.query, self._api, self._progress = query, api, progress
        self._most = query.max_requests or max_requests
        self._resource = query.resource
        self.organizations: tuple[str, ...] = ()
        self._began = time.monotonic()
        self.in_path, self.sent, self.here = query.sorted_filters()
        self.requests = self.repeated = self.rows = self.seen = 0
        self.planned: int | None = None
        self._mutex = threading.Lock()
        self._wait = ("", 0.0)
        self._thread = threading.get_ident()
        self._totals: dict[str, int | None] = {}
        self._announced = ""
        self.notes: list[str] = []
        self.hints = list(self._odd_values())
        self.complete = False
        self._last: tuple[str, Page] | None = None
        self._earlier: Bookmark | None = None
        self.only: Stretch | None = None
        """What alone is read, of all that is asked for; None for all."""

    @property
    def resource(self) -> Resource | None:
        """The resource as it is read here, with the column that tells owners apart."""
        resource = self._resource
        several = len(self.organizations) > 1
        if resource is None or not several or resource.column("organizationId"):
            return resource
        return replace(resource, columns=(_OWNER, *resource.columns))

    @property
    def seconds(self) -> float:
        """Since the reading began."""
        return time.monotonic() - self._began

    @property
    def total(self) -> int | None:
        """Rows of all that is asked; None where one of the owners does not tell."""
        told = [total for total in self._totals.values() if total is not None]
        return sum(told) if told and len(told) == len(self._totals) else None

    def bookmark(self) -> Bookmark | None:
        """Tell where the reading can be taken up again; None where it cannot."""
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
            totals=dict(self._totals),
            notes=tuple(self.notes),
            complete=self.complete,
        )

    def go_on_after(self, bookmark: Bookmark) -> None:
        """Begin where an earlier reading was left."""
        self._earlier = bookmark
        self.rows, self.seen = bookmark.rows, bookmark.seen
        self._totals, self.notes = dict(bookmark.totals), [*bookmark.notes]
        self.complete = bookmark.complete

    @property
    def country(self) -> str:
        """The only country whose organizations have it; empty for all."""
        return self._resource.country if self._resource else ""

    def batches(self) -> Iterator[list[Record]]:
        """Give the records of each answer, shaped, filtered and cut at the limit."""
        self._thread = threading.get_ident()
        ahead = Ahead(self._fetch, at_once=AT_ONCE, meanwhile=self._tell_meanwhile)
        try:
            yield from self._batches(ahead)
        finally:
            ahead.close()
            finish(self._progress)

    def _batches(self, ahead: Ahead) -> Iterator[list[Record]]:
        owners = self.organizations if self.has_owner else ("",)
        self._tell()
        for owner in self._left_of(owners):
            is_last_owner = owner == owners[-1]
            for page in self._pages(owner, ahead):
                self._totals[owner] = page.total
                self.notes += [*page.notes, *self._unread(page), *self._bare(page)]
                batch, is_cut = self._rows_of(page, owner)
                self.rows += len(batch)
                is_end = page.following is None and is_last_owner
                self.complete = is_end and not (is_cut or self.notes)
                self._last = owner, page
                self._tell()
                yield batch
                if self.query.limit is not None and self.rows >= self.query.limit:
                    if not is_last_owner:
                        self._totals[owners[-1]] = None  # was not asked
                    return
        if not owners:
            self.complete = not self.notes
            yield []

    def _left_of(self, owners: tuple[str, ...]) -> tuple[str, ...]:
        if self.only is not None:
            return (self.only.owner,)
        if self._earlier is None:
            return owners
        at = owners.index(self._earlier.owner)
        return owners[at:] if self._earlier.place else owners[at + 1 :]

    def _rows_of(self, page: Page, owner: str) -> tuple[list[Record], bool]:
        resource = self._resource
        added = self._added(owner)
        records: Iterator[Record] = shape(page.records, resource, added)
        if self.query.is_of_today:
            inclusive = self.query.valid_to == "inclusive"
            records = valid_on(records, self.query.today, inclusive=inclusive)
        kept = list(records)
        self.seen += len(kept)
        batch = list(matching(kept, self.here, resource))
        limit = self.query.limit
        room = len(batch) if limit is None else limit - self.rows
        return batch[:room], len(batch) > room

    @property
    def counts_rows(self) -> bool:
        """Whether the server's total counts what becomes a row here."""
        resource = self._resource
        has_lines = bool(resource and (resource.lines or resource.nested))
        return not (has_lines or self.query.is_of_today or self.here)

    @property
    def has_owner(self) -> bool:
        return self._resource is not None and self._resource.owner != "account"

    def _added(self, owner: str) -> dict[str, str]:
        resource = self._resource
        if resource is None:
            return {}
        is_told_apart = len(self.organizations) > 1
        is_own = self.has_owner and resource.column(_OWNER.name)
        of = {_OWNER.name: owner} if is_told_apart or is_own else {}
        parameters = (p for p in resource.parameters if p.column)
        return of | {p.column: self.in_path[p.name] for p in parameters}

    def first_page(self, owner: str) -> Page:
        """Give the first page of an owner's list, in the largest size there is."""
        question, style, inside = self._asking(owner)

        def fetch(paging: Mapping[str, Any]) -> Any:
            return self._fetch(question(paging))[0]

        return next(
            pages_of(
                fetch,
                style,
                inside=inside,
                name=self.query.label,
                expect=lambda _many, _count: None,
                wanted=None,
            )
        )

    def _asking(self, owner: str) -> tuple[Asking, str | None, str]:
        path, style, inside = self.query.address()
        if self._resource:
            path = path.format(organization_id=owner, **self.in_path)
        params = {**self.sent, **self.query.sent_as_it_is}
        sizes = {name: params[name] for name in _SIZES if name in params}

        def question(paging: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
            return path, {**params, **paging, **sizes}

        return question, style, inside

    def _pages(self, owner: str, ahead: Ahead) -> Iterator[Page]:
        question, style, inside = self._asking(owner)

        def fetch(paging: Mapping[str, Any]) -> Any:
            payload, self._announced = ahead.take(question(paging))
            return payload

        def expect(many: Iterable[Mapping[str, Any]], count: int) -> None:
            self.foresee(count)
            ahead.expect(map(question, many))

        def changed() -> None:
            self.tell_wait(0, "the list changed meanwhile, so it is read once more")

        limit, is_list = self.query.limit, self._resource is not None
        can_count = self.counts_rows and limit is not None
        more = limit - self.rows if limit is not None and can_count else None
        wanted = None if more is None else max(0, more)
        name = self.query.label
        if self.only is not None and self.only.numbers:
            yield from numbered(
                fetch, self.only, inside=inside, name=name, expect=expect
            )
            return
        if (earlier := self._earlier) and earlier.owner == owner and earlier.place:
            yield from go_on(
                fetch,
                earlier.place,
                inside=inside,
                name=name,
                expect=expect,
                wanted=wanted,
            )
            return
        yield from walk(
            fetch,
            style=style,
            inside=inside,
            name=name,
            is_list=is_list and style != "object",
            changed=changed,
            expect=expect,
            wanted=wanted,
        )

    def _fetch(self, question: tuple[str, dict[str, Any]]) -> tuple[Any, str]:
        with telling_waits(self._wait_in_any_thread, self._count_again):
            with self._mutex:
                self.requests += 1
            return self._api.read(*question)

    def _count_again(self) -> None:
        with self._mutex:
            self.repeated += 1

    def foresee(self, count: int) -> None:
        """Tell of many requests before they are sent, or refuse to send too many."""
        planned = self.requests + count
        if self._most is not None and planned > self._most:
            raise SettingsError(
                f"{self.query.label} takes {planned:,} requests, and max_requests is "
                f"{self._most:,}",
                why="So many are not sent where nobody watches, unless it is said."
                if self.query.max_requests is None
                else "",
                advice="Ask for less by limit or filters, or give max_requests.",
                code="too_many_requests",
            )
        is_news = planned > _MANY >= (self.planned or 0)
        self.planned = max(planned, self.planned or 0)
        if is_news:
            seconds = self.seconds / max(1, self.requests) * count / AT_ONCE
            about = (
                f"{seconds:.0f} s"
                if seconds < 2 * _MINUTE
                else f"{seconds / _MINUTE:.0f} min"
            )
            self.tell_wait(0, f"{planned:,} requests are needed, about {about}")

    def _unread(self, page: Page) -> Iterator[str]:
        if page.following is None and self._announced:
            yield (
                f"{self.query.label}: the answer announces more by its "
                f"{self._announced}, which was not read"
            )

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

    def _wait_in_any_thread(self, seconds: float, reason: str) -> None:
        if threading.get_ident() == self._thread:
            self.tell_wait(seconds, reason)
        else:
            self._wait = (reason, time.monotonic() + seconds)

    def _tell_meanwhile(self) -> None:
        reason, until = self._wait
        if reason:
            self._wait = ("", 0.0)
            self.tell_wait(max(0.0, until - time.monotonic()), reason)

    def _progress_now(self) -> Progress:
        return Progress(
            self.query.label,
            self.requests,
            self.rows,
            self.total,
            self.seconds,
            planned=self.planned,
            slowed_to=self._api.rate,
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
        "as_of": query.today.isoformat() if query.is_of_today else None,
        "rows": rows,
        "columns": columns,
        "read": reading.seen,
        "total": reading.total if reading.counts_rows else None,
        "limit": query.limit,
        "complete": reading.complete,
        "requests": reading.requests,
        "repeated": reading.repeated,
        "seconds": round(reading.seconds, 3),
        "control_totals": dict(totals),
        "notes": [*reading.hints, *reading.notes, *notes],
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
