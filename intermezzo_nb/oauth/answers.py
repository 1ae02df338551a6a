"""What an answer of the authorization server means: a value or an error."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from ..addresses import check_url
from ..errors import (
    AuthorizationServerError,
    IntermezzoError,
    LoginRequired,
    NetworkError,
)
from ..quoting import plain
from ..reasons import reason_of
from ..secret import Secret
from .models import DeviceRequest, Token, TokenResponse

_DEVICE_LIFE, _DEVICE_INTERVAL = 300.0, 5.0  # seconds; §3.2 names the second
# What servers answer to a form in place of JSON, or to an audience that is missing.
_OF_HOW_WE_ASK = (
    *("invalid_request", "invalid_target", "unsupported_grant_type", "access_denied"),
    "HTTP 415",
)
_ASKING = (
    "Check INTERMEZZO_TOKEN_ENCODING (form or json) and INTERMEZZO_AUDIENCE, of which "
    "some servers want another; else tell those who run the authorization server."
)
_VISIBLE, _PRINTABLE = re.compile(r"[!-~]+"), re.compile(r"[ -~]+")


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
        return json.loads(content)
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
    if access_token and not is_bearer_token(access_token):
        access_token = None
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


def device_request(answer: Mapping[str, Any], host: str) -> DeviceRequest:
    """
    Read a device authorization endpoint's answer (RFC 8628 §3.2).

    Raises
    ------
    AuthorizationServerError
        A code or the address is missing.
    SettingsError
        The address is not safe to open.
    """
    device_code, user_code = _secret(answer, "device_code"), answer.get("user_code")
    # Google's name for it is older than the RFC.
    address = answer.get("verification_uri") or answer.get("verification_url")
    if device_code is None or not (user_code and address):
        raise AuthorizationServerError(
            f"{host} gave no device code",
            why="device_code, user_code or verification_uri is missing (RFC 8628 "
            "§3.2).",
            advice="Tell those who run the authorization server, or use another --via.",
            code="bad_device_response",
        )
    told, whom = f"the answer of {host}", "Tell those who run the authorization server."
    at, straight = (
        check_url("verification_uri", str(url), told, whom) if url else ""
        for url in (address, answer.get("verification_uri_complete"))
    )
    return DeviceRequest(
        device_code,
        plain(user_code, 40),
        at,
        straight,
        expires_in=_seconds(answer.get("expires_in")) or _DEVICE_LIFE,
        interval=_seconds(answer.get("interval")) or _DEVICE_INTERVAL,
    )


def pushed_request(answer: Mapping[str, Any], host: str) -> tuple[str, float | None]:
    """Read the name of a pushed request, and its life in seconds (RFC 9126 §2.2)."""
    name = answer.get("request_uri")
    if isinstance(name, str) and name:
        return name, _seconds(answer.get("expires_in"))
    raise AuthorizationServerError(
        f"{host} took the pushed request, but did not name it",
        why="request_uri is missing (RFC 9126 §2.2).",
        advice="Tell those who run the authorization server.",
        code="bad_push_response",
    )


def refused(
    answer: Mapping[str, Any],
    what: str,
    response: requests.Response,
    *,
    host: str,
    client_id: str,
) -> IntermezzoError:
    """Tell an error answer of any endpoint that takes a form."""
    error = str(answer.get("error") or f"HTTP {response.status_code}")
    status = response.status_code
    return refusal(what, error, host=host, client_id=client_id, status=status)


def is_bearer_token(token: Secret) -> bool:
    """Tell whether a header can carry it (RFC 6750 §2.1, RFC 6749 §A.12)."""
    return _VISIBLE.fullmatch(token.reveal()) is not None


def _secret(answer: Mapping[str, Any], name: str) -> Secret | None:
    # RFC 6749 §A: visible ASCII; what is not, no header or form can carry.
    value = answer.get(name)
    is_told = isinstance(value, str) and _PRINTABLE.fullmatch(value)
    return Secret(str(value)) if is_told else None


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
            advice="Sign in again: %intermezzo_login (in Python: .login())",
            code="session_ended",
        )
    advice = {
        "invalid_client": "Check INTERMEZZO_CLIENT_ID and the client's secret: they "
        "have to be known to this server.",
        "unauthorized_client": "Ask those who run it to allow this grant for client "
        f"{client_id}.",
        "invalid_scope": "Check INTERMEZZO_SCOPE.",
        **dict.fromkeys(_OF_HOW_WE_ASK, _ASKING),
    }
    return AuthorizationServerError(
        f"{host} refused {what}: {word}",
        advice=advice.get(word, "Tell those who run the authorization server."),
        code=word,
        status=status,
    )


def unreachable(host: str, fault: OSError) -> NetworkError:
    """Tell that nobody answered; the fault's own frames hold secrets, so no cause."""
    told = type(fault).__name__
    if isinstance(fault, requests.Timeout):
        told += ": no answer in time"
    elif isinstance(fault, requests.exceptions.SSLError):
        told += ": the certificate or the TLS connection was not accepted"
    elif isinstance(fault, requests.exceptions.ProxyError):
        told += ": the proxy of the environment did not let us through"
    else:
        told = reason_of(fault)
    return NetworkError(
        f"{host} cannot be reached",
        why=f"{told}.",
        advice="Check INTERMEZZO_ISSUER, the network and the proxy, and try again.",
    )
