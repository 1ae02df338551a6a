"""Nobody is left waiting without a word, whatever is asked for."""

from __future__ import annotations

import io
import sys
import threading
import time

import pytest
from pages import Pages

from intermezzo_nb.api import waits


@pytest.fixture
def slow(practice_server, monkeypatch):
    monkeypatch.setattr(waits, "SILENCE", 0.1)
    return practice_server(latency=1000)


def test_one_request_that_takes_long_is_told_of(slow, connection, capsys):
    made = connection(**slow.settings("machine"))
    made.login()
    capsys.readouterr()
    organization = made.get("/organizations", search="Private")[0]["id"]
    told = capsys.readouterr()
    assert "Intermezzo: GET /organizations: no answer for " in told.err
    made.request("GET", f"/organizations/{organization}?search=Private")
    told = capsys.readouterr()
    assert f"Intermezzo: GET /organizations/{organization}: no answer" in told.err
    assert "Private" not in told.err
    assert told.out == ""


def test_a_token_that_takes_long_is_told_of(slow, connection, capsys):
    made = connection(**slow.settings("machine"))
    made.login()
    assert "Intermezzo: signing in: no answer for " in capsys.readouterr().err
    made.logout()
    assert "Intermezzo: signing out: no answer for " in capsys.readouterr().err


@pytest.mark.usefixtures("somebody_there")
def test_who_signs_in_takes_the_time_that_it_takes(
    slow, connection, person, capsys, monkeypatch
):
    made, links = connection(**slow.settings("person")), []
    made.login(wait=False, present=lambda login: links.append(login.prompt.url))
    capsys.readouterr()
    get = made._client.get_ready

    def get_ready():
        time.sleep(0.5)  # many times what is told of as silence here
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


@pytest.mark.parametrize("style", ["page", "cursor"])
def test_a_list_that_takes_long_is_told_of(
    shared_practice, connection, tmp_path, capsys, monkeypatch, style
):
    monkeypatch.setattr(waits, "SILENCE", 0.1)
    server = Pages(rows=150, style=style, latency=0.8)
    try:
        settings = {**shared_practice.settings("machine"), "api_url": server.url}
        made, heard = connection(**settings), []

        made.frame("/things", progress=heard.append)
        silences = [p for p in heard if p.waiting.startswith("no answer for ")]
        assert len(silences) >= (3 if style == "cursor" else 2), "of each request"
        for read in (
            lambda: made.frame("/things"),
            lambda: [*made.records("/things")],
            lambda: made.export("/things", tmp_path / "out"),
        ):
            capsys.readouterr()
            read()
            told = "".join(capsys.readouterr())
            assert "Intermezzo: /things: no answer for " in told
    finally:
        server.stop()


def test_who_reads_slowly_is_not_told_that_nobody_answers(
    shared_practice, connection, monkeypatch
):
    monkeypatch.setattr(waits, "SILENCE", 1.0)
    server = Pages(rows=200, style="cursor")
    try:
        settings = {**shared_practice.settings("machine"), "api_url": server.url}
        made, heard = connection(**settings), []
        for _ in made.frames("/things", rows=100, progress=heard.append):
            time.sleep(1.2)  # longer than what is told of as silence here
        assert not [p.waiting for p in heard if p.waiting]
    finally:
        server.stop()


@pytest.mark.parametrize("stream", [None, "closed"])
def test_what_cannot_be_told_fails_nothing(
    shared_practice, connection, listener, monkeypatch, stream
):
    settings = shared_practice.settings("machine")
    made = connection(**{**settings, "api_url": listener.url})
    made.login()
    listener.answers += [(429, {"Retry-After": "1"}, b""), (200, {}, b"[]")]
    if stream == "closed":
        stream = io.StringIO()
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    assert made.get("/things") == []


def test_without_a_thread_to_watch_a_request_is_sent_all_the_same(
    shared_practice, connection, monkeypatch
):
    made, start = (
        connection(**shared_practice.settings("machine")),
        threading.Thread.start,
    )

    def limited(thread):
        if thread.name == waits.WATCHER:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    assert made.get("/organizations")


def test_an_interrupt_at_the_start_of_the_watch_leaves_nobody_watching(monkeypatch):
    begun, start = [], threading.Thread.start

    def interrupted(thread):
        start(thread)
        if thread.name == waits.WATCHER:
            begun.append(thread)
            raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt), waits.telling_silence(lambda *_: None):
        pass
    begun[0].join(5)
    assert not begun[0].is_alive()
