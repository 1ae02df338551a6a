"""
A large company read from a server that refuses, breaks off, and forgets tokens.

``python tests/bench/big_read.py [EMPLOYEES] [WITH_PAY]``: all employees of a practice
server (100,000), then the pay of all employees of another (1,000), while 5 % of the
requests are refused, 1 % are reset, and a token lives for 5 seconds. The servers are
children. Told is whether all is there and exact, what each request was for, and the
most memory that was held beyond what there was before, over the bytes that came.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pandas as pd

import intermezzo_nb.api.frames  # noqa: F401 (its libraries are no part of what is read)
from intermezzo_nb.api.provenance import summary
from intermezzo_nb.connection import Connection
from intermezzo_nb.demo.pay import compensation
from intermezzo_nb.demo.server import Options, start
from intermezzo_nb.settings import Settings

FAULTS = {"refuse": 0.05, "reset": 0.01, "token_lifetime": 5, "retry_after": 1}
LISTS = ("earnings", "benefits", "deductions", "reimbursements")
SIZE = 100


class Server:
    """A child that serves a company, and tells of it and of what it was asked."""

    def __init__(self, rows):
        command = [sys.executable, __file__, "serve", str(rows)]
        pipe = subprocess.PIPE
        self._child = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self.settings = json.loads(self._child.stdout.readline())

    def ask(self, what):
        self._child.stdin.write(f"{what}\n")
        self._child.stdin.flush()
        return json.loads(self._child.stdout.readline())

    def stop(self):
        self._child.communicate()


async def serve(rows):
    server = start(Options(rows=rows, **FAULTS))
    practice, company = server.practice, server.practice.company
    everybody = [
        (o, n) for o in range(len(practice.organizations)) for n in company.employees(o)
    ]
    asked, judge = [], practice.faults.next
    practice.faults.next = lambda: asked.append(1) or judge()
    late, grant_of = [], practice.grant_of

    def granted(headers):
        if (grant := grant_of(headers)) is None:
            late.append(1)
        return grant

    practice.grant_of = granted

    def staff():
        told = [json.loads(company.employee_json(o, n)) for o, n in everybody]
        return {"rows": [row(one["id"], one["employeeData"]) for one in told]}

    def row(name, data):
        job = data["jobDetails"] or {}
        hours = job.get("contractedWeeklyHours")
        return [name, data["startDate"], data["endDate"], hours]

    def pages():
        counts = [len(company.employees(o)) for o in range(len(practice.organizations))]
        return sum(-(-count // SIZE) for count in counts)

    def pay():
        total = sum(
            Decimal(line["amount"])
            for organization, number in everybody
            for record in compensation(company, organization, number)
            for name in LISTS
            for line in record[name]
        )
        return {"total": format(total, "f")}

    def requests():
        return {
            "all": len(asked),
            "pages": pages(),
            "refused": practice.faults.refused,
            "reset": practice.faults.resets,
            "late": len(late),
            "tokens": practice.ledger.token_requests,
        }

    tell(server.settings()["machine"])
    answers = {"staff": staff, "pay": pay, "requests": requests}
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        tell(answers[line.strip()]())
    await server.stop()


def tell(what):
    print(json.dumps(what), flush=True)


def held():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def most_held():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def read(server, name, **options):
    """Give a frame, the bytes that came, and the memory that it took at most."""
    came = []
    settings = {"store": "memory", **server.settings}
    api = Connection(Settings.resolve(profiles={"default": settings}))
    api.get("/organizations")
    before = held()
    api.session.hooks["response"].append(lambda r, **_: came.append(len(r.content)))
    frame = api.frame(
        name,
        organization="all",
        progress=show if sys.stderr.isatty() else lambda _: None,
        max_requests=10**6,
        **options,
    )
    return frame, sum(came), most_held() - before


def show(progress):
    print(f"\r\x1b[K{progress}", end="", file=sys.stderr, flush=True)


def rows(frame):
    days = [frame[name].dt.strftime("%Y-%m-%d") for name in ("startDate", "endDate")]
    columns = [frame["id"], *days, frame["jobDetails.contractedWeeklyHours"]]
    table = zip(*columns, strict=True)
    return [[None if pd.isna(value) else value for value in row] for row in table]


def explain(server, about, purposes):
    """Tell what each request was for; what is left is not explained."""
    asked = server.ask("requests")
    purposes = {
        "organizations, here and before": 2,
        "the first page, to learn how pages follow": 1,
        "pages of employees": asked["pages"],
        **purposes,
        "refused": asked["refused"],
        "reset": asked["reset"],
        "with a token that ended on the way": asked["late"],
    }
    for name, count in purposes.items():
        print(f"  {count:>9,}  {name}")
    print(f"  {asked['all']:>9,}  requests that the server counts")
    print(f"  {asked['all'] - sum(purposes.values()):>9,}  not explained")
    lives = about["seconds"] / FAULTS["token_lifetime"]
    print(f"  {asked['tokens']:>9,}  token requests, in {lives:.1f} lives of a token")


def memory(raw, most):
    print(f"  {most / raw:>9.2f}  memory over the {raw / 2**20:,.0f} MB that came")


def main(employees="100000", with_pay="1000"):
    print(f"{int(employees):,} employees")
    server = Server(employees)
    frame, raw, most = read(server, "employees")
    about = frame.attrs["intermezzo"]
    print(f"  {summary(about)}")
    explain(server, about, {})
    is_whole = rows(frame) == server.ask("staff")["rows"]
    print(f"  {is_whole}: all are there, once, in order, and with their values")
    memory(raw, most)
    server.stop()

    print(f"pay of {int(with_pay):,} employees, all versions")
    server = Server(with_pay)
    frame, raw, most = read(server, "compensation", history=True, money="decimal")
    about = frame.attrs["intermezzo"]
    print(f"  {summary(about)}")
    explain(server, about, {"pay of an employee": int(with_pay)})
    told = about["control_totals"]["amount"]
    is_exact = told == server.ask("pay")["total"]
    print(f"  {is_exact}: the total of all amounts is that of the server's, {told}")
    server.stop()


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(serve(int(sys.argv[2])))
    else:
        main(*sys.argv[1:])
