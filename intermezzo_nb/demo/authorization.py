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
Asked = tuple[list[str], dict[str, Any]]


class _Handler(RequestHandler):
    practice: Practice

    def initialize(self, practice: Practice) -> None:
        self.practice = practice

    def set_default_headers(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.clear_header("Server")

    def log_exception(self, *fault: Any) -> None:
        """Log no query: it may hold a state."""
        self.request.uri = self.request.path
        super().log_exception(*fault)

    @property
    def as_https(self) -> str:
        """The address under the scheme that oauthlib insists on."""
        return f"https://{self.request.host}{self.request.uri}"


class ForPeople(_Handler):
    """What pages share: who is signed in, and how they are sent."""

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

    def once_more(self) -> None:
        """Ask for this page anew, wherever it is reached: the query alone is ours."""
        self.redirect(f"?{self.request.query}", status=303)

    def who(self) -> tuple[Person, int] | None:
        """
        Give who is signed in, and since when (seconds since 1970).

        Whom a form names is signed in by it; nobody who is not known.
        """
        if person := PEOPLE.get(self.get_body_argument("email", "")):
            now = int(time.time())
            value = f"{person.email}|{now}"
            self.set_signed_cookie(_SESSION, value, httponly=True, samesite="Lax")
            return person, now
        cookie = self.get_signed_cookie(_SESSION)
        email, _, since = cookie.decode().partition("|") if cookie else ("", "", "")
        return (PEOPLE[email], int(since)) if email in PEOPLE else None


class Authorize(ForPeople):
    """Sign-in and consent (RFC 6749 §3.1, OIDC Core §3.1.2)."""

    def get(self) -> None:
        if (asked := self._asked()) is None:
            return
        who, prompt = self.who(), self.get_query_argument("prompt", "").split()
        if who and not {"login", "consent"} & set(prompt) and self._agreed(who, asked):
            self._grant(who, asked)
            return
        scopes, credentials = asked
        redirect_uri = credentials["redirect_uri"]
        page = pages.ask(
            self.xsrf_form_html(),
            client=self.practice.ledger.clients[credentials["client_id"]].name,
            person=who[0] if who and "login" not in prompt else None,
            asked=[SCOPES[scope] for scope in scopes],
            note=f"The answer goes to {urlsplit(redirect_uri).netloc}.",
        )
        self.show(page, back_to=redirect_uri)

    def post(self) -> None:
        if (asked := self._asked()) is None:
            return
        scopes, credentials = asked
        if self.get_body_argument("step", "") != "allow":
            told = {"error": "access_denied", "state": credentials.get("state")}
            self._send_back(credentials["redirect_uri"], told)
        elif who := self.who():
            given = self._consents(who, asked)
            given |= set(scopes)
            self._grant(who, asked)
        else:
            self.once_more()

    def _asked(self) -> Asked | None:
        try:
            scopes, credentials = (
                self.practice.endpoints.validate_authorization_request(
                    self.as_https, headers=self._known()
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

    def _grant(self, who: tuple[Person, int], asked: Asked) -> None:
        (person, since), (scopes, _) = who, asked
        headers, _, _ = self.practice.endpoints.create_authorization_response(
            self.as_https,
            headers=self._known(),
            scopes=scopes,
            credentials={"email": person.email, "auth_time": since},
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

    def _known(self) -> dict[str, str]:
        """Give what is known of the request besides its address, as headers."""
        who = self.who()
        sent = self.request.headers
        reached = [sent.get(f"X-Forwarded-{name}", "") for name in ("Proto", "Host")]
        return {
            "Practice-Person": who[0].email if who else "",
            "Practice-Reached": "://".join(reached),
        }

    def _consents(self, who: tuple[Person, int], asked: Asked) -> set[str]:
        key = (who[0].email, asked[1]["client_id"])
        return self.practice.ledger.consents.setdefault(key, set())

    def _agreed(self, who: tuple[Person, int], asked: Asked) -> bool:
        return set(asked[0]) <= self._consents(who, asked)


class ForClients(_Handler):
    """What programs ask for, not people: JSON, refusals too (RFC 6749 §5.2)."""

    async def prepare(self) -> None:
        """Take as long as an answer takes."""
        await self.practice.delay()

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


def _words(fault: Exception) -> str:
    return str(getattr(fault, "description", "") or fault)
