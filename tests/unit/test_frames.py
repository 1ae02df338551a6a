"""Types that do not depend on the data, nothing lost, and everything odd told."""

from __future__ import annotations

import io
import json
from decimal import Decimal

import pandas as pd
import pytest

from intermezzo_nb.api import columns
from intermezzo_nb.api.columns import control_total
from intermezzo_nb.api.filters import split_filters
from intermezzo_nb.api.frames import STR as TEXT
from intermezzo_nb.api.frames import series, to_frame
from intermezzo_nb.api.resources import CATALOGUE, find
from intermezzo_nb.api.schema import Column, Resource
from intermezzo_nb.api.shaping import matching
from intermezzo_nb.errors import SettingsError

KINDS = {
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
THING = Resource(
    name="things",
    path="/things",
    page="none/none",
    doc="One column of each kind",
    columns=(*(Column(kind, kind) for kind in KINDS), Column("in.side", "text")),
)
RECORD = {
    "text": "007",
    "enum": "a value of next year",
    "date": "2026-03-31",
    "instant": "2026-03-31T21:59:59.123456Z",
    "integer": 2**53 + 1,
    "boolean": True,
    "number": 38.5,
    "money": "1234.56",
    "json": [{"a": 1}],
    "in": {"side": "0049"},
}


def build(column, values, *, money):
    array, notes = columns.build(column, values, money=money)
    return series(array), notes


def infer(values):
    return series(columns.infer(values))


def framed(*records, resource=THING, **options):
    return to_frame(records, resource, **options)


def built(kind, *values, money="float", scale=2):
    return build(Column("x", kind, scale=scale), values, money=money)


def dtypes(frame):
    return {name: frame[name].dtype for name in KINDS}


@pytest.mark.parametrize(
    "records",
    [[], [{}], [RECORD], [RECORD, {}], [dict.fromkeys(RECORD)], [{"new": 1}]],
    ids=["no rows", "empty", "full", "gap", "null", "unknown"],
)
class TestWhateverTheData:
    def test_documented_types_are_the_same(self, records):
        frame = framed(*records).frame
        assert dtypes(frame) == {k: pd.Series(dtype=t).dtype for k, t in KINDS.items()}
        assert len(frame) == len(records)
        assert isinstance(frame.index, pd.RangeIndex)

    def test_documented_columns_come_first_and_in_order(self, records):
        names = list(framed(*records).frame.columns)
        assert names[: len(THING.columns)] == [c.name for c in THING.columns]

    def test_exact_money_has_its_own_type(self, records):
        frame = framed(*records, money="decimal").frame
        assert str(frame["money"].dtype) == "decimal128(18, 2)[pyarrow]"


@pytest.mark.parametrize("name", CATALOGUE)
def test_no_rows_keep_every_column_of_the_catalogue(name):
    resource = find(name)
    result = to_frame([], resource)
    assert list(result.frame.columns) == [c.name for c in resource.columns]
    assert set(result.control_totals.values()) <= {"0"}
    assert result.notes == []


def test_null_and_missing_are_the_same():
    frame = framed(dict.fromkeys(RECORD), {}, {"in": {}}, {"in": {"side": None}}).frame
    assert frame.isna().all(axis=None)
    assert "in" not in frame


def test_leading_zeros_stay_documented_or_not():
    frame = framed(RECORD | {"new": "0815"}).frame
    assert frame.loc[0, ["text", "in.side", "new"]].tolist() == ["007", "0049", "0815"]


def test_an_id_that_is_a_number_on_some_pages_is_text():
    assert list(built("text", 17, "17", None)[0].dropna()) == ["17", "17"]


def test_an_address_is_text_or_an_object():
    frame = framed({"json": "Hauptstraße 1"}, {"json": {"city": "Köln"}}).frame
    assert list(frame["json"]) == ["Hauptstraße 1", '{"city": "Köln"}']


def test_large_integers_beside_a_gap_are_exact():
    series, notes = built("integer", 2**53 + 1, None, -(2**63), "12", 5.0)
    assert series.dropna().tolist() == [2**53 + 1, -(2**63), 12, 5]
    assert notes == []


def test_integers_beyond_64_bits_are_text_and_told():
    series, notes = built("integer", 1, None, 2**63)
    assert series.dropna().tolist() == ["1", str(2**63)]
    assert notes == ["x is kept as text: row 2 holds a int that is no integer"]


@pytest.mark.parametrize(
    "day", ["0001-01-01", "1600-02-29", "1677-09-20", "2262-04-13", "9999-12-31"]
)
def test_days_before_1677_and_after_2262(day):
    series, notes = built("date", None, day)
    assert series.dtype == "datetime64[s]"
    assert series.dt.strftime("%Y").iloc[1].zfill(4) == day[:4]
    assert series.iloc[1].date().isoformat() == day
    assert notes == []


def test_instants_keep_microseconds_and_become_utc():
    moments = ["2026-03-31T23:59:59.123456+02:00", "9999-12-31T23:59:59Z"]
    series, notes = built("instant", *moments)
    assert [m.isoformat() for m in series] == [
        "2026-03-31T21:59:59.123456+00:00",
        "9999-12-31T23:59:59+00:00",
    ]
    assert notes == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("date", "2026-02-30"),
        ("date", "20260331"),
        ("date", "2026-03-31T00:00:00Z"),
        ("date", 20260331),
        ("instant", "2026-03-31"),
        ("instant", "2026-03-31T23:59:59"),
        ("instant", "2026-03-31T23:59:59.1234567Z"),
        ("instant", "9999-12-31T23:59:59-05:00"),
        ("integer", "007"),
        ("integer", "-0"),
        ("integer", 1.5),
        ("integer", True),
        ("integer", float("inf")),
        ("integer", 4.03263728890871e16),
        ("boolean", 1),
        ("boolean", "true"),
        ("number", "NaN"),
        ("number", 2**53 + 1),
        ("number", "\uff11\uff12"),
        ("money", "1e5"),
        ("money", "1,000.00"),
        ("money", "."),
        ("money", ""),
        ("money", True),
        ("money", float("nan")),
        ("money", ["1.00"]),
    ],
)
@pytest.mark.parametrize("money", ["float", "decimal"])
def test_a_value_of_the_wrong_type_is_kept_and_told(kind, value, money):
    series, notes = built(kind, None, value, money=money)
    assert series.dtype == TEXT
    assert series.iloc[1] == (value if isinstance(value, str) else json.dumps(value))
    assert len(notes) == 1
    assert notes[0].startswith("x is kept as text: row 1 holds")


def test_unknown_values_of_an_enumeration_are_kept():
    assert framed(RECORD).frame["enum"].tolist() == ["a value of next year"]


def test_unknown_fields_are_kept_and_told_once():
    result = framed({"new": 1, "deep": {"er": "x"}}, {"new": 2})
    assert result.frame["new"].tolist() == [1, 2]
    assert result.frame["new"].dtype == "Int64"
    assert result.frame["deep.er"].iloc[0] == "x"
    assert result.notes == ["not documented, kept: new, deep.er"]


def test_many_unknown_fields_are_counted():
    result = framed({f"n{i:02}": i for i in range(15)})
    assert result.notes[0].endswith("n11 and 3 more")


def test_an_object_that_is_null_is_no_unknown_field():
    record = {"id": "e", "jobDetails": None, "personalData": {}}
    result = to_frame([record], find("employees"))
    assert result.notes == []
    assert "jobDetails" not in result.frame


class TestMoney:
    CENTS = [{"money": "0.10"}] * 3 + [{"money": "999999999999.99"}, {"money": None}]

    @pytest.mark.parametrize("money", ["float", "decimal"])
    def test_the_control_total_is_exact(self, money):
        result = framed(*self.CENTS, money=money)
        assert result.control_totals == {"money": "1000000000000.29"}

    def test_exact_money_sums_exactly(self):
        frame = framed(*self.CENTS, money="decimal").frame
        assert frame["money"].sum() == Decimal("1000000000000.29")
        assert frame["money"].iloc[0] == Decimal("0.10")
        assert pd.isna(frame["money"].iloc[4])

    def test_a_total_does_not_depend_on_somebody_elses_precision(self):
        import decimal

        with decimal.localcontext(prec=3):
            assert control_total(["12345.67", None, "0.01"]) == "12345.68"
        assert control_total(["1" + "0" * 40, "0.01"]) == "1" + "0" * 40 + ".01"

    def test_numbers_count_as_they_are_written(self):
        assert control_total([0.1, 0.2, "0.30", 1]) == "1.60"

    def test_what_is_no_money_has_no_total(self):
        assert framed({"money": "a lot"}, {"money": "1.00"}).control_totals == {}

    def test_more_digits_than_a_double_keeps_are_told(self):
        series, notes = built("money", "12345678901234567.89", "0.10", "-.5", "+5.")
        assert series.tolist() == [12345678901234567.89, 0.10, -0.5, 5.0]
        assert notes == [
            'x: 1 values have more than 15 digits; money="decimal" keeps them all'
        ]

    @pytest.mark.parametrize(
        ("value", "scale", "dtype"),
        [
            ("0.12345", 2, "decimal128(18, 5)"),
            ("0.1234", 4, None),
            ("9999999999999999.99", 2, None),
            ("99999999999999999.99", 2, "decimal128(38, 2)"),
        ],
    )
    def test_exact_money_takes_the_room_it_needs_and_says_so(self, value, scale, dtype):
        series, notes = built("money", "1", value, None, money="decimal", scale=scale)
        assert series.iloc[1] == Decimal(value)
        wanted = dtype or f"decimal128(18, {scale})"
        assert str(series.dtype) == f"{wanted}[pyarrow]"
        assert notes == ([f"x is {dtype}: its values need it"] if dtype else [])

    @pytest.mark.parametrize("value", [1e300, "0." + "1" * 60])
    def test_what_fits_no_decimal_is_kept_as_text(self, value):
        series, notes = built("money", "1", None, value, money="decimal")
        assert series.dtype == TEXT
        assert "row 2" in notes[0]
        assert "38 digits" in notes[0]

    def test_there_is_no_third_type(self):
        with pytest.raises(SettingsError, match="exact"):
            framed(RECORD, money="exact")

    def test_everyday_pandas_works_on_the_default(self):
        records = [RECORD | {"money": f"{n}.50"} for n in range(6)]
        frame = framed(*records).frame
        money = frame["money"]
        assert money.describe()["mean"] == 3.0
        assert money.cumsum().iloc[-1] == 18.0
        assert money.nlargest(2).tolist() == [5.5, 4.5]
        assert (money * 12 * 2).iloc[1] == 36.0
        assert money.pct_change().iloc[1] == 2.0
        assert frame.groupby("enum")["money"].sum().tolist() == [18.0]
        assert frame.pivot_table(values="money", index="date").shape == (1, 1)
        assert (frame["date"] <= "2026-12-31").all()
        assert frame["instant"].dt.year.eq(2026).all()
        assert (~frame["boolean"]).sum() == 0

    def test_the_default_is_ready_to_be_drawn(self):
        frame = framed(RECORD, {}).frame
        assert frame["money"].to_numpy().dtype.kind == "f"
        assert frame["date"].to_numpy().dtype.kind == "M"


def test_german_and_british_records_share_one_frame():
    records = [
        {"employmentCountry": "DE", "personalData": {"gender": "W", "taxId": "01"}},
        {"employmentCountry": "GB", "personalData": {"niNumber": "QQ123456C"}},
    ]
    frame = to_frame(records, find("employees")).frame
    assert frame["employmentCountry"].tolist() == ["DE", "GB"]
    assert frame["personalData.taxId"].isna().tolist() == [False, True]
    assert frame["personalData.niNumber"].isna().tolist() == [True, False]


def test_empty_lists_are_not_missing():
    frame = framed({"json": [], "new": []}, {"json": None}).frame
    assert frame["json"].tolist()[0] == "[]"
    assert frame["new"].tolist()[0] == "[]"
    assert frame["json"].isna().tolist() == [False, True]


def test_names_that_collide_are_all_kept():
    records = [
        {"a.b.c": 1, "a.b": {"c": 2}, "a": {"b.c": 3, "b": {"c": 4}}},
        {"a": {"b": {"c": 5}}, "a.b.c (2)": 6},
    ]
    frame = to_frame(records, None).frame
    assert frame.columns.is_unique
    assert frame.iloc[0].dropna().tolist() == [1, 2, 3, 4]
    assert frame.iloc[1].dropna().tolist() == [5, 6]
    assert frame["a.b.c"].isna().tolist() == [False, True]


def test_a_value_and_an_object_of_one_name_are_both_kept():
    frame = to_frame([{"a": 0}, {"a": {"b": False}}, {"a": ""}], None).frame
    assert frame["a"].dropna().tolist() == ["0", ""]
    assert frame["a.b"].dropna().tolist() == [False]


def test_what_is_no_object_becomes_a_value():
    assert to_frame([1, None, 2], None).frame["value"].dropna().tolist() == [1, 2]
    assert to_frame(["a"], THING).notes == ["not documented, kept: value"]


def test_what_is_nested_without_end_stays_json():
    record = value = {}
    for _ in range(300):
        value["a"] = {}
        value = value["a"]
    frame = to_frame([record | {"b": 1}], None).frame
    assert len(frame.columns) == 2
    assert frame.columns[0].count("a") == 16


def test_text_that_cannot_be_encoded_stays_legible():
    frame = framed({"text": "x\ud800", "\udfff": "y\ud800", "date": "\ud800"}).frame
    assert frame["text"].tolist() == ["x\\ud800"]
    assert frame["\\udfff"].tolist() == ["y\\ud800"]
    assert frame["date"].tolist() == ["\\ud800"]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([True, None], "boolean"),
        ([1, None, 2**62], "Int64"),
        ([1, 2.5], "float64"),
        ([1.0], "float64"),
        (["2026-01-01", None], "datetime64[s]"),
        (["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z"], "datetime64[us, UTC]"),
        (["2026-01-01T00:00:00+02:00"], TEXT),
        (["2026-01-01", "2026-01-01T00:00:00Z"], TEXT),
        (["2026-01-01", "soon"], TEXT),
        (["007", "1"], TEXT),
        (["1.10"], TEXT),
        (["true"], TEXT),
        ([1, "1"], TEXT),
        ([1, True], TEXT),
        ([2**63, None], TEXT),
        ([2**53 + 1, 0.5], TEXT),
        ([float("nan")], TEXT),
        ([[1], {}], TEXT),
        ([""], TEXT),
        ([None], TEXT),
        ([], TEXT),
    ],
)
def test_undocumented_columns_are_inferred_without_loss(values, dtype):
    assert infer(values).dtype == pd.Series(dtype=dtype).dtype


class TestColumns:
    def test_they_are_chosen_in_order_and_once(self):
        names = ["money", "text", "money"]
        result = framed(RECORD | {"new": 1}, columns=names)
        assert list(result.frame) == ["money", "text"]
        assert result.notes == []

    def test_one_name_is_enough(self):
        assert list(framed(RECORD, columns="text").frame) == ["text"]

    def test_a_wrong_one_is_told(self):
        with pytest.raises(SettingsError, match="mony") as caught:
            framed(RECORD, columns=["text", "mony"])
        assert caught.value.code == "unknown_column"

    @pytest.mark.parametrize("names", ["text,money", "text  money", ["text, money"]])
    def test_several_in_one_text_are_told_as_a_list(self, names):
        with pytest.raises(SettingsError) as caught:
            framed(RECORD, columns=names)
        assert 'columns=["text", "money"]' in caught.value.advice

    def test_of_no_rows_nothing_is_known(self):
        assert list(to_frame([], None, columns=["a", "b"]).frame) == ["a", "b"]


class TestFilter:
    RECORDS = (
        RECORD,
        {**RECORD, "money": "100", "boolean": False, "date": "9999-12-31"},
        {"text": "", "integer": 7},
    )

    @pytest.mark.parametrize(
        ("filters", "found"),
        [
            ({}, [0, 1, 2]),
            ({"text": "007"}, [0, 1]),
            ({"text": "7"}, []),
            ({"enum": "a value of next year"}, [0, 1]),
            ({"money": "100.00"}, [1]),
            ({"money": 1234.56}, [0]),
            ({"date": "9999-12-31"}, [1]),
            ({"date": pd.Timestamp("2026-03-31")}, [0]),
            ({"instant": "2026-03-31T23:59:59.123456+02:00"}, [0, 1]),
            ({"integer": str(2**53 + 1)}, [0, 1]),
            ({"integer": 2**53}, []),
            ({"boolean": True}, [0]),
            ({"boolean": "False"}, [1]),
            ({"number": "38.50"}, [0, 1]),
            ({"json": '[{"a": 1}]'}, [0, 1]),
            ({"date": ""}, [2]),
            ({"date": None}, [2]),
            ({"boolean": "", "integer": "7"}, [2]),
            ({"money": "100", "boolean": "true"}, []),
        ],
    )
    def test_values_are_compared_by_their_kind(self, filters, found):
        assert self.found(self.RECORDS, filters) == found

    @pytest.mark.parametrize(
        "filters",
        [
            *({"date": "soon"}, {"integer": "x"}, {"money": "x"}, {"boolean": "yes"}),
            *({"text": ["a"]}, {"number": {}}),
        ],
    )
    def test_a_value_that_cannot_be_is_refused(self, filters):
        with pytest.raises(SettingsError) as caught:
            self.found([RECORD], filters)
        assert caught.value.code == "bad_filter"
        assert next(iter(filters)) in caught.value.what

    def test_a_value_of_another_type_is_compared_as_text(self):
        records = [{"date": "soon"}, {"date": "2026-03-31"}, {"money": {"a": 1}}]
        assert self.found(records, {"date": "2026-03-31"}) == [1]
        assert self.found(records, {"money": "1"}) == []

    def test_money_of_any_precision_is_found(self):
        records = [{"money": "9" * 20}, {"money": "1.5"}]
        assert self.found(records, {"money": "9" * 20}) == [0]
        assert self.found(records, {"money": "1.50"}) == [1]
        assert self.found(records, {"money": "1.501"}) == []

    @staticmethod
    def found(records, filters):
        _, _, here = split_filters(THING, filters)
        kept = list(matching(records, here, THING))
        return [n for n, record in enumerate(records) if any(record is k for k in kept)]


def test_a_round_trip_through_parquet():
    frame = framed(RECORD, {}, RECORD | {"date": "9999-12-31"}).frame
    file = io.BytesIO()
    frame.to_parquet(file)
    again = pd.read_parquet(file)
    assert again["date"].dt.strftime("%Y-%m-%d").tolist()[2] == "9999-12-31"
    assert again["text"].tolist()[0] == "007"
    assert again["integer"].dropna().tolist() == [2**53 + 1] * 2
    assert again["boolean"].dtype == "boolean"
    assert again["instant"].iloc[0] == frame["instant"].iloc[0]
    assert again.isna().equals(frame.isna())


def test_exact_money_goes_through_parquet():
    file = io.BytesIO()
    framed(RECORD, {}, money="decimal").frame.to_parquet(file)
    assert pd.read_parquet(file)["money"].iloc[0] == Decimal("1234.56")
