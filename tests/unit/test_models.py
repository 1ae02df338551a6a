"""The question knows its answer; a token keeps what a refresh leaves out."""

from __future__ import annotations

import pytest

from intermezzo_nb.errors import (
    AuthorizationServerError,
    LoginDenied,
    LoginMismatch,
)
from intermezzo_nb.oauth.models import (
    AuthorizationRequest,
    Identity,
    Prompt,
    ServerMetadata,
    Token,
)
from intermezzo_nb.secret import Secret

ISSUER = "https://login.example"
STATE = "state-Xr5mB2vQ9kLw7TzC"


def request(*, announced=True):
    return AuthorizationRequest(
        url=f"{ISSUER}/authorize?state={STATE}",
        redirect_uri="http://127.0.0.1:5000/intermezzo/callback",
        state=Secret(STATE),
        nonce=Secret("nonce-Hn3sD8fJ1gPa6yVe"),
        code_verifier=Secret("verifier-"),
        metadata=ServerMetadata(
            issuer=ISSUER, authorization_response_iss_parameter_supported=announced
        ),
    )


def test_a_good_answer_gives_its_code():
    answer = {"state": STATE, "iss": ISSUER, "code": "c0de", "unknown": "ignored"}
    assert request().code_of(answer) == Secret("c0de")


@pytest.mark.parametrize("state", [{}, {"state": ""}, {"state": STATE + "x"}])
def test_a_foreign_state_is_refused(state):
    with pytest.raises(LoginMismatch) as caught:
        request().code_of({**state, "iss": ISSUER, "code": "c"})
    assert caught.value.code == "state_mismatch"


@pytest.mark.parametrize(
    ("iss", "announced"),
    [("https://evil.example", True), ("https://evil.example", False), (None, True)],
)
@pytest.mark.parametrize("rest", [{"code": "c"}, {"error": "access_denied"}])
def test_a_foreign_or_missing_issuer_is_refused_on_errors_too(iss, announced, rest):
    answer = {"state": STATE, **({"iss": iss} if iss else {}), **rest}
    with pytest.raises(LoginMismatch) as caught:
        request(announced=announced).code_of(answer)
    assert caught.value.code == "issuer_mismatch"
    assert (ISSUER if iss else "names no issuer") in caught.value.why


def test_an_issuer_that_was_never_announced_may_be_missing():
    answer = {"state": STATE, "code": "c"}
    assert request(announced=False).code_of(answer) == Secret("c")


def test_a_trailing_slash_is_another_issuer():
    with pytest.raises(LoginMismatch):
        request().code_of({"state": STATE, "iss": ISSUER + "/", "code": "c"})


def test_a_no_is_told_as_a_no():
    with pytest.raises(LoginDenied):
        request().code_of({"state": STATE, "iss": ISSUER, "error": "access_denied"})


def test_another_error_keeps_its_word_and_loses_its_tricks():
    answer = {
        "state": STATE,
        "iss": ISSUER,
        "error": "invalid_scope",
        "error_description": "no\x1b[31m such\nscope" + "x" * 999,
    }
    with pytest.raises(AuthorizationServerError) as caught:
        request().code_of(answer)
    assert caught.value.code == "invalid_scope"
    assert "\x1b" not in str(caught.value)
    assert len(caught.value.why) <= 200


def test_neither_code_nor_error_is_a_mismatch():
    with pytest.raises(LoginMismatch):
        request().code_of({"state": STATE, "iss": ISSUER})


def test_nothing_of_the_request_is_printed():
    shown = repr(request())
    assert STATE not in shown
    assert "verifier-" not in shown


def test_a_refresh_keeps_what_it_leaves_out():
    first = Token(
        Secret("a"), 1.0, 60.0, Secret("r"), "openid", {"sub": "p", "name": "Ann"}
    )
    newer = first.renewed_by(Token(Secret("b"), 2.0, 60.0))
    assert newer == Token(
        Secret("b"), 2.0, 60.0, Secret("r"), "openid", first.id_claims
    )
    rotated = first.renewed_by(Token(Secret("b"), 2.0, 60.0, Secret("r2"), "email"))
    assert (rotated.refresh_token, rotated.scope) == (Secret("r2"), "email")


@pytest.mark.parametrize(
    ("claims", "shown"),
    [
        ({"sub": "p", "name": "Ann Lee", "email": "a@x"}, "Ann Lee (a@x)"),
        ({"sub": "p", "email": "a@x"}, "a@x"),
        ({"sub": "p"}, "p"),
    ],
)
def test_a_person_is_shown_by_the_best_name_there_is(claims, shown):
    assert str(Identity.from_claims(claims)) == shown


def test_a_prompt_reads_as_text():
    prompt = Prompt(f"{ISSUER}/a?b", "login.example", 0.0)
    assert str(prompt).splitlines() == ["Sign in at login.example:", f"{ISSUER}/a?b"]
    told, path = str(Prompt("/a?b", "login.example", 0.0)).splitlines()
    assert "Jupyter's address" in told
    assert path == "/a?b"
    coded = Prompt(ISSUER, "h", 0.0, user_code="WDJB-MJHT", enter_at=f"{ISSUER}/device")
    assert "the code WDJB-MJHT" in str(coded)
    assert f"{ISSUER}/device" in str(coded)


def test_without_an_id_token_nobody_is_named():
    assert Token(Secret("a")).identity is None
    assert Token(Secret("a"), id_claims={"sub": "p"}).identity == Identity("p")


def test_a_name_obeys_no_terminal_and_stays_in_one_line():
    claims = {"sub": "1", "name": "A\x1b]0;x\x07\nB", "email": "a\u202e@b.example"}
    assert str(Identity.from_claims(claims)) == "A ]0;x B (a @b.example)"
