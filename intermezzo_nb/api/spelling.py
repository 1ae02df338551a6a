"""How dates and numbers are spelled in JSON, and which of them a double can hold."""

from __future__ import annotations

import re
from typing import Any

DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)
EXACT_WHOLE = 2**53  # beyond it, a double is not the integer that was written
EXACT_DIGITS = 15  # significant digits that every double keeps
_DIGITS = 19  # of a count that is written as text


def count_of(value: Any) -> int | None:
    """Give a count, written as a number or as text; None for what is none."""
    if isinstance(value, str) and value.isdecimal() and len(value) < _DIGITS:
        return int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT_WHOLE:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return min(value, EXACT_WHOLE)  # no list has more
    return None
