"""The Jupyter server's part without a browser: what it passes on, keeps and logs."""

from __future__ import annotations

import threading
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from jupyters import started

from intermezzo_nb.oauth.mailbox import Mailbox

NAME = LOGIN = "n" * 32
STATE, CODE = "state-Xr5mB2vQ9kLw7TzC", "code-Hn3sD8fJ1gPa6yVe"
BACK = "http://127.0.0.1/intermezzo/callback"


class Pages:
    """Stands where a practice server would; notes what it is asked."""

    def __init__(self):
        self.asked = asked = []

        class Page(BaseHTTPRequestHandler):
            def do_GET(self):
                length = int(self.headers.get("Content-Length") or 0)
                self.rfile.read(length)
                asked.append((self.command, self.path, self.headers))
                self.send_response(200)
                self.send_header("Set-Cookie", "username-x=evil; Path=/")
                self.send_header("Set-Cookie", "practice-session=good; Domain=x")
                self.send_header("X-Other", "evil")
                self.send_header("Content-Type", "image/svg+xml")
                self.end_headers()

            do_POST = do_GET  # noqa: N815 (inherited)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def pages():
    made = Pages()
    yield made
    made.close()


class Asking:
    """Somebody who is signed in to a Jupyter server by its token."""

    def __init__(self, jupyter):
        self._jupyter, self.token = jupyter, jupyter.url.rpartition("token=")[2]
        announced = next(jupyter.folder.glob("**/intermezzo/server-*.json"))
        pid = int(announced.stem.partition("-")[2])
        self.mailbox = Mailbox.find(announced.parents[1], pid)

    def ask(self, path, method="GET", **how):
        how.setdefault("headers", {"Authorization": f"token {self.token}"})
        base = urlsplit(self._jupyter.base)
        # Not by requests: that logs addresses.
        connection = HTTPConnection(base.netloc, timeout=20)
        connection.request(method, f"{base.path}/intermezzo/{path}", **how)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A Jupyter server of its own: here refusals are logged, elsewhere none may be."""
    with started(tmp_path_factory.mktemp("forwarding")) as made:
        yield made.seen()


@pytest.fixture
def asking(server):
    return Asking(server)


@pytest.fixture
def lent(asking, pages):
    asking.mailbox.lend(NAME, pages.origin)
    yield asking
    asking.mailbox.take_back(NAME)


def test_nothing_of_jupyters_is_passed_on(lent, pages):
    mine = {"Cookie": "username-y=mine; practice-session=p; _xsrf=mine", "X-Mine": "1"}
    lent.ask(f"demo/{NAME}/authorize?a=1&token={lent.token}&b=2", headers=mine)
    _, path, headers = pages.asked[0]
    assert path == "/authorize?a=1&b=2"
    assert headers["Cookie"] == "practice-session=p"
    assert not {"Authorization", "X-Mine", "Referer"} & set(headers)


def test_nothing_but_the_page_and_its_own_cookies_comes_back(lent):
    answer = lent.ask(f"demo/{NAME}/authorize")
    assert "username-x" not in str(answer.headers)
    assert "practice-session=good; Path=/intermezzo/demo/" in str(answer.headers)
    assert "X-Other" not in answer.headers
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "script" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("body", [b"", b"step=allow"], ids=["none", "some"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_is_passed_on_with_a_body_or_without(lent, pages, method, body):
    assert lent.ask(f"demo/{NAME}/device", method, body=body).status == 200
    assert pages.asked[0][0] == method


@pytest.mark.parametrize(
    "origin",
    ["https://127.0.0.1:1", "http://x.example", "http://127.0.0.1:1@x", "http://[::"],
)
def test_no_other_machine_is_asked(asking, origin):
    asking.mailbox.lend(NAME, origin)
    assert asking.ask(f"demo/{NAME}/authorize").status == 404
    asking.mailbox.take_back(NAME)


def test_where_answers_arrive_is_told_also_on_a_hub_of_many_hosts(tmp_path, pages):
    hub = {
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "JUPYTERHUB_SERVICE_PREFIX": "/user/ann/",
        "JUPYTERHUB_HOST": "https://hub.example",
    }
    with started(tmp_path, **hub) as on_a_hub:
        asking = Asking(on_a_hub.seen())
        asking.mailbox.lend(NAME, pages.origin)
        asking.ask(f"demo/{NAME}/authorize")
    headers = pages.asked[0][2]
    assert headers["X-Forwarded-Proto"] == "https"
    assert headers["X-Forwarded-Host"] == "hub.example"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
@pytest.mark.parametrize("path", ["callback", f"demo/{NAME}/authorize"])
def test_no_method_leaves_an_answer_in_the_log(asking, server, leaks, method, path):
    for secret in (CODE, STATE, "nonce-Wq3Rt7Yu1Ip5As9D"):
        leaks.record(secret)
    query = f"code={CODE}&state={STATE}&nonce=nonce-Wq3Rt7Yu1Ip5As9D"
    asking.ask(f"{path}?{query}", method)
    asking.ask(f"{path}?{query}", method, headers={})
    assert not leaks.in_text(server.log.read_text())


def test_a_fault_of_the_disk_leaves_no_answer_in_the_log(asking, server, leaks):
    leaks.record(CODE)
    leaks.record(STATE)
    mailbox = asking.mailbox
    mailbox.ask(LOGIN, url="https://login.example/", state=STATE, redirect_uri=BACK)
    in_the_way = next(server.folder.glob(f"**/ask-{LOGIN}.json")).parent
    in_the_way /= f"answer-{LOGIN}.json"
    in_the_way.mkdir()
    sent = asking.ask(f"callback?code={CODE}&state={STATE}")
    assert sent.status == 500
    assert not leaks.in_text(server.log.read_text())
    in_the_way.rmdir()
    mailbox.forget(LOGIN)
