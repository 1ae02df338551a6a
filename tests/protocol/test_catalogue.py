"""Every resource of the catalogue, read from the practice server as it documents it."""

from __future__ import annotations

import json
import warnings
from itertools import accumulate
from typing import NamedTuple

import pandas as pd
import pytest

from intermezzo_nb.api.resources import CATALOGUE
from intermezzo_nb.demo.documents import documents
from intermezzo_nb.demo.identifiers import type_id
from intermezzo_nb.demo.oddities import Drift, Faults
from intermezzo_nb.demo.pensions import assessments, membership
from intermezzo_nb.errors import IncompleteWarning, NotFound, SettingsError

DTYPES = {
    "text": "str",
    "enum": "str",
    "json": "str",
    "date": "datetime64[s]",
    "instant": "datetime64[us, UTC]",
    "integer": "Int64",
    "boolean": "boolean",
    "number": "float64",
    "money": "float64",
}
# What the practice server never sends, as it has nothing to say there.
EXTRA = ["costCenter", "audit.source", "audit.revision"]
NAMES = list(CATALOGUE)
EMPLOYEES = [name for name in NAMES if CATALOGUE[name].owner == "employee"]


class Place(NamedTuple):
    organization: str
    employee: str
    worksite: str


@pytest.fixture(scope="module")
def company(shared_practice):
    return shared_practice.server.practice.company


@pytest.fixture
def machine(shared_practice, connection):
    return connection(**shared_practice.settings("machine"))


@pytest.fixture
def odd(practice_server, connection):
    """Connect to a practice server with the flags that a test wants."""

    def start(**options):
        return connection(**practice_server(**options).settings("machine"))

    return start


@pytest.fixture(scope="module")
def shared_odd(shared_practice):
    """Practice servers for all resources, one for each flag."""
    started = {}

    def start(flag):
        if flag not in started:
            started[flag] = type(shared_practice)(rows=60, **{flag: True})
        return started[flag].settings("machine")

    yield start
    for practice in started.values():
        practice.stop()


_PLACES = {}


def places(api):
    """Give somebody employed in each country for whom there is all there can be."""
    if api.settings.api_url not in _PLACES:
        _PLACES[api.settings.api_url] = found_places(api)
    return _PLACES[api.settings.api_url]


def found_places(api):
    found = {}
    organizations, worksites = api.frame("organizations"), api.frame("worksites")
    for row in organizations.itertuples():
        people = api.frame("employees", organization=row.id)
        people = people[people["startDate"] < pd.Timestamp("2025-01-01")]
        employed = people[people["jobDetails.id"].notna()]
        sites = worksites.loc[worksites["orgId"] == row.id, "id"]
        place = Place(row.id, employed["id"].iloc[0], sites.iloc[0])
        found.setdefault(row.registrationCountry, place)
    return found


def asked(name, where):
    """Give the arguments with which a resource can be asked at all."""
    resource = CATALOGUE[name]
    place = where[resource.country or "DE"]
    known = {
        "employee_id": place.employee,
        "tax_year": 2025,
        "wage_type_number": 1000,
        "worksite_id": place.worksite,
    }
    owner = {} if resource.owner == "account" else {"organization": place.organization}
    wanted = {p.name for p in resource.parameters if p.where == "path"}
    return owner | {key: known[key] for key in wanted}


def kind_of(dtype):
    return "str" if isinstance(dtype, pd.StringDtype) else str(dtype)


@pytest.mark.parametrize("name", NAMES)
def test_a_resource_has_the_documented_types(machine, name):
    frame = machine.frame(name, **asked(name, places(machine)))
    about = frame.attrs["intermezzo"]
    assert len(frame) > 0
    assert about["complete"]
    assert about["notes"] == []
    for column in CATALOGUE[name].columns:
        assert kind_of(frame[column.name].dtype) == DTYPES[column.kind], column.name
    documented = {c.name: set(c.values) for c in CATALOGUE[name].columns if c.values}
    for column, values in documented.items():
        assert {*frame[column].dropna().astype(str)} <= values, column


@pytest.mark.parametrize("name", NAMES)
def test_no_rows_keep_columns_and_types(machine, name):
    some = {**asked(name, places(machine)), "limit": 0}
    empty = machine.frame(name, **some)
    assert len(empty) == 0
    for column in CATALOGUE[name].columns:
        assert kind_of(empty[column.name].dtype) == DTYPES[column.kind]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_documented_is_kept_and_told_once(shared_odd, connection, name):
    api = connection(**shared_odd("extra_fields"))
    frame = api.frame(name, **asked(name, places(api)))
    assert set(EXTRA) <= {*frame.columns}
    assert set(frame["costCenter"]) == {"4711"}
    assert set(frame["audit.revision"]) == {3}
    notes = frame.attrs["intermezzo"]["notes"]
    assert notes == [f"not documented, kept: {', '.join(EXTRA)}"]
    assert frame.attrs["intermezzo"]["complete"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_documented_and_missing_is_typed_and_empty(
    shared_odd, connection, name
):
    api = connection(**shared_odd("missing_fields"))
    frame = api.frame(name, **asked(name, places(api)))
    assert len(frame) > 0
    gone = {"createdAt", "updatedAt", "externalRef", "mimeType", "createdBy"}
    for column in CATALOGUE[name].columns:
        assert kind_of(frame[column.name].dtype) == DTYPES[column.kind]
        assert column.name not in gone or frame[column.name].isna().all()
    assert frame.attrs["intermezzo"]["notes"] == []


@pytest.mark.parametrize("name", NAMES)
def test_older_documented_shapes_are_taken_without_a_word(shared_odd, connection, name):
    api = connection(**shared_odd("older"))
    frame = api.frame(name, **asked(name, places(api)))
    assert len(frame) > 0
    assert frame.attrs["intermezzo"]["notes"] == []
    for column in CATALOGUE[name].columns:
        assert kind_of(frame[column.name].dtype) == DTYPES[column.kind], column.name


def test_both_shapes_of_an_address_an_id_and_insurance_data(machine, odd):
    api = odd(older=True)
    older, newer = (c.frame("worksites")["address"].iloc[0] for c in (api, machine))
    assert json.loads(newer)["address"] == older
    insured = [c.frame("organization-insurance") for c in (api, machine)]
    assert insured[0]["companyNumber"].equals(insured[1]["companyNumber"])
    ids = [
        c.frame("job-details", **asked("job-details", places(c)))["id"].iloc[0]
        for c in (api, machine)
    ]
    assert ids[0].isdecimal()
    assert ids[1].startswith("jd_")
    collectors = [
        c.frame("sepa-mandates", organization=places(c)["DE"].organization)
        for c in (api, machine)
    ]
    assert collectors[0]["agencyId"].notna().all()
    assert collectors[1]["creditorId"].notna().all()


@pytest.mark.parametrize("name", NAMES)
def test_a_resource_of_one_country_is_asked_where_it_is(machine, name):
    country = CATALOGUE[name].country
    if CATALOGUE[name].owner == "organization" and country:
        frame = machine.frame(name, organization="all", tax_year=2025)
        wanted = places(machine)[country].organization
        assert set(frame.attrs["intermezzo"]["organizations"]) == {wanted}


@pytest.mark.parametrize("name", [name for name in NAMES if CATALOGUE[name].history])
def test_a_history_holds_what_is_of_today(machine, name):
    some = asked(name, places(machine))
    every = machine.frame(name, history=True, **some)
    today = machine.frame(name, **some)
    assert 0 < len(today) <= len(every)
    version = CATALOGUE[name].version
    assert set(today[version]) < {*every[version]} or len(every) == len(today)
    key = list(CATALOGUE[name].key)
    assert len(every[key].drop_duplicates()) == 1


@pytest.mark.parametrize("name", EMPLOYEES)
def test_rows_of_an_employee_name_the_employee(machine, name):
    some = asked(name, places(machine))
    frame = machine.frame(name, **some)
    assert set(frame["employeeId"]) == {some["employee_id"]}


def test_preferences_and_worksite_insurance_name_whose_they_are(machine):
    where = places(machine)["DE"]
    told = machine.frame("preferences", organization=where.organization)
    assert list(told["organizationId"]) == [where.organization]
    told = machine.frame("worksite-insurance", worksite_id=where.worksite)
    assert set(told["worksiteId"]) == {where.worksite}
    assert len(told) == 2


def test_what_is_nested_in_organizations_becomes_rows(machine):
    organizations = machine.frame("organizations")
    for name, member in (
        ("worksites", "workSites"),
        ("bank-accounts", "bankAccounts"),
        ("contacts", "contacts"),
    ):
        frame = machine.frame(name)
        nested = [json.loads(text) for text in organizations[member]]
        assert len(frame) == sum(map(len, nested))
        assert set(frame["orgId"]) == set(organizations["id"])
        assert list(frame["id"]) == [r["id"] for records in nested for r in records]
        assert frame["id"].is_unique


@pytest.mark.parametrize("name", [n for n in NAMES if CATALOGUE[n].nested])
def test_one_organization_is_picked_from_what_is_listed_for_all(
    machine, shared_practice, connection, name
):
    where = places(machine)["DE"].organization
    every = machine.frame(name, organization="all")
    mine = machine.frame(name, organization=where)
    assert set(mine["orgId"]) == {where}
    assert len(mine) == (every["orgId"] == where).sum() < len(every)
    settings = shared_practice.settings("machine", organization=where)
    assert connection(**settings).frame(name).equals(mine)


def test_documents_come_page_by_page_and_active_ones_alone(machine, company):
    where, number = next(
        (organization, n)
        for organization in range(3)
        for n in company.employees(organization)
        if len(documents(company, n)) > 120
    )
    filed = documents(company, number)
    ids = machine.frame("organizations")["id"]
    some = {"organization": ids[where], "employee_id": filed[0]["employeeId"]}
    frame = machine.frame("documents", **some)
    active = [d["id"] for d in filed if d["status"] == "active"]
    assert list(frame["id"]) == active
    archived = machine.frame("documents", status="archived", **some)
    assert len(archived) == sum(d["status"] == "archived" for d in filed)
    contracts = machine.frame("documents", document_type="contract", **some)
    assert list(contracts["documentName"]) == ["Contract"]
    with pytest.raises(SettingsError):
        machine.frame("documents", document_typ="contract", **some)


def test_the_export_adds_up_the_p32(machine):
    where = places(machine)["GB"].organization
    some = {"organization": where, "tax_year": 2025, "money": "decimal"}
    months, running = (machine.frame(n, **some) for n in ("p32", "p32-cumulative"))
    totals = list(accumulate(months["netPayable"]))
    assert list(running["cumulativeNetPayable"]) == totals
    assert running["netPayable"].equals(months["netPayable"])


def test_who_has_no_end_is_asked_for_by_nothing(machine):
    everybody = machine.frame("employees", organization="all")
    staying = machine.frame("employees", organization="all", endDate=None)
    assert 0 < len(staying) == everybody["endDate"].isna().sum() < len(everybody)


def test_who_has_no_membership_yet_is_told_so(practice_server, connection):
    practice = practice_server(rows=4000)
    company = practice.server.practice.company
    number = next(n for n in company.employees(1) if not membership(company, n))
    where = {
        "organization": type_id("org", company.seed, 1),
        "employee_id": type_id("emp", company.seed, number),
    }
    assert CATALOGUE["pension-membership"].may_be_absent
    api = connection(**practice.settings("machine"))
    frame = api.frame("pension-membership", **where)
    assert (len(frame), str(frame["version"].dtype)) == (0, "Int64")
    (note,) = frame.attrs["intermezzo"]["notes"]
    assert note.startswith("no pension-membership on ")
    with pytest.raises(NotFound):
        api.frame("pension-membership", **{**where, "employee_id": "emp_x"})


def test_pensions_fit_together(company):
    for number in company.employees(1):
        assessed = assessments(company, number)
        days = [a["assessmentDate"] for a in assessed]
        assert days == sorted(days, reverse=True)
        records = membership(company, number)
        assert [r["version"] for r in records] == [*range(1, len(records) + 1)]
        for record in records:
            is_in = record["status"] == "ACTIVE"
            assert (record["schemeId"] is not None) >= is_in
            assert record["optOutDate"] is None or record["status"] == "OPTED_OUT"
            assert record["createdAt"][:10] <= company.today.isoformat()


@pytest.mark.parametrize("paging", ["page", "cursor", "array"])
def test_employees_are_whole_in_each_documented_paging(odd, machine, paging):
    frame = odd(paging=paging).frame("employees", organization="all")
    assert len(frame) == 400
    assert frame.attrs["intermezzo"]["complete"]
    assert list(frame["id"]) == list(machine.frame("employees", organization="all").id)


def test_employees_are_whole_though_requests_are_refused_and_reset(odd, machine):
    api = odd(refuse=0.2, reset=0.1, retry_after=0, seed=1)
    frame = api.frame("employees", organization="all")
    assert list(frame["id"]) == list(machine.frame("employees", organization="all").id)


@pytest.mark.parametrize("drift", [1, 2, 3])
def test_nobody_is_missed_though_the_list_changes(odd, machine, drift):
    everybody = machine.frame("employees", organization="all")
    leaving = set(everybody.drop_duplicates("organizationId")["id"])
    with warnings.catch_warnings():
        # A list that has changed again while it was read anew is told.
        warnings.simplefilter("ignore", IncompleteWarning)
        frame = odd(drift=drift).frame("employees", organization="all")
    assert frame["id"].is_unique
    # Who had left before a list was begun is not in it.
    assert set(everybody["id"]) - set(frame["id"]) <= leaving


def test_shares_of_faults_are_what_was_asked_for():
    faults = Faults(0.05, 0.01, 1)
    said = [faults.next() for _ in range(20_000)]
    assert 0.04 < said.count("refuse") / len(said) < 0.06
    assert 0.005 < said.count("reset") / len(said) < 0.015
    assert (faults.refused, faults.resets) == (
        said.count("refuse"),
        said.count("reset"),
    )
    assert {Faults(0, 0, 1).next() for _ in range(100)} == {""}


def test_a_list_drifts_as_often_as_was_asked_for():
    drift, people = Drift(2), range(5)
    sizes = [len(drift.there(people, 0, is_first=n == 0)) for n in range(5)]
    assert sizes == [5, 4, 5, 5, 5]
    assert len(drift.there(people, 1, is_first=True)) == 5


def test_ragged_histories_have_gaps_and_overlaps(odd):
    api, found = odd(ragged=True, rows=60), set()
    people = api.frame("employees", organization="all")
    for one in people.itertuples():
        jobs = api.frame(
            "job-details",
            history=True,
            organization=one.organizationId,
            employee_id=one.id,
        )
        begins = jobs["validFrom"].iloc[1:].reset_index(drop=True)
        ends = jobs["validTo"].iloc[:-1].reset_index(drop=True)
        found |= {*(begins - ends).dt.days}
    assert found == {-9, 1, 11}
