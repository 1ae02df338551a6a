"""The one status line that moves while pages arrive, and the one that stays."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from typing import Any

from IPython.display import display

from ..api.progress import Progress
from ..api.provenance import summary
from ..surroundings import look
from ..wrapping import wrapped

_REDRAW = 0.25  # seconds between two redraws
_STYLE = (
    "font:13px/1.6 var(--jp-ui-font-family, system-ui, sans-serif);"
    "color:var(--jp-ui-font-color2, var(--vscode-descriptionForeground, inherit))"
)


class StatusLine:
    """
    One line of output, redrawn four times a second at most.

    Parameters
    ----------
    watched : bool
        Somebody looks; else only the last line is drawn.
    """

    def __init__(self, *, watched: bool) -> None:
        self._watched = watched
        self._place = _TerminalLine() if sys.stdout.isatty() else _Output()
        self._drawn_at = float("-inf")

    def __call__(self, progress: Progress) -> None:
        if not self._watched or not (progress.requests or progress.waiting):
            return  # a sign-in that the first request waits for has the line
        early = self._drawn_at + _REDRAW - time.monotonic()
        if early > 0:
            if not progress.waiting:
                return
            time.sleep(early)  # a wait comes anyway, and has to be told before it
        self._drawn_at = time.monotonic()
        self._place.draw(str(progress))

    def finish(self, attrs: Mapping[str, Any]) -> None:
        """Draw the line that stays."""
        self._place.end(summary(attrs))

    def fail(self) -> None:
        """Leave nothing half-told above an error."""
        if self._place.is_begun:
            self._place.end("not finished")


class _Output:
    """An output of the cell, updated in its place."""

    _shown: Any = None

    @property
    def is_begun(self) -> bool:
        return self._shown is not None

    def draw(self, text: str) -> None:
        lines = escape(text).replace("\n", "<br>")
        html = f'<div role="status" style="{_STYLE}">{lines}</div>'
        bundle = {"text/plain": text, "text/html": html}
        if self._shown is None:
            self._shown = display(bundle, raw=True, display_id=True)
        else:
            self._shown.update(bundle, raw=True)

    end = draw


class _TerminalLine:
    """The line of the cursor: what IPython updates in a terminal is one line more."""

    _length = 0

    @property
    def is_begun(self) -> bool:
        return self._length > 0

    def draw(self, text: str) -> None:
        # A line that wraps cannot be drawn over.
        shown = text[: shutil.get_terminal_size().columns - 1]
        self._write(shown.ljust(self._length))
        self._length = len(shown)

    def end(self, text: str) -> None:
        lines = "\n".join(map(wrapped, text.splitlines()))
        first, *others = lines.splitlines()
        self._write("\n".join([first.ljust(self._length), *others, ""]))
        self._length = 0

    def _write(self, text: str) -> None:
        sys.stdout.write(f"\r{text}")
        sys.stdout.flush()


@contextmanager
def status_line() -> Iterator[StatusLine]:
    """Give a line for one piece of work."""
    line = StatusLine(watched=look().answers)
    try:
        yield line
    except BaseException:
        line.fail()
        raise
