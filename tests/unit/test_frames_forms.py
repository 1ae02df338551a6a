"""The same frame for pandas, Arrow and polars; wrong values among many; all of it."""

from __future__ import annotations

import datetime as dt
import json
import sys
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest

from intermezzo_nb.api import columns
from intermezzo_nb.api.frames import framed, to_frame
from intermezzo_nb.api.resources import find
from intermezzo_nb.api.schema import Column, Resource
from intermezzo_nb.api.shaping import check_form
from intermezzo_nb.errors import SettingsError

KINDS = (
    *("text", "enum", "date", "instant", "integer", "boolean", "number"),
    *("money", "json"),
)
THING = Resource(
    name="things",
    path="/things",
    page="none/none",
    doc="One column of each kind",
    columns=tuple(Column(kind, kind) for kind in KINDS),
)


def record(n):
    return {
        "text": f"{n:05}",
        "enum": "DE" if n % 2 else "GB",
        "date": f"{1 + n:04}-03-31",
        "instant": f"2026-03-31T21:59:59.{n:06}Z",
        "integer": 2**53 + n,
        "boolean": n % 3 == 0,
        "number": 38.5 if n % 2 else 40,
        "money": f"{n}.{n % 100:02}",
        "json": [n],
    }


RECORDS = [record(n) for n in range(2_500)]
ABOUT = {"resource": "things", "rows": 2_500}


def pages(records, size=100):
    return (records[at : at + size] for at in range(0, len(records), size))


@pytest.mark.parametrize(
    "kind", [k for k in KINDS if k not in {"text", "enum", "json"}]
)
@pytest.mark.parametrize("row", [0, 1_234, 2_499])
def test_one_wrong_value_among_many_keeps_all_as_they_came(kind, row):
    records = [*RECORDS]
    records[row] = records[row] | {kind: "soon"}
    made = framed(pages(records), THING)
    assert made.notes == [
        f"{kind} is kept as text: row {row} holds a str that is no {kind}"
    ]
    wanted = [r[kind] for r in records]
    texts = [v if isinstance(v, str) else json.dumps(v) for v in wanted]
    assert made.frame[kind].tolist() == texts
    others = framed(pages(RECORDS), THING).frame.drop(columns=kind)
    pd.testing.assert_frame_equal(made.frame.drop(columns=kind), others)


def test_wrong_values_lose_neither_large_integers_nor_the_form_of_numbers():
    records = [{"integer": 2**53 + n, "number": 1} for n in range(600)]
    records += [{"integer": None, "number": 1.0}, {"integer": [], "number": "x"}]
    frame = framed(pages(records), THING).frame
    assert frame["integer"].tolist()[:600] == [str(2**53 + n) for n in range(600)]
    assert frame["integer"].tolist()[601] == "[]"
    assert frame["number"].tolist()[599:] == ["1", "1.0", "x"]


def test_unknown_fields_that_come_late_are_empty_before_and_told_once():
    records = [*RECORDS[:1_000], {"new": {"er": 1}}, *RECORDS[:600], {"new": {"er": 2}}]
    made = framed(pages(records), THING)
    assert made.notes == ["not documented, kept: new.er"]
    assert made.frame["new.er"].dropna().to_dict() == {1_000: 1, 1_601: 2}
    assert len(made.frame) == 1_602


def test_an_object_where_a_value_is_documented_is_opened_wherever_it_comes():
    records = [*RECORDS[:700], {"money": {"amount": "1.00", "currency": "GBP"}}]
    made = framed(pages([*records, *RECORDS[:700]]), THING)
    assert made.frame["money.amount"].dropna().to_dict() == {700: "1.00"}
    assert made.frame["money"].isna().sum() == 1
    assert made.frame["money"].dtype == "float64"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(("money", text) for text in ("9999999999999.99", "99999999999999.99")),
        *(("money", text) for text in ("9999999999999999.99", "1.234", "1.", "1e2")),
        *(("money", text) for text in ("-0.00", "+5.00", "", "0.5", "7")),
        *(("instant", f"{text}-05:00") for text in ("9999-12-31T23:59:59",)),
        *(("instant", f"{text}+05:00") for text in ("0001-01-01T00:00:00",)),
        *(("instant", text) for text in ("0000-01-01T00:00:00Z",)),
        *(("instant", f"2026-01-01{text}") for text in (" 10:00:00Z", "T10:00Z", "")),
        *(("instant", f"2026-01-01{text}") for text in ("T10:00:00", "T10:00:00+02")),
        *(("date", text) for text in ("0000-01-01", "0001-01-01", "2026-02-29")),
        *(("integer", number) for number in (2**63, 2.0, -(2**63))),
        *(("number", number) for number in (2**53 + 1, 2**60, "1.5", float("nan"))),
    ],
)
@pytest.mark.parametrize("money", ["float", "decimal"])
def test_where_casts_are_laxer_than_the_documentation_nothing_changes(
    kind, value, money
):
    column = THING.column(kind)
    values = [RECORDS[0][kind], value, None]
    array, notes = columns.build(column, values, money=money)
    made = framed([[{kind: v} for v in values]], THING, money=money, as_="arrow")
    assert made.frame[kind].combine_chunks().equals(array)
    assert made.notes == notes
    total = columns.control_total(values) if kind == "money" else "0"
    assert made.control_totals.get("money") == total


class TestArrow:
    TABLE = framed(pages(RECORDS), THING, as_="arrow").bearing(ABOUT)

    def test_rows_that_hold_nothing_are_rows(self):
        for form, rows in (("arrow", "num_rows"), ("polars", "height")):
            frame = framed([[{}, {}]], None, as_=form).frame
            assert getattr(frame, rows) == 2
        assert framed([[{}, {}]], None).frame.shape == (2, 1)

    def test_types_are_arrows_own(self):
        assert {name: str(self.TABLE[name].type) for name in KINDS} == {
            **dict.fromkeys(["text", "enum", "json"], "large_string"),
            "date": "date32[day]",
            "instant": "timestamp[us, tz=UTC]",
            "integer": "int64",
            "boolean": "bool",
            "number": "double",
            "money": "double",
        }

    def test_values_are_those_that_came(self):
        row = self.TABLE.slice(2_000, 1).to_pylist()[0]
        assert row["date"] == dt.date(2001, 3, 31)
        assert row["integer"] == 2**53 + 2_000
        assert row["money"] == 2000.0
        assert row["json"] == "[2000]"

    def test_exact_money_is_decimal(self):
        table = framed(pages(RECORDS), THING, money="decimal", as_="arrow").frame
        assert table["money"].type == pa.decimal128(18, 2)
        assert sum(table["money"].to_pylist()) == sum(
            Decimal(r["money"]) for r in RECORDS
        )

    def test_the_schema_bears_where_it_comes_from(self):
        assert json.loads(self.TABLE.schema.metadata[b"intermezzo"]) == ABOUT

    def test_no_rows_keep_every_column(self):
        resource = find("employees")
        table = framed([], resource, as_="arrow").frame
        assert table.column_names == [c.name for c in resource.columns]
        assert table.num_rows == 0


class TestPolars:
    def test_it_is_the_same_frame(self):
        frame = framed(pages(RECORDS), THING, money="decimal", as_="polars").frame
        table = framed(pages(RECORDS), THING, money="decimal", as_="arrow").frame
        assert type(frame).__module__.startswith("polars")
        assert frame.to_dicts() == table.to_pylist()

    def test_names_that_no_c_string_holds_are_told_apart_in_all_forms(self):
        odd = [{"a": 1, "a\0": 2, "a\0b": 3, r"a\u0000": 4}]
        names = ["a", r"a\u0000", r"a\u0000b", r"a\u0000 (2)"]
        frames = [framed([odd], None, as_=f).frame for f in ("pandas", "polars")]
        assert [[*frame.columns] for frame in frames] == [names, names]
        assert frames[1].row(0) == (1, 2, 3, 4)

    def test_an_empty_name_stays_one(self):
        frame = framed([[{"": 1, "column_0": 2}]], None, as_="polars").frame
        assert frame.to_dicts() == [{"": 1, "column_0": 2}]

    def test_it_bears_nothing(self):
        made = framed(pages(RECORDS), THING, as_="polars")
        assert made.bearing(ABOUT) is made.frame

    def test_who_lacks_it_is_told_before_anything_is_read(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "polars", None)
        unread = iter(pages(RECORDS))
        with pytest.raises(SettingsError) as caught:
            framed(unread, THING, as_="polars")
        assert caught.value.advice == "Install it: pip install polars."
        assert len(next(unread)) == 100


def test_a_pandas_frame_bears_where_it_comes_from():
    frame = to_frame(RECORDS, THING).bearing(ABOUT)
    assert frame.attrs["intermezzo"] == ABOUT


@pytest.mark.parametrize(("form", "chosen"), [("csv", None), ("records", ["id"])])
def test_what_cannot_be_given_is_told(form, chosen):
    with pytest.raises(SettingsError) as caught:
        check_form(form, chosen)
    assert caught.value.advice


def test_a_frame_can_be_written_to():
    frame = to_frame(RECORDS[:3], THING).frame
    frame.loc[0, "money"], frame.loc[0, "integer"] = 5.5, 7
    frame.loc[0, "date"] = pd.Timestamp("2026-01-01")
    frame["boolean"] &= frame["number"] > 39
    assert frame["money"].sum() == 5.5 + 1.01 + 2.02
    assert frame["integer"].iloc[0] == 7


@pytest.mark.parametrize("value", [1.5, None, "2026-03-31"], ids=str)
def test_a_column_is_added_to_many_without_a_warning(value):
    frame = to_frame([{f"c{n}": value for n in range(150)}] * 2, None).frame
    frame["one more"] = 1  # warnings are errors here
    assert frame.shape == (2, 151)
