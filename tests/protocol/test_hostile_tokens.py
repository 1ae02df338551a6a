"""Tokens where the server breaks a rule: kept, renewed, spent, revoked."""

from __future__ import annotations

import base64
from urllib.parse import quote_plus

import pytest
from switches import SWITCHES, told

from intermezzo_nb.errors import (
    ApiError,
    AuthorizationServerError,
    LoginMismatch,
    LoginRequired,
    NetworkError,
    NotAllowed,
)

# Line, switch, what a renewal ends in, and whether the session is kept.
RENEWALS = [
    ("RFC 6749 §6", "renewal keeps the refresh token", None, "", True),
    ("RFC 6749 §6", "renewal without scope", None, "", True),
    ("OIDC §12.2", "renewal without ID token", None, "", True),
    ("RFC 6749 §5.2", "renewal invalid_grant", LoginRequired, "session_ended", False),
    (
        "RFC 6749 §5.2",
        "renewal invalid_client",
        AuthorizationServerError,
        "invalid_client",
        True,
    ),
    ("RFC 6749 §5.2", "renewal 500", AuthorizationServerError, "not_json", True),
    (
        "RFC 6749 §5.2",
        "renewal 503",
        AuthorizationServerError,
        "temporarily_unavailable",
        True,
    ),
    ("RFC 6749 §5.1", "renewal empty", AuthorizationServerError, "not_json", True),
    ("RFC 6749 §5.1", "renewal cut off", AuthorizationServerError, "not_json", True),
    (
        "RFC 6749 §5.1",
        "renewal without token",
        AuthorizationServerError,
        "missing_token",
        True,
    ),
    ("lost answer", "renewal unanswered", NetworkError, "network_error", True),
    ("RFC 9700 §4.12", "renewal elsewhere", None, "redirected", True),
    ("OIDC §12.2", "renewed sub differs", LoginMismatch, "id_token_invalid", False),
    ("OIDC §12.2", "renewed iss differs", LoginMismatch, "id_token_invalid", False),
    ("OIDC §12.2", "renewed aud differs", LoginMismatch, "id_token_invalid", False),
    (
        "OIDC §12.2",
        "renewed auth_time differs",
        LoginMismatch,
        "id_token_invalid",
        False,
    ),
]


@pytest.mark.parametrize(
    ("switch", "kind", "code", "kept"),
    [row[1:] for row in RENEWALS],
    ids=[f"{row[0]} {row[1]}" for row in RENEWALS],
)
def test_a_renewal(hostile, signing_in, switch, kind, code, kept):
    server = hostile()
    made = signing_in(server)
    first = made.sign_in()
    session = made.connection._session
    before = session.token()
    server.switches.add(switch)
    if kind or code:
        with pytest.raises(kind or AuthorizationServerError) as caught:
            session.token(rejected=before.access_token)
        assert caught.value.code == code
    else:
        newer = session.token(rejected=before.access_token)
        assert newer.refresh_token is not None
        assert (newer.scope, newer.identity) == (before.scope, first.identity)
        same = switch == "renewal keeps the refresh token"
        assert (newer.refresh_token == before.refresh_token) is same
    source = session._source
    assert (source.store.load(source._key) is not None) is kept
    assert not server.asked("/elsewhere")
    (*_, asked) = server.asked("/token")
    assert asked.form["refresh_token"] == before.refresh_token.reveal()
    # RFC 6749 §6: never more than was granted; without a scope it is the same.
    assert "scope" not in asked.form
    server.switches.clear()
    if kept:
        assert session.token(rejected=before.access_token)
    else:
        with pytest.raises(LoginRequired):
            session.token()


def test_an_answer_that_was_lost_costs_one_sign_in(
    practice_server, connection, sign_in
):
    practice = practice_server()
    made = connection(**practice.settings("person"))
    sign_in(made)
    session = made._session
    token = session.token()
    # The server has rotated, and its answer did not arrive.
    session._oauth.refresh(token.refresh_token)
    with pytest.raises(LoginRequired) as caught:
        session.token(rejected=token.access_token)
    assert "%intermezzo_login" in caught.value.advice
    sign_in(made)
    assert made.get("/organizations")


def test_the_api_refuses_once_and_is_asked_once_more(hostile, signing_in):
    server = hostile()
    made = signing_in(server)
    made.sign_in()
    server.switches.add("API refuses once")
    assert made.connection.get("/things") == [{"id": "t1"}]
    first, second = server.asked("/v1/things")
    assert first.headers["Authorization"] != second.headers["Authorization"]
    assert len(server.asked("/token")) == 2


def test_an_api_that_refuses_for_ever_is_told(hostile, signing_in):
    server = hostile("API refuses always")
    made = signing_in(server)
    made.sign_in()
    with pytest.raises(LoginRequired) as caught:
        made.connection.get("/things")
    assert "--force" in caught.value.advice
    assert len(server.asked("/v1/things")) == 2


def test_a_missing_scope_renews_nothing_and_is_named(hostile, signing_in):
    server = hostile("API wants more scope")
    made = signing_in(server)
    made.sign_in()
    with pytest.raises(NotAllowed) as caught:
        made.connection.get("/things")
    assert "read:things" in caught.value.advice
    assert len(server.asked("/token")) == 1


def test_no_token_follows_a_redirect_of_the_api(hostile, signing_in, monkeypatch):
    server, other = hostile("API elsewhere"), hostile()
    place, _ = SWITCHES["API elsewhere"]

    def lead_away(good, *_):
        good.status, good.body = 307, b""
        good.headers["Location"] = f"{other.url}/v1/things"
        return good

    monkeypatch.setitem(SWITCHES, "API elsewhere", (place, lead_away))
    made = signing_in(server)
    made.sign_in()
    for send in (
        lambda: made.connection.get("/things"),
        lambda: made.connection.request("POST", "/things", json={"salary": "1.00"}),
    ):
        with pytest.raises(ApiError) as caught:
            send()
        assert caught.value.code == "redirected"
    assert other.seen == []


@pytest.mark.parametrize(
    ("switch", "revoked"),
    [
        (None, ("refresh token", "access token")),
        ("revocation with garbage", ("refresh token", "access token")),
        ("revocation 503", ()),
        ("revocation unsupported", ()),
        ("revocation elsewhere", ()),
        ("no revocation", ()),
    ],
)
def test_what_is_purged_here_whatever_the_server_does(
    hostile, signing_in, switch, revoked
):
    server = hostile(*([switch] if switch else []))
    made = signing_in(server)
    made.sign_in()
    done = made.connection.logout()
    assert done.purged
    assert done.revoked == revoked
    assert bool(done.not_revoked) is (not revoked)
    told = done.not_revoked.split("; ")
    assert len(told) == len({*told})  # both tokens fail in the same way
    assert not server.asked("/elsewhere")
    if switch != "no revocation":
        first, *_ = server.asked("/revoke")
        assert (first.method, first.query) == ("POST", {})
        assert first.form["token_type_hint"] == "refresh_token"
        assert first.form["client_id"] == "notebook"
    source = made.connection._session._source
    assert source.store.load(source._key) is None
    with pytest.raises(LoginRequired):
        made.connection.get("/things")


@pytest.fixture
def machine(connection, tmp_path, leaks):
    """Make a machine's connection to a hostile server."""

    def connect(server, secret, **changes):
        file = tmp_path / "secret"
        file.write_text(secret, encoding="utf-8")
        leaks.allow(file)
        settings = {
            "issuer": server.url,
            "api_url": f"{server.url}/v1",
            "client_id": "night:export",
            "client_secret_file": str(file),
        }
        return connection(**{**settings, **changes})

    return connect


SECRET = "pä:ss%wo+rd of this test"


def test_a_secret_goes_one_way_only(hostile, machine):
    server = hostile()
    assert machine(server, SECRET).get("/things")
    (asked,) = server.asked("/token")
    assert asked.form["client_secret"] == SECRET
    assert "Authorization" not in asked.headers
    assert asked.query == {}


def test_basic_is_encoded_first(hostile, machine, monkeypatch):
    basic = told(token_endpoint_auth_methods_supported=["client_secret_basic"])
    monkeypatch.setitem(SWITCHES, "Basic only", ("metadata", basic))
    server = hostile("Basic only")
    assert machine(server, SECRET).get("/things")
    (asked,) = server.asked("/token")
    pair = f"{quote_plus('night:export')}:{quote_plus(SECRET)}"
    encoded = base64.b64encode(pair.encode()).decode()
    assert asked.headers["Authorization"] == f"Basic {encoded}"
    assert not {"client_secret", "client_id"} & asked.form.keys()


@pytest.mark.parametrize("encoding", ["form", "json"])
def test_an_audience_goes_with_the_request(hostile, machine, encoding):
    server = hostile()
    made = machine(server, SECRET, audience="https://api", token_encoding=encoding)
    assert made.get("/things")
    (asked,) = server.asked("/token")
    assert asked.form["audience"] == "https://api"
    assert encoding in asked.headers["Content-Type"]


def test_a_refresh_token_for_a_machine_is_not_used(hostile, machine, monkeypatch):
    gift = told(refresh_token="imz_rt_that-nobody-should-have-sent")
    monkeypatch.setitem(SWITCHES, "a gift", ("first", gift))
    server = hostile("a gift")
    session = machine(server, SECRET)._session
    token = session.token()
    assert token.refresh_token is None
    session.token(rejected=token.access_token)
    grants = [asked.form["grant_type"] for asked in server.asked("/token")]
    assert grants == ["client_credentials"] * 2
