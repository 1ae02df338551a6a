"""The employees that a reading asks: all that are listed, or those that are named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from numbers import Integral
from typing import Any

from ..errors import NotFound, SettingsError
from .arguments import bad_argument, many
from .client import Api
from .failures import ABOUT_SOME, Failures, Owner
from .fan_out import FanOut
from .filters import spelled
from .owners import look_up, path_part
from .page import LARGEST
from .progress import plural
from .query import Query
from .reading import Reading
from .schema import Parameter

_EMPLOYEE = Parameter("employee_id", where="path", example="emp_…")


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
    several, limit = not _is_of_one(plan), plan.query.limit
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


def _is_of_one(plan: Reading) -> bool:
    """Whether it is known in which organization whoever is named is employed."""
    return len(plan.extent.organizations) == 1 and not plan.extent.elsewhere


def _groups(
    api: Api, plan: Reading, *, limit: int | None, elsewhere: set[str] | None = None
) -> Iterator[tuple[Owner, ...]]:
    """
    Give the employees that are listed, each once.

    Parameters
    ----------
    limit : int or None
        Rows, for which the first of each list may do; the others come after them.
    elsewhere : set of str, optional
        Is told who is employed in another country, where only some of all are asked.
    """
    found: dict[Owner, None] = {}
    for organization in plan.extent.organizations:
        try:
            for listing in _lists(api, plan, organization, limit):
                listed = [
                    *_employees_of(plan, listing, organization, len(found), elsewhere)
                ]
                group = dict.fromkeys(owner for owner in listed if owner not in found)
                found |= group
                is_last = organization == plan.extent.organizations[-1]
                if plan.employees and is_last and _is_all(listing):
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
        first = look_up(api, plan, few, organization)
        yield first
        if _is_all(first):
            return
    yield look_up(api, plan, Query("employees"), organization)


def _is_all(listing: Reading) -> bool:
    return listing.query.limit is None or listing.complete


def _employees_of(
    plan: Reading,
    listing: Reading,
    organization: str,
    already: int,
    elsewhere: set[str] | None,
) -> Iterator[Owner]:
    is_last, are_asked = listing.query.limit is None, elsewhere is None
    others = nameless = 0
    for number, batch in enumerate(listing.batches()):
        if number == 0 and is_last and are_asked and listing.total:
            pages = (listing.tally.planned or 1) - listing.requests
            plan.tally.foresee(
                pages + already + listing.total,
                are_all=False,
                is_least=organization != plan.extent.organizations[-1],
            )
        for record in batch:
            country = record.get("employmentCountry")
            is_other = bool(country) and plan.extent.country not in ("", country)
            others += is_other
            try:
                one = path_part(record, _EMPLOYEE)
            except ValueError:
                nameless += not is_other
                continue
            if not is_other:
                yield Owner(organization, one)
            elif elsewhere is not None:
                elsewhere.add(one)
    if not _is_all(listing):
        return  # all of them will tell
    plan.notes += listing.notes
    if nameless:
        employees = plural(nameless, "employee")
        plan.notes.append(f"{employees} came without an id that can be asked for")
    if others and are_asked:
        plan.hints.append(_not_asked(others, plan))


def _found(
    api: Api, plan: Reading, ids: Sequence[str], failures: Failures
) -> Iterator[Owner]:
    """Give employees whose organization has to be looked up, or each of several."""
    listed, elsewhere = defaultdict[str, list[Owner]](list), set[str]()
    for group in _groups(api, plan, limit=None, elsewhere=elsewhere):
        for owner in group:
            listed[owner.employee].append(owner)
    if {*ids} - {*listed} - elsewhere:
        elsewhere.update(_employed_elsewhere(api, plan))
    others = {*ids} & elsewhere - {*listed}
    if others:
        plan.hints.append(_not_asked(len(others), plan))
    for one in ids:
        if one in listed:
            yield from listed[one]
        elif one not in others:
            organizations = plural(len(plan.extent.organizations), "organization")
            error = NotFound(
                f"no employee {one} is listed in {organizations}",
                advice='Check the ids; frame("employees", organization="all").id '
                "lists them.",
            )
            failures.add(Owner(employee=one), error, is_its_own=True)


def _employed_elsewhere(api: Api, plan: Reading) -> Iterator[str]:
    """Give whom the organizations of other countries list, as far as they do."""
    for organization in plan.extent.elsewhere:
        with suppress(*ABOUT_SOME):
            for batch in look_up(api, plan, Query("employees"), organization).batches():
                for record in batch:
                    with suppress(ValueError):
                        yield path_part(record, _EMPLOYEE)


def _not_asked(count: int, plan: Reading) -> str:
    country = plan.extent.country
    return f"{plural(count, 'employee')} not employed in {country}, and so not asked"


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
