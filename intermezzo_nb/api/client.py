"""Requests to the API: signed for one origin, patient, and with errors that help."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from decimal import Decimal
from functools import partial
from types import TracebackType
from typing import Any, Protocol, Self, cast
from urllib.parse import urljoin, urlsplit

import requests
import requests.utils
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from ..addresses import origin
from ..errors import IntermezzoError, NetworkError, SettingsError
from ..oauth.models import Token
from ..secret import Secret
from .faults import api_error, led_away, not_json, seconds_of

_TIMEOUT = (5.0, 30.0)  # seconds to connect, seconds to answer
_LONGEST_WAIT = 120.0  # seconds; a longer Retry-After is told instead of slept
_AGAIN = (429, 502, 503, 504)
_SAFE = ("GET", "HEAD")


class TokenGiver(Protocol):
    """Gives a token that is good now; ``rejected`` is one that the API refused."""

    def __call__(self, *, rejected: Secret | None = None) -> Token: ...


class BearerAuth(AuthBase):
    """
    Sign requests to the API's origin, and only to it (RFC 6750 §2.1).

    Each request takes its token anew, so a run of any length goes on. A 401 is
    answered by one renewal and one repetition.

    Parameters
    ----------
    token : callable
        Gives the token to use.
    api_url : str
        Whose origin, scheme and port included, gets the token.
    """

    def __init__(self, token: TokenGiver, api_url: str) -> None:
        self._token, self._origin = token, origin(api_url)
        # What begins so needs no parsing; the slash ends the host.
        self._start = "{0.scheme}://{0.netloc}/".format(urlsplit(api_url))

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        url = request.url or ""
        if url.startswith(self._start) or origin(url) == self._origin:
            self._sign(request, self._token())
        return request

    def _sign(self, request: requests.PreparedRequest, token: Token) -> None:
        request.headers["Authorization"] = _Masked(token.access_token)
        again = partial(self._again_if_refused, used=token.access_token)
        request.hooks["response"].append(again)

    def _again_if_refused(
        self, response: requests.Response, *, used: Secret, **kwargs: Any
    ) -> requests.Response:
        request = response.request
        if response.status_code != requests.codes.unauthorized:
            return response
        if origin(request.url or "") != self._origin or not _can_repeat(request):
            return response
        _ = response.content  # frees the connection for the repetition
        response.close()
        token = self._token(rejected=used)
        repeated = request.copy()
        repeated.headers["Authorization"] = _Masked(token.access_token)
        answer: requests.Response = _adapter_of(response).send(repeated, **kwargs)
        answer.history.append(response)
        answer.request = repeated
        return answer


class ApiSession(requests.Session):
    """
    A session whose requests to the API are signed.

    The environment's proxies and certificates are looked up once; ``.netrc`` is not
    looked at. Network faults come without their frames, which hold headers.
    """

    def __init__(self, auth: BearerAuth, api_url: str) -> None:
        super().__init__()
        self.auth, self._origin = auth, origin(api_url)
        self.trust_env = False
        # Plain http is for loopback only, and a proxy's loopback is not ours.
        is_plain = self._origin[0] == "http"
        proxies = {} if is_plain else requests.utils.get_environ_proxies(api_url)
        self.proxies.update(proxies)
        bundles = (os.environ.get(f"{n}_CA_BUNDLE") for n in ("REQUESTS", "CURL"))
        self.verify = next(filter(None, bundles), True)
        self.mount("https://", HTTPAdapter(max_retries=_Patience.usual()))
        self.mount("http://", HTTPAdapter(max_retries=_Patience.usual()))

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> Any:
        kwargs["timeout"] = kwargs.get("timeout") or _TIMEOUT
        outcome = self._outcome(request, kwargs)
        if isinstance(outcome, IntermezzoError):
            raise outcome
        return outcome

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        # Neither a token nor what is sent along leaves the API's own origin.
        target = super().get_redirect_target(resp)
        try:
            is_ours = origin(urljoin(resp.url, target or "")) == self._origin
        except ValueError:
            is_ours = False
        return target if is_ours else None

    def _outcome(
        self, request: requests.PreparedRequest, kwargs: dict[str, Any]
    ) -> requests.Response | IntermezzoError:
        try:
            return self._sent(request, kwargs)
        except IntermezzoError as error:
            return error.with_traceback(None)
        except OSError as fault:  # what requests raises, and what it lets through
            return _unreachable(fault, request.url or "")
        except ValueError as fault:
            # Its text repeats what could not be written, and that may be a token.
            return _unwritable(fault, request.url or "")

    def _sent(
        self, request: requests.PreparedRequest, kwargs: dict[str, Any]
    ) -> requests.Response:
        try:
            return super().send(request, **kwargs)
        except requests.exceptions.ChunkedEncodingError:
            if request.method not in _SAFE:
                raise
        # The connection broke inside the body, where urllib3 does not try again.
        tell_wait(0, "the answer broke off, asking again")
        return super().send(request, **kwargs)


class Api:
    """
    The payroll API: paths in, decoded JSON out.

    Parameters
    ----------
    session : ApiSession
        Signs and sends.
    api_url : str
        What paths are appended to; a path prefix such as ``/v1`` is kept.
    """

    def __init__(self, session: ApiSession, api_url: str) -> None:
        self.session, self._base = session, api_url.rstrip("/")

    def get(self, path: str, /, **params: Any) -> Any:
        """
        Give the decoded JSON at a path.

        A number that no float can hold exactly comes as its text.

        Raises
        ------
        ApiError
            By what to do next: :class:`NotAllowed`, :class:`NotFound` and so on.
        NetworkError, LoginError
            Nobody answered; there is no good token.
        """
        response = self.request("GET", path, params=params)
        with contextlib.suppress(ValueError, RecursionError):
            # Bytes, so that what is no UTF-8 is an error, and no letter is changed.
            return json.loads(response.content, parse_float=_number)
        raise not_json(response, self._shown(path))

    def request(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """
        Send any request; what is not a success is raised.

        Parameters
        ----------
        path : str
            Appended to the API URL; an absolute URL only on the API's own origin.
        **kwargs
            Those of ``requests.Session.request``.
        """
        response = self.session.request(method, self.url(path), **kwargs)
        if response.is_redirect:
            raise led_away(response, self._shown(path))
        if not response.ok:
            raise api_error(response, self._shown(path))
        return response

    def url(self, path: str) -> str:
        """
        Give the whole address of a path.

        Raises
        ------
        SettingsError
            ``foreign_url``: it is on another origin than the API.
        """
        if "://" in path.partition("?")[0] and not path.startswith("/"):
            # A backslash or a name before the host is read in more than one way.
            is_plain = not set("\\@") & set(path.partition("?")[0])
            if is_plain and origin(path) == origin(self._base):
                return path
            raise SettingsError(
                f"{path.partition('?')[0]} is not on the API's own host",
                why="Tokens are for the API alone. Nothing was sent.",
                advice="Give a path such as /organizations.",
                code="foreign_url",
            )
        prefix = urlsplit(self._base).path
        path = "/" + path.lstrip("/")
        if prefix and (path == prefix or path.startswith(prefix + "/")):
            path = path.removeprefix(prefix)
        return self._base + path

    def _shown(self, path: str) -> str:
        return urlsplit(self.url(path)).path


_on_wait: ContextVar[Callable[[float, str], None] | None] = ContextVar(
    "intermezzo_nb_on_wait", default=None
)


@contextlib.contextmanager
def telling_waits(tell: Callable[[float, str], None]) -> Iterator[None]:
    """Have each wait told: the seconds, and the reason in words."""
    token = _on_wait.set(tell)
    try:
        yield
    finally:
        _on_wait.reset(token)


def tell_wait(seconds: float, reason: str) -> bool:
    """Tell whoever listens that something is waited for; False where nobody does."""
    if (tell := _on_wait.get()) is None:
        return False
    tell(seconds, reason)
    return True


class _Patience(urllib3.Retry):
    """urllib3's retries, which say that they wait and refuse to wait for long."""

    @classmethod
    def usual(cls) -> _Patience:
        return cls(
            total=6,
            connect=2,
            read=2,
            redirect=False,
            status_forcelist=_AGAIN,
            allowed_methods=_SAFE,
            backoff_factor=0.3,
            backoff_jitter=0.2,
            raise_on_status=False,
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
        asked = self.get_retry_after(response) if response is not None else None
        if (asked or 0) > _LONGEST_WAIT:
            # urllib3 gives the response itself to the caller then.
            raise urllib3.exceptions.MaxRetryError(cast(Any, _pool), url or "", error)
        return super().increment(method, url, response, error, _pool, _stacktrace)

    def sleep(self, response: urllib3.BaseHTTPResponse | None = None) -> None:
        asked = self.get_retry_after(response) if response is not None else None
        seconds = asked or self.get_backoff_time()
        if seconds:
            by = f"HTTP {response.status}" if response is not None else "no answer"
            reason = "the server asked to wait" if asked else f"trying again ({by})"
            tell_wait(seconds, reason)
        super().sleep(response)

    def get_retry_after(self, response: urllib3.BaseHTTPResponse) -> float | None:
        return seconds_of(response.headers.get("Retry-After"))


class _Masked(str):
    """A header's value that prints as a mask; requests needs real text."""

    __slots__ = ()

    def __new__(cls, token: Secret) -> Self:
        return super().__new__(cls, f"Bearer {token.reveal()}")

    def __repr__(self) -> str:
        return "'Bearer …'"

    def __reduce__(self) -> Any:
        raise TypeError("a signed request does not leave this process")


def _number(text: str) -> float | str:
    number = float(text)
    is_exact = math.isfinite(number) and Decimal(repr(number)) == Decimal(text)
    return number if is_exact else text


def _unwritable(fault: ValueError, url: str) -> SettingsError:
    return SettingsError(
        f"a request to {urlsplit(url).netloc} cannot be written",
        why=f"{type(fault).__name__}: something in it is not allowed there, such as "
        "a line break.",
        advice="Check what you send; and the token, if it comes from a file.",
        code="bad_request",
    )


def _can_repeat(request: requests.PreparedRequest) -> bool:
    return request.body is None or isinstance(request.body, (bytes, str))


def _adapter_of(response: requests.Response) -> Any:
    return cast(Any, response).connection  # set by HTTPAdapter, not in the stubs


def _unreachable(fault: OSError, url: str) -> NetworkError:
    host = urlsplit(url).netloc
    cause = type(fault).__name__
    if reason := getattr(next(iter(fault.args), None), "reason", None):
        # urllib3 puts the address first and the system's own words last.
        cause += ": " + str(reason).rsplit(": ", maxsplit=1)[-1][:120]
    elif not isinstance(fault, requests.RequestException):
        cause = str(fault)  # of the system, or of a missing certificate file
    return NetworkError(
        f"the API at {host} cannot be reached",
        why=f"{cause}. The session is kept.",
        advice="Check INTERMEZZO_API_URL, the network and the proxy, and try again.",
    )
