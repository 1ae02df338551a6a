"""
What the server extension costs the start of ``jupyter lab``: on and off, in pairs.

Run it with the installed package: ``python tests/bench/server_extension.py [PAIRS]``.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

PAIRS = 7
IMPORT = """
import sys, time
import jupyter_server.serverapp
before, begun = set(sys.modules), time.perf_counter()
import intermezzo_nb.notebook.server
print(time.perf_counter() - begun)
print(*sorted(set(sys.modules) - before), sep="\\n")
"""


def started(folder, *, is_on):
    """Give the seconds until its port answers, and what it computed until then."""
    config = folder / ("on" if is_on else "off")
    extensions = {"ServerApp": {"jpserver_extensions": {"intermezzo_nb": is_on}}}
    config.mkdir(exist_ok=True)
    (config / "jupyter_server_config.json").write_text(json.dumps(extensions))
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    begun = time.perf_counter()
    process = psutil.Popen(
        [
            *(sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"),
            *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"),
            f"--ServerApp.root_dir={folder}",
        ],
        env={**os.environ, "JUPYTER_CONFIG_DIR": str(config), "HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not answers(port):
        time.sleep(0.002)
    seconds, computed = time.perf_counter() - begun, process.cpu_times()
    process.terminate()
    process.wait()
    return seconds, computed.user + computed.system


def answers(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    return False


def main():
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS
    both = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started(folder, is_on=True)  # the first one writes what later ones find
        for number in range(pairs):  # who goes first changes, as a machine warms up
            order = (True, False) if number % 2 else (False, True)
            told = {is_on: started(folder, is_on=is_on) for is_on in order}
            both.append((told[True], told[False]))
    print(f"{'':<24}{'with':>9}{'without':>9}{'ratio':>8}{'more':>11}")
    for place, what in enumerate(("until the port answers", "computed until then")):
        on, off = ([run[place] for run in runs] for runs in zip(*both, strict=True))
        ratio = statistics.median(a / b for a, b in zip(on, off, strict=True))
        more = statistics.median(a - b for a, b in zip(on, off, strict=True)) * 1000
        middle = f"{statistics.median(on):7.3f} s{statistics.median(off):7.3f} s"
        print(f"{what:<24}{middle}{ratio:8.3f}{more:+8.1f} ms")
    print(f"{'goal':<50}{'+50.0 ms':>11}")
    seconds, modules = [], ""
    for _ in range(pairs):
        run = [sys.executable, "-c", IMPORT]
        told, modules = subprocess.check_output(run, text=True).split("\n", 1)
        seconds.append(float(told))
    print(
        f"{'import beside the server':<50}{statistics.median(seconds) * 1000:+8.1f} ms"
    )
    print("  " + "\n  ".join(modules.split()))


if __name__ == "__main__":
    main()
