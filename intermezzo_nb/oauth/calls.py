"""One call to the authorization server: signed, sent once, told by what to do next."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, cast

import requests
from oauthlib.oauth2 import Client, OAuth2Error
from requests_oauthlib import OAuth2Session

from ..errors import AuthorizationServerError, IntermezzoError, NetworkError
from ..secret import Secret
from ..settings import Settings
from .answers import json_object, refusal, token_response, unreachable
from .models import ServerMetadata, TokenResponse
from .wire import ClientAuthentication, Skew, Wire, as_https, not_ours, quiet

TIMEOUT = (5.0, 20.0)  # seconds to connect, seconds of silence
_WHOLE = 30.0  # seconds for all of an answer, however slowly it drips in
_BUSY = frozenset({429, *range(500, 600)})  # the answer is not about the request
# Read by us: oauthlib raises on a narrower scope and on an odd expires_in.
_NOT_FOR_OAUTHLIB = ("expires_in", "expires_at", "scope", "token_type")

Call = Callable[[OAuth2Session, str, ClientAuthentication], Any]


class Calls:
    """
    How this client calls the server.

    Each call uses an ``OAuth2Session`` of its own as a function: values in, values
    out. No call follows a redirect, so nothing secret is sent on.

    Parameters
    ----------
    settings : Settings
        Who asks, with which credentials.
    host : str
        The name by which messages call the server.
    """

    def __init__(self, settings: Settings, host: str) -> None:
        self.settings, self.host = settings, host
        self.skew = Skew()
        logging.getLogger("requests_oauthlib.oauth2_session").addFilter(not_ours)

    def document(self, url: str, what: str = "the metadata") -> dict[str, Any] | None:
        """Give the public JSON object at an address, or None where there is none."""

        def call(session: OAuth2Session, address: str, _: Any) -> requests.Response:
            accept = {"Accept": "application/json"}
            return session.get(address, headers=accept, timeout=TIMEOUT)

        response = self._made(what, url, call)
        if response.status_code == requests.codes.not_found:
            return None
        answer = json_object(response, self.host)
        if response.ok:
            return answer
        raise refusal(
            what,
            _word(answer, response),
            host=self.host,
            client_id=self.settings.client_id or "",
            status=response.status_code,
        )

    def form(
        self,
        what: str,
        url: str,
        body: Mapping[str, str | Secret],
        metadata: ServerMetadata,
    ) -> requests.Response:
        """Post a form as this client; the answer is not looked at."""

        def call(
            session: OAuth2Session, address: str, auth: ClientAuthentication
        ) -> requests.Response:
            told = {
                k: v.reveal() if isinstance(v, Secret) else v for k, v in body.items()
            }
            data = {**told, **auth.body}
            return session.post(address, data=data, auth=auth.header, timeout=TIMEOUT)

        response: requests.Response = self._made(what, url, call, metadata)
        return response

    def userinfo(self, url: str, access_token: Secret) -> dict[str, Any]:
        """Give the claims at an address that the token may be sent to."""

        def call(session: OAuth2Session, address: str, _: Any) -> requests.Response:
            signed = {"Authorization": f"Bearer {access_token.reveal()}"}
            # Not by the library: it would hold the token as an attribute.
            return session.get(address, headers=signed, timeout=TIMEOUT)

        response = self._made("the user's name", url, call)
        return json_object(response, self.host) if response.ok else {}

    def token(
        self,
        what: str,
        call: Call,
        metadata: ServerMetadata,
        *,
        client: Client | None = None,
        redirect_uri: str | None = None,
    ) -> TokenResponse:
        """
        Ask the token endpoint.

        Parameters
        ----------
        what : str
            What is offered for the token, in words.
        call : callable
            Spends it: one of the library's token methods.
        client : oauthlib Client, optional
            Forms the request for grants other than the code's.
        """
        answer: dict[str, Any] = {}

        def keep(response: requests.Response) -> SimpleNamespace:
            answer.update(json_object(response, self.host))
            if response.status_code in _BUSY:
                raise AuthorizationServerError(
                    f"{self.host} cannot answer now (HTTP {response.status_code})",
                    advice="Try again in a while.",
                    code=_word(answer, response),
                    status=response.status_code,
                )
            for_oauthlib = {k: answer[k] for k in answer if k not in _NOT_FOR_OAUTHLIB}
            return SimpleNamespace(text=json.dumps(for_oauthlib))

        def run(session: OAuth2Session, url: str, auth: ClientAuthentication) -> None:
            # The stubs ask for a Response back; the library reads .text alone.
            session.register_compliance_hook("access_token_response", cast(Any, keep))
            session.register_compliance_hook("refresh_token_response", cast(Any, keep))
            call(session, url, auth)

        url, issued_at = str(metadata.token_endpoint), time.time()
        self._made(
            what,
            url,
            run,
            metadata,
            encoding=self.settings.token_encoding,
            client=client,
            redirect_uri=redirect_uri,
        )
        return token_response(answer, issued_at, self.host)

    def _made(
        self,
        what: str,
        url: str,
        call: Call,
        metadata: ServerMetadata | None = None,
        *,
        encoding: str = "form",
        client: Client | None = None,
        redirect_uri: str | None = None,
    ) -> Any:
        auth = self._authentication(metadata)
        session = OAuth2Session(
            self.settings.client_id, client=client, redirect_uri=redirect_uri
        )
        session.max_redirects = 0
        is_plain = url.startswith("http:")
        wire = Wire(encoding=encoding, plain=is_plain, skew=self.skew)
        session.mount("https://", wire)

        def once() -> Any:
            with session:
                return call(session, as_https(url), auth)

        outcome = self._aside(what, once)
        # Raised here, where no local shows a secret; in the frames below they do.
        if isinstance(outcome, IntermezzoError):
            raise outcome
        return outcome

    def _aside(self, what: str, call: Callable[[], Any]) -> Any:
        # In a thread of its own: an interrupt shows none of its frames, and who
        # drips an answer byte by byte is left to it.
        outcome: Future[Any] = Future()

        def run() -> None:
            try:
                outcome.set_result(self._outcome(what, call))
            except BaseException as fault:  # noqa: BLE001 (told to who waits)
                outcome.set_exception(fault.with_traceback(None))

        threading.Thread(target=run, name="intermezzo-call", daemon=True).start()
        try:
            return outcome.result(_WHOLE)
        except TimeoutError:
            return NetworkError(
                f"{self.host} did not finish its answer",
                why=f"It went on for more than {_WHOLE:.0f} s.",
                advice="Try again; if it stays, tell those who run it.",
            )

    def _authentication(self, metadata: ServerMetadata | None) -> ClientAuthentication:
        settings, client_id = self.settings, self.settings.client_id or ""
        if metadata is None or not (settings.client_secret or settings.client_key):
            return ClientAuthentication(client_id)
        if settings.client_key:
            from .assertion import signed_assertion  # the first use of cryptography

            assertion = signed_assertion(
                settings.client_key,
                client_id,
                audience=settings.assertion_audience
                or metadata.issuer
                or str(metadata.token_endpoint),
                offered=metadata.token_endpoint_auth_signing_alg_values_supported,
                now=self.skew.now(),
            )
            return ClientAuthentication(client_id, assertion=assertion)
        offered = metadata.token_endpoint_auth_methods_supported
        # The documented way is the body; the header only where that is not offered.
        return ClientAuthentication(
            client_id,
            settings.client_secret.read() if settings.client_secret else None,
            by_header="client_secret_basic" in offered
            and "client_secret_post" not in offered,
        )

    def _outcome(self, what: str, call: Callable[[], Any]) -> Any:
        try:
            with quiet():
                return call()
        except OAuth2Error as error:
            return refusal(
                what,
                str(error.error),
                host=self.host,
                client_id=self.settings.client_id or "",
                status=getattr(error, "status_code", None),
            )
        except requests.TooManyRedirects:
            return AuthorizationServerError(
                f"{self.host} answered with a redirect",
                why=f"Nothing was sent on while asking for {what}.",
                advice="Set the address that it redirects to, if you trust it.",
                code="redirected",
            )
        except IntermezzoError as error:
            return error.with_traceback(None)
        except OSError as fault:  # what requests raises, and what it lets through
            return unreachable(self.host, fault)
        except ValueError:  # of an address that cannot even be asked; its text may tell
            return AuthorizationServerError(
                f"{self.host} could not be asked for {what}",
                why="The address cannot be used, or the answer cannot be read.",
                advice="Check INTERMEZZO_ISSUER and the endpoints.",
                code="bad_answer",
            )


def _word(answer: Mapping[str, Any], response: requests.Response) -> str:
    return str(answer.get("error") or f"HTTP {response.status_code}")
