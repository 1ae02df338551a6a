"""Types that hold whatever the data; the traps by name."""

from __future__ import annotations

import io
import json
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intermezzo_nb.api.columns import TEXT, build, infer
from intermezzo_nb.api.frames import to_frame
from intermezzo_nb.api.resources import CATALOGUE, find
from intermezzo_nb.api.schema import Column, Resource, split_filters
from intermezzo_nb.api.shaping import shape, valid_on
from intermezzo_nb.errors import SettingsError

ALL = Resource(
    name="all",
    path="/all",
    page="none",
    doc="one column of each kind",
    columns=tuple(
        Column(kind, kind)
        for kind in (
            *("text", "enum", "date", "instant", "integer"),
            *("boolean", "number", "money", "json"),
        )
    ),
)
DTYPES = {
    "text": TEXT,
    "enum": TEXT,
    "date": "datetime64[s]",
    "instant": "datetime64[us, UTC]",
    "integer": "Int64",
    "boolean": "boolean",
    "number": "float64",
    "money": "float64",
    "json": TEXT,
}
GOOD = {
    "text": "007",
    "enum": "new value",
    "date": "2026-03-31",
    "instant": "2026-03-31T23:59:59.123456Z",
    "integer": 9007199254740993,
    "boolean": True,
    "number": 38.5,
    "money": "1234.56",
    "json": [{"a": 1}],
}


def frame_of(*records, resource=ALL, **options):
    return to_frame(list(records), resource, **options)


def column(kind, *values, money="float"):
    return build(Column("x", kind), list(values), money=money)


@pytest.mark.parametrize("records", [[], [{}], [GOOD], [GOOD, {}, dict.fromkeys(GOOD)]])
def test_types_do_not_depend_on_the_data(records):
    frame = frame_of(*records).frame
    assert {n: frame[n].dtype for n in DTYPES} == {
        n: pd.Series([], dtype=d).dtype for n, d in DTYPES.items()
    }
    assert len(frame) == len(records)


def test_null_and_missing_are_the_same():
    frame = frame_of(GOOD, {}, dict.fromkeys(GOOD)).frame
    assert frame.isna().iloc[1:].all(axis=None)


def test_leading_zeros_stay():
    assert frame_of(GOOD).frame["text"][0] == "007"


def test_large_integers_beside_a_gap_are_exact():
    series, notes = column("integer", 9007199254740993, None, -(2**63))
    assert list(series.dropna()) == [9007199254740993, -(2**63)]
    assert notes == []


def test_integers_beyond_64_bits_become_text_and_are_told():
    series, notes = column("integer", 1, 2**63)
    assert list(series) == ["1", str(2**63)]
    assert "row 1" in notes[0]


@pytest.mark.parametrize(
    "day", ["0001-01-01", "1600-02-29", "2262-04-12", "9999-12-31"]
)
def test_dates_outside_of_the_nanosecond_range(day):
    series, notes = column("date", day, None)
    assert str(series[0].date()) == day
    assert notes == []


def test_instants_keep_their_microseconds_and_become_utc():
    series, _ = column("instant", "2026-03-31T23:59:59.123456+02:00", None)
    assert series[0] == pd.Timestamp("2026-03-31T21:59:59.123456Z")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("date", "2026-02-30"),
        ("date", "20260331"),
        ("date", "2026-03-31T00:00:00Z"),
        ("date", 20260331),
        ("instant", "2026-03-31T23:59:59"),
        ("instant", "2026-03-31T23:59:59.1234567Z"),
        ("instant", "2026-03-31T25:00:00Z"),
        ("integer", "007"),
        ("integer", 1.5),
        ("integer", True),
        ("integer", {}),
        ("boolean", 1),
        ("boolean", "true"),
        ("number", "NaN"),
        ("number", 2**53 + 1),
        ("money", "NaN"),
        ("money", "1e5"),
        ("money", "1,000.00"),
        ("money", True),
        ("money", []),
    ],
)
def test_a_value_of_the_wrong_type_is_kept_as_text_and_told(kind, value):
    series, notes = column(kind, None, value)
    assert series.dtype == TEXT
    assert series[1] == (value if isinstance(value, str) else json.dumps(value))
    assert re.search(r"x .*row 1", notes[0])


def test_decimals_sum_exactly_where_asked_for_and_in_control_totals():
    cents = [{"money": "0.10"}] * 3 + [{"money": "999999999999.99"}, {}]
    exact = frame_of(*cents, money="decimal")
    assert exact.frame["money"].sum() == Decimal("1000000000000.29")
    for framed in (exact, frame_of(*cents)):
        assert framed.control_totals == {"money": "1000000000000.29"}


@given(st.decimals(-(10**12), 10**12, places=2, allow_nan=False))
def test_money_as_float_is_the_nearest_double(amount):
    series, _ = column("money", f"{amount:f}")
    assert series[0] == float(f"{amount:f}")


def test_money_with_more_digits_than_a_double_keeps_is_told():
    _, notes = column("money", "12345678901234567.89")
    assert "more than 15 digits" in notes[0]


def test_exact_money_takes_the_scale_that_it_needs():
    series, notes = column("money", "0.12345", "5", money="decimal")
    assert list(series) == [Decimal("0.12345"), Decimal(5)]
    assert notes == ["x is decimal128(18, 5): its values need it"]


def test_everyday_pandas_works_on_the_default():
    frame = frame_of(*[{**GOOD, "money": f"{n}.50"} for n in range(6)]).frame
    money = frame["money"]
    assert money.describe()["mean"] == 3.0
    assert money.cumsum().iloc[-1] == 18.0
    assert list(money.nlargest(2)) == [5.5, 4.5]
    assert (money * 12 * 2).iloc[1] == 36.0
    assert money.pct_change().iloc[1] == 2.0
    assert money.quantile(0.5) == 3.0
    assert frame.groupby("enum")["money"].sum().iloc[0] == 18.0
    assert (frame["date"] <= pd.Timestamp("2026-12-31")).all()


def test_a_round_trip_through_parquet():
    frame = frame_of(GOOD, {}).frame
    kept = io.BytesIO()
    frame.to_parquet(kept)
    again = pd.read_parquet(kept)
    assert list(again["text"].dropna()) == ["007"]
    assert again["integer"][0] == 9007199254740993


def test_german_and_british_records_share_one_frame():
    records = [
        {"employeeData": {"employmentCountry": "DE", "jobDetails": {"jobTitle": "A"}}},
        {"employeeData": {"employmentCountry": "GB"}, "id": 5},
    ]
    resource = find("employees")
    framed = to_frame(shape(records, resource, {}), resource)
    assert list(framed.frame["employmentCountry"]) == ["DE", "GB"]
    assert framed.frame["id"][1] == "5"
    assert framed.notes == []


def test_what_is_not_documented_is_kept_and_told_once():
    framed = frame_of({"new": 1, "deep": {"er": "x"}}, {"new": 2})
    assert list(framed.frame["new"]) == [1, 2]
    assert framed.frame["deep.er"][0] == "x"
    assert framed.notes == ["not documented, kept: new, deep.er"]


def test_names_that_collide_are_both_kept():
    frame = frame_of({"a.b": 1, "a": {"b": 2}}, resource=None).frame
    assert list(frame.columns) == ["a.b", "a.b (2)"]
    assert frame.iloc[0].tolist() == [1, 2]


def test_an_envelope_is_not_hidden_by_what_it_wraps():
    resource = find("employees")
    record = next(shape([{"id": "e", "employeeData": {"id": "x"}}], resource, {}))
    assert record == {"id": "e", "employeeData.id": "x"}


def test_lists_become_json_text():
    assert frame_of(GOOD).frame["json"][0] == '[{"a": 1}]'
    assert infer([[], None, [1]]).tolist()[0] == "[]"


def test_pay_becomes_one_row_a_line():
    resource = find("compensation")
    record = {
        "id": 7,
        "employeeId": "e",
        "validFrom": "2026-01-01",
        "earnings": [{"amount": "1.00", "isLumpsum": False}, {"amount": "2.00"}],
        "deductions": [{"name": "Loan", "amount": "0.50"}],
        "benefits": None,
    }
    framed = to_frame(shape([record], resource, {}), resource)
    assert list(framed.frame["kind"]) == ["earning", "earning", "deduction"]
    assert list(framed.frame["recordId"]) == ["7"] * 3
    assert framed.control_totals["amount"] == "3.50"


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([True, None], "boolean"),
        ([1, None, 2**62], "Int64"),
        ([1, 2.5], "float64"),
        (["2026-01-01", None], "datetime64[s]"),
        (["2026-01-01T00:00:00Z"], "datetime64[us, UTC]"),
        (["007", "1"], TEXT),
        (["2026-01-01", "soon"], TEXT),
        ([1, "1"], TEXT),
        ([1, True], TEXT),
        ([2**63], TEXT),
        ([2**53 + 1, 0.5], TEXT),
        (["1.10"], TEXT),
        ([], TEXT),
        ([None], TEXT),
    ],
)
def test_undocumented_columns_are_inferred_without_loss(values, dtype):
    assert infer(values).dtype == pd.Series([], dtype=dtype).dtype


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["007", "2026-01-31", "2026-01-31T10:00:00Z", "1.10", "-0"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.lists(JSON, max_size=6))
def test_inference_loses_nothing(values):
    series = infer(values)
    assert len(series) == len(values)
    for value, kept in zip(values, series, strict=True):
        assert _is_kept(value, kept), (value, kept)


@given(
    st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(GOOD, JSON)), max_size=4)
)
def test_no_json_breaks_a_documented_frame(records):
    framed = to_frame(shape(records, ALL, {}), ALL)
    assert len(framed.frame) == len(records)
    assert set(DTYPES) <= set(framed.frame.columns)


def _is_kept(value, kept):
    if value is None:
        return bool(pd.isna(kept))
    if isinstance(kept, pd.Timestamp):
        return (
            pd.Timestamp(value).tz_localize(kept.tz) == kept
            if "T" not in value
            else (pd.Timestamp(value) == kept)
        )
    if isinstance(kept, str):
        return kept == value if isinstance(value, str) else json.loads(kept) == value
    return kept == value and isinstance(value, (bool, int, float, np.generic))


def test_columns_are_chosen_and_wrong_ones_named():
    assert list(frame_of(GOOD, columns=["money", "text"]).frame) == ["money", "text"]
    with pytest.raises(SettingsError):
        frame_of(GOOD, columns=["mony"])


def test_filters_go_where_they_belong():
    resource = find("wage-types")
    asked = {"effective_date": "2026-04-06", "niClass": "class_1"}
    assert split_filters(resource, asked) == (
        {},
        {"effective_date": "2026-04-06"},
        {"niClass": "class_1"},
    )


@pytest.mark.parametrize(
    ("name", "filters", "code", "hint"),
    [
        (
            "employees",
            {"employmentcountry": "DE"},
            "unknown_filter",
            "employmentCountry",
        ),
        ("employees", {"jobTitle": "x"}, "unknown_filter", "jobDetails.jobTitle"),
        ("p32", {}, "missing_parameter", "tax_year=2026"),
        ("job-details", {}, "missing_parameter", "employee_id"),
    ],
)
def test_wrong_filters_are_told_with_a_way_out(name, filters, code, hint):
    with pytest.raises(SettingsError) as caught:
        split_filters(find(name), filters)
    assert caught.value.code == code
    assert hint in caught.value.advice


@pytest.mark.parametrize("name", ["employes", "Employees", "wage_types", "pay"])
def test_an_unknown_resource_is_told(name):
    with pytest.raises(SettingsError) as caught:
        find(name)
    assert caught.value.code == "unknown_resource"


@pytest.mark.parametrize(
    ("day", "inclusive", "versions"),
    [
        ("2025-12-31", True, [1]),
        ("2025-12-31", False, []),
        ("2026-01-01", True, [2]),
        ("2019-12-31", True, []),
    ],
)
def test_the_version_of_a_day(day, inclusive, versions):
    records = [
        {"v": 1, "validFrom": "2020-01-01", "validTo": "2025-12-31"},
        {"v": 2, "validFrom": "2026-01-01", "validTo": None},
    ]
    found = valid_on(records, pd.Timestamp(day).date(), inclusive=inclusive)
    assert [r["v"] for r in found] == versions


def test_the_catalogue_is_consistent():
    for name, resource in CATALOGUE.items():
        names = [c.name for c in resource.columns]
        assert name == resource.name
        assert len(names) == len(set(names))
        in_path = set(re.findall(r"{(\w+)}", resource.path)) - {"organization_id"}
        assert in_path == {p.name for p in resource.parameters if p.where == "path"}
        assert {"path", "query"} >= {p.where for p in resource.parameters}
