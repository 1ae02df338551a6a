"""A process that is killed while it renews: what is lost, and what never is."""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from victim import digest

from intermezzo_nb.errors import LoginRequired

VICTIM = Path(__file__).parent / "victim.py"
ROUNDS = 200


@pytest.fixture
def signed_in(practice_server, connection, sign_in):
    """A session in the private file, and the practice server that it is of."""
    practice = practice_server()
    settings = practice.settings("person", store="file")
    made = connection(**settings)
    sign_in(made)
    return practice, settings, made


@pytest.mark.timeout(240)
def test_a_kill_costs_at_most_the_answer_that_was_on_its_way(signed_in, sign_in):
    practice, settings, made = signed_in
    seconds = random.Random(7)  # noqa: S311 (no secret comes from it)
    lost = renewals = 0
    longest = 8 * one_takes(made)
    with subprocess.Popen(
        [sys.executable, str(VICTIM), json.dumps(settings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as victim:
        assert json.loads(victim.stdout.readline())["state"] == "kept"
        for _ in range(ROUNDS):
            before = practice.ledger.token_requests
            victim.stdin.write(f"{seconds.uniform(0.0, longest)}\n")
            victim.stdin.flush()
            left = json.loads(victim.stdout.readline())
            settle(practice)
            renewals += practice.ledger.token_requests - before
            assert left["state"] == "kept", "the store is never damaged"
            if not was_lost(left, practice.ledger):
                continue
            lost += 1
            with pytest.raises(LoginRequired) as caught:
                renewed(made)
            assert caught.value.code == "session_ended"
            sign_in(made, force=True)
    told = f"{ROUNDS} kills in {renewals} renewals: {lost} sign-ins lost"
    told = f"{told}; {window(practice, made)}"
    sys.__stdout__.write(f"\n{told}\n")
    # How many fit into the time before each kill depends on what else is run meanwhile.
    assert renewals > ROUNDS // 4


def one_takes(made):
    """Measure a renewal, in seconds: a busy machine takes many times as long."""
    took = []
    for _ in range(20):
        begun = time.perf_counter()
        renewed(made)
        took.append(time.perf_counter() - begun)
    return statistics.median(took)


def settle(practice):
    # What the dead have sent before their end is answered first.
    for _ in range(3):
        requests.get(f"{practice.url}/jwks", timeout=10).close()


def was_lost(left, ledger):
    alive = {digest(token) for token in ledger._refresh}
    if left["refresh_token"] in alive:
        return False
    # The server had committed and we had not renamed: what is kept is the very last
    # token that was spent.
    assert left["refresh_token"] == digest(list(ledger._spent)[-1])
    return True


def renewed(made):
    made._session._source._held = None  # as a process that has just begun
    kept = made._session.token()
    return made._session.token(rejected=kept.access_token)


def window(practice, made):
    """Measure what lies between the server's commit and our rename."""
    committed, keep = [], practice.ledger.keep_refresh

    def timed(token, grant):
        keep(token, grant)
        committed.append(time.time())

    practice.ledger.keep_refresh = timed
    path = made._session._source.store._path(made._session._source._key)
    widths = []
    for _ in range(30):
        renewed(made)
        widths.append(path.stat().st_ctime - committed[-1])
    del practice.ledger.keep_refresh
    middle, most = statistics.median(widths), max(widths)
    return f"the window is {1000 * middle:.1f} ms wide, {1000 * most:.1f} at most"
