"""Each check of the ID token fails by itself (OIDC Core §3.1.3.7, §12.2)."""

from __future__ import annotations

import base64
import hashlib
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from intermezzo_nb.errors import AuthorizationServerError, LoginMismatch, NetworkError
from intermezzo_nb.oauth.identity import IdTokenVerifier
from intermezzo_nb.oauth.models import ServerMetadata
from intermezzo_nb.oauth.wire import Skew
from intermezzo_nb.secret import Secret

ISSUER, CLIENT = "https://login.example", "notebook"
ACCESS, NONCE = Secret("access-token-of-this-test"), Secret("nonce-of-this-test-x")
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwk(key, kid, **extra):
    document = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**document, "kid": kid, "use": "sig", **extra}


def at_hash(token=ACCESS):
    digest = hashlib.sha256(token.reveal().encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def claims(**changes):
    now = int(time.time())
    base = {
        "iss": ISSUER,
        "sub": "person-1",
        "aud": CLIENT,
        "exp": now + 300,
        "iat": now,
        "nonce": NONCE.reveal(),
        "auth_time": now,
        "at_hash": at_hash(),
        "name": "Ann Lee",
    }
    return {k: v for k, v in {**base, **changes}.items() if v is not None}


def signed(content, *, key=KEY, kid="k1", algorithm="RS256"):
    headers = {"kid": kid} if kid else {}
    return Secret(jwt.encode(content, key, algorithm=algorithm, headers=headers))


def verifier(keys=None, **metadata):
    known = keys if keys is not None else [jwk(KEY, "k1")]
    return IdTokenVerifier(
        ServerMetadata(issuer=ISSUER, **metadata), CLIENT, lambda: {"keys": known}
    )


def verify(token, **options):
    return verifier(**options).verify(token, access_token=ACCESS, nonce=NONCE)


def test_a_good_one_gives_its_claims_without_the_nonce():
    told = verify(signed(claims()))
    assert told["name"] == "Ann Lee"
    assert "nonce" not in told


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": ISSUER + "/"},
        {"iss": None},
        {"sub": None},
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},
        {"aud": None},
        {"azp": "another"},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"iat": None},
        {"iat": 4_000_000_000},
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": ["x"]},
        {"at_hash": at_hash(Secret("another access token"))},
        {"at_hash": 5},
    ],
    ids=str,
)
def test_a_wrong_claim_is_refused(changes):
    with pytest.raises(LoginMismatch) as caught:
        verify(signed(claims(**changes)))
    assert caught.value.code == "id_token_invalid"


def test_our_audience_in_a_list_of_one_is_fine():
    assert verify(signed(claims(aud=[CLIENT], azp=CLIENT)))


def test_a_signature_by_another_key_is_refused():
    with pytest.raises(LoginMismatch):
        verify(signed(claims(), key=OTHER))


def test_none_is_no_algorithm():
    with pytest.raises(LoginMismatch):
        verify(Secret(jwt.encode(claims(), None, algorithm="none")))


def test_a_public_key_is_no_shared_secret():
    forged = jwt.encode(claims(), "x" * 64, algorithm="HS256", headers={"kid": "k1"})
    with pytest.raises(LoginMismatch):
        verify(Secret(forged))


def test_only_announced_algorithms_are_taken():
    announced = {"id_token_signing_alg_values_supported": ("ES256",)}
    with pytest.raises(LoginMismatch):
        verify(signed(claims()), **announced)


def test_a_key_of_the_wrong_kind_is_not_tried():
    curve = ec.generate_private_key(ec.SECP256R1())
    document = jwt.algorithms.ECAlgorithm.to_jwk(curve.public_key(), as_dict=True)
    with pytest.raises(AuthorizationServerError):
        verify(signed(claims()), keys=[{**document, "kid": "k1"}])


def test_an_encryption_key_signs_nothing():
    with pytest.raises(AuthorizationServerError):
        verify(signed(claims()), keys=[jwk(KEY, "k1", use="enc")])


def test_a_rotated_key_is_fetched_once_more_and_no_more():
    fetched = []

    def keys():
        fetched.append(1)
        return {"keys": [jwk(OTHER, "old")] + [jwk(KEY, "k1")] * (len(fetched) > 1)}

    made = IdTokenVerifier(ServerMetadata(issuer=ISSUER), CLIENT, keys)
    made.verify(signed(claims()), access_token=ACCESS, nonce=NONCE)
    assert len(fetched) == 2
    with pytest.raises(AuthorizationServerError):
        made.verify(signed(claims(), kid="k9"), access_token=ACCESS, nonce=NONCE)
    assert len(fetched) == 3


@pytest.mark.parametrize("kid", [None, "k1"])
def test_a_key_that_another_took_the_place_of_is_fetched_once_more(kid):
    left = [[jwk(OTHER, "k1")], [jwk(KEY, "k1")], [jwk(KEY, "k1")]]
    made = IdTokenVerifier(
        ServerMetadata(issuer=ISSUER), CLIENT, lambda: {"keys": left.pop(0)}
    )
    made.fetch_ahead().result(10)
    token = signed(claims(), kid=kid)
    assert made.verify(token, access_token=ACCESS, nonce=NONCE)["sub"] == "person-1"
    assert len(left) == 1
    with pytest.raises(LoginMismatch):
        made.verify(signed(claims(), key=OTHER), access_token=ACCESS, nonce=NONCE)
    assert not left


def test_a_wrong_signature_asks_for_no_keys_again_that_came_after_it():
    fetched = []

    def keys():
        fetched.append(1)
        return {"keys": [jwk(OTHER, "k1")]}

    made = IdTokenVerifier(ServerMetadata(issuer=ISSUER), CLIENT, keys)
    with pytest.raises(LoginMismatch):
        made.verify(signed(claims()), access_token=ACCESS, nonce=NONCE)
    assert len(fetched) == 1


def test_keys_that_are_out_of_reach_after_a_wrong_signature_are_a_network_fault():
    left = [[jwk(OTHER, "k1")]]

    def keys():
        if not left:
            raise NetworkError("nobody answers")
        return {"keys": left.pop()}

    made = IdTokenVerifier(ServerMetadata(issuer=ISSUER), CLIENT, keys)
    made.fetch_keys()
    with pytest.raises(NetworkError):
        made.verify(signed(claims()), access_token=ACCESS, nonce=NONCE)
    left.append([jwk(KEY, "k1")])
    assert made.verify(signed(claims()), access_token=ACCESS, nonce=NONCE)["sub"]


def test_keys_that_are_known_are_not_fetched_ahead():
    made = verifier()
    made.fetch_keys()
    assert made.fetch_ahead() is None


@pytest.mark.parametrize(
    "document", [{}, {"keys": []}, {"keys": 5}, {"keys": [5]}, {"keys": [{"kty": "x"}]}]
)
def test_keys_that_cannot_be_read_are_told(document):
    made = IdTokenVerifier(ServerMetadata(issuer=ISSUER), CLIENT, lambda: document)
    with pytest.raises(AuthorizationServerError):
        made.verify(signed(claims()), access_token=ACCESS, nonce=NONCE)


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "é.é.é", "." * 9])
def test_what_is_no_token_is_refused(text):
    with pytest.raises(LoginMismatch):
        verify(Secret(text))


def test_keys_out_of_reach_are_a_network_fault():
    def keys():
        raise NetworkError("no way")

    made = IdTokenVerifier(ServerMetadata(issuer=ISSUER), CLIENT, keys)
    with pytest.raises(NetworkError):
        made.verify(signed(claims()), access_token=ACCESS, nonce=NONCE)


def renewed(**changes):
    first = {"iss": ISSUER, "sub": "person-1", "auth_time": 1_900_000_000}
    content = claims(nonce=None, **{"auth_time": 1_900_000_000, **changes})
    return verifier().verify_renewed(signed(content), access_token=ACCESS, first=first)


def test_a_renewed_one_needs_no_nonce_and_no_auth_time():
    assert renewed()["sub"] == "person-1"
    assert renewed(auth_time=None)["sub"] == "person-1"


@pytest.mark.parametrize("changes", [{"sub": "person-2"}, {"auth_time": 5}])
def test_a_renewed_one_of_somebody_else_is_refused(changes):
    with pytest.raises(LoginMismatch):
        renewed(**changes)


def test_a_clock_set_meanwhile_does_not_cost_the_session():
    assert renewed(exp=1_000_000_000)["sub"] == "person-1"


@pytest.mark.parametrize("algorithm", ["PS256", "RS512", "PS384"])
def test_a_key_need_not_name_its_algorithm(algorithm):
    hashed = {"256": "sha256", "384": "sha384", "512": "sha512"}[algorithm[2:]]
    digest = hashlib.new(hashed, ACCESS.reveal().encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).decode().rstrip("=")
    made = jwt.encode(claims(at_hash=half), KEY, algorithm, {"kid": "k1"})
    assert verify(Secret(made))["sub"]


def test_a_key_that_names_another_algorithm_is_not_used():
    named = {**jwk(KEY, "k1"), "alg": "PS512"}
    with pytest.raises(AuthorizationServerError):
        verify(signed(claims()), keys=[named])


@pytest.mark.parametrize("far", [10**400, 1e300, True, "1"])
@pytest.mark.parametrize("name", ["exp", "iat"])
def test_a_time_that_is_none_is_refused(name, far):
    with pytest.raises(LoginMismatch):
        verify(signed(claims(**{name: far})))


def test_another_nonce_on_a_refresh_is_refused():
    made = IdTokenVerifier(
        ServerMetadata(issuer=ISSUER), CLIENT, lambda: {"keys": [jwk(KEY, "k1")]}
    )
    said = claims()
    first = made.verify(signed(said), access_token=ACCESS, nonce=NONCE)
    assert NONCE.reveal() not in str(first)
    same = made.verify_renewed(signed(said), access_token=ACCESS, first=first)
    assert same["sub"] == first["sub"]
    with pytest.raises(LoginMismatch, match="nonce"):
        made.verify_renewed(
            signed({**said, "nonce": "another"}), access_token=ACCESS, first=first
        )


@pytest.mark.parametrize(("ahead", "side"), [(7200.0, "behind"), (-7200.0, "ahead of")])
def test_whose_clock_is_wrong_is_said(ahead, side):
    skew = Skew()
    skew.seconds = ahead
    made = IdTokenVerifier(
        ServerMetadata(issuer=ISSUER),
        CLIENT,
        lambda: {"keys": [jwk(KEY, "k1")]},
        skew=skew,
    )
    with pytest.raises(LoginMismatch) as caught:
        made.verify(signed(claims()), access_token=ACCESS, nonce=NONCE)
    assert f"7200 s {side} it" in caught.value.why


@pytest.mark.parametrize(
    ("algorithm", "curve", "hashed"),
    [("ES256", ec.SECP256R1(), "sha256"), ("ES384", ec.SECP384R1(), "sha384")],
)
def test_keys_on_curves_are_taken(algorithm, curve, hashed):
    key = ec.generate_private_key(curve)
    known = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    digest = hashlib.new(hashed, ACCESS.reveal().encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).decode().rstrip("=")
    token = signed(claims(at_hash=half), key=key, algorithm=algorithm)
    assert verify(token, keys=[{**known, "kid": "k1"}])["sub"] == "person-1"
