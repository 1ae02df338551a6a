"""
A list in numbered pages, from a server that costs next to nothing but its latency.

What the server itself works would count as the client's delay, eight times over where
eight ask at once. So its answers are bytes from the start, and it waits with
``select``: ``epoll`` counts in whole milliseconds.
``python tests/bench/servers/list_server.py '{"latency": 0.02}'`` serves until its
input closes.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import selectors
import sys
import time

SIZE = 100
_PAGE = re.compile(rb"[?&]page=(\d+)")
_HEAD = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n"


def page(number, pages):
    """Give one of the answers, of rows with 22 fields."""
    first = (number - 1) * SIZE
    names = [f"field{n}" for n in range(20)]
    items = [
        {"id": f"t{n}", "number": n, **{name: f"t{n} {name}" for name in names}}
        for n in range(first, first + SIZE)
    ]
    about = {"page": number, "size": SIZE, "total": pages * SIZE, "pages": pages}
    body = json.dumps({"items": items, "meta": about}).encode()
    return _HEAD % (b"200 OK", len(body), b"") + body


class Bucket:
    """Lets so many through a second, after a burst at once; 0 for all."""

    def __init__(self, rate, burst):
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, time.monotonic()
        self.refused = 0

    def wait(self):
        """Give the seconds until the next is taken; 0 takes this one."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left >= 1 or not self._rate:
            self._left -= 1
            return 0.0
        self.refused += 1
        return (1 - self._left) / self._rate


class Connection(asyncio.Protocol):
    def __init__(self, answers, bucket, latency):
        self._answers, self._bucket, self._latency = answers, bucket, latency

    def connection_made(self, transport):
        self._transport = transport

    def data_received(self, data):
        # A request fits into one packet, and none is sent before the last is answered.
        if seconds := self._bucket.wait():
            told = b"Retry-After: %d\r\n" % math.ceil(seconds)
            answer = _HEAD % (b"429 Too Many Requests", 0, told)
        else:
            asked = _PAGE.search(data)
            answer = self._answers[int(asked[1]) if asked else 1]
        loop = asyncio.get_running_loop()
        loop.call_later(self._latency, self._transport.write, answer)


async def serve(*, pages=200, latency=0.0, rate=0, burst=0):
    """Serve, and tell how many were refused for each line that is read."""
    answers = {number: page(number, pages) for number in range(1, pages + 1)}
    bucket, loop = Bucket(rate, burst), asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(answers, bucket, latency), "127.0.0.1", 0
    )
    host, port = server.sockets[0].getsockname()
    print(f"http://{host}:{port}", flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(bucket.refused, flush=True)
    server.close()


def main():
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    loop.run_until_complete(serve(**json.loads(sys.argv[1])))


if __name__ == "__main__":
    main()
