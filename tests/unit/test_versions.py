"""Histories as of a day: each thing once, doubts told, equal to an obvious loop."""

from __future__ import annotations

import datetime as dt
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intermezzo_nb import as_of
from intermezzo_nb.api.query import Query
from intermezzo_nb.api.resources import find
from intermezzo_nb.api.validity import Validity
from intermezzo_nb.errors import IncompleteWarning, SettingsError


def history(*rows, **more):
    frame = pd.DataFrame(rows, columns=["employeeId", "validFrom", "validTo", "title"])
    for name in ("validFrom", "validTo"):
        frame[name] = pd.to_datetime(frame[name]).astype("datetime64[s]")
    return frame.assign(**more)


JOBS = history(
    ("a", "2025-01-01", "2025-06-30", "Clerk"),
    ("a", "2025-07-01", None, "Lead"),
    ("b", "2025-03-01", "2025-09-30", "Clerk"),
)


def test_one_day_gives_the_rows_that_are_valid_then():
    assert list(as_of(JOBS, "2025-06-30").title) == ["Clerk", "Clerk"]
    assert list(as_of(JOBS, dt.date(2025, 7, 1)).title) == ["Lead", "Clerk"]
    assert list(as_of(JOBS, "2025-10-01").index) == [1]


def test_several_days_give_a_long_frame_for_counting():
    months = pd.date_range("2025-01-31", periods=12, freq="ME")
    count = as_of(JOBS, months).groupby("asOf")["employeeId"].nunique()
    assert list(count) == [1, 1, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1]
    assert count.index.dtype == "datetime64[s]"


def test_periods_mean_their_last_day():
    quarters = pd.period_range("2025Q1", periods=3, freq="Q")
    frame = as_of(JOBS, quarters)
    assert (
        list(frame.asOf.dt.strftime("%m-%d"))
        == ["03-31"] * 2 + ["06-30"] * 2 + ["09-30"] * 2
    )
    assert list(frame.title) == ["Clerk", "Clerk", "Clerk", "Clerk", "Lead", "Clerk"]


def test_a_day_of_change_counts_once_without_a_word():
    shared = history(
        ("a", "2025-01-01", "2025-07-01", "Clerk"), ("a", "2025-07-01", None, "Lead")
    )
    assert list(as_of(shared, "2025-07-01").title) == ["Lead"]
    assert list(as_of(shared, "2025-06-30").title) == ["Clerk"]
    assert list(as_of(shared, "2025-07-01", valid_to="exclusive").title) == ["Lead"]


def test_how_the_end_is_meant_comes_with_the_frame():
    frame = JOBS.iloc[:1].copy()
    frame.attrs["intermezzo"] = {"valid_to": "exclusive"}
    assert as_of(frame, "2025-06-30").empty
    assert len(as_of(frame, "2025-06-30", valid_to="inclusive")) == 1


def test_the_lines_of_one_record_stay_together():
    lines = pd.concat([JOBS, JOBS.assign(title="Bonus")], ignore_index=True)
    assert list(as_of(lines, "2025-07-15").title) == ["Lead", "Clerk", "Bonus", "Bonus"]


def test_overlaps_and_gaps_are_told():
    overlapping = history(
        ("a", "2025-01-01", "2025-08-31", "Clerk"), ("a", "2025-07-01", None, "Lead")
    )
    with pytest.warns(UserWarning, match="1 employees have versions that overlap"):
        assert list(as_of(overlapping, "2025-08-01").title) == ["Lead"]
    with pytest.warns(UserWarning, match="1 employees have days between"):
        as_of(JOBS.assign(validTo=JOBS.validTo - pd.Timedelta(days=2)), "2025-08-01")


def test_an_open_version_before_another_is_an_overlap():
    open_twice = history(("a", "2025-01-01", None, "x"), ("a", "2025-05-01", None, "y"))
    with pytest.warns(UserWarning, match="overlap"):
        assert list(as_of(open_twice, "2025-06-01").title) == ["y"]


def test_rows_that_equal_another_are_told_and_lines_that_differ_are_not():
    tags = JOBS.assign(tags=[["x"], ["y"], None], pay=[1.5, None, None])
    twice = pd.concat([tags, tags.iloc[1:]], ignore_index=True)
    with pytest.warns(UserWarning, match="2 rows of this history equal another one in"):
        frame = as_of(twice, "2025-08-01")
    assert list(frame.title) == ["Lead", "Clerk", "Lead", "Clerk"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        as_of(twice.assign(amount=range(5)), "2025-08-01")


def test_lists_of_arrow_are_no_obstacle():
    tags = pd.Series([["x"], ["y"], ["x"]], dtype=pd.ArrowDtype(pa.list_(pa.string())))
    frame = pd.concat([JOBS.assign(tags=tags)] * 2, ignore_index=True)
    with pytest.warns(UserWarning, match="3 rows of this history equal another one"):
        assert len(as_of(frame, "2025-08-01")) == 4


@pytest.mark.parametrize("is_of_arrow", [False, True])
def test_dates_as_others_read_them_from_parquet_are_dates(is_of_arrow):
    days = ["validFrom", "validTo"]
    frame = JOBS.assign(**{name: JOBS[name].dt.date for name in days})
    frame["validTo"] = frame["validTo"].where(JOBS["validTo"].notna(), None)
    if is_of_arrow:
        kind = pd.ArrowDtype(pa.date32())
        frame = frame.astype(dict.fromkeys(days, kind))
    for day in ("2025-06-30", "2025-10-01"):
        found = as_of(frame, day)
        assert list(found.index) == list(as_of(JOBS, day).index)
    with pytest.warns(UserWarning, match="overlap"):
        assert len(as_of(frame.assign(validTo=None), "2025-08-01")) == 2


def test_a_column_that_is_misspelt_is_named():
    with pytest.raises(SettingsError, match="no column 'validfrom'") as caught:
        as_of(JOBS, "2025-06-30", start="validfrom")
    assert caught.value.advice.startswith("Did you mean 'validFrom'? Name another")
    assert caught.value.why == "It has: employeeId, validFrom, validTo, title"


def test_a_text_is_read_in_the_form_that_it_has():
    texts = JOBS.assign(validFrom=JOBS["validFrom"].dt.strftime("%d.%m.%Y"))
    with pytest.raises(SettingsError) as caught:
        as_of(texts, "2025-06-30")
    assert 'format=…), with the form that they have, such as "%d.%m.%Y"' in str(
        caught.value
    )


def test_what_is_missing_bounds_nothing():
    frame = history(("a", None, None, "always"), (None, "2025-01-01", None, "nobody's"))
    assert len(as_of(frame, "1900-01-01")) == 1
    assert len(as_of(frame, "2300-01-01")) == 2


def test_columns_can_be_named():
    names = {"validFrom": "startDate", "validTo": "endDate", "employeeId": "person"}
    staff = JOBS.rename(columns=names)
    frame = as_of(staff, "2025-07-01", key="person", start="startDate", end="endDate")
    assert len(frame) == 2


def test_what_the_frame_tells_of_itself_fits_the_rows():
    frame = JOBS.copy()
    frame.attrs["intermezzo"] = {
        "resource": "job-details",
        "rows": 3,
        "control_totals": {"amount": "1"},
    }
    about = as_of(frame, "2025-10-01").attrs["intermezzo"]
    assert about["as_of"] == "2025-10-01"
    assert (about["rows"], about["control_totals"]) == (1, {})
    assert frame.attrs["intermezzo"]["rows"] == 3
    several = as_of(frame, ["2025-10-01", "2025-10-02"])
    assert several.attrs["intermezzo"]["as_of"] == ["2025-10-01", "2025-10-02"]


@pytest.mark.parametrize(
    "when", ["x", None, ["2025-01-01", "x"], pd.NaT, object(), 2025, 20250101.0]
)
def test_what_is_no_date_is_told(when):
    with pytest.raises(SettingsError, match="no date"):
        as_of(JOBS, when)


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (JOBS.drop(columns="validTo"), "no column 'validTo'"),
        (JOBS.assign(validTo="soon"), "holds no dates"),
        (JOBS.assign(validTo=JOBS.validTo.dt.tz_localize("UTC")), "holds no dates"),
        (JOBS.drop(columns="employeeId"), "of what these rows are versions"),
    ],
)
def test_a_frame_that_is_no_history_is_told(frame, told):
    with pytest.raises(SettingsError, match=told):
        as_of(frame, "2025-01-01")


def test_an_end_that_is_meant_in_no_known_way_is_told():
    with pytest.raises(SettingsError, match="neither 'inclusive' nor"):
        as_of(JOBS, "2025-01-01", valid_to="inklusive")


STAFF = pd.DataFrame(
    {
        "id": ["a", "b", "c"],
        "organizationId": ["o", "o", "p"],
        "startDate": pd.to_datetime(["2025-01-01", "2025-03-01", None]),
        "endDate": pd.to_datetime([None, "2025-09-30", "2025-02-01"]),
    }
)
BOUNDS = {"start": "startDate", "end": "endDate"}


def test_employees_are_told_apart_by_their_own_ids():
    frame = STAFF.copy()
    frame.attrs["intermezzo"] = {"resource": "employees"}
    assert list(as_of(frame, "2025-06-30", **BOUNDS).id) == ["a", "b"]


def test_what_tells_things_apart_is_asked_for_where_it_is_not_certain():
    with pytest.raises(SettingsError, match=r'has id and organizationId.*\n.*key="id"'):
        as_of(STAFF, "2025-06-30", **BOUNDS)
    assert len(as_of(STAFF, "2025-06-30", key="id", **BOUNDS)) == 2
    jobs = JOBS.drop(columns="employeeId").assign(id=[1, 2, 3])
    jobs.attrs["intermezzo"] = {"resource": "job-details"}
    with pytest.raises(SettingsError, match="job-details are told apart by employeeId"):
        as_of(jobs, "2025-06-30")


@pytest.mark.parametrize(
    "day",
    [
        "2025-04-03",
        "2025-04-03T23:30:00+00:00",
        dt.date(2025, 4, 3),
        dt.datetime(2025, 4, 3, 23, tzinfo=dt.UTC),
        pd.Timestamp("2025-04-03 12:00", tz="Europe/Berlin"),
        np.datetime64("2025-04-03T12:00"),
        pd.Period("2025-04-03"),
        pd.Period("2025-04"),
    ],
    ids=str,
)
def test_a_day_is_read_alike_by_frame_and_as_of(day):
    wanted = dt.date(2025, 4, 30 if day == pd.Period("2025-04") else 3)
    assert Query("compensation", as_of=day).day == wanted
    told = JOBS.copy()
    assert as_of(told, day).attrs["intermezzo"]["as_of"] == wanted.isoformat()


@pytest.mark.parametrize(
    "day",
    ["03.04.2025", "03/04/2025", "2025-04", "x", pd.NaT, np.datetime64("NaT", "D"), 5],
)
def test_what_is_no_day_is_refused_alike_by_frame_and_as_of(day):
    with pytest.raises(SettingsError) as of_frame:
        Query("compensation", as_of=day)
    with pytest.raises(SettingsError) as of_history:
        as_of(JOBS, day)
    assert repr(day) in of_frame.value.what
    assert of_history.value.what == of_frame.value.what.replace("as_of", "when")


MEMBERSHIP = pd.DataFrame(
    {
        "employeeId": ["a", "a", "a", "b"],
        "version": pd.array([1, 2, 3, 1], dtype="Int64"),
        "createdAt": pd.to_datetime(
            [
                *("2025-01-01T09:00Z", "2025-03-01T08:00Z", "2025-03-01T23:59Z"),
                "2025-02-01T00:00Z",
            ]
        ),
    }
)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_what_has_no_first_day_counts_from_its_creation(zone):
    frame = MEMBERSHIP.assign(createdAt=MEMBERSHIP.createdAt.dt.tz_convert(zone))
    frame.attrs["intermezzo"] = {"resource": "pension-membership"}
    days = ["2024-12-31", "2025-01-01", "2025-02-28", "2025-03-01", "2026-01-01"]
    validity = Validity.of(find("pension-membership"), is_inclusive=True)
    told = frame.astype({"createdAt": str}).to_dict("records")
    for day, wanted in zip(days, ([], [0], [0, 3], [2, 3], [2, 3]), strict=True):
        assert [*as_of(frame, day).index] == wanted
        slow = validity.on(dt.date.fromisoformat(day), told)
        assert [told.index(row) for row in slow] == wanted
    by_day = as_of(frame, days).groupby("asOf")["employeeId"].nunique()
    assert [*by_day] == [1, 2, 2, 2]
    assert [*as_of(frame, "2025-03-01", start="createdAt").index] == [2, 3]
    with pytest.raises(SettingsError, match="'createdAt' holds no dates"):
        as_of(frame, "2025-03-01", end="validTo")


def test_other_days_than_those_that_a_frame_is_of_are_told_without_a_last_day():
    frame = MEMBERSHIP.copy()
    frame.attrs["intermezzo"] = {
        "resource": "pension-membership",
        "as_of": "2025-03-01",
    }
    with pytest.warns(IncompleteWarning, match="versions of 2025-03-01 alone"):
        as_of(frame, "2025-01-01")


def test_versions_that_nothing_tells_apart_all_count():
    frame = MEMBERSHIP.assign(version=pd.array([1, None, None, 1], dtype="Int64"))
    frame.attrs["intermezzo"] = {"resource": "pension-membership"}
    assert [*as_of(frame, "2025-03-01").index] == [1, 2, 3]


def test_a_day_that_is_given_twice_counts_once():
    assert len(as_of(JOBS, ["2025-06-30", "2025-06-30", "2025-07-01"])) == 4


def test_a_history_that_is_not_complete_is_told():
    frame = JOBS.copy()
    frame.attrs["intermezzo"] = {"resource": "job-details", "complete": False}
    with pytest.warns(IncompleteWarning, match="history is not complete") as told:
        assert len(as_of(frame, "2025-06-30")) == 2
    assert told[0].filename == __file__
    frame.attrs["intermezzo"]["complete"] = True
    assert len(as_of(frame, "2025-06-30")) == 2


@pytest.mark.parametrize(
    ("about", "why"),
    [
        ({"limit": 5, "notes": []}, "it was read with limit=5"),
        ({"limit": 5, "notes": ["!"]}, "it was read with limit=5; see df.attrs["),
        ({"limit": None, "notes": ["!"]}, "see df.attrs["),
    ],
)
def test_why_a_history_is_not_complete_is_told(about, why):
    frame = JOBS.copy()
    about |= {"resource": "job-details", "complete": False}
    frame.attrs["intermezzo"] = about
    with pytest.warns(IncompleteWarning) as told:
        as_of(frame, "2025-06-30")
    _, _, reasons = str(told[0].message).partition("may not be either: ")
    assert reasons.startswith(why)


def test_a_history_that_was_filtered_by_its_days_is_told():
    frame = JOBS.copy()
    frame.attrs["intermezzo"] = {"complete": True, "filtered_here": ["title"]}
    as_of(frame, "2025-06-30")
    frame.attrs["intermezzo"]["filtered_here"] = ["title", "validTo"]
    with pytest.warns(IncompleteWarning, match="either: it was filtered by validTo$"):
        as_of(frame, "2025-06-30")


def test_a_frame_of_one_day_is_no_history_of_another():
    of_day = as_of(JOBS, "2025-06-30")
    with pytest.warns(IncompleteWarning, match="versions of 2025-06-30 alone") as told:
        as_of(of_day, "2025-04-30")
    assert told[0].filename == __file__
    assert len(as_of(of_day, "2025-06-30")) == len(of_day)
    of_days = as_of(JOBS, ["2025-04-30", "2025-05-31"]).rename(columns={"asOf": "on"})
    with pytest.warns(IncompleteWarning, match="versions of some days alone"):
        as_of(of_days, "2025-06-30", key="employeeId")


def test_other_dates_than_those_of_versions_are_of_any_day():
    renamed = {"validFrom": "startDate", "validTo": "endDate"}
    people = as_of(JOBS, "2025-06-30").rename(columns=renamed)
    assert len(as_of(people, "2025-06-29", start="startDate", end="endDate")) == 2


def test_days_have_no_place_beside_days():
    by_month = as_of(JOBS, ["2025-04-30", "2025-05-31"])
    for when in (["2025-04-30"], "2025-04-30"):
        with pytest.raises(SettingsError, match="the frame has a column 'asOf'"):
            as_of(by_month, when)


@pytest.mark.parametrize("unit", ["ns", "us", "ms"])
def test_dates_of_any_unit_give_the_same_rows(unit):
    shared = history(
        ("a", None, "2025-07-01", "Clerk"), ("a", "2025-07-01", None, "Lead")
    )
    kind = f"datetime64[{unit}]"
    finer = shared.astype({"validFrom": kind, "validTo": kind})
    for day in ("2025-06-30", "2025-07-01", "2199-12-31"):
        assert list(as_of(finer, day).title) == list(as_of(shared, day).title)


def test_versions_that_begin_on_one_day_are_told_and_lines_of_one_are_not():
    frame = pd.concat([JOBS, JOBS.iloc[:1]], ignore_index=True).assign(id=1)
    frame["line"] = range(4)
    frame.attrs["intermezzo"] = {"resource": "job-details"}
    assert len(as_of(frame, "2025-01-01")) == 2
    frame.loc[3, "id"] = 2
    with pytest.warns(UserWarning, match="1 employees have versions that overlap"):
        assert list(as_of(frame, "2025-01-01").id) == [2]


def test_no_days_and_no_rows_give_the_columns():
    assert list(as_of(JOBS, []).columns) == ["asOf", *JOBS.columns]
    assert list(as_of(JOBS.iloc[:0], "2025-01-01").columns) == list(JOBS.columns)
    assert as_of(JOBS.iloc[:0], ["2025-01-01"]).empty


days = st.dates(dt.date(2024, 1, 1), dt.date(2024, 2, 20))
rows = st.lists(
    st.tuples(st.sampled_from("ab"), st.none() | days, st.none() | days, st.just("x")),
    max_size=8,
)


@given(rows, st.lists(days, min_size=1, max_size=3), st.booleans())
def test_it_equals_an_obvious_loop(rows, when, is_inclusive):
    reading = "inclusive" if is_inclusive else "exclusive"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = as_of(history(*rows), when, valid_to=reading)
    got = [
        tuple(None if pd.isna(v) else v for v in row)
        for row in frame.itertuples(index=False)
    ]
    stamped = [
        (one, who, _stamp(begun), _stamp(last), title)
        for one in dict.fromkeys(when)
        for who, begun, last, title in _obvious(rows, one, is_inclusive=is_inclusive)
    ]
    assert got == [(_stamp(one), *rest) for one, *rest in stamped]


def _obvious(rows, day, *, is_inclusive):
    valid = [
        row
        for row in rows
        if (row[1] is None or row[1] <= day)
        and (row[2] is None or (day <= row[2] if is_inclusive else day < row[2]))
    ]

    def span(row):
        return row[1] or dt.date.min, row[2] or dt.date.max

    return [
        row
        for row in valid
        if span(row) == max(span(v) for v in valid if v[0] == row[0])
    ]


def _stamp(day):
    return None if day is None else pd.Timestamp(day)
