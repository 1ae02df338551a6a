"""The panel's drawings, one after another, as a front end is sent them."""

from __future__ import annotations

import threading
import time

import ipywidgets
import nbformat
import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from nbconvert import HTMLExporter, MarkdownExporter
from nbformat import v4

from intermezzo_nb import connect, connecting, session
from intermezzo_nb.errors import LoginCancelled, NetworkError
from intermezzo_nb.notebook import panel
from intermezzo_nb.surroundings import Surroundings


@pytest.fixture
def shell(monkeypatch):
    """Give a shell that looks like a kernel with a person at it."""
    here = Surroundings("notebook", answers=True, silence="", elsewhere=())
    for module in (connecting, panel, session):
        monkeypatch.setattr(module, "look", lambda: here)
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


@pytest.fixture
def drawn(shell, monkeypatch):
    """Collect what is displayed: each new output, and each update of one."""
    publisher = CapturingDisplayPublisher()
    monkeypatch.setattr(shell, "display_pub", publisher)
    return publisher.outputs


@pytest.fixture
def sign_in(shared_practice, drawn):
    """Begin to sign in as a person; give the sign-in."""

    def begin(**changes):
        changes = {"store": "memory", **changes}
        made = connect(**shared_practice.settings("person", **changes))
        panel.sign_in(made, wait=False, force=False)
        return made._session._login

    return begin


def texts(drawn):
    return [output["data"].get("text/plain", "") for output in drawn]


def htmls(drawn):
    return [output["data"].get("text/html", "") for output in drawn]


def test_each_state_is_told_as_text_too(sign_in, drawn, person):
    login = sign_in()
    assert person().sign_in(login.prompt.url).status_code == 200
    login.wait()
    told = [text.partition("\n")[0] for text in texts(drawn) if text]
    assert told[0] == "Intermezzo: Preparing the sign-in …"
    assert told[1].startswith("Intermezzo: sign in at 127.0.0.1")
    assert told[2] == "Intermezzo: The answer is here; finishing …"
    assert told[3].startswith("Intermezzo: signed in as Maren Voss")


def test_whose_client_is_not_known_learns_where_its_id_is_set(sign_in, drawn):
    login = sign_in(client_id="nobody")
    card = next(html for html in htmls(drawn) if "The page shows an error?" in html)
    _, _, told = card.partition("It does not know the client?")
    assert told.strip().startswith("<code>%intermezzo_doctor</code> shows its id")
    login.cancel()
    with pytest.raises(LoginCancelled):
        login.wait()


def test_a_sign_in_from_python_has_the_same_panel(shared_practice, drawn, person):
    made = connect(**shared_practice.settings("person", store="memory"))
    made.login(wait=False)
    assert drawn[-1]["data"]["application/vnd.jupyter.widget-view+json"]
    assert "sign in at 127.0.0.1" in texts(drawn)[-2]
    login = made._session._login
    assert person().sign_in(login.prompt.url).status_code == 200
    login.wait()
    assert texts(drawn)[-2].startswith("Intermezzo: signed in as Maren Voss")


def test_who_shows_it_otherwise_gets_no_panel(shared_practice, drawn):
    made, shown = connect(**shared_practice.settings("person", store="memory")), []
    made.login(wait=False, present=shown.append)
    assert drawn == []
    shown[0].cancel()
    with pytest.raises(LoginCancelled):
        shown[0].wait()


def test_no_widget_is_left_in_what_a_notebook_may_save(sign_in):
    login = sign_in()
    assert ipywidgets.Widget.get_manager_state()["state"]
    login.cancel()
    with pytest.raises(LoginCancelled):
        login.wait()
    assert ipywidgets.Widget.get_manager_state()["state"] == {}


def test_the_link_is_gone_from_what_was_drawn_last(sign_in, drawn):
    login = sign_in()
    login.cancel()
    with pytest.raises(LoginCancelled):
        login.wait()
    card, row = drawn[-2:]
    assert "Sign-in cancelled" in card["data"]["text/html"]
    assert "href" not in card["data"]["text/html"]
    assert set(row["data"].values()) == {""}


class Interrupted(CapturingDisplayPublisher):
    """A publisher that is interrupted, once, while it shows something."""

    def __init__(self, number):
        super().__init__()
        self._left = number

    def publish(self, *args, **how):
        self._left -= 1
        if self._left == 0:
            raise KeyboardInterrupt
        super().publish(*args, **how)


@pytest.mark.parametrize("number", [2, 3], ids=["card", "controls"])
def test_an_interrupt_of_the_drawing_leaves_no_link(
    shell, shared_practice, monkeypatch, number
):
    publisher = Interrupted(number)
    monkeypatch.setattr(shell, "display_pub", publisher)
    api = connect(**shared_practice.settings("person", store="memory"))
    with pytest.raises(KeyboardInterrupt):
        panel.sign_in(api, wait=False, force=False)
    for thread in threading.enumerate():
        if thread.name == "intermezzo-login":
            thread.join()
    last = publisher.outputs[-1]["data"]
    assert "Sign-in cancelled" in last["text/html"]
    assert ipywidgets.Widget.get_manager_state()["state"] == {}


def test_an_error_that_comes_first_stands_alone(sign_in, drawn):
    with pytest.raises(NetworkError):
        sign_in(issuer="http://127.0.0.1:9")
    assert texts(drawn)[1:] == [""]


def test_who_is_signed_in_already_is_asked_nothing(sign_in, drawn, person):
    first = sign_in(store="file")
    person().sign_in(first.prompt.url)
    first.wait()
    drawn.clear()
    assert sign_in(store="file") is None
    assert "signed in as Maren Voss" in texts(drawn)[-1]


def test_what_is_saved_is_read_without_javascript(sign_in, drawn):
    login = sign_in()
    login.cancel()
    with pytest.raises(LoginCancelled):
        login.wait()
    outputs = [v4.new_output("display_data", last["data"]) for last in drawn[-2:]]
    notebook = v4.new_notebook(cells=[v4.new_code_cell("", outputs=outputs)])
    nbformat.validate(notebook)
    page, _ = HTMLExporter().from_notebook_node(notebook)
    text, _ = MarkdownExporter().from_notebook_node(notebook)
    for told in (page, text):
        assert "Sign-in cancelled" in told
        assert "widget-view" not in told


@pytest.mark.parametrize(
    ("zone", "offset"),
    [("UTC", "UTC"), ("XXX-5:30", "UTC+05:30"), ("YYY+3", "UTC-03:00")],
)
def test_the_end_of_a_link_is_told_by_the_clock_here(
    sign_in, drawn, monkeypatch, zone, offset
):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        before = time.time() + 300
        login = sign_in()
        after = time.time() + 300
        told = next(text for text in texts(drawn) if " until " in text)
        clocks = {time.strftime("%H:%M", time.localtime(t)) for t in (before, after)}
        assert any(f" until {clock} {offset}." in told for clock in clocks)
    finally:
        monkeypatch.undo()
        time.tzset()
    login.cancel()
    with pytest.raises(LoginCancelled):
        login.wait()
