"""Exports in a process that may be killed."""

from __future__ import annotations

import json
import sys

from intermezzo_nb.connection import Connection
from intermezzo_nb.settings import Settings


def main():
    told = json.loads(sys.argv[1])
    api = Connection(Settings.resolve(profiles={"default": told["settings"]}))
    done = api.export(told["resource"], told["folder"], **told["options"])
    sys.stdout.write(str(done.rows))


if __name__ == "__main__":
    main()
