"""A DataFrame sent in bulk or to a payroll run: checked, posted, and told by row."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pandas as pd

from ..errors import SendFailed, SettingsError, plain
from .arguments import bad_argument, count, is_one_of, names_of, path_of
from .bodies import checked, nested, refuse
from .client import Api
from .countries import EMPLOYEE_ID, find_country
from .forms import REFERENCE, Body, Problem, columns, find_form
from .journal import Journal
from .outcomes import CREATED, REJECTED, UNCERTAIN, UNSENT, Outcome, all_of, of_bulk
from .owners import choose, named
from .payroll import grouped, head_of, members, of_run
from .payslips import PayrollReport
from .posting import Delivery, Job, Poster
from .progress import Progress, waits_alone
from .query import Query
from .reading import Reading
from .report import SendReport
from .shaping import check_money
from .values import encoded

_CHUNK_TIMEOUT, _RUN_TIMEOUT = (5.0, 120.0), (5.0, 600.0)  # seconds
_ON_ERROR = ("raise", "report")


@dataclass(frozen=True, slots=True)
class Manner:
    """
    How something is sent.

    Parameters
    ----------
    place : str
        The API's address: a journal is of one.
    keep : callable
        Given the report before the first request, so that it can be had whatever
        happens.
    on_error : {"raise", "report"}
        Raise where not all was created, after all was sent; or only report.
    journal : path or None
        Where it is noted what was sent; None for nowhere.
    done : frozenset of str
        Rows that were created before, which a retry does not create again.
    doubtful : frozenset of str
        Rows that were sent before, and not answered.
    spare : mapping of str to int
        How many rows like these are still to be created all the same.
    is_retry : bool
        Somebody asked for these rows again: also for those that are uncertain.
    """

    api: Api
    place: str
    keep: Callable[[SendReport], None]
    on_error: str = "raise"
    journal: str | os.PathLike[str] | None = None
    progress: Callable[[Progress], None] = lambda _: None
    done: frozenset[str] = frozenset()
    doubtful: frozenset[str] = frozenset()
    spare: Mapping[str, int] = field(default_factory=dict)
    is_retry: bool = False

    @classmethod
    def of(
        cls,
        api: Api,
        place: str,
        keep: Callable[[SendReport], None],
        how: Mapping[str, Any],
        *,
        tell: Callable[[str], None],
    ) -> Manner:
        """
        Give that of a caller's own words.

        Parameters
        ----------
        how : mapping
            ``on_error``, ``journal`` and ``progress``, as far as they are given.
        tell : callable
            Told of waits, each once, where no ``progress`` is.
        """
        if unknown := {*how} - {"on_error", "journal", "progress"}:
            raise bad_argument(min(unknown), "on_error, journal or progress")
        progress = how.get("progress")
        progress = waits_alone(tell) if progress is None else progress
        return cls(api, place, keep, **{**how, "progress": progress})

    def __post_init__(self) -> None:
        if self.journal is not None:
            path_of("journal", self.journal)
        if not is_one_of(self.on_error, _ON_ERROR):
            raise bad_argument("on_error", "'raise' or 'report'")
        if not callable(self.progress):
            raise bad_argument("progress", "a function that is told a Progress")


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
    refuse(name, problems, len(bodies))
    texts = [encoded(body) for body in bodies]
    places = [[at] for at in range(len(texts))]
    _refuse_done(how, name, texts, table.labels)
    wanted = organization or usual
    owner = _owner(how.api, name, wanted) if form.has_owner else ""
    job = Job(
        name,
        form.path.format(organization_id=owner),
        texts,
        texts,
        body=lambda chunk: f"[{','.join(chunk)}]",
        read=lambda at, told: of_bulk([bodies[n] for n in at], told, form.echoed),
        chunk=chunk_size,
        timeout=_CHUNK_TIMEOUT,
    )
    delivery = Delivery(all_of(len(texts), UNSENT))

    def again(frame: pd.DataFrame) -> SendReport:
        return send(
            _after(how, texts, delivery.outcomes),
            name,
            frame,
            owner or None,
            usual=usual,
            chunk_size=chunk_size,
            extra=extra,
        )

    report = SendReport(name, table.frame, places, delivery, form.created, again)
    return _deliver(how, job, delivery, report)


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
    refuse("a payroll run", problems, len(rows), about)
    nest = partial(nested, label=None, problems=problems)
    texts = [encoded(member) for member in members(land, group, nest)]
    labels = [table.labels[places[0]] for places in group.places]
    _refuse_done(how, name, texts, labels)
    opening = encoded(head)[:-1]

    def body(chunk: Sequence[str]) -> str:
        return f'{opening},"payrollGroup":[{",".join(chunk)}]}}'

    whole = body(texts)
    job = Job(
        name,
        land.path,
        texts,
        # A run is known again as a whole: a changed one is another run.
        [f"{number} {whole}" for number in range(len(texts))],
        body=body,
        read=lambda at, told: of_run([group.ids[n] for n in at], told),
        chunk=len(texts),
        timeout=_RUN_TIMEOUT,
    )
    delivery = Delivery(all_of(len(texts), UNSENT))

    def again(frame: pd.DataFrame) -> SendReport:
        return run_payroll(
            _after(how, texts, delivery.outcomes),
            country,
            frame,
            pay_date=pay_date,
            pay_cycle=pay_cycle,
            external_ref=external_ref,
            money=money,
        )

    report = PayrollReport(
        name, table.frame, group.places, delivery, land.payslips, again
    )
    report.money = money
    _deliver(how, job, delivery, report)
    return report


def _deliver(
    how: Manner, job: Job, delivery: Delivery, report: SendReport
) -> SendReport:
    how.keep(report)
    subject = f"{how.place} {job.path}"
    opened = Journal(how.journal, subject) if how.journal is not None else None
    try:
        with opened or nullcontext():
            doubtful = [at for at, t in enumerate(job.texts) if t in how.doubtful]
            again: list[int] = []
            if opened:
                again = _recall(how, job, delivery, opened)
                doubtful += opened.doubtful(job.marks)
            Poster(
                how.api,
                job,
                delivery,
                journal=opened,
                again=again,
                doubtful=doubtful,
                progress=how.progress,
            ).run()
    except KeyboardInterrupt:
        raise _interrupted(report) from None
    if how.on_error == "raise" and (error := report.error()) is not None:
        raise error
    return report


def _recall(how: Manner, job: Job, delivery: Delivery, journal: Journal) -> list[int]:
    """Take over what the journal knows; give the rows that are sent once more."""
    delivery.outcomes = journal.recalled(job.marks)
    again = delivery.places(REJECTED, UNCERTAIN) if how.is_retry else []
    known = len(delivery.outcomes) - len(delivery.places(UNSENT)) - len(again)
    if known:
        delivery.notes.append(f"{known:,} are known from the journal, and not sent")
    for at in again:
        delivery.outcomes[at] = Outcome(UNSENT)
    return again


def _after(how: Manner, texts: Sequence[str], outcomes: Sequence[Outcome]) -> Manner:
    """Give the manner of a retry: it knows what was created."""
    created = [o.state == CREATED for o in outcomes]
    done = {t for t, is_created in zip(texts, created, strict=True) if is_created}
    rest = [t for t, is_created in zip(texts, created, strict=True) if not is_created]
    open_ = {t for t, o in zip(texts, outcomes, strict=True) if o.state == UNCERTAIN}
    return replace(
        how,
        done=how.done | done,
        doubtful=how.doubtful | open_,
        spare=Counter(rest),
        is_retry=True,
    )


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


def _refuse_done(
    how: Manner, name: str, texts: Sequence[str], labels: Sequence[Any]
) -> None:
    spare = Counter(how.spare)
    problems: list[Problem] = []
    for text, label in zip(texts, labels, strict=True):
        spare[text] -= 1
        if text in how.done and spare[text] < 0:
            problems.append((label, "", "was created already"))
    refuse(name, problems, len(texts))


def _owner(api: Api, name: str, wanted: Any) -> str:
    if wanted == "all":
        raise bad_argument("organization", "the id of one: rows are sent to one alone")
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


def _interrupted(report: SendReport) -> SendFailed:
    counts = report.counts
    told = ", ".join(f"{n:,} {s}" for s, n in counts.items() if n and s != "total")
    return SendFailed(
        f"sending {report.name} was interrupted: of {counts['total']:,}, {told}",
        advice="The report is in .report of this error, and in last_report of the "
        "connection.",
        code="interrupted",
        report=report,
    )
