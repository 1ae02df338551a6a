"""The practice server's payroll API: what it refuses, and whether its data can be."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
import requests

from intermezzo_nb.demo.pay import compensation
from intermezzo_nb.demo.people import Company, is_valid


@pytest.fixture(scope="module")
def api(shared_practice):
    """Ask the API as the machine client; give the answers as they are."""
    settings = shared_practice.settings("machine")
    secret = Path(settings["client_secret_file"]).read_text()
    told = requests.post(
        f"{shared_practice.url}/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(settings["client_id"], secret),
        timeout=5,
    )
    token = told.json()["access_token"]
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"

        def ask(path, method="GET", **params):
            url = f"{shared_practice.url}/v1{path}"
            return session.request(method, url, params=params, timeout=10)

        yield ask


@pytest.fixture(scope="module")
def organizations(api):
    return {o["legalName"]: o for o in api("/organizations").json()}


@pytest.fixture(scope="module")
def british(organizations):
    return organizations["Harrow & Finch Ltd"]["id"]


@pytest.fixture(scope="module")
def people(api, organizations):
    """Give all employees, as the API lists them."""
    return [
        item
        for organization in organizations.values()
        for page in (1, 2)
        for item in api(
            f"/organizations/{organization['id']}/employees", page=page, size=100
        ).json()["items"]
    ]


def where(person, rest=""):
    return f"/organizations/{person['organizationId']}/employees/{person['id']}{rest}"


def wage_types(api, **params):
    return api("/gb/wage-types", **params).json()


@pytest.mark.parametrize(
    ("path", "params", "field"),
    [
        ("/gb/organizations/{}/p32/0000", {}, "tax_year"),
        ("/gb/organizations/{}/p32/9999", {}, "tax_year"),
        ("/gb/organizations/{}/p32/0000/export", {}, "tax_year"),
        ("/organizations/{}/employees", {"page": "9" * 5000}, "page"),
        ("/organizations/{}/employees", {"size": "x"}, "size"),
        ("/organizations/{}/employees", {"search_fields": "iban"}, "search_fields"),
        ("/organizations/{}/employees", {"sort_by": "iban"}, "sort_by"),
        ("/gb/wage-types", {"limit": "9" * 5000}, "limit"),
        ("/gb/wage-types", {"limit": "٣"}, "limit"),
        ("/gb/wage-types", {"limit": "-1"}, "limit"),
        ("/gb/wage-types", {"cursor": "LTU="}, "cursor"),
        ("/gb/wage-types", {"cursor": "MV8w"}, "cursor"),
        ("/gb/wage-types", {"prev_cursor": "é"}, "prev_cursor"),
        ("/gb/wage-types", {"cursor": "MTA=", "prev_cursor": "MA=="}, "prev_cursor"),
        ("/gb/wage-types", {"sort": "-name"}, "sort"),
        ("/gb/wage-types", {"effective_date": "abc"}, "effective_date"),
        ("/gb/wage-types", {"effective_date": "2026-02-30"}, "effective_date"),
        ("/gb/wage-types", {"effective_date": "20260101"}, "effective_date"),
        ("/gb/wage-types", {"include_deprecated": "perhaps"}, "include_deprecated"),
        ("/gb/wage-types/UK-E-001", {"effective_date": "abc"}, "effective_date"),
        ("/germany/wage-types/" + "9" * 5000, {}, "wage_type_number"),
    ],
)
def test_what_no_parameter_can_be_is_told(api, british, path, params, field):
    answer = api(path.format(british), **params)
    told = answer.json()
    assert (answer.status_code, told["error"]) == (422, "validation_error")
    assert told["details"]["field"] == field
    assert field in told["message"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_the_api_is_read_only(api, method):
    answer = api("/organizations", method)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")
    assert answer.json().keys() == {"error", "message", "details"}
    assert api("/organizations", "HEAD").status_code == 405


def test_a_search_finds_who_has_the_text(api, people):
    wanted = people[0]["employeeData"]["personalData"]["employeeName"]["familyName"]
    path = where(people[0]).partition("/emp_")[0]
    every = api(path).json()["meta"]["total"]
    both = api(path, search=wanted.upper(), size=100).json()
    assert 0 < both["meta"]["total"] < every
    for item in both["items"]:
        assert wanted.casefold() in str(item).casefold()
    by_given = api(path, search=wanted, search_fields="givenName").json()
    assert by_given["meta"]["total"] < both["meta"]["total"]
    none = api(path, search="nobody at all").json()
    assert (none["items"], none["meta"]["pages"]) == ([], 0)


@pytest.mark.parametrize("name", ["startDate", "createdAt"])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_employees_come_in_order(api, british, name, order):
    asked = {"sort_by": name, "sort_order": order, "size": 100}
    items = api(f"/organizations/{british}/employees", **asked).json()["items"]
    shown = [{**item, **item["employeeData"]}[name] for item in items]
    assert shown == sorted(shown, reverse=order == "desc")


def test_wage_types_come_in_order_and_backwards(api):
    items = wage_types(api, sort=["category", "name"], limit=100)["items"]
    shown = [(item["category"], item["name"]) for item in items]
    assert shown == sorted(shown)
    first = wage_types(api, limit=5)
    second = wage_types(api, limit=5, cursor=first["pagination"]["nextCursor"])
    back = wage_types(api, limit=5, prev_cursor=second["pagination"]["prevCursor"])
    assert back == first


def test_a_year_is_added_up_once(shared_practice, api, british):
    count = shared_practice.server.practice.p32.cache_info
    before = count().misses
    for _ in range(3):
        api(f"/gb/organizations/{british}/p32/2019")
    assert count().misses == before + 1


def test_nothing_was_changed_before_it_was_made_nor_made_in_future(api, people):
    now = dt.datetime.now(dt.UTC).isoformat()
    newest = sorted(people, key=lambda p: p["employeeData"]["startDate"])[-8:]
    records = [
        record
        for person in newest
        for kind in ("job-details", "personal-data", "compensation-details")
        for record in api(where(person, f"/{kind}/history")).json()
    ]
    for record in [*records, *people]:
        assert record["createdAt"] <= record["updatedAt"] <= now


def test_a_person_stays_who_they_are(api, people):
    for person in people[:40]:
        records = api(where(person, "/personal-data/history")).json()
        for name in ("employeeName", "gender", "nationality"):
            assert len({str(record[name]) for record in records}) == 1
        marital = [record["maritalStatus"] for record in records]
        assert marital == sorted(marital, reverse=True)


def test_shares_and_ages_are_those_of_a_company():
    company = Company(6000, 1)
    seen = [json.loads(company.employee_json(0, n)) for n in company.employees(0)]
    genders = [p["employeeData"]["personalData"]["gender"] for p in seen]
    assert 0 < genders.count("D") < len(genders) / 50
    for person in (person["employeeData"] for person in seen):
        years = int(person["startDate"][:4]) - int(person["birthDate"][:4])
        job = person["jobDetails"] or {}
        assert 18 <= years <= 53
        assert years >= 31 or job.get("department") != "Management"


def test_the_same_seed_gives_the_same_people():
    one, same, other = Company(50, 7), Company(50, 7), Company(50, 8)
    assert one.employee_json(0, 3) == same.employee_json(0, 3)
    assert one.employee_json(0, 3) != other.employee_json(0, 3)
    assert compensation(one, 0, 3) == compensation(same, 0, 3)


def test_what_is_of_today_is_valid_today(api, people, shared_practice):
    today = shared_practice.server.practice.company.today.isoformat()
    kinds = set()
    for person in people:
        told = person["employeeData"]
        is_employed = told["startDate"] <= today <= (told["endDate"] or today)
        assert is_valid(told["personalData"], today)
        assert (told["jobDetails"] is not None) is is_employed
        assert not is_employed or is_valid(told["jobDetails"], today)
        if is_employed in kinds:
            continue
        kinds.add(is_employed)
        answer = api(where(person, "/compensation-details"))
        assert answer.status_code == (200 if is_employed else 404)
        assert not is_employed or is_valid(answer.json(), today)
    assert kinds == {True, False}


def test_germans_are_paid_by_german_wage_types(api, people):
    german = [p for p in people if p["employeeData"]["employmentCountry"] == "DE"]
    codes = {
        line["wageTypeCode"]
        for person in german[:80]
        for record in api(where(person, "/compensation-details/history")).json()
        for kind in ("earnings", "benefits", "deductions", "reimbursements")
        for line in record[kind]
    }
    assert len(codes) == 5
    for code in codes:
        told = api(f"/germany/wage-types/{code}").json()
        assert str(told["wageTypeNumber"]) == code
    assert api("/germany/wage-types/1").status_code == 404


def test_german_company_numbers_pass_the_check(organizations):
    # The Betriebsnummer of Techniker Krankenkasse is known to be one.
    numbers = [
        organization["insuranceData"]["companyNumber"]
        for organization in organizations.values()
        if organization["registrationCountry"] == "DE"
    ]
    for number in [*numbers, "15027365"]:
        products = [int(d) * w for d, w in zip(number[:7], (1, 2) * 4, strict=False)]
        digits = [int(digit) for product in products for digit in str(product)]
        assert len(number) == 8
        assert sum(digits) % 10 == int(number[7])


def test_tax_and_bank_numbers_pass_their_checks(api, people, organizations):
    germans = [p for p in people if p["employeeData"]["employmentCountry"] == "DE"]
    for person in germans[:20]:
        told = api(where(person, "/tax-details"))
        if told.status_code == 404:
            continue
        product, number = 10, told.json()["taxId"]
        assert len(number) == 11
        for digit in number[:10]:
            product = ((int(digit) + product) % 10 or 10) * 2 % 11
        assert (int(number[10]) + product) % 10 == 1
    for organization in organizations.values():
        for account in organization["bankAccounts"]:
            iban = account["iban"]
            turned = "".join(str(int(letter, 36)) for letter in iban[4:] + iban[:4])
            assert int(turned) % 97 == 1
            assert len(iban) == 22


def test_tax_classes_fit_whether_somebody_is_married(api, people):
    seen = set()
    for person in people[:80]:
        told = person["employeeData"]
        tax = api(where(person, "/tax-details")).json()
        if told["employmentCountry"] == "DE" and tax.get("validTo", 1) is None:
            status = api(where(person, "/personal-data/history")).json()
            then = [r for r in status if is_valid(r, tax["validFrom"])]
            seen.add((then[0]["maritalStatus"], tax["taxClass"]))
            assert (tax["factor"] is not None) == tax["factorProcedure"]
            assert tax["churchMember"] == (tax["churchConfession"] != "KEINE")
    assert {*seen} <= {("Single", c) for c in "12"} | {("Married", c) for c in "345"}
    assert len(seen) > 2
