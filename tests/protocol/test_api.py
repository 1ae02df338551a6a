"""Requests to the API: whose they are, what becomes of errors, and how long."""

from __future__ import annotations

import errno
import itertools
import json
import os
import pickle
import time
import traceback
from email.utils import formatdate

import pytest
import requests

from intermezzo_nb.api.client import ApiSession
from intermezzo_nb.api.signing import BearerAuth
from intermezzo_nb.connection import Connection
from intermezzo_nb.errors import (
    ApiError,
    AuthorizationServerError,
    IncompleteWarning,
    LoginRequired,
    NetworkError,
    NotAllowed,
    NotFound,
    RateLimited,
    SettingsError,
    ValidationFailed,
)
from intermezzo_nb.oauth.models import Token
from intermezzo_nb.secret import Secret
from intermezzo_nb.settings import Settings


@pytest.fixture
def machine(shared_practice, connection):
    return connection(**shared_practice.settings("machine"))


def split(shared_practice, connection, listener):
    """Connect to the practice server's tokens, and to the listener's API."""
    settings = shared_practice.settings("machine", api_url=listener.url)
    return connection(**settings)


def test_client_credentials_need_no_login(machine):
    assert len(machine.get("/organizations")) == 3
    assert machine.status().state == "signed in"


@pytest.mark.parametrize("shape", ["authkit", "auth0"])
def test_both_documented_token_endpoints(practice_server, connection, shape):
    practice = practice_server(shape=shape)
    assert connection(**practice.settings("machine")).get("/organizations")


def test_a_machine_asks_again_before_its_token_dies(practice_server, connection):
    practice = practice_server(token_lifetime=2)
    made = connection(**practice.settings("machine"))
    end = time.monotonic() + 4
    while time.monotonic() < end:
        made.get("/organizations")
        time.sleep(0.05)
    assert 3 <= practice.ledger.token_requests <= 4


def test_a_refused_token_is_renewed_once_and_the_request_repeated(
    shared_practice, connection, listener
):
    made = split(shared_practice, connection, listener)
    listener.answers += [(401, {}, b"{}"), (200, {}, b'{"ok": true}')]
    assert made.get("/x") == {"ok": True}
    sent = [headers["Authorization"] for headers in listener.seen]
    assert len(set(sent)) == 2


def test_a_token_refused_twice_is_an_ended_session(
    shared_practice, connection, listener
):
    made = split(shared_practice, connection, listener)
    listener.answers += [(401, {}, b"{}")] * 2
    with pytest.raises(LoginRequired) as caught:
        made.get("/x")
    assert caught.value.code == "session_ended"
    assert len(listener.seen) == 2


@pytest.mark.parametrize(("refused", "asked"), [(3, 4), (9, 6)])
def test_tokens_that_end_on_the_way_are_followed_by_newer_ones(
    listener, refused, asked
):
    given = itertools.count()
    auth = BearerAuth(
        lambda **_: Token(Secret(f"token-number-{next(given)}-of-many")), listener.url
    )
    listener.answers += [(401, {}, b"{}")] * refused + [(200, {}, b"[]")]
    with ApiSession(auth, listener.url) as session:
        answer = session.get(f"{listener.url}/x")
    assert answer.status_code == (200 if asked > refused else 401)
    assert len({headers["Authorization"] for headers in listener.seen}) == asked


def test_a_redirect_within_the_api_is_followed(shared_practice, connection, listener):
    made = split(shared_practice, connection, listener)
    listener.answers += [
        (302, {"Location": f"{listener.url}/y"}, b""),
        (200, {}, b"[]"),
    ]
    assert made.get("/x") == []
    assert all("Authorization" in headers for headers in listener.seen)


def test_nothing_goes_across_a_redirect_to_another_origin(
    shared_practice, connection, listener
):
    made = split(shared_practice, connection, listener)
    elsewhere = listener.url.replace("127.0.0.1", "localhost")
    listener.answers += [(302, {"Location": f"{elsewhere}/y"}, b"")]
    with pytest.raises(ApiError) as caught:
        made.get("/x")
    assert caught.value.code == "redirected"
    assert "localhost" in caught.value.why
    assert len(listener.seen) == 1


def test_no_token_goes_to_another_origin(shared_practice, connection, listener):
    made = connection(**shared_practice.settings("machine"))
    with pytest.raises(SettingsError) as caught:
        made.get(f"{listener.url}/x")
    assert caught.value.code == "foreign_url"
    listener.answers += [(200, {}, b"[]")] * 2
    made.session.get(f"{listener.url}/x").close()
    with requests.Session() as own:
        own.get(f"{listener.url}/x", auth=made.auth).close()
    assert [h.get("Authorization") for h in listener.seen] == [None, None]


def test_peoples_own_sessions_can_be_signed(machine, shared_practice):
    with requests.Session() as own:
        answer = own.get(f"{shared_practice.url}/v1/organizations", auth=machine.auth)
    assert answer.status_code == 200
    assert "imz_at_" not in str(answer.request.headers)


@pytest.mark.parametrize(
    ("path", "kind", "told"),
    [
        ("/nothing", NotFound, "/v1/nothing"),
        ("/organizations/org_x", NotFound, "no such organization"),
        ("/organizations/{}/employees?size=101", ValidationFailed, "size"),
        ("/organizations/{}/employees?sort_order=up", ValidationFailed, "sort_order"),
    ],
)
def test_an_error_of_the_api_is_told_by_what_to_do(machine, path, kind, told):
    organization = machine.get("/organizations")[0]["id"]
    with pytest.raises(kind) as caught:
        machine.get(path.format(organization))
    assert told in str(caught.value)
    assert caught.value.request_id.startswith("req_")
    assert "?" not in str(caught.value)


def test_a_missing_scope_is_named(shared_practice, connection):
    settings = shared_practice.settings("machine", scope="read:organizations")
    with pytest.raises(NotAllowed) as caught:
        connection(**settings).get("/gb/wage-types")
    assert "read:wage_types" in caught.value.advice


def test_waits_that_the_server_asks_for_are_kept_and_told(practice_server, connection):
    practice = practice_server(rate=2.0)
    made = connection(**practice.settings("machine"))
    told = []
    for _ in range(4):
        list(made.records("/organizations", progress=told.append))
    assert any("asked to wait" in progress.waiting for progress in told)


@pytest.mark.parametrize("option", [{"columns": ["id"]}, {"money": "decimal"}])
def test_records_come_whole(machine, option):
    with pytest.raises(SettingsError, match="records come whole"):
        next(machine.records("organizations", **option))


def test_a_size_of_pages_that_was_asked_for_is_kept(machine):
    organization = machine.get("/organizations")[0]["id"]
    asked = {"organization": organization, "limit": 60}
    told = []
    list(
        machine.records("employees", params={"size": 20}, progress=told.append, **asked)
    )
    assert [progress.rows for progress in told] == [0, 20, 40, 60]


@pytest.mark.parametrize("name", ["/organizations", "employees"])
def test_who_asks_for_one_page_is_told_how(machine, name):
    with pytest.raises(SettingsError) as caught:
        machine.frame(name, params={"page": 2})
    assert "Leave page out" in caught.value.advice


def test_a_long_wait_is_told_instead_of_slept(shared_practice, connection, listener):
    made = split(shared_practice, connection, listener)
    listener.answers += [(429, {"Retry-After": "3600"}, b"{}")]
    with pytest.raises(RateLimited) as caught:
        made.get("/x")
    assert caught.value.retry_after == 3600
    assert "3600 s" in caught.value.advice


@pytest.mark.parametrize("ahead", [86_400, -86_400, 0])
def test_a_date_to_wait_for_is_one_of_the_server_s_clock(
    shared_practice, connection, listener, ahead
):
    made = split(shared_practice, connection, listener)
    now = time.time() + ahead
    dates = {"Date": formatdate(now, usegmt=True)}

    def wait(seconds):
        return 429, dates | {"Retry-After": formatdate(now + seconds, usegmt=True)}, b""

    listener.answers += [wait(3600)]
    with pytest.raises(RateLimited) as caught:
        made.get("/x")
    assert caught.value.retry_after == 3600
    listener.answers += [wait(2), (200, {}, b"[]")]
    began = time.monotonic()
    assert made.get("/x") == []
    assert 2 <= time.monotonic() - began < 5


@pytest.mark.parametrize(
    "odd", ["soon", "-5", "1.5", "9" * 5000, "Fri, 31 Dec 9999999999 23:59:59 GMT"]
)
def test_an_odd_retry_after_is_no_obstacle(shared_practice, connection, listener, odd):
    made = split(shared_practice, connection, listener)
    listener.answers += [(429, {"Retry-After": odd}, b"{}"), (200, {}, b"[]")]
    assert made.get("/x") == []


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_server_that_stumbles_is_asked_again(
    shared_practice, connection, listener, status
):
    made = split(shared_practice, connection, listener)
    listener.answers += [(status, {}, b""), (200, {}, b"[]")]
    assert made.get("/x") == []


def test_what_is_sent_is_never_sent_again_by_itself(
    shared_practice, connection, listener
):
    made = split(shared_practice, connection, listener)
    listener.answers += [(503, {}, b"{}"), (200, {}, b"[]")]
    with pytest.raises(ApiError):
        made.request("POST", "/x", json={"a": 1})
    assert len(listener.seen) == 1


def test_an_answer_that_breaks_off_is_asked_for_once_more(
    shared_practice, connection, listener
):
    made = split(shared_practice, connection, listener)
    chunked = {"Transfer-Encoding": "chunked", "Connection": "close"}
    listener.answers += [(200, chunked, b"5\r\n[1"), (200, {}, b"[1, 2]")]
    assert made.get("/x") == [1, 2]


@pytest.mark.parametrize("status", [300, 301, 302, 304, 307])
def test_a_redirect_to_nowhere_is_no_success(
    shared_practice, connection, listener, status
):
    made = split(shared_practice, connection, listener)
    listener.answers += [(status, {}, b"" if status == 304 else b"[]")]
    with pytest.raises(ApiError) as caught:
        made.get("/x")
    assert (caught.value.code, caught.value.status) == ("redirected", status)
    assert caught.value.why == "It names no place to go to."


def test_a_redirect_that_cannot_be_read_is_told(shared_practice, connection, listener):
    made = split(shared_practice, connection, listener)
    listener.answers += [(302, {"Location": "http://[::1/x"}, b"")]
    with pytest.raises(ApiError) as caught:
        made.get("/x")
    assert "[::1" in caught.value.why


def test_redirects_without_end_are_told_as_such(shared_practice, connection, listener):
    made = split(shared_practice, connection, listener)
    listener.answers += [(302, {"Location": "/x"}, b"")] * 40
    with pytest.raises(ApiError) as caught:
        made.get("/x")
    assert caught.value.code == "redirected"
    assert "no end" in caught.value.what


@pytest.mark.parametrize(
    ("status", "headers", "told"),
    [
        (
            200,
            {"Link": '<https://evil.example/x?page=2>; rel="next"'},
            "announces more",
        ),
        (206, {"Content-Range": "items 0-1/500"}, "announces more"),
        (200, {"X-Total-Count": "500"}, "counts 500 rows by its X-Total-Count"),
        (200, {"X-Total": "500"}, "counts 500 rows by its X-Total header"),
        (200, {"Content-Range": "items 0-0/500"}, "counts 500 rows by its Content-R"),
        (200, {"X-Next-Page": "2"}, "announces more by its X-Next-Page header"),
    ],
)
def test_more_that_a_header_announces_is_told(
    shared_practice, connection, listener, status, headers, told
):
    made = split(shared_practice, connection, listener)
    listener.answers += [(status, headers, b'[{"id": 1}]')]
    with pytest.warns(IncompleteWarning, match=told):
        about = made.frame("/x").attrs["intermezzo"]
    assert about["complete"] is False
    assert told in about["notes"][0]
    assert len(listener.seen) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Total-Count", "1"),
        ("X-Total", "many"),
        ("X-Total", "9" * 5000),
        ("X-Next-Page", " "),
        ("X-Next-Page", "0"),
        ("X-Next-Page", "null"),
        ("Content-Range", "items 0-0/1"),
        ("Content-Range", "items 0-0/*"),
        ("Content-Range", "bytes 0-11/500"),
        ("Content-Range", "Bytes 0-11/500"),
        ("Content-Range", "items 0-0/" + "9" * 5000),
    ],
)
def test_headers_that_say_nothing_more_are_no_news(
    shared_practice, connection, listener, name, value
):
    made = split(shared_practice, connection, listener)
    listener.answers += [(200, {name: value}, b'[{"id": 1}]')]
    assert made.frame("/x").attrs["intermezzo"]["complete"] is True


@pytest.mark.parametrize(
    ("charset", "told"),
    [("undefined", "bad \ufffd"), ("idna", "bad"), ("hex", "bad"), ("utf-7", "bad")],
)
def test_words_in_any_charset_are_told(
    shared_practice, connection, listener, charset, told
):
    made = split(shared_practice, connection, listener)
    header = {"Content-Type": f"text/plain; charset={charset}"}
    listener.answers += [(400, header, b"bad \xff thing")]
    with pytest.raises(ValidationFailed) as caught:
        made.get("/x")
    assert told in caught.value.why


@pytest.mark.parametrize("body", [b"<h1>404</h1>", b'{"detail":"Not Found"}'])
def test_a_404_that_names_nothing_may_be_of_a_wrong_address(
    shared_practice, connection, listener, body
):
    made = split(shared_practice, connection, listener)
    kind = "application/json" if body[:1] == b"{" else "text/html"
    listener.answers += [(404, {"Content-Type": kind}, body)]
    with pytest.raises(NotFound) as caught:
        made.get("/organizations")
    assert "api_url in the profile 'default'" in caught.value.advice


@pytest.mark.parametrize(
    ("body", "in_doubt"),
    [
        (b"", False),
        (b"{}", False),
        (b'{"detail":"Not Found"}', False),
        (b'{"error":"not_found","message":"None yet."}', False),
        (b'{"error":"not_enrolled","message":"No pension membership yet."}', False),
        (b'{"error":"ORGANIZATION_PREFERENCES_NOT_FOUND"}', False),
        (b'{"error":"unknown_record"}', False),
        (b'{"message":"No details for this employee in organization 9"}', False),
        (b'{"error":{"code":"not_found","status":7}}', False),
        (b'{"title":"Not Found","status":404}', False),
        (b'{"message":"The employee is not in scope of auto-enrolment."}', False),
        (b'{"error":"Not Found","path":"/internal/route"}', False),
        (b'{"error":"missing_scope"}', True),
        (b'{"error":"internal"}', True),
        (b'{"error":{"code":"upstream_unavailable"}}', True),
        (b'{"title":"Service Unavailable","status":404}', True),
        (b'{"error":"organization_not_found"}', True),
        (b'{"error":"not_found","message":"Organization 9 was not found."}', True),
        (b'{"message":"no Route matched with those values"}', True),
        (b'{"message":"Cannot GET /v1/x","error":"Not Found"}', True),
        (b'{"code":"UNKNOWN_ERROR"}', True),
        (b"[]", True),
        (b"<h1>404</h1>", True),
        (b"default backend - 404", True),
        (b'{"error":', True),
    ],
)
def test_a_404_of_a_gateway_or_about_something_else_is_no_word_of_absence(
    shared_practice, connection, listener, body, in_doubt
):
    made = split(shared_practice, connection, listener)
    listener.answers += [(404, {"Content-Type": "application/json"}, body)]
    with pytest.raises(NotFound) as caught:
        made.get("/organizations")
    assert caught.value.in_doubt is in_doubt


@pytest.mark.parametrize(
    ("status", "headers", "advice"),
    [
        (409, {}, "Check the method, the path and the body."),
        (405, {}, "Check the method, the path and the body."),
        (
            405,
            {"Allow": "GET, \33[2JPOST"},
            "The API allows GET, [2JPOST there: check the method and the path.",
        ),
        (408, {}, "Try again later."),
        (425, {}, "Try again later."),
        (500, {}, "Try again later."),
    ],
)
def test_another_time_is_advised_where_it_may_help(
    shared_practice, connection, listener, status, headers, advice
):
    made = split(shared_practice, connection, listener)
    listener.answers += [(status, headers, b"{}")]
    with pytest.raises(ApiError) as caught:
        made.request("POST", "/x")
    assert (caught.value.status, caught.value.advice) == (status, advice)


def test_an_error_as_a_page_tells_what_is_known(shared_practice, connection, listener):
    made = split(shared_practice, connection, listener)
    listener.answers += [(500, {"Content-Type": "text/html; x=y"}, b"<h1>Oh</h1>")]
    with pytest.raises(ApiError) as caught:
        made.get("/x")
    assert "HTTP 500, text/html)" in caught.value.why


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'[{"id": 1}, {"i', "cannot be read: Unterminated string"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[" * 2_001 + b"1" + b"]" * 2_001, "nested too deeply"),
        (b"[" + b"9" * 5000 + b"]", "cannot be read: Exceeds the limit"),
        (b"<html>", "the page of a proxy"),
        (b"", "It is empty."),
    ],
)
def test_damaged_json_is_no_page_of_a_proxy(
    shared_practice, connection, listener, body, told
):
    made = split(shared_practice, connection, listener)
    listener.answers += [(200, {}, body)]
    with pytest.raises(ApiError) as caught:
        made.get("/x")
    assert caught.value.code == "not_json"
    assert told in caught.value.why
    assert "sys." not in caught.value.why


def test_an_answer_that_breaks_off_for_good_is_told_in_the_systems_words(
    shared_practice, connection, listener
):
    made = split(shared_practice, connection, listener)
    chunked = {"Transfer-Encoding": "chunked", "Connection": "close"}
    listener.answers += [(200, chunked, b"zz\r\n")] * 2
    with pytest.raises(NetworkError) as caught:
        made.get("/x")
    assert "read to its end" in caught.value.what
    assert "InvalidChunkLength" in caught.value.why


@pytest.mark.parametrize(
    "number", ["1e-99999999999999999999", "0e99999999999999999999"]
)
def test_a_number_beyond_all_bounds_stays_text(
    shared_practice, connection, listener, number
):
    made = split(shared_practice, connection, listener)
    listener.answers += [(200, {}, f"[{number}]".encode())]
    assert made.get("/x") == [number]


@pytest.mark.parametrize(
    "body", ["M\xfcller".encode("latin-1"), b"\xff\xfe", b"[" * 100_000]
)
def test_what_cannot_be_decoded_is_not_guessed(
    shared_practice, connection, listener, body
):
    made = split(shared_practice, connection, listener)
    listener.answers += [(200, {}, body)]
    with pytest.raises(ApiError) as caught:
        made.get("/x")
    assert caught.value.code == "not_json"


def test_letters_and_numbers_come_as_they_were_written(
    shared_practice, connection, listener
):
    made = split(shared_practice, connection, listener)
    header = {"Content-Type": "application/json; charset=iso-8859-1"}
    text = '\ufeff["M\u00fcller", 12345678901234567.89, 1e400, 0.1]'
    listener.answers += [(200, header, text.encode())]
    assert made.get("/x") == ["M\u00fcller", "12345678901234567.89", "1e400", 0.1]


@pytest.mark.parametrize(
    "path",
    [
        "http://[::1",
        "https://evil.example/x",
        r"http://evil\@{host}/x",
        "http://a@{host}/x",
    ],
)
def test_addresses_of_others_are_refused(shared_practice, connection, listener, path):
    made = split(shared_practice, connection, listener)
    with pytest.raises(SettingsError) as caught:
        made.get(path.format(host=listener.url.partition("//")[2]))
    assert caught.value.code == "foreign_url"
    assert listener.seen == []


def test_a_token_that_no_header_can_carry_is_not_printed(
    shared_practice, connection, tmp_path, leaks
):
    file = tmp_path / "token"
    leaks.allow(file)
    api_url = shared_practice.settings("machine")["api_url"]
    for text in ("first-part-of-it\nsecond-part-of-it", "a-token-with-a-\u20ac-sign"):
        file.write_text(text, encoding="utf-8")
        made = connection(access_token_file=str(file), api_url=api_url)
        with pytest.raises(SettingsError) as caught:
            made.get("/organizations")
        assert "part-of-it" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"X-A": "\u20ac"}},
        {"headers": {"X-A": "a\nb"}},
        {"headers": {"X-A": 5}},
        {"json": {"a": float("nan")}},
        {"json": {"a": object()}},
        {"params": {"a": "\udcff"}},
    ],
)
def test_a_request_that_cannot_be_written_is_told(machine, options):
    with pytest.raises(SettingsError) as caught:
        machine.request("GET", "/organizations", **options)
    assert caught.value.code == "bad_request"
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"filters": [1]},
        {"filters": {1: 2}},
        {"params": {1: 2}},
        {"progress": 5},
        {"history": "false"},
        {"money": "flaot"},
        {"columns": 5},
        {"columns": ["nothing"]},
        {"as_of": "2026-03-31"},
        {"as_": "spreadsheet"},
        {"as_": "records", "columns": ["id"]},
        {"strict": "yes"},
        {"max_requests": 0},
        {"organization": ["o"]},
    ],
)
def test_nothing_is_asked_with_options_that_cannot_be_used(
    shared_practice, connection, listener, wrong
):
    made = split(shared_practice, connection, listener)
    with pytest.raises(SettingsError) as caught:
        made.frame("organizations" if "organization" not in wrong else "/x", **wrong)
    assert caught.value.advice
    assert listener.seen == []


def test_a_filter_that_cannot_be_written_is_told(shared_practice, connection, listener):
    made = split(shared_practice, connection, listener)
    with pytest.raises(SettingsError):
        made.frame("/x", a="\udcff")
    assert listener.seen == []


@pytest.mark.parametrize(
    "organizations",
    [None, [1], ["o1"], [{"x": 1}], [{"id": None}], [{"id": ["o"]}]],
)
def test_odd_organizations_are_told(
    shared_practice, connection, listener, organizations
):
    made = split(shared_practice, connection, listener)
    listener.answers += [(200, {}, json.dumps(organizations).encode())] * 2
    with pytest.raises((ApiError, SettingsError)):
        made.frame("employees")


def test_an_id_of_the_server_cannot_lead_elsewhere(
    shared_practice, connection, listener
):
    made = split(shared_practice, connection, listener)
    odd = [{"id": "a/../../x?y="}]
    listener.answers += [(200, {}, json.dumps(odd).encode())]
    with pytest.raises(ApiError, match="without an id that can be asked for"):
        made.frame("employees")
    assert len(listener.seen) == 1


@pytest.mark.parametrize("status", [200, 302, 400, 403, 404, 405, 409, 422, 429, 500])
def test_a_token_that_comes_back_in_an_answer_is_not_shown(
    shared_practice, connection, listener, status
):
    made = split(shared_practice, connection, listener)
    token = made.auth._token().access_token.reveal()
    told = json.dumps({"message": f"it was {token}", "details": {token: [token]}})
    names = "X-Request-Id", "Allow", "Content-Type", "WWW-Authenticate"
    headers = dict.fromkeys(names, f'Bearer {token} scope="{token}"')
    headers["Location"] = f"https://{token}@elsewhere.example/{token}"
    body = b"<html>" if status == requests.codes.ok else told.encode()
    listener.answers += [(status, {**headers, "Retry-After": "300"}, body)]
    with pytest.raises(ApiError) as caught:
        made.get("/x")
    shown = "".join(traceback.format_exception(caught.value))
    assert token not in shown + repr(vars(caught.value))
    assert listener.seen[0]["Authorization"] == f"Bearer {token}"


def test_html_instead_of_json_is_told(shared_practice, connection, listener):
    made = split(shared_practice, connection, listener)
    listener.answers += [(200, {"Content-Type": "text/html"}, b"<html>")]
    with pytest.raises(ApiError) as caught:
        made.get("/x")
    assert caught.value.code == "not_json"


def test_html_from_the_token_endpoint_is_told(connection, listener, tmp_path, leaks):
    secret = tmp_path / "secret"
    secret.write_text("a-secret-that-was-made-up-here")
    leaks.allow(secret)
    listener.answers += [(200, {"Content-Type": "text/html"}, b"<html>Login</html>")]
    made = connection(
        issuer=listener.url,
        api_url=listener.url,
        client_id="x",
        client_secret_file=str(secret),
    )
    with pytest.raises(AuthorizationServerError) as caught:
        made.get("/x")
    assert caught.value.code == "not_json"


def test_a_wrong_secret_and_an_unknown_client_are_told(
    shared_practice, connection, tmp_path, leaks
):
    secret = tmp_path / "secret"
    secret.write_text("imz-not-the-right-one-at-all")
    leaks.allow(secret)
    settings = shared_practice.settings("machine", client_secret_file=str(secret))
    for changes in ({}, {"client_id": "nobody"}):
        with pytest.raises(AuthorizationServerError) as caught:
            connection(**{**settings, **changes}).get("/organizations")
        assert caught.value.code == "invalid_client"
        assert "client_id in the profile 'default'" in caught.value.advice


def test_a_server_that_is_down_is_told_without_frames(shared_practice, connection):
    settings = shared_practice.settings("machine", api_url="http://127.0.0.1:9/v1")
    with pytest.raises(NetworkError) as caught:
        connection(**settings).get("/organizations")
    assert "127.0.0.1:9" in str(caught.value)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_an_authorization_server_that_is_down_is_told(connection, shared_practice):
    settings = shared_practice.settings("machine", issuer="http://127.0.0.1:9")
    with pytest.raises(NetworkError) as caught:
        connection(**settings).get("/organizations")
    assert os.strerror(errno.ECONNREFUSED) in str(caught.value)
    assert "issuer in the profile 'default'" in caught.value.advice


def test_metadata_of_another_issuer_is_not_used(shared_practice, connection, listener):
    document = {"issuer": "https://evil.example", "token_endpoint": "https://e.example"}
    listener.answers += [(200, {}, json.dumps(document).encode())]
    made = connection(**shared_practice.settings("machine", issuer=listener.url))
    with pytest.raises(AuthorizationServerError) as caught:
        made.get("/organizations")
    assert caught.value.code == "issuer_mismatch"


def test_an_insecure_endpoint_in_metadata_is_refused(
    shared_practice, connection, listener
):
    document = {"issuer": listener.url, "token_endpoint": "http://far.example/token"}
    listener.answers += [(200, {}, json.dumps(document).encode())]
    made = connection(**shared_practice.settings("machine", issuer=listener.url))
    with pytest.raises(SettingsError) as caught:
        made.get("/organizations")
    assert caught.value.code == "insecure_url"


def test_a_redirecting_token_endpoint_gets_nothing_more(
    shared_practice, connection, listener
):
    settings = shared_practice.settings("machine", token_url=f"{listener.url}/token")
    listener.answers += [(307, {"Location": f"{listener.url}/evil"}, b"")]
    with pytest.raises(AuthorizationServerError) as caught:
        connection(**settings).get("/organizations")
    assert caught.value.code == "redirected"
    assert len(listener.seen) == 1


def test_a_connection_travels_without_its_token(machine):
    machine.get("/organizations")
    packed = pickle.dumps(machine)
    assert b"imz_at_" not in packed
    assert b"imz_cs_" not in packed
    again = pickle.loads(packed)  # noqa: S301 (our own bytes)
    assert isinstance(again, Connection)
    assert again.get("/organizations")
    again.session.close()


def test_a_ready_made_token_is_used_until_it_is_refused(
    machine, shared_practice, connection, tmp_path, leaks
):
    file = tmp_path / "token"
    leaks.allow(file)
    file.write_text(machine._session.token().access_token.reveal())
    api_url = shared_practice.settings("machine")["api_url"]
    made = connection(access_token_file=str(file), api_url=api_url)
    assert made.get("/organizations")
    machine.logout()
    with pytest.raises(LoginRequired) as caught:
        made.get("/organizations")
    assert str(file) in caught.value.what
    file.write_text(machine._session.token().access_token.reveal())
    assert made.get("/organizations")


def test_nothing_is_sent_with_mixed_credentials(shared_practice):
    machine = shared_practice.settings("machine")
    before = shared_practice.ledger.token_requests
    with pytest.raises(SettingsError) as caught:
        Settings.resolve(
            arguments={"profile": "demo"},
            profiles={"demo": shared_practice.settings("person")},
            environ={
                "INTERMEZZO_CLIENT_SECRET_FILE": machine["client_secret_file"],
                "INTERMEZZO_CLIENT_ID": "another",
            },
        )
    assert caught.value.code == "mixed_credentials"
    assert shared_practice.ledger.token_requests == before
