"""Many threads and processes, one session, and the moment at which it expires."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace

WORKER = Path(__file__).parent / "worker.py"


@pytest.fixture
def expired(practice_server, connection, sign_in):
    """A session in the private file, whose access token has just died everywhere."""
    practice = practice_server()
    settings = practice.settings("person", store="file")
    made = connection(**settings)
    sign_in(made)
    source = made._session._source
    dead = replace(source.peek(), issued_at=1.0)
    source.store.save(source._key, dead)
    practice.ledger._access.clear()
    practice.ledger.token_requests = 0
    return practice, settings, made


def at_once(settings, *, processes, threads):
    """Let them all call at the same moment; give what each call got."""
    command = [sys.executable, str(WORKER), json.dumps(settings), str(threads)]
    workers = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(processes)
    ]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    outputs = [worker.communicate()[0] for worker in workers]
    assert all(worker.returncode == 0 for worker in workers)
    return [answer for output in outputs for answer in json.loads(output)]


@pytest.mark.parametrize(("processes", "threads"), [(1, 64), (8, 1), (8, 8)])
def test_one_renewal_serves_them_all(expired, processes, threads):
    practice, settings, _ = expired
    told = at_once(settings, processes=processes, threads=threads)
    assert told == [3] * (processes * threads)
    assert practice.ledger.token_requests == 1


def test_the_family_lives_on(expired):
    practice, settings, made = expired
    at_once(settings, processes=4, threads=2)
    # The connection that signed in still holds the token that has died.
    assert made.get("/organizations")
    assert practice.ledger.token_requests == 1
    made._session.token(rejected=made._session.token().access_token)
    assert practice.ledger.token_requests == 2
    assert made.get("/organizations")


def test_a_machine_asks_once_a_process(practice_server):
    practice = practice_server()
    told = at_once(practice.settings("machine"), processes=8, threads=8)
    assert told == [3] * 64
    assert practice.ledger.token_requests <= 8


def test_who_come_first_together_go_through_one_gate(shared_practice, connection):
    settings = shared_practice.settings("machine")
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            for _ in range(20):
                made, together = connection(**settings), threading.Barrier(8)

                def first(made=made, together=together):
                    together.wait(10)
                    return made.session

                found = [threads.submit(first) for _ in range(8)]
                assert len({id(one.result()) for one in found}) == 1
    finally:
        sys.setswitchinterval(interval)
