"""What this client can ask the authorization server for, one method each."""

from __future__ import annotations

import dataclasses
import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from msgspec.structs import replace
from oauthlib.oauth2 import BackendApplicationClient, DeviceClient

from ..addresses import origin
from ..errors import AuthorizationServerError
from ..quoting import plain
from ..secret import Secret
from ..settings import Settings
from ..tokens.forks import renew_in_child
from .answers import device_request, json_object, pushed_request, refused
from .calls import TIMEOUT, Calls
from .discovery import ENDPOINTS, discover
from .models import (
    AuthorizationRequest,
    DeviceRequest,
    ServerMetadata,
    TokenResponse,
)
from .question import ask, with_query
from .wire import Skew

if TYPE_CHECKING:
    from .identity import IdTokenVerifier

_PERSON_SCOPE = "openid profile email offline_access"


class OAuthClient:
    """
    The client of RFC 6749, for one set of settings.

    Parameters
    ----------
    settings : Settings
        ``client_id`` and either ``issuer`` or the endpoints have to be there.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._calls = Calls(settings, self.host)
        self._found: ServerMetadata | None = None
        if not settings.asks_nobody:
            # Cryptography takes long to load: not while many wait for a renewal.
            from . import identity  # noqa: F401 (it is the loading that counts)
        self.after_fork()
        renew_in_child(self)

    def after_fork(self) -> None:
        """Take the lock from a thread that the child does not have."""
        self._finding = threading.Lock()

    @property
    def metadata(self) -> ServerMetadata:
        """
        What the server says of itself, asked for once; settings override it.

        Raises
        ------
        AuthorizationServerError
            There is no metadata, or it is of another issuer (RFC 8414 §3.3).
        NetworkError
            Nobody answered.
        """
        with self._finding:
            if self._found is None:
                self._found = discover(self.settings, self._calls.document)
            return self._found

    @property
    def scope(self) -> str | None:
        """The scope to ask for: a default for a person, none for a machine."""
        default = None if self.settings.is_machine else _PERSON_SCOPE
        return self.settings.scope or default

    @property
    def host(self) -> str:
        """The name by which messages call the server."""
        url = self.settings.issuer or self.settings.token_url or ""
        return self._name or urlsplit(url).netloc

    @property
    def _name(self) -> str:
        # Its host is the kernel's: a browser often sees its pages at another.
        return "the practice server" if self.settings.is_practice else ""

    @property
    def skew(self) -> Skew:
        """How far this machine's clock is from the server's."""
        return self._calls.skew

    def authorization_request(self, redirect_uri: str | None) -> AuthorizationRequest:
        """
        Form the question that a person takes to the authorization endpoint.

        S256, ``state`` and ``nonce`` are fresh (RFC 7636 §4, OIDC Core §3.1.2.1);
        ``prompt=consent`` goes with ``offline_access`` (OIDC Core §11). Where the
        server offers it, the question is pushed and the link only names it
        (RFC 9126).

        Parameters
        ----------
        redirect_uri : str or None
            None where only a Jupyter server knows it: nothing can be pushed then.

        Raises
        ------
        AuthorizationServerError
            It offers no S256, or wants a pushed request that cannot be.
        """
        self._insist_on_s256(self.metadata.code_challenge_methods_supported)
        request = ask(
            self._endpoint("authorization_url"),
            self.metadata,
            client_id=self._id,
            redirect_uri=redirect_uri,
            scope=self.scope,
            audience=self.settings.audience,
            name=self._name,
        )
        return self.pushed(request)

    def pushed(self, request: AuthorizationRequest) -> AuthorizationRequest:
        """
        Push a question, once more if need be, so that its link is good (RFC 9126 §2).

        Where the server offers no such endpoint the request comes back as it is.
        """
        url = self.metadata.pushed_authorization_request_endpoint
        if url is None or request.redirect_uri is None:
            self._insist_on_no_push()
            return request
        what, endpoint = "the pushed request", self._endpoint("authorization_url")
        response = self._calls.form(what, url, request.question, self.metadata)
        name, life = pushed_request(self._good(response, what), self.host)
        named = {"client_id": self._id, "request_uri": name}
        return dataclasses.replace(
            request, url=with_query(endpoint, named), good_for=life
        )

    def exchange_code(
        self, request: AuthorizationRequest, code: Secret
    ) -> TokenResponse:
        """
        Exchange the code, once, with this request's verifier (RFC 6749 §4.1.3).

        Raises
        ------
        LoginRequired
            The server does not accept the code (``session_ended``).
        AuthorizationServerError, NetworkError
            The server refused, or did not answer.
        """
        return self._calls.token(
            "the authorization code",
            lambda session, url, auth: session.fetch_token(
                url,
                code=code.reveal(),
                code_verifier=request.code_verifier.reveal(),
                timeout=TIMEOUT,
                **auth.keywords(first=True),
            ),
            self._with_token_endpoint,
            redirect_uri=request.redirect_uri,
        )

    def device_authorization(self) -> DeviceRequest:
        """
        Ask for a code that a person enters elsewhere (RFC 8628 §3.1).

        Raises
        ------
        AuthorizationServerError, NetworkError
            The server refused, or did not answer.
        SettingsError
            It offers no such endpoint.
        """
        asked = {"scope": self.scope, "audience": self.settings.audience}
        response = self._calls.form(
            "the device code",
            self._endpoint("device_url"),
            {name: value for name, value in asked.items() if value},
            self.metadata,
        )
        told = device_request(self._good(response, "the device code"), self.host)
        return replace(told, name=self._name)

    def exchange_device_code(self, request: DeviceRequest) -> TokenResponse:
        """
        Ask once whether the person has finished (RFC 8628 §3.4).

        Raises
        ------
        AuthorizationServerError
            With the ``code`` of RFC 8628 §3.5, such as ``authorization_pending``.
        """
        asked: dict[str, Any] = {}
        if self.settings.audience:
            asked["audience"] = self.settings.audience
        return self._calls.token(
            "the device code",
            lambda session, url, auth: session.fetch_token(
                url,
                device_code=request.device_code.reveal(),
                timeout=TIMEOUT,
                **asked,
                **auth.keywords(first=True),
            ),
            self._with_token_endpoint,
            client=DeviceClient(self._id),
        )

    def request_token(self) -> TokenResponse:
        """Ask with the client's own credentials (RFC 6749 §4.4)."""
        self.settings.require("client_secret|client_key")
        optional = {"audience": self.settings.audience, "scope": self.settings.scope}
        asked: dict[str, Any] = {k: v for k, v in optional.items() if v}
        response = self._calls.token(
            "the client credentials",
            lambda session, url, auth: session.fetch_token(
                url, timeout=TIMEOUT, **asked, **auth.keywords(first=True)
            ),
            self._with_token_endpoint,
            client=BackendApplicationClient(self._id),
        )
        # RFC 6749 §4.4.3: there should be none, and it would be of no use.
        return TokenResponse(replace(response.token, refresh_token=None))

    def refresh(self, refresh_token: Secret) -> TokenResponse:
        """
        Spend a refresh token (RFC 6749 §6); the caller holds the store's lock.

        Raises
        ------
        LoginRequired
            ``session_ended``: the server will not have it any more.
        """
        return self._calls.token(
            "the saved session",
            lambda session, url, auth: session.refresh_token(
                url,
                refresh_token=refresh_token.reveal(),
                timeout=TIMEOUT,
                **auth.keywords(first=False),
            ),
            self._with_token_endpoint,
        )

    def revoke(self, token: Secret, hint: str) -> bool:
        """
        Revoke a token (RFC 7009); False where the server has no such endpoint.

        Parameters
        ----------
        token : Secret
            The token to end.
        hint : {"refresh_token", "access_token"}
            What it is.

        Raises
        ------
        AuthorizationServerError
            It refused: the token has to be taken as alive (§2.2.1).
        """
        if (url := self.metadata.revocation_endpoint) is None:
            return False
        body: dict[str, str | Secret] = {"token": token, "token_type_hint": hint}
        response = self._calls.form("the revocation", url, body, self.metadata)
        if response.status_code != requests.codes.ok:
            raise AuthorizationServerError(
                f"{self.host} did not revoke the {hint.replace('_', ' ')}",
                why=f"It answered with HTTP {response.status_code}.",
                advice="It ends by itself when its life is over; those who run the "
                "server can end it now.",
                status=response.status_code,
            )
        return True

    @cached_property
    def verifier(self) -> IdTokenVerifier:
        """The judge of ID tokens; it keeps the server's keys."""
        from .identity import IdTokenVerifier

        return IdTokenVerifier(self.metadata, self._id, self.keys, skew=self.skew)

    @property
    def can_verify(self) -> bool:
        """Whether ID tokens can be verified; else nobody is named, rather than guessed.

        With endpoints set by hand, the issuer or its keys may be unknown.
        """
        return bool(self.metadata.issuer and self.metadata.jwks_uri)

    def userinfo(self, access_token: Secret) -> dict[str, Any] | None:
        """
        Ask who the token is of (OIDC Core §5.3); None where that may not be asked.

        The token goes to the API's origin alone, or to an address that was set:
        metadata are no reason to send it elsewhere.
        """
        url, settings = self.metadata.userinfo_endpoint, self.settings
        is_named = settings.userinfo_url is not None
        if url is None or not (
            is_named or origin(url) == origin(settings.api_url or "")
        ):
            return None
        return self._calls.userinfo(url, access_token)

    def keys(self) -> dict[str, Any]:
        """Fetch the server's public keys: a JWK set (RFC 7517 §5)."""
        return self._calls.document(self._endpoint("jwks_url"), "the keys") or {}

    @property
    def _id(self) -> str:
        self.settings.require("client_id")
        return self.settings.client_id or ""

    @property
    def _with_token_endpoint(self) -> ServerMetadata:
        self._endpoint("token_url")
        return self.metadata

    def _endpoint(self, setting: str) -> str:
        url = getattr(self.metadata, ENDPOINTS[setting])
        if url is None:
            self.settings.require(setting)
        return str(url)

    def _good(self, response: requests.Response, what: str) -> dict[str, Any]:
        answer = json_object(response, self.host)
        if response.ok:
            return answer
        raise refused(answer, what, response, host=self.host, client_id=self._id)

    def _insist_on_s256(self, methods: tuple[str, ...]) -> None:
        if methods and "S256" not in methods:
            raise AuthorizationServerError(
                f"{self.host} offers no S256 code challenge",
                why=f"It offers {plain(', '.join(methods))} only.",
                advice="Tell those who run it: RFC 9700 §2.1.1 asks for S256.",
            )

    def _insist_on_no_push(self) -> None:
        if self.metadata.require_pushed_authorization_requests:
            raise AuthorizationServerError(
                f"{self.host} wants the question pushed (RFC 9126)",
                why="That needs to know the redirect URI, and here only the Jupyter "
                "server does.",
                advice="Name the registered one in INTERMEZZO_REDIRECT_URI, or use "
                "--via loopback.",
                code="push_required",
            )
