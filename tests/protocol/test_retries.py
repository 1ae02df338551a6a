"""Nothing is created twice by a retry that knows less than others do."""

from __future__ import annotations

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
from filelock import FileLock
from tables import contacts
from takers import hang_up, says, states

from intermezzo_nb.errors import BadTable, StoreError

OWNER = "org_1"


@pytest.fixture
def send(api):
    """Send a frame of contacts, and give the report."""

    def run(frame, **options):
        options = {"on_error": "report", "organization": OWNER, **options}
        return api.send("contacts", frame, **options)

    return run


@pytest.fixture
def run(api, taker, tmp_path):
    """Pay one employee, and give the report."""

    def pay(amount=9, *, has_journal=False, by=api):
        frame = pd.DataFrame({"employeeId": ["e1"], "earningType": "Salary"})
        options = {"pay_date": "2026-04-30", "on_error": "report"}
        options["journal"] = tmp_path / "run.jsonl" if has_journal else None
        return by.run_payroll("GB", frame.assign(amount=amount), **options)

    return pay


def test_a_retry_pays_nobody_whom_another_run_has_paid(run, taker):
    taker.acts += [says({}, 403), says({"payslips": [{"employeeId": "e1"}]})]
    report = run()
    assert states(report) == {"unsent": 1}
    assert run().complete
    with pytest.raises(BadTable, match="row 0 was paid for that day by this"):
        report.retry(report.unsent)
    assert len(taker.seen) == 2


def test_a_retry_goes_beside_no_run_of_its_journal_that_was_not_answered(
    run, connection, shared_practice, taker
):
    taker.acts += [says({}, 422), hang_up]
    report = run(has_journal=True)
    assert states(report) == {"rejected": 1}
    other = connection(**shared_practice.settings("machine", api_url=taker.url))
    assert states(run(10, has_journal=True, by=other)) == {"uncertain": 1}
    with pytest.raises(StoreError, match="not answered, of 1 employee"):
        report.retry(report.rejected)
    assert len(taker.seen) == 2


@pytest.mark.parametrize("has_journal", [True, False])
def test_a_retry_that_was_not_answered_is_not_begun_again(run, taker, has_journal):
    taker.acts += [says({}, 422), hang_up, says({"payslips": [{"employeeId": "e1"}]})]
    report = run(has_journal=has_journal)
    fixed = report.rejected.assign(amount=8)
    again = report.retry(fixed)
    assert states(again) == {"uncertain": 1}
    with pytest.raises(BadTable, match="row 0 was sent by another retry, and not"):
        report.retry(fixed)
    assert again.retry(again.uncertain).complete
    with pytest.raises(BadTable, match="was created already"):
        report.retry(fixed)
    assert len(taker.seen) == 3


def test_two_retries_at_once_pay_nobody_twice(run, taker):
    taker.acts += [says({}, 422)]
    report = run()
    is_sent, may_answer = threading.Event(), threading.Event()

    def slowly(handler):
        is_sent.set()
        assert may_answer.wait(30)
        handler.answer({"payslips": [{"employeeId": "e1"}]})

    taker.acts.append(slowly)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(report.retry, report.rejected)
        assert is_sent.wait(30)
        try:
            with pytest.raises(BadTable, match="row 0 is being sent by another retry"):
                report.retry(report.rejected)
        finally:
            may_answer.set()
        assert first.result().complete
    assert len(taker.seen) == 2


@pytest.mark.parametrize("change", [{}, {"email": "new@firm.example"}], ids=str)
def test_what_another_run_left_open_is_looked_up_before_a_retry(
    send, taker, tmp_path, change
):
    options = {"journal": tmp_path / "run.jsonl"}
    taker.acts += [says({}, 403), hang_up]
    report = send(contacts(1), **options)
    assert states(report) == {"unsent": 1}
    assert states(send(contacts(1).assign(**change), **options)) == {"uncertain": 1}
    if change:
        with pytest.raises(BadTable, match="sent by an earlier run and not answered"):
            report.retry(report.unsent)
    else:
        again = report.retry(report.unsent)
        assert (states(again), again.requests) == ({"uncertain": 1}, 0)
        assert again.retry(again.uncertain).complete
    assert len(taker.seen) == 2 + (not change)


def test_a_retry_that_was_not_answered_is_not_sent_again(send, taker):
    taker.acts += [says({}, 422), hang_up, says({}, 422)]
    report = send(contacts(2))
    again = report.retry(report.rejected.iloc[:1])
    assert states(again) == {"uncertain": 1}
    with pytest.raises(BadTable, match="row c-0 was sent by another retry, and not"):
        report.retry(report.rejected)
    assert states(again.retry(again.uncertain)) == {"rejected": 1}
    assert report.retry(report.rejected).complete
    assert len(taker.seen) == 4


def test_what_was_confirmed_after_a_retry_did_not_send_it_is_not_left_out(send, taker):
    taker.acts += [hang_up, says({}, 403)]
    report = send(contacts(2))
    one, other = report.uncertain.iloc[:1], report.uncertain.iloc[1:]
    assert states(report.retry(one)) == {"unsent": 1}
    rest = report.retry(other)
    assert (rest.complete, rest.notes[-1][-9:]) == (False, "uncertain")
    report.confirm(one)
    assert (rest.complete, rest.notes) == (True, [])


def test_what_a_retry_could_not_begin_is_left_out_as_what_it_was(send, taker, tmp_path):
    path = tmp_path / "run.jsonl"
    taker.acts += [says({}, 422)]
    report = send(contacts(2), journal=path)
    with FileLock(f"{path}.lock"), pytest.raises(StoreError, match="cannot be used"):
        report.retry(report.rejected.iloc[:1])
    rest = report.retry(report.rejected.iloc[1:])
    assert rest.notes == ["of the report before, 1 row not in this one: rejected"]


def test_what_is_kept_of_a_run_grows_as_its_rows_do(api, taker):
    frame = pd.DataFrame({"employeeId": [f"e{n}" for n in range(500)], "amount": 9})
    taker.acts += [says({}, 403)]
    how = {"pay_date": "2026-04-30", "on_error": "report"}
    api.run_payroll("GB", frame.assign(earningType="Salary"), **how)
    [(job, _)] = api._runs
    assert len({*job.marks}) == len(frame)
    assert sum(map(len, job.marks)) < 2 * sum(map(len, job.texts))


def test_what_a_retry_has_settled_is_no_longer_unanswered(run, taker):
    taker.acts += [hang_up, says({}, 422), says({"payslips": [{"employeeId": "e1"}]})]
    report = run()
    again = report.retry(report.uncertain)
    assert states(again) == {"rejected": 1}
    assert again.retry(again.rejected.assign(amount=8)).complete


def test_who_is_looked_up_by_the_report_of_the_same_call_is_paid(run, taker):
    taker.acts += [hang_up, says({"payslips": [{"employeeId": "e1"}]})]
    assert states(run(has_journal=True)) == {"uncertain": 1}
    same = run(has_journal=True)
    assert (states(same), same.requests) == ({"uncertain": 1}, 0)
    assert same.retry(same.uncertain).complete


def test_a_report_that_travels_tells_what_it_leaves_out(send, taker):
    taker.acts += [says({}, 422)]
    report = send(contacts(2))
    rest = report.retry(report.rejected.iloc[1:])
    far = pickle.loads(pickle.dumps(rest))  # noqa: S301 (our own bytes)
    assert report.retry(report.rejected.iloc[:1]).complete
    assert (rest.complete, far.complete) == (True, False)
    assert far.notes == ["of the report before, 1 row not in this one: rejected"]


def test_who_has_looked_up_a_run_of_a_journal_may_pay_otherwise(run, taker):
    taker.acts += [hang_up, says({"payslips": [{"employeeId": "e1"}]})]
    report = run(has_journal=True)
    assert report.retry(report.uncertain.assign(amount=8)).complete
    assert len(taker.seen) == 2
