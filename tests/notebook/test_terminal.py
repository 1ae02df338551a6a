"""Signing in from IPython in a terminal: a link as text, and the next line waits."""

from __future__ import annotations

import codecs
import io
import os
import pty
import re
import select
import sys
import time

import pytest
import segno


class Terminal:
    """IPython behind a pseudo-terminal."""

    def __init__(self, **environment):
        self.said = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pid, self._handle = pty.fork()
        if self._pid == 0:
            words = ["-m", "IPython", "--simple-prompt", "--no-banner"]
            os.environ.update({"TERM": "dumb", "COLUMNS": "2000", **environment})
            os.execv(sys.executable, [sys.executable, *words, "--colors=NoColor"])  # noqa: S606

    def type(self, line):
        os.write(self._handle, f"{line}\n".encode())

    def wait_for(self, pattern, seconds=30):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := re.search(pattern, self.said):
                return found
            if select.select([self._handle], [], [], 0.2)[0]:
                self.said += self._decoder.decode(os.read(self._handle, 65536))
        raise AssertionError(f"{pattern!r} did not come: {len(self.said)} characters")

    def end(self):
        self.type("exit")
        os.waitpid(self._pid, 0)
        os.close(self._handle)


@pytest.fixture
def open_terminal():
    opened = []

    def open_it(**environment):
        opened.append(Terminal(**environment))
        return opened[-1]

    yield open_it
    for terminal in opened:
        terminal.end()


@pytest.fixture
def terminal(open_terminal):
    return open_terminal()


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


def show_code(terminal):
    """Begin the device way; give the link that leads there."""
    terminal.wait_for(r"In \[1\]")
    terminal.type("%load_ext intermezzo_nb")
    terminal.type("%intermezzo_login --profile demo --via device")
    return terminal.wait_for(r"http://127\.0\.0\.1:\d+/\S+(?=\r?\n)")[0]


def test_a_terminal_shows_the_link_as_a_qr_code(open_terminal, person):
    terminal = open_terminal(PYTHONIOENCODING="utf-8")
    link = show_code(terminal)
    code, drawing = segno.make(link, error="l", micro=False), io.StringIO()
    code.terminal(drawing, border=2, compact=True)
    terminal.wait_for(re.escape(drawing.getvalue().strip().replace("\n", "\r\n")))
    person().enter_code(link)
    terminal.wait_for("signed in as Maren Voss")


@pytest.mark.parametrize("narrow", [{"PYTHONIOENCODING": "cp1252"}, {"COLUMNS": "30"}])
def test_a_terminal_without_room_or_letters_shows_the_code_alone(
    open_terminal, person, narrow
):
    terminal = open_terminal(**{"PYTHONIOENCODING": "utf-8", **narrow})
    link = show_code(terminal)
    terminal.wait_for("Code: [A-Z]{4}-[A-Z]{4}")
    person().enter_code(link)
    terminal.wait_for("signed in as Maren Voss")
    assert "▄" not in terminal.said
