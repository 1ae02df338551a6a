"""From nothing to a first token."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from msgspec.structs import replace

from ..errors import (
    AuthorizationServerError,
    LoginCancelled,
    LoginDenied,
    LoginExpired,
    NetworkError,
)
from ..secret import Secret
from .client import OAuthClient
from .forwarding import Forwarding
from .models import (
    AuthorizationRequest,
    DeviceRequest,
    Paste,
    Prompt,
    Token,
    TokenResponse,
)

_GLANCE = 0.2  # seconds between two looks at whether somebody cancelled
_LONGEST_PAUSE = 60.0  # seconds between two polls, after faults of the network
_TOO_MANY, _BROKEN = 429, 500  # HTTP
_MOST = 0.9  # of a pushed question's life, after which it is pushed again


class Receiver(Protocol):
    """Where the answer to an authorization request arrives."""

    @property
    def redirect_uri(self) -> str | None: ...
    def invite(self, request: AuthorizationRequest) -> str: ...
    def receive(self, timeout: float) -> dict[str, str] | None: ...
    def take(self, address: str) -> str: ...
    def close(self) -> None: ...


class Flow(Protocol):
    """From nothing to a first token, with a person's help."""

    def begin(self) -> Prompt: ...
    def wait(self, cancelled: threading.Event, tell: Tell) -> Token: ...
    def take(self, address: str) -> str: ...
    def close(self) -> None: ...


class Tell:
    """
    Whom a flow tells what happens while it waits.

    Parameters
    ----------
    received : callable
        The answer is there, and is exchanged next.
    replaced : callable
        The link is another from now on; given the new prompt.
    """

    def __init__(
        self,
        received: Callable[[], None] = lambda: None,
        replaced: Callable[[Prompt], None] = lambda _: None,
    ) -> None:
        self.received, self.replaced = received, replaced


class CodeFlow:
    """
    The authorization code flow with PKCE (RFC 6749 §4.1, RFC 7636).

    A client secret, where the settings have one, is sent as well, from here: the
    browser sees neither it nor the verifier.

    Parameters
    ----------
    timeout : float
        Seconds that a person has.
    paste : {"possible", "expected"}
        Whether the browser is expected to end on an address that shows an error.
    """

    def __init__(
        self,
        client: OAuthClient,
        receiver: Receiver,
        *,
        timeout: float,
        paste: Paste = "possible",
    ) -> None:
        self._client, self._receiver, self._timeout = client, receiver, timeout
        self._paste = paste
        self._request: AuthorizationRequest  # from begin on
        self._deadline = self._good_until = 0.0

    def begin(self) -> Prompt:
        """Ask the question: form the link that the person opens."""
        request = self._client.authorization_request(self._receiver.redirect_uri)
        self._deadline = time.monotonic() + self._timeout
        return self._invitation(request)

    def wait(self, cancelled: threading.Event, tell: Tell | None = None) -> Token:
        """
        Wait for the answer, check it, and exchange it.

        Parameters
        ----------
        cancelled : threading.Event
            Set from any thread to end the wait.
        tell : Tell, optional
            Told when the answer is there, and when the link had to be replaced.

        Raises
        ------
        LoginCancelled, LoginExpired
            It was stopped, or nobody answered in time.
        LoginDenied, LoginMismatch, AuthorizationServerError, NetworkError
            The answer is no good.
        """
        tell = tell or Tell()
        try:
            answer = self._answer(cancelled, tell)
        finally:
            self._receiver.close()
        tell.received()
        # Byte for byte the one by which the answer came (RFC 6749 §4.1.3).
        request = dataclasses.replace(
            self._request, redirect_uri=self._receiver.redirect_uri
        )
        code = request.code_of(answer)
        response = self._client.exchange_code(request, code)
        return _identified(self._client, response, request.nonce)

    def take(self, address: str) -> str:
        """Take the address on which the browser ended; tell why it is no answer."""
        return self._receiver.take(address)

    def close(self) -> None:
        """Close the receiver of a flow that nobody will wait for."""
        self._receiver.close()

    def _invitation(self, request: AuthorizationRequest) -> Prompt:
        link = self._receiver.invite(request)
        self._request = request
        life = float("inf") if request.good_for is None else max(request.good_for, 5.0)
        self._good_until = time.monotonic() + _MOST * life
        return Prompt(
            link,
            request.where,
            self._deadline,
            request.redirect_uri,
            match=request.match,
            paste=self._paste,
        )

    def _answer(self, cancelled: threading.Event, tell: Tell) -> dict[str, str]:
        while time.monotonic() < self._deadline:
            insist_on_not(cancelled)
            if (answer := self._receiver.receive(_GLANCE)) is not None:
                return answer
            if time.monotonic() > self._good_until:
                # RFC 9126 §2.2: the server has forgotten it; the same question again.
                again = self._client.pushed(self._request)
                tell.replaced(self._invitation(again))
        uri = self._receiver.redirect_uri or "the one that %intermezzo_doctor names"
        hint = f"If the page refused the redirect URI, register {uri} for your client."
        raise _nobody(self._request.where, self._timeout, hint)


class DeviceFlow:
    """
    The device authorization grant (RFC 8628): a code, entered on any device.

    Parameters
    ----------
    timeout : float
        Seconds that a person has; the server may give fewer.
    pages : Forwarding or None
        Leads the browser to the server's pages, where it does not reach them itself.
    """

    def __init__(
        self, client: OAuthClient, *, timeout: float, pages: Forwarding | None = None
    ) -> None:
        self._client, self._timeout, self._pages = client, timeout, pages
        self._request: DeviceRequest  # from begin on
        self._deadline = 0.0

    def begin(self) -> Prompt:
        """Ask for a code, to be shown with its address (§3.3)."""
        request = self._request = self._client.device_authorization()
        self._timeout = min(self._timeout, request.expires_in)
        self._deadline = time.monotonic() + self._timeout
        seen = self._pages.seen if self._pages else str
        return Prompt(
            seen(request.verification_uri_complete or request.verification_uri),
            request.where,
            self._deadline,
            user_code=request.user_code,
            enter_at=seen(request.verification_uri),
        )

    def wait(self, cancelled: threading.Event, tell: Tell | None = None) -> Token:
        """
        Poll until the person has finished (§3.4, §3.5).

        Never more often than the server said: 5 s more for each ``slow_down``, and
        twice the pause after a fault of the network or a server that is busy.

        Raises
        ------
        LoginCancelled, LoginExpired, LoginDenied
            It was stopped, nobody entered the code in time, or access was denied.
        AuthorizationServerError
            Any other refusal ends the polling.
        """
        try:
            return self._token(cancelled, tell or Tell())
        finally:
            self.close()

    def take(self, address: str) -> str:  # noqa: ARG002 (the protocol's)
        """Tell that no address is needed."""
        return "No address is needed here: enter the code on the page."

    def close(self) -> None:
        """Take back the pages that were lent for this."""
        if self._pages:
            self._pages.close()

    def _token(self, cancelled: threading.Event, tell: Tell) -> Token:
        request, pause = self._request, self._request.interval
        while time.monotonic() + pause < self._deadline:
            cancelled.wait(pause)
            insist_on_not(cancelled)
            try:
                response = self._client.exchange_device_code(request)
            except NetworkError:
                pause = min(2 * pause, _LONGEST_PAUSE)
            except AuthorizationServerError as error:
                if error.status == _TOO_MANY or (error.status or 0) >= _BROKEN:
                    pause = min(2 * pause, _LONGEST_PAUSE)
                else:
                    pause += _longer_pause(error, request.where)
            else:
                tell.received()
                return _identified(self._client, response, None)
        cancelled.wait(max(0.0, self._deadline - time.monotonic()))
        insist_on_not(cancelled)
        raise _nobody(request.where, self._timeout, "A code works once.")


class ClientCredentialsFlow:
    """The client's own credentials for a token (RFC 6749 §4.4); nobody is asked."""

    def __init__(self, client: OAuthClient) -> None:
        self._client = client

    def wait(self) -> Token:
        """Ask once."""
        return self._client.request_token().token


def insist_on_not(cancelled: threading.Event) -> None:
    """Raise :class:`LoginCancelled` where somebody has cancelled."""
    if cancelled.is_set():
        raise LoginCancelled(
            "the sign-in was cancelled",
            advice="Run %intermezzo_login when you want to sign in.",
        )


def _nobody(host: str, seconds: float, hint: str) -> LoginExpired:
    return LoginExpired(
        f"nobody signed in at {host} within {seconds:.0f} s",
        advice=f"Run %intermezzo_login again; --timeout gives more time. {hint}",
    )


def _longer_pause(error: AuthorizationServerError, host: str) -> float:
    """Give the seconds to add; raise what ends the polling (RFC 8628 §3.5)."""
    match error.code:
        case "authorization_pending":
            return 0.0
        case "slow_down":
            return 5.0
        case "access_denied":
            raise LoginDenied(
                f"the sign-in at {host} was refused",
                why="Access was not allowed there; nothing was given to this kernel.",
                advice="If that was not meant, run %intermezzo_login again.",
            ) from None
        case "expired_token":
            raise LoginExpired(
                f"the code for {host} has expired",
                advice="Run %intermezzo_login again for a new one.",
            ) from None
    raise error.with_traceback(None) from None


def _identified(
    client: OAuthClient, response: TokenResponse, nonce: Secret | None
) -> Token:
    if response.id_token is None or not client.can_verify:
        return response.token
    claims = client.verifier.verify(
        response.id_token,
        access_token=response.token.access_token,
        nonce=nonce,
    )
    return replace(response.token, id_claims=_named(client, claims, response.token))


def _named(
    client: OAuthClient, claims: Mapping[str, Any], token: Token
) -> Mapping[str, Any]:
    """Add the name and e-mail address, where the ID token leaves both out."""
    if claims.get("name") or claims.get("email"):
        return claims
    try:
        told = client.userinfo(token.access_token) or {}
    except (NetworkError, AuthorizationServerError):
        return claims  # a name is worth no failed sign-in
    if told.get("sub") != claims["sub"]:
        return claims  # OIDC Core §5.3.2: then it is not used
    return {**{k: told[k] for k in ("name", "email") if k in told}, **claims}
