"""Which version counts on a day: by rule, by frame, and by a slow and obvious way."""

from __future__ import annotations

import datetime as dt
import warnings

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intermezzo_nb import as_of
from intermezzo_nb.api.frames import to_frame
from intermezzo_nb.api.resources import find
from intermezzo_nb.api.validity import Validity

FIRST = dt.date(2026, 1, 1)
DAYS = 12
ALL_DAYS = [FIRST + dt.timedelta(n) for n in range(-1, DAYS + 2)]
INCLUSIVE = Validity(("employeeId",), "id", is_inclusive=True)
EXCLUSIVE = Validity(("employeeId",), "id", is_inclusive=False)


def version(name, start, end, person="a"):
    return {"employeeId": person, "id": name, "validFrom": start, "validTo": end}


def counting(validity, day, *versions):
    found = validity.on(dt.date.fromisoformat(day), versions)
    return [one["id"] for one in found]


@pytest.mark.parametrize(
    ("day", "validity", "names"),
    [
        ("2025-12-31", INCLUSIVE, ["old"]),
        ("2025-12-31", EXCLUSIVE, []),
        ("2026-01-01", INCLUSIVE, ["new"]),
        ("2026-01-01", EXCLUSIVE, ["new"]),
        ("2019-12-31", INCLUSIVE, []),
    ],
)
def test_the_version_of_a_day(day, validity, names):
    old = version("old", "2020-01-01", "2025-12-31")
    new = version("new", "2026-01-01", None)
    assert counting(validity, day, old, new) == names
    assert counting(validity, day, new, old) == names


def test_a_day_of_change_counts_once_and_is_no_overlap():
    shared = [version("a", "2025-01-01", "2025-07-01")]
    shared.append(version("b", "2025-07-01", None))
    assert counting(INCLUSIVE, "2025-07-01", *shared) == ["b"]
    assert counting(EXCLUSIVE, "2025-07-01", *shared) == ["b"]
    assert INCLUSIVE.doubts(shared) == EXCLUSIVE.doubts(shared) == (0, 0)


@pytest.mark.parametrize("odd", [{}, {"on": "2026-01-01"}, [], ["2026-01-01"], 5, "?"])
def test_what_is_no_date_ends_no_version(odd):
    assert counting(INCLUSIVE, "2026-01-01", version("a", odd, odd)) == ["a"]
    assert INCLUSIVE.doubts([version("a", odd, odd)]) == (0, 0)


def test_of_those_that_begin_together_the_longer_one_counts():
    corrected = [version("x", "2025-01-01", None), version("y", "2025-01-01", None)]
    assert counting(INCLUSIVE, "2025-02-01", *corrected) == ["y"]
    corrected[1]["validTo"] = "2025-03-01"
    assert counting(INCLUSIVE, "2025-02-01", *corrected) == ["x"]


def test_the_lines_of_one_version_all_count():
    lines = [version("x", "2025-01-01", None) | {"n": n} for n in range(3)]
    assert len(INCLUSIVE.on(FIRST, lines)) == 3


@pytest.mark.parametrize(
    ("end", "start", "inclusive", "exclusive"),
    [
        ("2025-06-30", "2025-07-01", (0, 0), (0, 1)),
        ("2025-07-01", "2025-07-01", (0, 0), (0, 0)),
        ("2025-07-02", "2025-07-01", (1, 0), (1, 0)),
        ("2025-06-29", "2025-07-01", (0, 1), (0, 1)),
        (None, "2025-07-01", (1, 0), (1, 0)),
    ],
)
def test_overlaps_and_gaps(end, start, inclusive, exclusive):
    versions = [version("b", start, None), version("a", "2025-01-01", end)]
    assert INCLUSIVE.doubts(versions) == inclusive
    assert EXCLUSIVE.doubts(versions) == exclusive


def test_a_gap_that_another_version_covers_is_none():
    long = version("a", "2025-01-01", "2025-12-31")
    short = [version("b", "2025-02-01", "2025-02-10"), version("c", "2025-05-01", None)]
    assert INCLUSIVE.doubts([long, *short]) == (1, 0)


@pytest.mark.parametrize(
    ("start", "end"), [("2026-1-1", None), ("2026-13-01", ""), (5, "soon"), (None, [])]
)
def test_what_is_no_date_bounds_nothing(start, end):
    assert counting(INCLUSIVE, "2026-06-01", version("a", start, end)) == ["a"]


def test_what_is_only_created_counts_from_that_day_and_the_higher_number_later():
    validity = Validity.of(find("pension-membership"), is_inclusive=True)
    times = ["2025-01-05T08:00:00Z", "2025-03-01T09:00:00Z", "2025-03-01T07:00:00Z"]
    made = [
        {"employeeId": "a", "version": n, "createdAt": at}
        for n, at in zip((1, 3, 2), times, strict=True)
    ]
    days = ["2025-01-04", "2025-02-28", "2025-03-01"]
    found = [validity.on(dt.date.fromisoformat(day), made) for day in days]
    assert [[one["version"] for one in rows] for rows in found] == [[], [1], [3]]


def days(least=0):
    some = st.integers(least, DAYS).map(lambda n: FIRST + dt.timedelta(n))
    return some.map(dt.date.isoformat)


@st.composite
def histories(draw):
    versions = st.builds(
        version,
        st.sampled_from("uvwxyz"),
        st.none() | days(),
        st.none() | days(),
        st.sampled_from("abc"),
    )
    found = draw(st.lists(versions, max_size=10))
    return [{**one, "n": n} for n, one in enumerate(found)]


def obvious(history, day, *, inclusive):
    """Give the numbers of the rows that count on a day, person by person."""
    numbers = []
    for person in "abc":
        valid = []
        for one in history:
            start, end = one["validFrom"] or "0000", one["validTo"] or "9999"
            ends_later = end >= day if inclusive else end > day
            if one["employeeId"] == person and start <= day and ends_later:
                valid.append((start, end, one["n"], one["id"]))
        if valid:
            start, end, _, name = max(valid)
            numbers += [v[2] for v in valid if (v[0], v[1], v[3]) == (start, end, name)]
    return sorted(numbers)


@settings(max_examples=50)
@given(histories(), st.booleans())
def test_all_ways_to_the_versions_of_a_day_agree(history, inclusive):
    validity = INCLUSIVE if inclusive else EXCLUSIVE
    resource = find("job-details")
    frame = to_frame(history, resource).frame
    if not history:
        frame["n"] = []
    frame.attrs["intermezzo"] = {
        "resource": resource.name,
        "valid_to": "inclusive" if inclusive else "exclusive",
    }
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = as_of(frame, ALL_DAYS)
    counts = [f"{count} " for count in validity.doubts(history) if count]
    assert [str(w.message)[:2] for w in told] == counts
    for day in ALL_DAYS:
        wanted = obvious(history, day.isoformat(), inclusive=inclusive)
        assert [one["n"] for one in validity.on(day, history)] == wanted
        assert found.loc[found["asOf"] == pd.Timestamp(day), "n"].tolist() == wanted
