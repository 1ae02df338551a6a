"""What a glance at the bytes of a JSON text tells, once numpy is there."""

from __future__ import annotations

import numpy as np

_OPENING, _CASE = ord("{"), ord("{") ^ ord("[")  # one bit apart


def may_be_deeper(content: bytes, levels: int) -> bool:
    """Tell whether more lists and objects than that may be inside each other."""
    letters = np.frombuffer(content, np.uint8) | _CASE
    return bool(np.count_nonzero(letters == _OPENING) > levels)
