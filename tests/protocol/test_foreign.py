"""The certified provider itself, by plain requests: what the other tests rely on."""

from __future__ import annotations

import base64
import hashlib
import secrets
from contextlib import closing
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import pytest
import requests
from foreign import ForeignServer

REDIRECT = "http://127.0.0.1:54321/intermezzo/callback"
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
def test_a_person_signs_in_and_the_token_opens_the_api(client, person, name):
    made = client(name)
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


def test_who_says_no_sends_access_denied(client, person):
    answer = answer_in(person("deny").answer_for(client().url()))
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
    device = made.post("device_authorization_endpoint", scope=SCOPE).json()
    answer = made.post(
        "token_endpoint",
        grant_type="urn:ietf:params:oauth:grant-type:device_code",
        device_code=device["device_code"],
    ).json()
    assert answer["error"] == "authorization_pending"
