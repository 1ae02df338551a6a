"""Frames against a slow, obvious reference: one cell at a time, by Decimal and text."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from intermezzo_nb.api import collector, columns
from intermezzo_nb.api.answers import read_json
from intermezzo_nb.api.columns import control_total
from intermezzo_nb.api.filters import split_filters
from intermezzo_nb.api.frames import STR as TEXT
from intermezzo_nb.api.frames import framed, series, to_frame
from intermezzo_nb.api.resources import CATALOGUE
from intermezzo_nb.api.schema import Column, Resource
from intermezzo_nb.api.shaping import matching

ENCODABLE = st.text(st.characters(codec="utf-8"), max_size=6)
TRAPS = st.sampled_from(
    [
        *("007", "-0", "1.10", "1e5", "NaN", "", "true", "null", "[]"),
        *("2026-01-31", "2026-02-30", "0001-01-01", "9999-12-31", "20260131"),
        *("2026-01-31T10:00:00Z", "2026-01-31T10:00:00.123456Z"),
        *("2026-01-31T10:00:00+02:00", "2026-01-31T10:00:00"),
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**65), 2**65)
    | st.floats(allow_nan=False, allow_infinity=False)
    | ENCODABLE
    | TRAPS
)
NAMES = st.sampled_from(["a", "b", "a.b", "b.a", "a.b (2)", ""]) | ENCODABLE
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)
    ),
    max_leaves=8,
)
RECORDS = st.lists(st.dictionaries(NAMES, JSON, max_size=4), max_size=5)
# A whole column of one sort is what finds a wrong inference; mixtures rarely do.
COLUMNS = st.one_of(
    *(
        st.lists(st.none() | values, max_size=8)
        for values in (
            SCALARS,
            st.integers(-(2**65), 2**65),
            st.integers() | st.floats(allow_nan=False),
            st.dates().map(dt.date.isoformat),
            st.datetimes().map(lambda m: m.isoformat() + "Z"),
            TRAPS,
            JSON,
        )
    )
)


def build(column, values, *, money):
    array, notes = columns.build(column, values, money=money)
    return series(array), notes


def infer(values):
    return series(columns.infer(values))


def leaves(value, path=()):
    """Give path and value of all that is no object, one object after the other."""
    for name, inner in value.items():
        if isinstance(inner, dict) and inner:
            yield from leaves(inner, (*path, name))
        else:
            yield (*path, name), inner


def said(cell):
    """Give what a cell says as a plain value; pd.NA and NaT are None."""
    if cell is None or pd.isna(cell):
        return None
    return cell.item() if isinstance(cell, np.generic) else cell


def is_kept(value, cell):
    """Whether nothing of a JSON value is lost in a cell."""
    cell = said(cell)
    if isinstance(cell, pd.Timestamp):
        return isinstance(value, str) and is_same_moment(value, cell)
    if isinstance(cell, str):
        return cell == value if isinstance(value, str) else is_written(value, cell)
    if isinstance(cell, float) and type(value) is int:
        return int(cell) == value
    return type(cell) is type(value) and cell == value


def is_written(value, cell):
    """Whether a cell is the JSON of a value, however it writes exponents."""
    text = json.dumps(value, ensure_ascii=False)
    if cell == text or not isinstance(value, (dict, list)):
        return cell == text
    if not re.search(r"\de", text):
        return False
    try:
        return repr(json.loads(cell)) == repr(value)
    except ValueError:  # another member's text
        return False


def is_same_moment(text, stamp):
    try:
        return dt.datetime.fromisoformat(text) == stamp.to_pydatetime()
    except ValueError:
        return False


@given(COLUMNS)
def test_inference_loses_nothing(values):
    series = infer(values)
    assert len(series) == len(values)
    for value, cell in zip(values, series, strict=True):
        assert is_kept(value, cell)


@given(COLUMNS)
def test_inference_invents_nothing(values):
    kept = {type(v) for v in values if v is not None}
    if str in kept or not kept:
        assert infer(values).dtype.kind in "OUM" or infer(values).dtype == TEXT
    if len(kept) > 1 and kept != {int, float}:
        assert infer(values).dtype == TEXT


@given(RECORDS)
@example([{"a": None}, {"b": [1e16], "a": "00"}])
@example([{"b": None}, {"a": {"a": True}, "b": "true"}])
def test_every_leaf_of_every_record_is_in_its_row(records):
    frame = to_frame(records, None).frame
    assert len(frame) == len(records)
    assert frame.columns.is_unique
    for number, record in enumerate(records):
        wanted = [v for _, v in leaves(record) if v is not None and v != {}]
        cells = [c for n in frame if said(c := frame[n].iloc[number]) is not None]
        # Text is in a cell of its own alone; what else is written may read the same.
        for value in sorted(wanted, key=lambda v: not isinstance(v, str)):
            del cells[next(i for i, c in enumerate(cells) if is_kept(value, c))]
        assert all(cell == "{}" for cell in cells)


@given(RECORDS)
def test_a_path_has_one_column_and_a_column_one_path(records):
    frame = to_frame(records, None).frame
    paths = {path for record in records for path, _ in leaves(record)}
    full = {p for r in records for p, v in leaves(r) if v is not None and v != {}}
    # Rows that hold nothing at all have a column, without which Arrow would lose them.
    assert len(full) <= len(frame.columns) <= (len(paths) or bool(records))


@given(
    st.sampled_from(list(CATALOGUE.values())),
    st.data(),
    st.sampled_from(["float", "decimal"]),
)
def test_no_json_breaks_a_documented_frame(resource, data, money):
    names = st.sampled_from([c.name.split(".")[0] for c in resource.columns])
    given_record = st.dictionaries(names | NAMES, JSON, max_size=4)
    records = data.draw(st.lists(given_record, max_size=4))
    result = to_frame(records, resource, money=money)
    assert len(result.frame) == len(records)
    assert {c.name for c in resource.columns} <= set(result.frame.columns)


def reference(kind, value):
    """Give the documented cell of a value, or fail; slow and obvious."""
    if kind == "boolean":
        assert type(value) is bool
        return value
    if kind == "date":
        assert isinstance(value, str)
        assert dt.date.fromisoformat(value).isoformat() == value
        return dt.datetime.fromisoformat(value)
    if kind == "instant":
        assert isinstance(value, str)
        moment = dt.datetime.fromisoformat(value)
        assert moment.tzinfo
        assert len(value) > len("2026-01-31T10:00")
        return moment.astimezone(dt.UTC)
    assert type(value) is not bool
    assert isinstance(value, (str, int, float))
    if isinstance(value, str):
        assert "e" not in value.lower()
        assert value.strip() == value
    number = Decimal(str(value))
    assert number.is_finite()
    if kind == "integer":
        assert number == int(number)
        assert -(2**63) <= int(number) < 2**63
        if isinstance(value, float):
            assert abs(value) <= 2**53
            return int(number)
        assert str(int(number)) == str(value)
        return int(number)
    return number


def cells(kind, values):
    try:
        return [None if v is None else reference(kind, v) for v in values]
    except (AssertionError, ArithmeticError, ValueError):
        return None


@pytest.mark.parametrize("kind", ["date", "instant", "integer", "boolean"])
@given(values=COLUMNS)
def test_documented_columns_are_what_the_reference_says(kind, values):
    series, notes = build(Column("x", kind), values, money="float")
    wanted = cells(kind, values)
    if wanted is None:
        assert series.dtype == TEXT
        assert len(notes) == 1
        assert all(is_kept(v, c) for v, c in zip(values, series, strict=True))
        return
    assert notes == []
    for cell, value in zip(map(said, series), wanted, strict=True):
        assert cell == value


# Texts that are nearly of a kind, where a fast cast and the documentation may differ.
NEARLY = st.one_of(
    st.from_regex(r"[+-]?[0-9]{0,18}\.?[0-9]{0,4}(e[0-9])?", fullmatch=True),
    st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9]", fullmatch=True),
    st.from_regex(
        r"[0-9]{4}-0[1-9]-[0-2][0-9][Tt ][0-2][0-9]:?[0-6][0-9](:?[0-6][0-9])?"
        r"(\.[0-9]{0,7})?([Zz]|[+-][0-2][0-9]:?[0-6][0-9])?",
        fullmatch=True,
    ),
)
AMOUNT = st.from_regex(r"-?[0-9]{1,17}(\.[0-9]{1,3})?", fullmatch=True)
MOMENT = st.datetimes().map(lambda m: m.isoformat(timespec="milliseconds"))
ZONE = st.sampled_from(["Z", "Z", "+00:00", "+02:00", "-23:59"])
KIND_LISTS = st.one_of(
    COLUMNS,
    *(
        st.lists(st.none() | texts, max_size=6)
        for texts in (NEARLY, AMOUNT, st.builds("".join, st.tuples(MOMENT, ZONE)))
    ),
)


@pytest.mark.parametrize(
    "kind", ["text", "date", "instant", "integer", "boolean", "number", "money", "json"]
)
@given(
    values=KIND_LISTS,
    money=st.sampled_from(["float", "decimal"]),
    size=st.integers(1, 4),
)
def test_all_rows_at_once_is_the_same_as_one_by_one(kind, values, money, size):
    column = Column("x", kind)
    thing = Resource(name="t", path="/t", page="n/n", doc="One", columns=(column,))
    # An object would be a column of its own.
    values = [None if isinstance(v, dict) and kind != "json" else v for v in values]
    records = [{} if v is None else {"x": v} for v in values]
    pages = [records[at : at + size] for at in range(0, len(records), size)]
    wanted, notes = columns.build(column, values, money=money)
    with chunks_of(2):
        made = framed(pages, thing, money=money, as_="arrow")
    assert made.frame["x"].combine_chunks().equals(wanted)
    assert made.notes == notes
    total = control_total(values) if kind == "money" else None
    assert made.control_totals == ({} if total is None else {"x": total})


@given(values=KIND_LISTS, size=st.integers(1, 4))
def test_what_is_inferred_at_once_is_what_is_inferred_one_by_one(values, size):
    values = [None if isinstance(v, dict) else v for v in values]
    records = [{"x": v} for v in values]
    pages = [records[at : at + size] for at in range(0, len(records), size)]
    with chunks_of(2):
        made = framed(pages, None, as_="arrow")
    if records:
        assert made.frame["x"].combine_chunks().equals(columns.infer(values))


@given(RECORDS, st.integers(1, 3), st.integers(1, 4))
def test_how_records_are_cut_into_pages_changes_no_cell(records, size, rows):
    pages = [records[at : at + size] for at in range(0, len(records), size)]
    with chunks_of(rows):
        parts = framed(pages, None).frame
    whole = to_frame(records, None).frame
    assert sorted(map(repr, cells_of(parts))) == sorted(map(repr, cells_of(whole)))


def cells_of(frame):
    return [[str(frame[n].dtype), *map(said, frame[n])] for n in frame]


@contextlib.contextmanager
def chunks_of(rows):
    """Have a chunk end after so many rows, so that few records make several."""
    usual, collector._ROWS = collector._ROWS, rows
    try:
        yield
    finally:
        collector._ROWS = usual


NUMBERS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,22})(\.[0-9]{1,22})?([eE][+-]?[0-9]{1,4})?", fullmatch=True
)
PLACES = [
    "%s",
    "[%s]",
    "[ %s ]",
    '{"a":%s}',
    '{"a": %s\n}',
    "[1,%s,2]",
    '["x", %s]',
    '{"name": "Anne-Marie", "a":%s,"b":"1e-7"}',
]


@settings(max_examples=1000)
@given(NUMBERS, st.sampled_from(PLACES))
def test_no_digit_of_a_number_is_lost(number, place):
    def exact(text):
        try:
            float_ = float(text)
            same = Decimal(repr(float_)) == Decimal(text)
        except ArithmeticError:
            same = False
        return float_ if same else text

    content = (place % number).encode()
    read, wanted = read_json(content), json.loads(content, parse_float=exact)
    assert repr(read) == repr(wanted)


@given(JSON)
def test_what_is_read_is_what_was_written(value):
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        assert repr(read_json(text.encode())) == repr(json.loads(text))


AMOUNTS = st.lists(
    st.none()
    | st.decimals(-(10**13), 10**13, places=2).map(lambda d: f"{d:f}")
    | st.integers(-(10**13), 10**13)
    | st.integers(-(10**15), 10**15).map(lambda n: n / 100),
    max_size=12,
)


@given(AMOUNTS)
def test_exact_money_and_totals_are_those_of_fractions(values):
    texts = [None if v is None else str(v) for v in values]
    total = sum((Fraction(t) for t in texts if t is not None), Fraction(0))
    assert Fraction(control_total(values)) == total
    series, notes = build(Column("x", "money"), values, money="decimal")
    assert notes == []
    assert [None if t is None else Decimal(t) for t in texts] == [
        said(cell) for cell in series
    ]
    assert Fraction(series.sum()) == total or not series.notna().any()


@given(AMOUNTS)
def test_money_by_default_is_the_nearest_double(values):
    series, _ = build(Column("x", "money"), values, money="float")
    assert [None if v is None else float(str(v)) for v in values] == [
        said(cell) for cell in series
    ]


PAY = Resource(
    name="pay",
    path="/pay",
    page="none/none",
    doc="What can be filtered",
    columns=(
        *(Column("amount", "money"), Column("day", "date"), Column("yes", "boolean")),
        *(Column("count", "integer"), Column("name", "text")),
    ),
)
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "amount": st.none() | st.sampled_from(["1", "1.0", "1.00", "2.50", "-0.01"]),
        "day": st.none() | st.sampled_from(["2026-01-31", "9999-12-31"]),
        "yes": st.none() | st.booleans(),
        "count": st.none() | st.sampled_from([1, 2**53, 2**53 + 1]),
        "name": st.none() | st.sampled_from(["1", "01", "true", "2026-01-31"]),
    },
)
WANTED = st.fixed_dictionaries(
    {},
    optional={
        "amount": st.sampled_from(["1", "01.000", "2.5", "-0.01", "3"]),
        "day": st.sampled_from(["2026-01-31", "9999-12-31", "2000-01-01"]),
        "yes": st.booleans(),
        "count": st.sampled_from([1, 2**53, 2**53 + 1]),
        "name": st.sampled_from(["1", "01", "true", "x"]),
    },
)


@given(st.lists(ROWS, max_size=8), WANTED)
def test_filters_find_what_a_loop_finds(rows, wanted):
    def same(name, row):
        value = row.get(name)
        if name == "amount" and value is not None:
            return Decimal(value) == Decimal(wanted[name])
        return value is not None and value == wanted[name]

    _, _, here = split_filters(PAY, wanted)
    loop = [row for row in rows if all(same(n, row) for n in wanted)]
    assert list(matching(rows, here, PAY)) == loop


@given(st.lists(ROWS, max_size=5), st.lists(ROWS, max_size=5))
def test_frames_of_pages_can_be_put_together(first, second):
    both = to_frame([*first, *second], PAY)
    parts = [to_frame(rows, PAY) for rows in (first, second)]
    assert all((p.frame.dtypes == both.frame.dtypes).all() for p in parts)
    whole = sum(Decimal(p.control_totals["amount"]) for p in parts)
    assert whole == Decimal(both.control_totals["amount"])
