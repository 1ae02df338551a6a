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
from urllib.parse import parse_qsl, urljoin, urlsplit

from ..addresses import is_loopback
from ..errors import SettingsError
from . import closing
from .forwarding import Forwarding
from .mailbox import Mailbox
from .models import AuthorizationRequest

_CALLBACK = "/intermezzo/callback"
_DONE = "/intermezzo/done"
_GRACE = 5.0  # seconds for the browser to follow to the closing page


class PasteReceiver:
    """
    One answer to one question, out of the address on which the browser ended.

    Parameters
    ----------
    redirect_uri : str
        Where the browser ends; what it shows there does not matter.
    """

    def __init__(self, redirect_uri: str) -> None:
        self.redirect_uri = redirect_uri
        self.match, self.is_answered, self.is_refused = "", False, False
        self._answers: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()
        self._mutex = threading.Lock()
        self._is_ours: Callable[[Mapping[str, str]], bool] = lambda _: False

    def invite(self, request: AuthorizationRequest) -> str:
        """Expect the answer to this request, once; give the link to open."""
        self._is_ours, self.match = request.is_answered_by, request.match
        return request.url

    def receive(self, timeout: float) -> dict[str, str] | None:
        """Give the answer, or None after ``timeout`` seconds without one."""
        with suppress(queue.Empty):
            return self._answers.get(timeout=timeout)
        return None

    def take(self, address: str) -> str:
        """Take the answer in an address; tell why it is none, or give empty text."""
        answer, why = _read(address, {self.redirect_uri})
        if answer is None:
            return why
        with self._mutex:
            if self.is_answered or not self._is_ours(answer):
                return _NOT_OURS
            self.is_answered, self.is_refused = True, "error" in answer
        self._answers.put(answer)
        return ""

    def close(self) -> None:
        """Do nothing: nothing is open."""


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
        host, port, path = _wanted(redirect_uri)
        self._seen = threading.Event()
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
        self.redirect_uri: str = redirect_uri or f"http://{host}:{port}{path}"
        self._taken = PasteReceiver(self.redirect_uri)
        threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.1},
            name="intermezzo-loopback",
            daemon=True,
        ).start()

    @property
    def is_answered(self) -> bool:
        """Whether the answer has been taken."""
        return self._taken.is_answered

    def closing_page(self) -> bytes:
        """Draw what the browser ends on, once the answer has been taken."""
        taken = self._taken
        return closing.answered(taken.match, is_refused=taken.is_refused)

    def invite(self, request: AuthorizationRequest) -> str:
        """Expect the answer to this request, once; give the link to open."""
        return self._taken.invite(request)

    def receive(self, timeout: float) -> dict[str, str] | None:
        """Give the answer, or None after ``timeout`` seconds without one."""
        return self._taken.receive(timeout)

    def take(self, address: str) -> str:
        """Take the answer in an address; tell why it is none, or give empty text."""
        return self._taken.take(address)

    def close(self) -> None:
        """
        Close the port; harmless when it is closed already.

        After an answer the browser gets a moment to fetch the closing page.
        """
        if self.is_answered:
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


class ServerReceiver:
    """
    A Jupyter server that takes the answer, wherever the browser is.

    The redirect URI is known once the browser has passed the server, which alone
    knows its public address.

    Parameters
    ----------
    redirect_uri : str or None
        The registered address, where it is another than the server would name.
    forwarding : Forwarding or None
        Leads to the sign-in page, where that is the practice server's.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        redirect_uri: str | None = None,
        forwarding: Forwarding | None = None,
    ) -> None:
        self._mailbox, self._base = mailbox, mailbox.base_url.rstrip("/")
        self.redirect_uri, self._forwarding = redirect_uri, forwarding
        self._login = secrets.token_urlsafe(24)
        self._is_ours: Callable[[Mapping[str, str]], bool] = lambda _: False

    def invite(self, request: AuthorizationRequest) -> str:
        """Leave the request for the server; give the link to open."""
        self._is_ours = request.is_answered_by
        forwarding, url = self._forwarding, request.url
        self._mailbox.ask(
            self._login,
            url=forwarding.seen(url) if forwarding else url,
            state=request.state.reveal(),
            match=request.match,
            redirect_uri=self.redirect_uri,
        )
        return f"{self._base}/intermezzo/start?login={self._login}"

    def receive(self, timeout: float) -> dict[str, str] | None:
        """Give the answer, or None after ``timeout`` seconds without one."""
        if (taken := self._mailbox.take(self._login)) is None:
            time.sleep(timeout)
            return None
        answer, self.redirect_uri = taken
        return answer

    def take(self, address: str) -> str:
        """Take the answer in an address; tell why it is none, or give empty text."""
        question = self._mailbox.question(self._login) or {}
        if not (sent_to := question.get("redirect_uri")):
            return "The link has not been opened yet."
        # A Hub leads the browser on, from its one address to the user's server.
        ends_at = {str(sent_to), urljoin(str(sent_to), self._base + _CALLBACK)}
        answer, why = _read(address, ends_at)
        if answer is None:
            return why
        if not self._is_ours(answer) or not self._mailbox.drop(answer):
            return _NOT_OURS
        return ""

    def close(self) -> None:
        """Delete what is left in the mailbox."""
        self._mailbox.forget(self._login)
        if self._forwarding:
            self._forwarding.close()


_NOT_OURS = (
    "That address is of another sign-in, or was used already. Open the link shown "
    "here, and take the address on which it ends."
)
_NO_ADDRESS = (
    "That is no whole address. Copy all that stands in the browser's address bar, "
    "from http to its end."
)


def _read(address: str, ends_at: set[str]) -> tuple[dict[str, str] | None, str]:
    """Take the answer out of an address on which the browser ended (RFC 8252 §8.10)."""
    try:
        parts = urlsplit(address.strip().strip("\"'<>"))
        pairs = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return None, _NO_ADDRESS
    if not (parts.scheme and parts.netloc and pairs):
        return None, _NO_ADDRESS
    place = parts._replace(query="", fragment="").geturl()
    own = next((uri for uri in ends_at if uri.partition("?")[0] == place), None)
    if own is None:
        return None, (
            f"That address is not one on which this sign-in ends: {min(ends_at)}. "
            "Copy it once the sign-in page has sent you on."
        )
    answer = dict(pairs)
    # No parameter twice (RFC 6749 §3.1).
    return (answer, "") if len(answer) == len(pairs) else (None, _NOT_OURS)


def _wanted(redirect_uri: str | None) -> tuple[str, int, str]:
    if redirect_uri is None:
        return "127.0.0.1", 0, _CALLBACK
    parts = urlsplit(redirect_uri)
    if not is_loopback(parts.hostname or "") or parts.scheme != "http":
        raise SettingsError(
            f"the redirect URI {redirect_uri} does not lead to this machine",
            why="The loopback way needs http on 127.0.0.1 or localhost.",
            advice="Change INTERMEZZO_REDIRECT_URI, leave it out, or use --via paste.",
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
        receiver = self.server.receiver
        if self.path == _DONE and receiver.is_answered:
            self._answer(200, receiver.closing_page())
            receiver.closing_page_seen()
        elif receiver.take(urljoin(receiver.redirect_uri, self.path)):
            self._answer(404, closing.stale())
        else:
            # Elsewhere at once, so that no code stays in the address bar.
            self._answer(303, b"", {"Location": _DONE})

    def _answer(
        self, status: int, body: bytes, extra: Mapping[str, str] | None = None
    ) -> None:
        self.close_connection = True
        self.send_response(status)
        length = {"Content-Length": str(len(body))}
        sent = {**closing.HEADERS, "Connection": "close", **length, **(extra or {})}
        for name, value in sent.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (inherited)
        """Log nothing: the target holds the code."""
