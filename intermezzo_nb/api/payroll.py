"""Payroll runs: lines of pay in, payslips out, whoever is paid told by name."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from ..errors import SettingsError
from ..quoting import plain, quoted
from .arguments import bad_argument
from .countries import EMPLOYEE_ID, KINDS, NEEDED, Country
from .forms import Body, Problem
from .outcomes import (
    CREATED,
    REJECTED,
    UNCERTAIN,
    Outcome,
    RowError,
    Told,
    all_of,
)
from .progress import plural
from .resources import PAYSLIP_LINES
from .schema import Column, Resource
from .shaping import leaves
from .values import Unfit, as_json

_LONGEST = 300  # characters of the API's words
_YEARS = 20  # from today; a day of payment beyond is a slip of the hand, such as 2062


def head_of(
    country: Country, pay_date: object, pay_cycle: object, external_ref: object
) -> Body:
    """
    Give what a run says of itself.

    Raises
    ------
    SettingsError
        ``bad_arguments``.
    """
    try:
        day = as_json(Column("pay_date", "date"), pay_date)
    except Unfit:
        raise _unfit("day of payment", pay_date, "pay_date='2026-04-30'") from None
    this_year = dt.datetime.now().astimezone().year
    if abs(dt.date.fromisoformat(day).year - this_year) > _YEARS:
        raise _unfit("day of payment near today", day, "pay_date='2026-04-30'")
    try:
        cycle = country.cycles[str(as_json(Column("pay_cycle"), pay_cycle)).lower()]
    except (Unfit, KeyError):
        raise _unfit("cycle", pay_cycle, "pay_cycle='month' or 'year'") from None
    head = {"payDate": day, "payCycle": cycle}
    if external_ref is None:
        return head
    try:
        reference = as_json(Column("external_ref"), external_ref)
    except Unfit:
        raise bad_argument("external_ref", "text, your own name of the run") from None
    return head | ({"externalRef": reference} if reference else {})


def _unfit(what: str, given: object, example: str) -> SettingsError:
    return SettingsError(
        f"a payroll run needs a {what}, and {quoted(given)} is none",
        advice=f"Give {example}.",
        code="bad_arguments",
    )


class Group(Struct):
    """
    The employees of a run, and the rows that each was written in.

    Parameters
    ----------
    ids : list
        In the order of their first rows.
    fields, lines : list
        What is sent of each: dotted fields, and lines by kind.
    places : list of list of int
    """

    ids: list[Any]
    fields: list[Body]
    lines: list[dict[str, list[Body]]]
    places: list[list[int]]


def grouped(
    country: Country,
    rows: Sequence[Body],
    labels: Sequence[Any],
    problems: list[Problem],
) -> Group:
    """Put an employee's rows together; problems are added to the list."""
    group, known = Group([], [], [], []), dict[Any, int]()
    inherent = {c.name for c in country.employee}
    for at, row in enumerate(rows):
        own = {name: value for name, value in row.items() if name in inherent}
        name = own.pop(EMPLOYEE_ID, None)
        if isinstance(name, str) and name != name.strip():
            # With and without it, one person would be paid as two.
            problems.append((labels[at], EMPLOYEE_ID, "begins or ends with a space"))
        if (number := known.setdefault(name, len(known))) == len(group.ids):
            group.ids.append(name)
            group.fields.append(own)
            group.lines.append({f"{kind}s": [] for kind in KINDS})
            group.places.append([])
        group.places[number].append(at)
        problems += [
            (labels[at], field, "is another value than in the employee's first row")
            for field, value in own.items()
            if group.fields[number].setdefault(field, value) != value
        ]
        kind = row.get("kind", "earning")
        if kind not in country.lines:
            continue  # told already
        line = {k: v for k, v in row.items() if k not in inherent and k != "kind"}
        group.lines[number][f"{kind}s"].append(line)
        problems += _line_problems(country, kind, line, labels[at])
    return group


def members(country: Country, group: Group, nest: Callable[[Body], Body]) -> list[Body]:
    """Give each employee as the API takes it."""
    return [
        nest({country.identity: name, **own})
        | {"payDetails": {kind: listed for kind, listed in lines.items() if listed}}
        for name, own, lines in zip(group.ids, group.fields, group.lines, strict=True)
    ]


def _line_problems(
    country: Country, kind: str, line: Body, label: Any
) -> list[Problem]:
    allowed = [c.name for c in country.lines[kind]]
    problems = [
        (label, name, f"is no field of kind {kind}")
        for name in line
        if name not in allowed
    ]
    problems += [
        (label, name, f"is missing, and kind {kind} needs it")
        for name in NEEDED
        if name in allowed and name not in line
    ]
    amount = line.get("amount")
    if kind == "earning" and isinstance(amount, Decimal) and amount <= 0:
        problems.append((label, "amount", "has to be more than 0"))
    return problems


def _whose(told: Body) -> str:
    """Give the id of who is paid; empty for nobody, also where somebody is "None"."""
    name = told.get(EMPLOYEE_ID)
    return "" if name is None else str(name)


def of_run(sent: Sequence[Any], answer: Any) -> Told:
    """
    Read the answer to a run: who has a payslip, who an error, and who neither.

    Parameters
    ----------
    sent : sequence
        The ids of the employees.
    """
    if not isinstance(answer, dict) or not isinstance(answer.get("payslips"), list):
        return all_of(len(sent), UNCERTAIN), ["the answer holds no payslips"]
    slips: dict[str, Body] = {}
    counts: Counter[str] = Counter()
    for slip in _slips(answer):
        name = _whose(slip)
        counts[name] += 1
        slips[name] = slip
    errors: dict[str, list[RowError]] = {}
    told = answer.get("errors")
    if told and not isinstance(told, list):
        return all_of(len(sent), UNCERTAIN), ["the errors of the answer are no list"]
    for name, slip in slips.items():
        if words := slip.get("error") or slip.get("errors"):
            errors[name] = [_error(words)]
    for entry in told if isinstance(told, list) else []:
        name = _whose(entry) if isinstance(entry, dict) else ""
        error = _error(entry)
        errors.setdefault(name, []).append(error)
    ours = {*map(str, sent)}
    notes = [
        f"of nobody who was sent: {plural(len(strangers), what)}"
        for what, names in (("payslip", {*slips}), ("error", {*errors}))
        if (strangers := names - ours)
    ]
    notes += (
        ["somebody has two payslips"] if any(c > 1 for c in counts.values()) else []
    )
    notes += ["somebody has a payslip and an error"] if {*slips} & {*errors} else []

    def one(name: str) -> Outcome:
        slip, found = slips.get(name), tuple(errors.get(name, ()))
        if slip is not None and not found and counts[name] == 1:
            return Outcome(CREATED, record=slip)
        is_rejected = found and slip is None
        return Outcome(REJECTED if is_rejected else UNCERTAIN, found, slip)

    return [one(str(name)) for name in sent], notes


def payslip_records(answer: Body, payslips: Resource) -> list[Body]:
    """Give the payslips of a run, flat; what is not documented keeps its whole path."""
    run = answer.get("run")
    head = {}
    if isinstance(run, dict):
        head = {"runId": run.get("id") or run.get("runId"), "status": run.get("status")}
    names = dict(payslips.keep)
    return [{**head, **_flat(slip, names)} for slip in _slips(answer)]


def line_records(answer: Body) -> list[Body]:
    """Give the lines of all payslips, a row each."""
    records = []
    for slip in _slips(answer):
        period = slip.get("currentPayPeriod")
        employee = period.get("employee") if isinstance(period, dict) else None
        for kind in KINDS:
            listed = employee.get(f"{kind}s") if isinstance(employee, dict) else None
            for line in listed if isinstance(listed, list) else []:
                own = line if isinstance(line, dict) else {"name": line}
                if "name" not in own and "earningType" in own:
                    own = {"name": own["earningType"], **own}
                records.append(
                    {EMPLOYEE_ID: slip.get(EMPLOYEE_ID), "kind": kind, **own}
                )
    return records


def _slips(answer: Body) -> list[Body]:
    told = answer.get("payslips")
    return [s for s in told if isinstance(s, dict)] if isinstance(told, list) else []


_LISTS = dict(PAYSLIP_LINES.lines)


def _flat(slip: Body, names: Mapping[str, str]) -> Body:
    places = ((".".join(path), value) for path, value in leaves(slip, ()))
    return {
        names.get(place, place): value
        for place, value in places
        if not (place in _LISTS and isinstance(value, list))  # rows of their own
    }


def _error(entry: Any) -> RowError:
    if not isinstance(entry, dict):
        return RowError(message=plain(entry, _LONGEST))
    words = entry.get("error", entry.get("message", ""))
    return RowError(plain(entry.get("code") or "", 80), "", plain(words, _LONGEST))
