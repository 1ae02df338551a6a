"""
Kernels that no Jupyter server started: the conditions of VS Code and of Colab.

Reproduced: the variables by which they are known, a kernel without a Jupyter server as
its parent, a front end that answers input requests and draws HTML but no widgets, and
for Colab a browser that cannot reach the kernel. Not reproduced: VS Code's forwarding
of ports (its local kernels need none), its input box, Colab's own front end, its proxy
and its module ``google.colab``. So pictures show outputs in colours of theirs, not
their windows.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from html import escape
from queue import Empty

import pytest
from figures import Figure
from jupyter_client import BlockingKernelClient
from jupyter_client.connect import write_connection_file
from person import SIGNED_IN

VS_CODE = {"VSCODE_PID": "4242"}
COLAB = {"COLAB_RELEASE_TAG": "release-colab-external_20261101"}
# A dark theme of VS Code's, and the variables by which it tells its colours; Colab's
# outputs are white frames without any.
DARK = (
    "background:#1f1f1f;color:#ccc;--vscode-editor-background:#1f1f1f;"
    "--vscode-editor-foreground:#ccc;--vscode-descriptionForeground:#9d9d9d;"
    "--vscode-widget-border:#313131"
)
LIGHT = "background:#fff;color:#212121"
PAGE = """<!doctype html><style>
body {{ margin: 16px; font: 14px/1.4 sans-serif; {look} }}
pre {{ opacity: .7; white-space: pre-wrap }}
body > div {{ overflow: hidden }}
table {{ border-collapse: collapse }} td, th {{ padding: 2px 6px }}
</style><div>{outputs}</div>"""
LINK = re.compile(r'href="([^"]+)"[^>]*class="intermezzo-sign-in"')


class Kernel:
    """
    A kernel, and a front end that shows HTML and asks for input.

    It is started as VS Code does: what jupyter_client starts names a parent, as if
    that were a Jupyter server.
    """

    def __init__(self, folder, environment):
        connection, _ = write_connection_file(str(folder / "kernel.json"))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ipykernel_launcher", "-f", connection],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **environment},
        )
        self._client = BlockingKernelClient(connection_file=connection)
        self._client.load_connection_file()
        # A kernel that is still importing may miss a beat, and would be taken for dead.
        self._client.start_channels(hb=False)
        self._client.wait_for_ready(timeout=60)
        self.asked, self._shown, self._page = [], [], {}

    @property
    def shown(self):
        return [text for _, text in self._shown]

    def html(self, look):
        """Draw what a front end shows now: cells, and outputs in their last state."""
        return PAGE.format(look=look, outputs="".join(self._page.values()))

    def since(self, moment, pattern):
        """Give the seconds until something was shown."""
        found = (t for t, text in self._shown if re.search(pattern, text))
        return next(found) - moment

    def run(self, code, answer=None, interrupt_at=None):
        """
        Run a cell to its end.

        ``answer`` gives what is typed where it asks; ``interrupt_at`` is what has to be
        shown before it is interrupted.
        """
        message = self._client.execute(code, allow_stdin=True)
        self._page[message] = f"<pre>{escape(code)}</pre>"
        is_over = False
        while not is_over:
            self._answer(answer)
            is_over = self._next(message)
            if interrupt_at and re.search(interrupt_at, self.shown[-1]):
                interrupt_at = None
                self._process.send_signal(signal.SIGINT)

    def wait_for(self, pattern, seconds=30):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if re.search(pattern, "\n".join(self.shown)):
                return
            self._next("")
        raise AssertionError(f"{pattern!r} did not come")

    def stop(self):
        self._client.stop_channels()
        self._process.terminate()
        self._process.wait(20)

    def _answer(self, answer):
        try:
            request = self._client.get_stdin_msg(timeout=0.05)
        except Empty:
            return
        asked = request["content"]
        self.asked.append(asked)
        self._page["asked"] = f"<p>{escape(asked['prompt'])}<input></p>"
        self._client.input(answer())
        del self._page["asked"]

    def _next(self, message):
        try:
            got = self._client.get_iopub_msg(timeout=0.2)
        except Empty:
            return False
        content, kind = got["content"], got["msg_type"]
        text = ""
        if kind == "stream":
            text = content["text"]
        elif kind == "error":
            text = "\n".join(content["traceback"])
        elif kind in {"display_data", "update_display_data", "execute_result"}:
            data = content["data"]
            text = data.get("text/html") or data["text/plain"]
            own, known = got["header"]["msg_id"], content.get("transient", {})
            self._page[known.get("display_id", own)] = text
        if text:
            self._shown.append((time.monotonic(), text))
        is_over = kind == "status" and content["execution_state"] == "idle"
        return is_over and got["parent_header"].get("msg_id") == message


@pytest.fixture
def kernel(tmp_path):
    started = []

    def start(environment):
        started.append(Kernel(tmp_path, environment))
        started[-1].run("%load_ext intermezzo_nb")
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture(params=["practice", "oidc-provider"])
def login(request):
    """Give the line that signs in, and what reads then."""
    if request.param == "practice":
        return "%intermezzo_login --profile demo", "df = %intermezzo organizations\ndf"
    provider = request.getfixturevalue("openid_provider")
    if SIGNED_IN in request.param:
        request.getfixturevalue("browser").use_another_application(
            provider.another_sign_in
        )
    line = (
        f"%intermezzo_login --issuer {provider.issuer} --api-url {provider.api} "
        "--client-id native --store memory"
    )
    return line, "df = %intermezzo /things\ndf"


@pytest.fixture
def shot(request, keep_picture):
    """Keep a picture of what a front end would show; give its name."""

    def keep(kernel, environment, way, *stage):
        server = request.node.callspec.params["login"]
        name = "-".join((environment.lower(), way, server, *stage))
        name = re.sub(r"\W+", "-", name)
        keep_picture(name, kernel.html(DARK if environment == "VS Code" else LIGHT))
        return f"{name}.png"

    return keep


@pytest.fixture
def told(request, leaks, measured, shot):
    """Note what it took, and that nothing is left of it."""

    def note(environment, way, kernel, browser, begun, signed_in):
        server = request.node.callspec.params["login"]
        picture = shot(kernel, environment, way)
        kernel.run("%intermezzo_status")
        assert re.search(rf"Tried: {way} +used", kernel.shown[-1])
        frame = time.monotonic() - begun
        clicks = 1 + browser.clicks  # the link is opened as well
        figure = (f"{environment}'s conditions", way, server, frame, clicks, signed_in)
        measured(Figure(*figure, picture))
        if server != "practice":
            for secret in request.getfixturevalue("openid_provider").secrets():
                leaks.record(secret)
        # What is drawn first holds the link; a saved notebook has only what came last.
        assert not leaks.in_output("\n".join(LINK.sub("", x) for x in kernel.shown))

    return note


def link_of(kernel):
    link = LINK.search("\n".join(kernel.shown))
    return link[1].replace("&amp;", "&")


def test_vs_code_on_the_same_machine_is_reached_over_loopback(
    kernel, login, person, shot, told
):
    line, read = login
    vs_code, browser, begun = kernel(VS_CODE), person(), time.monotonic()
    vs_code.run(line)
    shot(vs_code, "VS Code", "loopback", "asked")
    assert browser.sign_in(link_of(vs_code)).status_code == 200
    done = time.monotonic()
    vs_code.wait_for("Signed in as")
    signed_in = vs_code.since(done, "Signed in as")
    vs_code.run(read)
    assert "dataframe" in vs_code.shown[-1]
    told("VS Code", "loopback", vs_code, browser, begun, signed_in)


def test_on_colab_an_address_is_typed_where_the_cell_asks(
    kernel, login, person, shot, told
):
    line, read = login
    colab, browser, begun = kernel(COLAB), person(), time.monotonic()
    colab.run(f"{line} --via paste")
    typed = []

    def paste():
        shot(colab, "Colab", "paste", "asked")
        typed.extend([browser.answer_for(link_of(colab)), time.monotonic()])
        return typed[0]

    colab.run(read, answer=paste)
    assert colab.asked[0]["password"] is True
    assert "dataframe" in colab.shown[-1]
    signed_in = colab.since(typed[1], "Signed in as")
    told("Colab", "paste", colab, browser, begun, signed_in)
    assert typed[0] not in "\n".join(colab.shown)


@pytest.mark.parametrize(
    ("login", "cell", "shown", "told"),
    [
        (
            "--via client-credentials",
            "df = %intermezzo job-details --organization all",
            "job-details · [1-9]",
            "Intermezzo: interrupted; nothing was assigned.",
        ),
        (
            "--via loopback",
            "df = %intermezzo organizations",
            "waiting for the sign-in",
            "Intermezzo: the sign-in was cancelled by an interrupt",
        ),
    ],
    ids=["reading", "waiting"],
)
def test_an_interrupt_is_told_in_words_and_ends_the_cell(
    kernel, login, cell, shown, told
):
    alone = kernel({})
    alone.run(f"%intermezzo_login --profile demo {login}")
    alone.run(f"{cell}\nprint('it went on')", interrupt_at=shown)
    assert alone.shown[-1].startswith(told)
    assert len(alone.shown[-1].splitlines()) <= 2
    alone.run("'df' in dir()")
    assert alone.shown[-1] == "False"


@pytest.mark.parametrize(
    "login", ["oidc-provider", f"oidc-provider, {SIGNED_IN}"], indirect=True
)
def test_on_colab_a_code_is_entered_elsewhere_by_itself(
    kernel, login, browser, shot, told
):
    line, read = login
    colab, begun = kernel(COLAB), time.monotonic()
    colab.run(line)
    shot(colab, "Colab", "device", "asked")
    browser.enter_code(link_of(colab))
    done = time.monotonic()
    colab.wait_for("Signed in as")
    signed_in = colab.since(done, "Signed in as")
    colab.run(read)
    assert "dataframe" in colab.shown[-1]
    told("Colab", "device", colab, browser, begun, signed_in)
    assert 1 + browser.clicks <= 2


def test_on_colab_the_demo_asks_nobody_who_could_not_answer(kernel):
    colab = kernel(COLAB)
    colab.run("%intermezzo_login --profile demo")
    assert "Signed in as <strong>the application" in colab.shown[-1]
    colab.run("df = %intermezzo organizations\ndf")
    assert "dataframe" in colab.shown[-1]
    colab.run("%intermezzo_status")
    assert "no browser reaches the practice server" in colab.shown[-1]
