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

from ..addresses import is_loopback
from ..oauth import closing
from ..oauth.mailbox import Mailbox


def load(app: Any) -> None:
    """
    Add the addresses, and tell kernels that they are there.

    Parameters
    ----------
    app : jupyter_server.serverapp.ServerApp
        The server that loads the extension.
    """
    mailbox, base_url = Mailbox(Path(app.runtime_dir)), app.web_app.settings["base_url"]
    mine = {"mailbox": mailbox}
    routes = {"start": Start, "callback": Callback, "done": Done}
    app.web_app.add_handlers(
        ".*$",
        [
            (url_path_join(base_url, "intermezzo", name), handler, mine)
            for name, handler in routes.items()
        ],
    )
    mailbox.announce(os.getpid(), base_url)
    atexit.register(mailbox.withdraw, os.getpid())


class _Handler(JupyterHandler):
    mailbox: Mailbox

    def initialize(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

    def set_default_headers(self) -> None:
        super().set_default_headers()
        for name, value in closing.HEADERS.items():
            self.set_header(name, value)

    @property
    def content_security_policy(self) -> str:
        return closing.HEADERS["Content-Security-Policy"]

    def go(self, address: str) -> None:
        # The server logs the address of each request; this one holds a code.
        self.request.uri = self.request.path
        self.redirect(address, status=303)

    def stale(self) -> None:
        self.request.uri = self.request.path
        self.set_status(404)
        self.finish(closing.stale())


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
        redirect_uri = self._redirect_uri()
        host = urlsplit(redirect_uri).hostname or ""
        if redirect_uri.startswith("http:") and not is_loopback(host):
            self.set_status(400)
            self.finish(closing.insecure())
            return
        self.mailbox.note(login, redirect_uri)
        self.go(f"{question['url']}&{urlencode({'redirect_uri': redirect_uri})}")

    def _redirect_uri(self) -> str:
        origin = f"{self.request.protocol}://{self.request.host}"
        # The Hub's one address leads to the default server only.
        is_named = bool(os.environ.get("JUPYTERHUB_SERVER_NAME"))
        if "JUPYTERHUB_SERVICE_PREFIX" not in os.environ or is_named:
            return origin + url_path_join(self.base_url, "intermezzo/callback")
        # With a subdomain for each user, the Hub is on another host.
        origin = os.environ.get("JUPYTERHUB_HOST") or origin
        hub = os.environ.get("JUPYTERHUB_BASE_URL", "/")
        return origin + url_path_join(hub, "hub/user-redirect/intermezzo/callback")


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
        if (match := self.mailbox.match(login)) is None:
            self.stale()
        else:
            is_refused = self.mailbox.is_refused(login)
            self.finish((closing.refused if is_refused else closing.arrived)(match))
