"""Signing in from IPython in a terminal: a link as text, and the next line waits."""

from __future__ import annotations

import os
import pty
import re
import select
import sys
import time

import pytest


class Terminal:
    """IPython behind a pseudo-terminal."""

    def __init__(self):
        self.said = ""
        self._pid, self._handle = pty.fork()
        if self._pid == 0:
            words = ["-m", "IPython", "--simple-prompt", "--no-banner"]
            os.environ.update(TERM="dumb", COLUMNS="2000")
            os.execv(sys.executable, [sys.executable, *words, "--colors=NoColor"])  # noqa: S606

    def type(self, line):
        os.write(self._handle, f"{line}\n".encode())

    def wait_for(self, pattern, seconds=30):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := re.search(pattern, self.said):
                return found
            if select.select([self._handle], [], [], 0.2)[0]:
                self.said += os.read(self._handle, 65536).decode(errors="replace")
        raise AssertionError(f"{pattern!r} did not come: {len(self.said)} characters")

    def end(self):
        self.type("exit")
        os.waitpid(self._pid, 0)
        os.close(self._handle)


@pytest.fixture
def terminal():
    made = Terminal()
    yield made
    made.end()


def test_a_person_signs_in_from_a_terminal(terminal, person):
    terminal.wait_for(r"In \[1\]")
    terminal.type("%load_ext intermezzo_nb")
    terminal.type("%intermezzo_login --profile demo --via loopback")
    link = terminal.wait_for(r"http://127\.0\.0\.1:\d+/authorize\S+(?=\r?\n)")
    terminal.type("df = %intermezzo organizations")
    terminal.wait_for("waiting for the sign-in")
    assert person().sign_in(link[0]).status_code == 200
    terminal.wait_for("signed in as Maren Voss")
    terminal.wait_for("3 rows")
    assert terminal.said.count("/authorize?") == 1
