"""The practice server's bulk creation and payroll runs: what they take and refuse."""

from __future__ import annotations

from decimal import Decimal

import pytest

from intermezzo_nb.errors import ApiError, NotAllowed, NotFound, ValidationFailed


@pytest.fixture
def api(shared_practice, connection):
    return connection(**shared_practice.settings("machine"))


@pytest.fixture
def owner(api):
    return api.get("/organizations")[0]["id"]


def post(api, path, body):
    return api.request("POST", path, json=body).json()


def test_rows_are_created_or_refused_by_their_index(api, owner):
    rows = [{"name": "Ada"}, {"name": ""}, 7, {"name": "Ben"}]
    told = post(api, f"/organizations/{owner}/contacts/list", rows)
    counts = [told[n] for n in ("total", "succeeded", "failed", "unprocessed")]
    assert counts == [4, 2, 2, 0]
    assert [record["name"] for record in told["data"]] == ["Ada", "Ben"]
    assert [error["inputIndex"] for error in told["errors"]] == [1, 2]
    error = told["errors"][0]["errors"][0]
    assert error.keys() == {"code", "message", "field", "params"}


@pytest.mark.parametrize("body", [{}, [], "x", [{}] * 501])
def test_a_body_that_is_no_array_of_rows_is_refused(api, owner, body):
    with pytest.raises(ValidationFailed):
        post(api, f"/organizations/{owner}/contacts/list", body)


def test_a_body_that_is_no_json_is_refused(api, owner):
    with pytest.raises(ValidationFailed, match="no JSON"):
        api.request("POST", f"/organizations/{owner}/contacts/list", data=b"{")


def test_rows_of_nobody_are_refused(api):
    with pytest.raises(NotFound):
        post(api, "/organizations/org_x/contacts/list", [{"name": "Ada"}])


def test_what_takes_no_rows_says_so(api):
    with pytest.raises(ApiError) as caught:
        post(api, "/gb/wage-types", {})
    assert caught.value.status == 405


def test_who_may_read_may_not_write(shared_practice, connection, owner):
    settings = shared_practice.settings("machine", scope="read:organizations")
    with pytest.raises(NotAllowed):
        post(connection(**settings), f"/organizations/{owner}/contacts/list", [])


def german(**pay):
    member = {
        "employeeDetails": {"employeeId": 1, "yearOfBirth": 1980},
        "taxAttributes": {"taxClass": "1", "isChurchMember": True},
        "payDetails": {"earnings": [{"amount": 3000}], **pay},
    }
    return {"payDate": "2026-04-30", "payCycle": "Month", "payrollGroup": [member]}


def test_a_payslip_adds_up(api):
    told = post(
        api,
        "/germany/payroll",
        german(
            deductions=[{"name": "Loan", "amount": "20.05"}],
            reimbursements=[{"name": "Travel", "amount": 7}],
        ),
    )
    (slip,) = told["payslips"]
    employee = slip["currentPayPeriod"]["employee"]
    totals = {name: Decimal(text) for name, text in employee["totals"].items()}
    taxes, insured = employee["taxes"], employee["insurance"]
    taken = Decimal(taxes["totalTax"]) + Decimal(insured["totalInsurance"])
    assert totals["netWages"] == totals["totalGrossWages"] - taken
    paid = totals["netWages"] - Decimal("20.05") + 7
    assert totals["netPay"] == paid
    assert told["errors"] == []


@pytest.mark.parametrize(
    "pay",
    [
        *({"earnings": []}, {"earnings": [{"amount": 0}]}, {"earnings": [{}]}),
        {"earnings": [{"amount": 1, "earningFrequency": "yearly"}]},
    ],
)
def test_who_cannot_be_paid_is_an_error_beside_the_payslips(api, pay):
    told = post(api, "/germany/payroll", german(**pay))
    assert (told["payslips"], told["errors"][0]["employeeId"]) == ([], 1)


@pytest.mark.parametrize(
    "change", [{"payDate": "soon"}, {"payCycle": "week"}, {"payrollGroup": []}]
)
def test_a_run_that_cannot_be_is_refused_as_a_whole(api, change):
    with pytest.raises(ValidationFailed) as caught:
        post(api, "/germany/payroll", german() | change)
    assert caught.value.details["field"] == next(iter(change))
