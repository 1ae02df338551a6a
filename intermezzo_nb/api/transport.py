"""Below a session: retries that go through the gate, and connections to be ended."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, cast

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool as Pool

from ..tokens.forks import renew_in_child
from . import waits
from .faults import seconds_of
from .gate import Gate

SAFE = ("GET", "HEAD")
AT_ONCE = 8  # requests of one reading
_HOSTS = 10  # whose connections are kept; people may ask others by the session
_POOLED = 32  # connections that are kept, for several readings at once
_SHORTEST_WAIT = 0.5  # seconds, where a server says "too many" and no more
_AGAIN = (429, 502, 503, 504)
_REFUSED = requests.codes.too_many_requests
_UNAVAILABLE = requests.codes.service_unavailable


class Transport(HTTPAdapter):
    """
    What a session sends by: one gate before all connections.

    Parameters
    ----------
    gate : Gate
        That of the session.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        super().__init__(_HOSTS, _POOLED, max_retries=_Patience.at(gate))
        renew_in_child(self)

    def after_fork(self) -> None:
        """Leave the connections to the parent, so that no answer is the other's."""
        self.proxy_manager: dict[str, Any] = {}
        self.init_poolmanager(_HOSTS, _POOLED)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        manager = cast(Any, self).poolmanager
        manager.pool_classes_by_scheme = _endable(manager.pool_classes_by_scheme)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager: Any = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _endable(manager.pool_classes_by_scheme)
        return manager

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        is_accepted = False
        self._gate.enter()
        try:
            response = super().send(request, *args, **kwargs)
            seconds = _asked(response.status_code, response.headers)
            if seconds and seconds <= waits.LONGEST:
                self._gate.refused(seconds, _ASKED)
            is_accepted = seconds is None
        finally:
            self._gate.leave(accepted=is_accepted)
        return response


class _Patience(urllib3.Retry):
    """urllib3's retries: they wait at the gate, say so, and not for long."""

    gate: Gate

    @classmethod
    def at(cls, gate: Gate) -> _Patience:
        made = cls(
            total=6,
            connect=2,
            read=2,
            other=2,  # such as a refused connection, or a certificate
            redirect=False,
            status_forcelist=_AGAIN,
            allowed_methods=SAFE,
            backoff_factor=0.3,
            backoff_jitter=0.2,
            raise_on_status=False,
        )
        made.gate = gate
        return made

    def new(self, **kw: Any) -> Self:
        made = super().new(**kw)
        made.gate = self.gate
        return made

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: urllib3.BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: urllib3.connectionpool.ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        waits.check()
        asked = self.get_retry_after(response) if response is not None else None
        if (asked or 0) > waits.LONGEST:
            # urllib3 gives the response itself to the caller then.
            raise urllib3.exceptions.MaxRetryError(cast(Any, _pool), url or "", error)
        if error and method not in SAFE and not self._is_connection_error(error):
            raise error  # urllib3 repeats any method after what it calls other errors
        return super().increment(method, url, response, error, _pool, _stacktrace)

    def sleep(self, response: urllib3.BaseHTTPResponse | None = None) -> None:
        waits.tell_again()
        backoff = self.get_backoff_time()
        by = f"HTTP {response.status}" if response is not None else "no answer"
        if response is not None and (
            seconds := _asked(response.status, response.headers)
        ):
            is_told = self.get_retry_after(response) is not None
            seconds = seconds if is_told else max(seconds, backoff)
            self.gate.refused(seconds, _ASKED if is_told else f"trying again ({by})")
            self.gate.enter()
        elif backoff:
            waits.tell_wait(backoff, f"trying again ({by})")
            waits.sleep(backoff)

    def get_retry_after(self, response: urllib3.BaseHTTPResponse) -> float | None:
        return seconds_of(response.headers.get("Retry-After"))


_ASKED = "the server asked to wait"


def _asked(status: int, headers: Any) -> float | None:
    """Give for how long a server wants no more requests; None where it says nothing."""
    if status not in (_REFUSED, _UNAVAILABLE):
        return None
    told = seconds_of(headers.get("Retry-After"))
    return _SHORTEST_WAIT if told is None and status == _REFUSED else told


class _Endable(HTTPConnection):
    """A connection that can be ended, and that knows that it came about."""

    works_for: Any = None
    _is_through = False

    @property
    def has_connected_to_proxy(self) -> bool:
        # urllib3 asks this of a connection that broke, and is closed already: what
        # was sent on it would seem never to have got past the proxy.
        return self._is_through or super().has_connected_to_proxy

    def connect(self) -> None:
        self._is_through = False
        super().connect()
        self._is_through = True

    def request(self, *args: Any, **kwargs: Any) -> None:
        waits.use(self)
        super().request(*args, **kwargs)


def _endable(pools: Mapping[str, type[Pool]]) -> dict[str, type[Pool]]:
    """Give pools of the same kinds, those of a SOCKS proxy too, of such connections."""

    def one(pool: type[Pool]) -> type[Pool]:
        theirs: Any = pool.ConnectionCls
        if issubclass(theirs, _Endable):
            return pool
        ours = type(theirs.__name__, (_Endable, theirs), {})
        return type(pool.__name__, (pool,), {"ConnectionCls": ours})

    return {scheme: one(pool) for scheme, pool in pools.items()}
