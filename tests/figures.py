"""How long sign-ins took, and by how many clicks: told after the tests."""

from __future__ import annotations

import os
from dataclasses import astuple, dataclass
from pathlib import Path

import pytest

_MEASURED = pytest.StashKey[list]()
_HEAD = (
    "environment",
    "way",
    "server",
    "cell run → DataFrame (s)",
    "clicks",
    "last click → signed in (s)",
    "picture",
)


@dataclass(frozen=True)
class Figure:
    """
    One sign-in.

    Parameters
    ----------
    signed_in : float
        Seconds from the last thing a person did until the notebook told of it.
    """

    environment: str
    way: str
    server: str
    frame: float
    clicks: int
    signed_in: float
    picture: str = ""

    def cells(self):
        return [f"{x:.1f}" if isinstance(x, float) else str(x) for x in astuple(self)]


def pytest_configure(config):
    config.stash[_MEASURED] = []


@pytest.fixture
def measured(request):
    """Note a figure."""
    return request.config.stash[_MEASURED].append


def pytest_terminal_summary(terminalreporter, config):
    if not (figures := config.stash[_MEASURED]):
        return
    rows = [_HEAD, *(figure.cells() for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    terminalreporter.section("sign-ins")
    for row in rows:
        padded = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        terminalreporter.write_line("  ".join(padded).rstrip())
    if place := os.environ.get("FIGURES"):
        _write(Path(place), rows)


def _write(path, rows):
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    # The stages of a run are sessions of their own, and share the table.
    is_begun = path.exists() and path.read_text().startswith(head)
    lines = body if is_begun else [head, "|---" * len(_HEAD) + "|", *body]
    with path.open("a" if is_begun else "w") as file:
        file.write("\n".join(lines) + "\n")
