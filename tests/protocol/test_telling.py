"""Nobody is left waiting without a word, whatever is asked for."""

from __future__ import annotations

import time

import pytest

from intermezzo_nb.api import waits


@pytest.fixture
def slow(practice_server, monkeypatch):
    monkeypatch.setattr(waits, "SILENCE", 0.1)
    return practice_server(latency=400)


def test_one_request_that_takes_long_is_told_of(slow, connection, capsys):
    made = connection(**slow.settings("machine"))
    made.login()
    capsys.readouterr()
    organization = made.get("/organizations", search="Private")[0]["id"]
    told = capsys.readouterr()
    assert "Intermezzo: GET /organizations: no answer for 0 s …\n" in told.err
    made.request("GET", f"/organizations/{organization}?search=Private")
    told = capsys.readouterr()
    assert f"Intermezzo: GET /organizations/{organization}: no answer" in told.err
    assert "Private" not in told.err
    assert told.out == ""


def test_a_token_that_takes_long_is_told_of(slow, connection, capsys):
    made = connection(**slow.settings("machine"))
    made.login()
    assert "Intermezzo: signing in: no answer for 0 s …\n" in capsys.readouterr().err
    made.logout()
    assert "Intermezzo: signing out: no answer for 0 s …\n" in capsys.readouterr().err


@pytest.mark.usefixtures("somebody_there")
def test_who_signs_in_takes_the_time_that_it_takes(
    slow, connection, person, capsys, monkeypatch
):
    made, links = connection(**slow.settings("person")), []
    made.login(wait=False, present=lambda login: links.append(login.prompt.url))
    capsys.readouterr()
    get = made._client.get_ready

    def get_ready():
        time.sleep(0.5)
        assert capsys.readouterr().err == ""
        person().sign_in(*links)
        get()

    monkeypatch.setattr(made._client, "get_ready", get_ready)
    made.get("/organizations")


def test_what_the_server_asks_to_wait_for_is_told(
    shared_practice, connection, listener, capsys
):
    settings = shared_practice.settings("machine")
    made = connection(**{**settings, "api_url": listener.url})
    made.login()
    listener.answers += [(429, {"Retry-After": "1"}, b""), (200, {}, b"[]")]
    assert made.get("/things") == []
    assert "Intermezzo: GET /things: " in (told := capsys.readouterr().err)
    assert "asked to wait" in told
