"""Cells become JSON exactly, or are refused with a reason that repeats no value."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intermezzo_nb.api.schema import Column
from intermezzo_nb.api.values import Unfit, as_json, encoded

PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.decimals(
        allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12
    )
)
JSON = st.recursive(
    PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)

ROUND: list[object] = []
ROUND.append(ROUND)


@given(JSON)
def test_what_is_encoded_is_decoded_to_the_same_digits(value):
    again = json.loads(encoded(value), parse_float=Decimal)
    assert again == value


@given(st.decimals(-(10**12), 10**12, places=2))
def test_an_amount_keeps_its_digits_from_any_spelling(amount):
    column = Column("amount", "money")
    for spelled in (amount, str(amount), float(amount)):
        sent = json.loads(encoded(as_json(column, spelled)), parse_float=Decimal)
        assert sent == amount


@pytest.mark.parametrize(
    ("kind", "value", "sent"),
    [
        ("text", "007", '"007"'),
        ("date", "2026-04-30", '"2026-04-30"'),
        ("date", dt.date(2026, 4, 30), '"2026-04-30"'),
        ("date", pd.Timestamp("2026-04-30"), '"2026-04-30"'),
        ("integer", 7.0, "7"),
        ("boolean", True, "true"),
        ("money", Decimal("0.10"), "0.10"),
        ("money", 1e15, "1000000000000000.0"),
        ("number", "1.2345678", "1.2345678"),
        ("texts", ["a", "b"], '["a","b"]'),
        ("texts", '["a"]', '["a"]'),
        ("texts", np.array(["a"]), '["a"]'),
        ("json", '{"x": 0.10}', '{"x":0.10}'),
        ("address", "Harbour 1", '"Harbour 1"'),
        ("address", {"address": "Harbour 1"}, '{"address":"Harbour 1"}'),
    ],
)
def test_what_can_be_sent(kind, value, sent):
    assert encoded(as_json(Column("x", kind), value)) == sent


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        ("text", 7, "text"),
        ("text", "\ud800", "half"),
        ("email", "nobody", "mail"),
        ("date", "30.04.2026", "date"),
        ("date", "2026-02-30", "date"),
        ("date", pd.Timestamp("2026-04-30 12:00"), "time of day"),
        ("date", pd.Timestamp("2026-04-30", tz="UTC"), "time of day"),
        ("date", 20260430, "date"),
        ("integer", 7.5, "whole"),
        ("integer", True, "whole"),
        ("integer", "7", "whole"),
        ("boolean", 1, "True or False"),
        ("boolean", "true", "True or False"),
        ("money", float("inf"), "finite"),
        ("money", 0.1 + 0.2, "more than 4 decimals"),
        ("money", "1,50", "number"),
        ("money", True, "number"),
        ("texts", "hr, finance", "list"),
        ("texts", [1], "list"),
        ("json", "{", "no JSON"),
        ("json", '{"x": NaN}', "no JSON"),
        ("json", "7", "object"),
        ("json", {"x": {1, 2}}, "JSON cannot"),
        ("json", {"x": [Decimal("NaN")]}, "JSON cannot"),
        ("json", [Decimal("-Infinity")], "JSON cannot"),
        ("json", ROUND, "JSON cannot"),
        ("json", [{1: "a", "1": "b"}], "two members of the same name"),
        ("money", Decimal("sNaN"), "finite"),
        ("money", Decimal("1E+99999"), "finite"),
        ("money", 10**400, "finite"),
    ],
)
def test_what_cannot_be_sent_is_told_without_its_value(kind, value, why):
    with pytest.raises(Unfit, match=why) as caught:
        as_json(Column("x", kind), value)
    assert str(value) not in str(caught.value) or value == 7


def test_a_closed_list_of_values_is_kept():
    with pytest.raises(Unfit, match="DE, GB"):
        as_json(Column("country", "enum", ("DE", "GB")), "FR")
