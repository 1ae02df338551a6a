"""A row is known again by its label and by all that it has said, and counts once."""

from __future__ import annotations

import pytest

from intermezzo_nb.api.cases import Row
from intermezzo_nb.api.journal import Journal
from intermezzo_nb.api.outcomes import (
    CREATED,
    REJECTED,
    UNCERTAIN,
    UNSENT,
    Outcome,
    RowError,
)

HERE = "https://api.example /contacts"
ANSWERS = {
    "created": Outcome(CREATED, record={"id": "k"}),
    "rejected": Outcome(REJECTED, (RowError("BAD", "email"),)),
    "uncertain": Outcome(UNCERTAIN),
    "unsent": Outcome(UNSENT),
}


def rows_of(words):
    """Read ``"A0 B1<A"``: one that says A, labelled 0, and one that said so before."""
    told = [word.partition("<") for word in words.split()]
    return [Row(row[0], row[1:], tuple(before)) for row, _, before in told]


class Runs:
    """Runs of one journal, each in a process of its own."""

    def __init__(self, path):
        self.path = path

    def run(self, table, *requests, settled=""):
        """Recall a table, and send requests: rows, answers, and what is special."""
        with Journal(self.path, HERE) as journal:
            journal.recalled(rows_of(table), rows_of(settled))
            for words, answers, *special in requests:
                (more,) = special or ({},)
                journal.sending(dict(enumerate(rows_of(words))), **more)
                journal.answered([ANSWERS[answer] for answer in answers.split()])

    def recalled(self, table, settled=""):
        with Journal(self.path, HERE) as journal:
            told = journal.recalled(rows_of(table), rows_of(settled))
        return " ".join(outcome.state for outcome in told)

    def changed(self, table, settled=""):
        with Journal(self.path, HERE) as journal:
            return journal.changed(rows_of(table), rows_of(settled))

    def doubtful(self, table):
        with Journal(self.path, HERE) as journal:
            return journal.doubtful([row.mark for row in rows_of(table)])


@pytest.fixture
def runs(tmp_path):
    return Runs(tmp_path / "run.jsonl")


AGAIN = {"again": [0]}


@pytest.mark.parametrize(
    ("answer", "told"), [("created", "was created with"), ("uncertain", "look for")]
)
def test_a_row_that_was_sent_otherwise_in_the_end_says_so(runs, answer, told):
    runs.run("A0 C1", ("A0 C1", "rejected created"))
    runs.run("B0<A", ("B0<A", answer), settled="A0")
    with Journal(runs.path, HERE) as journal:
        outcomes = journal.recalled(rows_of("A0 C1"))
        same = journal.recalled(rows_of("B0"))
    assert [outcome.state for outcome in outcomes] == [answer, "created"]
    assert [bool(outcome.errors) for outcome in outcomes] == [True, False]
    assert told in outcomes[0].errors[0].message
    assert [(one.state, one.errors) for one in same] == [(answer, ())]


def test_what_was_corrected_by_a_run_of_its_own_is_uncertain(runs):
    runs.run("A0", ("A0", "rejected"))
    runs.run("B0", ("B0", "created"))
    assert runs.recalled("A0") == "uncertain"
    with Journal(runs.path, HERE) as journal:
        (told,) = journal.recalled(rows_of("A0"))
    assert [error.code for error in told.errors] == ["BAD", ""]
    assert "it may be this one, corrected" in told.errors[1].message
    assert runs.recalled("A0 B7") == "rejected created"


def test_what_was_corrected_and_not_answered_is_uncertain(runs):
    runs.run("A0", ("A0", "rejected"))
    runs.run("B0", ("B0", "uncertain"))
    assert runs.recalled("A0") == "uncertain"


def test_what_was_rejected_after_another_of_its_label_is_rejected(runs):
    runs.run("A0", ("A0", "created"))
    runs.run("B0", ("B0", "rejected"))
    assert runs.recalled("B0") == "rejected"


def test_a_correction_that_was_not_sent_is_that_of_its_label_alone(runs):
    runs.run("A0", ("A0", "rejected"))
    runs.run("B0", ("B0<A", "unsent"))
    runs.run("B5", ("B5", "created"))
    assert runs.recalled("A0 B5") == "rejected created"
    runs.run("B0", ("B0", "created"))
    assert runs.recalled("A0 B5") == "created created"


def test_a_row_sent_for_the_first_time_is_no_other_that_says_the_same(runs):
    runs.run("A0 A1", ("A0 A1", "uncertain unsent"))
    runs.run("A0", ("A0", "unsent", AGAIN))
    runs.run("A0 A1", ("A1", "created"))
    assert runs.recalled("A0 A1") == "uncertain created"


def test_a_retry_is_not_told_what_became_of_others_that_say_the_same(runs):
    runs.run("A0 A1", ("A0 A1", "rejected unsent"))
    assert runs.recalled("A1", settled="A0") == "unsent"
    assert runs.recalled("A1", settled="B0<A") == "unsent"
    # Nor of one that it sends itself, corrected.
    assert runs.recalled("B0<A A1") == "unsent unsent"


def test_one_that_was_corrected_to_what_another_says_is_sent(runs):
    runs.run("A0 A1", ("A0 A1", "rejected rejected"))
    runs.run("B0", ("B0<A", "created"), settled="A0 A1")
    assert runs.recalled("B1<A", settled="A0 A1") == "unsent"


def test_a_row_that_is_sent_again_alone_has_the_case_that_it_had_among_all(runs):
    # Two alike, corrected, found or not, and each again what the other was last.
    runs.run("A0 A1", ("A0 A1", "rejected rejected"))
    runs.run("B0 B1", ("B0<A B1<A", "uncertain uncertain"), settled="A0 A1")
    runs.run("A1", ("A1", "created", {**AGAIN, "found": True}))
    assert runs.recalled("A0 B1") == "created uncertain"
    assert runs.recalled("B1", settled="A0 B1") == "uncertain"
    assert runs.recalled("A0", settled="A0 B1") == "created"


def test_who_says_what_was_sent_last_comes_before_who_says_what_was_corrected(runs):
    runs.run("A0 A1", ("A0 A1", "rejected rejected"))
    runs.run("B0", ("B0<A", "created"), settled="A1")
    assert runs.recalled("A0 A1") == "created rejected"
    assert runs.recalled("A0 B1") == "rejected created"
    assert runs.recalled("A0") == "created"


def test_what_is_found_of_two_that_say_the_same_is_the_one_that_was_created(runs):
    runs.run("A0 A1", ("A0 A1", "rejected created"))
    assert runs.recalled("A0") == "uncertain"
    runs.run("A0", ("A0", "created", {**AGAIN, "found": True}))
    assert runs.recalled("A0 A1") == "created unsent"


@pytest.mark.parametrize("answer", ["rejected", "uncertain"])
def test_what_is_found_of_one_that_was_corrected_is_the_correction(runs, answer):
    runs.run("A0", ("A0", answer))
    runs.run("B0", ("B0", "created"))
    runs.run("A0", ("A0", "created", {**AGAIN, "found": True}))
    assert runs.recalled("A0 B5") == "created unsent"
    assert runs.recalled("B0") == "created"


def test_several_attempts_at_one_row_become_one(runs):
    runs.run("A0", ("A0", "rejected"))
    runs.run("B0", ("B0", "rejected"))
    runs.run("C0", ("C0<AB", "created"))
    for table in ("A0", "B0", "C0"):
        assert runs.recalled(table) == "created"
    assert runs.recalled("A0 B1 C2") == "unsent unsent created"


def test_what_came_as_it_was_is_not_sent_as_its_correction(
    runs,
):
    # Of two alike, one is created corrected; the other, with the label of the first.
    runs.run("A0 A1", ("A0 A1", "uncertain uncertain"))
    runs.run("B0 B1", ("B0<A B1<A", "created unsent"), settled="A0 A1")
    runs.run("A0 B1", ("A0", "created", AGAIN))
    assert runs.recalled("A0 B1") == "created created"
    assert runs.changed("B0 B1") == {1: "created"}


@pytest.mark.parametrize("answer", ["created", "uncertain", "rejected"])
def test_a_row_that_says_something_else_than_was_sent_is_told(runs, answer):
    runs.run("X0 A1", ("X0 A1", f"created {answer}"))
    told = {} if answer == "rejected" else {1: answer}
    for table in ("X0 B1", "X5 B1", "Y5 B1"):
        assert runs.changed(table) == told
    assert runs.changed("X0 A1 B2") == {}
    # Nor is anything else of a row that is among these, with another label.
    assert runs.changed("X0 B1 A2") == {}


@pytest.mark.parametrize("answer", ["created", "uncertain", "rejected"])
def test_a_changed_row_is_told_in_a_table_that_was_sorted_and_numbered_anew(
    runs, answer
):
    runs.run("A0 B1 C2", ("A0 B1 C2", f"{answer} created created"))
    told = {} if answer == "rejected" else {2: answer}
    assert runs.changed("C0 B1 X2") == told
    assert runs.changed("C0 B1 A2") == {}
    assert runs.changed("C0 B1 A2 X3") == {}  # one more, at the end
    assert runs.changed("X0 C1 B2 A3") == {}  # or anywhere, where none is missing
    assert runs.changed("C0 B1 X7") == {}  # with a label of its own


def test_of_two_that_say_the_same_the_one_that_was_changed_is_told(runs):
    runs.run("A0 A1", ("A0 A1", "created created"))
    assert runs.changed("A0 B1") == {1: "created"}


def test_a_row_whose_correction_is_said_by_another_is_not_sent_again(runs):
    runs.run("A0 B2", ("A0 B2", "uncertain unsent"))
    runs.run("B0", ("B0<A", "uncertain"))
    assert runs.recalled("A0 B2") == "unsent uncertain"
    assert runs.changed("A0 B2") == {0: "uncertain"}
    # What it was last, it can be sent as.
    assert runs.recalled("B0 B2") == "uncertain unsent"
    assert runs.changed("B0 B2") == {}


def test_what_is_settled_beside_a_retry_is_not_taken_for_a_row_of_it(runs):
    runs.run("X0 A1", ("X0 A1", "created created"))
    assert runs.changed("B1") == {0: "created"}
    assert runs.changed("B1", settled="A5") == {}


def test_a_correction_that_was_not_sent_is_told_once_its_row_was_created(runs):
    runs.run("A0", ("A0", "uncertain"))
    runs.run("B0", ("B0<A", "unsent"))
    runs.run("A0", ("A0", "created", AGAIN))
    assert runs.changed("B0") == {0: "created"}


def test_an_attempt_that_was_not_answered_is_remembered_whatever_came_later(runs):
    runs.run("A0", ("A0", "rejected"))
    runs.run("B0", ("B0", "uncertain"))
    assert runs.doubtful("A0 B0") == [1]
    runs.run("B0", ("B0", "rejected", AGAIN))
    assert runs.doubtful("A0 B0") == [1]
    runs.run("C0", ("C0<AB", "created"))
    assert runs.doubtful("A0 B0 C0 D0") == [0, 1, 2]


def test_a_retry_under_another_label_is_of_the_row_that_it_was(runs):
    runs.run("A0", ("A0", "rejected"))
    runs.run("A5", ("A5", "created", AGAIN))
    assert runs.recalled("A0") == "created"
    assert runs.recalled("A0 A5") == "unsent created"


def test_what_was_created_is_corrected_by_nothing(runs):
    runs.run("A0 A1", ("A0 A1", "created rejected"))
    runs.run("B5<A", ("B5<A", "created"))
    assert runs.recalled("A0 A1") == "created created"
    runs.run("C0<A", ("C0<A", "rejected"))
    assert runs.recalled("A0") == "created"


def test_what_was_planned_for_one_attempt_is_so_for_the_row(runs):
    runs.run("A0", ("A0", "rejected"))
    runs.run("B0", ("B0", "rejected"))
    runs.run("C0", ("C0<B", "unsent"))
    runs.run("D0", ("D0<AB", "rejected"))
    runs.run("C0", ("C0", "created"))
    for table in ("A0", "B0", "C0", "D0"):
        assert runs.recalled(table) == "created"


def test_a_row_counts_once_however_often_it_was_sent(runs):
    runs.run("A0", ("A0", "rejected"), ("A0", "rejected", AGAIN))
    runs.run("B0", ("B0", "rejected"))
    runs.run("C0", ("C0<AB", "created"))
    with Journal(runs.path, HERE) as journal:
        assert journal.beside(["Z"]) == {"created": 1}
        assert journal.beside(["C"]) == {}
