"""From what somebody asks for to a reading that is ready to begin."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import partial
from numbers import Integral
from typing import Any

from msgspec.structs import replace

from ..errors import NotFound, SettingsError
from ..settings import Settings
from ..surroundings import look
from .arguments import bad_argument, names_of
from .catalogue.terms import EMPLOYEE_ID
from .client import Api
from .employed import employ
from .filters import OPTIONS
from .owners import choose, explained, named, narrow
from .progress import as_listener, seldom
from .query import Query, check_names
from .reading import Reading

_UNWATCHED = 20_000  # requests that are sent where nobody watches
_OPTIONS = (*OPTIONS, "params", "progress", "filters")


def plan(
    api: Api,
    settings: Settings,
    name: str,
    options: Mapping[str, Any],
    *,
    tell: Callable[[str], None],
    today: dt.date | None = None,
    load: Callable[[], object] | None = None,
) -> Reading:
    """
    Check what is asked for, and find the organizations and employees it is about.

    Parameters
    ----------
    options : mapping
        Those of :meth:`Connection.frame`; what is none of them is a filter.
    tell : callable
        Told of waits, and of what takes long, where no ``progress`` is.
    today : date, optional
        Of who shares the reading out; else that of this machine's clock.
    load : callable, optional
        Called while the first answer is on its way, to load what will be needed.

    Raises
    ------
    SettingsError
        It cannot be asked so.
    """
    known = {n: options[n] for n in _OPTIONS if options.get(n) is not None}
    known |= {} if today is None else {"today": today}
    others = {n: value for n, value in options.items() if n not in _OPTIONS}
    organization = named(known.pop("organization", None))
    watched = look().answers
    progress = known.pop("progress", seldom(tell, watched=watched))
    columns = known.pop("columns", None)
    filters = _filters(known.pop("filters", {}), others)
    query = Query(
        name,
        filters=filters,
        columns=None if columns is None else names_of("columns", columns),
        valid_to=settings.valid_to,
        **known,
    )
    _refuse_all_for_one(query)
    is_of_employees = query.resource is not None and query.resource.owner == "employee"
    whose = _ids(filters.get("employee_id"))
    is_one = isinstance(whose, (str, Integral))
    if is_of_employees and not is_one:
        others = {n: value for n, value in filters.items() if n != "employee_id"}
        query = replace(query, filters=others)
    listener = as_listener(progress)
    if not callable(listener):
        raise bad_argument("progress", "a function that is told a Progress, or tqdm")
    most = None if watched else _UNWATCHED
    reading = Reading(api, query, progress=listener, max_requests=most, load=load)
    wanted = organization or settings.organization
    if query.resource and query.resource.owner != "account":
        reading.extent.organizations = choose(api, reading, wanted)
    elif query.resource and query.resource.nested:
        narrow(reading, wanted)
    elif organization:
        raise SettingsError(
            f"{query.label} belongs to no organization",
            advice="Leave organization out.",
            code="bad_arguments",
        )
    may_be_elsewhere = len(reading.extent.organizations) > 1 or reading.extent.elsewhere
    if is_of_employees and is_one and may_be_elsewhere:
        # In which of them somebody works is not known yet.
        whose, is_one = [reading.extent.in_path.pop("employee_id")], False
    if len(reading.extent.organizations) == 1 and wanted != "all":
        reading.explain = partial(explained, api, reading)
    if is_of_employees and not is_one:
        try:
            employ(api, reading, whose)
        except NotFound as error:
            raise reading.explain(error) from None
    return reading


def _ids(whose: Any) -> Any:
    """Give one id, or those that commas part; what is no text stays as it is."""
    if not (isinstance(whose, str) and "," in whose):
        return whose
    return [one for part in whose.split(",") if (one := part.strip())]


def _refuse_all_for_one(query: Query) -> None:
    resource, given = query.resource, query.filters
    whose = resource and resource.parameter(EMPLOYEE_ID.name)
    if whose and whose.column in given and whose.name not in given:
        raise SettingsError(
            f"{query.label} would be asked of all employees, to compare {whose.column} "
            "afterwards",
            why="Each employee takes a request. Nothing was asked for.",
            advice=f"Give {whose.name}=…, which asks for one alone, or for several.",
            code="bad_filter",
        )


def _filters(given: Any, named: Mapping[str, Any]) -> dict[str, Any]:
    check_names("filters", given)
    both = {**given, **named}
    # Of no employee in particular means of all.
    if both.get("employee_id", "") is None:
        del both["employee_id"]
    return both
