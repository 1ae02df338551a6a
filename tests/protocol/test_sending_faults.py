"""Answers that are odd, late or missing: all is told, and no row is sent twice."""

from __future__ import annotations

import errno
import os
import threading
import time

import pytest
from tables import contacts
from takers import (
    bends,
    created,
    cut,
    hang_up,
    interrupts,
    result,
    says,
    silence,
    states,
)

from intermezzo_nb.api import waits
from intermezzo_nb.api.journal import Journal
from intermezzo_nb.errors import (
    ApiError,
    AuthorizationServerError,
    BadTable,
    IncompleteWarning,
    LoginRequired,
    NetworkError,
    RateLimited,
    SendFailed,
    SettingsError,
    StoreError,
)

OWNER = "org_1"


@pytest.fixture
def api(shared_practice, connection, taker):
    """Connect to the practice server's tokens, and to the taker's API."""
    return connection(**shared_practice.settings("machine", api_url=taker.url))


def send(api, count=30, **options):
    options = {"on_error": "report", "chunk_size": 10, **options}
    return api.send("contacts", contacts(count), organization=OWNER, **options)


def is_whole(report):
    """Tell whether every row is in one of the report's tables, and only there."""
    tables = (report.succeeded, report.rejected, report.uncertain, report.unsent)
    labels = [label for table in tables for label in table.index]
    return sorted(labels) == sorted(contacts(report.counts["total"]).index)


def wrong_index(answer):
    answer["errors"] = [{"inputIndex": 77, "errors": [{"code": "X"}]}]


def twice(answer):
    answer["data"] = answer["data"][1:]
    error = {"inputIndex": 0, "errors": [{"code": "X", "message": "no"}]}
    answer |= {"errors": [error, error], "succeeded": 9, "failed": 1}


def twice_for_two(answer):
    answer["data"] = answer["data"][2:]
    error = {"inputIndex": 0, "errors": [{"code": "X", "message": "no"}]}
    answer |= {"errors": [error, error], "succeeded": 8, "failed": 2}


def no_errors(answer):
    answer["data"] = answer["data"][1:]
    answer |= {"succeeded": 9, "failed": 1}
    del answer["errors"]


UNCERTAIN = {"created": 10, "uncertain": 10, "unsent": 10}
UNSENT = {"created": 10, "unsent": 20}
REJECTED = {"created": 10, "rejected": 10, "unsent": 10}


@pytest.mark.parametrize(
    ("act", "found"),
    [
        (says(b"<html>Sign in</html>", Content_Type="text/html"), UNCERTAIN),
        (says(b""), UNCERTAIN),
        (says({"ok": True}), UNCERTAIN),
        (says({"error": "oops", "message": "no"}, 500), UNCERTAIN),
        (says(b"", 502), UNCERTAIN),
        (says({}, 503, Retry_After="1"), UNCERTAIN),
        (says({}, 408), UNCERTAIN),
        (says(b"", 303, Location="/elsewhere"), UNCERTAIN),
        (says(b"", 307, Location="/elsewhere"), UNSENT),
        (says({"error": "gone"}, 404), UNSENT),
        (says({}, 413), UNSENT),
        (says({"error": "validation_error", "message": "no"}, 422), REJECTED),
        (says({"error": "exists", "message": "no"}, 409), REJECTED),
        (cut, UNCERTAIN),
        (hang_up, UNCERTAIN),
        (bends(no_errors), {"created": 19, "uncertain": 1, "unsent": 10}),
        (
            bends(twice_for_two),
            {"created": 18, "rejected": 1, "uncertain": 1, "unsent": 10},
        ),
    ],
)
def test_what_is_not_proven_stops_the_run_and_is_told(api, taker, act, found):
    taker.acts += [created, act]
    report = send(api)
    assert states(report) == found
    assert is_whole(report)
    assert len(taker.rows) == 20, "no row is sent twice, and none after the stop"
    assert f"Stopped: {report.stopped.what}" in repr(report)
    with pytest.raises(SendFailed) as caught:
        raise report.error()
    assert caught.value.report is report


@pytest.mark.parametrize(
    ("bend", "found"),
    [
        (wrong_index, {"created": 30}),
        (twice, {"created": 29, "rejected": 1}),
    ],
)
def test_what_is_odd_and_proven_all_the_same_goes_on(api, taker, bend, found):
    taker.acts += [created, bends(bend)]
    report = send(api)
    assert states(report) == found
    assert is_whole(report)
    assert len(taker.rows) == 30
    assert bool(report.notes) == (bend is wrong_index)


def test_a_refusal_that_names_its_rows_lets_the_others_go_on(api, taker):
    named = {"detail": [{"loc": ["body", 3, "email"], "msg": "no", "type": "value"}]}
    taker.acts.append(says(named, 422))
    report = send(api)
    assert states(report) == {"created": 20, "rejected": 1, "unsent": 9}
    assert report.errors.loc[0, ["label", "field"]].tolist() == ["c-3", "email"]


def half(handler):
    """Create half of the rows, and call that an error."""
    rows = handler.server.seen[-1]
    bad = range(5, len(rows))
    errors = [{"inputIndex": n, "errors": [{"code": "X"}]} for n in bad]
    handler.answer(result(rows, errors), 400)


def test_rows_that_a_refusal_lists_as_created_are_created(api, taker):
    taker.acts.append(half)
    report = send(api)
    assert states(report) == {"created": 5, "rejected": 5, "unsent": 20}
    assert [*report.succeeded["name"]] == [*contacts(5)["name"]]
    assert is_whole(report)


def test_a_refusal_that_names_its_rows_by_index_leaves_the_others(api, taker):
    errors = [{"inputIndex": 3, "errors": [{"code": "X", "field": "email"}]}]
    taker.acts.append(says({"error": "invalid", "errors": errors}, 422))
    report = send(api)
    assert states(report) == {"created": 20, "rejected": 1, "unsent": 9}
    assert report.errors.loc[0, ["label", "code"]].tolist() == ["c-3", "X"]


def test_a_token_that_is_refused_is_renewed_and_the_rows_sent_once_more(api, taker):
    taker.acts.append(says({}, 401))
    report = send(api, 10)
    assert report.complete
    assert (len(taker.seen), taker.made) == (2, 10)


def test_a_token_that_is_refused_twice_leaves_all_unsent(api, taker):
    taker.acts += [says({}, 401)] * 2
    report = send(api)
    assert states(report) == {"unsent": 30}
    taker.acts += [says({}, 401)] * 2
    with pytest.raises(LoginRequired):
        send(api, on_error="raise")


def test_a_refusal_to_be_waited_out_costs_no_row(api, taker):
    taker.acts += [created, says({}, 429, Retry_After="1")]
    told = []
    report = send(api, progress=told.append)
    assert report.complete
    assert (report.requests, taker.made) == (4, 30)
    assert [p.waiting for p in told if p.waiting] == ["the server asked to wait"]


def test_rows_for_a_place_that_is_not_there_go_anew_to_another(api, taker, tmp_path):
    journal = tmp_path / "run.jsonl"
    taker.acts.append(says({"message": "There is no such organization."}, 404))
    report = send(api, journal=journal)
    assert states(report) == {"unsent": 30}
    told = repr(report)
    assert "was answered with HTTP 404. There is no such organization." in told
    assert "Check the path and what it names" in told
    assert told.endswith(".retry(…) sends to the same place; for another, send anew.")
    options = {"organization": "org_2", "journal": journal}
    assert api.send("contacts", contacts(3), **options).complete


def test_what_a_wrong_secret_is_told_to_a_sender_names_its_place(
    shared_practice, connection, tmp_path
):
    (secret := tmp_path / "secret").write_text("not it")
    settings = shared_practice.settings("machine", client_secret_file=str(secret))
    api = connection(**settings)
    for act in (lambda: send(api, on_error="raise"), lambda: api.get("/x")):
        with pytest.raises(AuthorizationServerError) as caught:
            act()
        assert "Check client_id in the profile 'default'" in caught.value.advice


def test_an_option_that_there_is_not_is_told_with_those_there_are(api):
    with pytest.raises(SettingsError, match="there is no option 'jurnal'") as caught:
        send(api, jurnal="x")
    assert caught.value.advice == (
        "Did you mean journal? There are organization, chunk_size, extra, on_error, "
        "journal, progress."
    )


def test_a_run_tells_all_its_options_and_why_it_takes_no_organization(api):
    frame, options = contacts(1), {"pay_date": "2026-04-30"}
    with pytest.raises(SettingsError) as caught:
        api.run_payroll("GB", frame, externalRef="april", **options)
    assert caught.value.advice == (
        "Did you mean external_ref? There are pay_date, pay_cycle, external_ref, "
        "money, on_error, journal, progress."
    )
    with pytest.raises(SettingsError, match="organization cannot be used") as caught:
        api.run_payroll("GB", frame, organization="org_1", **options)
    assert "a run is of the employees in its frame" in caught.value.advice


def test_a_long_silence_is_told_while_it_lasts(api, taker, monkeypatch):
    monkeypatch.setattr(waits, "SILENCE", 0.05)
    silences, heard = [], threading.Event()

    def listen(progress):
        if progress.waiting.startswith("no answer for "):
            silences.append(progress.waiting)
        if len(silences) == 3:
            heard.set()

    def slow(handler):
        assert heard.wait(10)
        created(handler)

    taker.acts.append(slow)
    assert send(api, 10, progress=listen).complete
    assert waits.WATCHER not in [thread.name for thread in threading.enumerate()]


def test_a_long_wait_is_told_instead_of_slept(api, taker):
    taker.acts += [says({}, 429, Retry_After="3600")]
    with pytest.raises(RateLimited):
        send(api, on_error="raise")
    assert states(api.last_report) == {"unsent": 30}


def test_a_server_that_is_not_there_has_got_nothing(api, taker):
    taker.stop()
    with pytest.raises(NetworkError):
        send(api, on_error="raise")
    assert states(api.last_report) == {"unsent": 30}


def test_an_interrupt_leaves_a_report_and_a_connection_that_works(api, taker):
    taker.acts += [created, interrupts(silence)]
    began = time.monotonic()
    with pytest.raises(SendFailed) as caught:
        send(api)
    assert time.monotonic() - began < 5
    assert (
        "hand those of its rows that are there to .report.confirm(…)"
        in caught.value.advice
    )
    assert "Hand .report.unsent to .report.retry(…)" in caught.value.advice
    assert caught.value.code == "interrupted"
    assert caught.value.report is api.last_report
    assert states(api.last_report) == UNCERTAIN
    assert is_whole(api.last_report)
    assert states(api.last_report.retry(api.last_report.unsent)) == {"created": 10}


def test_an_interrupt_while_waiting_has_sent_nothing(api, taker):
    taker.acts += [created, interrupts(says({}, 429, Retry_After="60"))]
    with pytest.raises(SendFailed):
        send(api)
    assert states(api.last_report) == UNSENT


def test_uncertain_rows_are_sent_again_on_request_only(api, taker, tmp_path):
    journal = tmp_path / "run.jsonl"
    taker.acts += [created, hang_up]
    report = send(api, journal=journal)
    assert states(report) == UNCERTAIN
    report = send(api, journal=journal)
    assert states(report) == {"created": 20, "uncertain": 10}
    assert [*report.uncertain.index] == [*contacts(30).index[10:20]]
    assert report.notes == ["known from the journal, and not sent: 20 of 30"]
    again = report.retry(report.uncertain)
    assert states(again) == {"created": 10}
    assert again.notes == []
    assert taker.rows[-10:] == [*contacts(30)["name"][10:20]]
    before = len(taker.seen)
    last = send(api, journal=journal)
    assert last.complete
    assert last.notes == [
        "nothing was sent, as the journal knows all of it from an earlier run"
    ]
    assert len(taker.seen) == before


def taken(handler):
    """Refuse all rows as such that are there."""
    rows = handler.server.seen[-1]
    error = {"code": "EMAIL_TAKEN", "message": "no", "field": "email"}
    errors = [{"inputIndex": n, "errors": [error]} for n in range(len(rows))]
    handler.answer(result(rows, errors))


def exists(handler):
    """Refuse the whole request, as one of what is there."""
    handler.answer({"error": "conflict", "message": "It is there."}, 409)


@pytest.mark.parametrize("has_journal", [True, False])
@pytest.mark.parametrize("act", [taken, exists])
def test_rows_that_are_there_after_a_lost_answer_are_not_to_be_corrected(
    api, taker, tmp_path, act, has_journal
):
    journal = tmp_path / "run.jsonl" if has_journal else None
    taker.acts += [hang_up, act, act]
    report = send(api, 10, journal=journal)
    assert report.uncertain["why"].str.contains("not answered").all()
    if journal:  # a second run knows the first one by its journal alone
        report = send(api, 10, journal=journal)
    for _ in range(2):
        report = report.retry(report.uncertain)
        assert states(report) == {"uncertain": 10}
        assert report.uncertain["why"].str.startswith("probably created").all()
        told = (
            'look them up by found = frame("contacts", organization="org_1"), and hand'
        )
        assert told in repr(report)
        assert "Correct" not in repr(report)


def test_rows_that_are_there_already_at_the_first_attempt_are_rejected(api, taker):
    taker.acts += [hang_up, created, taken]
    report = send(api, 10)
    changed = report.uncertain.assign(name="Somebody else")
    assert states(report.retry(changed.iloc[:5])) == {"created": 5}
    assert states(report.retry(changed.iloc[5:])) == {"rejected": 5}


def test_what_any_attempt_of_a_family_left_open_is_remembered_by_all(api, taker):
    taker.acts += [hang_up, hang_up, taken]
    report = send(api, 10)
    changed = report.uncertain.assign(name="Somebody else")
    assert states(report.retry(changed)) == {"uncertain": 10}
    again = report.retry(changed)
    assert states(again) == {"uncertain": 10}
    assert again.uncertain["why"].str.startswith("probably created").all()


def test_of_rows_alike_as_many_are_created_as_were_to_be(api, taker):
    import pandas as pd

    error = {"inputIndex": 1, "errors": [{"code": "X", "message": "no", "field": "f"}]}
    taker.acts.append(lambda h: h.answer(result(h.server.seen[-1], [error])))
    frame = pd.DataFrame({"name": ["Ada"] * 2}, index=["a", "b"])
    options = {"organization": OWNER, "on_error": "report"}
    report = api.send("contacts", frame, **options)
    assert states(report) == {"created": 1, "rejected": 1}
    third = frame.iloc[:1].set_index(pd.Index(["c"]))
    both = pd.concat([report.rejected, third])
    with pytest.raises(BadTable, match="row c was created already"):
        report.retry(both)
    assert report.retry(report.rejected).complete
    with pytest.raises(BadTable, match="row c was created already"):
        report.retry(third)
    assert len(taker.rows) == 3


def test_the_seconds_of_a_report_are_without_the_sign_in(api, monkeypatch):
    auth = api.session.auth
    token = auth._token

    def slow(**how):
        monkeypatch.setattr(auth, "_token", token)
        time.sleep(1)  # a person who signs in
        return token(**how)

    monkeypatch.setattr(auth, "_token", slow)
    report = send(api, 10)
    assert report.complete
    assert report.seconds < 1
    assert repr(report).startswith("contacts · 10 created · 1 request · 0.")


def test_corrected_rows_are_all_that_a_second_run_sends(api, taker, tmp_path):
    journal = tmp_path / "run.jsonl"
    error = {"inputIndex": 4, "errors": [{"code": "X", "message": "no", "field": "f"}]}
    taker.acts.append(lambda h: h.answer(result(h.server.seen[-1], [error])))
    assert states(send(api, 10, journal=journal)) == {"created": 9, "rejected": 1}
    report = send(api, 10, journal=journal)
    assert states(report) == {"created": 9, "rejected": 1}
    told = "told in an earlier run; a journal keeps no words"
    assert report.errors.loc[0, "message"] == told
    fixed = contacts(10).replace({"name": {"Person 4": "Person Four"}})
    options = {"organization": OWNER, "journal": journal}
    assert api.send("contacts", fixed, **options).complete
    assert taker.seen[1:] == [taker.seen[-1]]
    assert taker.rows[10:] == ["Person Four"]


def test_a_run_that_is_known_is_not_run_again(api, taker, tmp_path):
    import pandas as pd

    frame = pd.DataFrame({"employeeId": ["e1"], "earningType": "Salary", "amount": 9})
    journal = tmp_path / "run.jsonl"
    slips = {"run": {"id": "r1"}, "payslips": [{"employeeId": "e1"}], "errors": []}
    taker.acts += [hang_up, says(slips)]
    options = {"pay_date": "2026-04-30", "journal": journal, "on_error": "report"}
    assert states(api.run_payroll("GB", frame, **options)) == {"uncertain": 1}
    assert states(api.run_payroll("GB", frame, **options)) == {"uncertain": 1}
    assert "its payslips were" not in repr(api.last_report)
    assert len(api.last_report.payslips) == 0  # nobody is known to have one
    assert len(taker.seen) == 1
    again = api.last_report.retry(frame)
    assert states(again) == {"created": 1}
    assert again.payslips.loc[0, "runId"] == "r1"
    known = api.run_payroll("GB", frame, **options)
    for name in ("payslips", "lines", "succeeded"):
        with pytest.raises(SendFailed, match="of 1 employee who were paid are") as no:
            getattr(known, name)
        assert (no.value.code, no.value.report) == ("payslips_elsewhere", known)
    told = repr(known)
    assert told.startswith("payslips · 1 created · nothing sent · ")
    assert "nothing was sent, as the journal knows all of it" in told
    assert told.endswith("its payslips were in the report of that run")


def test_payslips_of_some_who_were_paid_are_told_to_be_missing(api, taker):
    import pandas as pd

    frame = pd.DataFrame({"employeeId": ["e1", "e2"], "amount": 9})
    taker.acts.append(says({"payslips": [{"employeeId": "e1"}], "errors": []}))
    report = api.run_payroll(
        "GB",
        frame.assign(earningType="Salary"),
        pay_date="2026-04-30",
        on_error="report",
    )
    assert [*report.payslips["employeeId"]] == ["e1"]
    report.confirm(report.uncertain)
    for name in ("payslips", "succeeded", "lines"):
        with pytest.warns(IncompleteWarning, match="of 1 employee who were") as told:
            getattr(report, name)
        assert told[0].filename == __file__


def test_a_changed_run_does_not_go_beside_one_that_may_have_been_paid(
    api, taker, tmp_path
):
    import pandas as pd

    frame = pd.DataFrame({"employeeId": ["e1"], "earningType": "Salary", "amount": 9})
    slips = {"payslips": [{"employeeId": "e1"}], "errors": []}
    taker.acts += [hang_up, says(slips), says(slips)]
    options = {"pay_date": "2026-04-30", "journal": tmp_path / "run.jsonl"}
    with pytest.raises(SendFailed):
        api.run_payroll("GB", frame, **options)
    changed = frame.assign(amount=10)
    with pytest.raises(StoreError, match="not answered, of 1 employee") as caught:
        api.run_payroll("GB", changed, **options)
    assert caught.value.code == "run_uncertain"
    assert len(taker.seen) == 1
    first = api.run_payroll("GB", frame, **options | {"on_error": "report"})
    assert first.retry(frame).complete
    with pytest.raises(StoreError, match="payslips of 1 employee of this one"):
        api.run_payroll("GB", changed, **options)
    assert len(taker.seen) == 2
    other = api.run_payroll("GB", changed, **options | {"pay_date": "2026-05-31"})
    assert other.complete
    assert other.notes == ["the journal holds another run, too, with 1 payslip"]


def test_a_journal_pays_nobody_twice_by_a_run_that_is_written_otherwise(
    api, taker, tmp_path
):
    import pandas as pd

    pair = {"employeeId": ["e1", "e2"], "earningType": "Salary", "amount": 9}
    frame = pd.DataFrame(pair)
    slips = {"payslips": [{"employeeId": "e1"}, {"employeeId": "e2"}]}
    taker.acts += [says(slips), says({"payslips": [{"employeeId": "e3"}]})]
    options = {"pay_date": "2026-04-30", "journal": tmp_path / "run.jsonl"}
    assert api.run_payroll("GB", frame, **options).complete
    for same in (frame, frame[["amount", "employeeId", "earningType"]]):
        assert api.run_payroll("GB", same, **options).requests == 0
    for same, who in (
        (frame.iloc[::-1], "of 2 employees of this one, in its rows 1, 0"),
        (frame.assign(amount=9.0), "of 2 employees of this one, in its rows 0, 1"),
        (frame.assign(amount=[9, 10])[1:], "of 1 employee of this one, in its row 1"),
    ):
        with pytest.raises(StoreError, match="holds another payroll run") as caught:
            api.run_payroll("GB", same, **options)
        assert caught.value.code == "run_paid"
        assert caught.value.what.endswith(who)
    assert len(taker.seen) == 1
    assert api.run_payroll("GB", frame.assign(employeeId="e3"), **options).complete


def test_a_retry_pays_nobody_again_for_another_amount(api, taker):
    import pandas as pd

    pair = {"employeeId": ["e1", "e2"], "earningType": "Salary", "amount": [9, 8]}
    frame = pd.DataFrame(pair)
    slips = {
        "payslips": [{"employeeId": "e1"}],
        "errors": [{"employeeId": "e2", "message": "no bank account"}],
    }
    taker.acts += [says(slips), says({"payslips": [{"employeeId": "e2"}]})]
    first = api.run_payroll("GB", frame, pay_date="2026-04-30", on_error="report")
    assert states(first) == {"created": 1, "rejected": 1}
    with pytest.raises(BadTable, match="was created already"):
        first.retry(frame.assign(amount=10))
    assert len(taker.seen) == 1
    assert first.retry(frame.iloc[1:].assign(amount=10)).complete


def test_a_run_that_was_finished_by_a_retry_is_known_and_sends_nothing(
    api, taker, tmp_path
):
    import pandas as pd

    frame = pd.DataFrame({"employeeId": ["e1", "e2"], "earningType": "Salary"})
    frame = frame.assign(amount=9)
    slips = {
        "payslips": [{"employeeId": "e1"}],
        "errors": [{"employeeId": "e2", "message": "no bank account"}],
    }
    taker.acts += [says(slips), says({"payslips": [{"employeeId": "e2"}]})]
    options = {"pay_date": "2026-04-30", "on_error": "report"}
    options["journal"] = tmp_path / "run.jsonl"
    first = api.run_payroll("GB", frame, **options)
    assert first.retry(frame.iloc[1:].assign(amount=10)).complete
    again = api.run_payroll("GB", frame, **options)
    assert states(again) == {"created": 2}
    assert again.requests == 0
    with pytest.raises(StoreError, match="payslips of 1 employee of this one"):
        api.run_payroll("GB", frame.iloc[1:], **options)
    assert len(taker.seen) == 2


def test_a_journal_that_another_run_holds_stops_before_anything(api, taker, tmp_path):
    journal = tmp_path / "run.jsonl"
    with Journal(journal, "elsewhere"), pytest.raises(OSError, match="Another run"):
        send(api, journal=journal)
    assert taker.seen == []


def test_a_last_answer_that_cannot_be_noted_is_told(api, monkeypatch, tmp_path):
    write = os.write

    def full_at_the_end(file, line):
        if line.startswith(b'{"answered":3'):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(file, line)

    monkeypatch.setattr(os, "write", full_at_the_end)
    journal = tmp_path / "run.jsonl"
    report = send(api, journal=journal)
    assert report.complete
    assert "the journal does not know the last answer" in repr(report)
    assert "a later run takes 10 rows for uncertain: [Errno 28]" in repr(report)
    assert "It knows what was sent" in report.stopped.advice
    monkeypatch.undo()
    assert states(send(api, journal=journal)) == {"created": 20, "uncertain": 10}


def test_no_post_of_any_kind_is_repeated_by_itself(api, taker):
    taker.acts.append(hang_up)
    with pytest.raises(NetworkError) as caught:
        api.request("POST", "/x", json=[{"name": "a"}])
    assert caught.value.unanswered
    assert len(taker.seen) == 1
    taker.acts.append(says({}, 500))
    with pytest.raises(ApiError):
        api.request("POST", "/x", json=[{"name": "a"}])
    assert len(taker.seen) == 2
