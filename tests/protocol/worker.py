"""A process that shares a session: says "ready", waits for a line, then calls."""

from __future__ import annotations

import json
import sys
import threading

from intermezzo_nb.connection import Connection
from intermezzo_nb.errors import IntermezzoError
from intermezzo_nb.settings import Settings


def main():
    settings, threads = json.loads(sys.argv[1]), int(sys.argv[2])
    connection = Connection(Settings.resolve(profiles={"default": settings}))
    barrier, told = threading.Barrier(threads), []

    def call():
        barrier.wait()
        try:
            told.append(len(connection.get("/organizations")))
        except IntermezzoError as error:
            told.append(str(error))

    workers = [threading.Thread(target=call) for _ in range(threads)]
    say("ready")
    sys.stdin.readline()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    connection.session.close()
    say(json.dumps(told))


def say(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
