"""The look for leaks finds a planted leak of each kind."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
from leaks import Leaks

PLANTED = "imz_at_q7Rk2mX9vB4tL8wZ1cN6yH3sD5fJ0gPa"
BARE = "Zp4/vQ8+rT2=wX6~yB0-nM3_kL9.jH5"
TESTS = Path(__file__).parents[1]
OUTPUT, READ = "output or traceback", "output that the test has read"

# What a test does with the text of a Secret, and where it is then found.
LEAKS = {
    "print(text)": OUTPUT,
    "print(text, file=sys.stderr)": OUTPUT,
    "os.write(1, text.encode())": OUTPUT,
    "print(text[:8])": OUTPUT,
    "print(text[-8:])": OUTPUT,
    "print(quote(text, safe=''))": OUTPUT,
    "print(base64.b64encode(b'client:' + text.encode()))": OUTPUT,
    "raise ValueError(text)": OUTPUT,
    "finish(lambda: print(text))": OUTPUT,
    "capture = fixture('capsys'); print(text); capture.readouterr()": READ,
    "capture = fixture('capfd'); print(text); capture.readouterr()": READ,
    "logging.getLogger('urllib3').debug('sent %s', text)": "the log",
    "LoginError('no', why=text)": "the text of a LoginError",
    "ipywidgets.HTML(text)": "widget state",
    "finish(ipywidgets.HTML(text).close)": "widget state",
    "run_cell('x = ' + repr(text))": "the history",
    "(tmp_path / 'a.ipynb').write_text(text)": "the file a.ipynb",
    "(tmp_path / 'x').mkdir(); (tmp_path / 'x' / 'y').write_text(text)": "the file y",
    "(tmp_path / quote(text[-8:], safe='')).touch()": "the name of a file",
    "(Path.home() / '.netrc').write_text(text)": "the file .netrc",
}
CLEAN = [
    "logging.getLogger().debug('%s', secret)",
    "leaks.allow(tmp_path); (tmp_path / 'kept').write_text(text)",
    "print('http://127.0.0.1/authorize?code_challenge=x&state=' + text, end='')",
]
TEST = """
import base64, logging, os, sys
from pathlib import Path
from urllib.parse import quote
import ipywidgets
from intermezzo_nb.errors import LoginError
from intermezzo_nb.secret import Secret

def run_cell(code):
    from IPython.testing.globalipapp import start_ipython
    start_ipython().run_cell(code, store_history=True)
"""
FUNCTION = """
def test_{number}(tmp_path, leaks, request):
    secret, fixture = Secret({value!r}), request.getfixturevalue
    text, finish = secret.reveal(), request.addfinalizer
    {body}
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Run tests that leak, in a pytest of their own; give what is said of each."""
    folder = tmp_path_factory.mktemp("inner")
    functions = (
        FUNCTION.format(number=number, value=value_of(number), body=body)
        for number, body in enumerate([*LEAKS, *CLEAN])
    )
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_inner.py").write_text(TEST + "".join(functions))
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "conftest", "--junitxml=told"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])},
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    said = dict.fromkeys([*LEAKS, *CLEAN], "")
    for case in ET.parse(folder / "told").getroot().iter("testcase"):  # noqa: S314
        body = list(said)[int(case.get("name").removeprefix("test_"))]
        said[body] += "".join(ET.tostring(part, "unicode") for part in case)
    return said, run.stdout


def value_of(number):
    """Give each its own: what one shows, a widget say, outlives it."""
    return base64.b64encode(hashlib.sha256(bytes([number])).digest()).decode()


@pytest.mark.parametrize(("leak", "place"), LEAKS.items())
def test_a_planted_leak_fails_the_test(told, leak, place):
    said, _ = told
    assert "a secret shows in" in said[leak]
    assert place in said[leak]


@pytest.mark.parametrize("harmless", CLEAN)
def test_a_test_without_a_leak_passes(told, harmless):
    said, _ = told
    assert said[harmless] == ""


def test_the_report_does_not_spread_it(told):
    _, output = told
    assert "a secret shows in" in output
    for number in range(len(LEAKS)):
        assert value_of(number) not in output


@pytest.mark.parametrize(
    "shown",
    [
        BARE,
        quote(BARE, safe=""),
        base64.b64encode(BARE.encode()).decode(),
        base64.urlsafe_b64encode(BARE.encode()).decode(),
        base64.b64encode(b"Basic client:" + BARE.encode()).decode(),
        BARE[:8],
        quote(BARE[:8], safe=""),
        base64.b64encode(BARE[:8].encode()).decode(),
        BARE[-8:],
    ],
)
def test_it_is_recognized_in_every_encoding(shown):
    found = Leaks()
    found.record(BARE)
    assert found.in_text(f"…{shown}…")
    assert not found.in_text("nothing to see")


def test_another_jwt_and_a_piece_of_a_word_are_no_leak():
    found = Leaks()
    found.record("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJwMSJ9.Zk3Vb8Qw1Rt5Xy7L")
    found.record("secret-access-of-client-s")
    assert found.in_text("eyJhbGciOiJSUzI1NiJ9.e30.other; secret-a, client-s") == []


def test_what_is_marked_is_found_unrecorded():
    assert Leaks().in_text(f"Bearer {PLANTED}")
