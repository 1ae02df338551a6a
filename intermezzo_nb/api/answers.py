"""What an answer of the API holds: its JSON without loss, and whether there is more."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec
import requests

from ..loading import load
from .spelling import EXACT_DIGITS

# Called, it gives the decoded JSON, and what its headers say of the list, as below.
Answer: TypeAlias = Callable[[], tuple[Any, str | int]]

_DIGITS = 18  # of a count
DEEPEST = 512  # lists and objects inside each other


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
    load("api.glance")  # the first use of numpy
    from .glance import may_be_deeper

    value = _loaded(content)
    if may_be_deeper(content, DEEPEST) and _is_deeper(value):
        raise RecursionError
    return value


def announced(response: requests.Response) -> str | int:
    """
    Name the header by which an answer says that it is a part.

    Else give how many rows the whole list has, where a header counts them; empty text
    for none of both.
    """
    if response.status_code == requests.codes.partial_content:
        return "status 206 (RFC 9110 §15.3.7)"
    relations = {word for names in response.links for word in names.lower().split()}
    if "next" in relations:
        return "Link header (RFC 8288)"
    counted = response.headers.get("X-Total-Count", "")
    is_count = counted.isdecimal() and len(counted) <= _DIGITS
    return int(counted) if is_count else ""


def _loaded(content: bytes) -> Any:
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
        return _DECODER.decode(content)
    # NaN, half a letter, another encoding: or nothing that is JSON.
    return json.loads(content, parse_float=_number, parse_constant=str)


def _is_deeper(value: Any) -> bool:
    # What is read has to be written as text later, or marshalled, in a Python whose
    # stack may be short.
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if inner and isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def _number(text: str) -> float | str:
    number = float(text)
    if len(text) <= EXACT_DIGITS and "e" not in text and "E" not in text:
        return number
    try:
        is_exact = math.isfinite(number) and Decimal(repr(number)) == Decimal(text)
    except ArithmeticError:  # an exponent beyond all bounds
        is_exact = False
    return number if is_exact else text


_DECODER = msgspec.json.Decoder(float_hook=_number)
