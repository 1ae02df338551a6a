"""A resource as a Dask DataFrame: small parts, each read where it is needed."""

from __future__ import annotations

import datetime as dt
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ..errors import ApiError, IncompleteWarning, LoginRequired, SettingsError
from .arguments import bad_argument, count
from .client import Api
from .failures import Owner
from .frames import framed
from .page import LARGEST, Page
from .place import Stretch
from .plan import plan
from .provenance import missing, shortfall
from .reading import Reading
from .shaping import shape

if TYPE_CHECKING:
    import dask.dataframe as dd
    import pandas as pd

    from ..connection import Connection

_LOCAL = frozenset({"progress", "max_requests"})  # options of who asks, not of a worker
_WHOLE = frozenset({"array", "object", "cursor"})  # lists without numbered pages
_MANY = 10  # employees of a part; that all of so many have nothing is worth a warning
_CALLERS = 3  # frames from a warning to who called the connection
_apis: list[tuple[Any, Api]] = []
_mutex = threading.Lock()


class _Task(Struct, frozen=True):
    """What all parts have in common; it travels to the workers, and has no token."""

    connection: Connection
    name: str
    options: Mapping[str, Any]
    owners: tuple[str, ...]
    is_of_all: bool
    are_from_list: bool
    are_all: bool
    today: dt.date
    dtypes: Mapping[str, Any]

    def __call__(self, stretch: Stretch) -> Any:
        """Read a part."""
        options = dict(self.options)
        if stretch.owner:
            options["organization"] = stretch.owner
        if stretch.employees:
            options["employee_id"] = stretch.employees
        reading = plan(
            _api_of(self.connection),
            self.connection.settings,
            self.name,
            options,
            tell=lambda _: None,
            today=self.today,
        )
        reading.extent.organizations = self.owners
        reading.extent.is_of_all = self.is_of_all
        if reading.employees is not None:
            reading.employees.are_from_list = self.are_from_list
            are_many = len(stretch.employees) >= _MANY
            reading.employees.expects_some = self.are_all and are_many
        reading.only = None if stretch.employees else stretch
        made = framed(
            reading.batches(),
            reading.extent.resource,
            money=reading.query.money,
            columns=reading.query.columns,
            is_part=True,
        )
        if why := "; ".join(missing(reading)):
            told = f"a part of {reading.query.label} is not complete"
            # What a worker warns of, nobody may ever see.
            if reading.is_short or reading.failures:
                raise ApiError(
                    told,
                    why=why,
                    advice="Compute it again; frame and export keep what came, and "
                    "tell what is missing.",
                    code="incomplete",
                )
            warnings.warn(f"{told}: {why}", IncompleteWarning, stacklevel=2)
        return self._as_documented(made.frame)

    def _as_documented(self, frame: pd.DataFrame) -> Any:
        for name, dtype in self.dtypes.items():
            if frame[name].dtype != dtype:
                raise ApiError(
                    f"{self.name}: {name} came as {frame[name].dtype}, and all parts "
                    f"of a Dask frame have to have {dtype}",
                    why="A value in it is not as documented.",
                    advice="Read it by frame or export, which keep such a column.",
                    code="odd_values",
                )
        return frame[[*self.dtypes]]


def dask_frame(
    connection: Connection,
    reading: Reading,
    options: Mapping[str, Any],
    *,
    part_rows: int,
    tell: Callable[[str], None],
) -> dd.DataFrame:
    """
    Share a reading out among the workers of Dask.

    Parameters
    ----------
    options : mapping
        Those that the reading was planned by.
    tell : callable
        Told of columns that are left out, as far as first pages show them.

    Raises
    ------
    SettingsError
        ``not_installed``; or it cannot be shared out.

    Warns
    -----
    IncompleteWarning
        The lists of organizations or employees do not add up.
    """
    part_rows = count("part_rows", part_rows, 1, "a whole number of rows, 1 or more")
    from_map = _from_map()
    query, resource = reading.query, reading.extent.resource
    if resource is None:
        raise SettingsError(
            f"{query.label} has no documented types, which Dask has to know first",
            advice="Use a resource of the catalogue, or export and dask.dataframe's "
            "read_parquet.",
            code="bad_arguments",
        )
    if query.limit is not None:
        raise bad_argument("limit", "none: parts are read independently; use head()")
    empty = framed(
        [], resource, money=query.money, columns=query.columns, is_part=True
    ).frame
    stretches, left_out = _shared(reading, part_rows)
    if left_out and query.columns is None:
        tell(f"{query.label}: not documented, and left out: {', '.join(left_out)}")
    reading.tally.foresee(sum(map(_requests, stretches)))
    if told := shortfall(reading, has_attrs=False):  # by the lists of whom to ask
        warnings.warn(told, IncompleteWarning, stacklevel=_CALLERS)
    task = _Task(
        connection,
        query.name,
        {name: value for name, value in options.items() if name not in _LOCAL},
        reading.extent.organizations,
        reading.extent.is_of_all,
        reading.employees is not None and reading.employees.are_from_list,
        reading.employees is not None and reading.employees.wanted is None,
        query.today,
        dict(empty.dtypes),
    )
    label = f"intermezzo-{query.label}"
    shared: dd.DataFrame = from_map(task, stretches, meta=empty, label=label)
    return shared


def insist_on_machine(connection: Connection) -> None:
    """
    Refuse a person's session: it is in this process, and workers cannot have it.

    Raises
    ------
    LoginRequired
        ``machine_required``.
    """
    settings = connection.settings
    if not settings.asks_nobody:
        raise LoginRequired(
            "Dask needs the credentials of a machine",
            why="A person's session stays in this process; each worker has to find "
            "its own.",
            advice="Set INTERMEZZO_CLIENT_ID and INTERMEZZO_CLIENT_SECRET_FILE, here "
            "and for the workers; or use export, and dask.dataframe's read_parquet.",
            code="machine_required",
        )


def _from_map() -> Any:
    try:
        import dask
        from dask.dataframe import from_map
    except ImportError:
        raise SettingsError(
            "Dask is not installed",
            advice="Install it: pip install 'dask[dataframe]'.",
            code="not_installed",
        ) from None

    untyped: Any = from_map

    def make(*args: Any, **options: Any) -> Any:
        # Text is in Arrow's memory already; Dask would change its type alone.
        with dask.config.set({"dataframe.convert-string": False}):
            return untyped(*args, **options)

    return make


def _shared(reading: Reading, rows: int) -> tuple[list[Stretch], list[str]]:
    """Give the parts, and the columns on first pages that nobody documents."""
    extent = reading.extent
    owners: Sequence[str] = extent.organizations if extent.has_owner else ("",)
    if not owners:
        raise SettingsError(
            f"{reading.query.label}: no organization is visible",
            advice="Check the credentials, and the organization that is set.",
            code="missing_setting",
        )
    if reading.employees is not None:
        if not reading.employees.number:
            raise SettingsError(
                f"{reading.query.label}: there is no employee to ask for, and so no "
                "part of a Dask frame",
                advice="Check employee_id and the organization; frame gives no rows.",
                code="bad_arguments",
            )
        many = max(1, rows // LARGEST)
        return [*_of_employees(reading.employees.groups, many)], []
    style = reading.query.address()[1]
    stretches, found = list[Stretch](), dict[str, None]()
    for owner in owners:
        page = None if style in _WHOLE else reading.first_page(owner)
        stretches += _stretches(owner, page, rows)
        found |= dict.fromkeys(_undocumented(reading, page) if page else ())
    return stretches, [*found]


def _of_employees(groups: Iterable[tuple[Owner, ...]], many: int) -> Iterator[Stretch]:
    employees = chain.from_iterable(groups)
    for organization, group in groupby(employees, attrgetter("organization")):
        ids = [owner.employee for owner in group]
        for at in range(0, len(ids), many):
            yield Stretch(organization, employees=tuple(ids[at : at + many]))


def _stretches(owner: str, page: Page | None, rows: int) -> Iterator[Stretch]:
    if page is None or page.style != "page" or page.pages is None:
        yield Stretch(owner)
        return
    # A server may give fewer rows a page than it was asked for.
    size = len(page.records) if page.following else LARGEST
    pages = max(1, rows // max(1, size))
    for first in range(1, page.pages + 1, pages):
        last = min(first + pages - 1, page.pages)
        yield Stretch(
            owner, (first, last), total=page.total, size=size, pages=page.pages
        )


def _undocumented(reading: Reading, page: Page) -> Iterator[str]:
    resource = reading.extent.resource
    documented = {c.name for c in resource.columns} if resource else set()
    records = shape(page.records, resource, {})
    for name in framed([records], resource, as_="arrow").frame.column_names:
        if name not in documented:
            yield name


def _requests(stretch: Stretch) -> int:
    if stretch.employees:
        return len(stretch.employees)
    first, last = stretch.numbers or (1, 1)
    return last + 1 - first


def _api_of(connection: Connection) -> Api:
    """Give one API a process, so that all its parts share a token and a pace."""
    settings = connection.settings
    with _mutex:
        found = next((api for known, api in _apis if known == settings), None)
        if found is None:
            found = Api.at(settings.api_url or "", connection.auth, settings.places)
            _apis.append((settings, found))
    return found
