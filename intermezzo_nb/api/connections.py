"""Connections that can be ended by others, and that end by themselves in time."""

from __future__ import annotations

import contextlib
import io
import math
import ssl
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from functools import partial
from http.client import HTTPResponse
from typing import Any

from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool as Pool
from urllib3.exceptions import SSLError

from . import waits

_seconds: ContextVar[float] = ContextVar("intermezzo_nb_seconds", default=math.inf)


class Unconnected(ssl.SSLError):
    """TLS did not come about, for want of a file perhaps; so nothing was sent."""


class Overdue(Exception):
    """An answer is not there in its time, though bits of it come."""

    def __init__(self, seconds: float, received: int) -> None:
        super().__init__(seconds, received)
        self.seconds, self.received = seconds, received


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let each answer that is begun here be there in time, from its request on."""
    token = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(token)


def endable(pools: Mapping[str, type[Pool]]) -> dict[str, type[Pool]]:
    """Give pools of the same kinds, those of a SOCKS proxy too, of such connections."""

    def one(pool: type[Pool]) -> type[Pool]:
        theirs: Any = pool.ConnectionCls
        if issubclass(theirs, _Endable):
            return pool
        ours = type(theirs.__name__, (_Endable, theirs), {})
        return type(pool.__name__, (pool,), {"ConnectionCls": ours})

    return {scheme: one(pool) for scheme, pool in pools.items()}


class _Endable(HTTPConnection):
    """A connection that can be ended, and that knows that it came about."""

    works_for: Any = None
    _is_through = False
    _seconds, _begun = math.inf, 0.0

    @property
    def has_connected_to_proxy(self) -> bool:
        # urllib3 asks this of a connection that broke, and is closed already: what
        # was sent on it would seem never to have got past the proxy.
        return self._is_through or super().has_connected_to_proxy

    @property
    def response_class(self) -> Any:  # type: ignore[override] # of each request
        return partial(_Answer, seconds=self._seconds, begun=self._begun)

    def connect(self) -> None:
        self._is_through = False
        self._begin()  # a proxy answers before there is a request
        try:
            super().connect()
        except (ssl.SSLError, SSLError) as fault:
            raise Unconnected(0, str(fault)) from fault
        self._is_through = True

    def request(self, *args: Any, **kwargs: Any) -> None:
        waits.use(self)
        self._begin()
        super().request(*args, **kwargs)

    def _begin(self) -> None:
        self._seconds, self._begun = _seconds.get(), time.monotonic()


class _Answer(HTTPResponse):
    """An answer that has to be there in time."""

    def __init__(
        self, sock: Any, *args: Any, seconds: float, begun: float, **kwargs: Any
    ) -> None:
        super().__init__(sock, *args, **kwargs)
        if seconds < math.inf:
            timely: Any = io.BufferedReader(_Timely(self.fp.detach(), seconds, begun))
            self.fp = timely


class _Timely(io.RawIOBase):
    """
    Reads from a socket until it is too late.

    A socket's own timeout is for each of its bytes, so a server that sends one every
    few seconds would never be given up.
    """

    def __init__(self, source: Any, seconds: float, begun: float) -> None:
        self._source, self._seconds, self._begun = source, seconds, begun
        self._received = 0

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._source.fileno())

    def readinto(self, buffer: Any, /) -> int | None:
        if time.monotonic() > self._begun + self._seconds:
            raise Overdue(self._seconds, self._received)
        count: int | None = self._source.readinto(buffer)
        self._received += count or 0
        return count

    def close(self) -> None:
        self._source.close()
        super().close()
