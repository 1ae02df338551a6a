"""From the name of a resource to its records: what is asked, in which order."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..errors import SettingsError
from .client import Api, telling_waits
from .page import Page
from .paging import walk
from .resources import find
from .schema import Column, Resource, as_sent, split_filters
from .shaping import Record, matching, shape, valid_on

_SIZES = ("size", "limit")  # of a page: who sends one has a reason
_OWNER = Column("organizationId")
_PLACES = frozenset({"page", "cursor"})


@dataclass(frozen=True, slots=True)
class Progress:
    """
    How far a reading is; as text it is one line.

    Parameters
    ----------
    requests, rows : int
        Done so far.
    total : int or None
        Rows of the whole list, where the server tells.
    seconds : float
        Since the reading began.
    waiting : str
        What is waited for, else empty.
    """

    resource: str
    requests: int = 0
    rows: int = 0
    total: int | None = None
    seconds: float = 0.0
    waiting: str = ""

    def __str__(self) -> str:
        of = f" of {self.total:,}" if self.total is not None else ""
        line = (
            f"{self.resource} · {self.rows:,}{of} rows · "
            f"{_plural(self.requests, 'request')} · {self.seconds:.1f} s"
        )
        return f"{line} · {self.waiting}" if self.waiting else line


@dataclass(frozen=True, slots=True)
class Query:
    """
    What is to be read.

    Parameters
    ----------
    name : str
        A resource of the catalogue, or a path that begins with ``/``.
    filters : mapping
        Sent where the API documents them, else compared here.
    params : mapping
        Query parameters that are sent as they are.
    limit : int or None
        Rows after filtering; reading stops there.
    today : date
        The day whose versions are meant, unless ``history`` asks for all.
    """

    name: str
    filters: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    limit: int | None = None
    history: bool = False
    today: dt.date = field(
        default_factory=lambda: dt.datetime.now().astimezone().date()
    )
    valid_to: str = "inclusive"

    def __post_init__(self) -> None:
        is_count = isinstance(self.limit, int) and not isinstance(self.limit, bool)
        if self.limit is not None and not (is_count and self.limit >= 0):
            raise _bad("limit", "a whole number of rows, 0 or more, such as 500")
        if type(self.name) is not str or not self.name:
            raise _bad("resource", "a name such as employees, or a path")
        for name in ("filters", "params"):
            if not isinstance(getattr(self, name), Mapping):
                raise _bad(name, "a mapping of names to values")

    @property
    def label(self) -> str:
        """The name to show: a path without its query, which may be personal."""
        return self.name.partition("?")[0]

    @property
    def resource(self) -> Resource | None:
        """The catalogue's entry; None for a path."""
        return None if self.name.startswith("/") else find(self.name)


class Reading:
    """
    One reading of a resource, in batches of records.

    ``organizations`` are asked one after the other; none for what has no such owner.
    After it has ended, the attributes tell how it went.

    Parameters
    ----------
    progress : callable
        Told after each answer, and before each wait.
    """

    def __init__(
        self,
        api: Api,
        query: Query,
        *,
        progress: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self.query, self._api, self._progress = query, api, progress
        self._resource = query.resource
        self.organizations: tuple[str, ...] = ()
        self._began = time.monotonic()
        # A query that was written into a path is sent like one that was not.
        in_path = dict(parse_qsl(urlsplit(query.name).query, keep_blank_values=True))
        self._params = {**in_path, **query.params}
        self.in_path, self.sent, self.here = self._sorted_filters()
        self.requests = self.rows = self.seen = 0
        self.total: int | None = None
        self.notes: list[str] = []
        self.hints = list(self._odd_values())
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
    def seconds(self) -> float:
        """Since the reading began."""
        return time.monotonic() - self._began

    def batches(self) -> Iterator[list[Record]]:
        """Give the records of each answer, shaped, filtered and cut at the limit."""
        owners = self.organizations or ("",)
        self._tell()
        for owner in owners:
            total_before = self.total or 0
            for page in self._pages(owner):
                self.notes += page.notes
                if page.total is not None:
                    self.total = total_before + page.total
                batch, is_cut = self._rows_of(page, owner)
                self.rows += len(batch)
                is_end = page.following is None and owner == owners[-1]
                self.complete = is_end and not (is_cut or self.notes)
                self._tell()
                yield batch
                if self.query.limit is not None and self.rows >= self.query.limit:
                    if owner != owners[-1]:
                        self.total = None  # the others were not asked
                    return

    def _rows_of(self, page: Page, owner: str) -> tuple[list[Record], bool]:
        resource = self._resource
        added = self._added(owner)
        records: Iterator[Record] = shape(page.records, resource, added)
        if resource and resource.history and self._picks_today:
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
        has_lines = bool(resource and resource.lines)
        return not (has_lines or self._picks_today or self.here)

    @property
    def _picks_today(self) -> bool:
        resource = self._resource
        is_history = resource is not None and resource.path == resource.history
        return is_history and not self.query.history

    @property
    def is_of_today(self) -> bool:
        """Whether the records are the versions of one day."""
        resource = self._resource
        return bool(resource and resource.history and not self.query.history)

    def _added(self, owner: str) -> dict[str, str]:
        employee = self.in_path.get("employee_id")
        several = {"organizationId": owner} if len(self.organizations) > 1 else {}
        return several | ({"employeeId": employee} if employee else {})

    def _pages(self, owner: str) -> Iterator[Page]:
        path, style, inside = self._address()
        if self._resource:
            path = path.format(organization_id=owner, **self.in_path)
        params = {**self.sent, **self._params}

        sizes = {name: params[name] for name in _SIZES if name in params}

        def fetch(paging: Mapping[str, Any]) -> Any:
            with telling_waits(self.tell_wait):
                self.requests += 1
                return self._api.get(path, **{**params, **paging, **sizes})

        def changed() -> None:
            self.tell_wait(0, "the list changed meanwhile, so it is read once more")

        is_list = self._resource is not None and style != "object"
        yield from walk(
            fetch,
            style=style,
            inside=inside,
            name=self.query.label,
            is_list=is_list,
            changed=changed,
        )

    def _address(self) -> tuple[str, str | None, str]:
        resource = self._resource
        if resource is None:
            return self.query.label, None, ""
        if self.query.history:
            return resource.history, "array", ""
        return resource.path, resource.style, resource.inside

    def _sorted_filters(self) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        resource = self._resource
        if both := _PLACES & {*self._params, *self.query.filters}:
            raise SettingsError(
                f"{min(both)} is set by the reading itself, which follows all pages",
                advice=f"Leave {min(both)} out; for one page alone, use "
                f"get({self.query.label!r}, …) of the connection."
                if resource is None
                else f"Leave {min(both)} out; limit cuts the rows.",
                code="bad_filter",
            )
        if self.query.history and not (resource and resource.history):
            raise SettingsError(
                f"no history of {self.query.label} is documented",
                advice="Leave history out; job-details and compensation have one.",
                code="no_history",
            )
        if resource is None:
            filters = self.query.filters.items()
            return {}, {name: as_sent(name, value) for name, value in filters}, {}
        return split_filters(resource, self.query.filters)

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
        waiting = f"{reason}: {seconds:.0f} s" if seconds else reason
        self._progress(replace(self._progress_now(), waiting=waiting))

    def _progress_now(self) -> Progress:
        return Progress(
            self.query.label, self.requests, self.rows, self.total, self.seconds
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
        "as_of": query.today.isoformat() if reading.is_of_today else None,
        "rows": rows,
        "columns": columns,
        "read": reading.seen,
        "total": reading.total if reading.counts_rows else None,
        "limit": query.limit,
        "complete": reading.complete,
        "requests": reading.requests,
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
        _plural(about["requests"], "request"),
        f"{about['seconds']:.1f} s",
        about["profile"],
        "complete" if about["complete"] else "not complete",
    ]
    if about["filtered_here"]:
        parts.insert(2, f"filtered here: {about['rows']:,} of {about['read']:,}")
    if about["as_of"]:
        parts.insert(2, f"as of {about['as_of']}")
    return "\n".join([" · ".join(parts), *(f"  {note}" for note in about["notes"])])


def _bad(name: str, wanted: str) -> SettingsError:
    return SettingsError(
        f"{name} cannot be used as it is given",
        advice=f"Give {wanted}.",
        code="bad_arguments",
    )


def _plural(count: int, word: str) -> str:
    return f"{count:,} {word}" + ("" if count == 1 else "s")
