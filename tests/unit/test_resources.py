"""The catalogue is consistent, and wrong names and values are told with a way out."""

from __future__ import annotations

import contextlib
import datetime as dt
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intermezzo_nb.api.arguments import closest
from intermezzo_nb.api.columns import _BUILDERS
from intermezzo_nb.api.filters import split_filters
from intermezzo_nb.api.resources import CATALOGUE, PAYSLIP_LINES, PAYSLIPS, find
from intermezzo_nb.errors import SettingsError

KINDS = {*_BUILDERS, "money"}
EMPLOYEE = {"employee_id": "emp_1"}
# Of intermezzo's reference pages: what an analyst relies on, by resource.
PROMISED = {
    "organizations": "id legalName registrationCountry incorporationDate createdAt",
    "employees": "id organizationId employmentCountry externalRef startDate endDate "
    "birthDate personalEmail workEmail phoneNumbers relatedPersons createdAt "
    "personalData.employeeName.familyName personalData.gender "
    "jobDetails.jobTitle jobDetails.department jobDetails.worksiteId",
    "job-details": "employeeId id employmentCountry jobType employmentStatus jobTitle "
    "contractedWeeklyHours isSeasonalWorker validFrom validTo",
    "compensation": "employeeId recordId kind wageTypeCode name amount makeGoodAmount "
    "foregoneAmount earningType earningFrequency isLumpsum validFrom validTo createdAt "
    "updatedAt",
    "wage-types": "id wageTypeCode name category status taxableStatus niClass "
    "pensionStatus validFrom validTo isGrossUp",
    "worksites": "id orgId name address isActive isPrimary validFrom validTo createdAt",
    "bank-accounts": "id orgId financialInstitutionName iban accountNumber "
    "routingNumber isActive isPrimary",
    "sepa-mandates": "id creditorId bankAccountId mandateReference isRecurring "
    "validFrom validTo createdBy",
    "personal-data": "employeeId employeeName.familyName gender maritalStatus "
    "validFrom validTo",
    "tax-details": "employeeId taxId taxClass childAllowances churchConfession factor "
    "taxAllowanceAmount taxCode.originalCode taxCode.emergency studentLoanType "
    "p45GrossPay validFrom validTo",
    "insurance-details": "employeeId insuranceNumber contributionGroup personGroup "
    "privateInsuranceHealthMonthly uvRiskTariff pensionDetails.pensionType validFrom",
    "documents": "id employeeId documentType documentName status mimeType "
    "fileSizeBytes documentDate createdAt updatedAt",
    "german-wage-types": "wageTypeNumber componentType taxTreatment validFrom validTo",
    "pension-membership": "employeeId version status workerCategory entryRoute "
    "enrolmentDate optOutDate schemeId createdAt",
    "pension-assessments": "employeeId assessmentDate enrolmentRequired "
    "reEnrolmentIndicator qualifyingEarnings ageAtAssessment payrunId createdAt",
    "p32-cumulative": "taxYear taxMonth netPayable cumulativeGrossLiability "
    "cumulativeNetPayable",
    "p32": "taxYear taxMonth version grossLiability netPayable class1ANic smp "
    "apprenticeshipLevy surplusBroughtForward",
}


def refused(name, filters):
    with pytest.raises(SettingsError) as caught:
        split_filters(find(name), filters)
    return caught.value


@pytest.mark.parametrize("resource", CATALOGUE.values(), ids=list(CATALOGUE))
class TestEveryResource:
    def test_columns_have_one_name_and_a_known_kind(self, resource):
        names = [c.name for c in resource.columns]
        assert len(set(names)) == len(names)
        assert {c.kind for c in resource.columns} <= KINDS
        assert {p.kind for p in resource.parameters} <= KINDS

    def test_no_column_is_both_a_value_and_an_object(self, resource):
        names = {c.name for c in resource.columns}
        above = {n.rsplit(".", 1)[0] for n in names if "." in n}
        assert not names & above

    def test_no_parameter_hides_a_column(self, resource):
        parameters = {p.name for p in resource.parameters}
        columns = {c.name for c in resource.columns}
        assert parameters & columns <= {"status", "category"}

    def test_each_variable_of_the_path_is_a_parameter_with_an_example(self, resource):
        variables = re.findall(r"{(\w+)}", resource.path + resource.history)
        in_path = {p.name: p for p in resource.parameters if p.where == "path"}
        assert set(variables) - {"organization_id"} == set(in_path)
        assert all(p.example for p in in_path.values())

    def test_it_is_documented(self, resource):
        assert find(resource.name) is resource
        assert resource.doc
        assert "/" in resource.page
        assert resource.style in {"page", "cursor", "array", "object", None}
        assert resource.owner in {"account", "organization", "employee"}

    def test_what_lines_keep_has_columns(self, resource):
        kept = {column for _, column in resource.keep}
        assert kept <= {c.name for c in resource.columns}
        assert bool(resource.lines or resource.nested) == bool(resource.keep)

    def test_rows_with_a_period_say_of_what_they_are_a_version(self, resource):
        names = {c.name for c in resource.columns}
        has_versions = {"validFrom", "validTo"} <= names or bool(resource.history)
        assert has_versions == bool(resource.key) == bool(resource.version)
        assert {*resource.key, *([resource.version] * has_versions)} <= names

    def test_what_the_path_names_has_a_column_of_the_rows(self, resource):
        filled = {p.column for p in resource.parameters if p.column}
        assert filled <= {c.name for c in resource.columns}
        assert resource.owner != "employee" or filled == {"employeeId"}


@pytest.mark.parametrize(("name", "columns"), PROMISED.items())
def test_the_documented_columns_are_there(name, columns):
    assert set(columns.split()) <= {c.name for c in find(name).columns}


def test_all_amounts_of_the_p32_are_money():
    assert sum(c.kind == "money" for c in find("p32").columns) == 25


@pytest.mark.parametrize("name", ["p32", "p32-cumulative"])
def test_both_forms_of_the_p32_have_the_same_amounts(name):
    money = [c.name for c in find(name).columns if c.kind == "money"]
    assert money[:25] == [c.name for c in find("p32").columns if c.kind == "money"]


@pytest.mark.parametrize("country", PAYSLIPS)
def test_each_amount_of_a_payslip_is_found_in_it(country):
    payslips = PAYSLIPS[country]
    kinds = {c.name: c.kind for c in payslips.columns}
    assert {kinds[column] for _, column in payslips.keep} <= {"money", "number"}
    amounts = {name for name, kind in kinds.items() if kind in {"money", "number"}}
    assert amounts == {column for _, column in payslips.keep}
    assert all(path.endswith(f".{column}") for path, column in payslips.keep)


def test_the_documented_columns_of_payslips_are_there():
    british, german = (
        {c.name for c in PAYSLIPS[country].columns} for country in ("GB", "DE")
    )
    both = {"employeeId", "paymentPeriod", "netWages", "totalDeductions", "netPay"}
    assert both <= british & german
    assert {"runId", "status", "nationalInsurance", "class1ANic"} <= british
    assert {"churchTax", "solidarityTax", "careInsurance", "totalTax"} <= german
    lines = [c.name for c in PAYSLIP_LINES.columns]
    assert lines == ["employeeId", "kind", "name", "amount"]


def test_money_is_never_a_number_and_ids_are_never_numbers_in_pay():
    kinds = {c.name: c.kind for c in find("compensation").columns}
    assert {kinds[n] for n in kinds if n.endswith("mount")} == {"money"}
    assert {kinds["recordId"], kinds["employeeId"], kinds["wageTypeCode"]} == {"text"}


@pytest.mark.parametrize(
    ("name", "meant"),
    [("employes", "employees"), ("Employees", "employees"), ("wage_types", "wage-typ")],
)
def test_an_unknown_resource_is_told_with_the_closest(name, meant):
    with pytest.raises(SettingsError) as caught:
        find(name)
    assert caught.value.code == "unknown_resource"
    assert f"Did you mean {meant}" in caught.value.advice
    assert "%intermezzo_resources" in caught.value.advice


@pytest.mark.parametrize("name", ["payslips", "payslip", "payroll"])
def test_where_payslips_are_is_told_instead(name):
    with pytest.raises(SettingsError, match="documents document_type=payslip lists"):
        find(name)


@pytest.mark.parametrize("name", ["", "zzz", None, 5, [], {}])
def test_a_name_that_is_like_no_other_is_told_without_a_guess(name):
    with pytest.raises(SettingsError) as caught:
        find(name)
    assert "Did you mean" not in caught.value.advice


def test_a_parameter_is_sent_and_a_column_is_filtered_here():
    filters = {"effective_date": "2026-04-06", "niClass": "class_1", "status": "draft"}
    assert split_filters(find("wage-types"), filters) == (
        {},
        {"effective_date": "2026-04-06", "status": "draft"},
        {"niClass": "class_1"},
    )


@pytest.mark.parametrize("nothing", [None, "", float("nan"), pd.NaT, pd.NA])
def test_nothing_asks_a_column_for_what_is_missing_and_is_no_parameter(nothing):
    here = split_filters(find("employees"), {"endDate": nothing})[2]
    assert here == {"endDate": ""}
    with pytest.raises(SettingsError, match=r"effective_date is sent .* no value"):
        split_filters(find("wage-types"), {"effective_date": nothing})
    with pytest.raises(SettingsError, match="p32 needs tax_year"):
        split_filters(find("p32"), {"tax_year": nothing})


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("postcode", "address.postcode"),
        ("postCodes", "address.postcode"),
        ("organisation", "organization"),
        ("as-of", "as_of"),
        ("asof", "as_of"),
        ("taxyear", "tax_year"),
        ("xyz", ""),
    ],
)
def test_the_name_that_was_meant_is_found(asked, meant):
    known = ["id", "address.postcode", "organization", "as_of", "tax_year", "taxYear"]
    assert closest(asked, known) == meant


def test_a_variable_of_the_path_goes_into_the_path():
    assert split_filters(find("p32"), {"tax_year": 2026}) == (
        {"tax_year": "2026"},
        {},
        {},
    )


def test_a_country_is_filtered_here():
    assert split_filters(find("employees"), {"employmentCountry": "DE"})[2] == {
        "employmentCountry": "DE"
    }


@pytest.mark.parametrize(
    ("name", "filters", "meant"),
    [
        ("employees", {"employmentcountry": "DE"}, "employmentCountry"),
        ("employees", {"jobTitle": "Chef"}, "jobDetails.jobTitle"),
        ("wage-types", {"effective_dat": "x"}, "effective_date"),
        ("employees", {"country": "DE"}, "employmentCountry"),
        ("employees", {"employee_id": "emp_1"}, "id"),
        ("employees", {"employeeId": "emp_1"}, "id"),
        ("p32", {"taxyear": 2026}, "tax_year"),
        ("german-wage-types", {"wageTypenumber": 1000}, "wage_type_number"),
    ],
)
def test_an_unknown_filter_is_told_with_the_closest(name, filters, meant):
    error = refused(name, filters)
    assert error.code == "unknown_filter"
    assert f"Did you mean {meant}?" in error.advice
    assert name in error.what


@pytest.mark.parametrize(
    ("name", "comparison", "instead"),
    [
        ("employees", ("startDate>", "2025-01-01"), 'df.startDate >= "2025-01-01"'),
        ("employees", ("startDate>2025-01-01", ""), 'df.startDate >= "2025-01-01"'),
        ("employees", ("startdate <=", dt.date(2025, 1, 1)), "<= "),
        ("employees", ("department!", "IT"), '["jobDetails.department"] != "IT"'),
        ("employees", ("startDate>", "x?code=secret"), 'df.startDate >= "…"'),
        ("compensation", ("amount<", "100"), "df[df.amount <= 100]."),
    ],
)
def test_a_filter_compares_nothing_but_a_range_is_taken_from_the_frame(
    name, comparison, instead
):
    error = refused(name, dict([comparison]))
    assert error.code == "bad_filter"
    assert error.advice.startswith("Take a range from the frame: df[df")
    assert instead in error.advice


@pytest.mark.parametrize(
    ("name", "filters", "parameter"),
    [
        ("p32", {}, "tax_year=2026"),
        ("p32", {"tax_year": ""}, "tax_year=2026"),
        ("job-details", {"employee_id": ""}, "employee_id="),
        ("compensation", {"employee_id": ""}, "employee_id="),
    ],
)
def test_what_the_path_needs_is_told_with_an_example(name, filters, parameter):
    error = refused(name, filters)
    assert error.code == "missing_parameter"
    assert parameter in error.advice


@pytest.mark.parametrize(
    ("name", "given", "spelled"),
    [
        ("include_deprecated", True, "true"),
        ("include_deprecated", "False", "false"),
        ("isGrossUp", "TRUE", "true"),
        ("effective_date", dt.date(2026, 4, 6), "2026-04-06"),
        ("effective_date", dt.datetime(2026, 4, 6, tzinfo=dt.UTC), "2026-04-06"),
        ("validTo", "", ""),
        ("id", "007", "7"),
        ("niClass", "something new", "something new"),
    ],
)
def test_values_are_spelled_as_the_api_does(name, given, spelled):
    _, sent, here = split_filters(find("wage-types"), {name: given})
    assert {**sent, **here} == {name: spelled}


@pytest.mark.parametrize(
    ("name", "filters"),
    [
        ("wage-types", {"effective_date": "2026-13-01"}),
        ("wage-types", {"effective_date": "soon"}),
        ("wage-types", {"include_deprecated": "maybe"}),
        ("wage-types", {"id": "12a"}),
        ("wage-types", {"status": ["draft", "approved"]}),
        ("wage-types", {"status": None}),
        ("wage-types", {"status": b"draft"}),
        ("p32", {"tax_year": "2026/27"}),
        ("p32", {"tax_year": "this"}),
        ("compensation", EMPLOYEE | {"amount": "a lot"}),
        ("compensation", EMPLOYEE | {"amount": "NaN"}),
        ("compensation", EMPLOYEE | {"isLumpsum": "1"}),
    ],
)
def test_a_value_that_cannot_be_is_refused_before_anything_is_asked(name, filters):
    error = refused(name, filters)
    assert error.code == "bad_filter"
    assert list(filters)[-1] in error.what


@pytest.mark.parametrize(
    "employee", ["../organizations", "..", ".", "a/b", "a?b=1", "a#b", "a%2fb", "a b"]
)
def test_an_id_cannot_change_the_path(employee):
    assert refused("job-details", {"employee_id": employee}).code == "bad_filter"


@pytest.mark.parametrize("employee", ["emp_01h455vb4pex5vsknk084sn02q", "17", "a:b.c"])
def test_an_id_of_any_other_form_is_taken(employee):
    in_path, _, _ = split_filters(find("job-details"), {"employee_id": employee})
    assert in_path == {"employee_id": employee}


@given(
    st.sampled_from(list(CATALOGUE)),
    st.dictionaries(
        st.text(max_size=6)
        | st.sampled_from(
            sorted({c.name for r in CATALOGUE.values() for c in r.columns})
        ),
        st.none() | st.text(max_size=6) | st.integers() | st.lists(st.integers()),
        max_size=3,
    ),
)
def test_any_filters_are_taken_or_refused_by_our_own_error(name, filters):
    with contextlib.suppress(SettingsError):
        found = split_filters(find(name), filters)
        assert sum(map(len, found)) == len(filters)
