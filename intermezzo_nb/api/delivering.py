"""How something is sent, whoever sends it: posted, journalled, and asked for again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from ..errors import SendFailed
from .cases import Row
from .journal import Journal
from .manner import Manner, keys_in
from .outcomes import CREATED, REJECTED, UNCERTAIN, UNSENT, Outcome, all_of
from .posting import Delivery, Job, Poster
from .report import WHERE, SendReport
from .twice import look_at_others, refuse_changed, refuse_paid_before


def deliver(
    how: Manner, job: Job, delivery: Delivery, report: SendReport
) -> SendReport:
    """
    Send the rows of a job that are unsent, and give the report of them.

    Raises
    ------
    SendFailed
        Not all was created, or it was interrupted.
    StoreError
        The journal cannot be used.
    """
    how.keep(report)
    is_retry, unanswered = bool(how.attempts), {*keys_in(how, UNCERTAIN)}
    instead = _corrected(how, job)
    beside = _beside(how, job)
    how.attempts.append((job, delivery))
    if job.is_one:
        how.runs.append((job, delivery))
    opened = (
        Journal(how.journal, _subject(how, job)) if how.journal is not None else None
    )
    try:
        with opened or nullcontext():
            doubtful = [at for at, key in enumerate(job.keys) if key in unanswered]
            again: list[int] = []
            if opened:
                if job.is_one and not is_retry:
                    look_at_others(opened, job, delivery)
                elif not job.is_one:
                    refuse_changed(opened, job, beside, is_retry=is_retry)
                again = _recall(
                    job, delivery, opened, beside, instead, is_retry=is_retry
                )
                doubtful += opened.doubtful(job.marks)
            Poster(
                how.api,
                job,
                delivery,
                journal=opened,
                again=again,
                doubtful=doubtful,
                instead=instead,
                progress=how.progress,
            ).run()
    except KeyboardInterrupt:
        raise _interrupted(how, report) from None
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
    if how.journal is not None and rows:
        with Journal(how.journal, _subject(how, job)) as journal:
            journal.sending({at: job.row(at) for at in rows}, rows, found=True)
            journal.answered(found)
    for at, outcome in zip(rows, found, strict=True):
        delivery.outcomes[at] = outcome


def _subject(how: Manner, job: Job) -> str:
    return f"{how.place} {job.path}"


def _recall(
    job: Job,
    delivery: Delivery,
    journal: Journal,
    beside: Sequence[Row],
    instead: Mapping[int, Sequence[str]],
    *,
    is_retry: bool,
) -> list[int]:
    """Take over what the journal knows; give the rows that are sent once more."""
    delivery.outcomes = journal.recalled(job.rows, beside, instead)
    again = delivery.places(REJECTED, UNCERTAIN) if is_retry else []
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


def _beside(how: Manner, job: Job) -> list[Row]:
    """Give, for a retry, the other rows of what was sent before, as they were last."""
    ours = {label for own in job.labels for label in own}
    rows = {
        own[0]: earlier.row(at)
        for earlier, _ in how.attempts
        for at, own in enumerate(earlier.labels)
        if ours.isdisjoint(own)
    }
    return [*rows.values()]


def _corrected(how: Manner, job: Job) -> dict[int, list[str]]:
    """Give, for rows of a retry, the marks of those that had their labels before."""
    before: dict[Any, dict[str, None]] = {}
    for earlier, delivery in how.attempts:
        for at in delivery.places(REJECTED, UNCERTAIN):
            for label in earlier.labels[at]:
                before.setdefault(label, {})[earlier.marks[at]] = None
    found = (
        {mark for label in own for mark in before.get(label, ())} - {mark}
        for own, mark in zip(job.labels, job.marks, strict=True)
    )
    return {at: sorted(marks) for at, marks in enumerate(found) if marks}


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
