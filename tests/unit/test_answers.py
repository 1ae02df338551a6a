"""What an authorization server may say, and what a person hears of it."""

from __future__ import annotations

import pytest
import requests

from intermezzo_nb.errors import AuthorizationServerError
from intermezzo_nb.oauth.answers import refusal, token_response, unreachable
from intermezzo_nb.oauth.wire import ClientAuthentication, Skew
from intermezzo_nb.secret import Secret

HOST = "login.example"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (requests.ConnectTimeout(), "ConnectTimeout: no answer in time"),
        (requests.ReadTimeout(), "ReadTimeout: no answer in time"),
        (requests.exceptions.SSLError("secret"), "the certificate or the TLS"),
        (requests.exceptions.ProxyError("secret"), "the proxy of the environment"),
        (requests.ConnectionError("secret"), "ConnectionError."),
        (OSError("Could not find the bundle /x.pem"), "bundle /x.pem"),
    ],
)
def test_a_fault_of_the_network_is_told_without_its_text(fault, told):
    error = unreachable(HOST, fault)
    assert told in error.why
    assert "secret" not in str(error)
    assert HOST in error.what
    assert error.__cause__ is None


@pytest.mark.parametrize(
    ("word", "advice"),
    [
        ("invalid_client", "INTERMEZZO_CLIENT_ID"),
        ("unauthorized_client", "client notebook"),
        ("invalid_scope", "INTERMEZZO_SCOPE"),
        ("invalid_request", "INTERMEZZO_TOKEN_ENCODING"),
        ("HTTP 415", "INTERMEZZO_TOKEN_ENCODING"),
        ("access_denied", "INTERMEZZO_AUDIENCE"),
        ("invalid_target", "INTERMEZZO_AUDIENCE"),
        ("something_new", "those who run"),
    ],
)
def test_each_refusal_has_its_advice(word, advice):
    error = refusal("the code", word, host=HOST, client_id="notebook", status=400)
    assert advice in error.advice
    assert (error.code, error.status) == (word, 400)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        (3600, 3600.0),
        ("3600", 3600.0),
        (12.5, 12.5),
        (0, None),
        (-1, None),
        ("soon", None),
        (10**400, None),
        (float("nan"), None),
        (None, None),
        ([60], None),
        (True, 1.0),
    ],
)
def test_a_life_is_a_number_of_seconds_or_unknown(told, seconds):
    answer = {"access_token": "abc", "expires_in": told}
    assert token_response(answer, 0.0, HOST).token.expires_in == seconds


@pytest.mark.parametrize("token", ["two words", "line\nend", "ünicode", "", 5, None])
def test_what_no_header_can_carry_is_no_token(token):
    with pytest.raises(AuthorizationServerError) as caught:
        token_response({"access_token": token}, 0.0, HOST)
    assert caught.value.code == "bad_token_response"


@pytest.mark.parametrize("date", [None, "", "yesterday", "Fri, 99 Foo 2026 25:61:00"])
def test_a_date_that_is_none_teaches_nothing(date):
    response = requests.Response()
    response.headers.update({"Date": date} if date is not None else {})
    skew = Skew()
    skew.seconds = 90.0
    skew.learn(response)
    assert skew.seconds == 90.0


def test_by_the_header_nothing_of_the_client_is_in_the_body():
    shown = ClientAuthentication("id", Secret("p%s:ß"), by_header=True)
    assert shown.body == {}
    assert (shown.header.username, shown.header.password) == ("id", "p%25s%3A%C3%9F")


def test_without_a_secret_there_is_no_header():
    assert ClientAuthentication("id", by_header=True).header is None
    assert ClientAuthentication("id", by_header=True).body == {"client_id": "id"}
