"""A person signs in where the server breaks a rule: line, switch, what happens."""

from __future__ import annotations

import threading

import pytest
from switches import SWITCHES, instead

from intermezzo_nb.errors import (
    AuthorizationServerError,
    LoginDenied,
    LoginExpired,
    LoginMismatch,
    LoginRequired,
    NetworkError,
    SettingsError,
)

# Each with the line that it is about, the switch, what it ends in, and how often the
# token endpoint was asked: 0 where the code must never have been redeemed.
BAD_ID_TOKEN = "id_token_invalid"
REFUSED = [
    ("RFC 6749 §10.12", "state missing", LoginExpired, "login_expired", 0),
    ("RFC 6749 §10.12", "state wrong", LoginExpired, "login_expired", 0),
    ("RFC 6749 §3.1", "state twice", LoginExpired, "login_expired", 0),
    ("RFC 9207 §2.4", "iss missing", LoginMismatch, "issuer_mismatch", 0),
    ("RFC 9207 §2.4", "iss wrong", LoginMismatch, "issuer_mismatch", 0),
    ("RFC 9207 §2.4", "iss with a slash", LoginMismatch, "issuer_mismatch", 0),
    (
        "RFC 9207 §2.4",
        ("iss not announced", "iss wrong"),
        LoginMismatch,
        "issuer_mismatch",
        0,
    ),
    ("RFC 9207 §2.4", "error with wrong iss", LoginMismatch, "issuer_mismatch", 0),
    ("RFC 9207 §2.4", "error without iss", LoginMismatch, "issuer_mismatch", 0),
    ("OIDC §3.1.2.6", "error with wrong state", LoginExpired, "login_expired", 0),
    ("RFC 6749 §4.1.2.1", "error access_denied", LoginDenied, "login_denied", 0),
    (
        "RFC 6749 §4.1.2.1",
        "error temporarily_unavailable",
        AuthorizationServerError,
        "temporarily_unavailable",
        0,
    ),
    ("RFC 6749 §4.1.2", "code missing", LoginMismatch, "login_mismatch", 0),
    ("RFC 6749 §4.1.2", "code unknown", LoginRequired, "session_ended", 1),
    ("RFC 6749 §7.1", "token_type MAC", None, "bad_token_response", 1),
    ("RFC 6749 §5.1", "access_token missing", None, "missing_token", 1),
    ("RFC 6749 §5.1", "access_token a number", None, "bad_token_response", 1),
    ("RFC 6749 §5.1", "tokens as HTML", None, "not_json", 1),
    ("RFC 6749 §5.1", "tokens cut off", None, "not_json", 1),
    ("RFC 6749 §5.1", "tokens a megabyte", None, "not_json", 1),
    ("RFC 6749 §5.2", "tokens refused with 401", None, "invalid_client", 1),
    ("RFC 6749 §5.2", "tokens refused oddly", None, "<script>alert(1)</script>", 1),
    ("RFC 9700 §4.12", "tokens elsewhere", None, "redirected", 1),
    ("OIDC §3.1.3.7 6", "alg none", LoginMismatch, BAD_ID_TOKEN, 1),
    (
        "OIDC §3.1.3.7 8",
        "HS256 by the public key",
        LoginMismatch,
        "id_token_invalid",
        1,
    ),
    ("OIDC §3.1.3.7 8", "HS256 by a secret", LoginMismatch, BAD_ID_TOKEN, 1),
    ("OIDC §3.1.3.7 6", "wrong key", LoginMismatch, BAD_ID_TOKEN, 1),
    ("OIDC §10.1.1", "unknown kid", None, "unknown_key", 1),
    ("OIDC §2", "ID token no JWT", LoginMismatch, BAD_ID_TOKEN, 1),
    ("OIDC §3.1.3.7 7", "only RS512", LoginMismatch, BAD_ID_TOKEN, 1),
    ("OIDC §3.1.3.7 2", "claim iss wrong", LoginMismatch, BAD_ID_TOKEN, 1),
    ("OIDC §3.1.3.7 3", "claim aud wrong", LoginMismatch, BAD_ID_TOKEN, 1),
    (
        "OIDC §3.1.3.7 3",
        "claim aud with one more",
        LoginMismatch,
        "id_token_invalid",
        1,
    ),
    ("OIDC §3.1.3.7 5", "claim azp wrong", LoginMismatch, BAD_ID_TOKEN, 1),
    ("OIDC §2", "claim sub missing", LoginMismatch, BAD_ID_TOKEN, 1),
    ("OIDC §3.1.3.7 9", "claim exp past", LoginMismatch, BAD_ID_TOKEN, 1),
    ("OIDC §3.1.3.7 9", "claim exp text", LoginMismatch, BAD_ID_TOKEN, 1),
    ("OIDC §3.1.3.7 10", "claim iat future", LoginMismatch, BAD_ID_TOKEN, 1),
    ("RFC 7519 §4.1.5", "claim nbf future", LoginMismatch, BAD_ID_TOKEN, 1),
    ("OIDC §3.1.3.7 11", "claim nonce missing", LoginMismatch, BAD_ID_TOKEN, 1),
    ("OIDC §3.1.3.7 11", "claim nonce wrong", LoginMismatch, BAD_ID_TOKEN, 1),
    ("OIDC §3.1.3.8", "claim at_hash wrong", LoginMismatch, BAD_ID_TOKEN, 1),
    ("RFC 7517 §5", "keys as a list", AuthorizationServerError, "not_json", 1),
    ("RFC 7517 §5", "keys of an unknown kind", None, "unknown_key", 1),
    ("RFC 9700 §4.12", "keys elsewhere", AuthorizationServerError, "redirected", 1),
    ("RFC 8414 §3.3", "metadata of another issuer", None, "issuer_mismatch", 0),
    ("RFC 8414 §3.3", "metadata without issuer", None, "issuer_mismatch", 0),
    ("RFC 8414 §3.2", "metadata as HTML", None, "not_json", 0),
    ("RFC 8414 §3.2", "metadata as a list", None, "not_json", 0),
    ("RFC 8414 §3.2", "metadata cut off", None, "not_json", 0),
    ("RFC 8414 §3.2", "metadata too deep", None, "not_json", 0),
    ("RFC 8414 §3.1", "metadata missing", None, "no_metadata", 0),
    ("RFC 8414 §6.1", "metadata elsewhere", None, "redirected", 0),
    ("RFC 8414 §2", "token endpoint over http", SettingsError, "insecure_url", 0),
    ("RFC 8414 §2", "token endpoint is a number", SettingsError, "bad_setting", 0),
    ("RFC 7636 §7.2", "no S256", AuthorizationServerError, "server_error", 0),
    ("RFC 9126 §2.3", ("PAR offered", "push refused"), None, "invalid_request", 0),
    (
        "RFC 9126 §2.2",
        ("PAR offered", "push without name"),
        None,
        "bad_push_response",
        0,
    ),
]


@pytest.mark.parametrize(
    ("switches", "kind", "code", "redeemed"),
    [row[1:] for row in REFUSED],
    ids=[f"{row[0]} {row[1]}" for row in REFUSED],
)
def test_a_sign_in_is_refused(hostile, signing_in, switches, kind, code, redeemed):
    server = hostile(*([switches] if isinstance(switches, str) else switches))
    made = signing_in(server, timeout=0.8 if kind is LoginExpired else 20.0)
    with pytest.raises(kind or AuthorizationServerError) as caught:
        made.sign_in()
    assert caught.value.code == code
    assert caught.value.advice
    assert len(server.asked("/token")) == redeemed
    assert made.connection._session._source.peek() is None
    # Nothing follows a redirect, and no word of the server can draw in a notebook.
    assert not server.asked("/elsewhere")
    assert "\x1b" not in str(caught.value)
    with pytest.raises(LoginRequired):
        made.connection._session.token()


def test_who_watches_a_sign_in_is_told_where_the_client_was_set(
    hostile, connection, sign_in
):
    url = hostile("tokens refused with 401").url
    made = connection(issuer=url, api_url=f"{url}/v1", client_id="notebook")
    sign_in(made, wait=False)
    with pytest.raises(AuthorizationServerError) as caught:
        made._session._login.wait()
    assert "Check client_id in the profile 'default'" in caught.value.advice


ACCEPTED = [
    ("all is well", ()),
    ("RFC 6749 §4.1.2", ("a parameter nobody knows",)),
    ("RFC 9207 §2.4", ("iss not announced", "iss missing")),
    ("RFC 9207 §2.4", ("iss not announced",)),
    ("RFC 6749 §5.1", ("token_type in capitals",)),
    ("RFC 6749 §5.1", ("expires_in missing",)),
    ("RFC 6749 §5.1", ("expires_in 0",)),
    ("RFC 6749 §5.1", ("expires_in negative",)),
    ("RFC 6749 §5.1", ("expires_in text",)),
    ("RFC 6749 §5.1", ("expires_in nonsense",)),
    ("RFC 6749 §5.1", ("expires_in without end",)),
    ("RFC 6749 §3.3", ("scope narrower",)),
    ("RFC 6749 §3.3", ("scope wider",)),
    ("RFC 6749 §5.1", ("refresh_token missing",)),
    ("RFC 6749 §5.1", ("refresh_token empty",)),
    ("RFC 6749 §5.1", ("id_token missing",)),
    ("RFC 6749 §3.1", ("endpoint with a query",)),
    ("RFC 9126 §4", ("PAR offered",)),
    ("RFC 9126 §5", ("PAR required",)),
    ("RFC 9126 §4", ("PAR offered", "endpoint with a query")),
    ("OIDC §5.3.2", ("userinfo of another",)),
    ("OIDC §5.3.3", ("userinfo as HTML",)),
]


@pytest.mark.parametrize(
    "switches",
    [row[1] for row in ACCEPTED],
    ids=[f"{row[0]} {' + '.join(row[1])}" for row in ACCEPTED],
)
def test_a_sign_in_is_accepted(hostile, signing_in, switches):
    server = hostile(*switches)
    made = signing_in(server)
    made.sign_in()
    assert made.connection.get("/things") == [{"id": "t1"}]
    (form,) = [asked.form for asked in server.asked("/token")]
    assert form["client_id"] == "notebook"
    assert "client_secret" not in form
    for asked in server.seen:
        assert not {"client_secret", "code_verifier", "access_token"} & {*asked.query}
    if "endpoint with a query" in switches:
        (asked,) = server.asked("/authorize")
        assert asked.query["tenant"] == "7"
        assert all("tenant" not in pushed for pushed in server.pushed.values())


def test_names_come_from_userinfo_only_for_the_same_person(hostile, signing_in):
    for switches, name in (((), "Ann Lee"), (("userinfo of another",), None)):
        made = signing_in(hostile(*switches))
        assert made.sign_in().identity.name == name


def test_userinfo_elsewhere_gets_no_token(hostile, signing_in):
    server, other = hostile(), hostile()
    made = signing_in(server, api_url=f"{other.url}/v1")
    made.sign_in()
    assert not server.asked("/userinfo")


def test_what_was_granted_is_recorded(hostile, signing_in):
    made = signing_in(hostile("scope narrower"))
    assert made.sign_in().scope == "openid"


@pytest.mark.parametrize("ahead", [3600.0, -3600.0])
def test_a_wrong_clock_does_not_cost_the_sign_in(hostile, signing_in, ahead):
    server = hostile()
    server.skew = ahead
    made = signing_in(server)
    assert made.sign_in().identity is not None


def test_a_wrong_clock_is_named_where_a_token_is_out_of_time(hostile, signing_in):
    server = hostile("claim exp past")
    server.skew = 5000.0
    with pytest.raises(LoginMismatch) as caught:
        signing_in(server).sign_in()
    assert "behind it" in caught.value.why


def test_keys_that_were_rotated_are_fetched_once_more(hostile, signing_in):
    server = hostile()
    made = signing_in(server)
    made.sign_in()
    assert len(server.asked("/jwks")) == 1
    server.key = 1
    session = made.connection._session
    session.token(rejected=session.token().access_token)
    assert len(server.asked("/jwks")) == 2
    assert made.connection.status().identity is not None


def test_a_renewal_asks_for_the_keys_while_it_asks_for_the_token(
    begun_anew, monkeypatch
):
    are_asked_for, in_time = threading.Event(), []

    def ask(good, *_):
        are_asked_for.set()
        return good

    def hold(good, *_):
        in_time.append(are_asked_for.wait(5))
        return good

    monkeypatch.setitem(SWITCHES, "keys asked for", ("jwks", ask))
    monkeypatch.setitem(SWITCHES, "token held for them", ("token", hold))
    server, _, session = begun_anew()
    server.switches = {"keys asked for", "token held for them"}
    session.token(rejected=session.token().access_token)
    assert in_time == [True]
    assert len(server.asked("/jwks")) == 2


@pytest.fixture
def hanging(monkeypatch):
    """Let the switch "keys hang" hold the keys back until this is set."""
    goes_on = threading.Event()

    def hang(good, *_):
        goes_on.wait(20)
        return good

    monkeypatch.setitem(SWITCHES, "keys hang", ("jwks", hang))
    yield goes_on
    goes_on.set()


def those_who_load():
    return [t for t in threading.enumerate() if t.name == "intermezzo-loading"]


def test_who_is_refused_waits_for_no_keys_nor_does_python(
    begun_anew, hanging, monkeypatch
):
    refused = instead({"error": "invalid_grant"}, 400)
    monkeypatch.setitem(SWITCHES, "no more", ("token", refused))
    server, _, session = begun_anew()
    server.switches = {"keys hang", "no more"}
    with pytest.raises(LoginRequired):
        session.token(rejected=session.token().access_token)
    waiting = those_who_load()
    assert [thread.daemon for thread in waiting] == [True]
    hanging.set()
    waiting[0].join(10)


def test_who_tries_again_asks_for_no_keys_that_are_on_their_way(begun_anew, hanging):
    server, _, session = begun_anew()
    server.switches = {"keys hang", "renewal 503"}
    token = session.token()
    for _ in range(5):
        with pytest.raises(AuthorizationServerError):
            session.token(rejected=token.access_token)
    waiting = those_who_load()
    assert len(waiting) == 1
    hanging.set()
    waiting[0].join(10)
    server.switches = set()
    assert session.token(rejected=token.access_token) != token
    assert len(server.asked("/jwks")) == 2


def test_an_unknown_kid_asks_for_keys_once_more_only(hostile, signing_in):
    server = hostile("unknown kid")
    with pytest.raises(AuthorizationServerError):
        signing_in(server).sign_in()
    assert len(server.asked("/jwks")) == 2


def test_one_slash_of_the_issuer_is_forgiven_and_then_exact(hostile, signing_in):
    server = hostile("metadata with one slash more")
    with pytest.raises(LoginMismatch) as caught:  # iss comes without the slash
        signing_in(server).sign_in()
    assert caught.value.code == "issuer_mismatch"


def test_a_push_is_the_whole_question_and_the_link_names_it(hostile, signing_in):
    server = hostile("PAR offered")
    signing_in(server).sign_in()
    (pushed,) = server.asked("/par")
    (asked,) = server.asked("/authorize")
    assert asked.query.keys() == {"client_id", "request_uri"}
    assert "request_uri" not in pushed.form
    assert {"state", "nonce", "code_challenge", "redirect_uri"} <= pushed.form.keys()


def test_a_push_that_is_forgotten_is_repeated_and_the_link_replaced(
    hostile, signing_in
):
    server = hostile("PAR offered", "push forgotten in a second")
    made = signing_in(server, waits_for_link=2)
    made.sign_in()
    first, second, *_ = server.asked("/par")
    assert first.form == second.form
    (asked,) = server.asked("/authorize")
    assert asked.query["request_uri"].endswith(":1")


def test_a_server_that_is_silent_is_unreachable(hostile, signing_in):
    server = hostile()
    server.stop()
    with pytest.raises(NetworkError):
        signing_in(server).sign_in()
