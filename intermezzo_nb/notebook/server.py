"""Jupyter Server extension: the way out to the sign-in page, and the way back."""

from __future__ import annotations

import atexit
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web

from ..oauth.closing import BACK, HEADERS, STALE, page
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
        for name, value in HEADERS.items():
            self.set_header(name, value)

    @property
    def content_security_policy(self) -> str:
        return HEADERS["Content-Security-Policy"]

    def go(self, address: str) -> None:
        # The server logs the address of each request; this one holds a code.
        self.request.uri = self.request.path
        self.redirect(address, status=303)

    def stale(self) -> None:
        self.request.uri = self.request.path
        self.set_status(404)
        self.finish(page("Nothing waits for this", STALE))


class Start(_Handler):
    """Sends the browser on: only here is the server's public address known."""

    @web.authenticated
    def get(self) -> None:
        login = self.get_query_argument("login", "")
        if (question := self.mailbox.question(login)) is None:
            self.stale()
            return
        redirect_uri = self._redirect_uri()
        self.mailbox.note(login, redirect_uri)
        self.go(f"{question['url']}&{urlencode({'redirect_uri': redirect_uri})}")

    def _redirect_uri(self) -> str:
        origin = f"{self.request.protocol}://{self.request.host}"
        if "JUPYTERHUB_SERVICE_PREFIX" not in os.environ:
            return origin + url_path_join(self.base_url, "intermezzo/callback")
        # One address for all users of a Hub: it leads each to their own server.
        hub = os.environ.get("JUPYTERHUB_BASE_URL", "/")
        return origin + url_path_join(hub, "hub/user-redirect/intermezzo/callback")


class Callback(_Handler):
    """Takes the answer, and leaves nothing of it in the address bar."""

    @web.authenticated
    def get(self) -> None:
        pairs = parse_qsl(self.request.query, keep_blank_values=True)
        answer = dict(pairs)
        if len(answer) == len(pairs) and self.mailbox.drop(answer):
            self.go(url_path_join(self.base_url, "intermezzo/done"))
        else:
            self.stale()


class Done(_Handler):
    """Says that the tab has served."""

    @web.authenticated
    def get(self) -> None:
        self.finish(page("Your answer has arrived", BACK))
