"""
Reads all things of an API whose address is the first argument, and is interrupted.

Run by ``test_fetching.py``, in a process of its own and in a kernel.
"""

from __future__ import annotations

import sys

from intermezzo_nb.api.client import Api, ApiSession
from intermezzo_nb.api.query import Query
from intermezzo_nb.api.reading import Reading
from intermezzo_nb.api.signing import BearerAuth
from intermezzo_nb.oauth.models import Token
from intermezzo_nb.secret import Secret


def api(url):
    auth = BearerAuth(lambda **_: Token(Secret("a-token-made-up-here")), url)
    return Api(ApiSession(auth, url), url)


def rows(api):
    return sum(len(batch) for batch in Reading(api, Query("/things")).batches())


def main():
    ours = api(sys.argv[1])
    print(rows(ours), flush=True)  # noqa: T201 (the test reads it)
    sys.stdin.readline()
    try:
        rows(ours)
    except KeyboardInterrupt:
        print("interrupted", flush=True)  # noqa: T201 (the test reads it)
    sys.stdin.readline()
    print(rows(ours), flush=True)  # noqa: T201 (the test reads it)


if __name__ == "__main__":
    main()
