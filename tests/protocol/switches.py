"""The switches of the hostile server: a name, a place, and what is bent there."""

from __future__ import annotations

import base64
import hmac
import time
from dataclasses import replace

import jwt

EVIL = "https://evil.example"
_NONE = b'{"alg":"none"}'
ELSEWHERE = "http://127.0.0.1:9/elsewhere"


def told(**changes):
    """Change members of a JSON answer, or of claims; None takes one out."""

    def bend(good, *_):
        if isinstance(good, dict):
            return _changed(good, changes)
        return replace(good, body=_changed(good.body, changes))

    return bend


def _changed(members, changes):
    return {k: v for k, v in {**members, **changes}.items() if v is not None}


def instead(body, status=200, **headers):
    """Send something else."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda good, *_: replace(good, body=body, status=status, headers=named)


def away(good, *_):
    return replace(good, body=b"", status=307, headers={"Location": ELSEWHERE})


def silence(*_):
    return None


def once(bend):
    """Bend the first answer only."""

    def first(good, hostile, asked):
        hostile.polls += 1
        return bend(good, hostile, asked) if hostile.polls == 1 else good

    return first


def refused(error, status=400):
    return instead({"error": error}, status)


def answered_with(error, **changes):
    def bend(good, *_):
        rest = {k: v for k, v in good.items() if k != "code"}
        return _changed({**rest, "error": error}, changes)

    return bend


def unsigned(good, *_):
    _, claims, _ = good.split(".")
    return f"{_base64(_NONE)}.{claims}."


def signed_by_hmac(key):
    # By hand, as the library refuses to do what an attacker does.
    def bend(good, hostile, _):
        head = _base64(b'{"alg":"HS256","kid":"k0"}')
        signed = f"{head}.{good.split('.')[1]}"
        secret = key or hostile.public_key()
        digest = hmac.digest(secret, signed.encode(), "sha256")
        return f"{signed}.{_base64(digest)}"

    return bend


def _base64(content):
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def by_another_key(good, hostile, _):
    from hostile import KEYS

    claims = jwt.decode(good, options={"verify_signature": False})
    return jwt.encode(claims, KEYS[1 - hostile.key], "RS256", {"kid": "k0"})


def of_an_unknown_kid(good, hostile, _):
    from hostile import KEYS

    claims = jwt.decode(good, options={"verify_signature": False})
    return jwt.encode(claims, KEYS[hostile.key], "RS256", {"kid": "nobody's"})


def shifted(**seconds):
    """Move times of the claims, from now."""

    def bend(good, hostile, _):
        now = int(time.time() + hostile.skew)
        return {**good, **{name: now + shift for name, shift in seconds.items()}}

    return bend


def par(lifetime=60, *, required=False):
    def bend(good, hostile, _):
        offer = {
            "pushed_authorization_request_endpoint": f"{hostile.url}/par",
            "require_pushed_authorization_requests": required,
        }
        return replace(good, body={**good.body, **offer})

    return bend


SWITCHES = {
    # The answer of the authorization endpoint
    "state missing": ("answer", told(state=None)),
    "state wrong": ("answer", told(state="x" * 86)),
    "state twice": ("answer", lambda good, *_: [*good.items(), ("state", "y")]),
    "iss missing": ("answer", told(iss=None)),
    "iss wrong": ("answer", told(iss=EVIL)),
    "iss with a slash": ("answer", lambda g, *_: {**g, "iss": g["iss"] + "/"}),
    "code missing": ("answer", told(code=None)),
    "code unknown": ("answer", told(code="never-given-to-anybody")),
    "a parameter nobody knows": ("answer", told(session_state="abc", foo="bar")),
    "error access_denied": ("answer", answered_with("access_denied")),
    "error temporarily_unavailable": (
        "answer",
        answered_with("temporarily_unavailable", error_description="<b>\x1b[31mlater"),
    ),
    "error with wrong iss": ("answer", answered_with("access_denied", iss=EVIL)),
    "error without iss": ("answer", answered_with("access_denied", iss=None)),
    "error with wrong state": ("answer", answered_with("access_denied", state="x")),
    # Metadata
    "metadata of another issuer": ("metadata", told(issuer=EVIL)),
    "metadata without issuer": ("metadata", told(issuer=None)),
    "metadata with one slash more": (
        "metadata",
        lambda g, h, _: replace(g, body={**g.body, "issuer": f"{h.url}/"}),
    ),
    "metadata elsewhere": ("metadata", away),
    "metadata as HTML": ("metadata", instead(b"<html>", Content_Type="text/html")),
    "metadata as a list": ("metadata", instead([1, 2])),
    "metadata cut off": ("metadata", instead(b'{"issuer": "ht')),
    "metadata too deep": ("metadata", instead(b"[" * 100_000)),
    "metadata missing": ("metadata", instead({}, 404)),
    "token endpoint over http": (
        "metadata",
        told(token_endpoint="http://far.example/t"),
    ),
    "token endpoint is a number": ("metadata", told(token_endpoint=7)),
    "no S256": ("metadata", told(code_challenge_methods_supported=["plain"])),
    "iss not announced": (
        "metadata",
        told(authorization_response_iss_parameter_supported=None),
    ),
    "no revocation": ("metadata", told(revocation_endpoint=None)),
    "no device grant": ("metadata", told(device_authorization_endpoint=None)),
    "only RS512": ("metadata", told(id_token_signing_alg_values_supported=["RS512"])),
    "PAR offered": ("metadata", par()),
    "PAR required": ("metadata", par(required=True)),
    "endpoint with a query": (
        "metadata",
        lambda g, h, _: replace(
            g, body={**g.body, "authorization_endpoint": f"{h.url}/authorize?tenant=7"}
        ),
    ),
    # The token endpoint, first and again
    "token_type missing": ("first", told(token_type=None)),
    "token_type in capitals": ("first", told(token_type="BEARER")),
    "token_type MAC": ("first", told(token_type="mac")),
    "expires_in missing": ("first", told(expires_in=None)),
    "expires_in 0": ("first", told(expires_in=0)),
    "expires_in negative": ("first", told(expires_in=-5)),
    "expires_in text": ("first", told(expires_in="3600")),
    "expires_in nonsense": ("first", told(expires_in=["soon"])),
    "expires_in without end": ("first", told(expires_in=1e999)),
    "access_token missing": ("first", told(access_token=None)),
    "access_token a number": ("first", told(access_token=12345)),
    "scope narrower": ("first", told(scope="openid")),
    "scope wider": ("first", told(scope="openid everything")),
    "refresh_token missing": ("first", told(refresh_token=None)),
    "refresh_token empty": ("first", told(refresh_token="")),
    "id_token missing": ("first", told(id_token=None)),
    "tokens as HTML": ("first", instead(b"<html>", Content_Type="text/html")),
    "tokens cut off": ("first", instead(b'{"access_token": "imz')),
    "tokens elsewhere": ("first", away),
    "tokens refused with 401": ("first", refused("invalid_client", 401)),
    "tokens refused oddly": ("first", refused("<script>alert(1)</script>")),
    "tokens a megabyte": ("first", instead(b'{"access_token": "' + b"x" * 1_100_000)),
    # Renewal
    "renewal keeps the refresh token": ("renewal", told(refresh_token=None)),
    "renewal without scope": ("renewal", told(scope=None)),
    "renewal without ID token": ("renewal", told(id_token=None)),
    "renewal invalid_grant": ("renewal", refused("invalid_grant")),
    "renewal invalid_client": ("renewal", refused("invalid_client", 401)),
    "renewal 500": ("renewal", instead(b"<html>", 500)),
    "renewal 503": ("renewal", instead({"error": "temporarily_unavailable"}, 503)),
    "renewal empty": ("renewal", instead(b"")),
    "renewal cut off": ("renewal", instead(b'{"access_token": "imz')),
    "renewal unanswered": ("renewal", silence),
    "renewal elsewhere": ("renewal", away),
    "renewal without token": ("renewal", told(access_token=None)),
    # The ID token
    "alg none": ("id_token", unsigned),
    "HS256 by the public key": ("id_token", signed_by_hmac(None)),
    "HS256 by a secret": ("id_token", signed_by_hmac(b"s" * 32)),
    "wrong key": ("id_token", by_another_key),
    "unknown kid": ("id_token", of_an_unknown_kid),
    "ID token no JWT": ("id_token", lambda *_: "no.jwt.at-all"),
    "claim iss wrong": ("claims", told(iss=EVIL)),
    "claim aud wrong": ("claims", told(aud="another")),
    "claim aud with one more": ("claims", told(aud=["notebook", "another"])),
    "claim azp wrong": ("claims", told(azp="another")),
    "claim sub missing": ("claims", told(sub=None)),
    "claim exp past": ("claims", shifted(exp=-3600, iat=-7200)),
    "claim exp text": ("claims", told(exp="never")),
    "claim iat future": ("claims", shifted(iat=3600, exp=7200)),
    "claim nbf future": ("claims", shifted(nbf=3600)),
    "claim nonce missing": ("claims", told(nonce=None)),
    "claim nonce wrong": ("claims", told(nonce="n" * 86)),
    "claim at_hash wrong": ("claims", told(at_hash="AAAAAAAAAAAAAAAAAAAAAA")),
    "renewed sub differs": ("renewed claims", told(sub="person-2")),
    "renewed iss differs": ("renewed claims", told(iss=EVIL)),
    "renewed aud differs": ("renewed claims", told(aud="another")),
    "renewed auth_time differs": ("renewed claims", told(auth_time=1)),
    # Keys
    "keys elsewhere": ("jwks", away),
    "keys as a list": ("jwks", instead([])),
    "keys of an unknown kind": ("jwks", instead({"keys": [{"kty": "new"}]})),
    # The device grant
    "device pending once": ("first", once(refused("authorization_pending"))),
    "device slow_down once": ("first", once(refused("slow_down"))),
    "device unanswered once": ("first", once(silence)),
    "device 503 once": ("first", once(instead({"error": "busy"}, 503))),
    "device 502 once": ("first", once(instead(b"<html>", 502))),
    "device 429 once": ("first", once(instead({}, 429))),
    "device denied": ("first", refused("access_denied")),
    "device expired": ("first", refused("expired_token")),
    "device unknown error": ("first", refused("server_is_tired")),
    "device pending for ever": ("first", refused("authorization_pending")),
    "device without code": ("device", told(device_code=None)),
    "device without address": ("device", told(verification_uri=None)),
    "device address over http": ("device", told(verification_uri="http://far.example")),
    "device without interval": ("device", told(interval=None)),
    "device life of a second": ("device", told(expires_in=1)),
    "device refused": ("device", refused("unauthorized_client")),
    # Pushed requests
    "push refused": ("par", refused("invalid_request")),
    "push without name": ("par", told(request_uri=None)),
    "push forgotten in a second": ("par", told(expires_in=1)),
    # Revocation and userinfo
    "revocation with garbage": ("revoke", instead(b"\xff\x00garbage")),
    "revocation 503": ("revoke", instead({}, 503)),
    "revocation unsupported": ("revoke", refused("unsupported_token_type")),
    "revocation elsewhere": ("revoke", away),
    "userinfo of another": ("userinfo", told(sub="person-2")),
    "userinfo as HTML": ("userinfo", instead(b"<html>")),
    # The API
    "API refuses once": ("things", once(instead({"error": "invalid_token"}, 401))),
    "API refuses always": ("things", instead({"error": "invalid_token"}, 401)),
    "API wants more scope": (
        "things",
        instead(
            {"error": "insufficient_scope"},
            403,
            WWW_Authenticate='Bearer error="insufficient_scope", scope="read:things"',
        ),
    ),
    "API elsewhere": ("things", away),
}
