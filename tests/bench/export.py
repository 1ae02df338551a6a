"""
What an export costs beside the frame of the same pages, and how both grow.

``python tests/bench/export.py [records]``: records as in ``frames.py``, made as they
are asked for, so that no network and no server is measured. Times are medians of turns
that alternate; memory is the most that a process of its own held beyond what it began
with, over the bytes of the pages.
"""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson
from frames import KNOWN, SIZE, peak, record

from intermezzo_nb.api.answers import Announced, read_json
from intermezzo_nb.api.export import Order, export
from intermezzo_nb.api.frames import framed
from intermezzo_nb.api.query import Query
from intermezzo_nb.api.reading import Reading
from intermezzo_nb.api.resources import CATALOGUE
from intermezzo_nb.api.restoring import read_export

ROUNDS = 3
CATALOGUE[KNOWN.name] = KNOWN


class Pages:
    """Answers pages from memory, as bytes that are read anew each time."""

    rate = 0.0

    def get_ready(self):
        pass

    def __init__(self, count, *, kept):
        self.styles, self.places = {}, {}
        self.count, self.bytes = count, 0
        self._kept = [self.page(n) for n in range(count // SIZE)] if kept else None

    def page(self, number):
        items = [record(n) for n in range(number * SIZE, (number + 1) * SIZE)]
        pages = self.count // SIZE
        about = {"total": self.count, "page": number + 1, "size": SIZE, "pages": pages}
        return orjson.dumps({"items": items, "meta": about})

    def ask(self, _path, params):
        number = int(params.get("page", 1)) - 1
        content = self._kept[number] if self._kept else self.page(number)
        self.bytes += len(content)
        return lambda read=read_json: (read(content), Announced())


def reading(pages):
    made = Reading(pages, Query("employees"))
    made.extent.organizations = ("org",)
    return made


def as_frame(pages, _folder):
    made = reading(pages)
    return framed(made.batches(alike=True), made.extent.resource).rows


def as_export(pages, folder):
    order = Order(
        lambda: reading(pages),
        api_url="",
        profile="",
        overwrite=True,
        part_rows=20_000,
        tell=lambda _: None,
    )
    return export(folder, order).rows


def as_read(_pages, folder):
    return len(read_export(folder))


WAYS = {"frame": as_frame, "export": as_export, "read_export": as_read}


def seconds(way, *given):
    gc.collect()
    begun = time.process_time()
    way(*given)
    return time.process_time() - begun


def most_memory(name, count):
    run = [sys.executable, __file__, str(count), name]
    told = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    return map(float, told.split())


def measure(name, count):
    way = WAYS[name]
    with tempfile.TemporaryDirectory() as folder:
        way(Pages(SIZE, kept=False), folder)
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts from here
        before = peak()
        pages = Pages(count, kept=False)
        assert way(pages, folder) == count
        mebibytes = (peak() - before) / 1024
    print(mebibytes, mebibytes * 2**20 / pages.bytes)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    if len(sys.argv) > 2:
        measure(sys.argv[2], count)
        return
    print(f"{count:,} records in pages of {SIZE}, {os.cpu_count()} cores")
    per_row, few_rows = {}, min(10_000, count // 10)
    for rows in (few_rows, count):
        pages = Pages(rows, kept=True)
        with tempfile.TemporaryDirectory() as folder:
            spent = {name: [] for name in WAYS}
            for _ in range(ROUNDS):
                for name, way in WAYS.items():
                    spent[name].append(seconds(way, pages, folder))
            size = sum(p.stat().st_size for p in Path(folder).iterdir())
        middle = {name: statistics.median(each) for name, each in spent.items()}
        print(f"\n{rows:,} rows{'':<12}{'rows/s':>12}{'to frame':>10}")
        for name, value in middle.items():
            ratio = value / middle["frame"]
            print(f"  {name:<20}{rows / value:>12,.0f}{ratio:>10.2f}")
            per_row.setdefault(name, []).append(value / rows)
        raw = sum(len(page) for page in pages._kept)
        print(f"  on disk, to the raw bytes {size / raw:>18.2f}")
    print(f"\ntime a row at {count:,} to that at {few_rows:,} (goal 1.2)")
    for name, (few, many) in per_row.items():
        print(f"  {name:<20}{many / few:>12.2f}")
    print(f"\n{'peak memory':<22}{'MiB':>12}{'to raw':>10}")
    for name in ("frame", "export"):
        for rows in (count // 2, count):
            mebibytes, ratio = most_memory(name, rows)
            print(f"  {name} of {rows:<12,}{mebibytes:>12.0f}{ratio:>10.2f}")


if __name__ == "__main__":
    main()
