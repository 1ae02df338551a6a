"""What every test gets: an empty environment, and a look for leaks afterwards."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from pathlib import Path

import pytest

from intermezzo_nb.demo.server import Options, start
from intermezzo_nb.secret import Secret

sys.path.insert(0, str(Path(__file__).parent))

from leaks import Leaks
from person import Person

pytest_plugins = ["pytester"]
_LEAKS = pytest.StashKey[Leaks]()
_SHOWN = ("Captured stdout", "Captured stderr")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path_factory):
    """No setting of the machine reaches a test, and no test the machine's home."""
    for name in [n for n in os.environ if n.startswith("INTERMEZZO_")]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    folders = {
        "HOME": home,
        "XDG_CONFIG_HOME": home / "config",
        "XDG_STATE_HOME": home / "state",
        "XDG_DATA_HOME": home / "data",
        "XDG_CACHE_HOME": home / "cache",
        "IPYTHONDIR": home / "ipython",
    }
    for name, folder in folders.items():
        monkeypatch.setenv(name, str(folder))
    monkeypatch.delenv("CI", raising=False)


@pytest.fixture(autouse=True)
def leaks(request, monkeypatch, tmp_path):
    """Every secret that is made during the test, looked for after it."""
    found = request.node.stash[_LEAKS] = Leaks()
    make = Secret.__init__

    def recorded(self, value):
        found.record(value)
        make(self, value)

    monkeypatch.setattr(Secret, "__init__", recorded)
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(found.log)
    root.setLevel(logging.DEBUG)
    yield found
    root.removeHandler(found.log)
    root.setLevel(level)
    places = found.everywhere(tmp_path)
    assert not places, f"a secret shows in: {places}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if (found := item.stash.get(_LEAKS, None)) is None:
        return report
    shown = [text for name, text in report.sections if name.startswith(_SHOWN)]
    shown.append(str(report.longrepr or ""))
    if report.when == "call" and (leaked := found.in_text("\n".join(shown))):
        report.outcome = "failed"
        report.longrepr = f"a secret shows in output or traceback: {leaked}"
    if found.in_text("\n".join(text for _, text in report.sections)):
        report.sections = []  # the report must not spread it
    return report


class Practice:
    """A practice server in a thread of its own."""

    def __init__(self, **options):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="practice-server", daemon=True
        )
        self._thread.start()
        self.server = self._run(self._start(Options(**options)))
        self.url, self.ledger = self.server.url, self.server.practice.ledger

    def settings(self, who, **changes):
        """Give the arguments of Settings for one of its clients, as a profile."""
        return {**self.server.settings()[who], **changes}

    def stop(self):
        self._run(self.server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self, options):
        return start(options)

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)


@pytest.fixture
def practice_server():
    """Start practice servers with the options that a test wants."""
    started = []

    def begin(**options):
        started.append(Practice(**{"rows": 400, **options}))
        return started[-1]

    yield begin
    for practice in started:
        practice.stop()


@pytest.fixture(scope="session")
def shared_practice():
    """One practice server for tests that need nothing special."""
    practice = Practice(rows=400)
    yield practice
    practice.stop()


@pytest.fixture
def person():
    """Somebody with a browser."""
    people = []

    def somebody(answer="allow"):
        people.append(Person(answer))
        return people[-1]

    yield somebody
    for one in people:
        one.close()
