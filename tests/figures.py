"""How long sign-ins took, and by how many clicks: told after the tests."""

from __future__ import annotations

import os
from dataclasses import astuple, dataclass
from pathlib import Path

import pytest

_NAME = "sign-in"
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


@pytest.fixture
def measured(request):
    """Note a figure, in a report: tests may run in processes of their own."""
    place = request.session.items.index(request.node)

    def note(figure):
        request.node.user_properties.append((_NAME, [place, *astuple(figure)]))

    return note


def pytest_configure(config):
    if not hasattr(config, "workerinput"):  # one process has all reports
        config.pluginmanager.register(_Table())


class _Table:
    def __init__(self):
        self._figures = []

    def pytest_runtest_logreport(self, report):
        if report.when == "teardown":
            noted = (value for name, value in report.user_properties if name == _NAME)
            self._figures += [(place, Figure(*cells)) for place, *cells in noted]

    def pytest_terminal_summary(self, terminalreporter):
        if not self._figures:
            return
        # Tests that run side by side do not end in the order of the files.
        figures = sorted(self._figures, key=lambda figure: figure[0])
        rows = [_HEAD, *(figure.cells() for _, figure in figures)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        terminalreporter.section("sign-ins")
        for row in rows:
            padded = (x.ljust(width) for x, width in zip(row, widths, strict=True))
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
