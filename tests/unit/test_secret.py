"""A Secret shows itself to nobody."""

from __future__ import annotations

import copy
import json
import pickle
import traceback

import pytest

from intermezzo_nb.secret import Secret

VALUE = "imz_at_" + "q7Rk2mX9vB4tL8wZ1cN6yH3sD5fJ0gPa"


@pytest.mark.parametrize("show", [repr, str, format, lambda s: f"{s:>40}", ascii])
def test_no_way_of_printing_shows_it(show):
    assert VALUE[7:15] not in show(Secret(VALUE))


def test_it_has_no_attributes_to_print():
    secret = Secret(VALUE)
    with pytest.raises(TypeError):
        vars(secret)
    assert all(VALUE not in str(getattr(secret, name, "")) for name in dir(secret))


@pytest.mark.parametrize("take", [pickle.dumps, copy.copy, copy.deepcopy])
def test_it_is_not_pickled_or_copied(take):
    with pytest.raises(TypeError):
        take(Secret(VALUE))


def test_json_refuses_it():
    with pytest.raises(TypeError):
        json.dumps(Secret(VALUE))


def test_equal_by_value_and_only_to_secrets():
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret(VALUE) != Secret("other")
    assert Secret(VALUE) != VALUE
    assert len({Secret(VALUE), Secret(VALUE)}) == 1


def test_a_traceback_with_locals_shows_the_mask():
    def fails():
        secret = Secret(VALUE)
        raise ValueError(secret)

    with pytest.raises(ValueError) as caught:
        fails()
    told = "".join(
        traceback.TracebackException.from_exception(
            caught.value, capture_locals=True
        ).format()
    )
    assert VALUE[7:15] not in told.replace(f"VALUE = {VALUE!r}", "")
