"""Whose records a reading asks for: the organizations and employees it is about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any

from ..errors import ApiError, NotFound, SettingsError
from ..quoting import quoted
from .arguments import bad_argument, many
from .client import Api
from .failures import ABOUT_SOME, Failures, Owner
from .fan_out import FanOut
from .filters import spelled
from .page import LARGEST
from .progress import Progress, plural
from .query import Query
from .reading import Reading
from .schema import Parameter

_ORGANIZATION = Parameter("organization", where="path", example="org_…")
_EMPLOYEE = Parameter("employee_id", where="path", example="emp_…")
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

    look_up = _look_up(api, plan, Query("organizations"))
    found = [record for batch in look_up.batches() for record in batch]
    plan.notes += look_up.notes
    country = plan.extent.country
    # A list may name an organization twice; its records are asked once.
    visible = {
        _id_of(organization): str(organization.get("legalName"))
        for organization in found
        if country in ("", organization.get("registrationCountry"))
    }
    if wanted != "all" and not (len(visible) == 1 and look_up.complete):
        raise _not_one(plan, visible, look_up)
    plan.extent.is_of_all = wanted == "all"
    others = len({str(o.get("id")) for o in found} - {*visible})
    if plan.extent.is_of_all and visible and others:
        plan.hints.append(
            f"{plural(others, 'organization')} not registered in {country}, and so "
            f"not asked: {plan.query.label} is of {country} alone"
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
            for batch in _look_up(api, plan, Query("organizations")).batches()
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


def employ(api: Api, plan: Reading, wanted: Any) -> None:
    """
    Let a reading ask each of many employees, of the organizations that it has.

    Parameters
    ----------
    wanted : iterable of str, or None
        Their ids; None for all.

    Raises
    ------
    SettingsError
        ``bad_filter``: one of them is no id.
    ApiError, NetworkError
        Nobody's list of employees can be read.
    """
    failures = Failures("employee", strict=plan.query.strict)
    several, limit = len(plan.extent.organizations) != 1, plan.query.limit
    ids: tuple[str, ...] | None = None
    groups: Iterable[tuple[Owner, ...]]
    if wanted is None:
        listed = _groups(api, plan, limit=limit)
        groups = [*listed] if limit is None else listed
    else:
        given = _ids(wanted)
        ids = tuple(dict.fromkeys(given))
        owners = (
            _found(api, plan, ids, failures)
            if several
            else (Owner(plan.extent.organizations[0], one) for one in ids)
        )
        groups = [tuple(owners)]
        if again := len(given) - len(ids):
            repeated = plural(again, "id")
            plan.hints.append(
                f"employee_id repeats {repeated}: each employee is asked once"
            )
    plan.employees = FanOut(
        groups,
        failures,
        are_from_list=wanted is None or several,
        wanted=ids,
        may_be_absent=bool(plan.extent.resource and plan.extent.resource.may_be_absent),
        number=sum(map(len, groups)) if isinstance(groups, list) else None,
        nowhere=len(failures.listed),
        expects_some=ids is None,
    )
    if limit is None:  # else it may be enough to ask the first
        plan.tally.foresee(plan.employees.number or 0)


def _groups(
    api: Api, plan: Reading, *, limit: int | None, are_asked: bool = True
) -> Iterator[tuple[Owner, ...]]:
    """
    Give the employees that are listed, each once.

    Parameters
    ----------
    limit : int or None
        Rows, for which the first of each list may do; the others come after them.
    are_asked : bool
        Whether each of them takes a request.
    """
    found: dict[Owner, None] = {}
    for organization in plan.extent.organizations:
        try:
            for look_up in _lists(api, plan, organization, limit):
                already = len(found) if are_asked else None
                listed = [*_employees_of(plan, look_up, organization, already)]
                group = dict.fromkeys(owner for owner in listed if owner not in found)
                found |= group
                is_last = organization == plan.extent.organizations[-1]
                if plan.employees and is_last and _is_all(look_up):
                    plan.employees.listed = len(found)
                yield tuple(group)
            plan.of_organizations.good()
        except ABOUT_SOME as error:
            if len(plan.extent.organizations) == 1:
                raise
            plan.of_organizations.add(Owner(organization), error)
    plan.of_organizations.end()


def _lists(
    api: Api, plan: Reading, organization: str, limit: int | None
) -> Iterator[Reading]:
    """Give the reading of a list; where a limit may do with few, of few before it."""
    if limit is not None:
        # Not everybody has a record, and a page costs the same whatever it holds.
        few = Query("employees", limit=2 * limit + LARGEST)
        first = _look_up(api, plan, few, organization)
        yield first
        if _is_all(first):
            return
    yield _look_up(api, plan, Query("employees"), organization)


def _is_all(look_up: Reading) -> bool:
    return look_up.query.limit is None or look_up.complete


def _employees_of(
    plan: Reading, look_up: Reading, organization: str, already: int | None
) -> Iterator[Owner]:
    is_last = look_up.query.limit is None
    elsewhere = nameless = 0
    for number, batch in enumerate(look_up.batches()):
        if number == 0 and is_last and already is not None and look_up.total:
            pages = (look_up.tally.planned or 1) - look_up.requests
            plan.tally.foresee(
                pages + already + look_up.total,
                are_all=False,
                is_least=organization != plan.extent.organizations[-1],
            )
        for record in batch:
            country = record.get("employmentCountry")
            if country and plan.extent.country not in ("", country):
                elsewhere += 1
                continue
            try:
                yield Owner(organization, _path_part(record, _EMPLOYEE))
            except ValueError:
                nameless += 1
    if not _is_all(look_up):
        return  # all of them will tell
    plan.notes += look_up.notes
    if nameless:
        employees = plural(nameless, "employee")
        plan.notes.append(f"{employees} came without an id that can be asked for")
    if elsewhere:
        plan.hints.append(
            f"{plural(elsewhere, 'employee')} not employed in {plan.extent.country}, "
            "and so not asked"
        )


def _found(
    api: Api, plan: Reading, ids: Sequence[str], failures: Failures
) -> Iterator[Owner]:
    """Give employees whose organization has to be looked up, or each of several."""
    listed: dict[str, list[Owner]] = defaultdict(list)
    for group in _groups(api, plan, limit=None, are_asked=False):
        for owner in group:
            listed[owner.employee].append(owner)
    for one in ids:
        if one in listed:
            yield from listed[one]
        else:
            organizations = plural(len(plan.extent.organizations), "organization")
            error = NotFound(
                f"no employee {one} is listed in {organizations}",
                advice='Check the ids; frame("employees", organization="all").id '
                "lists them.",
            )
            failures.add(Owner(employee=one), error)


def _ids(wanted: Any) -> list[str]:
    if (ids := many(wanted)) is None:
        raise bad_argument("employee_id", "an id, or a column of ids such as frame.id")
    for place, one in enumerate(ids):
        is_id = isinstance(one, (str, Integral)) and not isinstance(one, bool)
        if not is_id or one == "":
            raise SettingsError(
                f"employee_id holds no id at position {place}, but "
                f"{'empty text' if is_id else f'a {type(one).__name__}'}",
                advice="Give ids alone, as in frame.id.dropna().",
                code="bad_filter",
            )
    return [spelled(_EMPLOYEE, one) for one in ids]


def _id_of(organization: Mapping[str, Any]) -> str:
    try:
        return _path_part(organization, _ORGANIZATION)
    except ValueError:
        held = ", ".join(map(str, list(organization)[:8]))
    raise ApiError(
        "the API lists an organization without an id that can be asked for",
        why=f"It has: {held or 'nothing'}.",
        advice="Check INTERMEZZO_API_URL, or name the organization yourself.",
    )


def _path_part(record: Mapping[str, Any], name: Parameter) -> str:
    # It becomes a part of paths, so it is as little trusted as one that was typed.
    found = record.get("id")
    if found in (None, "") or isinstance(found, (dict, list)):
        raise ValueError
    return spelled(name, found)


def _look_up(api: Api, plan: Reading, query: Query, organization: str = "") -> Reading:
    def tell(now: Progress) -> None:
        if now.waiting:
            plan.tell_wait(0, f"{query.name}: {now.waiting}")
        else:
            plan.tell_step(now)

    look_up = Reading(
        api,
        query,
        progress=tell,
        announces=False,
        within=plan.tally,
        load=plan.load,
    )
    look_up.extent.organizations = (organization,) if organization else ()
    return look_up


def listed(visible: Mapping[str, str]) -> str:
    """Name the first few organizations, given by their ids, and count the rest."""
    shown = [f"{i} ({name})" for i, name in list(visible.items())[:_SHOWN]]
    more = len(visible) - len(shown)
    return ", ".join([*shown, *([f"and {more:,} more"] if more else [])]) or "none"


def _not_one(
    plan: Reading, visible: Mapping[str, str], look_up: Reading
) -> SettingsError:
    doubt = "" if look_up.complete else " " + "; ".join(look_up.notes) + "."
    is_visible = "is visible" if len(visible) == 1 else "are visible"
    count = f"{len(visible)} {is_visible}" + (", perhaps more" if doubt else "")
    return SettingsError(
        f"{plan.query.label}: it is not said of which organization, and {count}",
        why=f"They are: {listed(visible)}.{doubt}",
        advice="Add --organization ID, or --organization all for each of them "
        "(in Python: organization=…).",
        code="missing_setting",
    )
