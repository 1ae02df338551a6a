"""A server that takes what is posted, and does with it as a test says."""

from __future__ import annotations

import http.server
import json
import signal
import threading


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append(json.loads(body))
        acts = self.server.acts
        (acts.pop(0) if acts else created)(self)

    def answer(self, body, status=200, **headers):
        """Send JSON, or bytes as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        named = {"Content-Type": "application/json", **headers}
        for name, value in {"Content-Length": str(len(content)), **named}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class Taker(http.server.ThreadingHTTPServer):
    """Takes rows; ``acts`` are what it does with the next requests."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen, self.acts, self.made = [], [], 0
        self.released = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def rows(self):
        """All rows of all requests, by name."""
        return [row["name"] for rows in self.seen for row in rows]

    def stop(self):
        self.released.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request, client_address):
        """Say nothing: a client that hangs up is no event."""


def result(rows, errors=(), first=0):
    """Give the documented answer for rows, of which some are in error."""
    bad = {e["inputIndex"] for e in errors}
    good = [row for n, row in enumerate(rows) if n not in bad]
    return {
        "total": len(rows),
        "succeeded": len(good),
        "failed": len(bad),
        "unprocessed": 0,
        "data": [{"id": f"con_{first + n}", **row} for n, row in enumerate(good)],
        "errors": list(errors),
    }


def created(handler):
    """Create all rows."""
    server = handler.server
    rows = server.seen[-1]
    server.made += len(rows)
    handler.answer(result(rows, first=server.made - len(rows)))


def says(body, status=200, **headers):
    """Answer with just this."""
    return lambda handler: handler.answer(body, status, **headers)


def bends(bend):
    """Create all rows, and change the answer."""

    def act(handler):
        answer = result(handler.server.seen[-1])
        bend(answer)
        handler.answer(answer)

    return act


def cut(handler):
    """Hang up in the middle of the answer."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{")
    handler.wfile.flush()
    handler.close_connection = True


def hang_up(handler):
    """Hang up without a word."""
    handler.close_connection = True


def silence(handler):
    """Take the rows, and say nothing until the server stops."""
    handler.server.released.wait(30)
    handler.close_connection = True


def states(report):
    """Count the rows of a report by their states, as far as there are any."""
    return {name: n for name, n in report.counts.items() if n and name != "total"}


def interrupts(act):
    """Interrupt the main thread, as a stop button does, soon after such a request."""

    def acts(handler):
        whom = threading.main_thread().ident
        threading.Timer(0.5, signal.pthread_kill, (whom, signal.SIGINT)).start()
        act(handler)

    return acts
