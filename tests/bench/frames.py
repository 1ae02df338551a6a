"""
What it costs to make typed frames of pages of JSON, beside what else there is.

``python tests/bench/frames.py [records]``: records of 31 fields in pages of 100, as an
API sends employees. All ways take turns within each round; plain ``json_normalize`` of
the same records is 1. Time is that of the processor, so that other work on the machine
disturbs less. Memory is the most that a process of its own held beyond what it began
with.
"""

from __future__ import annotations

import gc
import json
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pandas as pd
from msgspec.structs import replace

from intermezzo_nb.api.frames import framed
from intermezzo_nb.api.page_reader import PageReader
from intermezzo_nb.api.resources import find
from intermezzo_nb.api.schema import Column
from intermezzo_nb.api.shaping import shape

ROUNDS, SIZE = 7, 100
EMPLOYEES = find("employees")
# Two more kinds than employees have, so that each is measured.
KNOWN = replace(
    EMPLOYEES,
    columns=(*EMPLOYEES.columns, Column("salary", "money"), Column("n", "integer")),
)
DATES = [c.name for c in KNOWN.columns if c.kind == "date"]
INSTANTS = [c.name for c in KNOWN.columns if c.kind == "instant"]
GOALS = {
    "ours": "0.25; 0.15 on two cores",  # one does it all
    "ours, a value of a wrong type": 0.6,
    "ours, an unknown path": 0.6,
}


def record(n):
    day = f"20{n % 25:02}-{n % 12 + 1:02}-{n % 28 + 1:02}"
    version = {"id": str(n), "validFrom": day, "validTo": None}
    name = {"familyName": f"Family{n % 999}", "givenName": f"Given{n % 777}"}
    return {
        "id": f"emp_{n:026x}",
        "organizationId": f"org_{n % 3:026x}",
        "createdAt": day + "T10:11:12.123456Z",
        "updatedAt": day + "T10:11:12Z",
        "employeeData": {
            "employmentCountry": "DE" if n % 2 else "GB",
            "externalRef": f"{n:07}",
            "startDate": day,
            "endDate": None if n % 3 else day,
            "birthDate": day,
            "birthPlace": "Köln",
            "birthCountry": "DE",
            "personalEmail": f"p{n}@person.example",
            "workEmail": f"w{n}@work.example",
            "salary": f"{n % 9999}.{n % 100:02}",
            "n": n,
            "personalData": {
                "employeeName": name,
                "gender": "MWD"[n % 3],
                "maritalStatus": "Single",
                "nationality": "DE",
                **version,
            },
            "jobDetails": {
                "jobTitle": "Analyst",
                "department": "Operations",
                "worksiteId": f"wst_{n % 9:026x}",
                "contractedWeeklyHours": 38.5 if n % 4 else 40,
                "isSeasonalWorker": n % 50 == 0,
                **version,
            },
        },
    }


def with_lists(made, n):
    """Give it what is kept as JSON text, too: lists, and an address."""
    inner = made["employeeData"]
    numbers = [{"type": "Mobile", "number": f"+49 151 {n:08}"}]
    address = {"street": "Lindenweg", "houseNumber": str(n % 99), "city": "Köln"}
    inner |= {"phoneNumbers": numbers[: n % 2], "relatedPersons": []}
    inner["personalData"]["residenceAddress"] = address
    days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]
    inner["jobDetails"] |= {"contractedWeekdays": days[: 3 + n % 3], "otherJobs": []}
    return made


def pages(count, odd=None, dressed=lambda made, _n: made):
    for start in range(0, count, SIZE):
        items = [dressed(record(n), n) for n in range(start, start + SIZE)]
        if odd is not None and start <= odd < start + SIZE:
            items[odd - start]["employeeData"]["startDate"] = "soon"
        about = {"total": count, "page": start // SIZE + 1, "size": SIZE}
        yield orjson.dumps({"items": items, "meta": about})


def normalized(raw, loads):
    records = [record for page in raw for record in loads(page)["items"]]
    return pd.json_normalize(records)


def with_astype(raw, loads):
    frame = normalized(raw, loads)
    for name in DATES:
        if (name := f"employeeData.{name}") in frame:
            frame[name] = pd.to_datetime(frame[name])
    for name in INSTANTS:
        if name in frame:
            frame[name] = pd.to_datetime(frame[name], format="ISO8601")
    return frame.astype({"employeeData.salary": "float64", "employeeData.n": "Int64"})


def alone(raw):
    gc.disable()
    try:
        return [orjson.loads(page) for page in raw]
    finally:
        gc.enable()


def ours(raw, resource=KNOWN, **options):
    reader = PageReader(resource)
    items = (reader.read(page)["items"] for page in raw)
    made = framed((shape(page, resource, {}) for page in items), resource, **options)
    return made.frame


def ways(raw, odd, lists):
    return {
        "json_normalize": lambda: normalized(raw, json.loads),
        "json_normalize, astype": lambda: with_astype(raw, json.loads),
        "orjson, json_normalize": lambda: normalized(raw, orjson.loads),
        "orjson alone": lambda: alone(raw),
        "ours": lambda: ours(raw),
        "ours, money decimal": lambda: ours(raw, money="decimal"),
        "ours, as Arrow": lambda: ours(raw, as_="arrow"),
        "ours, a value of a wrong type": lambda: ours(odd),
        "ours, an unknown path": lambda: ours(raw, None),
        "json_normalize, with lists": lambda: normalized(lists, json.loads),
        "ours, with lists": lambda: ours(lists),
    }


def seconds(way):
    gc.collect()
    begun = time.process_time()
    result = way()
    spent = time.process_time() - begun
    del result
    return spent


def most_memory(name, count):
    """Give the most memory that a way takes, over the bytes of the pages."""
    run = [sys.executable, __file__, str(count), name]
    told = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    return float(told)


def measure(name, count):
    size = sum(len(page) for page in pages(count))
    way = {"json_normalize": lambda raw: normalized(raw, json.loads), "ours": ours}[
        name
    ]
    way(pages(SIZE))
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts from here
    before = peak()
    kept = way(pages(count))
    most = peak()
    assert len(kept) == count
    print((most - before) * 1024 / size)


def peak():
    """Give the most memory so far in KiB; Linux tells."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    if len(sys.argv) > 2:
        measure(sys.argv[2], count)
        return
    raw, odd = [*pages(count)], [*pages(count, odd=count * 9 // 10)]
    lists = [*pages(count, dressed=with_lists)]
    size = sum(map(len, raw))
    print(f"{count:,} records in {len(raw):,} pages, {size / 1e6:.0f} MB", end="")
    print(f", {os.cpu_count()} cores, pandas {pd.__version__}")
    every = ways(raw, odd, lists)
    spent = {name: [] for name in every}
    orders = random.Random(0)  # noqa: S311 (it hides nothing)
    for _ in range(ROUNDS):
        # In another order each time: each way finds the memory that the last one left.
        for name in orders.sample([*every], len(every)):
            spent[name].append(seconds(every[name]))
    print(f"{'':<32}{'median':>10}{'ratio':>8}   goal")
    for name, each in spent.items():
        plain = spent["json_normalize" + ", with lists" * name.endswith("with lists")]
        goal, middle = GOALS.get(name, ""), statistics.median(each)
        # Of each round, so that a slow minute of the machine counts for both.
        ratio = statistics.median(a / b for a, b in zip(each, plain, strict=True))
        print(f"{name:<32}{middle:>8.2f} s{ratio:>8.2f}   {goal}")
    del raw, odd, lists, every
    print(f"{'peak memory over raw bytes':<32}{'':>10}{'ratio':>8}   goal")
    for name, goal in {"json_normalize": "", "ours": 2.5}.items():
        print(f"{name:<32}{'':>10}{most_memory(name, count):>8.2f}   {goal}")


if __name__ == "__main__":
    main()
