"""Signing in from IPython in a terminal: a link as text, and the next line waits."""

from __future__ import annotations

import codecs
import io
import os
import pty
import re
import select
import sys
import time
from dataclasses import dataclass

import pytest
import segno
from figures import Figure

LINK = r"http://127\.0\.0\.1:\d+/(?:auth|device)\S*\?\S+(?=\r?\n)"
OVER_SSH = {"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}


class Terminal:
    """IPython behind a pseudo-terminal."""

    def __init__(self, environment):
        self.said = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pid, self._handle = pty.fork()
        if self._pid == 0:
            words = ["-m", "IPython", "--simple-prompt", "--no-banner"]
            os.environ.update({"TERM": "dumb", "COLUMNS": "2000", **environment})
            os.execv(sys.executable, [sys.executable, *words, "--colors=NoColor"])  # noqa: S606
        self.wait_for(r"In \[1\]")

    def type(self, line):
        os.write(self._handle, f"{line}\n".encode())

    def wait_for(self, pattern, seconds=30):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := re.search(pattern, self.said):
                return found
            if select.select([self._handle], [], [], 0.2)[0]:
                self.said += self._decoder.decode(os.read(self._handle, 65536))
        raise AssertionError(f"{pattern!r} did not come: {len(self.said)} characters")

    def end(self):
        self.type("exit")
        os.waitpid(self._pid, 0)
        os.close(self._handle)


@pytest.fixture
def terminal():
    started = []

    def start(**environment):
        started.append(Terminal(environment))
        started[-1].type("%load_ext intermezzo_nb")
        return started[-1]

    yield start
    for one in started:
        one.end()


@dataclass(frozen=True)
class Server:
    """Whom a line signs in to, as whom, and what reads then."""

    name: str
    login: str
    read: str
    person: str
    rows: int


PRACTICE = Server(
    "practice",
    "%intermezzo_login --profile demo",
    "df = %intermezzo organizations",
    "Maren Voss",
    3,
)


@pytest.fixture(params=["practice", "oidc-provider"])
def server(request):
    if request.param == "practice":
        return PRACTICE
    provider = request.getfixturevalue("openid_provider")
    login = (
        f"%intermezzo_login --issuer {provider.issuer} --api-url {provider.api} "
        "--client-id native --store memory"
    )
    return Server(request.param, login, "df = %intermezzo /things", "Foreign Person", 2)


@pytest.fixture
def told(request, server, leaks, measured):
    """Wait for the DataFrame; note what it took, and that nothing is left of it."""

    def wait(terminal, way, browser, begun, done):
        terminal.wait_for(f"signed in as {server.person}")
        signed_in = time.monotonic() - done
        terminal.wait_for(f"{server.rows} rows")
        frame = time.monotonic() - begun
        terminal.type("%intermezzo_status")
        terminal.wait_for(rf"Tried: {way} +used")
        clicks = 1 + browser.clicks  # the link is opened as well
        figure = ("terminal IPython", way, server.name, frame, clicks, signed_in)
        measured(Figure(*figure))
        if server is not PRACTICE:  # its secrets bear a mark
            for secret in request.getfixturevalue("openid_provider").secrets():
                leaks.record(secret)
        assert not leaks.in_text(terminal.said)

    return wait


def test_a_person_signs_in_from_a_terminal(terminal, person):
    shell = terminal()
    shell.type("%intermezzo_login --profile demo --via loopback")
    link = shell.wait_for(LINK)
    shell.type("df = %intermezzo organizations")
    shell.wait_for("waiting for the sign-in")
    assert person().sign_in(link[0]).status_code == 200
    shell.wait_for("signed in as Maren Voss")
    shell.wait_for("3 rows")
    assert shell.said.count("/authorize?") == 1


def test_what_is_read_is_told_in_one_line_that_moves(terminal):
    shell = terminal(COLUMNS="100")
    shell.type("%intermezzo_login --profile demo --via client-credentials")
    shell.type("df = %intermezzo employees --organization all")
    shell.wait_for("complete")
    drawn = re.findall(r"\r(employees · [^\r\n]*)", shell.said)
    assert len(drawn) > 2
    assert max(map(len, drawn)) < 100
    assert drawn[-1].startswith("employees · 4,000 rows × ")


def test_an_error_is_wrapped_between_words(terminal):
    shell = terminal(COLUMNS="60")
    shell.type("%intermezzo_login")
    error = shell.wait_for(r"(?s)\n(Next: .*--profile\s+demo)")[1]
    lines = error.splitlines()
    assert len(lines) == 5
    assert max(map(len, lines)) <= 60
    assert "INTERMEZZO_AUTHORIZATION_URL; INTERMEZZO_API_URL" in lines


def test_python_prints_the_link_in_a_terminal(terminal, person):
    shell = terminal()
    shell.type(
        "from intermezzo_nb import connect; api = connect('demo', via='loopback')"
    )
    shell.type("api.login(wait=False); len(api.frame('organizations'))")
    link = shell.wait_for(LINK)
    shell.wait_for("waiting for the sign-in")
    assert person().sign_in(link[0]).status_code == 200
    shell.wait_for(r"Out\[\d\]: 3")
    assert shell.said.count("/authorize?") == 1


@pytest.mark.parametrize("end", ["cancelled", "expired"])
def test_who_waits_is_told_once_how_it_ended(terminal, end):
    shell = terminal()
    seconds = {"cancelled": 60, "expired": 2}[end]
    shell.type(f"%intermezzo_login --profile demo --via loopback --timeout {seconds}")
    shell.wait_for(LINK)
    shell.type("df = %intermezzo organizations")
    shell.wait_for("waiting for the sign-in")
    if end == "cancelled":
        shell.type("\x03")
    what = {"cancelled": "sign-in was cancelled", "expired": "nobody signed in"}[end]
    shell.wait_for(rf"(?s){what}.*In \[4\]")
    assert shell.said.count(what) == 1


def test_where_nobody_waits_a_line_tells_how_it_ended(terminal):
    shell = terminal()
    shell.type("%intermezzo_login --profile demo --via loopback --timeout 1")
    shell.wait_for("Intermezzo: nobody signed in at the practice server")


def test_a_link_leads_back_over_loopback(terminal, person, server, told):
    shell, browser, begun = terminal(), person(), time.monotonic()
    shell.type(f"{server.login} --via loopback")
    link = shell.wait_for(LINK)
    shell.type(server.read)
    shell.wait_for("waiting for the sign-in")
    assert browser.sign_in(link[0]).status_code == 200
    told(shell, "loopback", browser, begun, time.monotonic())


def test_over_ssh_a_code_is_entered_elsewhere(terminal, person, server, told):
    shell, browser, begun = terminal(**OVER_SSH), person(), time.monotonic()
    # Over SSH the practice server's own pages are out of reach, unless asked for.
    shell.type(f"{server.login} --via device" if server is PRACTICE else server.login)
    link = shell.wait_for(LINK)
    shell.wait_for(r"Code: \w+-\w+")
    shell.type(server.read)
    assert re.search("Sign-in Success|You can close", browser.enter_code(link[0]))
    told(shell, "device", browser, begun, time.monotonic())


def test_over_ssh_an_address_is_typed_unseen(terminal, person, server, told):
    shell, browser, begun = terminal(**OVER_SSH), person(), time.monotonic()
    shell.type(f"{server.login} --via paste")
    link = shell.wait_for(LINK)
    shell.type(server.read)
    shell.wait_for(r"the address of that page \(hidden\)")
    address = browser.answer_for(link[0])
    shell.type(address)
    told(shell, "paste", browser, begun, time.monotonic())
    assert "/intermezzo/callback?" not in shell.said


def show_code(shell):
    """Begin the device way; give the link that leads there."""
    shell.type("%intermezzo_login --profile demo --via device")
    return shell.wait_for(LINK)[0]


def test_a_terminal_shows_the_link_as_a_qr_code(terminal, person):
    shell = terminal(PYTHONIOENCODING="utf-8")
    link = show_code(shell)
    code, drawing = segno.make(link, error="l", micro=False), io.StringIO()
    code.terminal(drawing, border=2, compact=True)
    shell.wait_for(re.escape(drawing.getvalue().strip().replace("\n", "\r\n")))
    person().enter_code(link)
    shell.wait_for("signed in as Maren Voss")


@pytest.mark.parametrize("narrow", [{"PYTHONIOENCODING": "cp1252"}, {"COLUMNS": "30"}])
def test_a_terminal_without_room_or_letters_shows_the_code_alone(
    terminal, person, narrow
):
    shell = terminal(**{"PYTHONIOENCODING": "utf-8", **narrow})
    link = show_code(shell)
    shell.wait_for("Code: [A-Z]{4}-[A-Z]{4}")
    person().enter_code(link)
    shell.wait_for("signed in as Maren Voss")
    assert "▄" not in shell.said
