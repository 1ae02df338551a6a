"""The reports of what was sent: what they hold, and which rows they take."""

from __future__ import annotations

import inspect

import pandas as pd
import pytest

from intermezzo_nb.api.outcomes import UNCERTAIN, all_of
from intermezzo_nb.api.payslips import PayrollReport
from intermezzo_nb.api.posting import Delivery
from intermezzo_nb.api.report import SendReport, Sequel
from intermezzo_nb.api.resources import find
from intermezzo_nb.errors import BadTable

TWO = pd.DataFrame({"name": ["a", "b"], "n": [1, 2]})


def unanswered(frame):
    """Give a report of rows of which nobody knows, and what is found of them."""
    found = []
    report = SendReport(
        "contacts",
        frame,
        [(at,) for at in range(len(frame))],
        Delivery(all_of(len(frame), UNCERTAIN)),
        find("employees"),
        Sequel(lambda frame: report, found.extend, dict),
    )
    return report, found


@pytest.mark.parametrize("kind", [SendReport, PayrollReport])
def test_the_help_of_a_report_names_each_attribute(kind):
    own = [n for n in vars(kind) if isinstance(vars(kind)[n], property)]
    named = inspect.getdoc(kind).partition("Attributes")[2]
    assert own
    assert [n for n in own if not n.startswith("_") and n not in named] == []


INDEXES = {
    "a number that is missing": [1.0, float("nan")],
    "a moment that is missing": pd.DatetimeIndex(["2026-01-01", None]),
    "a part that is missing": pd.MultiIndex.from_tuples([("a", 1.0), ("a", None)]),
    "spans that overlap": pd.IntervalIndex.from_tuples([(0, 2), (1, 3)]),
    "yes and no": [True, False],
    "of several kinds": [("a", 1), None],
}


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
@pytest.mark.parametrize("places", [[0, 1], [1], [1, 0]])
def test_rows_are_found_whatever_their_labels_are(index, places):
    report, found = unanswered(TWO.set_axis(pd.Index(index, tupleize_cols=False)))
    report.confirm(report.uncertain.iloc[places])
    assert found == sorted(places)


def test_labels_are_no_mask():
    report, found = unanswered(TWO)
    same = TWO.iloc[[0, 0]].set_axis([True, False])
    with pytest.raises(BadTable, match="cannot be confirmed: 1 problem in 1 of 2"):
        report.confirm(same)
    assert found == []


def test_columns_of_several_levels_are_not_those_that_were_sent():
    report, found = unanswered(TWO)
    with pytest.raises(BadTable, match="name is a column that was sent, and is not"):
        report.confirm(report.uncertain.groupby(level=0).agg(["first"]))
    assert found == []
