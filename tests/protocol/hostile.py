"""
An authorization server that breaks one rule at a time.

It behaves well but for the switches that are on; each stands for a line of the
standards that binds a client. What it is asked is kept for the tests to look at.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from switches import SWITCHES

PEM, SPKI = Encoding.PEM, PublicFormat.SubjectPublicKeyInfo

KEYS = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in "12"]
CLIENT = "notebook"


@dataclass
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]


@dataclass
class Answer:
    """What is sent; a body of dict is JSON."""

    body: object = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class Hostile:
    """The server, from construction to :meth:`stop`; ``switches`` may change."""

    def __init__(self, *names):
        self.switches = set(names)
        self.seen, self.codes, self.pushed, self.polls = [], {}, {}, 0
        self.skew, self.key = 0.0, 0
        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._http.daemon_threads, self._http.hostile = True, self
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self):
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def asked(self, path):
        """Give what one address was asked."""
        return [asked for asked in self.seen if asked.path == path]

    def answer(self, asked):
        self.seen.append(asked)
        name = asked.path.rsplit("/", 1)[-1].replace("openid-configuration", "metadata")
        good = getattr(self, name, lambda _: Answer({"error": "not_found"}, 404))
        return self.bent(name, good(asked), asked)

    def bent(self, name, good, asked=None):
        """Apply the switches that are on for this place."""
        for switch in sorted(self.switches):
            place, bend = SWITCHES[switch]
            if place == name:
                good = bend(good, self, asked)
        return good

    # The well-behaved answers

    def metadata(self, _):
        ends = {
            "authorization_endpoint": "authorize",
            "token_endpoint": "token",
            "jwks_uri": "jwks",
            "revocation_endpoint": "revoke",
            "userinfo_endpoint": "userinfo",
            "device_authorization_endpoint": "device",
        }
        return Answer(
            {
                "issuer": self.url,
                **{member: f"{self.url}/{end}" for member, end in ends.items()},
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    def jwks(self, _):
        known = jwt.algorithms.RSAAlgorithm.to_jwk(
            KEYS[self.key].public_key(), as_dict=True
        )
        return Answer({"keys": [{**known, "kid": f"k{self.key}", "use": "sig"}]})

    def public_key(self):
        """Give what an attacker takes for a shared secret."""
        return KEYS[self.key].public_key().public_bytes(PEM, SPKI)

    def par(self, asked):
        name = f"urn:ietf:params:oauth:request_uri:{len(self.pushed)}"
        self.pushed[name] = asked.form
        return Answer({"request_uri": name, "expires_in": 60}, 201)

    def authorize(self, asked):
        question = self.pushed.get(asked.query.get("request_uri"), asked.query)
        code = secrets.token_urlsafe(24)
        self.codes[code] = question
        told = {"code": code, "state": question["state"], "iss": self.url}
        told = self.bent("answer", told)
        pairs = told if isinstance(told, list) else list(told.items())
        back = f"{question['redirect_uri']}?{urlencode(pairs)}"
        return Answer(b"", 303, {"Location": back})

    def device(self, _):
        return Answer(
            {
                "device_code": f"imz_dc_{secrets.token_urlsafe(24)}",
                "user_code": "WDJB-MJHT",
                "verification_uri": f"{self.url}/enter",
                "verification_uri_complete": f"{self.url}/enter?user_code=WDJB-MJHT",
                "expires_in": 60,
                "interval": 0.2,
            }
        )

    def token(self, asked):
        grant, nonce = asked.form["grant_type"].rsplit(":", 1)[-1], None
        if grant == "authorization_code":
            question = self.codes.pop(asked.form.get("code"), None)
            if question is None or not _fits(question, asked.form):
                return Answer({"error": "invalid_grant"}, 400)
            nonce = question["nonce"]
        told = {
            "access_token": f"imz_at_{secrets.token_urlsafe(24)}",
            "token_type": "Bearer",
            "expires_in": 3600,
            "scope": "openid offline_access",
        }
        if grant != "client_credentials":
            told["refresh_token"] = f"imz_rt_{secrets.token_urlsafe(24)}"
            told["id_token"] = self.id_token(told["access_token"], nonce, grant)
        place = "renewal" if grant == "refresh_token" else "first"
        return self.bent(place, Answer(told), asked)

    def id_token(self, access_token, nonce, grant):
        now = int(time.time() + self.skew)
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        claims = {
            "iss": self.url,
            "sub": "person-1",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "auth_time": now if grant != "refresh_token" else None,
            "nonce": nonce,
            "at_hash": base64.urlsafe_b64encode(half).decode().rstrip("="),
        }
        place = "renewed claims" if grant == "refresh_token" else "claims"
        claims = self.bent(place, claims)
        said = {name: value for name, value in claims.items() if value is not None}
        made = jwt.encode(said, KEYS[self.key], "RS256", {"kid": f"k{self.key}"})
        return self.bent("id_token", made)

    def revoke(self, _):
        return Answer(b"")

    def userinfo(self, _):
        return Answer({"sub": "person-1", "name": "Ann Lee"})

    def things(self, asked):
        is_signed = asked.headers.get("Authorization", "").startswith("Bearer imz_at_")
        return Answer([{"id": "t1"}]) if is_signed else Answer({}, 401)


def _fits(question, form):
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return (
        question["code_challenge_method"] == "S256"
        and challenge == question["code_challenge"]
        and form.get("redirect_uri") == question["redirect_uri"]
    )


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        parts, length = urlsplit(self.path), int(self.headers.get("Content-Length", 0))
        body, hostile = self.rfile.read(length).decode(), self.server.hostile
        is_json = "json" in self.headers.get("Content-Type", "")
        form = json.loads(body) if is_json and body else dict(parse_qsl(body))
        query = dict(parse_qsl(parts.query))
        asked = Asked(self.command, parts.path, query, dict(self.headers), form)
        answer = hostile.answer(asked)
        if answer is None:  # no answer at all
            self.close_connection = True
            return
        content = answer.body
        if not isinstance(content, bytes):
            content = json.dumps(content).encode()
        date = formatdate(time.time() + hostile.skew, usegmt=True)
        usual = {"Content-Length": str(len(content)), "Date": date}
        self.send_response_only(answer.status)
        for name, value in {**usual, **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815 (the base class calls it so)

    def log_message(self, *_):
        pass
