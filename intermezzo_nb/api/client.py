"""Requests to the API: signed for one origin, patient, and with errors that help."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import requests
import requests.utils

from ..addresses import origin
from ..advice import named_by_place
from ..errors import IntermezzoError
from .answers import Announced, Answer, announced, read_json
from .arguments import bad_argument
from .connections import Overdue, within
from .faults import (
    api_error,
    led_away,
    led_in_circles,
    not_json,
    overdue,
    unreachable,
    unwritable,
)
from .gate import Gate
from .paths import url_of
from .signing import BearerAuth
from .transport import SAFE, Transport
from .waits import check, tell_again, tell_wait

_TIMEOUT = (5.0, 30.0)  # seconds to connect, and for each bit of an answer
LONGEST_ANSWER = 300.0  # seconds for all bits together
_SUCCESS, _REDIRECTED = 2, 3  # hundreds of a status


class ApiSession(requests.Session):
    """
    A session whose requests to the API are signed.

    The environment's proxies and certificates are looked up once; ``.netrc`` is not
    looked at. Network faults come without their frames, which hold headers.

    Parameters
    ----------
    longest : float
        Seconds in which the answer to a GET has to be there, however it comes, and
        twice as many for what may change something; more where a ``timeout`` is given
        that is longer, and any with ``stream=True``.
    """

    def __init__(
        self, auth: BearerAuth, api_url: str, *, longest: float = LONGEST_ANSWER
    ) -> None:
        super().__init__()
        self._longest = longest
        self.auth, self._origin, self._url = auth, origin(api_url), api_url
        self.trust_env = False
        # Plain http is for loopback only, and a proxy's loopback is not ours.
        is_plain = self._origin[0] == "http"
        proxies = {} if is_plain else requests.utils.get_environ_proxies(api_url)
        self.proxies.update(proxies)
        bundles = (os.environ.get(f"{n}_CA_BUNDLE") for n in ("REQUESTS", "CURL"))
        self.verify = next(filter(None, bundles), True)
        self.gate = Gate()
        self.mount("https://", Transport(self.gate))
        self.mount("http://", Transport(self.gate))

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        outcome = self._prepared(request)
        if isinstance(outcome, IntermezzoError):
            raise outcome
        return outcome

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> Any:
        given = kwargs.get("timeout")
        kwargs["timeout"] = given or _TIMEOUT
        longest = max(self._longest, _seconds(given))
        if request.method not in SAFE:
            longest *= 2  # to give up in vain costs more here
        if kwargs.get("stream"):
            longest = math.inf
        with within(longest):
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

    def _prepared(
        self, request: requests.Request
    ) -> requests.PreparedRequest | IntermezzoError:
        try:
            return super().prepare_request(request)
        except IntermezzoError as error:
            return error.with_traceback(None)
        except (OSError, TypeError, ValueError) as fault:
            return unwritable(fault, self._url)

    def _outcome(
        self, request: requests.PreparedRequest, kwargs: dict[str, Any]
    ) -> requests.Response | IntermezzoError:
        try:
            return self._sent(request, kwargs)
        except IntermezzoError as error:
            return error.with_traceback(None)
        except Overdue as fault:
            may_change = request.method not in SAFE
            return overdue(fault, request.url or "", may_change=may_change)
        except requests.TooManyRedirects:
            return led_in_circles(request.url or "")
        except OSError as fault:  # what requests raises, and what it lets through
            return unreachable(fault, request.url or "")
        except ValueError as fault:
            return unwritable(fault, request.url or "")

    def _sent(
        self, request: requests.PreparedRequest, kwargs: dict[str, Any]
    ) -> requests.Response:
        try:
            return super().send(request, **kwargs)
        except requests.exceptions.ChunkedEncodingError:
            if request.method not in SAFE:
                raise
        # The connection broke inside the body, where urllib3 does not try again.
        check()
        tell_again()
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
    places : mapping of str to str, optional
        Where each setting was found, for the advice of errors.
    """

    def __init__(
        self,
        session: ApiSession,
        api_url: str,
        places: Mapping[str, str] | None = None,
    ) -> None:
        self.session, self._base = session, api_url.rstrip("/")
        self.places = places or {}
        self.styles: dict[str, str] = {}
        """In what pages a path was answered, where that is not documented."""

    @classmethod
    def at(
        cls, api_url: str, auth: BearerAuth, places: Mapping[str, str] | None = None
    ) -> Self:
        """Give the API at an address, with a session of its own."""
        return cls(ApiSession(auth, api_url), api_url, places)

    @property
    def rate(self) -> float:
        """Requests a second that the server bears; 0 where it has refused none."""
        return self.session.gate.rate

    def get_ready(self) -> None:
        """Wait for a sign-in that is under way, before the time of a request counts."""
        if isinstance(auth := self.session.auth, BearerAuth):
            with named_by_place(self.places):
                auth.get_ready()

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
        return self.ask(path, params)()[0]

    def ask(self, path: str, params: Mapping[str, Any]) -> Answer:
        """
        Fetch what is at a path; called, the answer gives what it holds.

        So who fetches many ahead does not decode them, too: that costs twice as much in
        a thread other than the one that goes through the records.
        """
        response = self.request("GET", path, params=params)
        return partial(self._read, response, path)

    def _read(
        self,
        response: requests.Response,
        path: str,
        read: Callable[[bytes], Any] = read_json,
    ) -> tuple[Any, Announced]:
        try:
            return read(response.content), announced(response)
        except (ValueError, RecursionError) as fault:
            error = not_json(response, self._shown(path), fault)
        with named_by_place(self.places):
            raise error

    def request(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """
        Send any request; what is not a success is raised.

        Parameters
        ----------
        path : str
            Appended to the API URL; an absolute URL only on the API's own origin.
        **kwargs
            Those of ``requests.Session.request``.

        Raises
        ------
        SettingsError
            The path leads elsewhere, or the request cannot be written.
        """
        if not isinstance(method, str):
            raise bad_argument("method", 'text, such as "GET"')
        url = url_of(path, self._base)
        with named_by_place(self.places):
            response = self.session.request(method, url, **kwargs)
            kind = response.status_code // 100
            if kind == _REDIRECTED:
                raise led_away(response, self._shown(path))
            if kind != _SUCCESS:
                raise api_error(response, self._shown(path))
        return response

    def _shown(self, path: str) -> str:
        return urlsplit(url_of(path, self._base)).path


def _seconds(timeout: Any) -> float:
    """Give for how long at most a timeout, as requests takes it, lets one wait."""
    given = timeout if isinstance(timeout, tuple) else (timeout,)
    return max((t for t in given if isinstance(t, (int, float))), default=0.0)
