"""Lines of the standards that no other test would miss if they were broken."""

from __future__ import annotations

import base64
import time

import pytest
from switches import SWITCHES, instead, told

from intermezzo_nb.errors import AuthorizationServerError, SettingsError
from intermezzo_nb.oauth.client import OAuthClient
from intermezzo_nb.oauth.discovery import discover
from intermezzo_nb.oauth.receivers import LoopbackReceiver
from intermezzo_nb.settings import Settings


def settings(server, **changes):
    named = {"issuer": server.url, "api_url": server.url, "client_id": "notebook"}
    return Settings.resolve(profiles={"default": {**named, **changes}})


@pytest.fixture
def secret(tmp_path, leaks):
    """A client's secret in a file, where it may be."""
    leaks.allow(tmp_path / "secret")
    (tmp_path / "secret").write_text("imz_cs_" + "known-to-this-client-only")
    return {
        "client_secret_file": str(tmp_path / "secret"),
        "grant": "authorization_code",
    }


@pytest.mark.parametrize("by_header", [True, False])
def test_each_request_proves_the_client_in_one_way(
    hostile, signing_in, monkeypatch, secret, by_header
):
    """RFC 6749 §2.3, RFC 7009 §2.1, RFC 9126 §2.1."""
    method = "client_secret_basic" if by_header else "client_secret_post"
    only = told(token_endpoint_auth_methods_supported=[method])
    monkeypatch.setitem(SWITCHES, "one method", ("metadata", only))
    server = hostile("one method", "PAR offered")
    made = signing_in(server, **secret)
    made.sign_in()
    session = made.connection._session
    session.token(rejected=session.token().access_token)
    made.connection.logout()
    for path, times in (("/par", 1), ("/token", 2), ("/revoke", 2)):
        asked = server.asked(path)
        assert len(asked) == times
        for one in asked:
            assert ("Authorization" in one.headers) is by_header, path
            assert ("client_secret" in one.form) is not by_header, path
            assert "client_secret" not in one.query


def test_a_device_request_proves_the_client(hostile, monkeypatch, secret):
    """RFC 8628 §3.1."""
    basic = told(token_endpoint_auth_methods_supported=["client_secret_basic"])
    monkeypatch.setitem(SWITCHES, "Basic only", ("metadata", basic))
    server = hostile("Basic only")
    OAuthClient(settings(server, **secret)).device_authorization()
    (asked,) = server.asked("/device")
    scheme, _, pair = asked.headers["Authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(pair).startswith(b"notebook:")
    assert "client_secret" not in asked.form


def test_a_machine_without_credentials_asks_nothing(hostile):
    """RFC 6749 §4.4: for confidential clients only."""
    server = hostile()
    client = OAuthClient(settings(server, grant="client_credentials"))
    with pytest.raises(SettingsError, match="client_secret"):
        client.request_token()
    assert server.asked("/token") == []


def test_a_redirect_uri_has_no_fragment(hostile):
    """RFC 6749 §3.1.2."""
    with pytest.raises(SettingsError):
        settings(hostile(), redirect_uri="http://127.0.0.1/intermezzo/callback#x")


@pytest.mark.parametrize("more", [".evil.example", "x", "/tenant"])
def test_an_issuer_that_begins_alike_is_another(hostile, monkeypatch, more):
    """RFC 8414 §3.3."""
    server = hostile()
    alike = told(issuer=server.url + more)
    monkeypatch.setitem(SWITCHES, "an issuer that begins alike", ("metadata", alike))
    server.switches = {"an issuer that begins alike"}
    with pytest.raises(AuthorizationServerError) as caught:
        _ = OAuthClient(settings(server)).metadata
    assert caught.value.code == "issuer_mismatch"


@pytest.mark.parametrize(
    "place",
    [
        "https://h.example/.well-known/oauth-authorization-server/tenant",
        "https://h.example/tenant/.well-known/openid-configuration",
        "https://h.example/.well-known/openid-configuration/tenant",
    ],
)
def test_metadata_are_found_at_each_documented_place(place):
    """RFC 8414 §3.1, §5; OpenID Connect Discovery §4."""
    issuer, tried = "https://h.example/tenant", []

    def fetch(url):
        tried.append(url)
        token_endpoint = f"{issuer}/token"
        document = {"issuer": issuer, "token_endpoint": token_endpoint}
        return document if url == place else None

    found = discover(Settings(issuer=issuer), fetch)
    assert found.token_endpoint == f"{issuer}/token"
    assert tried[-1] == place


def test_a_question_that_has_to_be_pushed_is_not_asked_otherwise(hostile):
    """RFC 9126 §5: and where only a Jupyter server knows the redirect URI."""
    server = hostile("PAR required")
    with pytest.raises(AuthorizationServerError) as caught:
        OAuthClient(settings(server)).authorization_request(None)
    assert caught.value.code == "push_required"
    assert server.asked("/par") == []


def test_a_rotated_token_is_saved_before_its_id_token_is_judged(
    begun_anew, monkeypatch
):
    """RFC 9700 §4.14: keys that take their time must not cost the token."""
    kept = []

    def look(good, *_):
        # They are asked for while the token is: an answer that comes after it.
        source = made.connection._session._source
        saved, until = first.refresh_token, time.monotonic() + 5
        while saved == first.refresh_token and time.monotonic() < until:
            saved = source.store.load(source._key).refresh_token
        kept.append(saved)
        return good

    monkeypatch.setitem(SWITCHES, "looked at", ("jwks", look))
    server, made, session = begun_anew()
    first = session.token()
    server.switches = {"looked at"}
    renewed = session.token(rejected=first.access_token)
    assert kept == [renewed.refresh_token]
    assert kept != [first.refresh_token]


def test_a_refusal_elsewhere_is_answered_with_no_token(
    shared_practice, connection, listener
):
    """RFC 6750 §5.3: the connection's session, at another origin."""
    made = connection(**shared_practice.settings("machine"))
    listener.answers += [(401, {"WWW-Authenticate": "Bearer"}, b"{}")] * 2
    assert made.session.get(f"{listener.url}/x").status_code == 401
    assert len(listener.seen) == 1
    assert "Authorization" not in listener.seen[0]


def test_the_listener_is_on_loopback_and_at_one_path(person):
    """RFC 8252 §8.3, §8.10."""
    receiver = LoopbackReceiver()
    try:
        assert receiver._server.server_address[0] == "127.0.0.1"
        receiver._taken._is_ours = lambda _: True
        elsewhere = receiver.redirect_uri.replace("/callback", "/other")
        assert person().open(f"{elsewhere}?code=c&state=s").status_code == 404
        assert receiver.receive(0.01) is None
    finally:
        receiver.close()


def test_a_token_without_a_type_is_taken_for_a_bearer_token(hostile, signing_in):
    """RFC 6749 §5.1 asks for it; servers that leave it out mean that one."""
    made = signing_in(hostile("token_type missing"))
    made.sign_in()
    assert made.connection.get("/things")


def test_a_code_is_used_once_also_after_an_error(hostile, signing_in, monkeypatch):
    """RFC 6749 §4.1.2."""
    busy = instead({"error": "temporarily_unavailable"}, 503)
    monkeypatch.setitem(SWITCHES, "busy", ("first", busy))
    server = hostile("busy")
    with pytest.raises(AuthorizationServerError):
        signing_in(server).sign_in()
    assert len(server.asked("/token")) == 1
