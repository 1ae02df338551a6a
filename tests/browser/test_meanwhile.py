"""What may happen between a link and its answer: work, a restart, and forgeries."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from journey import PRACTICE
from jupyters import started

LOAD = "%load_ext intermezzo_nb"
WORK = "import time\nfrom pathlib import Path\n"
WORK += "while not Path('{}').exists():\n    time.sleep(0.1)"


def over(way):
    return f"{PRACTICE.login} --via {way}"


def test_an_answer_that_finds_the_kernel_at_work_is_not_lost(open_in, lab):
    end = lab.root / "end-of-work"
    cells = (LOAD, over("server"), WORK.format(end), PRACTICE.read)
    notebook = open_in(lab, "busy.ipynb", *cells)
    notebook.run_all()
    notebook.sign_in(1)
    notebook.page.wait_for_timeout(10_000)
    assert notebook.is_running(2)
    end.touch()
    notebook.wait_for(1, PRACTICE.person)
    notebook.output(3).locator("table.dataframe").wait_for(timeout=20_000)
    assert "code=" not in notebook.saved()


def test_who_looks_at_a_cell_sees_what_it_waits_for(practice_server, open_in, lab):
    machine = practice_server(latency=2500).settings("machine", organization="all")
    names = {f"INTERMEZZO_{name.upper()}": str(v) for name, v in machine.items()}
    impatient = "from intermezzo_nb.api import waits\nwaits.SILENCE = 1.0"
    cells = (f"import os\nos.environ.update({names})\n{impatient}", LOAD)
    notebook = open_in(
        lab,
        "waits.ipynb",
        *cells,
        "df = %intermezzo employees --limit 300",
        "from intermezzo_nb import current_connection\n"
        "current_connection().get('/organizations')[0]['legalName']",
    )
    for number in (0, 1):
        notebook.run(number)
    for number, words in ((2, "no answer for"), (3, "GET /organizations: no answer")):
        notebook.run(number, wait=False)
        notebook.wait_for(number, words)
        notebook.shot(f"waits-{number}")
        notebook.page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget.sessionContext"
            ".session.kernel.status === 'idle'"
        )
    assert "300 rows" in notebook.output(2).inner_text()
    assert "no answer" not in notebook.output(2).inner_text()
    red = notebook.page.locator('[data-mime-type="application/vnd.jupyter.stderr"]')
    assert red.count() == 0


@pytest.fixture
def short_lived(tmp_path_factory):
    """A Jupyter server that may be killed."""
    with started(tmp_path_factory.mktemp("short-lived")) as server:
        yield server


@pytest.mark.timeout(120)
def test_after_a_restart_of_the_server_a_new_sign_in_works(short_lived, open_in):
    lab = short_lived.seen()
    cells = (LOAD, over("server"), PRACTICE.read)
    notebook = open_in(lab, "restarted.ipynb", *cells)
    notebook.run_all()
    tab = notebook.open_link(1)
    tab.locator("#allow, #continue").first.wait_for()
    asked = parameters(tab.url)
    short_lived.kill()
    short_lived.start()
    # The practice server ended with the kernel: this is what it would have sent.
    answer = urlencode({"code": "late", "state": asked["state"]})
    tab.goto(f"{asked['redirect_uri']}?{answer}")
    tab.get_by_text("Nothing waits for this").wait_for()
    again = open_in(lab, "restarted.ipynb", *cells)
    again.run_all()
    again.sign_in(1)
    again.output(2).locator("table.dataframe").wait_for(timeout=20_000)
    assert asked["state"] not in lab.log.read_text()


class Forger:
    """
    Makes answers that are none.

    Parameters
    ----------
    spent : dict
        An answer that was right once.
    state : str
        What the right answer will bear.
    """

    def __init__(self, spent, state):
        self._spent, self._state = spent, state

    def answers(self, number):
        kinds = [self._random, self._replayed, self._mixed, self._twice, self._half]
        return [urlencode(kinds[i % len(kinds)](i)) for i in range(number)]

    def _random(self, number):
        word = secrets.token_urlsafe(number + 1)
        return [("code", word), ("state", word)]

    def _replayed(self, _):
        return list(self._spent.items())

    def _mixed(self, number):
        return [("code", f"forged-{number}"), ("state", self._spent["state"])]

    def _twice(self, number):
        # No parameter may come twice (RFC 6749 §3.1), not even with the right state.
        return [("code", "x"), ("code", f"forged-{number}"), ("state", self._state)]

    def _half(self, number):
        return [("code", f"forged-{number}")]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("way", ["server", "loopback"])
def test_a_hundred_forged_answers_change_nothing(way, open_in, lab, chromium, leaks):
    login = f"{over(way)} --force"
    notebook = open_in(lab, f"forged-{way}.ipynb", LOAD, login, PRACTICE.read)
    answers = []
    notebook.context.on("request", lambda r: answers.append(r.url))
    notebook.run(0)
    notebook.run(1)
    notebook.sign_in(1)
    notebook.wait_for(1, PRACTICE.person)
    spent = next(parameters(url) for url in answers if "/callback?" in url)
    notebook.run(1)
    tab = notebook.open_link(1)
    tab.locator("#allow").wait_for()
    asked = parameters(tab.url)
    callback = asked["redirect_uri"]
    for query in Forger(spent, asked["state"]).answers(100):
        sent = notebook.context.request.get(f"{callback}?{query}", max_redirects=0)
        assert sent.status == 404
    if way == "server":
        stranger = chromium.new_context()
        for number in range(10):
            query = urlencode({"code": f"forged-{number}", "state": asked["state"]})
            answer = stranger.request.get(f"{callback}?{query}", max_redirects=0)
            assert answer.status == 302
            assert "/login?" in answer.headers["location"]
        stranger.close()
    tab.locator("#allow").click()
    tab.get_by_text("You can close this tab").wait_for()
    notebook.wait_for(1, PRACTICE.person)
    notebook.run(2)
    notebook.output(2).locator("table.dataframe").wait_for(timeout=20_000)
    for secret in (spent["code"], spent["state"], asked["state"], asked["nonce"]):
        leaks.record(secret)
    assert not leaks.in_text(notebook.saved() + lab.log.read_text())


def parameters(url):
    return dict(parse_qsl(urlsplit(url).query))
