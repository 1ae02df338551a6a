"""What goes over the wire to the authorization server, and what must not."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, quote_plus

import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from urllib3.exceptions import HTTPError

from ..secret import Secret

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LARGEST = 1_000_000  # bytes of an answer: metadata and tokens are far smaller
_NOISE = 5.0  # seconds; Date tells whole ones, and the answer took its time


class Skew:
    """How far this machine's clock is from the server's, by the ``Date`` it sends."""

    def __init__(self) -> None:
        self.seconds = 0.0
        """What the server's clock is ahead; 0 within what the way may take."""

    def now(self) -> float:
        """Give the server's time, in seconds since 1970."""
        return time.time() + self.seconds

    def learn(self, response: requests.Response) -> None:
        """Compare the clocks; an answer without a readable date changes nothing."""
        try:
            sent = parsedate_to_datetime(response.headers["Date"]).timestamp()
            # A cache says how long ago that was (RFC 9111 §5.1).
            age = float(response.headers.get("Age", 0))
        except (KeyError, ValueError, TypeError, OverflowError):
            return
        ahead = sent + max(0.0, age) - time.time()
        self.seconds = ahead if abs(ahead) > _NOISE else 0.0


class Wire(HTTPAdapter):
    """
    The last step before the network.

    Parameters
    ----------
    encoding : {"form", "json"}
        The body of token requests: RFC 6749's, or the JSON that is also documented
        for Intermezzo (/auth).
    plain : bool
        Send over http. oauthlib refuses http altogether, so a loopback server is
        addressed as https up to here.
    skew : Skew
        Learns from each answer.
    """

    def __init__(self, *, encoding: str, plain: bool, skew: Skew) -> None:
        super().__init__()
        self._encoding, self._plain, self._skew = encoding, plain, skew

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        if self._plain:
            request.url = "http" + str(request.url).removeprefix("https")
            kwargs["proxies"] = {}  # a proxy's loopback is not ours
        if request.method == "POST" and self._encoding == "json":
            form = dict(parse_qsl(str(request.body or ""), keep_blank_values=True))
            request.prepare_body(data=None, files=None, json=form)
            request.headers["Content-Type"] = "application/json"
        kwargs["stream"] = True
        response = super().send(request, *args, **kwargs)
        self._skew.learn(response)
        # Whoever reads it finds no more than that.
        response.raw = BytesIO(_first_bytes(response))
        return response


def _first_bytes(response: requests.Response) -> bytes:
    content, raw = b"", response.raw
    try:
        for part in raw.stream(65_536, decode_content=True):
            content += part
            if len(content) > _LARGEST:
                break
    except HTTPError as fault:
        raise requests.ConnectionError(type(fault).__name__) from None
    finally:
        raw.close()
    return content


class ClientAuthentication:
    """
    How this client proves who it is: one way a request (RFC 6749 §2.3).

    Parameters
    ----------
    secret : Secret or None
        None for a public client, which names itself only.
    by_header : bool
        HTTP Basic in place of the body.
    assertion : Secret or None
        A signed JWT in place of a secret (RFC 7523 §2.2).
    """

    def __init__(
        self,
        client_id: str,
        secret: Secret | None = None,
        *,
        by_header: bool = False,
        assertion: Secret | None = None,
    ) -> None:
        self._id, self._secret, self._assertion = client_id, secret, assertion
        self._by_header = by_header and secret is not None

    @property
    def header(self) -> HTTPBasicAuth | None:
        """The Basic credentials; both are form-encoded first (RFC 6749 §2.3.1)."""
        if not self._by_header or self._secret is None:
            return None
        return HTTPBasicAuth(quote_plus(self._id), quote_plus(self._secret.reveal()))

    @property
    def body(self) -> dict[str, str]:
        """What goes into the form."""
        if self._by_header:
            return {}
        body = {"client_id": self._id}
        if self._secret:
            body["client_secret"] = self._secret.reveal()
        if self._assertion:
            body["client_assertion_type"] = _ASSERTION
            body["client_assertion"] = self._assertion.reveal()
        return body

    def keywords(self, *, first: bool) -> dict[str, Any]:
        """
        Give the same as arguments of requests-oauthlib.

        Its ``fetch_token`` (``first``) adds the client id by itself when asked, and
        would send an empty Basic secret when not; its ``refresh_token`` adds nothing.
        """
        if self._by_header:
            return {"auth": self.header}
        if not first:
            return dict(self.body)
        proof = {k: v for k, v in self.body.items() if k != "client_id"}
        return {"include_client_id": True, **proof}


def as_https(url: str) -> str:
    """Give a checked loopback address the scheme that oauthlib insists on."""
    return "https" + url.removeprefix("http") if url.startswith("http:") else url


_ours: ContextVar[bool] = ContextVar("intermezzo_nb_oauth_call", default=False)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep requests-oauthlib from logging what it sends while a call is ours."""
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)


def not_ours(_: logging.LogRecord) -> bool:
    """
    Filter log records, for that library's logger.

    At DEBUG it writes tokens, codes, secrets and verifiers. Other users of it in
    this process keep their records.
    """
    return not _ours.get()
