"""The table of sign-ins, where several processes take part in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
TEST = """
import time
from pathlib import Path
from figures import Figure

def test_it(measured):
    {act}
    measured(Figure("{name}", "server", "practice", 1.0, 2, 0.5))
"""
# The first of the files ends last, or the test runs into its time limit.
LATE = """while not Path("b").exists():
        time.sleep(0.01)"""


def test_tests_side_by_side_write_each_row_once_in_the_order_of_the_files(tmp_path):
    for name, act in (("a", LATE), ("b", "Path('b').touch()")):
        text = TEST.format(name=name, act=act)
        (tmp_path / f"test_{name}.py").write_text(text)
    table = tmp_path / "figures.md"
    words = ["-q", "-n", "2", "-p", "figures", "-p", "no:cacheprovider"]
    subprocess.run(
        [sys.executable, "-m", "pytest", *words, str(tmp_path)],
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(TESTS), "FIGURES": str(table)},
    )
    head, line, *rows = table.read_text().splitlines()
    assert head.startswith("| environment |")
    assert line.startswith("|---|")
    assert [row.split()[1] for row in rows] == ["a", "b"]
