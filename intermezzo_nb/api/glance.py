"""
What a glance at the bytes of a JSON text tells before it is read.

Whether a number is there of which a fast reader may lose a digit, and whether lists and
objects may be deep inside each other.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

# A number of 16 digits or more, but for integers of 64 bits, and one of less than
# 1e-99: with less than that, a float gives back each digit that was written.
_DOUBTFUL = re.compile(
    rb"(?:^|[:,\[\s])-?(?!\d{1,18}(?:[,}\]\s]|$))[\d.]{16}"
    rb"|[eE](?:-\d{3,}(?:[,}\]\s]|$)|[+-]?\d{16})"
)
_MINUS = ord("-")
_FIRST, _KINDS = ord("."), ord("9") + 1 - ord(".")  # . / and the digits, as one range


def _among(letters: bytes) -> Any:
    table = np.zeros(256, bool)
    table[[*letters]] = True
    return table


_BEFORE = _among(b":,[ \t\r\n+-eE")  # what may stand before a number, or an exponent
_EXPONENT = _among(b"eE")
_OPENING, _CASE = ord("{"), ord("{") ^ ord("[")  # one bit apart


def may_round(content: bytes) -> bool:
    """Tell whether such a number is there."""
    # Nearly every page is cleared by this, in a tenth of the time of the expression.
    return _is_odd(content) and _DOUBTFUL.search(content) is not None


def may_be_deeper(content: bytes, levels: int) -> bool:
    """Tell whether more lists and objects than that may be inside each other."""
    letters = np.frombuffer(content, np.uint8) | _CASE
    return bool(np.count_nonzero(letters == _OPENING) > levels)


def _is_odd(content: bytes) -> bool:
    letters = np.frombuffer(content, np.uint8)
    digit = (letters - _FIRST) < _KINDS
    run = digit
    for step in (1, 2, 4, 8):  # of 2, 4, 8 and 16 in a row
        run = run[:-step] & run[step:]
    if run[:1].any() or _BEFORE[letters[np.flatnonzero(run[1:] > run[:-1])]].any():
        return True
    tiny = letters[1:-3] == _MINUS  # before three digits, and after an e
    for following in (digit[2:-2], digit[3:-1], digit[4:]):
        tiny &= following
    return bool(_EXPONENT[letters[np.flatnonzero(tiny)]].any())
