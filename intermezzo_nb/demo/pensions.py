"""Invented workplace pensions of British employees: automatic enrolment over time."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from .identifiers import instant, type_id
from .pay import pay_on
from .people import Company

_POSTPONED = dt.timedelta(days=90)
_OPT_OUT_WINDOW = dt.timedelta(days=20)
_AGAIN = 3  # years until those who opted out are enrolled again
_YOUNGEST, _OLDEST = 22, 66
_LOWER, _UPPER = Decimal("520.00"), Decimal("4189.17")  # of a month's earnings


def membership(company: Company, number: int) -> list[dict[str, Any]]:
    """Give all versions of an employee's membership, the oldest first."""
    start, end = company.employment(number)
    dice, enrolled = company.dice("pension", number), start + _POSTPONED
    last = min(company.today, end or company.today)
    if enrolled > last:
        return []
    route = {"workerCategory": _category(company, number, enrolled), "schemeId": None}
    if route["workerCategory"] != "ELIGIBLE_JOBHOLDER":
        records = [route | _joined(enrolled, "NOT_ENROLLED", None)]
        if dice.random() < 0.3 and enrolled + _POSTPONED < last:
            records.append(route | _joined(enrolled + _POSTPONED, "ACTIVE", "OPTED_IN"))
        return _numbered(company, number, records)
    records = [route | _joined(enrolled, "ACTIVE", "AUTO_ENROLLED")]
    left = enrolled + _OPT_OUT_WINDOW
    if dice.random() < 0.1 and left < last:
        out = {"status": "OPTED_OUT", "optOutDate": left.isoformat()}
        records.append(records[0] | out)
        again = enrolled + dt.timedelta(days=365 * _AGAIN)
        if again < last:
            records.append(route | _joined(again, "ACTIVE", "AUTO_ENROLLED"))
    return _numbered(company, number, records)


def assessments(company: Company, number: int) -> list[dict[str, Any]]:
    """Give when an employee was assessed, the newest first."""
    start, end = company.employment(number)
    last = min(company.today, end or company.today)
    every = dt.timedelta(days=365 * _AGAIN)
    days = [start + every * n for n in range((last - start) // every + 1)]
    return [_assessment(company, number, day) for day in reversed(days) if day <= last]


def _assessment(company: Company, number: int, day: dt.date) -> dict[str, Any]:
    pay = pay_on(company, number, day)
    earnings = max(Decimal(0), min(pay, _UPPER) - _LOWER)
    start, _ = company.employment(number)
    return {
        "assessmentDate": day.isoformat(),
        "enrolmentRequired": _category(company, number, day) == "ELIGIBLE_JOBHOLDER",
        "reEnrolmentIndicator": day > start,
        "qualifyingEarnings": f"{earnings:.2f}",
        "ageAtAssessment": _age(company, number, day),
        "payrunId": f"run_{day:%Y%m}",
        "createdAt": instant(day, company.dice(f"assessment-{day}", number)),
    }


def _category(company: Company, number: int, day: dt.date) -> str:
    is_of_age = _YOUNGEST <= _age(company, number, day) < _OLDEST
    return "ELIGIBLE_JOBHOLDER" if is_of_age else "NON_ELIGIBLE_JOBHOLDER"


def _age(company: Company, number: int, day: dt.date) -> int:
    born = company.birth(number)
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _joined(day: dt.date, status: str, route: str | None) -> dict[str, Any]:
    is_in = status == "ACTIVE"
    return {
        "status": status,
        "entryRoute": route,
        "enrolmentDate": day.isoformat() if is_in else None,
        "enrolmentCommunicationDate": day.isoformat() if is_in else None,
        "optOutDate": None,
        "day": day,
    }


def _numbered(
    company: Company, number: int, records: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    dice, numbered = company.dice("membership", number), []
    for version, record in enumerate(records, 1):
        day = dt.date.fromisoformat(record["optOutDate"] or str(record["day"]))
        scheme = type_id("pen", company.seed, 1) if record["entryRoute"] else None
        own = {k: v for k, v in record.items() if k != "day"}
        about = {"createdAt": instant(day, dice), "createdBy": None}
        numbered.append({"version": version, **own, "schemeId": scheme, **about})
    return numbered
