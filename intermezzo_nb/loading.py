"""Rooms that bring heavy libraries, loaded so that an interrupt leaves no half."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor, wait
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
    thread = ThreadPoolExecutor(1, "intermezzo-loading")
    loaded = thread.submit(import_module, name)
    thread.shutdown(wait=False)
    while not wait([loaded], _LOOK).done:
        pass
    loaded.result()
