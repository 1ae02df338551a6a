"""Every call to the authorization server; the only importer of requests_oauthlib."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error, WebApplicationClient
from requests_oauthlib import OAuth2Session

from ..errors import AuthorizationServerError, IntermezzoError
from ..secret import Secret
from ..settings import Settings
from .answers import json_object, refusal, token_response, unreachable
from .discovery import ENDPOINTS, discover
from .models import (
    AuthorizationRequest,
    ServerMetadata,
    TokenResponse,
    plain,
)
from .wire import (
    ClientAuthentication,
    Wire,
    as_https,
    not_ours,
    quiet,
)

_TIMEOUT = (5.0, 30.0)  # seconds to connect, seconds to answer
_LETTERS = 86  # of a verifier: 64 random bytes (RFC 7636 §4.1 allows 128)
_PERSON_SCOPE = "openid profile email offline_access"
# Read by us: oauthlib raises on a narrower scope and on an odd expires_in.
_NOT_FOR_OAUTHLIB = ("expires_in", "expires_at", "scope", "token_type")


class OAuthClient:
    """
    The client of RFC 6749, for one set of settings.

    Each call uses an ``OAuth2Session`` of its own as a function: values in, values
    out. No call follows a redirect, so nothing secret is sent on.

    Parameters
    ----------
    settings : Settings
        ``client_id`` and either ``issuer`` or the endpoints have to be there.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._found: ServerMetadata | None = None
        self._finding = threading.Lock()
        logging.getLogger("requests_oauthlib.oauth2_session").addFilter(not_ours)

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
                self._found = discover(self.settings, self._document)
            return self._found

    @property
    def scope(self) -> str | None:
        """The scope to ask for: a default for a person, none for a machine."""
        default = None if self.settings.is_machine else _PERSON_SCOPE
        return self.settings.scope or default

    @property
    def host(self) -> str:
        """The host name by which messages call the server."""
        return urlsplit(self.settings.issuer or self.settings.token_url or "").netloc

    def authorization_request(self, redirect_uri: str | None) -> AuthorizationRequest:
        """
        Form the question that a person takes to the authorization endpoint.

        S256, ``state`` and ``nonce`` are fresh (RFC 7636 §4, OIDC Core §3.1.2.1);
        ``prompt=consent`` goes with ``offline_access`` (OIDC Core §11).
        """
        metadata = self.metadata
        self._insist_on_s256(metadata.code_challenge_methods_supported)
        application = WebApplicationClient(self._id)
        state, nonce, verifier = (
            Secret(application.create_code_verifier(_LETTERS)) for _ in range(3)
        )
        extra = {"nonce": nonce.reveal(), "code_challenge_method": "S256"}
        extra["code_challenge"] = application.create_code_challenge(
            verifier.reveal(), "S256"
        )
        if self.settings.audience:
            extra["audience"] = self.settings.audience
        if "offline_access" in (self.scope or "").split():
            extra["prompt"] = "consent"
        endpoint = self._endpoint("authorization_url")
        with (
            quiet(),
            OAuth2Session(
                self._id, redirect_uri=redirect_uri, scope=(self.scope or "").split()
            ) as session,
        ):
            url, _ = session.authorization_url(
                as_https(endpoint), state=state.reveal(), **extra
            )
        if endpoint.startswith("http:"):
            url = "http" + url.removeprefix("https")
        return AuthorizationRequest(url, redirect_uri, state, nonce, verifier, metadata)

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
        return self._token_call(
            "the authorization code",
            lambda session, url, auth: session.fetch_token(
                url,
                code=code.reveal(),
                code_verifier=request.code_verifier.reveal(),
                timeout=_TIMEOUT,
                **auth.keywords(first=True),
            ),
            redirect_uri=request.redirect_uri,
        )

    def request_token(self) -> TokenResponse:
        """Ask with the client's own credentials (RFC 6749 §4.4)."""
        self.settings.require("client_secret")
        optional = {"audience": self.settings.audience, "scope": self.settings.scope}
        asked: dict[str, Any] = {k: v for k, v in optional.items() if v}
        response = self._token_call(
            "the client credentials",
            lambda session, url, auth: session.fetch_token(
                url, timeout=_TIMEOUT, **asked, **auth.keywords(first=True)
            ),
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
        return self._token_call(
            "the saved session",
            lambda session, url, auth: session.refresh_token(
                url,
                refresh_token=refresh_token.reveal(),
                timeout=_TIMEOUT,
                **auth.keywords(first=False),
            ),
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
        """
        if (url := self.metadata.revocation_endpoint) is None:
            return False
        response = self._call(
            "the revocation",
            url,
            lambda session, address, auth: session.post(
                address,
                data={"token": token.reveal(), "token_type_hint": hint, **auth.body},
                auth=auth.header,
                timeout=_TIMEOUT,
            ),
            encoding="form",
        )
        if response.status_code != requests.codes.ok:
            raise AuthorizationServerError(
                f"{self.host} did not revoke the {hint.replace('_', ' ')}",
                why=f"It answered with HTTP {response.status_code}.",
                advice="It ends by itself when its life is over; those who run the "
                "server can end it now.",
                status=response.status_code,
            )
        return True

    def keys(self) -> dict[str, Any]:
        """Fetch the server's public keys: a JWK set (RFC 7517 §5)."""
        return self._document(self._endpoint("jwks_url")) or {}

    @property
    def _id(self) -> str:
        self.settings.require("client_id")
        return self.settings.client_id or ""

    def _endpoint(self, setting: str) -> str:
        url = getattr(self.metadata, ENDPOINTS[setting])
        if url is None:
            self.settings.require(setting)
        return str(url)

    def _insist_on_s256(self, methods: tuple[str, ...]) -> None:
        if methods and "S256" not in methods:
            raise AuthorizationServerError(
                f"{self.host} offers no S256 code challenge",
                why=f"It offers {plain(', '.join(methods))} only.",
                advice="Tell those who run it: RFC 9700 §2.1.1 asks for S256.",
            )

    def _document(self, url: str) -> dict[str, Any] | None:
        response = self._call(
            "the metadata",
            url,
            lambda session, address, _: session.get(
                address, headers={"Accept": "application/json"}, timeout=_TIMEOUT
            ),
            confidential=False,
        )
        if response.status_code == requests.codes.not_found:
            return None
        return json_object(response, self.host)

    def _token_call(
        self,
        what: str,
        call: Callable[[OAuth2Session, str, ClientAuthentication], object],
        *,
        client: BackendApplicationClient | None = None,
        redirect_uri: str | None = None,
    ) -> TokenResponse:
        answer: dict[str, Any] = {}

        def keep(response: requests.Response) -> SimpleNamespace:
            answer.update(json_object(response, self.host))
            for_oauthlib = {k: answer[k] for k in answer if k not in _NOT_FOR_OAUTHLIB}
            return SimpleNamespace(text=json.dumps(for_oauthlib))

        def run(session: OAuth2Session, url: str, auth: ClientAuthentication) -> None:
            # The stubs ask for a Response back; the library reads .text alone.
            session.register_compliance_hook("access_token_response", cast(Any, keep))
            session.register_compliance_hook("refresh_token_response", cast(Any, keep))
            call(session, url, auth)

        url, issued_at = self._endpoint("token_url"), time.time()
        self._call(what, url, run, client=client, redirect_uri=redirect_uri)
        return token_response(answer, issued_at, self.host)

    def _call(
        self,
        what: str,
        url: str,
        call: Callable[[OAuth2Session, str, ClientAuthentication], Any],
        *,
        confidential: bool = True,
        encoding: str | None = None,
        client: BackendApplicationClient | None = None,
        redirect_uri: str | None = None,
    ) -> Any:
        place = self.settings.client_secret if confidential else None
        secret = place.read() if place else None
        session = OAuth2Session(self._id, client=client, redirect_uri=redirect_uri)
        session.max_redirects = 0
        wire = Wire(
            encoding=encoding or self.settings.token_encoding,
            plain=url.startswith("http:"),
        )
        session.mount("https://", wire)
        auth = ClientAuthentication(
            self._id, secret, by_header=confidential and self._wants_header()
        )
        outcome = self._outcome(what, lambda: call(session, as_https(url), auth))
        session.close()
        # Raised here, where no local shows a secret; in the frames below they do.
        if isinstance(outcome, IntermezzoError):
            raise outcome
        return outcome

    def _outcome(self, what: str, call: Callable[[], Any]) -> Any:
        try:
            with quiet():
                return call()
        except OAuth2Error as error:
            return refusal(
                what,
                str(error.error),
                host=self.host,
                client_id=self._id,
                status=getattr(error, "status_code", None),
            )
        except requests.TooManyRedirects:
            return AuthorizationServerError(
                f"{self.host} answered with a redirect",
                why=f"Nothing was sent on while asking for {what}.",
                advice="Set the address that it redirects to, if you trust it.",
                code="redirected",
            )
        except requests.RequestException as fault:
            return unreachable(self.host, fault)
        except IntermezzoError as error:
            return error.with_traceback(None)

    def _wants_header(self) -> bool:
        # The documented way is the body; the header only where that is not offered.
        offered = self.metadata.token_endpoint_auth_methods_supported
        return "client_secret_basic" in offered and "client_secret_post" not in offered
