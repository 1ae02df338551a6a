"""Signing in from IPython in a terminal: a link as text, and the next line waits."""

from __future__ import annotations

import io
import re
import time
from dataclasses import dataclass

import pytest
import segno
from figures import Figure
from person import SIGNED_IN
from terminal import Screen, Terminal

LINK = r"http://127\.0\.0\.1:\d+/(?:auth|device)\S*\?\S+(?=\r?\n)"
WAITING = (
    "Intermezzo: waiting for the sign-in: its link is in an output above "
    "(interrupt to cancel) …"
)
OVER_SSH = {"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}


@pytest.fixture
def terminal():
    started = []

    def start(kind=Terminal, **environment):
        started.append(kind(**environment))
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
    if SIGNED_IN in request.param:
        request.getfixturevalue("browser").use_another_application(
            provider.another_sign_in
        )
    login = (
        f"%intermezzo_login --issuer {provider.issuer} --api-url {provider.api} "
        "--client-id native --store memory"
    )
    return Server(request.param, login, "df = %intermezzo /things", "Foreign Person", 2)


@pytest.fixture
def shot(server, keep_picture):
    """Keep a picture of a screen; give its name."""

    def keep(screen, way, *stage):
        name = "-".join(("terminal-ipython", way, server.name, *stage))
        name = re.sub(r"\W+", "-", name)
        keep_picture(name, screen.html())
        return f"{name}.png"

    return keep


def assert_is_tidy(screen):
    """Each thing is told once, and begins a row."""
    assert [row for row in screen.rows if "Intermezzo:" in row[1:]] == []
    assert WAITING in screen.rows
    assert screen.text.count("waiting for the sign-in") == 1


@pytest.fixture
def told(request, server, leaks, measured, shot):
    """Wait for the DataFrame; note what it took, and that nothing is left of it."""

    def wait(screen, way, browser, begun, done):
        screen.wait_for(f"signed in as {server.person}")
        signed_in = time.monotonic() - done
        screen.wait_for(f"{server.rows} rows")
        frame = time.monotonic() - begun
        screen.wait_for(r"In \[4\]")
        screen.type("df")
        screen.wait_for(r"(?s)Out\[4\]:.*In \[5\]")
        picture, link = shot(screen, way), re.search(LINK, screen.said)[0]
        assert screen.torn(link) == []
        assert_is_tidy(screen)
        screen.type("%intermezzo_status")
        screen.wait_for(rf"Tried: {way} +used")
        assert screen.torn(link) == []
        clicks = 1 + browser.clicks  # the link is opened as well
        figure = ("terminal IPython", way, server.name, frame, clicks, signed_in)
        measured(Figure(*figure, picture))
        if server is not PRACTICE:  # its secrets bear a mark
            for secret in request.getfixturevalue("openid_provider").secrets():
                leaks.record(secret)
        assert not leaks.in_text(screen.said)

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
    shell = terminal(Screen, columns=46)
    shell.type("%intermezzo_login --profile demo --via client-credentials")
    shell.type("df = %intermezzo employees --organization all")
    shell.wait_for("complete")
    drawn = re.findall(r"\r(employees · [^\r\n]*)", shell.said)
    assert len(drawn) > 2
    assert max(map(len, drawn)) < 46
    # Nothing else is left of all that was drawn.
    [row] = [row for row in shell.rows if row.startswith("employees ·")]
    assert re.fullmatch(r"employees · 4,000 rows × \d+ columns · \d+", row)


def test_an_error_is_wrapped_between_words(terminal):
    shell = terminal(COLUMNS="60")
    shell.type("%intermezzo_login")
    error = shell.wait_for(r"(?s)\n(Next: .*--profile\s+demo)")[1]
    lines = error.splitlines()
    # A path is one word, however long.
    assert max(len(line) for line in lines if line[0] != "/") <= 60
    assert min(map(len, lines[:3])) > 40
    assert "INTERMEZZO_AUTHORIZATION_URL; INTERMEZZO_API_URL, or give" in lines


FRAMES = r"Traceback|intermezzo_nb/|\.py"


@pytest.mark.parametrize("full", [False, True])
def test_an_interrupt_is_told_in_a_line_and_costs_nothing(terminal, full):
    shell = terminal()
    shell.type(f"%config IntermezzoMagics.full_traceback = {full}")
    shell.type("%intermezzo_login --profile demo --via client-credentials")
    shell.wait_for("signed in as")
    before = len(shell.said)
    shell.type("df = %intermezzo job-details --organization all")
    shell.wait_for(r"job-details · [1-9]")
    shell.type("\x03")
    shell.wait_for(r"(?s)nothing was assigned.*In \[5\]")
    assert bool(re.search(FRAMES, shell.said[before:])) is full
    shell.type("organizations = %intermezzo organizations")
    shell.type("'df' in dir(), len(organizations)")
    shell.wait_for(re.escape("(False, 3)"))


@pytest.mark.parametrize(
    ("call", "shown", "told"),
    [
        # What is foreseen is told where it takes long; a fast machine is no slower.
        (
            (
                "api.frame('job-details', organization='all', progress=lambda p: "
                "print('rows', p.rows))"
            ),
            r"rows [1-9]",
            "nothing was",
        ),
        ("api.export('job-details', 'out', organization='all')", "exporting", "same"),
    ],
)
def test_an_interrupt_of_python_is_told_in_a_line(terminal, call, shown, told):
    shell = terminal()
    shell.type("import os, tempfile; os.chdir(tempfile.mkdtemp())")
    shell.type(
        "api = __import__('intermezzo_nb').connect(profile='demo', "
        "via='client-credentials')"
    )
    shell.type("api.login()")
    shell.wait_for("signed in")
    before = len(shell.said)
    shell.type(f"df = {call}")
    shell.wait_for(shown)
    shell.type("\x03")
    shell.wait_for(rf"(?s)interrupted; (the )?{told}.*In \[\d\]")
    assert not re.search(FRAMES, shell.said[before:])


def test_an_interrupt_of_a_magic_can_be_caught(terminal):
    shell = terminal()
    shell.type("%intermezzo_login --profile demo --via client-credentials")
    shell.wait_for("signed in as")
    line = (
        "get_ipython().run_line_magic('intermezzo', 'job-details --organization all')"
    )
    shell.type(f"try: {line}\nexcept KeyboardInterrupt: print('caught', 'it')\n")
    shell.wait_for(r"job-details · [1-9]")
    shell.type("\x03")
    shell.wait_for("caught it")


@pytest.mark.parametrize("where", ["%intermezzo_login --wait", "%intermezzo_login"])
def test_an_interrupt_of_the_wait_for_a_person_shows_no_frames(terminal, where):
    shell = terminal()
    shell.type(f"{where} --profile demo --via loopback")
    shell.wait_for(LINK)
    if "--wait" not in where:
        shell.type("df = %intermezzo organizations")
        shell.wait_for("waiting for the sign-in")
    before = len(shell.said)  # the link's random letters may spell anything
    shell.type("\x03")
    shell.wait_for(r"(?s)was cancelled by an interrupt.*In \[\d\]")
    assert shell.said.count("cancelled") == 2  # what happened, and its code
    assert not re.search(FRAMES, shell.said[before:])


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


def test_a_wait_is_told_once_however_many_requests_wait(terminal, person):
    shell = terminal(Screen)
    link = ask(shell, "%intermezzo_login --profile demo --via loopback")
    employees = "--organization org_1 --employee-id emp_1,emp_2,emp_3,emp_4"
    shell.type(f"%intermezzo compensation {employees}")
    shell.wait_for("waiting for the sign-in")
    assert person().sign_in(link).status_code == 200
    shell.wait_for(r"In \[4\]")
    assert_is_tidy(shell)


def test_where_nobody_waits_a_line_tells_how_it_ended(terminal):
    shell = terminal()
    shell.type("%intermezzo_login --profile demo --via loopback --timeout 1")
    shell.wait_for("Intermezzo: nobody signed in at the practice server")


def ask(screen, login):
    """Begin a sign-in; give the link that is shown."""
    screen.type(login)
    screen.wait_for(r"In \[3\]")
    return re.search(LINK, screen.text)[0]


def test_a_link_leads_back_over_loopback(terminal, person, server, shot, told):
    shell, browser, begun = terminal(Screen), person(), time.monotonic()
    link = ask(shell, f"{server.login} --via loopback")
    shell.type(server.read)
    shell.wait_for("waiting for the sign-in")
    shot(shell, "loopback", "asked")
    assert browser.sign_in(link).status_code == 200
    told(shell, "loopback", browser, begun, time.monotonic())


@pytest.mark.parametrize(
    "server",
    ["practice", "oidc-provider", f"oidc-provider, {SIGNED_IN}"],
    indirect=True,
)
def test_over_ssh_a_code_is_entered_elsewhere(terminal, browser, server, shot, told):
    shell, begun = terminal(Screen, **OVER_SSH), time.monotonic()
    # Over SSH the practice server's own pages are out of reach, unless asked for.
    way = " --via device" if server is PRACTICE else ""
    link = ask(shell, server.login + way)
    shell.wait_for(r"Your code is \w+-\w+")
    shell.type(server.read)
    shell.wait_for("waiting for the sign-in")
    assert qr_code(link) in "\n".join(shell.rows)
    shot(shell, "device", "asked")
    assert "You can close" in browser.enter_code(link)
    told(shell, "device", browser, begun, time.monotonic())
    assert 1 + browser.clicks <= 2


def test_over_ssh_an_address_is_typed_unseen(terminal, person, server, shot, told):
    shell, browser, begun = terminal(Screen, **OVER_SSH), person(), time.monotonic()
    link = ask(shell, f"{server.login} --via paste")
    shell.type(server.read)
    shell.wait_for(r"the address of that page \(hidden\)")
    shot(shell, "paste", "asked")
    shell.type(browser.answer_for(link))
    told(shell, "paste", browser, begun, time.monotonic())
    assert "/intermezzo/callback?" not in shell.said


def qr_code(link):
    """Give the rows that draw it."""
    code, drawing = segno.make(link, error="l", micro=False), io.StringIO()
    code.terminal(drawing, border=2, compact=True)
    return drawing.getvalue().strip()


def show_code(shell):
    """Begin the device way; give the link that leads there."""
    shell.type("%intermezzo_login --profile demo --via device")
    return shell.wait_for(LINK)[0]


def test_a_terminal_shows_the_link_as_a_qr_code(terminal, person):
    shell = terminal(PYTHONIOENCODING="utf-8")
    link = show_code(shell)
    shell.wait_for(re.escape(qr_code(link).replace("\n", "\r\n")))
    person().enter_code(link)
    shell.wait_for("signed in as Maren Voss")


@pytest.mark.parametrize("narrow", [{"PYTHONIOENCODING": "cp1252"}, {"COLUMNS": "30"}])
def test_a_terminal_without_room_or_letters_shows_the_code_alone(
    terminal, person, narrow
):
    shell = terminal(**{"PYTHONIOENCODING": "utf-8", **narrow})
    link = show_code(shell)
    shell.wait_for("Your code is [A-Z]{4}-[A-Z]{4}")
    person().enter_code(link)
    shell.wait_for(r"signed in as\s+Maren\s+Voss")
    assert "▄" not in shell.said
