"""The OAuth and OpenID rules, by oauthlib's server side; ours is only the memory."""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from msgspec.structs import replace
from oauthlib.oauth2 import (
    AuthorizationEndpoint,
    BearerToken,
    ClientCredentialsGrant,
    DeviceCodeGrant,
    InvalidGrantError,
    RevocationEndpoint,
    TokenEndpoint,
)
from oauthlib.openid import RequestValidator
from oauthlib.openid.connect.core.grant_types import (
    AuthorizationCodeGrant,
    RefreshTokenGrant,
)

from .grants import (
    DEVICE_GRANT,
    DEVICE_INTERVAL,
    PEOPLE,
    RESOURCE_SCOPES,
    SCOPES,
    Client,
    Grant,
    Ledger,
    mint,
    user_code,
)
from .rules import DeviceEndpoint, check_authorization

_DEVICE_LIFE = 300  # seconds


class Endpoints(AuthorizationEndpoint, TokenEndpoint, RevocationEndpoint):
    """
    The endpoints of RFC 6749, RFC 7009 and OpenID Connect Core.

    Parameters
    ----------
    token_lifetime : int
        Seconds that an access token lives.
    url : str
        The server's origin.
    """

    def __init__(self, validator: Validator, token_lifetime: int, url: str) -> None:
        code, refresh = AuthorizationCodeGrant(validator), RefreshTokenGrant(validator)
        engine = code.proxy_target
        # RFC 9700 §2.1.1: "plain" is no protection.
        offered = engine._code_challenge_methods  # noqa: SLF001 (no other way)
        engine._code_challenge_methods = {"S256": offered["S256"]}  # noqa: SLF001
        engine.create_authorization_code = _authorization_code
        engine.custom_validators.pre_auth.append(check_authorization)
        bearer = BearerToken(
            validator, lambda _: mint("at"), token_lifetime, lambda _: mint("rt")
        )
        AuthorizationEndpoint.__init__(
            self,
            default_response_type="code",
            default_token_type=bearer,
            response_types={"code": code},
        )
        TokenEndpoint.__init__(
            self,
            default_grant_type="authorization_code",
            default_token_type=bearer,
            grant_types={
                "authorization_code": code,
                "refresh_token": refresh,
                "client_credentials": ClientCredentialsGrant(validator),
                DEVICE_GRANT: DeviceCodeGrant(validator),
            },
        )
        RevocationEndpoint.__init__(self, validator)
        self.device = DeviceEndpoint(
            validator,
            f"{url}/device",
            expires_in=_DEVICE_LIFE,
            interval=DEVICE_INTERVAL,
            verification_uri_complete=f"{url}/device?user_code={{user_code}}",
            user_code_generator=user_code,
        )


class Validator(RequestValidator):
    """
    Answers oauthlib's questions from the ledger.

    Parameters
    ----------
    issuer : callable
        Gives the issuer; it is known once the port is.
    """

    def __init__(self, ledger: Ledger, issuer: Callable[[], str]) -> None:
        self._ledger, self._issuer = ledger, issuer
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._kid = mint("kid")[-8:]

    def jwks(self) -> dict[str, Any]:
        """Give the public key as a JWK set."""
        key = jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**key, "kid": self._kid, "use": "sig", "alg": "RS256"}]}

    # Who asks

    def validate_client_id(self, client_id: str, request: Any, *_: Any) -> bool:
        request.client = self._ledger.clients.get(client_id)
        return request.client is not None

    def client_authentication_required(self, request: Any, *_: Any) -> bool:
        client = self._ledger.clients.get(request.client_id or "")
        return client is None or client.secret is not None

    def authenticate_client(self, request: Any, *_: Any) -> bool:
        client_id, secret = _basic(request) or (
            request.client_id,
            request.client_secret,
        )
        client = self._ledger.clients.get(client_id or "")
        if client is None or client.secret is None:
            return False
        request.client = client
        return hmac.compare_digest(str(secret).encode(), client.secret.encode())

    def authenticate_client_id(self, client_id: str, request: Any, *_: Any) -> bool:
        known = self.validate_client_id(client_id, request)
        return known and request.client.secret is None

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Client, *_: Any
    ) -> bool:
        return grant_type in client.grants

    def validate_response_type(
        self, client_id: str, response_type: str, client: Client, *_: Any
    ) -> bool:
        return response_type == "code" and "authorization_code" in client.grants

    def validate_redirect_uri(
        self, client_id: str, redirect_uri: str, request: Any, *_: Any
    ) -> bool:
        reached = request.headers.get("Practice-Reached", "")
        return self._ledger.clients[client_id].may_return_to(redirect_uri, reached)

    def get_default_redirect_uri(self, client_id: str, *_: Any) -> None:
        return None

    # What for

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: Client, request: Any, *_: Any
    ) -> bool:
        if not set(scopes) <= set(SCOPES):
            return False
        # Who names no resource gets all: people and machines can try what there is.
        if not any(":" in scope for scope in scopes):
            request.scopes = [*scopes, *RESOURCE_SCOPES]
        return True

    def get_default_scopes(self, client_id: str, *_: Any) -> list[str]:
        return [*RESOURCE_SCOPES]

    def is_pkce_required(self, client_id: str, *_: Any) -> bool:
        return self._ledger.clients[client_id].secret is None

    def validate_silent_login(self, request: Any) -> bool:
        return bool(_person(request))

    def validate_silent_authorization(self, request: Any) -> bool:
        given = self._ledger.consents.get((_person(request), request.client_id), set())
        return set(request.scopes) <= given

    def validate_user_match(self, *_: Any) -> bool:
        return True

    # Codes

    def save_authorization_code(
        self, client_id: str, code: dict[str, str], request: Any, *_: Any
    ) -> None:
        self._ledger.keep_code(
            code["code"],
            client_id=client_id,
            redirect_uri=request.redirect_uri,
            scopes=list(request.scopes),
            email=request.email,
            auth_time=request.auth_time,
            challenge=request.code_challenge,
            challenge_method=request.code_challenge_method,
            nonce=request.nonce,
        )

    def validate_code(
        self, client_id: str, code: str, client: Client, request: Any, *_: Any
    ) -> bool:
        kept = self._ledger.code(code)
        if kept is None or kept.client_id != client_id:
            return False
        request.scopes, request.grant = kept.scopes, kept
        return True

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, *_: Any
    ) -> bool:
        kept = self._ledger.code(code)
        return kept is not None and kept.redirect_uri == redirect_uri

    def get_code_challenge(self, code: str, request: Any) -> str | None:
        return request.grant.challenge if request.grant else None

    def get_code_challenge_method(self, code: str, request: Any) -> str | None:
        return request.grant.challenge_method

    def get_authorization_code_nonce(
        self, client_id: str, code: str, redirect_uri: str, request: Any
    ) -> str | None:
        return request.grant.nonce

    def invalidate_authorization_code(self, client_id: str, code: str, *_: Any) -> None:
        self._ledger.use_code(code)

    def validate_device_code(
        self, client_id: str, device_code: str, request: Any
    ) -> str | None:
        status = self._ledger.device_status(device_code, client_id)
        if status == "authorized":
            request.grant = self._ledger.use_device_code(device_code)
            request.scopes = request.grant.scopes
        return status

    # Tokens

    def validate_refresh_token(
        self, refresh_token: str, client: Client, request: Any, *_: Any
    ) -> bool:
        request.grant = self._ledger.refresh(refresh_token)
        return bool(request.grant and request.grant.client_id == client.client_id)

    def get_original_scopes(
        self, refresh_token: str, request: Any, *_: Any
    ) -> list[str]:
        scopes: list[str] = request.grant.scopes
        return scopes

    def save_bearer_token(self, token: dict[str, Any], request: Any, *_: Any) -> None:
        came = getattr(request, "grant", None)
        grant = Grant(
            client_id=request.client.client_id,
            scopes=list(request.scopes),
            email=came.email if came else None,
            auth_time=came.auth_time if came else 0,
            family=came.family if came else mint("family"),
            expires_at=time.time() + token["expires_in"],
        )
        self._ledger.keep_access(token["access_token"], grant)
        if request.refresh_token:
            self._ledger.spend(request.refresh_token)
        # RFC 6749 §6: a narrowed access token leaves the refresh token's scope alone.
        whole = replace(grant, scopes=came.scopes) if came else grant
        if "offline_access" not in whole.scopes:
            token.pop("refresh_token", None)
        elif "refresh_token" in token:
            self._ledger.keep_refresh(token["refresh_token"], whole)
        if request.grant_type == DEVICE_GRANT and "openid" in request.scopes:
            # oauthlib's device grant knows nothing of OpenID.
            claims = {"aud": request.client.client_id}
            token["id_token"] = self.finalize_id_token(claims, token, None, request)

    def revoke_token(self, token: str, hint: str, request: Any, *_: Any) -> None:
        # RFC 7009 §2.1; a token that is none any more counts as revoked (§2.2).
        if self._ledger.owner(token) not in {None, request.client.client_id}:
            raise InvalidGrantError(request=request)
        self._ledger.revoke(token)

    def refresh_id_token(self, request: Any) -> bool:
        return True

    def finalize_id_token(
        self, id_token: dict[str, Any], token: Any, token_handler: Any, request: Any
    ) -> str:
        now, grant = int(time.time()), request.grant
        person = PEOPLE[grant.email]
        claims = {
            **{name: value for name, value in id_token.items() if value is not None},
            "iss": self._issuer(),
            "sub": person.email.partition("@")[0],
            "iat": now,
            "exp": now + 3600,
            "auth_time": grant.auth_time,
            "name": person.name,
            "email": person.email,
        }
        return jwt.encode(
            claims, self._key, algorithm="RS256", headers={"kid": self._kid}
        )


def _authorization_code(request: Any) -> dict[str, str]:
    state = {"state": request.state} if request.state else {}
    return {"code": mint("ac"), **state}


def _person(request: Any) -> str:
    # The handler puts the session's person there, as the request has no other place.
    return str(request.headers.get("Practice-Person", ""))


def _basic(request: Any) -> tuple[str, str] | None:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        pair = base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return None
    # RFC 6749 §2.3.1: both were form-encoded first.
    client_id, _, secret = pair.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)
