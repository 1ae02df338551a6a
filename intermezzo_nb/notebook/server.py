"""Jupyter Server extension: the way out to the sign-in page, and the way back."""

from __future__ import annotations

import atexit
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web
from tornado.httpclient import AsyncHTTPClient, HTTPError, HTTPResponse

from ..addresses import is_loopback, origin
from ..oauth import closing
from ..oauth.mailbox import Mailbox
from .saving import keep_lines_only


def load(app: Any) -> None:
    """
    Add the addresses, tell kernels that they are there, and look after what is saved.

    Parameters
    ----------
    app : jupyter_server.serverapp.ServerApp
        The server that loads the extension.
    """
    base_url = app.web_app.settings["base_url"]
    mailbox = Mailbox.open(Path(app.runtime_dir), os.getpid(), base_url)
    mine = {"mailbox": mailbox}
    routes = {"start": Start, "callback": Callback, "done": Done, _LENT: Practice}
    app.web_app.add_handlers(
        ".*$",
        [
            (url_path_join(base_url, "intermezzo", name), handler, mine)
            for name, handler in routes.items()
        ],
    )
    # Who has to sign in to Jupyter first brings the answer along in "next".
    scrubbed = app.web_app.settings.setdefault("extra_log_scrub_param_keys", [])
    more = [*scrubbed, "next", "nonce"]
    app.web_app.settings["extra_log_scrub_param_keys"] = more
    atexit.register(mailbox.withdraw, os.getpid())
    # Other classes may save notebooks, in other ways.
    if register := getattr(app.contents_manager, "register_pre_save_hook", None):
        register(keep_lines_only)


class _Handler(JupyterHandler):
    mailbox: Mailbox

    def initialize(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

    async def prepare(self, **how: Any) -> None:
        await super().prepare(**how)
        if self.current_user:  # who has to sign in first is led back to all of it
            self._hide_query()

    def log_exception(self, *fault: Any) -> None:
        self._hide_query()
        super().log_exception(*fault)

    def _hide_query(self) -> None:
        # The server logs the address of each request; this one may hold a code.
        self.request.uri = self.request.path

    def set_default_headers(self) -> None:
        super().set_default_headers()
        for name, value in closing.HEADERS.items():
            self.set_header(name, value)

    @property
    def content_security_policy(self) -> str:
        return closing.HEADERS["Content-Security-Policy"]

    def go(self, address: str) -> None:
        self.redirect(address, status=303)

    def stale(self) -> None:
        self.set_status(404)
        self.finish(closing.stale())

    @property
    def redirect_uri(self) -> str:
        """Where answers arrive, by the public address, which proxies tell."""
        public = f"{self.request.protocol}://{self.request.host}"
        # The Hub's one address leads to the default server only.
        is_named = bool(os.environ.get("JUPYTERHUB_SERVER_NAME"))
        if "JUPYTERHUB_SERVICE_PREFIX" not in os.environ or is_named:
            return public + url_path_join(self.base_url, "intermezzo/callback")
        # With a subdomain for each user, the Hub is on another host.
        public = os.environ.get("JUPYTERHUB_HOST") or public
        hub = os.environ.get("JUPYTERHUB_BASE_URL", "/")
        return public + url_path_join(hub, "hub/user-redirect/intermezzo/callback")


class Start(_Handler):
    """Sends the browser on: only here is the server's public address known."""

    @web.authenticated
    def get(self) -> None:
        login = self.get_query_argument("login", "")
        if (question := self.mailbox.question(login)) is None:
            self.stale()
            return
        if "fixed" in question:
            self.go(question["url"])
            return
        redirect_uri = self.redirect_uri
        host = urlsplit(redirect_uri).hostname or ""
        if redirect_uri.startswith("http:") and not is_loopback(host):
            self.set_status(400)
            self.finish(closing.insecure())
            return
        self.mailbox.note(login, redirect_uri)
        self.go(f"{question['url']}&{urlencode({'redirect_uri': redirect_uri})}")


class Callback(_Handler):
    """Takes the answer, and leaves nothing of it in the address bar."""

    @web.authenticated
    def get(self) -> None:
        pairs = parse_qsl(self.request.query, keep_blank_values=True)
        answer = dict(pairs)
        login = self.mailbox.drop(answer) if len(answer) == len(pairs) else None
        if login:
            done = url_path_join(self.base_url, "intermezzo/done")
            self.go(f"{done}?{urlencode({'login': login})}")
        else:
            self.stale()


class Done(_Handler):
    """Says that the tab has served."""

    @web.authenticated
    def get(self) -> None:
        login = self.get_query_argument("login", "")
        if (done := self.mailbox.done(login)) is None:
            self.stale()
        else:
            match, is_refused = done
            self.finish(closing.answered(match, is_refused=is_refused))


class Practice(_Handler):
    """
    Leads a far browser to the pages of a practice server on this machine.

    To those alone that a kernel of this user has lent, with nothing of Jupyter's: its
    token, cookies and headers stay here. The pages run no script.
    """

    @web.authenticated
    async def get(self, name: str, page: str) -> None:
        await self._forward(name, page)

    @web.authenticated
    async def post(self, name: str, page: str) -> None:
        await self._forward(name, page)

    def check_xsrf_cookie(self) -> None:
        """Leave it to the practice server, whose forms carry its own field."""

    async def _forward(self, name: str, page: str) -> None:
        practice = self.mailbox.practice(name) or ""
        scheme, host, _ = origin(practice)
        if scheme != "http" or not is_loopback(host):
            self.stale()
            return
        query = [p for p in self.request.query.split("&") if p[:6] != "token="]
        try:
            answer = await AsyncHTTPClient().fetch(
                f"{practice}/{page}?{'&'.join(query)}",
                method=str(self.request.method),
                headers=self._passed_on(),
                body=self.request.body if self.request.method == "POST" else None,
                follow_redirects=False,
                request_timeout=_PATIENCE,
                raise_error=False,
            )
        except (HTTPError, OSError):
            self.stale()
            return
        self._pass_back(answer)

    def _passed_on(self) -> dict[str, str]:
        kept = [
            pair.strip()
            for pair in self.request.headers.get("Cookie", "").split(";")
            if pair.strip().partition("=")[0] in _COOKIES
        ]
        answers = urlsplit(self.redirect_uri)
        passed = {"Content-Type", "Accept-Language"} & set(self.request.headers)
        return {
            **{name: self.request.headers[name] for name in passed},
            "Cookie": "; ".join(kept),
            "X-Forwarded-Proto": answers.scheme,
            "X-Forwarded-Host": answers.netloc,
        }

    def _pass_back(self, answer: HTTPResponse) -> None:
        self.set_status(answer.code)
        self.set_header("Content-Security-Policy", _NO_SCRIPTS)
        # A second policy, which holds as well: where its forms may lead.
        for policy in answer.headers.get_list("Content-Security-Policy"):
            self.add_header("Content-Security-Policy", policy)
        if location := answer.headers.get("Location"):
            self.set_header("Location", location)
        path = url_path_join(self.base_url, "intermezzo/demo/")
        secure = "; Secure" if self.request.protocol == "https" else ""
        for cookie in answer.headers.get_list("Set-Cookie"):
            pair, _, _ = cookie.partition(";")
            if pair.partition("=")[0] in _COOKIES:
                told = f"{pair}; Path={path}; HttpOnly; SameSite=Lax{secure}"
                self.add_header("Set-Cookie", told)
        self.finish(answer.body)


_PATIENCE = 10.0  # seconds for a page of the practice server
_LENT = "demo/([A-Za-z0-9_-]+)/(authorize|device)"
_COOKIES = {"practice-session", "intermezzo-practice-xsrf"}
# A form in a sandbox without an origin would be posted without Jupyter's cookies; no
# script runs that could use the origin.
_NO_SCRIPTS = (
    "sandbox allow-forms allow-same-origin; default-src 'none'; "
    "style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
)
