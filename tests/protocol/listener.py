"""A server that answers as it is told, and remembers what it was sent."""

from __future__ import annotations

import http.server
import threading


class _Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.seen.append(dict(self.headers))
        status, headers, body = self.server.answers.pop(0)
        self.send_response_only(status)
        usual = {"Date": self.date_time_string()}
        length = {"Content-Length": str(len(body))}
        for name, value in {**usual, **headers, **length}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    # The base class finds what it calls by these names.
    do_POST = do_CONNECT = do_GET  # noqa: N815

    def log_message(self, *_):
        pass


class Listener(http.server.ThreadingHTTPServer):
    """
    Another origin than the practice server's, from construction to :meth:`stop`.

    Parameters
    ----------
    context : ssl.SSLContext, optional
        To speak TLS.
    """

    daemon_threads = True

    def __init__(self, context=None):
        super().__init__(("127.0.0.1", 0), _Answers)
        self.seen, self.answers = [], []
        scheme = "http"
        if context:
            scheme = "https"
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"{scheme}://127.0.0.1:{self.server_address[1]}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self):
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request, client_address):
        """Say nothing: a client that hangs up is no event."""
