"""The authorization server's addresses: pages for a person, JSON for a client."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode, urlsplit

from oauthlib.oauth2 import FatalClientError, OAuth2Error
from tornado.web import RequestHandler

from . import pages
from .forms import FORM, parameters
from .grants import PEOPLE, SCOPES, Person
from .practice import Practice

_SESSION = "practice-session"
_SERVER_ERROR = 500
Answer = tuple[dict[str, str], str | None, int]


class _Handler(RequestHandler):
    practice: Practice

    def initialize(self, practice: Practice) -> None:
        self.practice = practice

    def set_default_headers(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.clear_header("Server")

    @property
    def as_https(self) -> str:
        """The address under the scheme that oauthlib insists on."""
        return f"https://{self.request.host}{self.request.uri}"


class ForPeople(_Handler):
    """What pages share: who is signed in, and how they are sent."""

    @property
    def here(self) -> str:
        """The address of this page."""
        return str(self.request.uri)

    @property
    def hidden(self) -> str:
        """The field against forged posts, as HTML."""
        return self.xsrf_form_html()

    def show(self, page: str, *, back_to: str = "") -> None:
        """Send a page; ``back_to`` is where its form may lead in the end."""
        # Chromium checks form-action on the redirect that answers the form, too.
        target = urlsplit(back_to)
        allowed = f" {target.scheme}://{target.netloc}" if target.netloc else ""
        self.set_header(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
            f"frame-ancestors 'none'; form-action 'self'{allowed}",
        )
        self.finish(page)

    def remember(self, email: str) -> None:
        """Sign a person in; nobody who is not known."""
        if email in PEOPLE:
            value = f"{email}|{int(time.time())}"
            self.set_signed_cookie(_SESSION, value, httponly=True, samesite="Lax")

    def person(self) -> Person | None:
        """Give who is signed in."""
        return PEOPLE.get(self._session()[0]) if self._session() else None

    def signed_in_at(self) -> int:
        """Give when, in seconds since 1970."""
        return int(self._session()[1])

    def _session(self) -> list[str]:
        cookie = self.get_signed_cookie(_SESSION)
        return cookie.decode().split("|") if cookie else []


class Authorize(ForPeople):
    """Sign-in and consent (RFC 6749 §3.1, OIDC Core §3.1.2)."""

    def get(self) -> None:
        if (asked := self._asked()) is None:
            return
        scopes, credentials = asked
        person, client_id = self.person(), credentials["client_id"]
        client = self.practice.ledger.clients[client_id]
        if person is None or "login" in self._prompt():
            self.show(pages.sign_in(self.here, self.hidden, client.name))
        elif "consent" in self._prompt() or not self._has_consent(person, asked):
            self.show(
                pages.consent(
                    self.here,
                    self.hidden,
                    client=client.name,
                    person=person,
                    asked=[SCOPES[scope] for scope in scopes],
                    note=_goes_to(credentials["redirect_uri"]),
                ),
                back_to=credentials["redirect_uri"],
            )
        else:
            self._grant(person, asked)

    def post(self) -> None:
        if (asked := self._asked()) is None:
            return
        step = self.get_body_argument("step", "")
        if step == "sign-in":
            self.remember(self.get_body_argument("email", ""))
            # The prompt has had its effect; asked again, it would ask for ever.
            self.redirect(self.here.replace("prompt=login", "prompt="), status=303)
        elif (person := self.person()) is None:
            self.redirect(self.here, status=303)
        elif step == "allow":
            self._grant(person, asked)
        else:
            _, credentials = asked
            self._send_back(
                credentials["redirect_uri"],
                {"error": "access_denied", "state": credentials.get("state")},
            )

    def _asked(self) -> tuple[list[str], dict[str, Any]] | None:
        try:
            scopes, credentials = (
                self.practice.endpoints.validate_authorization_request(
                    self.as_https, headers=self._identified()
                )
            )
            self.practice.insist_on_audience(self.get_query_argument("audience", ""))
        except FatalClientError as fault:
            self.set_status(400)
            self.show(pages.error("This link cannot be used", _words(fault)))
        except OAuth2Error as fault:
            answer = {"error": fault.error, "error_description": fault.description}
            back_to = self.get_query_argument("redirect_uri")
            self._send_back(back_to, {**answer, "state": fault.state or self._state})
        else:
            return scopes, credentials
        return None

    def _grant(self, person: Person, asked: tuple[list[str], dict[str, Any]]) -> None:
        scopes, credentials = asked
        consents = self.practice.ledger.consents
        given = consents.setdefault((person.email, credentials["client_id"]), set())
        given |= set(scopes)
        headers, _, _ = self.practice.endpoints.create_authorization_response(
            self.as_https,
            headers=self._identified(),
            scopes=scopes,
            credentials={"email": person.email, "auth_time": self.signed_in_at()},
        )
        self._send_back(headers["Location"], {})

    def _send_back(self, address: str, answer: dict[str, str | None]) -> None:
        # RFC 9207: the issuer goes with every answer, errors too.
        told = {**answer, "iss": self.practice.issuer}
        query = urlencode({name: value for name, value in told.items() if value})
        mark = "&" if urlsplit(address).query else "?"
        self.redirect(f"{address}{mark}{query}", status=303)

    @property
    def _state(self) -> str:
        return self.get_query_argument("state", "")

    def _prompt(self) -> list[str]:
        return self.get_query_argument("prompt", "").split()

    def _identified(self) -> dict[str, str]:
        person = self.person()
        return {"Practice-Person": person.email if person else ""}

    def _has_consent(
        self, person: Person, asked: tuple[list[str], dict[str, Any]]
    ) -> bool:
        scopes, credentials = asked
        key = (person.email, credentials["client_id"])
        return set(scopes) <= self.practice.ledger.consents.get(key, set())


class ForClients(_Handler):
    """What programs ask for, not people: JSON, refusals too (RFC 6749 §5.2)."""

    def check_xsrf_cookie(self) -> None:
        """Do nothing: no browser sends these, and no cookie counts here."""

    def write_error(self, status_code: int, **_: Any) -> None:
        word = "invalid_request" if status_code < _SERVER_ERROR else "server_error"
        self.finish({"error": word, "error_description": self._reason})


class ForForms(ForClients):
    """What takes parameters in a body, and answers as oauthlib does."""

    def post(self) -> None:
        try:
            self._relay(self.answer(parameters(self.request, self.content_type)))
        except OAuth2Error as fault:
            self._relay((fault.headers, fault.json, fault.status_code))

    @property
    def content_type(self) -> str:
        """What is taken here."""
        return FORM

    def answer(self, asked: dict[str, str]) -> Answer:
        """
        Give headers, body and status.

        Raises
        ------
        OAuth2Error
            The refusal.
        """
        raise NotImplementedError

    def _relay(self, answer: Answer) -> None:
        headers, body, status = answer
        self.set_status(status)
        if body:
            self.set_header("Content-Type", "application/json")
        for name, value in headers.items():
            self.set_header(name, value)
        self.finish(body or "")


class TokenEndpoint(ForForms):
    """RFC 6749 §3.2, in the shape that the server plays."""

    @property
    def content_type(self) -> str:
        """What is taken here."""
        return self.practice.content_type

    def answer(self, asked: dict[str, str]) -> Answer:
        """Give a token."""
        self.practice.ledger.token_requests += 1
        if asked.get("grant_type") == "client_credentials":
            self.practice.insist_on_audience(asked.get("audience", ""))
        answer: Answer = self.practice.endpoints.create_token_response(
            self.as_https, "POST", urlencode(asked), dict(self.request.headers)
        )
        return answer


class Revoke(ForForms):
    """RFC 7009."""

    def answer(self, asked: dict[str, str]) -> Answer:
        """End a token."""
        answer: Answer = self.practice.endpoints.create_revocation_response(
            self.as_https, "POST", urlencode(asked), dict(self.request.headers)
        )
        return answer


class Document(ForClients):
    """Metadata (RFC 8414), keys (RFC 7517), and the demo profile's settings."""

    def get(self) -> None:
        path = self.request.path
        if path.endswith("/jwks"):
            self.finish(self.practice.validator.jwks())
        elif path.endswith("/intermezzo-demo"):
            self.finish(self.practice.settings())
        else:
            self.finish(self.practice.metadata())


class UserInfo(ForClients):
    """OIDC Core §5.3."""

    def get(self) -> None:
        grant = self.practice.grant_of(self.request.headers)
        if grant is None or grant.email is None or "openid" not in grant.scopes:
            self.set_status(401)
            self.set_header("WWW-Authenticate", 'Bearer error="invalid_token"')
            self.finish({"error": "invalid_token"})
            return
        person = PEOPLE[grant.email]
        subject = person.email.partition("@")[0]
        self.finish({"sub": subject, "name": person.name, "email": person.email})


def _goes_to(redirect_uri: str) -> str:
    return f"The answer goes to {urlsplit(redirect_uri).netloc} on this machine."


def _words(fault: Exception) -> str:
    return str(getattr(fault, "description", "") or fault)
