"""Connections to real servers: the practice server, and one that we did not write."""

from __future__ import annotations

import threading

import pytest
from foreign import ForeignServer

from intermezzo_nb import session
from intermezzo_nb.connection import Connection
from intermezzo_nb.settings import Settings
from intermezzo_nb.surroundings import Surroundings


@pytest.fixture
def somebody_there(monkeypatch):
    """Let a person be at the keyboard, with a browser on this machine."""
    here = Surroundings("notebook", answers=True, silence="", elsewhere=())
    monkeypatch.setattr(session, "look", lambda: here)


@pytest.fixture
def connection():
    """Make connections by the settings of a profile."""
    made = []

    def connect(**settings):
        resolved = Settings.resolve(
            profiles={"default": {"store": "memory", **settings}}
        )
        made.append(Connection(resolved))
        return made[-1]

    yield connect
    for one in made:
        one.cancel_login()
        if one._api is not None:
            one.session.close()


@pytest.fixture
def sign_in(somebody_there, person):
    """Let a person sign a connection in, by the link that is shown."""

    def go(connection, answer="allow", **options):
        browser = person(answer)
        threads = []

        def present(login):
            url = login.prompt.url
            threads.append(threading.Thread(target=browser.sign_in, args=(url,)))
            threads[-1].start()

        try:
            return connection.login(present=present, **options)
        finally:
            for thread in threads:
                thread.join(20)

    return go


@pytest.fixture(scope="session")
def foreign():
    """The certified server, with its usual lifetimes."""
    server = ForeignServer()
    yield server
    server.stop()
