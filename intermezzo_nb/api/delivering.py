"""How something is sent, whoever sends it: posted, journalled, and asked for again."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from msgspec import Struct, field

from ..errors import SendFailed, StoreError
from ..surroundings import look
from .arguments import bad_argument, is_one_of, path_of, unknown_argument
from .bodies import refuse
from .client import Api
from .forms import Problem
from .journal import Journal
from .outcomes import CREATED, REJECTED, UNCERTAIN, UNSENT, Outcome, all_of
from .posting import Delivery, Job, Poster
from .progress import Progress, plural, seldom
from .report import WHERE, SendReport

_HOW = ("on_error", "journal", "progress")
_ON_ERROR = ("raise", "report")
_RETRIED = {
    "": "Leave out what was created. Corrected rows keep the index of .rejected, by "
    "which they are known; new rows go by send(…)."
}

_PAID = {
    UNCERTAIN: "may have been paid for that day by this connection: no answer came",
    CREATED: "was paid for that day by this connection already",
}
_PAID_TWICE = {
    "": "Leave them out; look in Intermezzo where no answer came. A run that is to be "
    "paid beside the other needs a journal of its own (journal=…)."
}
_CHANGED = {
    "": "Leave out what was created, and change it in Intermezzo; give other rows "
    "labels of their own."
}


class Manner(Struct, frozen=True):
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
    attempts : list of (Job, Delivery)
        What was sent so far by a report and its retries, and theirs: all of them
        share this list, so that each knows what any other has created.
    runs : list of (Job, Delivery)
        The payroll runs of a connection so far.
    """

    api: Api
    place: str
    keep: Callable[[SendReport], None]
    on_error: str = "raise"
    journal: str | os.PathLike[str] | None = None
    progress: Callable[[Progress], None] = lambda _: None
    attempts: list[tuple[Job, Delivery]] = field(default_factory=list)
    runs: list[tuple[Job, Delivery]] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        api: Api,
        place: str,
        keep: Callable[[SendReport], None],
        how: Mapping[str, Any],
        *,
        others: Sequence[str] = (),
        tell: Callable[[str], None],
        runs: list[tuple[Job, Delivery]],
    ) -> Manner:
        """
        Give that of a caller's own words.

        Parameters
        ----------
        how : mapping
            ``on_error``, ``journal`` and ``progress``, as far as they are given.
        others : sequence of str
            What else can be given beside these.
        tell : callable
            Told of waits, and of what takes long, where no ``progress`` is.
        """
        if unknown := {*how} - {*_HOW}:
            raise unknown_argument(min(unknown), (*others, *_HOW))
        progress = how.get("progress")
        if progress is None:
            progress = seldom(tell, watched=look().answers)
        return cls(api, place, keep, **{**how, "progress": progress}, runs=runs)

    def __post_init__(self) -> None:
        if self.journal is not None:
            path_of("journal", self.journal)
        if not is_one_of(self.on_error, _ON_ERROR):
            raise bad_argument("on_error", "'raise' or 'report'")
        if not callable(self.progress):
            raise bad_argument("progress", "a function that is told a Progress")


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
    is_retry, unanswered = bool(how.attempts), {*_keys(how, UNCERTAIN)}
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
                    _look_at_others(opened, job, delivery)
                elif not job.is_one:
                    _refuse_changed(opened, job)
                again = _recall(job, delivery, opened, is_retry=is_retry)
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
            journal.sending({at: job.marks[at] for at in rows}, rows, job.whose(rows))
            journal.answered(found)
    for at, outcome in zip(rows, found, strict=True):
        delivery.outcomes[at] = outcome


def _subject(how: Manner, job: Job) -> str:
    return f"{how.place} {job.path}"


def _refuse_changed(journal: Journal, job: Job) -> None:
    """
    Refuse rows that an earlier run of a journal has created otherwise.

    Raises
    ------
    BadTable
        There are some.
    """
    every = range(len(job.marks))
    told = "was created by an earlier run, and says something else now"
    changed = [job.labels[at][0] for at in journal.changed(job.marks, job.whose(every))]
    labels = [label for own in job.labels for label in own]
    refuse(job.name, [(label, "", told) for label in changed], labels, _CHANGED)


def _refuse_paid(journal: Journal, job: Job, rows: Sequence[int]) -> None:
    """
    Refuse to pay somebody whom another run of a journal has paid.

    Raises
    ------
    StoreError
        ``run_paid``: there is somebody.
    """
    if paid := journal.paid_beside(job.marks, [job.keys[at] for at in rows]):
        raise StoreError(
            f"the journal {journal.path} holds another payroll run for the same day, "
            f"with payslips of {plural(paid, 'employee')} of this one",
            why="It is not the same run to the letter, so they would be paid twice.",
            advice="Leave them out. If this run is to be paid beside the other, give "
            "it a journal of its own.",
            code="run_paid",
        )


def _look_at_others(journal: Journal, job: Job, delivery: Delivery) -> None:
    """
    Look at the earlier runs of a journal, of which this one may be a correction.

    Raises
    ------
    StoreError
        ``run_uncertain``: nobody knows whether one of them was carried out.
    """
    others = journal.beside(job.marks)
    if others[UNCERTAIN]:
        raise StoreError(
            f"the journal {journal.path} holds another payroll run, sent and not "
            f"answered, of {plural(others[UNCERTAIN], 'employee')}",
            why="It may have been carried out; this one would then be paid beside it.",
            advice="Look in Intermezzo whether it is there. Then give this run a "
            "journal of its own, if it is still needed.",
            code="run_uncertain",
        )
    if others[CREATED]:
        delivery.notes.append(
            f"the journal holds another run, too, with "
            f"{plural(others[CREATED], 'payslip')}"
        )


def _recall(
    job: Job, delivery: Delivery, journal: Journal, *, is_retry: bool
) -> list[int]:
    """Take over what the journal knows; give the rows that are sent once more."""
    delivery.outcomes = journal.recalled(job.marks)
    again = delivery.places(REJECTED, UNCERTAIN) if is_retry else []
    unsent = delivery.places(UNSENT)
    if job.is_one:
        _refuse_paid(journal, job, [*unsent, *again])
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


def refuse_created(
    how: Manner, what: str, keys: Sequence[str], labels: Sequence[Sequence[Any]]
) -> None:
    """
    Refuse rows that an earlier attempt has created, and those that none had.

    A row is known by its label, whatever it says now; and by its key, unless more
    rows of just that key were to be sent than have been created.

    Parameters
    ----------
    keys : sequence of str
        As in :class:`Job`.
    labels : sequence of sequences
        Those of each key.

    Raises
    ------
    BadTable
        There are some.
    """
    rows = _rows(how.attempts, CREATED)
    known = {label for job, at in rows for label in job.labels[at]}
    created = Counter(_keys(how, CREATED))
    wanted: Counter[str] = Counter()
    for job, _ in how.attempts:
        wanted |= Counter(job.keys)
    spare = wanted - created
    ours = {label for job, _ in how.attempts for own in job.labels for label in own}
    problems: list[Problem] = []
    for key, own in zip(keys, labels, strict=True):
        if again := [label for label in own if label in known]:
            told = "has the label of a row that was created already"
            problems.append((again[0], "", told))
        elif key in created:
            spare[key] -= 1
            if spare[key] < 0:
                problems.append((own[0], "", "was created already"))
        elif how.attempts and key not in wanted and ours.isdisjoint(own):
            # It may be one that was created, with a label that it had not then.
            problems.append((own[0], "", "has the label of no row that was sent"))
    refuse(what, problems, [label for own in labels for label in own], _RETRIED)


def refuse_paid(
    how: Manner, path: str, keys: Sequence[str], labels: Sequence[Sequence[Any]]
) -> None:
    """
    Refuse to pay somebody whom this connection has paid, or may have.

    Where there is a journal, that is asked instead: it knows of other processes, too.

    Raises
    ------
    BadTable
        There is somebody.
    """
    if how.journal is not None or how.attempts:
        return
    told = {
        job.keys[at]: words
        for state, words in _PAID.items()
        for job, at in _rows(how.runs, state)
        if job.path == path
    }
    problems = [
        (own[0], "", told[key])
        for key, own in zip(keys, labels, strict=True)
        if key in told
    ]
    every = [label for own in labels for label in own]
    refuse("a payroll run", problems, every, _PAID_TWICE)


def _rows(
    sent: Iterable[tuple[Job, Delivery]], state: str
) -> Iterator[tuple[Job, int]]:
    """Give the rows of what was sent that are in a state."""
    for job, delivery in sent:
        yield from ((job, at) for at in delivery.places(state))


def _keys(how: Manner, state: str) -> list[str]:
    return [job.keys[at] for job, at in _rows(how.attempts, state)]


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
