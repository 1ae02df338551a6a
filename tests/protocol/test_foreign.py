"""The certified provider itself, by plain requests: what the other tests rely on."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from contextlib import closing
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import pytest
import requests
from foreign import ForeignServer

REDIRECT = "http://127.0.0.1:54321/intermezzo/callback"
COMPLETE = "verification_uri_complete"
SCOPE = "openid profile email offline_access read:things"


class Client:
    """As little of a client as will do."""

    def __init__(self, server, name="native"):
        self.server, self.name = server, name
        self.session = requests.Session()
        self.session.trust_env = False
        about = f"{server.issuer}/.well-known/openid-configuration"
        self.metadata = self.session.get(about, timeout=10).json()
        self.verifier = secrets.token_urlsafe(48)

    def close(self):
        self.session.close()

    def url(self, **changes):
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "client_id": self.name,
            "response_type": "code",
            "redirect_uri": REDIRECT,
            "scope": SCOPE,
            "prompt": "consent",
            "state": "abc",
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        } | changes
        asked = {name: value for name, value in query.items() if value is not None}
        return f"{self.metadata['authorization_endpoint']}?{urlencode(asked)}"

    def post(self, endpoint, **body):
        secret = self.server.clients[self.name]
        auth = (self.name, secret) if self.name.endswith("basic") else None
        if auth is None:
            body |= {"client_id": self.name} | (
                {"client_secret": secret} if secret else {}
            )
        return self.session.post(
            self.metadata[endpoint], data=body, auth=auth, timeout=10
        )

    def sign_in(self, person, **changes):
        answer = answer_in(person.answer_for(self.url(**changes)))
        return self.post(
            "token_endpoint",
            grant_type="authorization_code",
            code=answer["code"],
            redirect_uri=changes.get("redirect_uri", REDIRECT),
            code_verifier=self.verifier,
        ).json()

    def ask_for_codes(self):
        asked = self.post("device_authorization_endpoint", scope=SCOPE).json()
        return asked["device_code"], asked["user_code"], asked[COMPLETE]

    def poll(self, device_code):
        kind = "urn:ietf:params:oauth:grant-type:device_code"
        asked = {"grant_type": kind, "device_code": device_code}
        return self.post("token_endpoint", **asked).json()

    def renew(self, token):
        return self.post(
            "token_endpoint",
            grant_type="refresh_token",
            refresh_token=token["refresh_token"],
        ).json()

    def status_of_things(self, token):
        signed = {"Authorization": f"Bearer {token}"}
        url = f"{self.server.api}/things"
        return self.session.get(url, headers=signed, timeout=10).status_code


PAGES = pytest.mark.parametrize("pages", [{}, {"pages": "own"}], ids=["", "own"])


def answer_in(url):
    return dict(parse_qsl(urlsplit(url).query))


@pytest.fixture
def client(foreign):
    """Make clients of the shared server, or of one with other options."""
    opened = []

    def of(name="native", **options):
        server = ForeignServer(**options) if options else foreign
        opened.append((Client(server, name), server))
        return opened[-1][0]

    yield of
    for made, server in opened:
        made.close()
        if server is not foreign:
            server.stop()


def test_its_metadata_name_the_issuer_and_pkce(client):
    metadata = client().metadata
    assert metadata["issuer"] == client().server.issuer
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert "introspection_endpoint" not in metadata


@pytest.mark.parametrize("name", ["native", "web", "web-basic"])
@PAGES
def test_a_person_signs_in_and_the_token_opens_the_api(client, person, name, pages):
    made = client(name, **pages)
    token = made.sign_in(person())
    assert token["refresh_token"]
    assert made.status_of_things(token["access_token"]) == 200
    assert made.status_of_things("invented") == 401


def test_the_id_token_is_signed_and_names_the_person(client, person):
    made = client()
    token = made.sign_in(person(), nonce="n1")["id_token"]
    keys = made.session.get(made.metadata["jwks_uri"], timeout=10).json()
    claims = jwt.decode(
        token,
        jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]],
        algorithms=["RS256"],
        audience="native",
        issuer=made.server.issuer,
    )
    assert (claims["nonce"], claims["name"]) == ("n1", "Foreign Person")


def test_a_rotated_token_is_spent_and_its_reuse_ends_the_family(client, person):
    made = client()
    first = made.sign_in(person())
    second = made.renew(first)
    third = made.renew(second)
    assert len({t["refresh_token"] for t in (first, second, third)}) == 3
    assert made.renew(first)["error"] == "invalid_grant"
    assert made.renew(third)["error"] == "invalid_grant"
    assert made.status_of_things(third["access_token"]) == 401


def test_a_revoked_token_is_refused(client, person):
    made = client()
    token = made.sign_in(person())
    made.post("revocation_endpoint", token=token["refresh_token"])
    assert made.renew(token)["error"] == "invalid_grant"


def test_without_prompt_consent_there_is_no_refresh_token(client, person):
    assert "refresh_token" not in client().sign_in(person(), prompt=None)


@PAGES
def test_who_says_no_sends_access_denied(client, person, pages):
    answer = answer_in(person("deny").answer_for(client(**pages).url()))
    assert (answer["error"], answer["state"]) == ("access_denied", "abc")


def test_without_pkce_nothing_goes(client, person):
    url = client().url(code_challenge=None, code_challenge_method=None)
    assert answer_in(person().answer_for(url))["error"] == "invalid_request"


def test_another_path_of_the_loopback_address_is_refused(client, person):
    url = client().url(redirect_uri="http://127.0.0.1:54321/elsewhere")
    with closing(person().open(url)) as page:
        assert page.status_code == 400


def test_a_registered_address_may_be_anywhere(client, person):
    uri = "http://127.0.0.1:8000/hub/user-redirect/intermezzo/callback"
    assert client(redirect_uri=uri).sign_in(person(), redirect_uri=uri)["access_token"]


@pytest.mark.parametrize("name", ["native", "machine"])
def test_jwt_access_tokens_open_the_api_too(client, person, name):
    made = client(name, jwt=1)
    token = (
        made.sign_in(person())
        if name == "native"
        else made.post("token_endpoint", grant_type="client_credentials").json()
    )["access_token"]
    assert token.count(".") == 2
    assert made.status_of_things(token) == 200
    assert made.status_of_things(token[:-4] + "AAAA") == 401


def test_a_device_waits_until_somebody_enters_its_code(client):
    made = client()
    device_code, _, _ = made.ask_for_codes()
    assert made.poll(device_code)["error"] == "authorization_pending"


@pytest.fixture
def own(client):
    """As an organization's own pages ask for a device's code."""
    return client(pages="own", trusted=1)


@pytest.mark.parametrize("is_signed_in", [False, True])
def test_one_button_confirms_the_code_and_signs_in(own, person, is_signed_in):
    browser = person()
    if is_signed_in:
        browser.use_another_application(own.server.another_sign_in)
    device_code, user_code, link = own.ask_for_codes()
    for _ in "12":  # a page that is looked at uses nothing up
        page = browser.look(link)
        assert f"<output>{user_code}</output>" in page
        assert ("password" in page) is not is_signed_in
        assert own.poll(device_code)["error"] == "authorization_pending"
    browser.enter_code(link)
    assert browser.clicks == 1
    token = own.poll(device_code)["access_token"]
    assert own.status_of_things(token) == 200


@pytest.mark.parametrize("is_signed_in", [False, True])
def test_a_code_that_is_refused_is_refused_for_good(own, person, is_signed_in):
    browser = person()
    if is_signed_in:
        browser.use_another_application(own.server.another_sign_in)
    browser.answer = "deny"
    device_code, _, link = own.ask_for_codes()
    assert "Access was refused" in browser.enter_code(link)
    assert "Nothing waits with this code" in person().look(link)
    assert own.poll(device_code)["error"] == "access_denied"


def confirmed(user_code, xsrf):
    return {"user_code": user_code, "confirm": "yes", "xsrf": xsrf}


@pytest.mark.parametrize("is_opened", [False, True])
def test_a_forged_form_confirms_no_code(own, person, is_opened):
    browser = person()
    browser.use_another_application(own.server.another_sign_in)
    device_code, user_code, link = own.ask_for_codes()
    if is_opened:
        browser.look(link)
    who = {"login": "somebody", "password": "somebody"}
    url = link.partition("?")[0]
    with closing(browser.send(url, **confirmed(user_code, "0" * 48), **who)) as answer:
        assert answer.status_code == 400
    assert own.poll(device_code)["error"] == "authorization_pending"


ENDS = {"allow": (False, None), "deny": (True, "access_denied")}


@pytest.mark.parametrize("answer", ENDS)
def test_a_confirmed_code_without_a_person_grants_nothing(own, person, answer):
    browser = person(answer)
    device_code, user_code, link = own.ask_for_codes()
    xsrf = re.search('name="xsrf" value="([0-9a-f]+)"', browser.look(link))[1]
    form = confirmed(user_code, xsrf)
    with closing(browser.send(link.partition("?")[0], **form)) as page:
        assert "Sign in" in page.text
        assert own.poll(device_code)["error"] == "authorization_pending"
        browser.enter_code(page.url)
    token, error = map(own.poll(device_code).get, ("access_token", "error"))
    assert (token is None, error) == ENDS[answer]
