"""Who is told of waits, and what ends them."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from msgspec import Struct

SILENCE = 10.0  # seconds without an answer, until that is told
WATCHER = "intermezzo-silence"
LONGEST = 120.0  # seconds; a longer Retry-After is told instead of slept
Tell = Callable[[float, str], None]


class Stopped(Exception):
    """What goes on in this thread is not wanted any more."""


class Stop:
    """Ends what was begun for somebody: waits at once, and requests under way."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._mutex = threading.Lock()
        self._connections: list[Any] = []

    def use(self, connection: Any) -> None:
        """
        Remember a connection that works for this now; no other does any more.

        Raises
        ------
        Stopped
            It is over already, for instance since a token was waited for.
        """
        connection.works_for = self
        with self._mutex:
            if not any(one is connection for one in self._connections):
                self._connections.append(connection)
        self.check()

    def now(self) -> None:
        """End it all."""
        self._event.set()
        with self._mutex:
            mine = [c for c in self._connections if c.works_for is self]
            self._connections.clear()
        for connection in mine:
            if sock := connection.sock:
                with contextlib.suppress(OSError):
                    # Who reads from it is woken. TLS's own shutdown takes the TLS off
                    # first, and who writes would write in the open.
                    bare = getattr(sock, "socket", sock)
                    socket.socket.shutdown(bare, socket.SHUT_RDWR)

    def check(self) -> None:
        """Raise where it is over."""
        if self._event.is_set():
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """Sleep, unless and until it is over."""
        self._event.wait(seconds)
        self.check()


class Silence:
    """How long nobody has answered, and when that is worth a word: ever more seldom."""

    def __init__(self) -> None:
        self.end()

    def end(self, seconds: float = 0.0) -> None:
        """Begin anew: something moved, or cannot before so many seconds."""
        self._since, self._next = time.monotonic() + seconds, SILENCE

    @property
    def seconds(self) -> float:
        """Until the next word."""
        return max(0.0, self._since + self._next - time.monotonic())

    def words(self) -> str:
        """Give them where it is time: after 10, 30, 70 seconds, and so on."""
        silent = time.monotonic() - self._since
        if silent < self._next:
            return ""
        self._next = 2 * self._next + SILENCE
        return f"no answer for {silent:.0f} s"


class Listener(Struct, frozen=True):
    """
    Who hears of waits.

    Parameters
    ----------
    wait : callable
        Told the seconds, and the reason in words.
    again : callable
        Told of each request that is sent once more.
    """

    wait: Tell
    again: Callable[[], None] = lambda: None


_listener: ContextVar[Listener | None] = ContextVar("intermezzo_nb_waits", default=None)
_stop: ContextVar[Stop | None] = ContextVar("intermezzo_nb_stop", default=None)


@contextlib.contextmanager
def telling_waits(
    tell: Tell, again: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Have each wait told, and each request that is sent once more."""
    token = _listener.set(Listener(tell, again))
    try:
        yield
    finally:
        _listener.reset(token)


@contextlib.contextmanager
def ended_by(stop: Stop) -> Iterator[None]:
    """Let waits and requests be ended from another thread."""
    token = _stop.set(stop)
    try:
        yield
    finally:
        _stop.reset(token)


def tell_wait(seconds: float, reason: str) -> bool:
    """Tell whoever listens that something is waited for; False where nobody does."""
    if (listener := _listener.get()) is None:
        return False
    listener.wait(seconds, reason)
    return True


def tell_again() -> None:
    """Tell whoever listens that a request is sent once more."""
    if listener := _listener.get():
        listener.again()


@contextlib.contextmanager
def telling_silence(tell: Tell, silence: Silence | None = None) -> Iterator[None]:
    """Tell, at ever longer intervals and from another thread, that nobody answers."""
    is_over, silence = threading.Event(), silence or Silence()

    def watch() -> None:
        while not is_over.wait(silence.seconds):
            if words := silence.words():
                tell(0.0, words)

    watcher = threading.Thread(target=watch, name=WATCHER, daemon=True)
    try:
        # There may be no threads left, or Python is ending: then nothing is told.
        with contextlib.suppress(RuntimeError):
            watcher.start()
        yield
    finally:
        is_over.set()
        if watcher.is_alive():
            watcher.join()  # or it may still tell of what is over


def use(connection: Any) -> None:
    """Let a connection be ended by whoever may end this."""
    if stop := _stop.get():
        stop.use(connection)
    else:
        connection.works_for = None


def check() -> None:
    """Raise where what goes on in this thread is over."""
    if stop := _stop.get():
        stop.check()


def sleep(seconds: float) -> None:
    """Sleep, unless and until what goes on in this thread is over."""
    if stop := _stop.get():
        stop.sleep(seconds)
    else:
        time.sleep(seconds)
