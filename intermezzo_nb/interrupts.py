"""What an interrupt leaves behind, told in a line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .errors import Interrupted, LoginInterrupted

NOTHING_ASSIGNED = "nothing was assigned. The connection can be used as before."
"""What is there after an interrupt of a reading."""


@contextmanager
def told_of_interrupt(left: str) -> Iterator[None]:
    """
    Let an interrupt be told in a line; it stays one.

    Parameters
    ----------
    left : str
        What is there, and what is not, after one.
    """
    try:
        yield
    except LoginInterrupted:
        raise  # it has words of its own
    except KeyboardInterrupt as interrupt:
        frames = interrupt.__traceback__
        raise Interrupted(f"interrupted; {left}").with_traceback(frames) from None
