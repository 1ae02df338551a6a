"""A journal tells what a killed run has sent, and holds nothing of what it was."""

from __future__ import annotations

import json
import stat

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
from intermezzo_nb.errors import StoreError

ROWS = [f'{{"name":"Person {n}"}}' for n in range(6)]
HERE = "https://api.example /contacts"
WORDS = RowError("BAD", "email", "nobody@example is no address")
ANSWER = [Outcome(CREATED, record={"id": "c0"}), Outcome(REJECTED, (WORDS,))]


ALIKE = {4: Row(ROWS[4], "c-4"), 5: Row(ROWS[4], "c-5")}


def labelled(*places, rows=ROWS):
    return {at: Row(rows[at], f"c-{at}") for at in places}


def states(journal, rows=ROWS):
    rows = [*labelled(*range(len(rows)), rows=rows).values()]
    return [outcome.state for outcome in journal.recalled(rows)]


@pytest.fixture
def path(tmp_path):
    """A journal of two chunks answered or not, and one that was never sent."""
    path = tmp_path / "run.jsonl"
    with Journal(path, HERE) as journal:
        journal.sending(labelled(0, 1))
        journal.answered(ANSWER)
        journal.sending(labelled(2, 3))
    return path


def test_a_killed_run_is_told_apart(path):
    with Journal(path, HERE) as journal:
        assert states(journal) == [
            *(CREATED, REJECTED, UNCERTAIN, UNCERTAIN, UNSENT, UNSENT)
        ]
        recalled = journal.recalled([*labelled(0, 1).values()])
    assert recalled[0].record == {"id": "c0"}
    assert recalled[1].errors[0].code == "BAD"


def test_rows_are_known_again_in_any_order(path):
    with Journal(path, HERE) as journal:
        assert states(journal, ROWS[::-1])[-1] == CREATED


def test_a_second_row_of_the_same_words_is_another_row(path):
    with Journal(path, HERE) as journal:
        assert states(journal, [ROWS[0]] * 2) == [CREATED, UNSENT]


@pytest.mark.parametrize(
    ("label", "state"), [("c-4", UNCERTAIN), ("c-5", CREATED), ("moved", CREATED)]
)
def test_of_rows_of_the_same_words_each_is_known_by_its_label(path, label, state):
    with Journal(path, HERE) as journal:
        journal.sending(ALIKE)
        journal.answered(ANSWER[::-1])
    with Journal(path, HERE) as journal:
        # Of one alone nobody knows whether it is the one that was created.
        (outcome,) = journal.recalled([Row(ROWS[4], label)])
        assert outcome.state == state
        told = journal.recalled([*ALIKE.values()])
        assert [outcome.state for outcome in told] == [REJECTED, CREATED]


def test_it_is_on_the_disk_before_anything_is_sent(path, monkeypatch):
    synced = []
    monkeypatch.setattr("os.fsync", lambda _: synced.append(path.stat().st_size))
    with Journal(path, HERE) as journal:
        journal.sending(labelled(4))
        assert synced == [path.stat().st_size]
        journal.answered([Outcome(UNSENT)])
        assert synced[1:] == [path.stat().st_size]


def test_what_was_refused_before_it_was_processed_is_unsent(path):
    with Journal(path, HERE) as journal:
        journal.sending(labelled(4))
        journal.answered([Outcome(UNSENT)])
    with Journal(path, HERE) as journal:
        assert states(journal)[4] == UNSENT


def test_a_row_that_was_sent_again_has_its_later_outcome(path):
    with Journal(path, HERE) as journal:
        journal.sending(labelled(2), again=[2])
        journal.answered([Outcome(CREATED, record={"id": "c2"})])
    with Journal(path, HERE) as journal:
        assert states(journal)[2] == CREATED
        assert states(journal, [ROWS[2]] * 2) == [CREATED, UNSENT]


def test_no_value_and_no_word_about_one_is_kept(path):
    content = path.read_text()
    assert "Person" not in content
    assert "nobody" not in content
    assert "api.example" not in content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_same_rows_leave_other_hashes_in_another_journal(path, tmp_path):
    other = tmp_path / "other.jsonl"
    with Journal(other, HERE) as journal:
        journal.sending(labelled(0, 1))
    marks = [json.loads(p.read_text().splitlines()[1])["rows"] for p in (path, other)]
    assert not {*marks[0]} & {*marks[1]}


def test_a_journal_that_breaks_off_anywhere_forgets_nothing_that_was_sent(path):
    content = path.read_bytes()
    ends = [n for n, byte in enumerate(content) if byte == ord("\n")]
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with Journal(path, HERE) as journal:
            found = states(journal)
        lines = sum(end < length for end in ends)
        first = {2: UNCERTAIN, 3: CREATED, 4: CREATED}.get(lines, UNSENT)
        assert found[0] == first, length
        assert found[2] == (UNCERTAIN if lines == 4 else UNSENT), length
        assert found[5] == UNSENT
        with Journal(path, HERE) as journal:
            journal.sending(labelled(5))
        with Journal(path, HERE) as journal:
            assert states(journal) == [*found[:5], UNCERTAIN], length


@pytest.mark.parametrize(
    "content",
    [
        *("nonsense\n", "[]\n", "{}\n", '{"journal":2}\n'),
        *("no end of a line", "name,email\nErika,e@x.example", "{}", "\n", " "),
        "[" * 100_000 + "\n",
    ],
    ids=range(10),
)
def test_what_is_no_journal_is_left_alone(tmp_path, content):
    path = tmp_path / "x"
    path.write_text(content)
    with pytest.raises(StoreError) as caught:
        Journal(path, HERE)
    assert caught.value.code == "journal_damaged"
    assert "look up first what was created" in caught.value.advice
    assert path.read_text() == content


def test_a_journal_of_something_else_is_refused(path):
    with pytest.raises(StoreError) as caught:
        Journal(path, "https://api.example /worksites")
    assert caught.value.code == "journal_of_another"
    assert caught.value.advice == "Name another file."


@pytest.mark.parametrize("version", [0, 2, "1"])
def test_a_journal_of_another_version_is_told_as_one(path, version):
    head, *lines = [json.loads(one) for one in path.read_text().splitlines()]
    told = [head | {"journal": version}, *lines]
    path.write_text("".join(json.dumps(one) + "\n" for one in told))
    with pytest.raises(StoreError, match="another version") as caught:
        Journal(path, HERE)
    assert caught.value.code == "journal_of_another_version"
    assert "look up first what was created" in caught.value.advice


@pytest.mark.parametrize("answer", [None, []])
def test_a_journal_of_which_nothing_came_is_taken_for_something_else(tmp_path, answer):
    path = tmp_path / "run.jsonl"
    with Journal(path, HERE) as journal:
        if answer is not None:
            journal.sending(labelled(0))
            journal.answered([Outcome(UNSENT)])
    another = "https://api.example /worksites"
    with Journal(path, another) as journal:
        assert states(journal) == [UNSENT] * 6
        journal.sending(labelled(0))
    with pytest.raises(StoreError, match="journal_of_another"):
        Journal(path, HERE)
    with Journal(path, another) as journal:
        assert states(journal)[:2] == [UNCERTAIN, UNSENT]


def test_two_runs_do_not_share_a_journal(path):
    with Journal(path, HERE), pytest.raises(StoreError) as caught:
        Journal(path, HERE)
    assert caught.value.code == "journal_busy"
    assert "another file" not in caught.value.advice


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(StoreError) as caught:
        Journal(tmp_path / "nowhere" / "x", HERE)
    assert caught.value.code == "journal_unwritable"
    assert caught.value.advice.startswith("Make the folder")


def test_a_device_is_no_journal(tmp_path):
    path = tmp_path / "run.jsonl"
    path.symlink_to("/dev/full")
    with pytest.raises(StoreError, match="a folder, a device or a pipe") as caught:
        Journal(path, HERE)
    assert caught.value.advice == "Name a file."


def test_it_knows_of_whom_other_rows_were_created(tmp_path):
    path = tmp_path / "run.jsonl"
    with Journal(path, HERE) as journal:
        journal.sending({0: Row(ROWS[0], "ann"), 1: Row(ROWS[1], "ben")})
        journal.answered(ANSWER)
    assert "ann" not in path.read_text()
    with Journal(path, HERE) as journal:
        assert journal.paid_beside(ROWS[:1], ["ann"]) == []
        assert journal.paid_beside(ROWS[2:], ["cid", "ann", "ben"]) == [1]


def test_of_rows_alike_the_uncertain_one_stays_uncertain(path):
    with Journal(path, HERE) as journal:
        journal.sending(ALIKE)
        journal.answered([Outcome(UNCERTAIN), Outcome(REJECTED, (WORDS,))])
        journal.sending({5: Row(ROWS[4], "moved")}, again=[5])
        journal.answered([Outcome(CREATED, record={"id": "c5"})])
    with Journal(path, HERE) as journal:
        assert states(journal, [ROWS[4]] * 2) == [CREATED, UNCERTAIN]


@pytest.mark.parametrize(
    ("line", "changes"),
    [
        (1, {"sending": ...}),
        (1, {"rows": [[], []]}),
        (1, {"rows": "ab"}),
        (1, {"before": {"9": []}}),
        (1, {"before": {"0": [7]}}),
        (1, {"whose": [[], []]}),
        (2, {"answered": ...}),
        (2, {"created": {}}),
    ],
)
def test_a_line_that_does_not_tell_what_was_sent_is_damaged(path, line, changes):
    lines = [json.loads(one) for one in path.read_text().splitlines()]
    told = lines[line] | changes
    lines[line] = {name: value for name, value in told.items() if value is not ...}
    path.write_text("".join(json.dumps(one) + "\n" for one in lines))
    with pytest.raises(StoreError, match="journal_damaged"):
        Journal(path, HERE)


def lose_a_request(lines):
    del lines[1]


def join_two_journals(lines):
    lines += lines[1:]


def answer_nothing(lines):
    lines.append({"answered": 9})


@pytest.mark.parametrize("change", [lose_a_request, join_two_journals, answer_nothing])
def test_lines_that_are_not_those_of_one_journal_are_damaged(path, change):
    lines = [json.loads(one) for one in path.read_text().splitlines()]
    change(lines)
    path.write_text("".join(json.dumps(one) + "\n" for one in lines))
    with pytest.raises(StoreError, match="journal_damaged"):
        Journal(path, HERE)


def test_a_link_to_a_journal_is_that_journal(path):
    link = path.with_name("link.jsonl")
    link.symlink_to(path)
    with Journal(path, HERE), pytest.raises(StoreError) as caught:
        Journal(link, HERE)
    assert caught.value.code == "journal_busy"


def test_a_link_that_leads_nowhere_makes_nothing(path):
    loop, dangling = path.with_name("loop.jsonl"), path.with_name("link.jsonl")
    loop.symlink_to(loop)
    dangling.symlink_to(path.parent / "none" / "run.jsonl")
    for link in (loop, dangling):
        with pytest.raises(StoreError, match="cannot be used"):
            Journal(link, HERE)
    assert not (path.parent / "none").exists()


def test_a_name_that_no_file_can_have_is_told(tmp_path):
    with pytest.raises(StoreError, match="too long") as caught:
        Journal(tmp_path / ("x" * 300), HERE)
    assert caught.value.code == "journal_unwritable"
