"""Where the browser's answer arrives."""

from __future__ import annotations

import queue
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..addresses import is_loopback
from ..errors import SettingsError
from .closing import BACK, HEADERS, STALE, page
from .mailbox import Mailbox
from .models import AuthorizationRequest

_CALLBACK = "/intermezzo/callback"
_DONE = "/intermezzo/done"
_GRACE = 5.0  # seconds for the browser to follow to the closing page


class LoopbackReceiver:
    """
    A listener on this machine that takes one answer (RFC 8252 §7.3).

    It is open from construction to :meth:`close`, on 127.0.0.1 only. Answers that
    are not to the pending question get a page that says so, and change nothing.

    Parameters
    ----------
    redirect_uri : str or None
        A registered loopback address, if the server insists on one; else a free
        port is taken.

    Raises
    ------
    SettingsError
        The address is not on loopback, or its port is taken.
    """

    def __init__(self, redirect_uri: str | None = None) -> None:
        host, port, self._path = _wanted(redirect_uri)
        self._answers: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()
        self._answered, self._seen = threading.Event(), threading.Event()
        try:
            self._server = _Server((_address(host), port), _Page)
        except OSError as fault:
            raise SettingsError(
                f"the port of the redirect URI {redirect_uri} cannot be opened",
                why=f"{type(fault).__name__}: {fault.strerror}.",
                advice="End the program that uses it, or choose another port in "
                "INTERMEZZO_REDIRECT_URI (and register that).",
                code="port_taken",
            ) from None
        self._server.receiver = self
        port = self._server.server_address[1]
        self.redirect_uri: str | None = (
            redirect_uri or f"http://{host}:{port}{self._path}"
        )
        self._is_ours: Callable[[Mapping[str, str]], bool] = lambda _: False
        threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.1},
            name="intermezzo-loopback",
            daemon=True,
        ).start()

    def invite(self, request: AuthorizationRequest) -> str:
        """Expect the answer to this request, once; give the link to open."""
        self._is_ours = request.is_answered_by
        return request.url

    def receive(self, timeout: float) -> dict[str, str] | None:
        """Give the answer, or None after ``timeout`` seconds without one."""
        with suppress(queue.Empty):
            return self._answers.get(timeout=timeout)
        return None

    def close(self) -> None:
        """
        Close the port; harmless when it is closed already.

        After an answer the browser gets a moment to fetch the closing page.
        """
        if self._answered.is_set():
            threading.Thread(target=self._close_later, daemon=True).start()
        else:
            self._close_now()

    def closing_page_seen(self) -> None:
        """Note that the browser needs nothing more."""
        self._seen.set()

    def _close_later(self) -> None:
        self._seen.wait(_GRACE)
        self._close_now()

    def _close_now(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, target: str) -> bool:
        """Take the answer in a request's target; False where it is not ours."""
        parts = urlsplit(target)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        answer = dict(pairs)
        if parts.path != self._path or len(answer) != len(pairs):
            return False  # no parameter twice (RFC 6749 §3.1)
        if not self._is_ours(answer):
            return False
        self._is_ours = lambda _: False
        self._answered.set()
        self._answers.put(answer)
        return True


class ServerReceiver:
    """
    A Jupyter server that takes the answer, wherever the browser is.

    The redirect URI is known once the browser has passed the server, which alone
    knows its public address.

    Parameters
    ----------
    base_url : str
        The server's path, as ``/user/name/``; the link begins with it.
    """

    redirect_uri: str | None = None

    def __init__(self, mailbox: Mailbox, base_url: str) -> None:
        self._mailbox, self._base_url = mailbox, base_url
        self._login = secrets.token_urlsafe(24)

    def invite(self, request: AuthorizationRequest) -> str:
        """Leave the request for the server; give the link to open."""
        state = request.state.reveal()
        self._mailbox.ask(self._login, url=request.url, state=state)
        return f"{self._base_url.rstrip('/')}/intermezzo/start?login={self._login}"

    def receive(self, timeout: float) -> dict[str, str] | None:
        """Give the answer, or None after ``timeout`` seconds without one."""
        if (taken := self._mailbox.take(self._login)) is None:
            time.sleep(timeout)
            return None
        answer, self.redirect_uri = taken
        return answer

    def close(self) -> None:
        """Delete what is left in the mailbox."""
        self._mailbox.forget(self._login)


def _wanted(redirect_uri: str | None) -> tuple[str, int, str]:
    if redirect_uri is None:
        return "127.0.0.1", 0, _CALLBACK
    parts = urlsplit(redirect_uri)
    if not is_loopback(parts.hostname or "") or parts.scheme != "http":
        raise SettingsError(
            f"the redirect URI {redirect_uri} does not lead to this machine",
            why="The loopback way needs http on 127.0.0.1 or localhost.",
            advice="Change INTERMEZZO_REDIRECT_URI, or leave it out.",
        )
    return parts.hostname or "", parts.port or 80, parts.path or "/"


def _address(host: str) -> str:
    return "127.0.0.1" if host == "localhost" else host


class _Server(ThreadingHTTPServer):
    # Browsers open connections ahead of use; one thread each keeps them harmless.
    daemon_threads = True
    allow_reuse_address = False
    receiver: LoopbackReceiver

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a browser that hangs up is no event."""


class _Page(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10.0  # seconds for a connection that says nothing
    server_version, sys_version = "intermezzo", ""
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == _DONE:
            self._answer(200, page("Your answer has arrived", BACK))
            self.server.receiver.closing_page_seen()
        elif self.server.receiver.take(self.path):
            # Elsewhere at once, so that no code stays in the address bar.
            self._answer(303, b"", {"Location": _DONE})
        else:
            self._answer(404, page("Nothing waits for this", STALE))

    def _answer(
        self, status: int, body: bytes, extra: Mapping[str, str] | None = None
    ) -> None:
        self.close_connection = True
        self.send_response(status)
        length = {"Content-Length": str(len(body))}
        sent = {**HEADERS, "Connection": "close", **length, **(extra or {})}
        for name, value in sent.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (inherited)
        """Log nothing: the target holds the code."""
