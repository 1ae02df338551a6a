"""A run that is killed: its journal tells what was sent, and the rest is sent later."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from tables import BAD, ROWS, contacts, with_bad_rows

SENDER = Path(__file__).parent / "sender.py"
CHUNK = 100


@pytest.fixture
def scene(practice_server, connection, tmp_path):
    """A practice server that takes its time, and what a sender has to know."""
    practice = practice_server(latency=20)
    settings = practice.settings("machine", store="memory")
    api = connection(**settings)
    owner = api.get("/organizations")[0]["id"]
    journal = tmp_path / "run.jsonl"
    told = {"settings": settings, "organization": owner, "journal": str(journal)}
    command = [sys.executable, str(SENDER), json.dumps(told)]
    return practice.server.practice.desk, api, owner, journal, command


def run_until(command, is_enough):
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sender:
        while sender.poll() is None and not is_enough():
            time.sleep(0.002)
        sender.kill()
        return sender.stdout.read()


def there(desk):
    return Counter(record["name"] for record in desk.created.get("contacts", []))


def told_by(journal):
    """Count the rows of a journal by what it knows of them."""
    lines = journal.read_bytes().split(b"\n")[:-1]  # the last one may be torn
    entries = [json.loads(line) for line in lines]
    answers = {e["answered"]: e for e in entries if "answered" in e}
    told = Counter()
    for entry in entries:
        if "sending" in entry:
            answer = answers.get(entry["sending"])
            told["sent"] += len(entry["rows"])
            told["uncertain"] += 0 if answer else len(entry["rows"])
            for state in ("created", "rejected"):
                told[state] += len(answer[state]) if answer else 0
    return told


@pytest.mark.timeout(120)
def test_a_run_killed_at_half_is_finished_by_the_next_one(scene):
    desk, api, owner, journal, command = scene
    run_until(command, lambda: len(desk.created.get("contacts", [])) > ROWS / 2)
    time.sleep(0.1)  # for what was under way
    at_kill = there(desk)
    assert ROWS / 2 < at_kill.total() < ROWS - BAD
    assert "Person" not in journal.read_text()
    told = told_by(journal)
    assert told["uncertain"] in {0, CHUNK}
    assert at_kill.total() - told["created"] in range(CHUNK + 1)
    assert told["rejected"] > 0
    frame, bad = with_bad_rows(contacts(ROWS))
    options = {"organization": owner, "journal": journal, "on_error": "report"}
    report = api.send("contacts", frame, **options)
    assert report.requests == (ROWS - told["sent"]) / CHUNK
    counts = report.counts
    assert counts["unsent"] == 0
    assert counts["uncertain"] in {0, CHUNK}
    assert sum(counts[name] for name in ("created", "rejected", "uncertain")) == ROWS
    names = there(desk)
    assert set(names.values()) == {1}, "nothing is there twice"
    sent_now = report.requests * CHUNK
    assert sent_now <= ROWS - at_kill.total() + CHUNK
    good = frame.drop([*bad])
    # What is uncertain may be there or not: that is what the word says.
    missing = {*good["name"]} - {*names}
    assert missing <= {*report.uncertain["name"]}
    assert {*report.rejected.index} <= {*bad}
    assert {*bad} <= {*report.rejected.index, *report.uncertain.index}


@pytest.mark.timeout(180)
def test_many_kills_lose_a_chunk_each_at_most_and_send_nothing_twice(scene):
    desk, api, owner, journal, command = scene
    seconds = random.Random(5)  # noqa: S311 (no secret comes from it)
    kills = 0
    for _ in range(8):
        before = there(desk).total()
        until = time.monotonic() + seconds.uniform(0.02, 0.5)

        def is_enough(before=before, until=until):
            return there(desk).total() > before and time.monotonic() > until

        if run_until(command, is_enough):
            break
        kills += 1
    time.sleep(0.1)
    frame, bad = with_bad_rows(contacts(ROWS))
    options = {"organization": owner, "journal": journal, "on_error": "report"}
    report = api.send("contacts", frame, **options)
    names = there(desk)
    assert kills > 2
    assert set(names.values()) == {1}
    assert report.counts["uncertain"] <= kills * CHUNK
    assert report.counts["unsent"] == 0
    assert {*frame.drop([*bad])["name"]} - {*names} <= {*report.uncertain["name"]}
    told = f"{kills} kills: {report.counts}"
    sys.__stdout__.write(f"\n{told}\n")
