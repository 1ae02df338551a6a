"""Days and instants as the API writes them: ISO 8601, an instant mostly in UTC."""

from __future__ import annotations

import datetime as dt

DAY = len("2026-03-31")  # characters of a day; an instant begins with them


def is_day(text: str) -> bool:
    """Tell whether a text has the length of a day, and so no time."""
    return len(text) == DAY


def instant_of(text: str) -> dt.datetime:
    """
    Give an instant; of what names no zone it is UTC, as in a frame.

    Raises
    ------
    ValueError
        It is none.
    """
    read = dt.datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=dt.UTC)


def day_of_instant(text: str) -> dt.date:
    """
    Give the day, in UTC, that an instant is on.

    Raises
    ------
    ValueError, OverflowError
        It is none, or is on no day of the years 1 to 9999.
    """
    return instant_of(text).astimezone(dt.UTC).date()
