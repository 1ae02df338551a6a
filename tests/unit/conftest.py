"""A token source with a clock that is set by hand, and a server that counts."""

from __future__ import annotations

import threading

import pytest

from intermezzo_nb.errors import (
    LoginRequired,
)
from intermezzo_nb.oauth.models import Token
from intermezzo_nb.secret import Secret
from intermezzo_nb.tokens.source import TokenSource
from intermezzo_nb.tokens.store import FileStore, MemoryStore

NOW = 1_900_000_000.0


class Clock:
    """A clock set by hand."""

    def __init__(self):
        self.wall, self.monotonic = NOW, 50.0

    def passes(self, seconds):
        self.wall += seconds
        self.monotonic += seconds


class Server:
    """Renews by a rotating refresh token and counts; may fail as told."""

    def __init__(self, clock, life=100.0):
        self.clock, self.life, self.count = clock, life, 0
        self.fails = None
        self.hold = threading.Event()
        self.hold.set()

    def __call__(self, token, keep):
        assert self.hold.wait(10)
        if self.fails:
            raise self.fails
        self.count += 1
        if token is None:
            raise LoginRequired("nobody is signed in")
        assert token.refresh_token == Secret(f"refresh-{self.count - 1}")
        return token.renewed_by(self.token())

    def token(self):
        return Token(
            access_token=Secret(f"access-{self.count}"),
            issued_at=self.clock.wall,
            expires_in=self.life,
            refresh_token=Secret(f"refresh-{self.count}"),
        )


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def server(clock):
    return Server(clock)


@pytest.fixture(params=["memory", "file"])
def store(request, tmp_path, leaks):
    if request.param == "memory":
        return MemoryStore()
    leaks.allow(tmp_path / "sessions")
    return FileStore(tmp_path / "sessions")


@pytest.fixture
def source(store, server, clock):
    made = TokenSource(
        store,
        "key",
        server,
        clock=lambda: clock.wall,
        monotonic=lambda: clock.monotonic,
    )
    made.accept(server.token())
    return made
