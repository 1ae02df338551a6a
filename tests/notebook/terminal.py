"""IPython behind a pseudo-terminal: what it writes, and the screen it is seen on."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from html import escape
from itertools import groupby, pairwise

import pyte

_BLACK, _WHITE = "#1e1e1e", "#ccc"
_COLOURS = {
    "black": "#555",
    "red": "#f14c4c",
    "green": "#23d18b",
    "brown": "#e5e510",  # so terminals call their yellow
    "blue": "#3b8eea",
    "magenta": "#d670d6",
    "cyan": "#29b8db",
    "white": "#fff",
}
_PAGE = (
    f"<body style='margin:16px;background:{_BLACK}'><pre style='margin:0;"
    f'color:{_WHITE};font:16px/18.6px "DejaVu Sans Mono"\'>{{}}</pre>'
)


class Terminal:
    """IPython that writes nothing but text, one line however long."""

    term = "dumb"
    words = ("--simple-prompt", "--colors=NoColor")
    columns, lines = 2000, 40

    def __init__(self, **environment):
        self.said = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        command = [sys.executable, "-m", "IPython", "--no-banner", *self.words]
        self._pid, self._handle = pty.fork()
        if self._pid == 0:
            size = struct.pack("HHHH", self.lines, self.columns, 0, 0)
            fcntl.ioctl(0, termios.TIOCSWINSZ, size)
            # Only what Python knows of: readline puts in its own idea of the size.
            known = {**os.environ, "TERM": self.term, **environment}
            os.execve(sys.executable, command, known)  # noqa: S606 (IPython itself, and no shell)
        self.wait_for(r"In \[1\]")

    @property
    def text(self):
        """What can be read there."""
        return self.said

    def type(self, line):
        os.write(self._handle, f"{line}\n".encode())

    def wait_for(self, pattern, seconds=30):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := re.search(pattern, self.text):
                return found
            if select.select([self._handle], [], [], 0.2)[0]:
                self._hear(self._decoder.decode(os.read(self._handle, 65536)))
        raise AssertionError(f"{pattern!r} did not come: {len(self.said)} characters")

    def end(self):
        self.type("exit")
        os.waitpid(self._pid, 0)
        os.close(self._handle)

    def _hear(self, heard):
        self.said += heard


class Screen(Terminal):
    """IPython as people see it, on a screen of cells."""

    term = "xterm-256color"
    words = ()

    def __init__(self, columns=100, **environment):
        self.columns = columns
        self._screen = pyte.Screen(self.columns, self.lines)
        # The prompt asks where the cursor is.
        self._screen.write_process_input = lambda answer: os.write(
            self._handle, answer.encode()
        )
        self._stream = pyte.Stream(self._screen)
        super().__init__(**environment)

    @property
    def rows(self):
        """What is in each row."""
        return [row.rstrip() for row in self._screen.display]

    @property
    def text(self):
        """What is there up to the cursor, with rows put together that were one line."""
        rows = self.rows[: self._screen.cursor.y + 1]
        below = (
            ("" if self._seam(*pair) else "\n") + pair[1] for pair in pairwise(rows)
        )
        return rows[0] + "".join(below)

    def torn(self, whole):
        """Give the words that two rows share, but for those of a ``whole`` text."""
        seams = (self._seam(*pair) for pair in pairwise(self.rows))
        return [word for word in seams if word and word not in whole]

    def _seam(self, row, below):
        # A row may also be full by chance.
        word = "".join([*row.split()[-1:], *below.split()[:1]])
        return word if len(row) == self.columns and word in self.said else ""

    def html(self):
        """Draw it."""
        cells = self._screen.buffer
        rows = ([cells[y][x] for x in range(self.columns)] for y in range(self.lines))
        return _PAGE.format("\n".join(map(_drawn, rows)))

    def _hear(self, heard):
        super()._hear(heard)
        self._stream.feed(heard)


def _drawn(row):
    alike = groupby(row, key=lambda cell: cell._replace(data=""))
    return "".join(
        f'<span style="{_style(look)}">{escape("".join(c.data for c in cells))}</span>'
        for look, cells in alike
    )


def _style(look):
    front, back = _colour(look.fg, _WHITE), _colour(look.bg, _BLACK)
    if look.reverse:
        front, back = back, front
    style = f"color:{front}"
    # A background would cover what hangs down from the row above.
    style += f";background:{back}" * (back != _BLACK)
    style += ";font-weight:bold" * look.bold + ";font-style:italic" * look.italics
    return style + ";text-decoration:underline" * look.underscore


def _colour(name, default):
    if name == "default":
        return default
    return _COLOURS.get(name.removeprefix("bright"), f"#{name}")
