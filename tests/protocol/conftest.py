"""Connections to real servers: the practice server, and one that we did not write."""

from __future__ import annotations

import threading

import pytest
from foreign import ForeignServer
from hostile import Hostile
from listener import Listener
from takers import Taker

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


@pytest.fixture(scope="session")
def foreign_with_its_own_pages():
    """The certified server as a deployment that wrote its own pages."""
    server = ForeignServer(pages="own")
    yield server
    server.stop()


@pytest.fixture
def hostile():
    """Start hostile servers, each with the switches that a test names."""
    started = []

    def start(*switches):
        started.append(Hostile(*switches))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def taker():
    """Start a server that takes rows as a test tells it to."""
    server = Taker()
    yield server
    server.stop()


@pytest.fixture
def api(shared_practice, connection, taker):
    """Connect to the practice server's tokens, and to the server that takes rows."""
    return connection(**shared_practice.settings("machine", api_url=taker.url))


@pytest.fixture
def listener():
    """Another origin than the practice server's."""
    server = Listener()
    yield server
    server.stop()


class SigningIn:
    """A person's connection to the hostile server, and how the person signs in."""

    def __init__(self, connection, browser, waits_for_link):
        self.connection, self._browser = connection, browser
        self._links, self._wanted = [], waits_for_link

    def sign_in(self):
        threads = []

        def follow(login):
            if (prompt := login.prompt) and prompt.url not in self._links:
                self._links.append(prompt.url)
                if len(self._links) == self._wanted:
                    go = self._browser.sign_in
                    threads.append(threading.Thread(target=go, args=(prompt.url,)))
                    threads[-1].start()

        def present(login):
            login.watch(follow)
            follow(login)

        try:
            return self.connection.login(present=present)
        finally:
            for thread in threads:
                thread.join(10)


@pytest.fixture
def signing_in(connection, somebody_there, person):
    """Make a person's connection to a hostile server."""

    def connect(server, *, waits_for_link=1, **changes):
        settings = {
            "issuer": server.url,
            "api_url": f"{server.url}/v1",
            "client_id": "notebook",
            "timeout": 5.0,
        }
        made = connection(**{**settings, **changes})
        return SigningIn(made, person(), waits_for_link)

    return connect


@pytest.fixture
def begun_anew(hostile, signing_in):
    """Make a signed-in session of a process that has just begun: it has no keys."""

    def begin():
        server = hostile()
        made = signing_in(server)
        made.sign_in()
        session = made.connection._session
        session._oauth.verifier._keys = None
        return server, made, session

    return begin
