"""Nobody is paid twice for a day, and what came of a run is kept."""

from __future__ import annotations

import copy
import threading
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
from takers import hang_up, says, states

from intermezzo_nb.errors import BadTable, SendFailed, StoreError

OWNER = "org_1"


def test_a_payroll_run_that_is_there_after_all_is_settled(api, taker, tmp_path):
    frame = pd.DataFrame(
        {"employeeId": ["e1", "e1", "e2"], "earningType": "Salary", "amount": [9, 8, 7]}
    )
    options = {"pay_date": "2026-04-30", "journal": tmp_path / "run.jsonl"}
    taker.acts.append(hang_up)
    report = api.run_payroll("GB", frame, on_error="report", **options)
    assert report.confirm(report.uncertain).complete
    assert api.run_payroll("GB", frame, **options).complete
    with pytest.raises(StoreError, match="payslips of 1 employee of this one"):
        api.run_payroll("GB", frame.iloc[2:], **options)
    assert len(taker.seen) == 1


def test_a_copy_of_a_connection_knows_whom_that_one_has_paid(api, taker):
    frame = pd.DataFrame({"employeeId": ["e1"], "earningType": "Salary", "amount": 9})
    options = {"pay_date": "2026-04-30", "on_error": "report"}
    taker.acts.append(says({"payslips": [{"employeeId": "e1"}]}))
    assert api.run_payroll("GB", frame, **options).complete
    with pytest.raises(BadTable, match="was paid for that day"):
        copy.copy(api).run_payroll("GB", frame, **options)
    assert len(taker.seen) == 1


def test_a_connection_pays_nobody_twice_for_a_day(
    api, connection, shared_practice, taker, tmp_path
):
    earning = {"earningType": "Salary", "amount": 9}
    frame = pd.DataFrame({"employeeId": ["e1", "e1", "e2", "e3"]}).assign(**earning)
    slips = [{"employeeId": "e1"}, {"employeeId": "e2"}]
    errors = [{"employeeId": "e3", "message": "no bank account"}]
    taker.acts += [says({"payslips": slips, "errors": errors}), hang_up, hang_up]

    def run(rows, day="2026-04-30", **options):
        options = {"on_error": "report", "pay_date": day, **options}
        return states(api.run_payroll("GB", rows, **options))

    assert run(frame) == {"created": 2, "rejected": 1}
    for same in (frame, frame.assign(amount=10), frame.iloc[2:]):
        with pytest.raises(BadTable, match="row 2 was paid for that day by this") as no:
            run(same)
    assert "a journal of its own" in no.value.advice
    assert len(taker.seen) == 1
    assert run(frame.iloc[3:]) == {"uncertain": 1}
    with pytest.raises(BadTable, match="row 3 may have been paid for that day"):
        run(frame.iloc[3:])
    beside = {"journal": tmp_path / "beside.jsonl", "on_error": "report"}
    with pytest.raises(BadTable, match="row 3 may have been paid for that day"):
        run(frame.iloc[3:], **beside)
    settings = shared_practice.settings("machine", api_url=taker.url)
    other = connection(**settings)
    last = other.run_payroll("GB", frame.iloc[3:], pay_date="2026-04-30", **beside)
    assert states(last) == {"uncertain": 1}
    taker.acts.append(says({"payslips": [*slips, {"employeeId": "e3"}]}))
    assert run(frame, "2026-05-31") == {"created": 3}
    assert len(taker.seen) == 4


def test_a_journal_of_a_mistyped_name_pays_nobody_twice(api, taker, tmp_path):
    frame = pd.DataFrame({"employeeId": ["e1"], "earningType": "Salary", "amount": 9})
    taker.acts.append(says({"payslips": [{"employeeId": "e1"}]}))

    def run(name):
        journal = tmp_path / name
        return api.run_payroll("GB", frame, pay_date="2026-05-31", journal=journal)

    assert run("may.jsonl").complete
    with pytest.raises(BadTable, match="row 0 was paid for that day by this") as no:
        run("mai.jsonl")
    assert "a connection of its own, connect(), and with a journal" in no.value.advice
    assert run("may.jsonl").complete
    assert run("../" + tmp_path.name + "/may.jsonl").complete
    assert len(taker.seen) == 1


def test_payslips_are_to_be_kept_also_where_somebody_is_not_paid(api, taker):
    frame = pd.DataFrame({"employeeId": ["e1", "e2"], "earningType": "Salary"})
    errors = [{"employeeId": "e2", "message": "no bank account"}]
    slips = [{"employeeId": "e1"}]
    taker.acts.append(says({"payslips": slips, "errors": errors}))
    with pytest.raises(SendFailed) as caught:
        api.run_payroll("GB", frame.assign(amount=9), pay_date="2026-05-31")
    assert caught.value.advice.startswith("Write .report.payslips to a file now: ")
    assert "Next: Write .payslips to a file now" in repr(caught.value.report)
    taker.acts.append(says({"payslips": [], "errors": errors}))
    unpaid = frame.iloc[1:].assign(amount=9)
    with pytest.raises(SendFailed) as caught:
        api.run_payroll("GB", unpaid, pay_date="2026-05-31")
    assert "payslips to a file" not in caught.value.advice


def test_who_was_not_paid_after_all_is_paid_by_a_retry(api, taker):
    frame = pd.DataFrame({"employeeId": ["e1"], "earningType": "Salary", "amount": 9})
    taker.acts += [hang_up, says({"payslips": [{"employeeId": "e1"}]})]
    options = {"pay_date": "2026-04-30", "on_error": "report"}
    report = api.run_payroll("GB", frame, **options)
    assert report.retry(report.uncertain).complete
    with pytest.raises(BadTable, match="row 0 was paid for that day"):
        api.run_payroll("GB", frame, **options)
    assert len(taker.seen) == 2


def test_a_number_in_another_country_is_somebody_else(api, taker):
    taker.acts += [says({"payslips": [{"employeeId": "1"}]})] * 2
    pay = {"earningType": "Salary", "amount": 9}
    for country, number in (("GB", "1"), ("DE", 1)):
        frame = pd.DataFrame({"employeeId": [number]}).assign(**pay)
        api.run_payroll(country, frame, pay_date="2026-04-30", on_error="report")
    assert len(taker.seen) == 2


@pytest.mark.parametrize("changed", [{"organization": OWNER}, {"timeout": 60}])
def test_who_takes_a_session_over_pays_nobody_again(
    api, connection, shared_practice, taker, changed
):
    frame = pd.DataFrame({"employeeId": ["e1"], "earningType": "Salary", "amount": 9})
    taker.acts.append(says({"payslips": [{"employeeId": "e1"}]}))
    assert api.run_payroll("GB", frame, pay_date="2026-04-30").complete
    later = connection(
        **shared_practice.settings("machine", api_url=taker.url, **changed)
    )
    assert later.take_over(api)
    with pytest.raises(BadTable, match="was paid for that day by this connection"):
        later.run_payroll("GB", frame, pay_date="2026-04-30")
    assert len(taker.seen) == 1


def test_two_threads_pay_nobody_twice(api, taker, monkeypatch):
    frame = pd.DataFrame({"employeeId": ["e1"], "earningType": "Salary", "amount": 9})
    taker.acts += [says({"payslips": [{"employeeId": "e1"}]})] * 2
    options = {"pay_date": "2026-04-30", "on_error": "report"}
    is_first_waiting, may_go_on = threading.Event(), threading.Event()
    get_ready = api._client.get_ready

    def sign_in():
        is_first_waiting.set()
        assert may_go_on.wait(30)
        get_ready()

    monkeypatch.setattr(api._client, "get_ready", sign_in)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(api.run_payroll, "GB", frame, **options)
        assert is_first_waiting.wait(30)
        with pytest.raises(BadTable, match="row 0 is being paid for that day by this"):
            api.run_payroll("GB", frame, **options)
        may_go_on.set()
        assert first.result().complete
    with pytest.raises(BadTable, match="row 0 was paid for that day by this"):
        api.run_payroll("GB", frame, **options)
    assert len(taker.seen) == 1


def test_a_run_that_could_not_begin_hinders_none(api, taker, tmp_path):
    frame = pd.DataFrame({"employeeId": ["e1"], "earningType": "Salary", "amount": 9})
    taker.acts.append(says({"payslips": [{"employeeId": "e1"}]}))
    options = {"pay_date": "2026-04-30"}
    with pytest.raises(StoreError, match="cannot be used"):
        api.run_payroll("GB", frame, journal=tmp_path / "no" / "run.jsonl", **options)
    journal = tmp_path / "run.jsonl"
    assert api.run_payroll("GB", frame, journal=journal, **options).complete


def test_a_journal_that_is_gone_pays_nobody_twice(api, taker, tmp_path):
    frame = pd.DataFrame({"employeeId": ["e1"], "earningType": "Salary", "amount": 9})
    taker.acts.append(says({"payslips": [{"employeeId": "e1"}]}))
    journal = tmp_path / "run.jsonl"
    options = {"pay_date": "2026-04-30", "journal": journal}
    report = api.run_payroll("GB", frame, **options)
    journal.unlink()
    with pytest.raises(BadTable, match="row 0 was paid for that day by this"):
        api.run_payroll("GB", frame, **options)
    assert len(taker.seen) == 1
    assert api.last_report is report  # whose payslips nobody else has
