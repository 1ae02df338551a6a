"""A signed assertion: by a key that the server takes, good once and for a minute."""

from __future__ import annotations

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from intermezzo_nb.credentials import Credential
from intermezzo_nb.errors import SettingsError
from intermezzo_nb.oauth.assertion import signed_assertion

NOW = 1_900_000_000.5
ISSUER = "https://login.example"
KEYS = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def pem(key, protection=None):
    return key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, protection or NoEncryption()
    ).decode()


@pytest.fixture
def kept(tmp_path, leaks):
    """Write a key into a private file."""
    leaks.allow(tmp_path / "key")

    def keep(text):
        path = tmp_path / "key"
        path.write_text(text)
        path.chmod(0o600)
        return Credential("file", str(path))

    return keep


def signed(place, offered=()):
    return signed_assertion(
        place, "notebook", audience=ISSUER, offered=offered, now=NOW
    ).reveal()


@pytest.mark.parametrize("algorithm", KEYS)
def test_it_says_who_asks_whom_and_for_how_long(kept, algorithm):
    key = KEYS[algorithm]
    assertion = signed(kept(pem(key)))
    claims = jwt.decode(
        assertion,
        key.public_key(),
        [algorithm],
        audience=ISSUER,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims["iss"] == claims["sub"] == "notebook"
    assert claims["aud"] == ISSUER
    assert (claims["iat"], claims["exp"]) == (int(NOW), int(NOW) + 60)


def test_no_two_are_alike(kept):
    place = kept(pem(KEYS["ES256"]))
    named = {
        jwt.decode(signed(place), options={"verify_signature": False})["jti"]
        for _ in range(3)
    }
    assert len(named) == 3


def test_the_server_chooses_among_what_the_key_can(kept):
    place = kept(pem(KEYS["RS256"]))
    header = jwt.get_unverified_header(signed(place, ("ES256", "PS384", "RS512")))
    assert header["alg"] == "PS384"


def test_a_key_that_the_server_does_not_take_is_told(kept):
    with pytest.raises(SettingsError) as caught:
        signed(kept(pem(KEYS["ES384"])), ("RS256",))
    assert caught.value.code == "bad_key"
    assert "ES384" in caught.value.why
    assert "RS256" in caught.value.why


def test_a_jwk_signs_with_its_kid(kept):
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(KEYS["ES256"]))
    assertion = signed(kept(json.dumps({**jwk, "kid": "2026-11"})))
    assert jwt.get_unverified_header(assertion)["kid"] == "2026-11"


def public(key):
    return (
        key.public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


@pytest.mark.parametrize(
    "text",
    [
        "no key",
        "{",
        "{}",
        '{"kty": "RSA"}',
        public(KEYS["ES256"]),
        jwt.algorithms.ECAlgorithm.to_jwk(KEYS["ES256"].public_key()),
        pem(KEYS["ES256"], BestAvailableEncryption(b"a password")),
        pem(KEYS["ES256"])[:-40],
    ],
    ids=range(8),
)
def test_what_is_no_private_key_is_told_without_its_text(kept, text):
    with pytest.raises(SettingsError) as caught:
        signed(kept(text))
    assert caught.value.code == "bad_key"
    assert caught.value.__cause__ is None
    assert text[:20] not in str(caught.value)
