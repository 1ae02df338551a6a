"""
Renews without end in a child that is killed, round after round.

A round is asked for by a line with the seconds from a child's first look at its store
to its end, and answered by a line of JSON about the store that it left.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time

from intermezzo_nb.connection import Connection
from intermezzo_nb.errors import LoginRequired, StoreError
from intermezzo_nb.settings import Settings


def main():
    settings = Settings.resolve(profiles={"default": json.loads(sys.argv[1])})
    # Once here, so that no child pays for the imports.
    source = Connection(settings)._session._source
    say(left_by(source))
    for line in sys.stdin:
        begun, begins = os.pipe()
        if (child := os.fork()) == 0:
            renew_without_end(settings, begins)
        os.close(begins)
        os.read(begun, 1)
        os.close(begun)
        time.sleep(float(line))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        say(left_by(source))


def renew_without_end(settings, begins):
    session = Connection(settings)._session
    try:
        os.write(begins, b".")
        token = session.token()
        while True:
            token = session.token(rejected=token.access_token)
    except LoginRequired:
        time.sleep(60)  # until it is killed


def left_by(source):
    try:
        token = source.store.load(source._key)
    except StoreError as error:
        return {"state": error.code}
    if token is None:
        return {"state": "absent"}
    return {"state": "kept", "refresh_token": digest(token.refresh_token.reveal())}


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def say(told):
    sys.stdout.write(f"{json.dumps(told)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
