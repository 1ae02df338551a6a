"""What an answer of the authorization server means: a value or an error."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from ..errors import (
    AuthorizationServerError,
    IntermezzoError,
    LoginRequired,
    NetworkError,
)
from ..secret import Secret
from .models import Token, TokenResponse, plain

_LARGEST = 1_000_000  # bytes; an answer of this size is no OAuth answer


def json_object(response: requests.Response, host: str) -> dict[str, Any]:
    """
    Decode an answer that has to be a JSON object.

    Raises
    ------
    AuthorizationServerError
        It is something else: often the page of a proxy or of a login wall.
    """
    answer = _decoded(response.content)
    if isinstance(answer, dict):
        return answer
    kind = response.headers.get("Content-Type", "no content type").split(";")[0]
    raise AuthorizationServerError(
        f"{host} did not answer in JSON (HTTP {response.status_code}, {plain(kind)})",
        why=f"The path was {urlsplit(response.url or '').path}.",
        advice="Check INTERMEZZO_ISSUER and the endpoints, and whether a proxy or "
        "login wall stands in between.",
        code="not_json",
        status=response.status_code,
    )


def _decoded(content: bytes) -> object:
    try:
        return json.loads(content) if len(content) <= _LARGEST else None
    except (ValueError, RecursionError):
        return None


def token_response(
    answer: Mapping[str, Any], issued_at: float, host: str
) -> TokenResponse:
    """
    Read a token endpoint's answer (RFC 6749 §5.1).

    Parameters
    ----------
    issued_at : float
        Wall clock before the request, in seconds since 1970.

    Raises
    ------
    AuthorizationServerError
        There is no access token in it, or one of an unknown type (§7.1).
    """
    kind = str(answer.get("token_type", "Bearer"))
    access_token = _secret(answer, "access_token")
    if access_token is None or kind.lower() != "bearer":
        raise AuthorizationServerError(
            f"{host} gave no bearer token",
            why=f"The token type is {plain(kind, 40)}.",
            advice="Tell those who run the authorization server.",
            code="bad_token_response",
        )
    scope = answer.get("scope")
    token = Token(
        access_token=access_token,
        issued_at=issued_at,
        expires_in=_seconds(answer.get("expires_in")),
        refresh_token=_secret(answer, "refresh_token"),
        scope=scope if isinstance(scope, str) and scope else None,
    )
    return TokenResponse(token, _secret(answer, "id_token"))


def _secret(answer: Mapping[str, Any], name: str) -> Secret | None:
    value = answer.get(name)
    return Secret(value) if isinstance(value, str) and value else None


def _seconds(value: object) -> float | None:
    # RFC 6749 §5.1 wants a number; text is seen, and 0 from servers that do not say.
    try:
        seconds = float(value) if isinstance(value, (int, float, str)) else 0.0
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None


def refusal(
    what: str, error: str, *, host: str, client_id: str, status: int | None
) -> IntermezzoError:
    """
    Tell an error of RFC 6749 §5.2 by what to do next.

    The server's own description is left out: it may repeat what was sent.
    """
    word = plain(error, 60)
    if word == "invalid_grant":
        return LoginRequired(
            f"{host} no longer accepts {what}",
            why="It was used, revoked, or is too old.",
            advice="Sign in again: %intermezzo_login",
            code="session_ended",
        )
    advice = {
        "invalid_client": "Check INTERMEZZO_CLIENT_ID and the client's secret: they "
        "have to be known to this server.",
        "unauthorized_client": "Ask those who run it to allow this grant for client "
        f"{client_id}.",
        "invalid_scope": "Check INTERMEZZO_SCOPE.",
    }
    return AuthorizationServerError(
        f"{host} refused {what}: {word}",
        advice=advice.get(word, "Tell those who run the authorization server."),
        code=word,
        status=status,
    )


def unreachable(host: str, fault: requests.RequestException) -> NetworkError:
    """Tell that nobody answered; the fault's own frames hold secrets, so no cause."""
    told = type(fault).__name__
    if isinstance(fault, requests.Timeout):
        told += ": no answer in time"
    elif isinstance(fault, requests.exceptions.SSLError):
        told += ": the certificate or the TLS connection was not accepted"
    elif isinstance(fault, requests.exceptions.ProxyError):
        told += ": the proxy of the environment did not let us through"
    return NetworkError(
        f"{host} cannot be reached",
        why=f"{told}.",
        advice="Check the address, the network and the proxy settings, and try again.",
    )
