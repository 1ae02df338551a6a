"""
What signing adds to a call, and what a whole call costs, beside other libraries.

The transport answers from memory. ``python tests/bench/signing.py``; Authlib and
google-auth are compared where they are installed.
"""

from __future__ import annotations

import gc
import importlib
import statistics
import time

import requests
from requests.adapters import BaseAdapter
from requests_oauthlib import OAuth2Session

from intermezzo_nb.api.client import ApiSession
from intermezzo_nb.api.signing import BearerAuth
from intermezzo_nb.oauth.models import Token
from intermezzo_nb.secret import Secret
from intermezzo_nb.tokens.source import TokenSource
from intermezzo_nb.tokens.store import MemoryStore

URL = "https://api.example/v1/things"
ROUNDS, CALLS = 200, 10


class Memory(BaseAdapter):
    """Answers each request at once."""

    def send(self, request, **_):
        response = requests.Response()
        response.status_code, response.url, response.request = 200, request.url, request
        response._content, response._content_consumed = b"[]", True
        response.connection = self
        return response

    def close(self):
        pass


def answering(session):
    session.mount("https://", Memory())
    return session


def ours(*, signed):
    source = TokenSource(MemoryStore(), "key", lambda token, keep: token)
    source.accept(Token(Secret("t" * 43), expires_in=3600.0))
    session = answering(ApiSession(BearerAuth(source.token, URL), URL))
    if not signed:
        session.auth = lambda request: request
    return session


def requests_oauthlib():
    token = {"access_token": "t" * 43, "token_type": "Bearer"}
    return answering(OAuth2Session("client", token=token))


def authlib():
    library = importlib.import_module("authlib.integrations.requests_client")
    token = {"access_token": "t" * 43, "token_type": "Bearer", "expires_in": 3600}
    return answering(library.OAuth2Session("client", token=token))


def google_auth():
    library = importlib.import_module("google.auth.transport.requests")
    credentials = importlib.import_module("google.oauth2.credentials")
    return answering(library.AuthorizedSession(credentials.Credentials("t" * 43)))


SESSIONS = {
    "plain requests.Session": lambda: answering(requests.Session()),
    "ours, not signing": lambda: ours(signed=False),
    "ours": lambda: ours(signed=True),
    "requests-oauthlib": requests_oauthlib,
    "Authlib": authlib,
    "google-auth": google_auth,
}
# What each would be without signing.
BARE = {
    "ours": "ours, not signing",
    "requests-oauthlib": "plain requests.Session",
    "Authlib": "plain requests.Session",
    "google-auth": "plain requests.Session",
}


def main():
    sessions = {}
    for name, make in SESSIONS.items():
        try:
            sessions[name] = make()
        except ImportError:
            print(f"{name:<26} is not installed")
    seconds = {name: [] for name in sessions}
    gc.disable()
    for _ in range(ROUNDS):  # interleaved, so that a slow moment hits all alike
        for name, session in sessions.items():
            begun = time.perf_counter()
            for _ in range(CALLS):
                session.get(URL)
            seconds[name].append((time.perf_counter() - begun) / CALLS)
    middle = {name: statistics.median(each) for name, each in seconds.items()}
    plain = middle["plain requests.Session"]
    print(f"{'':<26}{'a call':>10}{'of plain':>10}{'signing adds':>14}")
    for name, value in middle.items():
        told, bare = "", BARE.get(name)
        if bare:
            pairs = zip(seconds[name], seconds[bare], strict=True)
            added = statistics.median(one - other for one, other in pairs)
            told = f"{added * 1e6:+.1f} µs"
        print(f"{name:<26}{value * 1e6:>7.1f} µs{value / plain:>10.2f}{told:>14}")
    print(f"{'goal':<26}{'':>10}{0.6:>10.2f}{'+5 µs':>14}")
    for session in sessions.values():
        session.close()


if __name__ == "__main__":
    main()
