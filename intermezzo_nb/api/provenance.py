"""What is told of a reading that has ended: beside the frame, and in a line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from .failures import Owner
from .fan_out import absences
from .progress import plural
from .reading import Reading


def provenance(
    reading: Reading,
    *,
    profile: str,
    rows: int,
    columns: int,
    totals: Mapping[str, str],
    notes: list[str],
) -> dict[str, Any]:
    """
    Give what ``df.attrs["intermezzo"]`` holds: JSON only, and no secret.

    Returns
    -------
    dict
        ``resource``, ``organizations``, ``filters``, ``profile``: what was asked, of
        whom, and by which settings. ``filtered_here``: columns that were compared
        after reading. ``fetched_at``: when, as ISO 8601 in UTC. ``as_of``: the day
        whose versions they are, or None; ``valid_to``: how the end of a version is
        meant. ``rows``, ``columns``: the size of the frame. ``read``: rows before
        filtering. ``total``: rows that the server counts, or None. ``limit``: what was
        given. ``complete``: whether all that was asked for is here. ``requests``,
        ``repeated``, ``seconds``: what it took. ``control_totals``: the exact sum of
        each money column, as text: of all rows, whatever their currency, which the API
        does not name. ``failures``: what failed, each with employee,
        organization, HTTP status and message. ``without``: employees who have no such
        record. ``notes``: all that the summary line tells.
    """
    query = reading.query
    return {
        "resource": query.label,
        "organizations": list(reading.extent.organizations),
        "filters": reading.extent.filters,
        "filtered_here": sorted(reading.extent.here),
        "profile": profile,
        "fetched_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "as_of": query.day.isoformat() if query.is_of_day else None,
        "valid_to": query.valid_to,
        "rows": rows,
        "columns": columns,
        "read": reading.seen,
        "total": reading.total if reading.counts_rows else None,
        "limit": query.limit,
        "complete": reading.complete,
        **reading.tally.spent,
        "control_totals": dict(totals),
        "failures": reading.failures,
        "without": [owner.employee for owner in without(reading)],
        "notes": [*remarks(reading), *notes],
    }


def without(reading: Reading) -> Sequence[Owner]:
    """Give the employees for whom there is no such record, or none on that day."""
    if reading.employees:
        return reading.employees.without
    one = reading.extent.only_employee
    is_without = bool(one and reading.complete and not reading.seen)
    organization = next(iter(reading.extent.organizations), "")
    return [Owner(organization, one)] if is_without else ()


def remarks(reading: Reading) -> list[str]:
    """Give all that is to be told of what was read."""
    asked = reading.employees.done if reading.employees else 1
    return [
        *reading.hints,
        *_no_match(reading),
        *absences(reading.query.label_of_day, without(reading), asked, reading.said),
        *reading.doubts(),
        *missing(reading),
    ]


def _no_match(reading: Reading) -> list[str]:
    if reading.rows or not (reading.seen and reading.extent.here):
        return []
    names = " and ".join(sorted(reading.extent.here))
    return [f"of {plural(reading.seen, 'row')} that came, none has that {names}"]


def missing(reading: Reading) -> list[str]:
    """Tell why not all is here that was asked for."""
    employees = reading.employees
    return [
        *reading.notes,
        *reading.of_organizations.notes(len(reading.extent.organizations)),
        *(employees.failures.notes(employees.asked_for) if employees else ()),
    ]


def shortfall(reading: Reading, *, has_attrs: bool) -> str:
    """
    Tell what is missing that was asked for, and what to do; empty for nothing.

    Parameters
    ----------
    has_attrs : bool
        Whether what is given has a place for its provenance.
    """
    if not (why := missing(reading)):
        return ""
    told = [f"{reading.query.label} is not complete: {'; '.join(why)}."]
    name = "failures" if reading.failures else "notes"
    listed = f'df.attrs["intermezzo"]["{name}"] lists all.' if has_attrs else ""
    told += ["strict=True raises the first failure."] if reading.failures else []
    return " ".join([*told, listed]).strip()


def summary(about: Mapping[str, Any]) -> str:
    """Give the one line that stays above a frame."""
    is_cut = not about["complete"] and about["limit"] is not None
    of = f" of {about['total']:,}" if is_cut and about["total"] else ""
    rows = f"{about['rows']:,}{of} row" + ("" if about["rows"] == 1 and not of else "s")
    cut = " (cut by the limit)" if is_cut and not of else ""
    parts = [
        about["resource"],
        f"{rows} × {about['columns']} columns{cut}",
        plural(about["requests"], "request")
        + (f" ({about['repeated']:,} repeated)" if about["repeated"] else ""),
        f"{about['seconds']:.1f} s",
        about["profile"],
        "complete" if about["complete"] else "not complete",
    ]
    if about["filtered_here"]:
        columns = ", ".join(about["filtered_here"])
        read = f"{about['rows']:,} of {about['read']:,} that came"
        parts.insert(2, f"filtered here by {columns}: {read}")
    if about["as_of"]:
        parts.insert(2, f"as of {about['as_of']}")
    return "\n".join([" · ".join(parts), *(f"  {note}" for note in about["notes"])])
