"""Where a server's metadata is, and whether it is that server's (RFC 8414)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from ..addresses import check_url
from ..errors import AuthorizationServerError
from ..quoting import plain
from ..settings import Settings
from .models import ServerMetadata

ENDPOINTS = {
    "authorization_url": "authorization_endpoint",
    "token_url": "token_endpoint",
    "device_url": "device_authorization_endpoint",
    "revocation_url": "revocation_endpoint",
    "userinfo_url": "userinfo_endpoint",
    "jwks_url": "jwks_uri",
    "par_url": "pushed_authorization_request_endpoint",
}
_LISTS = (
    "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
    "code_challenge_methods_supported",
    "id_token_signing_alg_values_supported",
)

_FLAGS = (
    "authorization_response_iss_parameter_supported",
    "require_pushed_authorization_requests",
)


def discover(
    settings: Settings, fetch: Callable[[str], dict[str, Any] | None]
) -> ServerMetadata:
    """
    Find the metadata; an endpoint that is set overrides what the server says.

    Parameters
    ----------
    fetch : callable
        Gives the JSON object at an address, or None where there is none.

    Raises
    ------
    AuthorizationServerError
        ``no_metadata``, ``issuer_mismatch``, or an endpoint that is no safe address.
    SettingsError
        Neither an issuer nor the endpoints are set.
    """
    explicit = {
        member: getattr(settings, setting)
        for setting, member in ENDPOINTS.items()
        if getattr(settings, setting)
    }
    if _suffices(settings):
        return ServerMetadata(issuer=settings.issuer, **explicit)
    settings.require("issuer")
    issuer = settings.issuer or ""
    document = _first(issuer, fetch)
    return _read({**document, **explicit}, issuer)


def well_known(issuer: str) -> list[str]:
    """
    List the addresses to try.

    OpenID Connect Discovery §4 appends to the issuer's path, RFC 8414 §3.1 inserts
    before it; without a path both are the same place.
    """
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    inserted = f"{origin}/.well-known/oauth-authorization-server{path}"
    appended = f"{origin}{path}/.well-known/openid-configuration"
    both = f"{origin}/.well-known/openid-configuration{path}"
    return list(dict.fromkeys([appended, inserted, both]))


def _suffices(settings: Settings) -> bool:
    settings.require("issuer|token_url")
    needed = ["token_url"]
    if not settings.is_machine:
        needed += ["authorization_url"] + (["jwks_url"] if settings.issuer else [])
    return all(getattr(settings, name) for name in needed)


def _first(
    issuer: str, fetch: Callable[[str], dict[str, Any] | None]
) -> dict[str, Any]:
    addresses = well_known(issuer)
    for address in addresses:
        if (document := fetch(address)) is not None:
            return _of_issuer(document, issuer)
    raise AuthorizationServerError(
        f"{urlsplit(issuer).netloc} publishes no metadata",
        why=f"Nothing was found at {' or '.join(addresses)}.",
        advice="Check INTERMEZZO_ISSUER, or set INTERMEZZO_TOKEN_URL and "
        "INTERMEZZO_AUTHORIZATION_URL.",
        code="no_metadata",
    )


def _of_issuer(document: dict[str, Any], issuer: str) -> dict[str, Any]:
    told = document.get("issuer")
    # One trailing slash is the one difference that people cannot be asked to see.
    spellings = {issuer, issuer + "/", issuer.removesuffix("/")}
    if isinstance(told, str) and told in spellings:
        return document
    raise AuthorizationServerError(
        f"the metadata at {urlsplit(issuer).netloc} is of another issuer",
        why=f"It names {plain(told)}, the setting names {issuer}.",
        advice="Set INTERMEZZO_ISSUER to the name that the server uses, if that is "
        "the server you mean.",
        code="issuer_mismatch",
    )


def _read(document: dict[str, Any], issuer: str) -> ServerMetadata:
    host = urlsplit(issuer).netloc
    endpoints: dict[str, Any] = {
        member: check_url(setting, str(document[member]), f"the metadata of {host}")
        for setting, member in ENDPOINTS.items()
        if document.get(member)
    }
    lists: dict[str, Any] = {name: _texts(document.get(name)) for name in _LISTS}
    flags: dict[str, Any] = {name: document.get(name) is True for name in _FLAGS}
    return ServerMetadata(
        issuer=str(document["issuer"]),
        **flags,
        **endpoints,
        **lists,
    )


def _texts(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list) else []
    return tuple(item for item in items if isinstance(item, str))
