"""The organizations whose records a reading asks for, and the lists of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from ..errors import ApiError, NotFound, SettingsError
from ..quoting import quoted
from .client import Api
from .failures import ABOUT_SOME
from .filters import spelled
from .progress import Progress, plural
from .query import Query
from .reading import Reading
from .schema import Parameter

_ORGANIZATION = Parameter("organization", where="path", example="org_…")
_SHOWN = 10  # of the organizations that can be chosen from


def named(wanted: object) -> str:
    """
    Give an organization's id, or ``all``; empty text where none is named.

    Raises
    ------
    SettingsError
        ``bad_filter``: it is no id of one.
    """
    hint = ""
    try:
        name = "" if wanted is None else spelled(_ORGANIZATION, wanted)
        if name.lower() != "all" or name == "all":
            return name
        hint = 'Did you mean "all"? '
    except SettingsError:
        pass  # a name, as a rule
    raise SettingsError(
        f"an organization is named by its id, and {quoted(wanted)} is none",
        advice=f'{hint}Give the id of one, as org_…, or "all"; frame("organizations") '
        "has the ids beside the names.",
        code="bad_filter",
    )


def choose(api: Api, plan: Reading, wanted: object) -> tuple[str, ...]:
    """
    Give the ids of the organizations that a reading asks.

    Parameters
    ----------
    plan : Reading
        Is told what was asked and found on the way.
    wanted : object
        An id, ``"all"``, or nothing: then the only one visible.

    Raises
    ------
    SettingsError
        ``missing_setting``: there is not exactly one, or that is not certain.
    ApiError
        The list of organizations is not as it should be.
    """
    if (wanted := named(wanted)) not in ("", "all"):
        return (wanted,)

    listing = look_up(api, plan, Query("organizations"))
    found = [record for batch in listing.batches() for record in batch]
    plan.notes += listing.notes
    country = plan.extent.country
    # A list may name an organization twice; its records are asked once.
    visible = {
        _id_of(organization): str(organization.get("legalName"))
        for organization in found
        if country in ("", organization.get("registrationCountry"))
    }
    if wanted != "all" and not (len(visible) == 1 and listing.complete):
        raise _not_one(plan, visible, listing)
    plan.extent.is_of_all = wanted == "all"
    others = {str(o.get("id")): o for o in found if str(o.get("id")) not in visible}
    if plan.extent.is_of_all:
        plan.extent.elsewhere = tuple(_ids_of(others.values()))
    if plan.extent.is_of_all and visible and others:
        plan.hints.append(
            f"{plural(len(others), 'organization')} not registered in {country}, and "
            f"so not asked: {plan.query.label} is of {country} alone"
        )
    if not visible:
        plan.hints.append(f"no organization{country and f' of {country}'} is visible")
    return tuple(visible)


def explained(api: Api, plan: Reading, error: NotFound) -> NotFound:
    """Give the error that lists the organizations, where the one asked is none."""
    (wanted,) = plan.extent.organizations
    try:
        found = [
            o
            for batch in look_up(api, plan, Query("organizations")).batches()
            for o in batch
        ]
        visible = {_id_of(o): str(o.get("legalName")) for o in found}
    except (*ABOUT_SOME, SettingsError):
        return error
    if wanted in visible:
        return error
    return NotFound(
        f"no organization {wanted} is visible",
        why=f"Visible are: {listed(visible)}.",
        advice="Give one of them, or all for each of them.",
        status=error.status,
        request_id=error.request_id,
    )


def narrow(plan: Reading, wanted: object) -> None:
    """
    Keep the rows of one organization, of what is listed for all at once.

    Raises
    ------
    SettingsError
        ``bad_filter``: it is no id.
    """
    if (wanted := named(wanted)) not in ("", "all"):
        plan.extent.here["orgId"] = wanted


def _id_of(organization: Mapping[str, Any]) -> str:
    try:
        return path_part(organization, _ORGANIZATION)
    except ValueError:
        held = ", ".join(map(str, list(organization)[:8]))
    raise ApiError(
        "the API lists an organization without an id that can be asked for",
        why=f"It has: {held or 'nothing'}.",
        advice="Check INTERMEZZO_API_URL, or name the organization yourself.",
    )


def _ids_of(organizations: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for organization in organizations:
        with suppress(ValueError):
            yield path_part(organization, _ORGANIZATION)


def path_part(record: Mapping[str, Any], name: Parameter) -> str:
    """
    Give the id of a record, which becomes a part of paths.

    So it is as little trusted as one that was typed.

    Raises
    ------
    ValueError
        It has none that can be asked for.
    """
    found = record.get("id")
    if found in (None, "") or isinstance(found, (dict, list)):
        raise ValueError
    return spelled(name, found)


def look_up(api: Api, plan: Reading, query: Query, organization: str = "") -> Reading:
    """Give the reading of a list that another one needs on its way."""

    def tell(now: Progress) -> None:
        if now.waiting:
            plan.tell_wait(0, f"{query.name}: {now.waiting}")
        else:
            plan.tell_step(now)

    listing = Reading(
        api,
        query,
        progress=tell,
        announces=False,
        within=plan.tally,
        load=plan.load,
    )
    listing.extent.organizations = (organization,) if organization else ()
    return listing


def listed(visible: Mapping[str, str]) -> str:
    """Name the first few organizations, given by their ids, and count the rest."""
    shown = [f"{i} ({name})" for i, name in list(visible.items())[:_SHOWN]]
    more = len(visible) - len(shown)
    return ", ".join([*shown, *([f"and {more:,} more"] if more else [])]) or "none"


def _not_one(
    plan: Reading, visible: Mapping[str, str], listing: Reading
) -> SettingsError:
    doubt = "" if listing.complete else " " + "; ".join(listing.notes) + "."
    is_visible = "is visible" if len(visible) == 1 else "are visible"
    count = f"{len(visible)} {is_visible}" + (", perhaps more" if doubt else "")
    return SettingsError(
        f"{plan.query.label}: it is not said of which organization, and {count}",
        why=f"They are: {listed(visible)}.{doubt}",
        advice="Add --organization ID, or --organization all for each of them "
        "(in Python: organization=…).",
        code="missing_setting",
    )
