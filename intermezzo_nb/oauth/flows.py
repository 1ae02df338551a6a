"""From nothing to a first token, and from an old token to the next one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from ..errors import (
    AuthorizationServerError,
    LoginCancelled,
    LoginExpired,
    LoginRequired,
    NetworkError,
)
from .client import OAuthClient
from .identity import IdTokenVerifier
from .models import AuthorizationRequest, Prompt, Token, TokenResponse

_GLANCE = 0.2  # seconds between two looks at whether somebody cancelled


class Receiver(Protocol):
    """Where the answer to an authorization request arrives."""

    redirect_uri: str | None

    def invite(self, request: AuthorizationRequest) -> str: ...
    def receive(self, timeout: float) -> dict[str, str] | None: ...
    def close(self) -> None: ...


class CodeFlow:
    """
    The authorization code flow with PKCE (RFC 6749 §4.1, RFC 7636).

    A client secret, where the settings have one, is sent as well, from here: the
    browser sees neither it nor the verifier.

    Parameters
    ----------
    timeout : float
        Seconds that a person has.
    """

    def __init__(
        self, client: OAuthClient, receiver: Receiver, *, timeout: float
    ) -> None:
        self._client, self._receiver, self._timeout = client, receiver, timeout
        self._request: AuthorizationRequest | None = None
        self._deadline = 0.0

    def begin(self) -> Prompt:
        """Ask the question: form the link that the person opens."""
        request = self._client.authorization_request(self._receiver.redirect_uri)
        link = self._receiver.invite(request)
        self._request = request
        self._deadline = time.monotonic() + self._timeout
        return Prompt(link, request.host, self._deadline, request.redirect_uri)

    def wait(
        self, cancelled: threading.Event, received: Callable[[], None] = lambda: None
    ) -> Token:
        """
        Wait for the answer, check it, and exchange it.

        Parameters
        ----------
        cancelled : threading.Event
            Set from any thread to end the wait.
        received : callable
            Called when the answer is there and before it is exchanged.

        Raises
        ------
        LoginCancelled, LoginExpired
            It was stopped, or nobody answered in time.
        LoginDenied, LoginMismatch, AuthorizationServerError, NetworkError
            The answer is no good.
        """
        request = self._request
        if request is None:
            self.begin()
            return self.wait(cancelled, received)
        try:
            answer = self._answer(cancelled)
        finally:
            self._receiver.close()
        received()
        # Byte for byte the one by which the answer came (RFC 6749 §4.1.3).
        request = replace(request, redirect_uri=self._receiver.redirect_uri)
        code = request.code_of(answer)
        response = self._client.exchange_code(request, code)
        return _identified(self._client, response, request)

    def close(self) -> None:
        """Close the receiver of a flow that nobody will wait for."""
        self._receiver.close()

    def _answer(self, cancelled: threading.Event) -> dict[str, str]:
        while time.monotonic() < self._deadline:
            if cancelled.is_set():
                raise LoginCancelled(
                    "the sign-in was cancelled",
                    advice="Run %intermezzo_login when you want to sign in.",
                )
            if (answer := self._receiver.receive(_GLANCE)) is not None:
                return answer
        raise LoginExpired(
            f"nobody signed in at {self._client.host} within {self._timeout:.0f} s",
            advice="Run %intermezzo_login again; --timeout gives more time. If the "
            "page showed an error, register the redirect URI that the panel names.",
        )


class ClientCredentialsFlow:
    """The client's own credentials for a token (RFC 6749 §4.4); nobody is asked."""

    def __init__(self, client: OAuthClient) -> None:
        self._client = client

    def wait(self) -> Token:
        """Ask once."""
        return self._client.request_token().token


def renewed(client: OAuthClient, token: Token | None) -> Token:
    """
    Give the next token: by the refresh token, or by the client's own credentials.

    Raises
    ------
    LoginRequired
        There is nothing to renew with, or the server will not renew.
    """
    if client.settings.is_machine:
        return ClientCredentialsFlow(client).wait()
    if token is None or token.refresh_token is None:
        raise LoginRequired(
            f"the session at {client.host} is over"
            if token
            else f"nobody is signed in at {client.host}",
            why="Its access token has expired, and no refresh token was granted."
            if token
            else "",
            advice="Sign in: %intermezzo_login",
            code="session_ended" if token else "login_required",
        )
    response = client.refresh(token.refresh_token)
    return token.renewed_by(_still_identified(client, response, token))


def _identified(
    client: OAuthClient, response: TokenResponse, request: AuthorizationRequest
) -> Token:
    if response.id_token is None or not _can_verify(client):
        return response.token
    claims = _verifier(client).verify(
        response.id_token,
        access_token=response.token.access_token,
        nonce=request.nonce,
    )
    return replace(response.token, id_claims=claims)


def _still_identified(
    client: OAuthClient, response: TokenResponse, before: Token
) -> Token:
    if response.id_token is None or not _can_verify(client):
        return response.token
    try:
        claims = _verifier(client).verify_renewed(
            response.id_token,
            access_token=response.token.access_token,
            first=before.id_claims,
        )
    except (NetworkError, AuthorizationServerError):
        # The keys were out of reach; the rotated token must not be lost for that.
        return response.token
    # auth_time and the like may be left out on a refresh; the first are kept.
    return replace(response.token, id_claims={**before.id_claims, **claims})


def _can_verify(client: OAuthClient) -> bool:
    # With endpoints set by hand and no issuer, nobody is named rather than guessed.
    return bool(client.metadata.issuer and client.metadata.jwks_uri)


def _verifier(client: OAuthClient) -> IdTokenVerifier:
    client_id = client.settings.client_id or ""
    return IdTokenVerifier(client.metadata, client_id, client.keys)
