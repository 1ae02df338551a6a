"""
What ``%load_ext intermezzo_nb`` costs; ``python -c pass`` is 1.

Run it with the installed package: ``python tests/bench/load_ext.py``.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 15
LOAD = """
import time
{before}
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
begun = time.perf_counter()
shell.extension_manager.load_extension("intermezzo_nb")
print(time.perf_counter() - begun)
"""
KERNELS = {
    "bare IPython": "",
    "with pandas and ipywidgets": "import pandas, ipywidgets",
}


def main():
    times = {name: [] for name in ("python -c pass", *KERNELS)}
    for _ in range(ROUNDS):  # interleaved, so that a slow moment hits all alike
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-P", "-c", "pass"], check=True)
        times["python -c pass"].append(time.perf_counter() - begun)
        for name, before in KERNELS.items():
            script = LOAD.format(before=before)
            run = subprocess.run(
                [sys.executable, "-P", "-c", script],
                capture_output=True,
                text=True,
                check=True,
            )
            times[name].append(float(run.stdout))
    one = statistics.median(times["python -c pass"])
    for name, seconds in times.items():
        middle = statistics.median(seconds)
        print(f"{name:<28}{middle * 1000:8.2f} ms{middle / one:8.2f}")
    print(f"{'goal':<28}{'':11}{0.5:8.2f}")


if __name__ == "__main__":
    main()
