"""Rows that somebody has looked up, and rows that a journal knows otherwise."""

from __future__ import annotations

import pandas as pd
import pytest
from tables import contacts
from takers import created, hang_up, interrupts, says, silence, states

from intermezzo_nb.errors import BadTable, SendFailed, StoreError

OWNER = "org_1"


@pytest.fixture
def send(api):
    """Send a frame in chunks of ten, and give the report."""

    def run(frame, **options):
        options = {"on_error": "report", "chunk_size": 10, **options}
        return api.send("contacts", frame, organization=OWNER, **options)

    return run


@pytest.mark.parametrize("has_journal", [True, False])
def test_what_is_there_after_all_counts_as_created(send, taker, tmp_path, has_journal):
    options = {"journal": tmp_path / "run.jsonl"} if has_journal else {}
    taker.acts += [created, hang_up]
    report = send(contacts(30), **options)
    there = report.uncertain.iloc[:4]
    assert report.confirm(there) is report
    assert states(report) == {"created": 14, "uncertain": 6, "unsent": 10}
    assert report.succeeded["id"].isna().sum() == 4
    with pytest.raises(BadTable, match="row c-10 has the label of a row that was cr"):
        report.retry(there)
    assert states(report.retry(report.uncertain)) == {"created": 6}
    report.confirm(report.uncertain)
    assert report.retry(report.unsent).complete
    assert [len(rows) for rows in taker.seen] == [10, 10, 6, 10]
    if has_journal:
        again = send(contacts(30), **options)
        assert again.complete
        assert again.requests == 0


def test_what_a_killed_run_left_open_is_settled_for_all_later_ones(
    send, taker, tmp_path
):
    taker.acts.append(hang_up)
    options = {"journal": tmp_path / "run.jsonl"}
    send(contacts(10), **options)
    assert states(send(contacts(10), **options)) == {"uncertain": 10}
    later = send(contacts(10), **options)
    later.confirm(later.uncertain)
    assert send(contacts(10), on_error="raise", **options).complete
    assert len(taker.seen) == 1


def test_of_two_rows_alike_one_can_be_there(send, taker, tmp_path):
    frame = contacts(1).loc[["c-0", "c-0"]].set_axis(["a", "b"]).drop(columns="email")
    options = {"journal": tmp_path / "run.jsonl"}
    taker.acts.append(hang_up)
    report = send(frame, **options)
    report.confirm(report.uncertain.loc[["a"]])
    assert states(send(frame, **options)) == {"created": 1, "uncertain": 1}
    assert len(taker.seen) == 1


def test_only_what_is_uncertain_can_be_found(send, taker):
    taker.acts += [created, hang_up]
    report = send(contacts(30))
    with pytest.raises(BadTable, match="row c-9 is not uncertain here") as caught:
        report.confirm(contacts(12).iloc[9:])
    assert len(caught.value.problems) == 1
    with pytest.raises(BadTable, match="from a DataFrame only"):
        report.confirm(["c-10"])
    assert states(report) == {"created": 10, "uncertain": 10, "unsent": 10}


def test_what_the_api_lists_is_no_row_of_ours_by_its_number(api, send, taker):
    taker.acts += [created, hang_up, created]
    report = send(contacts(30).reset_index(drop=True))
    listed = contacts(30).iloc[[0, 5, 11, 19]].assign(id=["a", "b", "c", "d"])
    found = listed.reset_index(drop=True).set_axis([10, 11, 12, 13])
    with pytest.raises(BadTable) as caught:
        report.confirm(found)
    assert caught.value.what.startswith("what was found cannot be confirmed: 4 prob")
    assert "row 10 says something else than the row of that label" in caught.value.why
    idiom = '.uncertain[lambda rows: rows["email"].isin(found["email"])]'
    assert "Give rows of .uncertain as they are; the r" in caught.value.advice
    assert "Nothing was confirmed." in caught.value.advice
    with pytest.raises(BadTable, match="email is a column that was sent, and is not"):
        report.confirm(found.drop(columns="email"))
    assert f"such as {idiom}, where no such email was there before." in repr(report)
    assert f'by found = frame("contacts", organization="{OWNER}")' in repr(report)

    there = report.uncertain[lambda rows: rows["email"].isin(found["email"])]
    assert [*there.index] == [11, 19]
    beside = pd.concat([there, listed.set_axis(range(4)).loc[[]]], axis=1)
    report.confirm(beside)
    assert states(report) == {"created": 12, "uncertain": 8, "unsent": 10}


@pytest.mark.parametrize(
    "emails",
    [["a@firm.example", None, "b@firm.example"], ["a@firm.example"] * 3, None],
)
def test_no_code_is_advised_by_what_does_not_tell_rows_apart(send, taker, emails):
    taker.acts.append(hang_up)
    frame = contacts(3).assign(email=emails)
    report = send(frame if emails else frame.drop(columns="email"))
    assert (
        "Rows go by your index: hand them over as they are; of rows that are alike"
        in repr(report)
    )
    assert "isin" not in repr(report)
    assert report.confirm(report.uncertain).complete
    assert "Stopped" not in repr(report)


def test_a_journal_that_cannot_be_written_leaves_rows_uncertain(send, taker, tmp_path):
    taker.acts.append(hang_up)
    journal = tmp_path / "run.jsonl"
    report = send(contacts(10), journal=journal)
    journal.write_text("no journal\n")
    with pytest.raises(StoreError):
        report.confirm(report.uncertain)
    assert states(report) == {"uncertain": 10}


def test_rows_that_lost_their_labels_are_not_sent_as_new_ones(send, taker):
    taker.acts += [
        lambda handler: handler.answer(
            {"data": [], "errors": [{"inputIndex": 0, "errors": [{"code": "X"}]}]}
        )
    ]
    report = send(contacts(1))
    assert states(report) == {"rejected": 1}
    fixed = report.rejected.drop(columns="why").assign(email="new@firm.example")
    for lost in (fixed.reset_index(drop=True), fixed.set_axis(["zz"])):
        with pytest.raises(BadTable, match="has the label of no row that was sent"):
            report.retry(lost)
    assert len(taker.seen) == 1
    assert report.retry(fixed).complete


@pytest.mark.parametrize("label", ["c-{}", "contact-2026-number-{}-of-ours"])
def test_a_row_of_a_journal_that_says_something_else_now_is_not_sent(
    send, taker, tmp_path, label
):
    frame = contacts(21).set_axis([label.format(n) for n in range(21)])
    options = {"journal": tmp_path / "run.jsonl"}
    send(frame.iloc[:20], **options)
    (five,) = frame.index[5:6]
    frame.loc[five, "email"] = "five@firm.example"
    told = f"row {five} was created by an earlier run"
    with pytest.raises(BadTable, match=told) as caught:
        send(frame, **options)
    assert caught.value.advice.startswith("Leave out what was created, and change it")
    assert [*caught.value.problems["label"]] == [five]
    assert len(taker.rows) == 20
    assert send(frame.drop(five), **options).complete
    assert send(frame.rename({five: "another"}), **options).complete
    assert len(taker.rows) == 22


@pytest.mark.parametrize("rows", [1, 2])
def test_a_row_that_was_not_answered_is_not_sent_as_something_else(
    send, taker, tmp_path, rows
):
    options = {"journal": tmp_path / "run.jsonl"}
    taker.acts.append(hang_up)
    frame = contacts(rows)
    assert states(send(frame, **options)) == {"uncertain": rows}
    changed = frame.copy()
    changed.loc["c-0", "name"] = "Somebody Else"
    with pytest.raises(BadTable, match="row c-0 was sent by an earlier run and not an"):
        send(changed, **options)
    assert len(taker.seen) == 1
    # Who has looked it up sends it as it has to be.
    report = send(frame, **options)
    report.confirm(report.uncertain.iloc[1:])
    assert report.retry(changed.iloc[:1]).complete
    for again in (frame, changed):
        report = send(again, **options)
        assert (report.complete, report.requests) == (True, 0)
    assert taker.rows[rows:] == ["Somebody Else"]


def test_a_row_that_a_retry_has_corrected_is_created_for_later_runs(
    send, taker, tmp_path
):
    options = {"journal": tmp_path / "run.jsonl"}
    refused = {"inputIndex": 1, "errors": [{"code": "X", "field": "email"}]}
    one = {
        "data": [{"id": "k0", "email": "person0@firm.example"}],
        "errors": [refused],
    }
    none = {"data": [], "errors": [{**refused, "inputIndex": 0}]}
    frame = contacts(2)
    taker.acts += [says(one), says(none)]
    report = send(frame, **options)
    assert states(report) == {"created": 1, "rejected": 1}
    fixed = report.rejected.assign(email="first@firm.example")
    report = report.retry(fixed)
    assert states(report) == {"rejected": 1}
    better = fixed.assign(email="second@firm.example")
    assert report.retry(better).complete
    before = len(taker.seen)
    for again in (frame, fixed.drop(columns="why"), better.drop(columns="why")):
        later = send(again, **options)
        assert (later.complete, later.requests) == (True, 0)
    third = frame.assign(email=["person0@firm.example", "third@firm.example"])
    with pytest.raises(BadTable, match="row c-1 was created by an earlier run, and"):
        send(third, **options)
    assert len(taker.seen) == before


def test_another_table_needs_labels_or_a_journal_of_its_own(send, taker, tmp_path):
    options = {"journal": tmp_path / "run.jsonl"}
    first = contacts(20).reset_index(drop=True)
    second = contacts(20, first=20).reset_index(drop=True)
    send(first, **options)
    # It may as well be the first one, each row of which was written otherwise.
    with pytest.raises(BadTable, match="20 problems in 20 of 20 rows") as caught:
        send(second, **options)
    assert "another table a journal of its own" in caught.value.advice
    second = second.set_axis(range(20, 40))
    taker.acts += [created, says({"error": "gone"}, 404)]
    assert states(send(second, **options)) == {"created": 10, "unsent": 10}
    assert send(second, **options).complete
    assert taker.rows[-10:] == [*second["name"].tail(10)]
    # A row that moved is the row that it was.
    moved = pd.concat([contacts(1, first=40), first, second], ignore_index=True)
    assert send(moved, **options).complete
    assert taker.rows[-2:] == ["Person 39", "Person 40"]
    again = send(first.iloc[1:].reset_index(drop=True), **options)
    assert (again.complete, again.requests) == (True, 0)


def test_the_order_of_columns_says_nothing_of_a_row(send, taker, tmp_path):
    options = {"journal": tmp_path / "run.jsonl"}
    frame = contacts(2)
    assert send(frame, **options).complete
    again = send(frame[sorted(frame.columns)[::-1]], **options)
    assert (again.complete, again.requests) == (True, 0)


def test_an_interrupt_with_a_journal_says_that_the_same_call_goes_on(
    send, taker, tmp_path
):
    taker.acts += [created, interrupts(silence)]
    with pytest.raises(SendFailed) as caught:
        send(contacts(30), journal=tmp_path / "run.jsonl")
    assert caught.value.advice.startswith("The same call sends what is unsent, by its")


REFUSED = {"inputIndex": 0, "errors": [{"code": "X", "field": "email"}]}
REFUSED_BOTH = {"data": [], "errors": [REFUSED, {**REFUSED, "inputIndex": 1}]}


def test_what_is_created_of_rows_alike_does_not_count_for_another(
    send, taker, tmp_path
):
    options = {"journal": tmp_path / "run.jsonl"}
    frame = contacts(1).loc[["c-0"] * 3].set_axis(["a", "b", "c"])
    taker.acts.append(hang_up)
    report = send(frame, **options)
    report.confirm(report.uncertain.loc[["a"]])
    assert report.retry(report.uncertain).complete
    assert [len(rows) for rows in taker.seen] == [3, 2]
    later = send(frame, **options)
    assert (later.complete, later.requests) == (True, 0)


def test_a_row_whose_correction_is_not_answered_is_uncertain(send, taker, tmp_path):
    options = {"journal": tmp_path / "run.jsonl"}
    taker.acts += [says({"data": [], "errors": [REFUSED]}), hang_up]
    frame = contacts(1)
    report = send(frame, **options)
    better = report.rejected.drop(columns="why").assign(email="new@firm.example")
    assert states(report.retry(better)) == {"uncertain": 1}
    assert states(send(frame, **options)) == {"uncertain": 1}
    later = send(better, **options)
    later.confirm(later.uncertain)
    for again in (frame, better):
        report = send(again, **options)
        assert (report.complete, report.requests) == (True, 0)
    assert len(taker.seen) == 2


def test_a_correction_counts_once_where_rows_are_alike(send, taker, tmp_path):
    options = {"journal": tmp_path / "run.jsonl"}
    frame = contacts(1).loc[["c-0"] * 2].set_axis(["a", "b"])
    taker.acts.append(says(REFUSED_BOTH))
    report = send(frame, **options)
    better = frame.copy()
    better.loc["a", "email"] = "new@firm.example"
    assert states(report.retry(better.loc[["a"]])) == {"created": 1}
    for again in (frame, better):
        later = send(again, **options)
        assert states(later) == {"created": 1, "rejected": 1}
        assert later.requests == 0


def test_a_correction_that_was_not_sent_by_its_retry_is_one_still(
    send, taker, tmp_path
):
    options = {"journal": tmp_path / "run.jsonl"}
    taker.acts += [says({"data": [], "errors": [REFUSED]}), says({}, 404)]
    frame = contacts(1)
    report = send(frame, **options)
    better = report.rejected.drop(columns="why").assign(email="new@firm.example")
    assert states(report.retry(better)) == {"unsent": 1}
    assert send(better, **options).complete
    later = send(frame, **options)
    assert (later.complete, later.requests) == (True, 0)


def test_a_retry_of_one_leaves_what_is_known_of_another_that_says_the_same(
    send, taker, tmp_path
):
    options = {"journal": tmp_path / "run.jsonl", "chunk_size": 1}
    frame = contacts(1).loc[["c-0"] * 2].set_axis(["a", "b"])
    taker.acts += [says({"data": [], "errors": [REFUSED]}), says({}, 404)]
    report = send(frame, **options)
    assert states(report) == {"rejected": 1, "unsent": 1}
    assert states(report.retry(report.unsent)) == {"created": 1}
    later = send(frame, **options)
    assert (states(later), later.requests) == ({"created": 1, "rejected": 1}, 0)
    assert [*later.rejected.index] == ["a"]


def test_what_a_run_of_its_own_corrected_is_looked_up_before_it_is_sent(
    send, taker, tmp_path
):
    options = {"journal": tmp_path / "run.jsonl"}
    frame = contacts(1)
    taker.acts.append(says({"data": [], "errors": [REFUSED]}))
    assert states(send(frame, **options)) == {"rejected": 1}
    assert send(frame.assign(email="new@firm.example"), **options).complete
    report = send(frame, **options)
    assert (states(report), report.requests) == ({"uncertain": 1}, 0)
    assert "it may be this one, corrected" in report.uncertain["why"].iloc[0]
    report.confirm(report.uncertain)
    assert send(frame, **options).complete
    assert len(taker.seen) == 2


@pytest.mark.parametrize("labels", [[1, "1"], ["a", "a "], [float("nan"), "nan"]])
def test_labels_that_a_journal_cannot_tell_apart_are_refused(
    send, taker, tmp_path, labels
):
    frame = contacts(2).set_axis(labels)
    with pytest.raises(BadTable, match="is written as the label of another row") as no:
        send(frame, journal=tmp_path / "run.jsonl")
    assert "reset_index" in no.value.advice
    assert taker.seen == []
    assert send(frame).complete  # without one they are told apart


def test_rows_that_say_the_same_are_sent_and_noted(api, send, taker):
    frame = pd.concat([contacts(2), contacts(2)], ignore_index=True)
    told = "2 rows (2, 3) equal ones before them in all fields, and are rows of their "
    assert send(frame.drop(columns="email")).notes == [told + "own"]
    pay = pd.DataFrame({"employeeId": ["e1"] * 2, "earningType": "Salary", "amount": 9})
    taker.acts.append(says({"payslips": [{"employeeId": "e1"}]}))
    report = api.run_payroll("GB", pay, pay_date="2026-04-30")
    assert report.notes == [
        "1 row (1) equals one before it in all fields, and is a row of its own"
    ]
