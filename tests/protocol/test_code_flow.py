"""A person signs in: on the practice server, and on one that we did not write."""

from __future__ import annotations

import threading
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from foreign import ForeignServer

from intermezzo_nb.errors import (
    LoginCancelled,
    LoginDenied,
    LoginExpired,
    LoginMismatch,
    LoginRequired,
    NetworkError,
    SettingsError,
)
from intermezzo_nb.secret import Secret


@pytest.fixture(scope="module")
def foreign_jwt():
    """The certified server, with access tokens that look like more than they are."""
    server = ForeignServer(jwt=1)
    yield server
    server.stop()


@pytest.fixture(
    params=[
        "practice",
        "practice as auth0",
        "practice web",
        "foreign",
        "foreign web",
        "foreign_jwt",
    ]
)
def server(request, practice_server, shared_practice, tmp_path, leaks):
    """Give the settings of a person's client, and a path that the token opens."""
    kind = request.param
    if kind.startswith("practice"):
        is_auth0 = kind.endswith("auth0")
        practice = practice_server(shape="auth0") if is_auth0 else shared_practice
        who = "web" if kind.endswith("web") else "person"
        return practice.settings(who), "/organizations"
    foreign = request.getfixturevalue(kind.partition(" ")[0])
    settings = {
        "issuer": foreign.issuer,
        "api_url": foreign.api,
        "client_id": "web" if kind.endswith("web") else "native",
        "scope": "openid profile email offline_access read:things",
    }
    if kind.endswith("web"):
        secret = tmp_path / "secret"
        secret.write_text(foreign.clients["web"])
        leaks.allow(secret)
        settings |= {"client_secret_file": str(secret), "grant": "authorization_code"}
    return settings, "/things"


def test_a_person_signs_in_and_reads(server, connection, sign_in):
    settings, path = server
    made = connection(**settings)
    status = sign_in(made)
    assert status.state == "signed in"
    assert status.renews
    assert "Voss" in str(status.identity) or "Foreign Person" in str(status.identity)
    assert status.scope
    assert made.get(path)


def test_two_rotations_in_a_row(server, connection, sign_in):
    settings, path = server
    made = connection(**settings)
    sign_in(made)
    seen = set()
    for _ in range(3):
        token = made._session.token()
        seen.add(token.refresh_token.reveal())
        made._session.token(rejected=token.access_token)
        assert made.get(path)
    assert len(seen) == 3
    assert made.status().identity is not None


def test_a_refused_consent_is_a_denial(server, connection, sign_in):
    settings, path = server
    made = connection(**settings)
    with pytest.raises(LoginDenied):
        sign_in(made, answer="deny")
    with pytest.raises(LoginRequired):
        made.get(path)


def test_logout_revokes_at_the_server_and_purges_here(server, connection, sign_in):
    settings, path = server
    made = connection(**settings)
    sign_in(made)
    told = made.logout()
    assert told.purged
    assert told.revoked[0] == "refresh token"
    # What cannot be revoked, as a JWT that the server does not keep, is said so.
    assert (len(told.revoked) == 2) is (told.not_revoked == "")
    assert told.not_revoked in str(told)
    with pytest.raises(LoginRequired):
        made.get(path)


def test_a_second_login_takes_the_session_that_is_kept(
    shared_practice, connection, sign_in
):
    made = connection(**shared_practice.settings("person"))
    sign_in(made)
    before = shared_practice.ledger.token_requests
    assert made.login().state == "signed in"
    assert shared_practice.ledger.token_requests == before


def test_a_kept_session_survives_the_process(
    shared_practice,
    connection,
    sign_in,
    clean_environment,
    leaks,
    tmp_path,
    monkeypatch,
):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    leaks.allow(tmp_path / "state")
    settings = {**shared_practice.settings("person"), "store": "file"}
    sign_in(connection(**settings))
    again = connection(**settings)
    assert again.login().state == "signed in"
    assert again.get("/organizations")
    again.logout()
    assert list((tmp_path / "state").rglob("*.json")) == []


def test_nobody_answers_in_time(shared_practice, connection, somebody_there):
    made = connection(**shared_practice.settings("person", timeout=0.3))
    prompts = []
    with pytest.raises(LoginExpired) as caught:
        made.login(present=lambda login: prompts.append(login.prompt))
    assert prompts[0].redirect_uri in caught.value.advice


def test_a_cancelled_sign_in_closes_its_port(
    shared_practice, connection, somebody_there
):
    made = connection(**shared_practice.settings("person"))
    logins = []
    made.login(present=logins.append, wait=False)
    back = parse_qs(urlsplit(logins[0].prompt.url).query)["redirect_uri"][0]
    logins[0].cancel()
    with pytest.raises(LoginCancelled):
        made.get("/organizations")
    with pytest.raises(requests.ConnectionError):
        requests.get(back, timeout=2)


def test_a_newer_sign_in_takes_the_place_of_the_first(
    shared_practice, connection, somebody_there
):
    made = connection(**shared_practice.settings("person"))
    logins = []
    made.login(present=logins.append, wait=False)
    made.login(present=logins.append, wait=False)
    with pytest.raises(LoginCancelled, match="replaced by a newer"):
        logins[0].wait()
    assert logins[0].error.code == "login_replaced"
    logins[0].cancel()
    assert logins[1].state == "link ready"


def test_who_cancelled_is_not_told_of_a_newer_sign_in(
    shared_practice, connection, somebody_there
):
    made = connection(**shared_practice.settings("person"))
    logins = []
    made.login(present=logins.append, wait=False)
    logins[0].cancel()
    made.login(present=logins.append, wait=False)
    with pytest.raises(LoginCancelled, match="was cancelled"):
        logins[0].wait()


def test_the_first_request_waits_for_the_sign_in(
    shared_practice, connection, somebody_there, person
):
    made = connection(**shared_practice.settings("person"))
    logins = []
    made.login(present=logins.append, wait=False)
    url, browser = logins[0].prompt.url, person()
    timer = threading.Timer(0.3, browser.sign_in, args=(url,))
    timer.start()
    assert made.get("/organizations")
    timer.join()


def test_a_forged_answer_changes_nothing(
    shared_practice, connection, somebody_there, person
):
    made = connection(**shared_practice.settings("person"))
    logins = []
    made.login(present=logins.append, wait=False)
    url = logins[0].prompt.url
    back = parse_qs(urlsplit(url).query)["redirect_uri"][0]
    state, browser = parse_qs(urlsplit(url).query)["state"][0], person()
    for forged in (
        "?code=x&state=wrong",
        "?code=x",
        "",
        f"?code=x&state={state}&state={state}",
        "/../callback?code=x",
    ):
        assert browser.open(back + forged).status_code == 404
    assert browser.sign_in(url).status_code == 200
    assert made.get("/organizations")


def test_the_page_that_closes_a_sign_in_keeps_and_passes_on_nothing(
    shared_practice, connection, somebody_there, person
):
    made = connection(**shared_practice.settings("person"))
    logins = []
    made.login(present=logins.append, wait=False)
    page = person().sign_in(logins[0].prompt.url)
    # RFC 9700 §4.2.4, RFC 8252 §8.12: nothing foreign, no trace, in no frame.
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "?" not in page.url
    assert "code=" not in page.text
    assert made.get("/organizations")


def test_an_answer_of_another_issuer_is_not_redeemed(
    shared_practice, connection, somebody_there, person
):
    made = connection(**shared_practice.settings("person"))
    logins = []
    made.login(present=logins.append, wait=False)
    query = parse_qs(urlsplit(logins[0].prompt.url).query)
    before = shared_practice.ledger.token_requests
    answer = {"code": "x", "state": query["state"][0], "iss": "https://evil.example"}
    person().open(query["redirect_uri"][0], **answer)
    with pytest.raises(LoginMismatch) as caught:
        made.get("/organizations")
    assert caught.value.code == "issuer_mismatch"
    assert shared_practice.ledger.token_requests == before


def test_state_nonce_and_verifier_are_new_each_time(
    shared_practice, connection, somebody_there
):
    seen = set()
    for _ in range(3):
        made = connection(**shared_practice.settings("person"))
        logins = []
        made.login(present=logins.append, wait=False)
        query = parse_qs(urlsplit(logins[0].prompt.url).query)
        seen |= {query[name][0] for name in ("state", "nonce", "code_challenge")}
        assert query["code_challenge_method"] == ["S256"]
        assert query["prompt"] == ["consent"]
    assert len(seen) == 9


def test_a_taken_port_is_told(shared_practice, connection, somebody_there):
    taken = f"{shared_practice.url}/intermezzo/callback"
    made = connection(**shared_practice.settings("person", redirect_uri=taken))
    with pytest.raises(SettingsError) as caught:
        made.login(present=lambda login: None)
    assert caught.value.code == "port_taken"


def test_a_reused_refresh_token_ends_the_family(server, connection, sign_in):
    settings, path = server
    made = connection(**settings)
    sign_in(made)
    token = made._session.token()
    made._session._oauth.refresh(token.refresh_token)
    with pytest.raises(LoginRequired) as caught:
        made._session.token(rejected=token.access_token)
    assert caught.value.code == "session_ended"
    assert "Sign in again" in caught.value.advice
    with pytest.raises(LoginRequired):
        made.get(path)


def test_the_token_is_never_looked_into(shared_practice, connection, sign_in):
    made = connection(**shared_practice.settings("person"))
    sign_in(made)
    assert made._session.token().access_token != Secret("")
    assert "imz_at_" not in repr(made._session.token())


def test_a_server_that_is_gone_since_is_told_before_a_link(hostile, signing_in):
    server, shown = hostile(), []
    made = signing_in(server)
    made.sign_in()
    server.stop()
    with pytest.raises(NetworkError, match="cannot be reached"):
        made.connection.login(force=True, wait=False, present=shown.append)
    assert shown == []
