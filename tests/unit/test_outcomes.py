"""An answer is read so that every row has one state, and no state is guessed."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intermezzo_nb.api.outcomes import (
    CREATED,
    REJECTED,
    STATES,
    UNCERTAIN,
    UNSENT,
    RowError,
    of_bulk,
    of_refusal,
)

ECHOED = ("name", "email")


def rows(count):
    return [{"name": f"N{n}", "email": f"n{n}@x.example"} for n in range(count)]


def honest(sent, bad, skipped=0):
    """Answer as documented: the bad ones fail, the last ones are not processed."""
    done = [n for n in range(len(sent) - skipped) if n not in bad]
    return {
        "total": len(sent),
        "succeeded": len(done),
        "failed": len(bad),
        "unprocessed": skipped,
        "data": [{"id": f"c{n}", **sent[n]} for n in done],
        "errors": [
            {"inputIndex": n, "errors": [{"code": "BAD", "message": "m", "field": "f"}]}
            for n in sorted(bad)
        ],
    }


def states(outcomes):
    return [outcome.state for outcome in outcomes]


@given(st.data(), st.integers(1, 30))
def test_an_honest_answer_is_read_exactly(data, count):
    sent = rows(count)
    for row in sent:
        if data.draw(st.booleans()):
            row["name"] = row["email"] = "the same"
    skipped = data.draw(st.integers(0, count))
    bad = (
        data.draw(st.sets(st.integers(0, count - skipped - 1)))
        if skipped < count
        else set()
    )
    outcomes, notes = of_bulk(sent, honest(sent, bad, skipped), ECHOED)
    assert notes == []
    for row, outcome in enumerate(outcomes):
        if row in bad:
            assert outcome.state == REJECTED
            assert outcome.errors == (RowError("BAD", "f", "m"),)
    assert states(outcomes).count(UNSENT) == skipped
    for row, outcome in zip(sent, outcomes, strict=True):
        if outcome.state == CREATED:
            assert {k: outcome.record[k] for k in row} == row


@given(st.data(), st.integers(1, 12))
def test_a_damaged_answer_loses_no_row_and_proves_nothing_false(data, count):
    sent = rows(count)
    bad = data.draw(st.sets(st.integers(0, count - 1)))
    answer = honest(sent, bad)
    for _ in range(data.draw(st.integers(1, 3))):
        damage(answer, data)
    outcomes, _ = of_bulk(sent, answer, ECHOED)
    assert len(outcomes) == count
    assert {*states(outcomes)} <= {*STATES}
    for row, outcome in enumerate(outcomes):
        if row in bad:
            assert outcome.state != CREATED
        else:  # it was created at the server: nobody may think that it is still to do
            assert outcome.state in {CREATED, UNCERTAIN}


def damage(answer, data):
    """Take something out of an answer, or bend it, without a lie that adds up."""
    errors, records = answer.get("errors"), answer.get("data")
    what = data.draw(st.integers(0, 6))
    if what == 0 and records:
        records.pop(data.draw(st.integers(0, len(records) - 1)))
    elif what == 1 and errors:
        errors.pop()
    elif what == 2 and errors:
        errors.append(errors[0])
    elif what == 3 and errors:
        errors[0] = {**errors[0], "inputIndex": data.draw(WRONG)}
    elif what == 4:
        answer.pop(data.draw(st.sampled_from(["succeeded", "failed", "total"])), None)
    elif what == 5 and records:
        data.draw(st.randoms()).shuffle(records)
    elif what == 6:
        answer["errors"] = None


WRONG = st.sampled_from([-1, 99, None, "0", True, 1.0, [], {}])


def test_rows_are_found_by_what_they_hold_whatever_the_order():
    sent = rows(3)
    answer = honest(sent, {1})
    answer["data"].reverse()
    outcomes, notes = of_bulk(sent, answer, ECHOED)
    assert notes == []
    assert [o.record and o.record["id"] for o in outcomes] == ["c0", None, "c2"]


def test_without_an_echo_the_order_tells_which_is_which():
    answer = honest(rows(3), {0})
    answer["data"] = [{"id": "c1"}, {"id": "c2"}]
    outcomes, _ = of_bulk(rows(3), answer, ECHOED)
    assert [o.record and o.record["id"] for o in outcomes] == [None, "c1", "c2"]


def test_without_an_echo_and_with_rows_left_out_nothing_is_certain():
    answer = honest(rows(3), set(), skipped=1)
    answer["data"] = [{"id": "c1"}, {"id": "c2"}]
    outcomes, notes = of_bulk(rows(3), answer, ECHOED)
    assert states(outcomes) == [UNCERTAIN] * 3
    assert "does not fit" in notes[0]


def test_an_index_that_counts_from_one_is_noticed():
    sent = rows(4)
    answer = honest(sent, {1})
    answer["errors"][0]["inputIndex"] = 2
    outcomes, notes = of_bulk(sent, answer, ECHOED)
    assert states(outcomes) == [CREATED, UNCERTAIN, CREATED, CREATED]
    assert notes


@pytest.mark.parametrize("name", ["succeeded", "failed"])
def test_counts_that_do_not_fit_the_rows_are_told(name):
    answer = honest(rows(2), {0})
    answer[name] += 1
    outcomes, notes = of_bulk(rows(2), answer, ECHOED)
    assert (states(outcomes), len(notes)) == ([REJECTED, CREATED], 1)
    assert f"{name} {answer[name]}" in notes[0]
    assert "uncertain" not in notes[0]


def test_a_row_that_is_named_as_wrong_and_came_back_was_created():
    answer = honest(rows(2), set())
    answer["errors"] = [{"inputIndex": 1, "errors": [{"code": "BAD"}]}]
    outcomes, notes = of_bulk(rows(2), answer, ECHOED)
    assert (states(outcomes), len(notes)) == ([CREATED] * 2, 1)


def test_of_two_rows_alike_the_one_that_is_named_as_wrong_was_not_created():
    sent = rows(1) * 2
    answer = honest(sent, {0})
    answer["failed"] = 2
    outcomes, notes = of_bulk(sent, answer, ECHOED)
    assert (states(outcomes), len(notes)) == ([REJECTED, CREATED], 1)


def test_the_bare_array_of_the_older_pages_is_read():
    outcomes, notes = of_bulk(rows(2), honest(rows(2), set())["data"], ECHOED)
    assert (states(outcomes), notes) == ([CREATED] * 2, [])


def test_counts_alone_do_where_all_have_the_same_fate():
    answer = {"total": 2, "succeeded": 2, "failed": 0, "unprocessed": 0, "errors": []}
    outcomes, notes = of_bulk(rows(2), answer, ECHOED)
    assert (states(outcomes), notes) == ([CREATED] * 2, [])


@pytest.mark.parametrize(
    "answer", [None, "ok", 7, {}, {"ok": True}, {"data": "x"}, {"data": 7}]
)
def test_an_answer_that_says_nothing_leaves_all_uncertain(answer):
    outcomes, notes = of_bulk(rows(2), answer, ECHOED)
    assert states(outcomes) == [UNCERTAIN] * 2
    assert notes


def test_words_of_the_api_are_cut_and_hold_no_control_characters():
    answer = honest(rows(1), {0})
    answer["errors"][0]["errors"][0]["message"] = "\x1b[31m" + "long " * 200
    (outcome,), _ = of_bulk(rows(1), answer, ECHOED)
    assert len(outcome.errors[0].message) <= 300
    assert outcome.errors[0].message.isprintable()


def test_a_refusal_that_names_rows_rejects_those_and_leaves_the_others():
    named = [{"loc": ["body", 1, "phone", "phoneType"], "msg": "m", "type": "enum"}]
    outcomes = of_refusal(named, 3, RowError("", "", "no"))
    assert states(outcomes) == [UNSENT, REJECTED, UNSENT]
    assert outcomes[1].errors == (RowError("enum", "phone.phoneType", "m"),)


@pytest.mark.parametrize("details", [None, "x", [], [{"loc": ["body", 9]}], [1]])
def test_a_refusal_that_names_no_row_rejects_all(details):
    assert states(of_refusal(details, 2, RowError("", "", "no"))) == [REJECTED] * 2


def test_a_count_takes_no_room_however_large_it_is():
    tracemalloc.start()
    outcomes, notes = of_bulk([{"name": "A"}], {"errors": [], "succeeded": 10**5}, ())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [outcome.state for outcome in outcomes] == [UNCERTAIN]
    assert "succeeded 100000" in notes[0]
    assert most < 10**6


A, B, C = rows(3)
NOT_ALL_CREATED = {
    "one that came twice": {"succeeded": 3, "data": [A, A, B]},
    "one id that came twice": {"data": [{"id": "1"}, {"id": "1"}, {"id": "2"}]},
    "an error among them": {"data": [A, B, {**C, "errors": [{"code": "BAD"}]}]},
    "an error among ids": {"data": [{"id": "1"}, {"id": "2"}, {"error": "bad email"}]},
    "counts as text": {"succeeded": "2", "failed": "1", "data": [A, B, C]},
    "counts as floats": {"succeeded": 3.0, "failed": 1.0, "data": [A, B, C]},
    "another total": {"total": 2, "data": [A, B, C]},
    "a count that is none": {"succeeded": "all", "data": [A, B, C]},
}


@pytest.mark.parametrize("answer", NOT_ALL_CREATED.values(), ids=NOT_ALL_CREATED)
def test_what_does_not_prove_that_all_were_created_is_told(answer):
    outcomes, (note,) = of_bulk([A, B, C], answer, ECHOED)
    assert UNCERTAIN in states(outcomes) or "does not fit together" in note
    assert not {REJECTED, UNSENT} & {*states(outcomes)}
    if "error" in str(answer):
        assert states(outcomes)[2] == UNCERTAIN


def test_counts_may_be_written_as_text():
    answer = {"total": "3", "succeeded": "3", "failed": 0.0, "data": [A, B, C]}
    outcomes, notes = of_bulk([A, B, C], answer, ECHOED)
    assert (states(outcomes), notes) == ([CREATED] * 3, [])


def test_records_that_have_ids_of_their_own_are_as_many_rows():
    sent = [{"name": "Anna  Berg"}, {"name": "Anna Berg"}]
    records = [{"id": "1", "name": "Anna Berg"}, {"id": "2", "name": "Anna Berg"}]
    records[0]["errors"] = ["a warning"]
    answer = {"total": 2, "succeeded": 2, "failed": 0, "data": records}
    outcomes, _ = of_bulk(sent, answer, ECHOED)
    assert states(outcomes) == [CREATED] * 2


@pytest.mark.parametrize("counts", [{}, {"total": 2, "succeeded": 1, "failed": 1}])
@pytest.mark.parametrize("told", [{"error": "no"}, {"errors": [{"code": "BAD"}]}])
def test_a_record_that_is_in_error_is_created_only_where_that_is_counted(counts, told):
    records = [{"id": "1", **A}, {"id": "2", **B, **told}]
    outcomes, _ = of_bulk([A, B], {"data": records, **counts}, ECHOED)
    assert states(outcomes) == [CREATED, UNCERTAIN]
    outcomes, _ = of_bulk([A, B], records, ECHOED)
    assert states(outcomes) == [CREATED, UNCERTAIN]


def test_a_record_that_may_be_of_either_of_two_rows_proves_none():
    sent = [{"name": "Anna", "email": "a@firm"}, {"name": "Anna", "email": "b@firm"}]
    answer = {"total": 2, "succeeded": 1, "failed": 1, "data": [{"id": "1"}]}
    answer["data"][0]["name"] = "Anna"
    outcomes, _ = of_bulk(sent, answer, ECHOED)
    assert states(outcomes) == [UNCERTAIN] * 2
    outcomes, _ = of_bulk([sent[0]] * 2, answer, ECHOED)
    assert states(outcomes) == [CREATED, UNCERTAIN]
    answer = {"unprocessed": 1, "data": answer["data"]}
    assert states(of_bulk(sent, answer, ECHOED)[0]) == [UNCERTAIN] * 2
