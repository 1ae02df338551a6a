"""A forked child has its parent's locks, but none of the threads that hold them."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class HoldsLocks(Protocol):
    """Something whose locks a forked child has to make anew."""

    def after_fork(self) -> None: ...


_living: weakref.WeakSet[HoldsLocks] = weakref.WeakSet()


def renew_in_child(thing: HoldsLocks) -> None:
    """Have ``after_fork`` called in every child that is forked from now on."""
    _living.add(thing)


def _after_fork() -> None:
    for thing in list(_living):
        thing.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
