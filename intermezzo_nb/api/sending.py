"""A DataFrame sent in bulk or to a payroll run: checked, posted, and told by row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pandas as pd

from ..errors import SettingsError
from ..quoting import plain
from .arguments import bad_argument, count, names_of
from .bodies import checked, nested, refuse
from .client import Api
from .countries import EMPLOYEE_ID, find_country
from .delivering import confirm, deliver
from .forms import REFERENCE, Body, Problem, columns, find_form
from .manner import Manner, left_out
from .outcomes import UNSENT, all_of, of_bulk
from .owners import choose, named
from .payroll import grouped, head_of, members, of_run
from .payslips import PayrollReport
from .posting import Delivery, Job
from .query import Query
from .reading import Reading
from .report import SendReport, Sequel
from .shaping import check_money
from .twice import refuse_created
from .values import encoded

_CHUNK_TIMEOUT, _RUN_TIMEOUT = (5.0, 120.0), (5.0, 600.0)  # seconds


def send(
    how: Manner,
    name: str,
    frame: Any,
    organization: Any,
    *,
    usual: str | None,
    chunk_size: int,
    extra: Sequence[str],
) -> SendReport:
    """Send a table in bulk, as :meth:`Connection.send` tells."""
    form = find_form(name)
    chunk_size = count("chunk_size", chunk_size, 1, "a whole number of rows, 1 or more")
    organization = named(organization)
    if not form.has_owner and organization:
        raise bad_argument("organization", f"none: {name} belong to no other")
    problems: list[Problem] = []
    fields = (*form.fields, *columns("any", *names_of("extra", extra)))
    table = checked(name, frame, fields, problems)
    rows = table.rows(problems)
    table.require(rows, form.required, problems)
    bodies = [
        nested(row, label, problems)
        for label, row in zip(table.labels, rows, strict=True)
    ]
    problems += _again(rows, table.labels)
    refuse(name, problems, table.labels)
    texts = [encoded(body) for body in bodies]
    places = [[at] for at in range(len(texts))]
    labels = [[label] for label in table.labels]
    refuse_created(how, name, texts, labels)  # before an organization is looked for
    owner = _owner(how.api, name, organization, usual) if form.has_owner else ""
    job = Job(
        name,
        form.path.format(organization_id=owner),
        texts,
        labels,
        marks=texts,
        keys=texts,
        body=lambda chunk: f"[{','.join(chunk)}]",
        read=lambda at, told: of_bulk([bodies[n] for n in at], told, form.echoed),
        chunk=chunk_size,
        timeout=_CHUNK_TIMEOUT,
    )
    delivery = Delivery(all_of(len(texts), UNSENT), table.doubts(rows))

    def again(frame: pd.DataFrame) -> SendReport:
        return send(
            how.again(job, delivery),
            name,
            frame,
            owner or None,
            usual=usual,
            chunk_size=chunk_size,
            extra=extra,
        )

    sequel = Sequel(
        again, partial(confirm, how, job, delivery), partial(left_out, how, job)
    )
    report = SendReport(
        name, table.frame, places, delivery, form.created, sequel, owner
    )
    return deliver(how, job, delivery, report)


def run_payroll(
    how: Manner,
    country: str,
    frame: Any,
    *,
    pay_date: Any,
    pay_cycle: str,
    external_ref: str | None,
    money: str,
) -> PayrollReport:
    """Run payroll, as :meth:`Connection.run_payroll` tells: one request, one run."""
    land = find_country(country)
    head = head_of(land, pay_date, pay_cycle, external_ref)
    check_money(money)
    name, problems = "payslips", list[Problem]()
    table = checked("a payroll run", frame, land.fields, problems)
    rows = table.rows(problems)
    table.require(rows, [(EMPLOYEE_ID,)], problems)
    group = grouped(land, rows, table.labels, problems)
    about = {
        EMPLOYEE_ID: land.about_identity,
        REFERENCE: "A run has one reference of yours: give it as external_ref=….",
    }
    refuse("a payroll run", problems, table.labels, about)
    nest = partial(nested, label=None, problems=problems)
    texts = [encoded(member) for member in members(land, group, nest)]
    every = table.labels
    labels = [[every[at] for at in places] for places in group.places]
    # Who was paid is not paid again for other amounts.
    keys = [f"{head['payDate']} {one}" for one in group.ids]
    opening = encoded(head)[:-1]

    def body(chunk: Sequence[str]) -> str:
        return f'{opening},"payrollGroup":[{",".join(chunk)}]}}'

    run = hashlib.sha256(body(texts).encode()).hexdigest()
    job = Job(
        name,
        land.path,
        texts,
        labels,
        # A run is known again as a whole: a changed one is another run.
        marks=[f"{number} {run}" for number in range(len(texts))],
        keys=keys,
        body=body,
        read=lambda at, told: of_run([group.ids[n] for n in at], told),
        chunk=len(texts),
        timeout=_RUN_TIMEOUT,
        is_one=True,
    )
    delivery = Delivery(all_of(len(texts), UNSENT), table.doubts(rows))

    def again(frame: pd.DataFrame) -> SendReport:
        return run_payroll(
            how.again(job, delivery),
            country,
            frame,
            pay_date=pay_date,
            pay_cycle=pay_cycle,
            external_ref=external_ref,
            money=money,
        )

    sequel = Sequel(
        again, partial(confirm, how, job, delivery), partial(left_out, how, job)
    )
    report = PayrollReport(
        name, table.frame, group.places, delivery, land.payslips, sequel
    )
    report.money = money
    deliver(how, job, delivery, report)
    return report


def _again(rows: Sequence[Body], labels: Sequence[Any]) -> Iterator[Problem]:
    """Find references that are to name one row, and name several."""
    first: dict[Any, Any] = {}
    for row, label in zip(rows, labels, strict=True):
        reference = row.get(REFERENCE)
        if not isinstance(reference, str) or not reference:
            continue
        earlier = first.setdefault(reference, label)
        if earlier is not label:
            told = f"is that of {plain(earlier, 40)}, too"
            yield label, REFERENCE, told


def _owner(api: Api, name: str, wanted: str, usual: str | None) -> str:
    if wanted == "all":
        raise bad_argument("organization", "the id of one: rows are sent to one alone")
    if not wanted and usual != "all":  # of all, which can be read, there may be one
        wanted = usual or ""
    try:
        (owner,) = choose(api, Reading(api, Query("organizations")), wanted)
    except SettingsError as error:
        raise SettingsError(
            f"{name} are sent to one organization, and which one is not clear",
            why=error.why,
            advice="Give organization=…, the id of one.",
            code=error.code,
        ) from None
    return owner
