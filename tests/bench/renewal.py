"""
One expired session, many callers: requests to the token endpoint, losses, and time.

Rotation with reuse detection is on. The limit is the same calls with a live token,
and one round trip to the token endpoint, made by the standard library.
``python tests/bench/renewal.py``
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener

import requests
from msgspec.structs import replace
from requests_oauthlib import OAuth2Session

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "protocol")]

from conftest import Practice  # noqa: E402 (found by the line above)
from person import Person  # noqa: E402 (the same)

from intermezzo_nb.connection import Connection  # noqa: E402 (the same)
from intermezzo_nb.oauth.models import Token  # noqa: E402 (the same)
from intermezzo_nb.secret import Secret  # noqa: E402 (the same)
from intermezzo_nb.session import Session  # noqa: E402 (the same)
from intermezzo_nb.settings import Settings  # noqa: E402 (the same)
from intermezzo_nb.tokens.store import FileStore  # noqa: E402 (the same)

HERE = {"store": "file", "via": "loopback"}
CROWDS = [(1, 64), (8, 1), (8, 8)]
GOALS = {(1, 64): 1.1, (8, 1): 1.2, (8, 8): 1.5}
ROUNDS = 15
ROUND_TRIP = 0.05  # seconds, of a token endpoint in the wild, before it does its work


def signed_in(practice):
    """Sign a person in, with the session in the private file."""
    settings = Settings.resolve(
        profiles={"default": practice.settings("person", **HERE)}
    )
    connection, person = Connection(settings), Person()

    def present(login):
        threading.Thread(target=person.sign_in, args=(login.prompt.url,)).start()

    Session._insist_on_a_person = lambda *_: None  # somebody is there: the next line
    connection.login(present=present, force=True)
    return connection


def expire(practice, connection):
    source = connection._session._source
    source._held = None
    source.store.save(source._key, replace(source.peek(), issued_at=1.0))
    source._held = None
    practice.ledger._access.clear()
    practice.ledger.token_requests = 0


def crowd(command, processes, *arguments):
    """Let all call at the same moment; give what came back, and the seconds."""
    pipe = subprocess.PIPE
    workers = [
        subprocess.Popen(
            [*command, *arguments],
            stdin=pipe,
            stdout=pipe,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(processes)
    ]
    for worker in workers:
        worker.stdout.readline()
    begun = time.perf_counter()
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    told = [json.loads(worker.stdout.readline() or "[]") for worker in workers]
    seconds = time.perf_counter() - begun
    for worker in workers:
        worker.communicate()
    return [answer for answers in told for answer in answers], seconds


def round_trip(practice):
    """Give the seconds of a renewal that does nothing but ask."""
    connection, seconds = signed_in(practice), []
    refresh = connection._session._source.peek().refresh_token.reveal()
    opener = build_opener(ProxyHandler({}))
    for _ in range(ROUNDS):
        asked = {
            "grant_type": "refresh_token",
            "refresh_token": refresh,
            "client_id": "intermezzo-notebook",
        }
        begun = time.perf_counter()
        with opener.open(
            f"{practice.url}/oauth2/token", urlencode(asked).encode()
        ) as a:
            refresh = json.load(a)["refresh_token"]
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def ours(practice, processes, threads, asking):
    connection = signed_in(practice)
    worker = [sys.executable, str(TESTS / "protocol" / "worker.py")]
    settings = json.dumps(practice.settings("person", **HERE))
    live, dead, failures, asked = [], [], 0, 0
    for _ in range(ROUNDS):
        connection._session.token()
        live.append(crowd(worker, processes, settings, str(threads))[1])
        expire(practice, connection)
        told, seconds = crowd(worker, processes, settings, str(threads))
        dead.append(seconds)
        asked = max(asked, practice.ledger.token_requests)
        failures += sum(not isinstance(answer, int) for answer in told)
    limit = statistics.median(live) + asking
    ratio, goal = statistics.median(dead) / limit, GOALS[processes, threads]
    print(
        f"{'ours':<20}{processes} × {threads:<4}{asked:>9}{failures:>9}{ratio:>9.2f}"
        f"{goal:>7}"
    )


def peer(practice, processes, threads):
    """Count for requests-oauthlib what its own documentation does."""
    connection = signed_in(practice)
    source = connection._session._source
    token = source.peek()
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "token.json"
        kept.write_text(
            json.dumps(
                {
                    "access_token": token.access_token.reveal(),
                    "refresh_token": token.refresh_token.reveal(),
                    "token_type": "Bearer",
                    "expires_in": -1,
                    "expires_at": 1,
                }
            )
        )
        practice.ledger._access.clear()
        practice.ledger.token_requests = 0
        command = [sys.executable, __file__, "peer"]
        told, _ = crowd(command, processes, practice.url, str(kept), str(threads))
        asked = practice.ledger.token_requests
        refresh = json.loads(kept.read_text())["refresh_token"]
        is_alive = practice.ledger._refresh.get(refresh) is not None
    failures = processes * threads - sum(answer == 200 for answer in told)
    print(
        f"{'requests-oauthlib':<20}{processes} × {threads:<4}{asked:>9}{failures:>9}"
        f"{'':>9}{'':>7}  {'' if is_alive else 'and the sign-in is lost'}"
    )


def be_peer(url, kept, threads):
    os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
    path = Path(kept)
    session = OAuth2Session(
        "intermezzo-notebook",
        token=json.loads(path.read_text()),
        auto_refresh_url=f"{url}/oauth2/token",
        auto_refresh_kwargs={"client_id": "intermezzo-notebook"},
        token_updater=lambda token: path.write_text(json.dumps(token)),
    )
    told, barrier = [], threading.Barrier(int(threads))

    def call():
        barrier.wait()
        try:
            told.append(session.get(f"{url}/v1/organizations").status_code)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is a failure)
            told.append(type(error).__name__)

    workers = [threading.Thread(target=call) for _ in range(int(threads))]
    print("ready", flush=True)
    sys.stdin.readline()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(json.dumps(told), flush=True)


def local_part():
    """Time what a renewal does on this machine: lock, read, write, fsync."""
    with tempfile.TemporaryDirectory() as folder:
        store = FileStore(Path(folder))
        token = Token(Secret("a" * 43), refresh_token=Secret("r" * 43))
        seconds = []
        for _ in range(200):
            begun = time.perf_counter()
            with store.lock("key"):
                store.load("key")
                store.save("key", token)
            seconds.append(time.perf_counter() - begun)
    middle = statistics.median(seconds)
    print(
        f"local part of a renewal: {middle * 1000:.2f} ms, "
        f"{middle / ROUND_TRIP:.3f} of a round trip of 50 ms; goal 0.05"
    )


def main():
    local_part()
    print(
        f"\n{'':<20}{'callers':<8}{'asked':>9}{'failed':>9}{'of limit':>9}{'goal':>7}"
    )
    with tempfile.TemporaryDirectory() as home:
        os.environ["XDG_STATE_HOME"] = home
        slow_token_endpoint()
        practice = Practice(rows=50)
        try:
            requests.get(practice.url, timeout=5).close()
            asking = round_trip(practice)
            for processes, threads in CROWDS:
                ours(practice, processes, threads, asking)
                peer(practice, processes, threads)
        finally:
            practice.stop()


def slow_token_endpoint():
    from tornado import gen

    from intermezzo_nb.demo.authorization import TokenEndpoint

    post = TokenEndpoint.post

    async def late(self):
        await gen.sleep(ROUND_TRIP)
        post(self)

    TokenEndpoint.post = late


if __name__ == "__main__":
    if sys.argv[1:2] == ["peer"]:
        be_peer(*sys.argv[2:])
    else:
        main()
