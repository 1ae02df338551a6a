"""How something is sent, whoever sends it: posted, journalled, and asked for again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Any

from ..errors import SendFailed
from .cases import Row
from .journal import Journal
from .manner import Manner, keys_in
from .outcomes import CREATED, REJECTED, UNCERTAIN, UNSENT, Outcome, all_of
from .posting import Delivery, Job, Poster
from .report import WHERE, SendReport
from .twice import (
    begin,
    enter_run,
    look_at_others,
    refuse_alike,
    refuse_changed,
    refuse_paid_before,
)


def deliver(
    how: Manner, job: Job, delivery: Delivery, report: SendReport
) -> SendReport:
    """
    Send the rows of a job that are unsent, and give the report of them.

    Raises
    ------
    BadTable
        A row would be created, or somebody paid, a second time; nothing is sent.
    SendFailed
        Not all was created, or it was interrupted.
    StoreError
        The journal cannot be used.
    """
    unanswered = {*keys_in(how, UNCERTAIN)}
    rows, settled = _rows(how, job), _settled_rows(how)
    try:
        begin(how, job, delivery)
        path = how.journal_path
        opened = Journal(path, _subject(how, job)) if path is not None else None
        with opened or nullcontext():
            doubtful = [at for at, key in enumerate(job.keys) if key in unanswered]
            again: list[int] = []
            if opened:
                if job.is_one:
                    look_at_others(how, opened, delivery)
                else:
                    refuse_alike(job)
                    seen = how.looked_up
                    refuse_changed(opened, job, rows, settled, looked_up=seen)
                delivery.outcomes = opened.recalled(rows, settled)
                again = _recall(how, job, delivery, opened)
                doubtful += opened.doubtful(job.marks)
            if job.is_one:
                enter_run(how, job, delivery)
            how.keep(report)
            Poster(
                how.api,
                job,
                delivery,
                journal=opened,
                again=again,
                doubtful=doubtful,
                rows=rows,
                progress=how.progress,
            ).run()
    except KeyboardInterrupt:
        raise _interrupted(how, report) from None
    finally:
        delivery.is_under_way = False
    if how.on_error == "raise" and (error := report.error()) is not None:
        raise error
    return report


def confirm(how: Manner, job: Job, delivery: Delivery, rows: Sequence[int]) -> None:
    """
    Count rows as created, which somebody has found to be there.

    Raises
    ------
    StoreError
        The journal cannot be used; nothing is counted then.
    """
    found = all_of(len(rows), CREATED)
    if (path := how.journal_path) is not None and rows:
        with Journal(path, _subject(how, job)) as journal:
            journal.sending({at: job.row(at) for at in rows}, rows, found=True)
            journal.answered(found)
    for at, outcome in zip(rows, found, strict=True):
        delivery.outcomes[at] = outcome


def _subject(how: Manner, job: Job) -> str:
    return f"{how.place} {job.path}"


def _recall(how: Manner, job: Job, delivery: Delivery, journal: Journal) -> list[int]:
    """Tell what the journal knows; give the rows that are sent once more."""
    again = delivery.places(REJECTED) if how.retried else []
    # What this session knows nothing of was sent by another, and is not looked up.
    uncertain, looked_up = delivery.places(UNCERTAIN), how.looked_up
    again += [at for at in uncertain if job.known_by(at) in looked_up]
    unsent = delivery.places(UNSENT)
    if job.is_one:
        refuse_paid_before(journal, job, [*unsent, *again])
    known = len(delivery.outcomes) - len(unsent) - len(again)
    of = len(delivery.outcomes)
    if known and known == of:
        told = "nothing was sent, as the journal knows all of it from an earlier run"
        # The journal keeps what came back by its id alone; nor does the API list them.
        is_paid = job.is_one and delivery.places(CREATED)
        kept = ": its payslips were in the report of that run" if is_paid else ""
        delivery.notes.append(told + kept)
    elif known:
        delivery.notes.append(
            f"known from the journal, and not sent: {known:,} of {of:,}"
        )
    for at in again:
        delivery.outcomes[at] = Outcome(UNSENT)
    return again


def _rows(how: Manner, job: Job) -> list[Row]:
    """Give the rows of a job, and in a retry what those of their labels said before."""
    before: dict[Any, dict[str, None]] = {}
    for earlier, at in _settled(how):
        for label in earlier.labels[at]:
            before.setdefault(label, {})[earlier.marks[at]] = None
    rows = []
    for at, own in enumerate(job.labels):
        row = job.row(at)
        said = dict.fromkeys(m for label in own for m in before.get(label, ()))
        rows.append(row._replace(before=tuple(m for m in said if m != row.mark)))
    return rows


def _settled_rows(how: Manner) -> list[Row]:
    """Give the rows of which something was told, as they were last; in order."""
    rows: dict[str, Row] = {}
    for earlier, at in _settled(how):
        row = earlier.row(at)
        old = rows.get(row.whose)
        before = dict.fromkeys((*old.before, old.mark) if old else ())
        before.pop(row.mark, None)
        rows[row.whose] = row._replace(before=(*before,))
    return [*rows.values()]


def _settled(how: Manner) -> Iterator[tuple[Job, int]]:
    """Give the rows, in order, of which something has reached the API."""
    for job, delivery in how.attempts:
        for at in delivery.places(CREATED, REJECTED, UNCERTAIN):
            yield job, at


def _interrupted(how: Manner, report: SendReport) -> SendFailed:
    counts = report.counts
    told = ", ".join(f"{n:,} {s}" for s, n in counts.items() if n and s != "total")
    error = report.error()
    advice = error.advice if error else WHERE
    if how.journal is not None:
        advice = f"The same call sends what is unsent, by its journal. {advice}"
    return SendFailed(
        f"sending {report.name} was interrupted: of {counts['total']:,}, {told}",
        advice=advice,
        code="interrupted",
        report=report,
    )
