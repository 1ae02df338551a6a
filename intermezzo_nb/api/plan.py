"""From what somebody asks for to a reading that is ready to begin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import SettingsError
from ..settings import Settings
from ..surroundings import look
from .client import Api
from .owners import choose, narrow
from .progress import as_listener, waits_alone
from .query import Query, bad_argument, check_names
from .reading import Reading
from .shaping import column_names

_UNWATCHED = 20_000  # requests that are sent where nobody watches
_OPTIONS = (
    *("organization", "limit", "history", "params", "progress", "filters"),
    *("money", "columns", "max_requests"),
)
_RESERVED = frozenset({"as_of", "strict"})


def plan(
    api: Api,
    settings: Settings,
    name: str,
    options: Mapping[str, Any],
    *,
    tell: Callable[[str], None],
) -> Reading:
    """
    Check what is asked for, and find the organizations that it is about.

    Parameters
    ----------
    options : mapping
        Those of :meth:`Connection.frame`; what is none of them is a filter.
    tell : callable
        Told of waits, each once, where no ``progress`` is.

    Raises
    ------
    SettingsError
        It cannot be asked so.
    """
    known = {n: options[n] for n in _OPTIONS if options.get(n) is not None}
    named = {n: value for n, value in options.items() if n not in _OPTIONS}
    organization = known.pop("organization", "")
    progress = known.pop("progress", waits_alone(tell))
    columns = known.pop("columns", None)
    query = Query(
        name,
        filters=_filters(known.pop("filters", {}), named),
        columns=None if columns is None else column_names(columns),
        valid_to=settings.valid_to,
        **known,
    )
    listener = as_listener(progress)
    if not callable(listener):
        raise bad_argument("progress", "a function that is told a Progress, or tqdm")
    most = None if look().answers else _UNWATCHED
    reading = Reading(api, query, progress=listener, max_requests=most)
    wanted = settings.organization if organization == "" else organization
    if query.resource and query.resource.owner != "account":
        reading.organizations = choose(api, reading, wanted)
    elif query.resource and query.resource.nested:
        narrow(reading, wanted)
    elif organization != "":
        raise SettingsError(
            f"{query.label} belongs to no organization",
            advice="Leave organization out.",
            code="bad_arguments",
        )
    return reading


def _filters(given: Any, named: Mapping[str, Any]) -> dict[str, Any]:
    check_names("filters", given)
    named = {k: v for k, v in named.items() if v is not None}
    if reserved := _RESERVED & {*named}:
        raise SettingsError(
            f"{min(reserved)} is no option yet, and its name is kept for one",
            advice="Leave it out; a parameter of that name goes into params.",
            code="bad_arguments",
        )
    return {k: v for k, v in given.items() if v is not None} | named
