"""The device grant where the server is slow, silent, or breaks a rule (RFC 8628)."""

from __future__ import annotations

import threading
import time

import pytest

from intermezzo_nb.api.waits import WATCHER
from intermezzo_nb.errors import (
    AuthorizationServerError,
    LoginDenied,
    LoginExpired,
    SettingsError,
)
from intermezzo_nb.oauth import flows


@pytest.fixture
def pauses(monkeypatch):
    """Record the pauses between polls, and let none of them last."""
    found, wait = [], threading.Event.wait

    class Brief(threading.Event):
        def wait(self, timeout=None):
            if threading.current_thread().name == WATCHER:
                return wait(self, timeout)
            if timeout and timeout >= 0.2:
                found.append(round(timeout, 3))
            return wait(self, min(timeout or 0.0, 0.02))

    monkeypatch.setattr("intermezzo_nb.login.threading.Event", Brief)
    return found


def signed_in(made):
    return made.connection.login(present=lambda login: None)


@pytest.mark.parametrize(
    ("line", "switch", "second"),
    [
        ("§3.5", "device pending once", 0.2),
        ("§3.5", "device slow_down once", 5.2),
        ("§3.5", "device unanswered once", 0.4),
        ("§3.5", "device 503 once", 0.4),
        ("§3.5", "device 502 once", 0.4),
        ("§3.5", "device 429 once", 0.4),
    ],
)
def test_the_pause_grows_as_it_has_to(
    hostile, signing_in, pauses, line, switch, second
):
    server = hostile(switch)
    made = signing_in(server, via="device", timeout=60.0)
    assert signed_in(made).state == "signed in"
    assert [p for p in pauses if p != 0.5] == [0.2, second], line
    assert made.connection.get("/things")


def test_slow_down_is_for_good(monkeypatch):
    server = iter(["slow_down", "authorization_pending", "slow_down"])
    pause, seen = 5.0, []
    for word in server:
        error = AuthorizationServerError("x", code=word)
        pause += flows._longer_pause(error, "host")
        seen.append(pause)
    assert seen == [10.0, 10.0, 15.0]


@pytest.mark.parametrize(
    ("line", "switch", "kind", "code", "polls"),
    [
        ("§3.5", "device denied", LoginDenied, "login_denied", 1),
        ("§3.5", "device expired", LoginExpired, "login_expired", 1),
        (
            "§3.5",
            "device unknown error",
            AuthorizationServerError,
            "server_is_tired",
            1,
        ),
        (
            "§3.2",
            "device without code",
            AuthorizationServerError,
            "bad_device_response",
            0,
        ),
        (
            "§3.2",
            "device without address",
            AuthorizationServerError,
            "bad_device_response",
            0,
        ),
        ("§3.3", "device address over http", SettingsError, "insecure_url", 0),
        (
            "§3.2",
            "device refused",
            AuthorizationServerError,
            "unauthorized_client",
            0,
        ),
        ("§3.1", "no device grant", SettingsError, "missing_setting", 0),
    ],
)
def test_an_end_is_told(hostile, signing_in, line, switch, kind, code, polls):
    server = hostile(switch)
    made = signing_in(server, via="device")
    with pytest.raises(kind) as caught:
        signed_in(made)
    assert caught.value.code == code, line
    assert len(server.asked("/token")) == polls


def test_the_polling_ends_with_the_code(hostile, signing_in):
    server = hostile("device pending for ever", "device life of a second")
    began = time.monotonic()
    with pytest.raises(LoginExpired):
        signed_in(signing_in(server, via="device", timeout=60.0))
    assert 0.9 < time.monotonic() - began < 3.0
    assert 2 <= len(server.asked("/token")) <= 5


def test_without_an_interval_it_is_five_seconds(hostile, signing_in):
    server = hostile("device without interval")
    made = signing_in(server, via="device")
    request = made.connection._session._oauth.device_authorization()
    assert request.interval == 5.0


def test_what_is_sent(hostile, signing_in, capsys):
    server = hostile()
    made = signing_in(server, via="device", audience="https://api")
    made.connection.login()
    (asked,) = server.asked("/device")
    assert asked.form["client_id"] == "notebook"
    assert "offline_access" in asked.form["scope"]
    assert asked.form["audience"] == "https://api"
    (polled,) = server.asked("/token")
    assert polled.form["grant_type"].endswith("grant-type:device_code")
    assert polled.form["audience"] == "https://api"
    # §3.3.1: the code is shown though the address knows it; §5.4 the other never.
    shown = capsys.readouterr().out
    assert "WDJB-MJHT" in shown
    assert polled.form["device_code"] not in shown


def test_a_cancelled_one_stops_polling(hostile, signing_in):
    server = hostile("device pending for ever")
    made = signing_in(server, via="device")
    made.connection.login(wait=False, present=lambda login: None)
    time.sleep(0.3)
    made.connection.cancel_login()
    time.sleep(0.4)
    polls = len(server.asked("/token"))
    time.sleep(0.5)
    assert len(server.asked("/token")) == polls
