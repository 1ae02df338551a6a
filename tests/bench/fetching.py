"""
Pages of a list: the time over what the server alone needs, and refusals.

The server is a child process; a page is one of 100 rows with 22 fields. Ours asks for
the first page alone, as nobody knows before how many there are: that is one round of
twenty-six, or 0.04 of the limit. The others are told.
``python tests/bench/fetching.py``
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
import urllib3
from requests.adapters import HTTPAdapter

from intermezzo_nb.api.client import Api, ApiSession
from intermezzo_nb.api.frames import framed
from intermezzo_nb.api.query import Query
from intermezzo_nb.api.reading import Reading
from intermezzo_nb.api.signing import BearerAuth
from intermezzo_nb.oauth.models import Token
from intermezzo_nb.secret import Secret
from intermezzo_nb.tokens.source import TokenSource
from intermezzo_nb.tokens.store import MemoryStore

SERVER = Path(__file__).parent / "servers" / "list_server.py"
PAGES, AT_ONCE, ROUNDS, RATE = 200, 8, 5, 50
SIZE = 100


class Server:
    """A child that serves a list."""

    def __init__(self, **options):
        command = [sys.executable, str(SERVER), json.dumps(options)]
        pipe = subprocess.PIPE
        self._child = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self.url = self._child.stdout.readline().strip()

    @property
    def refused(self):
        self._child.stdin.write("refused?\n")
        self._child.stdin.flush()
        return int(self._child.stdout.readline())

    def stop(self):
        self._child.communicate()


def one_by_one(url):
    with requests.Session() as session:
        return sum(len(page(session, url, n)) for n in range(1, PAGES + 1))


def threads(url):
    retry = urllib3.Retry(
        20, status_forcelist=(429,), backoff_factor=0.1, raise_on_status=False
    )
    with requests.Session() as session, ThreadPoolExecutor(AT_ONCE) as pool:
        session.mount("http://", HTTPAdapter(pool_maxsize=AT_ONCE, max_retries=retry))
        numbers = range(1, PAGES + 1)
        return sum(len(p) for p in pool.map(lambda n: page(session, url, n), numbers))


def bare(url):
    """Fetch without a session's conveniences, by what requests itself stands on."""
    with (
        urllib3.PoolManager(maxsize=AT_ONCE) as pool,
        ThreadPoolExecutor(AT_ONCE) as threads,
    ):
        urls = [f"{url}/things?page={n}&size={SIZE}" for n in range(1, PAGES + 1)]
        answers = threads.map(lambda u: pool.request("GET", u), urls)
        return sum(len(answer.json()["items"]) for answer in answers)


def page(session, url, number):
    asked = {"page": number, "size": SIZE}
    return session.get(f"{url}/things", params=asked, timeout=30).json()["items"]


def ours(url):
    return through(url, lambda reading: sum(map(len, reading.batches())))


def as_frame(url):
    return through(url, lambda reading: framed(reading.batches(alike=True), None).rows)


def through(url, count):
    source = TokenSource(MemoryStore(), "key", lambda token, keep: token)
    source.accept(Token(Secret("t" * 43), expires_in=3600.0))
    with ApiSession(BearerAuth(source.token, url), url) as session:
        query = Query("/things", params={"size": SIZE})
        reading = Reading(Api(session, url), query)
        return count(reading)


WAYS = {
    "requests, one by one": one_by_one,
    "8 threads": threads,
    "8 threads, urllib3 alone": bare,
    "ours": ours,
    "ours, to a frame": as_frame,
}


def compare(ways, limit, goals, **options):
    times = {name: [] for name in ways}
    refused = {name: [] for name in ways}
    busy = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            # A new one for each: what it let through before, it refuses later.
            server = Server(pages=PAGES, **options)
            try:
                begun, worked = time.perf_counter(), time.process_time()
                assert way(server.url) == PAGES * SIZE
                times[name].append(time.perf_counter() - begun)
                busy[name].append((time.process_time() - worked) / PAGES)
                refused[name].append(server.refused)
            finally:
                server.stop()
    for name in ways:
        ratio = statistics.median(times[name]) / limit
        told = goals.get(name, "")
        middle = statistics.median(refused[name])
        work = statistics.median(busy[name]) * 1000
        print(f"  {name:<26}{ratio:>8.2f}{middle:>9.0f}{work:>8.2f} ms   {told}")


def main():
    print(
        f"  {PAGES} pages{'':<17}{'of limit':>8}{'refused':>9}{'CPU/page':>11}   goal"
    )
    for latency, goals in (
        (0.02, {"ours": "1.2", "ours, to a frame": "1.3"}),
        (0.1, {"ours": "1.07"}),
    ):
        print(
            f"{latency * 1000:.0f} ms, {AT_ONCE} at once; the limit is their quotient"
        )
        slow = {"requests, one by one", "ours, to a frame"} if latency > 0.02 else set()
        ways = {name: way for name, way in WAYS.items() if name not in slow}
        compare(ways, latency * PAGES / AT_ONCE, goals, latency=latency)
    ways = {n: WAYS[n] for n in ("8 threads", "ours")}
    for burst, goals in ((RATE, {"ours": "1.2, and 8 refused"}), (8, {}), (1, {})):
        rest = PAGES - burst
        print(
            f"20 ms, {burst} at once, then {RATE} a second; the limit: {rest} / {RATE}"
        )
        compare(ways, rest / RATE, goals, latency=0.02, rate=RATE, burst=burst)


if __name__ == "__main__":
    main()
