"""The practice server, asked by hand: what it refuses, and in which words."""

from __future__ import annotations

import base64
import hashlib
import logging
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from intermezzo_nb.__main__ import main

NOTEBOOK = {"client_id": "intermezzo-notebook"}
BACK = "http://127.0.0.1:9/intermezzo/callback"
FORM = "application/x-www-form-urlencoded"
VERIFIER = "v" * 43


def secret_of(practice, who):
    """Give the parameters that a confidential client proves itself by."""
    settings = practice.settings(who)
    secret = Path(settings["client_secret_file"]).read_text()
    return {"client_id": settings["client_id"], "client_secret": secret}


def post(practice, path, body=None, **options):
    return requests.post(practice.url + path, data=body, timeout=5, **options)


def refusal(answer):
    """Give status and word of a refusal, which is JSON (RFC 6749 §5.2)."""
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code, answer.json()["error"]


def challenge(verifier=VERIFIER):
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def asks(practice, **changes):
    """Give the link that begins a sign-in."""
    asked = {
        **NOTEBOOK,
        "response_type": "code",
        "redirect_uri": BACK,
        "scope": "openid offline_access read:organizations",
        "state": "s",
        "code_challenge": challenge(),
        "code_challenge_method": "S256",
        **changes,
    }
    return requests.Request("GET", f"{practice.url}/authorize", params=asked)


@pytest.fixture
def tokens(shared_practice, person):
    """Give the tokens of a person who has signed in."""
    back = person().answer_for(asks(shared_practice).prepare().url)
    code = parse_qs(urlsplit(back).query)["code"][0]
    told = post(
        shared_practice,
        "/oauth2/token",
        {
            **NOTEBOOK,
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": BACK,
            "code_verifier": VERIFIER,
        },
    )
    assert told.ok, told.text
    return told.json()


def refreshed(practice, token, **changes):
    body = {**NOTEBOOK, "grant_type": "refresh_token", "refresh_token": token}
    return post(practice, "/oauth2/token", {**body, **changes})


def opens(practice, token):
    """Tell whether an access token opens the API."""
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{practice.url}/v1/organizations"
    return requests.get(url, headers=headers, timeout=5).ok


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, (400, "invalid_request")),
        ({"client_id": "nobody"}, (401, "invalid_client")),
        ({"client_id": "intermezzo-web"}, (401, "invalid_client")),
        ({**NOTEBOOK, "scope": "evil"}, (400, "invalid_scope")),
        ("client_id=intermezzo-notebook&client_id=b", (400, "invalid_request")),
    ],
)
def test_a_device_is_refused_in_json(shared_practice, body, told):
    headers = {"Content-Type": FORM}
    answer = post(shared_practice, "/device_authorization", body, headers=headers)
    assert refusal(answer) == told


@pytest.mark.parametrize("who", ["machine", "web"])
def test_a_client_without_the_device_grant_gets_no_code(shared_practice, who):
    body = secret_of(shared_practice, who)
    answer = post(shared_practice, "/device_authorization", body)
    assert refusal(answer) == (400, "unauthorized_client")


@pytest.mark.parametrize(
    ("path", "body", "content_type"),
    [
        ("/oauth2/token?foo=bar", b"grant_type=refresh_token", FORM),
        ("/oauth2/token", b"grant_type=%ff", FORM),
        ("/oauth2/token", b"grant_type=\xff", FORM),
        ("/oauth2/token", b"grant_type=a&grant_type=a", FORM),
        ("/oauth2/token", b"grant_type=a&foo=1&foo=", FORM),
        ("/oauth2/token", b"--x\r\n", "multipart/form-data; boundary=x"),
        ("/oauth2/token", b"--x\r\n", "multipart/form-data"),
        ("/oauth2/token", b"{}", "application/json"),
        ("/oauth2/token", b"", ""),
        ("/revoke?token=x", b"", FORM),
        ("/revoke", b"token=a&token=b&client_id=intermezzo-notebook", FORM),
    ],
)
def test_what_cannot_be_read_is_refused_in_json(
    shared_practice, path, body, content_type
):
    answer = post(shared_practice, path, body, headers={"Content-Type": content_type})
    assert refusal(answer) == (400, "invalid_request")


@pytest.mark.parametrize(
    "body",
    [
        b'{"grant_type": "a", "grant_type": "a"}',
        b'{"grant_type": null}',
        b'[["grant_type", "client_credentials"]]',
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_odd_json_is_refused_in_json(practice_server, body):
    practice = practice_server(shape="auth0", rows=5)
    headers = {"Content-Type": "application/json"}
    answer = post(practice, "/oauth/token", body, headers=headers)
    assert refusal(answer) == (400, "invalid_request")


def test_another_method_is_refused_in_json(shared_practice):
    answer = requests.get(f"{shared_practice.url}/oauth2/token", timeout=5)
    assert refusal(answer) == (405, "invalid_request")


def test_each_answer_to_a_program_takes_its_time(practice_server):
    practice = practice_server(latency=300)
    answers = [
        post(practice, "/oauth2/token", secret_of(practice, "machine")),
        requests.get(f"{practice.url}/jwks", timeout=5),
        requests.get(f"{practice.url}/v1/organizations", timeout=5),
    ]
    assert min(answer.elapsed.total_seconds() for answer in answers) >= 0.3


@pytest.mark.parametrize("odd", ["x", "x" * 42, "x" * 129, "é" * 43, challenge() + "="])
def test_a_challenge_that_is_none_goes_back_to_the_client(shared_practice, person, odd):
    link = asks(shared_practice, code_challenge=odd).prepare().url
    told = parse_qs(urlsplit(person().answer_for(link)).query)
    assert (told["error"], told["state"]) == (["invalid_request"], ["s"])


def test_a_repeated_parameter_goes_back_to_the_client(shared_practice, person):
    link = asks(shared_practice, code_challenge=[challenge(), challenge()])
    told = parse_qs(urlsplit(person().answer_for(link.prepare().url)).query)
    assert told["error"] == ["invalid_request"]


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
def test_nobody_revokes_the_token_of_another_client(shared_practice, tokens, kind):
    body = {**secret_of(shared_practice, "machine"), "token": tokens[kind]}
    answer = post(shared_practice, "/revoke", body)
    assert refusal(answer) == (400, "invalid_grant")
    assert opens(shared_practice, tokens["access_token"])
    assert refreshed(shared_practice, tokens["refresh_token"]).ok


def test_the_own_token_is_revoked_and_an_unknown_one_counts_as_such(
    shared_practice, tokens
):
    for token in (tokens["refresh_token"], tokens["refresh_token"], "unknown"):
        assert post(shared_practice, "/revoke", {**NOTEBOOK, "token": token}).ok
    assert not opens(shared_practice, tokens["access_token"])
    answer = refreshed(shared_practice, tokens["refresh_token"])
    assert refusal(answer) == (400, "invalid_grant")


def test_a_narrowed_refresh_keeps_the_session_and_its_scope(shared_practice, tokens):
    narrow = refreshed(shared_practice, tokens["refresh_token"], scope="openid").json()
    assert narrow["scope"] == "openid"
    assert not opens(shared_practice, narrow["access_token"])
    wide = refreshed(shared_practice, narrow["refresh_token"]).json()
    assert set(wide["scope"].split()) == set(tokens["scope"].split())
    assert opens(shared_practice, wide["access_token"])


def test_a_refresh_never_widens(shared_practice, tokens):
    wider = {"scope": "openid read:organizations read:p32"}
    answer = refreshed(shared_practice, tokens["refresh_token"], **wider)
    assert refusal(answer) == (400, "invalid_scope")


def test_cookies_are_none_of_jupyters(shared_practice, person):
    page = person().open(asks(shared_practice).prepare().url)
    assert [cookie.name for cookie in page.cookies] == ["intermezzo-practice-xsrf"]


@pytest.mark.parametrize("command", ["demo", "sandbox"])
@pytest.mark.parametrize("port", ["99999", "-1", "x", "1.5"])
def test_a_port_that_is_none_is_refused(capsys, command, port):
    with pytest.raises(SystemExit):
        main([command, "--port", port])
    assert "no whole number from 0 to 65,535" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flag", "values", "told"),
    [
        ("--token-lifetime", "0 -5 soon 10000001", "no whole number from 1 to"),
        ("--rows", "-5 1.5 1000001", "no whole number from 0 to 1,000,000"),
        ("--rate", "-1 nan inf x 1e5/s", "no number from 0 to 10,000"),
        ("--refuse", "-1 1.5 nan", "no number from 0 to 1"),
        ("--reset", "2 x", "no number from 0 to 1"),
        ("--retry-after", "-1 0.5", "no whole number from 0 to 3,600"),
        ("--drift", "-1 x", "no whole number from 0 to 1,000,000"),
        ("--paging", "pages", "choose from"),
        ("--rate", "1e-9 5e-324/s", "neither 0 nor 0.01 or more"),
        ("--latency", "-1 nan inf x 60001", "no number from 0 to 60,000"),
    ],
)
def test_a_flag_that_could_not_be_kept_is_refused(capsys, flag, values, told):
    for value in values.split():
        with pytest.raises(SystemExit) as caught:
            main(["sandbox", f"{flag}={value}"])
        assert caught.value.code == 2
        assert f"argument {flag}: " in (said := capsys.readouterr().err)
        assert told in said


def test_a_refused_post_leaves_no_state_in_the_log(shared_practice, caplog):
    # Distributed, once imported, keeps tornado's words from the root logger.
    logger = logging.getLogger("tornado.general")
    caplog.set_level("WARNING", logger=logger.name)
    logger.addHandler(caplog.handler)
    page = f"{shared_practice.url}/authorize?state=Xr5mB2vQ9kLw7TzC"
    assert requests.post(page, timeout=20).status_code == 403
    told = [r.getMessage() for r in caplog.records if r.name == "tornado.general"]
    logger.removeHandler(caplog.handler)
    assert "403 POST /authorize (" in told[0]
