"""Refusals that tell of rows that were created all the same: none is sent again."""

from __future__ import annotations

import pandas as pd
import pytest
from tables import contacts
from takers import says, states


@pytest.fixture
def send(api):
    return lambda rows: api.send(
        "contacts", rows, organization="org_1", on_error="report"
    )


PARTLY = {"total": 3, "succeeded": 1, "failed": 0, "unprocessed": 2, "errors": []}


@pytest.mark.parametrize("status", [400, 403, 413, 422, 429, 503])
def test_a_refusal_that_tells_of_rows_that_were_created_is_not_sent_again(
    send, taker, status
):
    rows = contacts(3)
    first = {"id": "c1", **rows.iloc[0].dropna().to_dict()}
    taker.acts.append(says({**PARTLY, "data": [first]}, status, Retry_After="1"))
    report = send(rows)
    assert states(report) == {"created": 1, "unsent": 2}
    assert [*report.unsent.index] == [*rows.index[1:]]
    assert report.retry(report.unsent).complete
    assert [len(seen) for seen in taker.seen] == [3, 2]


@pytest.mark.parametrize("data", [{}, {"data": None}])
def test_a_refusal_that_counts_created_rows_does_not_leave_them_unsent(
    send, taker, data
):
    bad = {"inputIndex": 2, "errors": [{"code": "BAD", "field": "email"}]}
    told = {"succeeded": 2, "failed": 1, "errors": [bad], **data}
    taker.acts.append(says(told, 422))
    report = send(contacts(3))
    assert states(report)["rejected"] == 1
    assert "unsent" not in states(report)


@pytest.mark.parametrize("status", [400, 403, 409, 413, 422, 429])
@pytest.mark.parametrize("wrap", ["error", "result"])
def test_a_result_within_a_refusal_is_read_as_one(send, taker, status, wrap):
    rows = contacts(3)
    first = {"id": "c1", **rows.iloc[0].dropna().to_dict()}
    said = {wrap: {**PARTLY, "data": [first]}}
    taker.acts.append(says(said, status, Retry_After="1"))
    assert states(send(rows)) == {"created": 1, "unsent": 2}
    assert len(taker.seen) == 1


def test_who_has_a_payslip_in_a_refusal_is_not_paid_again(api, taker):
    frame = pd.DataFrame({"employeeId": ["e1", "e2"], "earningType": "Salary"})
    errors = [{"employeeId": "e2", "error": "rate limited"}]
    told = {"payslips": [{"employeeId": "e1"}], "errors": errors}
    taker.acts.append(says(told, 429, Retry_After="1"))
    options = {"pay_date": "2026-04-30", "on_error": "report"}
    report = api.run_payroll("GB", frame.assign(amount=9), **options)
    assert states(report) == {"created": 1, "rejected": 1}
    assert len(taker.seen) == 1


def test_a_field_that_is_half_a_letter_is_told(send, taker):
    taker.acts.append(says({"message": "no", "details": {"field": "\ud83d"}}, 422))
    assert len(send(contacts(1)).errors.to_csv().encode()) > 0


def test_a_token_that_comes_back_among_errors_is_not_shown(api, send, taker):
    token = api.auth._token().access_token.reveal()
    bad = {"inputIndex": 0, "errors": [{"code": "BAD", "message": f"it was {token}"}]}
    taker.acts.append(says({"succeeded": 0, "failed": 1, "data": [], "errors": [bad]}))
    report = send(contacts(1))
    assert states(report) == {"rejected": 1}
    shown = repr(report) + report._repr_html_() + report.errors.to_csv()
    assert "it was …" in shown
    assert token not in shown + report.rejected.to_csv()


def test_a_refusal_that_only_has_data_is_one(send, taker):
    said = {"status": "fail", "data": {"message": "slow down"}}
    taker.acts.append(says(said, 429, Retry_After="1"))
    assert send(contacts(2)).complete
    taker.acts.append(says(said, 403))
    assert states(send(contacts(2))) == {"unsent": 2}
    bad = {"inputIndex": 0, "errors": [{"code": "BAD"}]}
    taker.acts.append(says({"succeeded": "0", "failed": 1, "errors": [bad]}, 422))
    assert states(send(contacts(2))) == {"rejected": 1, "unsent": 1}
