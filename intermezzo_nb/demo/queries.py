"""What an address asks of the API: read strictly; what is none is a 422."""

from __future__ import annotations

import base64
import datetime as dt
import math
from collections.abc import Collection
from typing import Any

from tornado.web import HTTPError, RequestHandler

_TRUTHS = {"": False, "false": False, "true": True}
LARGEST, _LAST = 100, 1_000_000
_LONGEST = 9  # digits; Python refuses to read numbers of thousands


class Fault(HTTPError):
    """An error with the documented body ``{error, message, details}``."""

    def __init__(self, status: int, word: str, message: str, **details: object) -> None:
        super().__init__(status)
        self.headers: dict[str, str] = {}
        self.body = {"error": word, "message": message, "details": details}


class QueryHandler(RequestHandler):
    """A handler that reads its parameters, and refuses what they cannot be."""

    def text(self, name: str) -> str:
        """Give a parameter; empty where it is left out."""
        return self.get_query_argument(name, "")

    def whole(self, name: str, default: int, most: int) -> int:
        """Give a whole number from 1."""
        text = self.text(name) or str(default)
        return number_within(name, text, 1, most)

    def day(self, name: str) -> str:
        """Give a date as it is written; empty where it is left out."""
        text = self.text(name)
        try:
            # Python reads other spellings of ISO 8601, too.
            is_date = not text or dt.date.fromisoformat(text).isoformat() == text
        except ValueError:
            is_date = False
        if not is_date:
            raise _invalid(name, text, "has to be a date, as 2026-04-06")
        return text

    def flag(self, name: str) -> bool:
        """Give true or false; false where it is left out."""
        text = self.text(name).lower()
        if text not in _TRUTHS:
            raise _invalid(name, text, "has to be true or false")
        return _TRUTHS[text]

    def chosen(self, name: str, texts: list[str], known: Collection[str]) -> list[str]:
        """Give the names that were asked for; each has to be known."""
        for text in texts:
            if text not in known:
                raise _invalid(name, text, f"knows {', '.join(known)}")
        return texts

    def position(self) -> int:
        """Give where a page begins: what either cursor says, else 0."""
        forth, back = self.text("cursor"), self.text("prev_cursor")
        if forth and back:
            raise _invalid("prev_cursor", back, "cannot go with cursor")
        name, cursor = ("prev_cursor", back) if back else ("cursor", forth)
        try:
            position = int(base64.urlsafe_b64decode(cursor)) if cursor else 0
        except ValueError:
            position = -1
        if cursor and (position < 0 or cursor_of(position) != cursor):
            raise _invalid(name, cursor, "is unknown")
        return position

    def by_number(self, count: int) -> tuple[slice, dict[str, Any]]:
        """Give which rows are on the page asked for by number, and what is told."""
        page, size = self.whole("page", 1, _LAST), self.whole("size", 10, LARGEST)
        pages = math.ceil(count / size)
        return slice((page - 1) * size, page * size), {
            "total": count,
            "page": page,
            "size": size,
            "pages": pages,
            "has_next": page < pages,
            "has_prev": page > 1,
        }

    def by_cursor(self, count: int) -> tuple[slice, dict[str, Any]]:
        """Give which rows are on the page that a cursor means, and what is told."""
        limit, start = self.whole("limit", 10, LARGEST), self.position()
        following = start + limit
        return slice(start, following), {
            "limit": limit,
            "hasNext": following < count,
            "hasPrev": start > 0,
            "nextCursor": cursor_of(following) if following < count else None,
            "prevCursor": cursor_of(max(0, start - limit)) if start else None,
            "total": count,
        }

    def page_of(self, records: list[dict[str, Any]]) -> dict[str, Any]:
        """Give the page of a list that a cursor means."""
        shown, pagination = self.by_cursor(len(records))
        return {"items": records[shown], "pagination": pagination}


def number_within(name: str, text: str, least: int, most: int) -> int:
    """
    Read a whole number.

    Raises
    ------
    Fault
        It is none, or out of bounds.
    """
    is_number = text.isascii() and text.isdecimal() and len(text) <= _LONGEST
    if is_number and least <= int(text) <= most:
        return int(text)
    raise _invalid(name, text, f"has to be between {least} and {most}")


def cursor_of(position: int) -> str:
    """Give the cursor of a page that begins there."""
    return base64.urlsafe_b64encode(str(position).encode()).decode()


def _invalid(name: str, value: str, why: str) -> Fault:
    message = f"{name} {why}."
    return Fault(422, "validation_error", message, field=name, value=value)
