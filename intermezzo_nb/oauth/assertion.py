"""A client that proves who it is by its private key (RFC 7523 §2.2)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ..credentials import Credential
from ..errors import SettingsError
from ..secret import Secret

_LIFE = 60  # seconds
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_RSA = ("RS256", "PS256", "RS384", "PS384", "RS512", "PS512")


def signed_assertion(
    place: Credential,
    client_id: str,
    *,
    audience: str,
    offered: tuple[str, ...],
    now: float,
) -> Secret:
    """
    Sign a JWT that is good once and for a minute (RFC 7523 §3).

    Parameters
    ----------
    place : Credential
        The file of the private key: PEM, or a JWK as JSON; read anew each time.
    audience : str
        The name of the authorization server.
    offered : tuple of str
        The algorithms that the server takes; empty where it does not say.
    now : float
        The server's time, in seconds since 1970.

    Raises
    ------
    SettingsError
        The file holds no private key of a kind that the server takes.
    """
    key, kid = _loaded(place.read(), place)
    possible = _algorithms(key)
    algorithm = next((a for a in possible if not offered or a in offered), None)
    if algorithm is None:
        raise SettingsError(
            f"{place} cannot sign for this server",
            why=f"It can sign with {', '.join(possible) or 'nothing known'}, the "
            f"server takes {', '.join(offered)}.",
            advice="Register a key of a kind that it takes, and point "
            "INTERMEZZO_CLIENT_KEY_FILE to that.",
            code="bad_key",
        )
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": secrets.token_urlsafe(24),
        "iat": int(now),
        "exp": int(now) + _LIFE,
    }
    headers = {"kid": kid} if kid else None
    return Secret(jwt.encode(claims, key, algorithm=algorithm, headers=headers))


def _loaded(text: Secret, place: Credential) -> tuple[Any, str | None]:
    try:
        if text.reveal().startswith("{"):
            jwk: Mapping[str, Any] = json.loads(text.reveal())
            kid = jwk.get("kid")
            key = jwt.PyJWK({**jwk, "alg": None}, algorithm=_jwk_algorithm(jwk)).key
            if hasattr(key, "private_numbers") or hasattr(key, "private_bytes"):
                return key, str(kid) if kid else None
        else:
            return load_pem_private_key(text.reveal().encode(), None), None
    except (ValueError, TypeError, jwt.PyJWTError):
        pass  # its words might repeat the key
    raise SettingsError(
        f"{place} holds no private key that can be read",
        why="It has to be PEM without a password, or a private JWK as JSON.",
        advice="Point INTERMEZZO_CLIENT_KEY_FILE to such a file, readable by you only.",
        code="bad_key",
    )


def _jwk_algorithm(jwk: Mapping[str, Any]) -> str:
    by_curve = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
    kinds = {"EC": by_curve.get(str(jwk.get("crv")), ""), "OKP": "EdDSA"}
    return kinds.get(str(jwk.get("kty")), "RS256")


def _algorithms(key: Any) -> tuple[str, ...]:
    if isinstance(key, rsa.RSAPrivateKey):
        return _RSA
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return (_CURVES[key.curve.name],) if key.curve.name in _CURVES else ()
    return ("EdDSA",) if isinstance(key, ed25519.Ed25519PrivateKey) else ()
