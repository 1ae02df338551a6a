"""Pushed requests (RFC 9126) and signed assertions (RFC 7523), on a foreign server."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from foreign import ForeignServer

from intermezzo_nb.errors import AuthorizationServerError, SettingsError

SCOPE = "openid profile email offline_access read:things"
KEYS = {
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def jwk(key, kid, *, private):
    algorithm = jwt.get_algorithm_by_name(kid)
    shown = algorithm.to_jwk(key if private else key.public_key(), as_dict=True)
    return {**{k: v for k, v in shown.items() if k != "key_ops"}, "kid": kid}


@pytest.fixture(scope="module")
def with_keys():
    """The certified server, knowing the public halves of our keys."""
    known = [jwk(key, kid, private=False) for kid, key in KEYS.items()]
    server = ForeignServer(client_keys=json.dumps(known))
    yield server
    server.stop()


@pytest.fixture
def by_key(with_keys, connection, tmp_path, leaks):
    """Connect as the client that proves itself with the key in a file."""

    def connect(text, **changes):
        file = tmp_path / "key"
        file.write_text(text)
        leaks.allow(file)
        settings = {
            "issuer": with_keys.issuer,
            "api_url": with_keys.api,
            "client_id": "machine-with-key",
            "client_key_file": str(file),
            "scope": "read:things",
        }
        return connection(**{**settings, **changes})

    return connect


def test_the_link_names_a_pushed_request_only(foreign, connection, somebody_there):
    made = connection(
        issuer=foreign.issuer, api_url=foreign.api, client_id="native", scope=SCOPE
    )
    logins = []
    made.login(present=logins.append, wait=False)
    asked = parse_qs(urlsplit(logins[0].prompt.url).query)
    assert asked.keys() == {"client_id", "request_uri"}


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("form", ["PEM", "JWK"])
def test_a_machine_proves_itself_by_its_key(by_key, kind, form):
    key = KEYS[kind]
    text = pem(key) if form == "PEM" else json.dumps(jwk(key, kind, private=True))
    assert by_key(text).get("/things")


def test_a_key_that_is_not_registered_is_refused(by_key):
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(AuthorizationServerError) as caught:
        by_key(pem(other)).get("/things")
    assert caught.value.code == "invalid_client"


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5IGF0IGFsbCwgcmVhbGx5\n",
        json.dumps(jwk(KEYS["ES256"], "ES256", private=False)),
        '{"kty": "oct", "k": "c2VjcmV0LXRoYXQtaXMtc2hhcmVk"}',
        "{not json at all, but long enough",
    ],
)
def test_a_file_without_a_private_key_is_told(by_key, text):
    with pytest.raises(SettingsError) as caught:
        by_key(text).get("/things")
    assert caught.value.code == "bad_key"


def test_whom_an_assertion_addresses_can_be_set(by_key, with_keys):
    text = pem(KEYS["RS256"])
    assert by_key(text, assertion_audience=f"{with_keys.issuer}/token").get("/things")
    with pytest.raises(AuthorizationServerError):
        by_key(text, assertion_audience="https://elsewhere.example").get("/things")
