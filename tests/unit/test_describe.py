"""What there is to be read, told as tables: resources, and what each of them holds."""

from __future__ import annotations

import pytest

from intermezzo_nb.api.countries import COUNTRIES
from intermezzo_nb.api.describing import describe
from intermezzo_nb.api.forms import FORMS
from intermezzo_nb.api.frames import to_frame
from intermezzo_nb.api.resources import CATALOGUE, find
from intermezzo_nb.errors import SettingsError

RUNS = {"payroll-gb": COUNTRIES["GB"], "payroll-de": COUNTRIES["DE"]}


def test_all_resources_are_listed_with_whose_they_are():
    listed = describe().set_index("resource")
    assert list(listed.index) == [*CATALOGUE, *RUNS]
    assert listed.loc["documents", ["of", "country", "versions"]].to_list() == [
        *("employee", "", "")
    ]
    assert listed.loc["p32", ["of", "country"]].to_list() == ["organization", "GB"]
    with_history = listed.index[listed["versions"] == "history"]
    assert set(with_history) == {n for n, r in CATALOGUE.items() if r.history}


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_resource_is_described_as_it_is_read(name):
    told = describe(name)
    columns = told[told["role"] == "column"].set_index("name")
    read = to_frame([], find(name)).frame.dtypes
    assert columns["type"].to_dict() == read.astype(str).to_dict()
    assert columns["values"].to_dict() == {
        c.name: ", ".join(c.values) for c in find(name).columns
    }
    asked = set(told[told["role"].isin(["path", "query"])]["name"])
    assert asked == {p.name for p in find(name).parameters}
    assert ("option" in set(told["role"])) is bool(find(name).history)
    assert told.attrs["intermezzo"]["path"] == find(name).path


def test_defaults_needs_and_versions_are_noted():
    documents = describe("documents").set_index(["role", "name"])["note"]
    assert documents["query", "status"] == "active where left out"
    assert "employee_id=" in documents["path", "employee_id"]
    pay = describe("compensation").set_index(["role", "name"])["note"]
    assert "versions" in pay["column", "employeeId"]
    assert "versions" in pay["column", "recordId"]
    assert "integer" in pay["column", "recordId"]
    assert "decimal" in pay["column", "amount"]


@pytest.mark.parametrize("name", FORMS)
def test_what_can_be_sent_is_told_with_types_values_and_need(name):
    told = describe(name)
    sent = told[told["role"] == "send"].set_index("name")
    form = FORMS[name]
    assert [*sent.index] == [field.name for field in form.fields]
    assert sent["values"].to_dict() == {
        f.name: ", ".join(f.values) for f in form.fields
    }
    needed = {name for group in form.required for name in group}
    is_needed = sent["note"].str.contains("required")
    assert {*sent.index[is_needed]} == needed
    assert (sent.loc[~is_needed, "note"].str.startswith("optional")).all()


def test_what_can_be_sent_is_marked_in_the_list_and_shown_by_example():
    listed = describe().set_index("resource")["sending"]
    assert {*listed.index[listed == "can be sent"]} == {*FORMS}
    assert "send" not in {*describe("employees")["role"]}
    notes = describe("contacts").set_index(["role", "name"])["note"]
    assert notes["send", "phone.phoneType"] == "optional; such as mobile"
    assert notes["send", "name"] == "required"
    types = describe("contacts").set_index(["role", "name"])["type"]
    assert types["send", "roles"] == "list of text"
    notes = describe("organizations").set_index(["role", "name"])["note"]
    assert notes["send", "legalAddress"].startswith("one of legalAddress, address")


@pytest.mark.parametrize("name", RUNS)
def test_what_a_payroll_run_takes_is_told_by_kind_of_line(name):
    country, listed = RUNS[name], describe().set_index("resource").loc[name]
    assert [listed["country"], listed["sending"]] == [country.name, "by run_payroll"]
    told = describe(name)
    by_role = told.groupby("role")["name"].apply(list)
    assert by_role["option"] == ["pay_date", "pay_cycle", "external_ref"]
    assert by_role["send"] == [*(c.name for c in country.employee), "kind"]
    assert by_role["column"] == [c.name for c in country.payslips.columns]
    for kind, fields in country.lines.items():
        assert by_role[kind] == [field.name for field in fields]
    one = told.set_index(["role", "name"])
    types = {"earning": "money", "benefit": "money"}
    for kind, amount in types.items():
        needed = "value" if (kind, name) == ("benefit", "payroll-de") else "amount"
        assert one.loc[(kind, needed), ["type", "note"]].to_list() == [
            *(amount, "required")
        ]
    assert one.loc[("send", "employeeId"), "note"].startswith("required; such as")
    assert one.loc[("earning", "isLumpsum"), "note"] == "optional"


def test_values_are_told_as_far_as_they_are_documented():
    british = describe("payroll-gb").set_index(["role", "name"])
    german = describe("payroll-de").set_index(["role", "name"])
    assert british.loc[("earning", "earningFrequency"), "values"] == "year, month"
    assert german.loc[("earning", "earningFrequency"), "values"] == ""
    assert british.loc[("earning", "earningType"), "note"] == (
        "required; such as Salary; other values are sent, and noted in the report"
    )
    assert german.loc[("send", "kind"), "note"] == "optional; earning where left out"


@pytest.mark.parametrize("name", ["payroll", "payroll-uk", "Payroll_DE"])
def test_a_name_like_that_of_a_payroll_run_leads_to_it(name):
    with pytest.raises(SettingsError) as caught:
        describe(name)
    first = caught.value.advice.partition("?")[0]
    assert "payroll-de" in first
    assert caught.value.advice.count("Did you mean") == 1


def test_an_unknown_resource_is_told_with_the_closest():
    with pytest.raises(SettingsError, match="payslip") as caught:
        describe("payslip")
    assert caught.value.code == "unknown_resource"
