"""What an answer of the API holds: its JSON without loss, and whether there is more."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

import msgspec
import requests
from msgspec.structs import astuple

from ..loading import load
from .spelling import EXACT_DIGITS


class Announced(NamedTuple):
    """
    What the headers of an answer say of the list that it is of.

    Parameters
    ----------
    by : str
        The header that says it; empty where none does.
    rows : int or None
        How many the whole list has; None where it is said alone that there are more.
    """

    by: str = ""
    rows: int | None = None


# Called with what reads its bytes, or else by read_json, it gives what it holds, and
# what is announced beside it.
Answer: TypeAlias = Callable[..., tuple[Any, Announced]]

# How other APIs count rows, or name a page that follows; the documented ones do not.
_COUNTS = ("X-Total-Count", "X-Total")
_FOLLOWS, _NOTHING = "X-Next-Page", frozenset({"", "0", "null", "none", "false"})
_OF_ROWS = re.compile(r"(?i)(?!bytes\b)[\w-]+\s+[\d*-]+/(\d{1,18})")
_DIGITS = 18  # of a count
DEEPEST = 512  # lists and objects inside each other
_SHORT = 8192  # bytes: looked through long before numpy would be there


def decoded(response: requests.Response) -> Any:
    """
    Give the JSON of an answer; a number that no float holds exactly, as its text.

    So are NaN and Infinity, which some servers write.

    Raises
    ------
    ValueError, RecursionError
        It is no JSON, or none that can be read.
    """
    # Bytes, so that what is no UTF-8 is an error, and no letter is changed.
    return read_json(response.content)


def read_json(content: bytes) -> Any:
    """
    Give the value of a JSON text, as :func:`decoded` does.

    Raises
    ------
    ValueError, RecursionError
        It is no JSON, or none that can be read.
    """
    value = _loaded(content)
    insist_on_depth(content, value)
    return value


def insist_on_depth(content: bytes, value: Any) -> None:
    """
    Refuse what is too deep: it has to be written as text later, or marshalled.

    Parameters
    ----------
    content : bytes
        A JSON text.
    value
        What was read from it, in whatever form.

    Raises
    ------
    RecursionError
    """
    if _may_be_deeper(content):
        # As a rule these are the records of a page, which are looked at one by one.
        parts = _nested(_nested([value]))
        if any(_is_deeper(part, DEEPEST - 2) for part in parts):
            raise RecursionError


def number_of(text: str) -> float | str:
    """Give a JSON number with a point or an exponent, if no float, as its text."""
    number = float(text)
    if len(text) <= EXACT_DIGITS and "e" not in text and "E" not in text:
        return number
    try:
        is_exact = math.isfinite(number) and Decimal(repr(number)) == Decimal(text)
    except ArithmeticError:  # an exponent beyond all bounds
        is_exact = False
    return number if is_exact else text


def announced(response: requests.Response) -> Announced:
    """Tell by which header an answer says that it is a part, or how many rows are."""
    if response.status_code == requests.codes.partial_content:
        return Announced("status 206 (RFC 9110 §15.3.7)")
    relations = {word for names in response.links for word in names.lower().split()}
    if "next" in relations:
        return Announced("Link header (RFC 8288)")
    headers = response.headers
    if headers.get(_FOLLOWS, "").strip().lower() not in _NOTHING:
        return Announced(f"{_FOLLOWS} header")
    for name in _COUNTS:
        counted = headers.get(name, "")
        if counted.isdecimal() and len(counted) <= _DIGITS:
            return Announced(f"{name} header", int(counted))
    if found := _OF_ROWS.fullmatch(headers.get("Content-Range", "").strip()):
        return Announced("Content-Range header", int(found[1]))
    return Announced()


def _loaded(content: bytes) -> Any:
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
        return _DECODER.decode(content)
    # NaN, half a letter, another encoding: or nothing that is JSON.
    return json.loads(content, parse_float=number_of, parse_constant=str)


def _may_be_deeper(content: bytes) -> bool:
    if len(content) <= _SHORT:
        return content.count(b"[") + content.count(b"{") > DEEPEST
    load("api.glance")  # the first use of numpy
    from .glance import may_be_deeper

    return may_be_deeper(content, DEEPEST)


def _is_deeper(value: Any, levels: int) -> bool:
    try:
        text = msgspec.json.encode(value)
    except UnicodeEncodeError:  # half a letter
        text = b"[" * 2 * levels
    if len(text) < 2 * levels or text.count(b"[") + text.count(b"{") <= levels:
        return False
    level = [value]
    for _ in range(levels):
        level = _nested(level)
        if not level:
            return False
    return True


def _nested(values: Iterable[Any]) -> list[Any]:
    return [
        inner
        for outer in values
        for inner in _inside(outer)
        if inner and isinstance(inner, _NESTED)
    ]


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return astuple(value) if isinstance(value, msgspec.Struct) else value


_NESTED = (dict, list, msgspec.Struct)
_DECODER = msgspec.json.Decoder(float_hook=number_of)
