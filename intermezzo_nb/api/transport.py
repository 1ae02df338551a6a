"""Below a session: retries that go through the gate, and connections to be ended."""

from __future__ import annotations

from itertools import count
from types import TracebackType
from typing import Any, Self, cast

import requests
import urllib3
from requests.adapters import HTTPAdapter

from ..tokens.forks import renew_in_child
from . import waits
from .connections import endable
from .faults import seconds_of
from .gate import Gate
from .signing import sign_anew

SAFE = ("GET", "HEAD")
AT_ONCE = 8  # requests of one reading
_HOSTS = 10  # whose connections are kept; people may ask others by the session
_POOLED = 32  # connections that are kept, for several readings at once
_SHORTEST_WAIT = 0.5  # seconds, where a server says "too many" and no more
_REPEATS, _BACKOFF = 6, 0.3  # of one request; seconds, doubled each time
_AGAIN = (502, 504)
_REFUSED = requests.codes.too_many_requests
_UNAVAILABLE = requests.codes.service_unavailable
_ASKED = "the server asked to wait"


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
        super().__init__(_HOSTS, _POOLED, max_retries=_Patience.made())
        renew_in_child(self)

    def after_fork(self) -> None:
        """Leave the connections to the parent, so that no answer is the other's."""
        self.proxy_manager: dict[str, Any] = {}
        self.init_poolmanager(_HOSTS, _POOLED)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        manager = cast(Any, self).poolmanager
        manager.pool_classes_by_scheme = endable(manager.pool_classes_by_scheme)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager: Any = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = endable(manager.pool_classes_by_scheme)
        return manager

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        left = _REPEATS if _can_be_repeated(request) else 0
        for turn in count():
            backoff = _BACKOFF * 2**turn if turn else 0.0
            response = self._through_the_gate(request, backoff, *args, **kwargs)
            retries = response.raw.retries
            left -= 1 + (len(retries.history) if retries else 0)
            if left < 0 or not _is_for_later(response):
                break
            response.raw.drain_conn()
            waits.check()
            waits.tell_again()
            if _asked(response) is None and backoff:
                waits.tell_wait(backoff, _again(response.status_code))
                waits.sleep(backoff)
        return response

    def _through_the_gate(
        self,
        request: requests.PreparedRequest,
        backoff: float,
        *args: Any,
        **kwargs: Any,
    ) -> requests.Response:
        is_accepted = False
        has_waited = self._gate.enter()
        try:
            if has_waited:
                sign_anew(request)  # its token may have ended meanwhile
            response = super().send(request, *args, **kwargs)
            seconds = _asked(response)
            is_accepted = seconds is None
            if seconds and seconds <= waits.LONGEST:
                is_told = seconds_of(response.headers) is not None
                self._gate.refused(
                    seconds if is_told else max(seconds, backoff),
                    _ASKED if is_told else _again(response.status_code),
                )
        finally:
            self._gate.leave(accepted=is_accepted)
        return response


class _Patience(urllib3.Retry):
    """urllib3's retries of what went wrong on the way: they say so."""

    @classmethod
    def made(cls) -> _Patience:
        return cls(
            total=_REPEATS,
            connect=2,
            read=2,
            other=2,  # such as a refused connection, or a certificate
            redirect=False,
            status_forcelist=_AGAIN,
            allowed_methods=SAFE,
            backoff_factor=_BACKOFF,
            backoff_jitter=0.2,
            raise_on_status=False,
            respect_retry_after_header=False,
        )

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
        if response is not None and (seconds_of(response.headers) or 0) > waits.LONGEST:
            # urllib3 gives the response itself to the caller then.
            raise urllib3.exceptions.MaxRetryError(cast(Any, _pool), url or "", error)
        if error and method not in SAFE and not self._is_connection_error(error):
            raise error  # urllib3 repeats any method after what it calls other errors
        return super().increment(method, url, response, error, _pool, _stacktrace)

    def sleep(self, response: urllib3.BaseHTTPResponse | None = None) -> None:
        waits.tell_again()
        if backoff := self.get_backoff_time():
            waits.tell_wait(backoff, _again(response.status if response else None))
            waits.sleep(backoff)


def _can_be_repeated(request: requests.PreparedRequest) -> bool:
    has_all = request.body is None or isinstance(request.body, (bytes, str))
    return request.method in SAFE and has_all


def _is_for_later(response: requests.Response) -> bool:
    """Tell whether a server that was too busy may be asked again, and soon."""
    is_busy = response.status_code in (_REFUSED, _UNAVAILABLE)
    return is_busy and (seconds_of(response.headers) or 0) <= waits.LONGEST


def _asked(response: requests.Response) -> float | None:
    """Give for how long a server wants no more requests; None where it says nothing."""
    status, told = response.status_code, seconds_of(response.headers)
    if status not in (_REFUSED, _UNAVAILABLE):
        return None
    return _SHORTEST_WAIT if told is None and status == _REFUSED else told


def _again(status: int | None) -> str:
    return f"trying again ({f'HTTP {status}' if status else 'no answer'})"
