"""Rooms that bring heavy libraries, loaded so that an interrupt leaves no half."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import partial
from importlib import import_module

_LOOK = 0.2  # seconds, as an endless wait cannot be interrupted on Windows


def load(room: str) -> None:
    """
    Import a room of this package, wholly or not at all.

    An import that is broken off may leave a half of numpy behind, which no later one
    completes. In a thread of its own it is not: an interrupt ends the wait alone.

    Parameters
    ----------
    room : str
        Its name within the package.
    """
    name = f"{__package__}.{room}"
    if name in sys.modules:
        return
    if threading.current_thread() is not threading.main_thread():
        import_module(name)  # no interrupt comes here
        return
    loaded = begin(partial(import_module, name))
    while not wait([loaded], _LOOK).done:
        pass
    loaded.result()


def begin(work: Callable[[], object], *, daemon: bool = False) -> Future[object]:
    """
    Let a thread do something once, whoever is interrupted meanwhile.

    Parameters
    ----------
    daemon : bool
        Whether Python may end before it is done.
    """
    done: Future[object] = Future()

    def do() -> None:
        try:
            done.set_result(work())
        except BaseException as fault:  # noqa: BLE001 (who waits is told)
            done.set_exception(fault)

    # Of an executor, one that is interrupted while this starts could not be shut down:
    # its thread would wait for more, and the process for that thread.
    threading.Thread(target=do, name="intermezzo-loading", daemon=daemon).start()
    return done
