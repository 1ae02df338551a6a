"""Whether a JSON text holds a number of which a fast reader may lose a digit."""

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


def may_round(content: bytes) -> bool:
    """Tell whether such a number is there."""
    # Nearly every page is cleared by this, at a few bytes a nanosecond; a regular
    # expression takes thirty times as long.
    return _is_odd(content) and _DOUBTFUL.search(content) is not None


def _is_odd(content: bytes) -> bool:
    letters = np.frombuffer(content, np.uint8)
    run = (letters - _FIRST) < _KINDS  # of one, and then of 2, 4, 8 and 16 in a row
    for step in (1, 2, 4, 8):
        run = run[:-step] & run[step:]
    begins = np.flatnonzero(run)
    if len(begins) and (begins[0] == 0 or _BEFORE[letters[begins - 1]].any()):
        return True
    before = np.flatnonzero(letters[1:] == _MINUS)
    signs = before[_EXPONENT[letters[before]]] + 1
    return any(content[at + 1 : at + 4].isdigit() for at in signs)
