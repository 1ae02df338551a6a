"""Certificates, proxies, .netrc and origins: where nothing of ours may go."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import socket
import socketserver
import ssl
import threading
import time

import pandas as pd
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from listener import Listener
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool

from intermezzo_nb.api.client import ApiSession
from intermezzo_nb.api.gate import Gate
from intermezzo_nb.api.signing import BearerAuth
from intermezzo_nb.api.transport import Transport
from intermezzo_nb.api.waits import Stop
from intermezzo_nb.connection import Connection
from intermezzo_nb.errors import NetworkError
from intermezzo_nb.oauth.models import Token
from intermezzo_nb.secret import Secret
from intermezzo_nb.settings import Settings

TOKEN = Secret("token-of-" + "somebody-else")


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1 that nobody vouches for, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def unvouched(certificate, monkeypatch):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)  # they would stand in for a verify
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = Listener(context)
    yield server
    server.stop()


def test_an_authorization_server_nobody_vouches_for_is_sent_nothing(
    unvouched, connection
):
    url = unvouched.url
    settings = {n: f"{url}/{n}" for n in ("token_url", "authorization_url")}
    settings["revocation_url"] = f"{url}/revoke"
    made = connection(client_id="notebook", **settings, api_url=url)
    with pytest.raises(NetworkError) as caught:
        made._session._oauth.revoke(TOKEN, "refresh_token")
    assert "certificate" in caught.value.why
    assert unvouched.seen == []


def test_an_api_nobody_vouches_for_is_sent_nothing(unvouched, connection):
    url = unvouched.url
    made = connection(client_id="notebook", token_url=f"{url}/token", api_url=url)
    made._session._source.accept(Token(TOKEN))
    with pytest.raises(NetworkError):
        made.get("/things")
    assert unvouched.seen == []


@pytest.mark.parametrize("bundle", ["missing", "empty", "of no certificates"])
def test_without_a_bundle_nothing_is_sent_and_a_journal_sends_it_later(
    certificate, unvouched, connection, monkeypatch, tmp_path, bundle
):
    path = tmp_path / "bundle.pem"
    if bundle != "missing":
        path.write_text("" if bundle == "empty" else "no certificates")
    frame = pd.DataFrame({"name": ["Ada"], "email": ["ada@person.example"]})

    def send(bundle):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
        url = unvouched.url
        made = connection(client_id="x", token_url=f"{url}/token", api_url=url)
        made._session._source.accept(Token(TOKEN))
        options = {"on_error": "report", "journal": tmp_path / "sent.jsonl"}
        return made.send("contacts", frame, organization="org_1", **options)

    report = send(path)
    assert report.counts["unsent"] == 1
    assert not report.stopped.unanswered
    if bundle == "missing":
        assert "nothing was sent" in report.stopped.what
        assert str(path) in report.stopped.why
    assert unvouched.seen == []
    unvouched.answers.append((200, {}, b'[{"name": "Ada"}]'))
    assert send(certificate).complete


class _Breaking(Listener):
    """Breaks TLS in the middle of each answer."""

    def finish_request(self, request, client_address):
        self.seen.append(request.recv(65536))
        # What TLS would have kept whole is now nonsense to the other side.
        with socket.socket(fileno=request.detach()) as bare:
            bare.sendall(b"nonsense" * 9)


@pytest.mark.parametrize(("method", "times"), [("POST", 1), ("GET", 3)])
def test_a_post_is_not_repeated_when_tls_breaks_under_it(
    certificate, connection, monkeypatch, method, times
):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = _Breaking(context)
    try:
        url = server.url
        made = connection(client_id="x", token_url=f"{url}/token", api_url=url)
        made._session._source.accept(Token(TOKEN))
        with pytest.raises(NetworkError) as caught:
            made.request(method, "/things")
        assert caught.value.unanswered
        assert len(server.seen) == times
    finally:
        server.stop()


class _HangingUp(Listener):
    """Reads each request, and closes without a word."""

    def finish_request(self, request, client_address):
        self.seen.append(request.recv(65536))


class _Tunnel(socketserver.StreamRequestHandler):
    """Does what a proxy does with CONNECT."""

    def handle(self):
        host, port = self.rfile.readline().split()[1].decode().rsplit(":", 1)
        while self.rfile.readline().strip():
            pass
        with socket.create_connection((host, int(port))) as there:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=_pass_on, args=(there, self.request))
            back.start()
            _pass_on(self.request, there)
            back.join()


def _pass_on(source, target):
    with contextlib.suppress(OSError):
        while content := source.recv(65536):
            target.sendall(content)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxy(monkeypatch):
    """A proxy for what is https."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Tunnel) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        monkeypatch.setenv(
            "HTTPS_PROXY", f"http://127.0.0.1:{server.server_address[1]}"
        )
        monkeypatch.setenv("NO_PROXY", "")
        yield server
        server.shutdown()
        thread.join()


def test_a_post_that_went_through_a_proxy_and_was_not_answered_may_have_arrived(
    certificate, connection, monkeypatch, proxy
):
    """The faults of such a connection look as if it had not come about."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = _HangingUp(context)
    try:
        url = server.url
        made = connection(client_id="x", token_url=f"{url}/token", api_url=url)
        made._session._source.accept(Token(TOKEN))
        with pytest.raises(NetworkError) as caught:
            made.request("POST", "/things", data=b"[]")
    finally:
        server.stop()
    assert len(server.seen) == 1
    assert caught.value.unanswered


def test_a_proxy_that_is_not_there_has_got_nothing(connection, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    url = "https://127.0.0.1:1"
    made = connection(client_id="x", token_url=f"{url}/token", api_url=url)
    made._session._source.accept(Token(TOKEN))
    with pytest.raises(NetworkError) as caught:
        made.request("POST", "/things", data=b"[]")
    assert not caught.value.unanswered


class _Routed(HTTPSConnection):
    """A connection that needs what no other does, as one to a SOCKS proxy."""

    def __init__(self, *args, route, **kwargs):
        super().__init__(*args, **kwargs)
        self.route = route


class _Routes(HTTPSConnectionPool):
    ConnectionCls = _Routed


def test_connections_of_another_kind_stay_of_that_kind():
    transport = Transport(Gate())
    manager = transport.proxy_manager_for("http://127.0.0.1:9")
    manager.pool_classes_by_scheme = {"https": _Routes}
    manager = transport.proxy_manager_for("http://127.0.0.1:9")
    made = manager.pool_classes_by_scheme["https"]
    with made("api.example", route="by sea") as pool:
        connection = pool.ConnectionCls("api.example", **pool.conn_kw)
        assert isinstance(connection, _Routed)
        assert (connection.route, connection.works_for) == ("by sea", None)
    again = transport.proxy_manager_for("http://127.0.0.1:9")
    assert again.pool_classes_by_scheme == {"https": made}


def test_what_is_ended_writes_nothing_in_the_open(unvouched):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection, stop = HTTPSConnection(*unvouched.server_address), Stop()
    bare = socket.create_connection(unvouched.server_address)
    with context.wrap_socket(bare) as connection.sock:
        stop.use(connection)
        stop.now()
        assert connection.sock.version(), "it would go on without TLS"
        # What the server still had to say of its handshake resets it.
        with pytest.raises((ConnectionError, ssl.SSLError)):
            connection.sock.sendall(b"what nobody may read")


@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY", "http_proxy"])
def test_a_proxy_sees_nothing_of_loopback(listener, practice_server, monkeypatch, name):
    practice, proxy = practice_server(), listener
    monkeypatch.setenv(name, proxy.url)
    monkeypatch.setenv("NO_PROXY", "")
    machine = practice.settings("machine")
    environ = {f"INTERMEZZO_{k.upper()}": v for k, v in machine.items()}
    made = Connection(Settings.resolve(environ=environ))
    assert len(made.get("/organizations")) == 3
    made.session.close()
    assert proxy.seen == []


def test_netrc_is_not_looked_at(hostile, signing_in, clean_environment):
    server = hostile()
    netrc = clean_environment / ".netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password nothing-of-ours\n")
    netrc.chmod(0o600)
    made = signing_in(server)
    made.sign_in()
    assert made.connection.get("/things")
    told = [asked.headers.get("Authorization", "") for asked in server.seen]
    assert not any(value.startswith("Basic") for value in told)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example/v1/x",  # the same host, in the open
        "https://api.example.evil.example/v1/x",
        "https://api.example:8443/v1/x",
        "https://api.example@evil.example/v1/x",
        "https://evil.example/https://api.example/v1",
        "https://sub.api.example/v1/x",
    ],
)
def test_a_token_is_for_one_origin(url):
    auth = BearerAuth(lambda **_: pytest.fail("asked"), "https://api.example/v1")
    request = requests.Request("GET", url, auth=auth).prepare()
    assert "Authorization" not in request.headers


def test_a_longer_port_is_another_origin():
    auth = BearerAuth(lambda **_: pytest.fail("asked"), "http://127.0.0.1:123")
    request = requests.Request("GET", "http://127.0.0.1:1234/x", auth=auth).prepare()
    assert "Authorization" not in request.headers


def test_a_refusal_elsewhere_gets_no_token_of_a_session_of_ones_own(
    shared_practice, connection
):
    """The API redirects, a foreign host refuses: whose hook is asked then?"""
    api, foreign = Listener(), Listener()
    try:
        made = connection(**shared_practice.settings("machine", api_url=api.url))
        api.answers += [(302, {"Location": f"{foreign.url}/x"}, b"")]
        foreign.answers += [(401, {}, b"{}")] * 2
        with requests.Session() as own:
            assert own.get(f"{api.url}/x", auth=made.auth).status_code == 401
    finally:
        api.stop()
        foreign.stop()
    assert api.seen[0]["Authorization"].startswith("Bearer ")
    assert ["Authorization" in headers for headers in foreign.seen] == [False]


_CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


class _Dripping(Listener):
    """Gives an answer of five seconds, a byte at a time; or its head so."""

    head = _CLOSING + b"Content-Length: 999999\r\n\r\n"
    drips = b"1"
    count = 100

    def finish_request(self, request, client_address):
        self.seen.append(request.recv(65536))
        with contextlib.suppress(OSError):
            request.sendall(self.head)
            for _ in range(self.count):
                request.sendall(self.drips)
                time.sleep(0.05)


@pytest.fixture
def dripping():
    server = _Dripping()
    auth = BearerAuth(lambda **_: Token(TOKEN), server.url)
    with ApiSession(auth, server.url, longest=0.6) as session:
        yield server, session
    server.stop()


@pytest.mark.parametrize("is_in_head", [False, True])
def test_an_answer_that_drips_is_given_up_in_time(dripping, is_in_head):
    server, session = dripping
    if is_in_head:
        server.head, server.drips = b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"
    began = time.monotonic()
    with pytest.raises(NetworkError, match="was not there after 1 s") as caught:
        session.get(f"{server.url}/things?of=somebody")
    assert 0.6 <= time.monotonic() - began < 5
    assert len(server.seen) == 1
    assert (caught.value.code, caught.value.unanswered) == ("overdue", True)
    assert server.url.removeprefix("http://") in caught.value.what
    assert "somebody" not in str(caught.value)


def test_a_session_is_usable_after_an_answer_that_was_given_up(dripping):
    server, session = dripping
    with pytest.raises(NetworkError):
        session.get(server.url)
    server.head, server.count = _CLOSING + b"Content-Length: 4\r\n\r\nnull", 0
    assert session.get(server.url).json() is None


def test_who_takes_an_answer_as_it_comes_or_gives_it_time_has_that_time(dripping):
    server, session = dripping
    server.head, server.count = _CLOSING + b"Content-Length: 30\r\n\r\n", 30
    with session.get(server.url, stream=True) as answer:
        assert answer.raw.read() == b"1" * 30
    assert session.get(server.url, timeout=(5, 60)).content == b"1" * 30
    assert session.post(server.url, timeout=(5, 60)).content == b"1" * 30


def test_what_may_have_changed_something_has_twice_the_time_and_other_advice(dripping):
    server, session = dripping
    server.head, server.count = _CLOSING + b"Content-Length: 20\r\n\r\n", 20
    assert session.post(server.url).content == b"1" * 20
    server.head, server.count = _CLOSING + b"Content-Length: 999\r\n\r\n", 999
    with pytest.raises(NetworkError, match="was not there after 1 s") as caught:
        session.post(server.url)
    assert caught.value.unanswered
    assert "before it is sent again" in caught.value.advice
    assert len(server.seen) == 2
