"""What an answer of the API holds: its JSON without loss, and whether there is more."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias

import orjson
import requests

# Called, it gives the decoded JSON, and the header that announces more.
Answer: TypeAlias = Callable[[], tuple[Any, str]]

# Digits and points become 0, and what may stand before a number a comma.
_SHAPES = bytes.maketrans(b"123456789.:[ \t\r\n+-E", b"0" * 10 + b",,,,,,,,e")
_LONG, _TINY = b"0" * 16, b"e,000"
# A number of 16 digits or more, but for integers of 64 bits, and one of less than
# 1e-99: with less than that, a float gives back each digit that was written.
_DOUBTFUL = re.compile(
    rb"(?:^|[:,\[\s])-?(?!\d{1,18}(?:[,}\]\s]|$))[\d.]{16}"
    rb"|[eE](?:-\d{3,}(?:[,}\]\s]|$)|[+-]?\d{16})"
)


def decoded(response: requests.Response) -> Any:
    """
    Give the JSON of an answer; a number that no float holds exactly, as its text.

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
    if not _may_round(content):
        with contextlib.suppress(orjson.JSONDecodeError):
            return orjson.loads(content)
    return json.loads(content, parse_float=_number)


def announced(response: requests.Response) -> str:
    """Name the header by which an answer says that it is a part; empty for none."""
    if response.status_code == requests.codes.partial_content:
        return "status 206 (RFC 9110 §15.3.7)"
    relations = {word for names in response.links for word in names.lower().split()}
    return "Link header (RFC 8288)" if "next" in relations else ""


def _may_round(content: bytes) -> bool:
    """Tell whether a number is there of which a fast reader might lose a digit."""
    shapes = content.translate(_SHAPES)
    # From the right, since it is the first byte that is rare, not the last.
    is_odd = shapes.startswith(_LONG) or any(
        shapes.rfind(odd) >= 0 for odd in (b"," + _LONG, b"e" + _LONG, _TINY)
    )
    return is_odd and _DOUBTFUL.search(content) is not None


def _number(text: str) -> float | str:
    number = float(text)
    try:
        is_exact = math.isfinite(number) and Decimal(repr(number)) == Decimal(text)
    except ArithmeticError:  # an exponent beyond all bounds
        is_exact = False
    return number if is_exact else text
