"""Text of several lines, wrapped at words; what is to be copied stays whole."""

from __future__ import annotations

import shutil
import sys
import textwrap

_NARROWEST = 50  # columns, of which about half are for what a line is about


def wrapped(line: str) -> str:
    """Wrap where a terminal would cut words; all else wraps by itself."""
    if sys.stdout is None or not sys.stdout.isatty():
        return line
    return _filled("", line, shutil.get_terminal_size().columns)


def hanging(head: str, text: str) -> str:
    """Wrap a text beside its head, wherever it is shown."""
    return _filled(head, text, max(shutil.get_terminal_size().columns, _NARROWEST))


def _filled(head: str, text: str, columns: int) -> str:
    return textwrap.fill(
        text,
        columns,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )
