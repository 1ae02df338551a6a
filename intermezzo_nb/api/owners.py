"""Whose records a reading asks for: the organizations that it is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ApiError, SettingsError
from .client import Api
from .progress import Progress
from .query import Query
from .reading import Reading
from .schema import Parameter, spelled

_ORGANIZATION = Parameter("organization", where="path", example="org_…")
_SHOWN = 8  # of the organizations that can be chosen from


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
    if wanted not in (None, "", "all"):
        return (spelled(_ORGANIZATION, wanted),)

    def waits(now: Progress) -> None:
        if now.waiting:
            plan.tell_wait(0, f"organizations: {now.waiting}")

    look_up = Reading(api, Query("organizations"), progress=waits)
    found = [record for batch in look_up.batches() for record in batch]
    plan.requests += look_up.requests
    plan.notes += look_up.notes
    country = plan.country
    # A list may name an organization twice; its records are asked once.
    visible = {
        _id_of(organization): str(organization.get("legalName"))
        for organization in found
        if country in {"", organization.get("registrationCountry")}
    }
    if wanted != "all" and not (len(visible) == 1 and look_up.complete):
        raise _not_one(plan, visible, look_up)
    if not visible:
        plan.hints.append(f"no organization{country and f' of {country}'} is visible")
    return tuple(visible)


def narrow(plan: Reading, wanted: object) -> None:
    """
    Keep the rows of one organization, of what is listed for all at once.

    Raises
    ------
    SettingsError
        ``bad_filter``: it is no id.
    """
    if wanted not in (None, "", "all"):
        plan.here["orgId"] = spelled(_ORGANIZATION, wanted)


def _id_of(organization: Mapping[str, Any]) -> str:
    # It becomes a part of paths, so it is as little trusted as one that was typed.
    found = organization.get("id")
    if found in (None, "") or isinstance(found, (dict, list)):
        raise ApiError(
            "the API lists an organization without an id",
            why=f"It has: {', '.join(map(str, list(organization)[:8])) or 'nothing'}.",
            advice="Check INTERMEZZO_API_URL, or name the organization yourself.",
        )
    return spelled(_ORGANIZATION, found)


def _not_one(
    plan: Reading, visible: Mapping[str, str], look_up: Reading
) -> SettingsError:
    listed = ", ".join(f"{i} ({name})" for i, name in list(visible.items())[:_SHOWN])
    doubt = "" if look_up.complete else " " + "; ".join(look_up.notes) + "."
    is_visible = "is visible" if len(visible) == 1 else "are visible"
    count = f"{len(visible)} {is_visible}" + (", perhaps more" if doubt else "")
    return SettingsError(
        f"{plan.query.label} belong to an organization, and {count}",
        why=f"They are: {listed or 'none'}.{doubt}",
        advice="Add --organization ID, or --organization all for each of them "
        "(in Python: organization=…).",
        code="missing_setting",
    )
