"""The look for leaks finds a planted leak of each kind."""

from __future__ import annotations

import base64
import logging
from urllib.parse import quote

import pytest

PLANTED = "imz_at_q7Rk2mX9vB4tL8wZ1cN6yH3sD5fJ0gPa"
BARE = "Zp4/vQ8+rT2=wX6~yB0-nM3_kL9.jH5"

CHECKED = """
import logging
import sys
from intermezzo_nb.secret import Secret

def test_it(tmp_path, leaks):
    secret = Secret({value!r})
    {leak}
"""


@pytest.fixture
def inner(pytester, request, monkeypatch):
    """Run a test that leaks, in a pytest of its own."""
    pytester.makeini("[pytest]\n")
    root = request.config.rootpath
    monkeypatch.setenv("PYTHONPATH", f"{root}:{root / 'tests'}")

    def run(leak, value=BARE):
        pytester.makepyfile(CHECKED.format(value=value, leak=leak))
        return pytester.runpytest_subprocess("-p", "conftest")

    return run


@pytest.mark.parametrize(
    "leak",
    [
        "print(secret.reveal())",
        "print(secret.reveal(), file=sys.stderr)",
        "logging.getLogger('urllib3').debug('sent %s', secret.reveal())",
        "raise ValueError(secret.reveal())",
        "(tmp_path / 'saved.ipynb').write_text(secret.reveal())",
        "import ipywidgets; ipywidgets.HTML(secret.reveal())",
        "print(secret.reveal()[:8])",
        "print(secret.reveal()[-8:])",
        "(tmp_path / 'x').mkdir(); (tmp_path / 'x' / 'y').write_text(secret.reveal())",
    ],
)
def test_a_planted_leak_fails_the_test(inner, leak):
    result = inner(leak)
    counts = result.parseoutcomes()
    assert counts.get("failed", 0) + counts.get("errors", 0) >= 1
    result.stdout.fnmatch_lines(["*a secret shows in*"])
    assert BARE[:8] not in result.stdout.str()


def test_the_history_of_ipython_is_looked_through(inner):
    leak = (
        "from IPython.testing.globalipapp import start_ipython; "
        "start_ipython().run_cell('x = ' + repr(secret.reveal()), store_history=True)"
    )
    inner(leak).stdout.fnmatch_lines(["*the history*"])


def test_what_is_allowed_may_hold_it(inner):
    leak = "leaks.allow(tmp_path); (tmp_path / 'kept').write_text(secret.reveal())"
    inner(leak).assert_outcomes(passed=1)


def test_a_test_without_a_leak_passes(inner):
    inner("logging.getLogger().debug('%s', secret)").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "shown",
    [
        BARE,
        quote(BARE, safe=""),
        base64.b64encode(BARE.encode()).decode(),
        base64.b64encode(b"Basic client:" + BARE.encode()).decode(),
        BARE[:8],
        BARE[-8:],
    ],
)
def test_it_is_recognized_in_every_encoding(shown):
    from leaks import Leaks

    found = Leaks()
    found.record(BARE)
    assert found.in_text(f"…{shown}…")
    assert not found.in_text("nothing to see")


def test_what_is_marked_is_found_unrecorded():
    from leaks import Leaks

    assert Leaks().in_text(f"Bearer {PLANTED}")
    logging.getLogger(__name__).debug("nothing secret")
