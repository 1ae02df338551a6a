"""What every test gets: an empty environment, and a look for leaks afterwards."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from intermezzo_nb import doctor, surroundings
from intermezzo_nb.demo.server import Options, start
from intermezzo_nb.errors import IntermezzoError
from intermezzo_nb.secret import Secret

sys.path.insert(0, str(Path(__file__).parent))

from leaks import Leaks
from person import Person

pytest_plugins = ["pytester", "figures", "pictures"]
_LEAKS = pytest.StashKey[Leaks]()
_SHOWN = ("Captured stdout", "Captured stderr")
# How long an example takes is no behaviour, and machines differ.
settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")


# What says where we are: every machine, also one behind a proxy, shall look alike.
_FOREIGN = ("INTERMEZZO_", "JUPYTER", "BINDER_", "COLAB_", "SSH_", "CODESPACES")
_NAMES = {
    *("CI", "XDG_RUNTIME_DIR", "COLUMNS", "JPY_PARENT_PID"),
    *(*doctor._PROXIES, *doctor._BUNDLES),
    *(*surroundings._ELSEWHERE, *surroundings._VS_CODE),
}


@pytest.fixture(autouse=True)
def clean_environment(tmp_path_factory):
    """No setting of the machine reaches a test, and no test the machine's home."""
    home = tmp_path_factory.mktemp("home")
    folders = {
        "HOME": home,
        "XDG_CONFIG_HOME": home / "config",
        "XDG_STATE_HOME": home / "state",
        "XDG_DATA_HOME": home / "data",
        "XDG_CACHE_HOME": home / "cache",
        "IPYTHONDIR": home / "ipython",
    }
    # Not the test's own monkeypatch: that one may be undone on the way.
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.upper().startswith(_FOREIGN) or name.upper() in _NAMES:
                patch.delenv(name)
        for name, folder in folders.items():
            patch.setenv(name, str(folder))
        yield home


@pytest.fixture(autouse=True)
def leaks(request, clean_environment, tmp_path):
    """Every secret that is made during the test, looked for after it."""
    found = request.node.stash[_LEAKS] = Leaks()
    found.allow(clean_environment / "state")
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(found.log)
    root.setLevel(logging.DEBUG)
    with pytest.MonkeyPatch.context() as patch:
        _overhear(found, patch)
        yield found
    root.removeHandler(found.log)
    root.setLevel(level)
    places = found.everywhere(tmp_path, clean_environment)
    assert not places, f"a secret shows in: {places}"


def _overhear(found, patch):
    make, fail = Secret.__init__, IntermezzoError.__init__
    read = pytest.CaptureFixture.readouterr

    def recorded(self, value):
        found.record(value)
        make(self, value)

    def failed(self, *args, **kwargs):
        fail(self, *args, **kwargs)
        found.hear(f"the text of a {type(self).__name__}", str(self))

    def read_out(self):
        captured = read(self)
        found.hear_output(f"{captured.out}\n{captured.err}")
        return captured

    patch.setattr(Secret, "__init__", recorded)
    patch.setattr(IntermezzoError, "__init__", failed)
    patch.setattr(pytest.CaptureFixture, "readouterr", read_out)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    try:
        return (yield)
    finally:
        if found := item.stash.get(_LEAKS, None):
            found.look_around()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if (found := item.stash.get(_LEAKS, None)) is None:
        return report
    shown = [text for name, text in report.sections if name.startswith(_SHOWN)]
    shown.append(str(report.longrepr or ""))
    leaked = found.in_output("\n".join(shown))
    if leaked and report.when != "setup" and not found.is_told:
        found.is_told = True  # at teardown the output of the call is seen again
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
