"""The way through the Jupyter server; and where the loopback way must not listen."""

from __future__ import annotations

import pytest

from intermezzo_nb.errors import SettingsError
from intermezzo_nb.oauth.mailbox import Mailbox
from intermezzo_nb.oauth.models import AuthorizationRequest, ServerMetadata
from intermezzo_nb.oauth.receivers import (
    LoopbackReceiver,
    PasteReceiver,
    ServerReceiver,
)
from intermezzo_nb.secret import Secret

STATE = "state-Xr5mB2vQ9kLw7TzC"
BACK = "https://hub.example/hub/user-redirect/intermezzo/callback"


@pytest.fixture
def request_sent():
    return AuthorizationRequest(
        url="https://login.example/authorize",
        redirect_uri=None,
        state=Secret(STATE),
        nonce=Secret("nonce-Hn3sD8fJ1gPa6yVe"),
        code_verifier=Secret("verifier-Hn3sD8fJ1gPa6yVe"),
        metadata=ServerMetadata(),
    )


@pytest.fixture
def mailbox(tmp_path):
    return Mailbox.open(tmp_path, 42, "/user/ann/")


@pytest.fixture
def receiver(mailbox):
    return ServerReceiver(mailbox)


def login_of(link):
    return link.partition("login=")[2]


def test_the_link_leads_through_the_jupyter_server(receiver, request_sent):
    link = receiver.invite(request_sent)
    assert link.startswith("/user/ann/intermezzo/start?login=")
    assert STATE not in link


def test_the_redirect_uri_is_the_one_that_the_server_noted(
    receiver, mailbox, request_sent
):
    link = receiver.invite(request_sent)
    assert receiver.receive(0) is None
    mailbox.note(login_of(link), BACK)
    assert mailbox.drop({"state": STATE, "code": "c"})
    assert receiver.receive(0) == {"state": STATE, "code": "c"}
    assert receiver.redirect_uri == BACK
    assert receiver.receive(0) is None


def test_a_receiver_that_closes_leaves_nothing(receiver, request_sent, tmp_path):
    receiver.invite(request_sent)
    receiver.close()
    left = [path.name for path in (tmp_path / "intermezzo").iterdir()]
    assert left == ["server-42.json"]


ANSWER = f"?code=c&state={STATE}"


@pytest.mark.parametrize(
    "ended_at", [BACK, "https://hub.example/user/ann/intermezzo/callback"]
)
def test_an_address_is_taken_where_the_hub_leads(
    receiver, mailbox, request_sent, ended_at
):
    link = receiver.invite(request_sent)
    assert "not been opened" in receiver.take(ended_at + ANSWER)
    mailbox.note(login_of(link), BACK)
    assert receiver.take(f"  '{ended_at}{ANSWER}'\n") == ""
    assert receiver.receive(0) == {"state": STATE, "code": "c"}
    assert receiver.redirect_uri == BACK


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("c0de", "no whole address"),
        ("", "no whole address"),
        (f"hub.example/x{ANSWER}", "no whole address"),
        ("http://[::1/x?code=c", "no whole address"),
        (BACK, "no whole address"),
        (f"https://evil.example/hub/user-redirect/intermezzo/callback{ANSWER}", "ends"),
        (f"http://hub.example/hub/user-redirect/intermezzo/callback{ANSWER}", "ends"),
        (f"https://hub.example/user/bob/intermezzo/callback{ANSWER}", "ends"),
        (f"{BACK}?code=c&state={STATE}x", "another sign-in"),
        (f"{BACK}{ANSWER}&code=d", "another sign-in"),
    ],
    ids=range(10),
)
def test_an_address_of_something_else_changes_nothing(
    receiver, mailbox, request_sent, address, why
):
    mailbox.note(login_of(receiver.invite(request_sent)), BACK)
    assert why in receiver.take(address)
    assert receiver.receive(0) is None
    assert receiver.take(BACK + ANSWER) == ""
    assert receiver.receive(0)["code"] == "c"


def test_a_registered_address_needs_no_listener(request_sent):
    receiver = PasteReceiver("https://intranet.example/after")
    assert receiver.invite(request_sent) == request_sent.url
    assert receiver.receive(0.01) is None
    assert receiver.take(f"https://intranet.example/after{ANSWER}") == ""
    assert receiver.take(f"https://intranet.example/after{ANSWER}") != ""
    assert receiver.receive(0.01) == {"code": "c", "state": STATE}
    receiver.close()


def test_two_sign_ins_do_not_meet(mailbox, request_sent):
    one, other = (ServerReceiver(mailbox) for _ in range(2))
    assert one.invite(request_sent) != other.invite(request_sent)


@pytest.mark.parametrize(
    "uri", ["https://127.0.0.1/x", "http://notebook.example/x", "http://10.0.0.1:80/x"]
)
def test_the_loopback_way_listens_on_loopback_only(uri):
    with pytest.raises(SettingsError, match="does not lead to this machine"):
        LoopbackReceiver(uri)
