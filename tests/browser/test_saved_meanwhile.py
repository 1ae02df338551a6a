"""What a notebook's file keeps of a sign-in, whenever it is saved and whatever ends."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from journey import PRACTICE

LOAD = "%load_ext intermezzo_nb"
KILL = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
UNDER_WAY = "a sign-in was under way when this was saved"
WAYS = ["loopback", "server", "paste", "device"]


@pytest.fixture
def waiting(open_in, leaks):
    """Open a notebook in which a sign-in waits; record all that its card shows."""

    def wait(jupyter, name, via):
        login = f"{PRACTICE.login} --via {via} --force"
        notebook = open_in(jupyter, f"{name}-{via}.ipynb", LOAD, login, KILL)
        notebook.run(0)
        notebook.run(1)
        shown = dict(parse_qsl(urlsplit(notebook.link(1).get_attribute("href")).query))
        if via == "device":
            code = notebook.output(1).locator(".intermezzo-code")
            shown["user_code"] = code.text_content()
        notebook.output(1).get_by_role("button", name="Cancel").wait_for()
        secrets = [shown.get(n) for n in ("state", "nonce", "user_code", "login")]
        for secret in filter(None, secrets):
            leaks.record(secret)
        assert any(secrets)
        return notebook

    return wait


def outputs_of(text, number=1):
    return json.loads(text)["cells"][number]["outputs"]


@pytest.mark.parametrize("via", WAYS)
def test_a_kernel_that_is_killed_leaves_no_link_in_a_file(via, waiting, lab, leaks):
    notebook = waiting(lab, "killed", via)
    before = notebook.saved()
    notebook.run(2, wait=False)
    notebook.page.get_by_text("Kernel Restarting").wait_for(timeout=30_000)
    after = notebook.saved()
    for text in (before, after):
        card, controls = outputs_of(text)
        assert UNDER_WAY in "".join(card["data"]["text/plain"])
        assert set(card["data"]) == set(controls["data"]) == {"text/plain"}
        assert not "".join(controls["data"]["text/plain"])
    checkpoints = [*lab.root.glob(f".ipynb_checkpoints/killed-{via}*")]
    assert checkpoints
    assert not leaks.in_files(lab.root)


def test_saving_leaves_the_card_as_it_is_shown(waiting, lab):
    notebook = waiting(lab, "shown", "loopback")
    assert UNDER_WAY in notebook.saved()
    assert not notebook.output(1).get_by_text(UNDER_WAY).count()
    notebook.sign_in(1)
    notebook.wait_for(1, PRACTICE.person)
    kept = notebook.saved()
    assert PRACTICE.person in str(outputs_of(kept))
    assert UNDER_WAY not in kept
    assert "intermezzo_saved_as" not in kept
