"""A day, in whatever form somebody gives it; pure, no pandas."""

from __future__ import annotations

import datetime as dt
from typing import Any

from ..errors import SettingsError
from ..quoting import quoted
from .instants import DAY


def day_of(given: Any, name: str) -> dt.date:
    """
    Give the day that is meant; of a period its last one, of an instant its own.

    Text is read as ISO 8601 alone: of ``03/04/2025`` nobody knows which day it is.

    Raises
    ------
    SettingsError
        ``bad_arguments``: it is no day.
    """
    try:
        if (day := _day(given)) is not None:
            return day
    except (TypeError, ValueError):
        pass
    raise SettingsError(
        f"{name} cannot be used as it is given: {quoted(given)} is no date",
        advice='Give a date, or write it as in "2026-03-31".',
        code="bad_arguments",
    )


def _day(given: Any) -> dt.date | None:
    if isinstance(given, str):
        return dt.datetime.fromisoformat(given).date()
    if isinstance(given, dt.datetime):
        day = given.date()
        return None if isinstance(day, dt.datetime) else day  # that of NaT is NaT
    if isinstance(given, dt.date):
        return given
    # What numpy and pandas call so knows no method that Python's dates have.
    kind = type(given).__name__
    if kind == "datetime64":
        return dt.date.fromisoformat(str(given)[:DAY])
    return _day(given.end_time) if kind == "Period" else None
