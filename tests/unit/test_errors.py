"""Errors tell what, why and what next, and survive the way to another process."""

from __future__ import annotations

import pickle
import sys

import pytest

from intermezzo_nb import errors
from intermezzo_nb.errors import (
    ApiError,
    IntermezzoError,
    Interrupted,
    SettingsError,
    StoreError,
)
from intermezzo_nb.quoting import quoted
from intermezzo_nb.settings import Settings
from intermezzo_nb.wrapping import wrapped

NAMED = [getattr(errors, name) for name in errors.__all__]
CLASSES = [kind for kind in NAMED if issubclass(kind, IntermezzoError)]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_has_a_code_and_shows_three_lines(kind):
    error = kind("it broke", why="rain", advice="wait")
    assert error.code == kind.default_code != ""
    assert error.lines() == [
        f"Intermezzo: it broke [{error.code}]",
        "Why: rain",
        "Next: wait",
    ]
    assert error._render_traceback_() == error.lines()
    assert str(error).splitlines() == error.lines()


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_survives_pickling(kind):
    error = kind("it broke", why="rain", advice="wait", code="odd")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 (our own bytes)
    assert (type(again), again.lines()) == (kind, error.lines())


def test_ordinary_except_clauses_work():
    assert issubclass(SettingsError, ValueError)
    assert issubclass(StoreError, OSError)
    assert issubclass(errors.NetworkError, ConnectionError)


def test_an_api_error_carries_what_support_asks_for():
    error = ApiError("no", status=500, request_id="r1", retry_after=2.0)
    assert (error.status, error.request_id, error.retry_after) == (500, "r1", 2.0)


def test_the_frames_are_shown_on_request(monkeypatch):
    monkeypatch.setattr(IntermezzoError, "full_traceback", True)
    with pytest.raises(SettingsError) as caught:
        Settings.resolve(arguments={"issuer": "nonsense"})
    assert "Traceback" in "".join(caught.value._render_traceback_())


def test_a_line_stays_whole_where_there_is_no_output_at_all(monkeypatch):
    line = "word " * 100
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", None)  # as under pythonw.exe
        assert wrapped(line) == line


def test_an_interrupt_stays_one_and_is_told_in_a_line(monkeypatch):
    assert issubclass(Interrupted, KeyboardInterrupt)
    assert Interrupted("stopped.")._render_traceback_() == ["Intermezzo: stopped."]
    monkeypatch.setattr(IntermezzoError, "full_traceback", True)
    with pytest.raises(Interrupted) as caught:
        raise Interrupted("stopped.")
    assert "Traceback" in "".join(caught.value._render_traceback_())


def test_a_value_that_is_cut_shows_that_it_is():
    assert quoted(["a" * 80], 20) == "['aaaaaaaaaaaaaaaaa…"
    assert quoted("a" * 18, 20) == repr("a" * 18)


@pytest.mark.parametrize(
    "value",
    [
        "http://h.example",
        "/cb?x",
        "code=abc",
        "SplxlOBeZQQYbYS6WxSbIA",
        "4/0AX4XfWhSplxlOBeZQ",
        ["http://h.example"],
        "eyJhbGciOiJIUzI1NiJ9.e30.x" * 40,
    ],
)
def test_a_value_that_may_be_a_secret_is_not_repeated(value):
    assert quoted(value) == "'…'"


@pytest.mark.parametrize(
    "value",
    ["pigeon", "employmentCountrie", "2026-02-30", "2026-03-31T10:00:00Z", -1, "a & b"],
)
def test_other_values_are_repeated(value):
    assert quoted(value) == repr(value)
