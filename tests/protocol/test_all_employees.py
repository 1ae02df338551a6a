"""Records of all employees from a real server, against a slow and obvious way."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from decimal import Decimal

import pandas as pd
import pytest

from intermezzo_nb import as_of
from intermezzo_nb.demo.pay import compensation, pay_on
from intermezzo_nb.errors import IncompleteWarning, NotFound

ORGANIZATIONS = 3
KINDS = ("earning", "benefit", "deduction", "reimbursement")


@pytest.fixture
def machine(shared_practice, connection):
    return connection(**shared_practice.settings("machine"))


@pytest.fixture
def start(practice_server, connection):
    """Start a practice server, and connect to it."""

    def begin(**options):
        practice = practice_server(**options)
        return practice, connection(**practice.settings("machine"))

    return begin


def everybody(company):
    """Give each organization and employee by number, in the order of the lists."""
    return [(o, n) for o in range(ORGANIZATIONS) for n in company.employees(o)]


def obvious(api, day, *, inclusive=True):
    """Ask for one employee after the other, and count the lines of pay of a day."""
    found = Counter()
    for organization in api.get("/organizations"):
        base = f"/organizations/{organization['id']}/employees"
        page, ids = {"meta": {"has_next": True, "page": 0}}, []
        while page["meta"]["has_next"]:
            page = api.get(base, page=page["meta"]["page"] + 1, size=100)
            ids += [employee["id"] for employee in page["items"]]
        for one in ids:
            valid = [
                (record["validFrom"], record["validTo"] or "9999-12-31", record)
                for record in api.get(f"{base}/{one}/compensation-details/history")
            ]
            valid = [
                v
                for v in valid
                if v[0] <= day and (day <= v[1] if inclusive else day < v[1])
            ]
            if valid:
                record = max(valid, key=lambda v: v[:2])[2]
                for kind in KINDS:
                    for line in record[f"{kind}s"]:
                        amount = Decimal(line["amount"])
                        found[one, record["id"], kind, amount] += 1
    return found


def lines(frame):
    rows = zip(
        frame["employeeId"],
        frame["recordId"],
        frame["kind"],
        frame["amount"],
        strict=True,
    )
    return Counter(rows)


@pytest.mark.parametrize("valid_to", ["inclusive", "exclusive"])
def test_pay_of_a_day_is_that_of_an_obvious_loop(practice_server, connection, valid_to):
    practice = practice_server(rows=90, ragged=True)
    api = connection(**practice.settings("machine", valid_to=valid_to))
    history = api.frame(
        "compensation", organization="all", history=True, money="decimal"
    )
    for day in ("2025-12-31", "2026-01-01", "2026-01-05"):
        frame = api.frame(
            "compensation", organization="all", as_of=day, money="decimal"
        )
        wanted = obvious(api, day, inclusive=valid_to == "inclusive")
        assert lines(frame) == wanted
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the ragged histories are told below
            assert lines(as_of(history, day)) == wanted
        total = sum(key[-1] * count for key, count in wanted.items())
        about = frame.attrs["intermezzo"]
        assert Decimal(about["control_totals"]["amount"]) == total
        assert (about["as_of"], about["valid_to"]) == (day, valid_to)
        assert any("versions that overlap" in note for note in about["notes"])
        assert any("days between two versions" in note for note in about["notes"])


def test_what_is_of_today_is_the_same_by_either_way(machine):
    for name in ("compensation", "job-details", "insurance-details"):
        by_default = machine.frame(name, organization="all")
        today = pd.Timestamp(by_default.attrs["intermezzo"]["as_of"])
        by_date = machine.frame(name, organization="all", as_of=today)
        assert by_date.equals(by_default)
        told = [frame.attrs["intermezzo"]["without"] for frame in (by_default, by_date)]
        assert told[0] == told[1] != []


def test_versions_without_a_first_day_are_of_a_day_by_either_way(machine):
    name = "pension-membership"
    history = machine.frame(name, organization="all", history=True)
    days = history["createdAt"].dt.date.sort_values()
    for day in {days.iloc[0], days.iloc[len(days) // 2], days.iloc[-1]}:
        by_date = machine.frame(name, organization="all", as_of=day)
        of_day = as_of(history, day).reset_index(drop=True)
        assert by_date.equals(of_day)
        assert len(of_day) > 0


def test_headcount_and_salary_by_month(machine, shared_practice):
    company = shared_practice.server.practice.company
    months = pd.date_range("2025-01-31", periods=18, freq="ME")
    pay = machine.frame(
        "compensation", organization="all", history=True, money="decimal"
    )
    salaries = pay[(pay["kind"] == "earning") & ~pay["isLumpsum"].fillna(value=False)]
    by_month = as_of(salaries, months).groupby("asOf")
    paid = {
        day.date(): [pay_on(company, n, day.date()) for _, n in everybody(company)]
        for day in months
    }
    assert by_month["amount"].sum().tolist() == [sum(p) for p in paid.values()]
    headcount = by_month["employeeId"].nunique().tolist()
    assert headcount == [sum(one > 0 for one in p) for p in paid.values()]


def test_some_employees_are_asked_by_a_column_of_ids(machine):
    people = machine.frame("employees", organization="all")
    whose = people[people["endDate"].isna()].sample(25, random_state=4)
    frame = machine.frame("tax-details", organization="all", employee_id=whose.id)
    assert list(frame["employeeId"]) == list(whose["id"])
    assert list(frame["organizationId"]) == list(whose["organizationId"])
    one = whose.iloc[0]
    where = {"organization": one.organizationId}
    alone = machine.frame("tax-details", employee_id=one.id, **where)
    looked_up = machine.frame("tax-details", employee_id=one.id, organization="all")
    assert alone["taxId"][0] == looked_up["taxId"][0] == frame["taxId"][0]
    indexed = machine.frame("tax-details", employee_id=pd.Index([one.id]), **where)
    assert indexed.equals(alone)
    with pytest.raises(NotFound, match="no employee emp_x is listed"):
        machine.frame("tax-details", employee_id="emp_x", organization="all")


def test_who_has_left_has_no_pay_today_and_that_is_no_failure(machine, shared_practice):
    today = shared_practice.server.practice.company.today
    people = machine.frame("employees", organization="all")
    gone = people[people["endDate"] < pd.Timestamp(today)]
    one = gone.iloc[0]
    ids = gone.loc[gone["organizationId"] == one.organizationId, "id"]
    for whose in (ids, [one.id, one.id], one.id):
        frame = machine.frame(
            "compensation", organization=one.organizationId, employee_id=whose
        )
        about = frame.attrs["intermezzo"]
        assert (len(frame), about["failures"], about["complete"]) == (0, [], True)
        count = len(ids) if whose is ids else 1
        assert about["without"] == (list(ids) if whose is ids else [one.id])
        assert any(f" of {count} employee" in note for note in about["notes"])
    everywhere = machine.frame("compensation", organization="all", employee_id=ids)
    assert everywhere.attrs["intermezzo"]["without"] == list(ids)


@pytest.mark.parametrize("strict", [False, True])
def test_why_a_record_of_another_country_is_not_there_is_told(machine, strict):
    staff = machine.frame("employees", organization="all")
    german = staff[staff["employmentCountry"] == "DE"].iloc[0]
    for whose in (german.id, [german.id]):
        frame = machine.frame(
            "pension-membership",
            organization=german.organizationId,
            employee_id=whose,
            strict=strict,
        )
        (note,) = frame.attrs["intermezzo"]["notes"]
        assert note.endswith(
            "of 1 employee of 1 (the API said: There is nothing of that kind but in "
            "GB.)"
        )


def test_a_frame_without_some_who_failed_comes_with_a_warning(machine):
    staff = machine.frame("employees", organization="all")
    where = {"organization": staff["organizationId"][0]}
    whose = [staff["id"][0], "emp_x"]
    told = "1 of 2 employees failed: emp_x: .*strict=True raises"
    for form in ("pandas", "records"):
        with pytest.warns(IncompleteWarning, match=told) as caught:
            machine.frame("documents", employee_id=whose, as_=form, **where)
        assert [one.filename for one in caught] == [__file__]
    for give in (machine.records, machine.frames):
        with pytest.warns(IncompleteWarning, match=told) as caught:
            list(give("documents", employee_id=whose, **where))
        assert [one.filename for one in caught] == [__file__]
    with pytest.raises(NotFound):
        machine.frame("documents", employee_id=whose, strict=True, **where)


def test_who_is_employed_on_a_day_is_found_among_the_employees(machine):
    staff = machine.frame("employees", organization="all")
    day = pd.Timestamp("2026-03-31")
    is_there = (staff["startDate"] <= day) & ~(staff["endDate"] < day)
    found = as_of(staff, day, start="startDate", end="endDate")
    assert found["id"].tolist() == staff.loc[is_there, "id"].tolist()


def test_notes_of_a_whole_frame_are_told_beside_the_output(machine, capsys):
    for without in ({}, {"progress": None}):
        frame = machine.frame("compensation", organization="all", **without)
        told = capsys.readouterr()
        assert told.out == ""
        note = frame.attrs["intermezzo"]["notes"][0]
        assert told.err.startswith("Intermezzo: compensation · ")
        assert note in told.err
    machine.frame("compensation", organization="all", progress=lambda _: None)
    machine.frame("organizations")
    assert capsys.readouterr().err == ""


def test_pages_of_one_employee_come_whole(machine):
    frame = machine.frame("documents", organization="all")
    counts = frame.groupby("employeeId")["id"].nunique()
    most = counts.idxmax()
    assert counts[most] > 100
    where = frame.loc[frame["employeeId"] == most, "organizationId"].iloc[0]
    alone = machine.frame("documents", employee_id=most, organization=where)
    assert set(alone["id"]) == set(frame.loc[frame["employeeId"] == most, "id"])
    assert frame.attrs["intermezzo"]["total"] == len(frame)


def test_batches_are_as_large_as_pages_and_equal_the_frame(machine):
    parts = list(machine.frames("job-details", organization="all", history=True))
    whole = machine.frame("job-details", organization="all", history=True)
    assert len(parts) <= len(whole) / 100 + 1
    put_together = pd.concat(parts)
    assert put_together["id"].tolist() == whole["id"].tolist()
    assert put_together.index.equals(whole.index)
    assert [part.attrs["intermezzo"]["complete"] for part in parts[-2:]] == [
        False,
        True,
    ]


def test_it_is_whole_and_exact_whatever_the_server_does(start):
    practice, api = start(
        rows=400, refuse=0.05, reset=0.01, token_lifetime=5, retry_after=0
    )
    frame = api.frame("compensation", organization="all", history=True, money="decimal")
    about, server = frame.attrs["intermezzo"], practice.server.practice
    company = server.company
    amounts = [
        Decimal(line["amount"])
        for organization, number in everybody(company)
        for record in compensation(company, organization, number)
        for kind in KINDS
        for line in record[f"{kind}s"]
    ]
    assert frame["amount"].tolist() == amounts
    assert Decimal(about["control_totals"]["amount"]) == sum(amounts)
    assert (about["complete"], about["failures"], about["without"]) == (True, [], [])
    pages = sum(-(-len(company.employees(o)) // 100) for o in range(ORGANIZATIONS))
    # The organizations, and what tells in what pages employees are listed.
    assert about["requests"] == 1 + 1 + pages + 400
    assert about["repeated"] == server.faults.refused + server.faults.resets > 0
    lives = about["seconds"] / 3.75  # renewed in the last quarter of each
    assert practice.ledger.token_requests <= lives + 2


def test_a_reading_that_is_left_asks_no_more(machine, shared_practice):
    rows = machine.records("job-details", organization="all")
    next(rows)
    rows.close()
    assert len(machine.frame("organizations")) == ORGANIZATIONS


def test_four_thousand_employees_are_whole_whatever_the_server_does(start):
    practice, api = start(rows=4000, refuse=0.05, reset=0.01, token_lifetime=5)
    frame = api.frame("employees", organization="all")
    about, server = frame.attrs["intermezzo"], practice.server.practice
    company = server.company
    told = [json.loads(company.employee_json(o, n)) for o, n in everybody(company)]
    assert frame["id"].tolist() == [one["id"] for one in told]
    starts = frame["startDate"].dt.strftime("%Y-%m-%d").tolist()
    assert starts == [one["employeeData"]["startDate"] for one in told]
    assert (about["complete"], about["rows"], about["notes"]) == (True, 4000, [])
    pages = sum(-(-len(company.employees(o)) // 100) for o in range(ORGANIZATIONS))
    # The organizations, and what tells in what pages employees are listed.
    assert about["requests"] == 1 + 1 + pages
    assert about["repeated"] == server.faults.refused + server.faults.resets > 0
