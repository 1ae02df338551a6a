"""From what the API sends to flat records; filters, and the version of a day."""

from __future__ import annotations

import pytest

from intermezzo_nb.api.filters import split_filters
from intermezzo_nb.api.frames import to_frame
from intermezzo_nb.api.resources import find
from intermezzo_nb.api.shaping import check_columns, shape
from intermezzo_nb.errors import SettingsError


def test_an_envelope_is_not_hidden_by_what_it_wraps():
    resource = find("employees")
    (record,) = shape([{"id": "e", "employeeData": {"id": "x"}}], resource, {})
    assert record == {"id": "e", "employeeData.id": "x"}


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


def test_a_line_that_has_members_of_our_names_loses_none():
    record = {"earnings": [{"kind": "bonus", "validFrom": "2026-02-01"}]}
    (row,) = shape([record], find("compensation"), {})
    assert row["kind"] == "earning"
    assert row["earnings.kind"] == "bonus"
    assert row["earnings.validFrom"] == "2026-02-01"


def test_a_record_that_has_members_of_our_names_loses_none():
    record = {"id": 7, "recordId": 8, "kind": "bonus", "earnings": [{"amount": "1"}]}
    (row,) = shape([record], find("compensation"), {})
    assert (row["recordId"], row["compensation.recordId"]) == (7, 8)
    assert (row["kind"], row["compensation.kind"]) == ("earning", "bonus")


def test_no_pay_is_lost_that_is_written_otherwise():
    record = {
        "id": 7,
        "currency": "EUR",
        "earnings": {"name": "Salary", "amount": "5000.00"},
        "bonuses": [{"amount": "900.00"}],
    }
    resource = find("compensation")
    framed = to_frame(shape([record], resource, {}), resource)
    assert list(framed.frame["kind"]) == ["earning", "bonuses"]
    assert list(framed.frame["currency"]) == ["EUR", "EUR"]
    assert framed.control_totals["amount"] == "5900.00"
    assert "currency" in framed.notes[0]


def test_an_amount_where_lines_are_documented_is_kept_and_told():
    resource = find("compensation")
    record = {"id": 7, "earnings": "3000.00", "createdAt": "2026-01-01T00:00:00Z"}
    framed = to_frame(shape([record], resource, {}), resource)
    assert framed.frame["value"].to_list() == ["3000.00"]
    assert str(framed.frame["createdAt"].dtype) == "datetime64[us, UTC]"
    assert framed.notes == ["not documented, kept: value"]


def test_names_that_nobody_documented_are_told_without_control_characters():
    resource = find("organizations")
    framed = to_frame([{"\x1b[2K\rcomplete" + "x" * 99: 1}], resource)
    assert framed.notes == ["not documented, kept: [2K complete" + "x" * 68]


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
        ("job-details", {"employee_id": ""}, "missing_parameter", "employee_id"),
    ],
)
def test_wrong_filters_are_told_with_a_way_out(name, filters, code, hint):
    with pytest.raises(SettingsError) as caught:
        split_filters(find(name), filters)
    assert caught.value.code == code
    assert hint in caught.value.advice


@pytest.mark.parametrize("names", ["id,startDate", "id startDate", ["id, startDate"]])
def test_several_columns_in_one_text_are_told_as_a_list(names):
    with pytest.raises(SettingsError) as caught:
        check_columns(find("employees"), names)
    assert 'columns=["id", "startDate"]' in caught.value.advice
    assert "Did you mean" not in caught.value.advice


@pytest.mark.parametrize("names", ["id,startdate", "startdate", ["id", "startdate"]])
def test_a_column_that_is_none_is_no_list(names):
    with pytest.raises(SettingsError) as caught:
        check_columns(find("employees"), names)
    assert "lists the columns" in caught.value.advice
