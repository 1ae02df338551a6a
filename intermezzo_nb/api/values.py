"""From a cell of a table to the JSON that is sent: exact, or refused with a reason."""

from __future__ import annotations

import datetime as dt
import difflib
import json
import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from .schema import Column
from .spelling import DATE, DECIMAL, EXACT_WHOLE

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_LARGEST = 10**4300  # what has more digits than that is written by no int of Python
_NEAR = 0.8  # as monthly is to month, and Salry to Salary
_CENTS = 2  # digits after the point, of what is paid
_PLACES = 4  # digits that a float's amount may have after the point


class Unfit(Exception):
    """A value cannot be sent; the words say why, and do not repeat it."""


def as_json(column: Column, value: Any) -> Any:
    """
    Give a value as the API takes it.

    Parameters
    ----------
    value : object
        Not missing.

    Raises
    ------
    Unfit
        It is not of the column's kind.
    """
    try:
        fit = _KINDS[column.kind](value)
    except Unfit as why:
        if not column.example:
            raise
        raise Unfit(f"{why}; an example is {column.example}") from None
    if column.values and fit not in column.values:
        if column.kind == "enum":
            raise Unfit(f"has to be one of {', '.join(column.values)}")
        # Where the reference gives examples alone, a close word may be another one.
        if not column.example and (near := _near(column, fit)):
            raise Unfit(f"is not among the documented values; did you mean {near}?")
    return fit


def _near(column: Column, word: str) -> str | None:
    known = {value.casefold(): value for value in column.values}
    found = difflib.get_close_matches(word.casefold(), known, 1, _NEAR)
    return known[found[0]] if found else None


def is_of_cents(column: Column, value: Any) -> bool:
    """Tell whether a value of :func:`as_json`, if it is money, has a usual length."""
    if column.kind != "money" or not isinstance(value, Decimal):
        return True
    return len(format(value, "f").partition(".")[2].rstrip("0")) <= _CENTS


def encoded(value: Any) -> str:
    """
    Give JSON text; a Decimal becomes a number with just its digits.

    Fields are sorted, as a journal knows a row by its text: the order of a table's
    columns says nothing.
    """
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"), sort_keys=True)
    except TypeError:
        pass  # a Decimal inside, which json cannot write as a number
    if isinstance(value, Mapping):
        inner = (f"{json.dumps(k)}:{encoded(v)}" for k, v in sorted(value.items()))
        return "{" + ",".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(encoded, value)) + "]"
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    raise TypeError


def _a(value: Any) -> str:
    name = type(value).__name__
    article = "an" if name[0].lower() in "aeiou" else "a"
    return "text" if isinstance(value, str) else f"{article} {name}"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Unfit(f"has to be text, and is {_a(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Unfit("holds half a character") from None
    return str(value)


def _email(value: Any) -> str:
    if not _EMAIL.fullmatch(_text(value)):
        raise Unfit("is not an e-mail address")
    return str(value)


def _date(value: Any) -> str:
    if isinstance(value, dt.datetime) and not _is_never(value):
        if value.tzinfo is not None or value.time() != dt.time():
            raise Unfit("has to be a date, and has a time of day")
        value = value.date()
    text = value.isoformat() if isinstance(value, dt.date) else value
    if isinstance(text, str) and DATE.fullmatch(text):
        try:
            return dt.date.fromisoformat(text).isoformat()
        except ValueError:
            pass
    raise Unfit("has to be a date, as 2026-04-30")


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Unfit(f"has to be True or False, and is {_a(value)}")
    return value


def _integer(value: Any) -> int:
    is_whole = isinstance(value, float) and value.is_integer()
    if is_whole and abs(value) <= EXACT_WHOLE:
        value = int(value)  # what a gap in its column has made a float
    if not isinstance(value, int) or isinstance(value, bool):
        raise Unfit(f"has to be a whole number, and is {_a(value)}")
    if abs(value) >= _LARGEST:
        raise Unfit("has more digits than Python writes")
    return int(value)


def _number(value: Any) -> Decimal:
    if isinstance(value, str) and DECIMAL.fullmatch(value):
        return Decimal(value)
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        if not (number.is_finite() and math.isfinite(number)):
            raise Unfit("is not finite")
        return number
    raise Unfit(f"has to be a number, and is {_a(value)}")


def _money(value: Any) -> Decimal:
    number = _number(value)
    exponent = number.as_tuple().exponent
    if isinstance(value, float) and isinstance(exponent, int) and exponent < -_PLACES:
        # 0.1 + 0.2 is such a number, and nobody is owed it.
        raise Unfit(
            f"has more than {_PLACES} decimals, as a float's tail: round it, or give a "
            "Decimal"
        )
    return number


def _json(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = json.loads(value, parse_float=Decimal, parse_constant=_refused)
        except (ValueError, RecursionError):
            raise Unfit("is text that is no JSON") from None
    try:
        value = _plain(value)
    except RecursionError:
        raise Unfit("holds what JSON cannot") from None
    if not isinstance(value, (dict, list)):
        raise Unfit("has to be an object or a list")
    try:
        encoded(value)
    except (TypeError, ValueError, RecursionError):
        raise Unfit("holds what JSON cannot") from None
    return value


def _plain(value: Any) -> Any:
    # Cells that were read by pyarrow hold arrays of numpy.
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, Mapping):
        members = {str(k): _plain(v) for k, v in value.items()}
        if len(members) < len(value):  # 1 and "1" are one name in JSON
            raise Unfit("holds two members of the same name")
        return members
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if _is_never(value):
        raise Unfit("holds what JSON cannot")
    return value.isoformat() if isinstance(value, dt.date) else value


def _is_never(value: object) -> bool:
    return type(value).__name__ == "NaTType"  # a datetime that has no time


def _texts(value: Any) -> list[str]:
    is_word = isinstance(value, str) and not value.lstrip().startswith("[")
    texts = None if is_word else _json(value)
    if not isinstance(texts, list) or not all(isinstance(t, str) for t in texts):
        raise Unfit("has to be a list of text")
    return texts


def _address(value: Any) -> Any:
    is_written = isinstance(value, str) and value.lstrip().startswith("{")
    is_object = is_written or isinstance(value, Mapping)
    return _json(value) if is_object else _text(value)


def _any(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return value if isinstance(value, bool) else _integer(value)
    if isinstance(value, (float, Decimal)):
        return _number(value)
    return _date(value) if isinstance(value, dt.date) else _json(value)


def _refused(_: str) -> None:
    raise ValueError


_KINDS: Mapping[str, Callable[[Any], Any]] = {
    "text": _text,
    "enum": _text,
    "email": _email,
    "date": _date,
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
    "money": _money,
    "json": _json,
    "texts": _texts,
    "address": _address,
    "any": _any,
}
