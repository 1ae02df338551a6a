"""The one status line that moves while pages arrive, and the one that stays."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from typing import Any

from IPython.display import display

from ..api.progress import Progress
from ..api.provenance import summary
from ..surroundings import look

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
        self._shown: Any = None
        self._drawn_at = float("-inf")

    def __call__(self, progress: Progress) -> None:
        if not self._watched:
            return
        early = self._drawn_at + _REDRAW - time.monotonic()
        if early > 0:
            if not progress.waiting:
                return
            time.sleep(early)  # a wait comes anyway, and has to be told before it
        self._drawn_at = time.monotonic()
        self._draw(str(progress))

    def finish(self, attrs: Mapping[str, Any]) -> None:
        """Draw the line that stays."""
        self._draw(summary(attrs))

    def fail(self) -> None:
        """Leave nothing half-told above an error."""
        if self._shown is not None:
            self._draw("not finished")

    def _draw(self, text: str) -> None:
        lines = escape(text).replace("\n", "<br>")
        html = f'<div role="status" style="{_STYLE}">{lines}</div>'
        bundle = {"text/plain": text, "text/html": html}
        if self._shown is None:
            self._shown = display(bundle, raw=True, display_id=True)
        else:
            self._shown.update(bundle, raw=True)


@contextmanager
def status_line() -> Iterator[StatusLine]:
    """Give a line for one piece of work."""
    line = StatusLine(watched=look().answers)
    try:
        yield line
    except BaseException:
        line.fail()
        raise
