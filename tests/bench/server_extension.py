"""
What the server extension costs the start of ``jupyter lab``.

The server's own stopwatch around all that it does for this extension is the figure;
starts with and without it, in pairs, show whether something else comes to it, and how
far two starts that should be equal differ on this machine.

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
SPENT = "spent.txt"
LAB = f"""
import sys, time
from pathlib import Path
from jupyter_server.extension.manager import ExtensionManager
from jupyterlab.labapp import main

spent = []

def timed(method):
    def with_stopwatch(self, name, *rest, **options):
        begun = time.perf_counter()
        try:
            return method(self, name, *rest, **options)
        finally:
            if name == "intermezzo_nb":
                spent.append(time.perf_counter() - begun)
                Path("{SPENT}").write_text(str(sum(spent)))
    return with_stopwatch

for step in ("add_extension", "link_extension", "load_extension"):
    setattr(ExtensionManager, step, timed(getattr(ExtensionManager, step)))
main()
"""


def started(folder, *, is_on):
    """Give seconds: until its port answers, computed until then, and spent on us."""
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
            *(sys.executable, "-P", "-c", LAB, "--no-browser", "--allow-root"),
            *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"),
            f"--ServerApp.root_dir={folder}",
        ],
        env={**os.environ, "JUPYTER_CONFIG_DIR": str(config), "HOME": str(folder)},
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not answers(port):
        time.sleep(0.002)
    seconds, computed = time.perf_counter() - begun, process.cpu_times()
    process.terminate()
    process.wait()
    spent = float((folder / SPENT).read_text())
    return seconds, computed.user + computed.system, spent


def answers(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    return False


def main():
    pairs = max(2, int(sys.argv[1])) if len(sys.argv) > 1 else PAIRS  # for a spread
    both = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started(folder, is_on=True)  # the first one writes what later ones find
        for number in range(pairs):  # who goes first changes, as a machine warms up
            order = (True, False) if number % 2 else (False, True)
            told = {is_on: started(folder, is_on=is_on) for is_on in order}
            both.append((told[True], told[False]))
    print(
        f"{'':<24}{'with':>9}{'without':>9}{'ratio':>8}{'more':>11}  half of the pairs"
    )
    for place, what in enumerate(("until the port answers", "computed until then")):
        on, off = ([run[place] for run in runs] for runs in zip(*both, strict=True))
        ratio = statistics.median(a / b for a, b in zip(on, off, strict=True))
        more = [(a - b) * 1000 for a, b in zip(on, off, strict=True)]
        least, middle, most = statistics.quantiles(more, method="inclusive")
        medians = f"{statistics.median(on):7.3f} s{statistics.median(off):7.3f} s"
        told = f"{medians}{ratio:8.3f}{middle:+8.1f} ms"
        print(f"{what:<24}{told}  {least:+.0f} to {most:+.0f} ms")
    spent = [run[2] * 1000 for run, _ in both]
    print(f"{'goal':<50}{'+50.0 ms':>11}")
    most = f"  at most {max(spent):.1f} ms"
    print(f"{'spent on it':<50}{statistics.median(spent):+8.1f} ms{most}")


if __name__ == "__main__":
    main()
