"""
A server of one long list, with whatever may go wrong on the way to its end.

``python tests/protocol/pages.py '{"rows": 500}'`` serves until its input closes.
"""

from __future__ import annotations

import asyncio
import collections
import json
import math
import random
import sys
import threading
import time

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler


class Pages:
    """
    Serves ``/things``, numbered or by cursor, from construction to :meth:`stop`.

    Parameters
    ----------
    rows : int
        Of the list; each has an id and twenty texts if ``wide``.
    latency : float
        Seconds that an answer takes.
    rate, burst : float
        Requests a second, after which a request is refused; 0 for any number.
    refused, reset : float
        Shares of requests that are answered 429, or whose connection breaks.
    retry_after : str or None
        What a refusal says; None for the seconds until the next is taken, rounded up.
    change : callable
        Told the number of each request and the list; changes it.
    accepts : callable
        Told what a request is signed with; says whether that is good.
    """

    def __init__(self, rows=500, style="page", latency=0.0, rate=0, burst=None, **odd):
        self.rows = [{"id": f"t{n}", "number": n} for n in range(rows)]
        if odd.pop("wide", False):
            for row in self.rows:
                row.update({f"field{n}": f"{row['id']} {n}" for n in range(20)})
        self.style, self.latency, self.rate = style, latency, rate
        self.burst = burst or max(1, rate)
        self.odd = {"refused": 0, "reset": 0, "retry_after": None, "change": None}
        self.odd["accepts"] = lambda _: True
        self.odd |= odd
        self.seen = []
        self.answers = collections.Counter()
        self._bodies = {}
        self.under_way = self.most_under_way = 0
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self._dice = random.Random(5)  # noqa: S311 (no secret)
        self._tokens, self._at = self.burst, time.monotonic()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.url = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(9)

    async def _start(self):
        (socket,) = bind_sockets(0, "127.0.0.1")
        target = (r"/things", _Things, {"pages": self})
        app = Application([target], log_function=lambda _: None)
        self._server = HTTPServer(app)
        self._server.add_socket(socket)
        return f"http://127.0.0.1:{socket.getsockname()[1]}"

    async def _end(self):
        self._server.stop()
        await self._server.close_all_connections()

    def stop(self):
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(9)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def hang(self):
        """Answer nothing more."""
        self._loop.call_soon_threadsafe(self.goes_on.clear)

    def go_on(self):
        """Answer again, and what was not answered."""
        self._loop.call_soon_threadsafe(self.goes_on.set)

    def refusal(self):
        """Give what Retry-After says to this request; None where it is taken."""
        told = self.odd["retry_after"]
        if self._dice.random() < self.odd["refused"]:
            return told or "1"
        if not self.rate:
            return None
        now = time.monotonic()
        gained = (now - self._at) * self.rate
        self._tokens, self._at = min(self.burst, self._tokens + gained), now
        if self._tokens >= 1:
            self._tokens -= 1
            return None
        return told or str(math.ceil((1 - self._tokens) / self.rate))

    def breaks(self):
        return self._dice.random() < self.odd["reset"]

    def body(self, asked):
        """Give an answer as text; the same one is written once."""
        if self.odd["change"]:
            self._bodies.clear()
        key = tuple(sorted(asked.items()))
        if key not in self._bodies:
            self._bodies[key] = json.dumps(self.page(asked.get))
        return self._bodies[key]

    def page(self, ask):
        """Give the answer to query parameters."""
        if self.odd["change"]:
            self.odd["change"](len(self.seen), self.rows)
        count = len(self.rows)
        if self.style == "cursor":
            start, size = int(ask("cursor", 0)), int(ask("limit", 10))
            more = start + size < count
            about = {"limit": size, "hasNext": more, "total": count}
            about["nextCursor"] = str(start + size) if more else None
            return {"items": self.rows[start : start + size], "pagination": about}
        page, size = int(ask("page", 1)), int(ask("size", 10))
        about = {"page": page, "size": size, "total": count}
        about["pages"] = max(1, -(-count // size))
        items = self.rows[(page - 1) * size : page * size]
        return {"items": items, "meta": about}


class _Things(RequestHandler):
    def initialize(self, pages):
        self._pages = pages

    async def get(self):
        pages = self._pages
        pages.seen.append(self.request.query)
        pages.under_way += 1
        pages.most_under_way = max(pages.most_under_way, pages.under_way)
        try:
            seconds = pages.refusal()
            await asyncio.sleep(pages.latency)
            await pages.goes_on.wait()
        finally:
            pages.under_way -= 1
        if seconds is not None:
            pages.answers["refused"] += 1
            self.set_status(429)
            self.set_header("Retry-After", seconds)
            self.finish({"error": "rate_limited"})
        elif not pages.odd["accepts"](self.request.headers.get("Authorization")):
            pages.answers["unauthorized"] += 1
            self.set_status(401)
            self.finish({"error": "unauthorized"})
        elif pages.breaks():
            pages.answers["broken"] += 1
            self.request.connection.stream.close()
        else:
            pages.answers["given"] += 1
            self.set_header("Content-Type", "application/json")
            asked = self.request.query_arguments
            self.finish(pages.body({n: v[0].decode() for n, v in asked.items()}))

    def on_connection_close(self):
        self._pages.answers["left"] += 1


def main():
    pages = Pages(**json.loads(sys.argv[1]))
    for n in range(len(pages.rows) // 100):
        pages.body({"page": str(n + 1), "size": "100"})  # now, and not while timed
    print(pages.url, flush=True)  # noqa: T201 (the parent reads it)
    for line in sys.stdin:
        if line.strip() == "answers":
            print(json.dumps(pages.answers), flush=True)  # noqa: T201 (the same)
            pages.answers.clear()
    pages.stop()


if __name__ == "__main__":
    main()
