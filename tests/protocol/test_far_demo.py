"""The demo profile where no browser reaches the practice server's pages."""

from __future__ import annotations

import pytest

from intermezzo_nb import connect, connecting, session
from intermezzo_nb.errors import LoginCancelled
from intermezzo_nb.oauth.mailbox import Mailbox
from intermezzo_nb.surroundings import Surroundings

SIGNS = ("Google Colab (COLAB_RELEASE_TAG)",)


@pytest.fixture
def placed(monkeypatch, shared_practice):
    """Put the kernel somewhere, with the practice server beside it."""
    monkeypatch.setenv("INTERMEZZO_DEMO_URL", shared_practice.url)

    def place(**details):
        somewhere = Surroundings("notebook", answers=True, silence="", **details)
        for room in (connecting, session):
            monkeypatch.setattr(room, "look", lambda: somewhere)

    return place


def test_the_machine_client_is_used_and_said(placed):
    placed(elsewhere=SIGNS)
    api = connect("demo")
    status = api.login(present=pytest.fail)
    tried = dict(status.ladder)
    assert "no browser reaches the practice server's pages" in tried["a person"]
    assert SIGNS[0] in tried["a person"]
    assert tried["client credentials"] == "used"
    assert "the application intermezzo-machine" in str(status)
    assert len(api.frame("organizations"))
    api.session.close()


@pytest.mark.parametrize("why", ["near", "forwards", "jupyter", "named"])
def test_a_person_is_asked_where_one_can_answer(placed, tmp_path, why):
    Mailbox.open(tmp_path, 42, "/user/ann/")
    placed(
        **{
            "near": {"elsewhere": ()},
            "forwards": {"elsewhere": SIGNS, "forwards": "VS Code forwards"},
            "jupyter": {"elsewhere": SIGNS, "runtime_dir": tmp_path, "parent": 42},
            "named": {"elsewhere": SIGNS},
        }[why]
    )
    named = {"via": "paste"} if why == "named" else {}
    assert connect("demo", **named).settings.is_machine is False


def test_nobody_is_asked_where_it_was_forbidden(placed):
    placed(elsewhere=())
    assert connect("demo", no_input=True).settings.is_machine


def test_the_machine_client_is_used_where_that_way_is_named(placed, monkeypatch):
    placed(elsewhere=())
    api = connect("demo", via="client-credentials")
    status = api.login(present=pytest.fail)
    assert "the application intermezzo-machine" in str(status)
    api.session.close()
    monkeypatch.setenv("INTERMEZZO_VIA", "client-credentials")
    assert connect("demo").settings.is_machine


@pytest.fixture
def beside_jupyter(placed, tmp_path):
    """Put the kernel where a Jupyter server's address is all that a browser reaches."""
    mailbox = Mailbox.open(tmp_path, 42, "/user/ann/")
    placed(elsewhere=SIGNS, runtime_dir=tmp_path, parent=42)
    return mailbox


def test_a_disk_that_is_full_leads_to_a_way_without_it(beside_jupyter, monkeypatch):
    path = Mailbox._path

    def lost(mailbox, name):
        is_kept = name.startswith("server-")
        return path(mailbox, name if is_kept else f"missing/{name}")

    monkeypatch.setattr(Mailbox, "_path", lost)
    api, shown = connect("demo"), []
    api.login(wait=False, present=shown.append)
    tried = dict(api.status().ladder)
    assert "cannot be used" in tried["server"]
    assert tried["paste"] == "used"
    shown[0].cancel()
    api.session.close()


def test_pages_lent_for_a_code_are_taken_back(beside_jupyter, tmp_path):
    api, shown = connect("demo", via="device"), []
    api.login(wait=False, present=shown.append)
    assert list(tmp_path.glob("intermezzo/practice-*"))
    shown[0].cancel()
    with pytest.raises(LoginCancelled):
        shown[0].wait()
    assert not list(tmp_path.glob("intermezzo/practice-*"))
    api.session.close()


@pytest.mark.parametrize("via", ["server", "device"])
def test_a_person_is_told_the_practice_servers_name_and_no_port(beside_jupyter, via):
    api, shown = connect("demo", via=via), []
    api.login(wait=False, present=shown.append)
    assert shown[0].prompt.where == "the practice server"
    assert "127.0.0.1" not in str(shown[0].prompt)
    assert api.status().where == "the practice server"
    shown[0].cancel()
    with pytest.raises(LoginCancelled):
        shown[0].wait()
    api.session.close()
