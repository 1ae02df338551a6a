"""How something is sent, whoever sends it: posted, journalled, and asked for again."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import SendFailed, StoreError
from .arguments import bad_argument, is_one_of, path_of
from .bodies import refuse
from .client import Api
from .forms import Problem
from .journal import Journal
from .outcomes import CREATED, REJECTED, UNCERTAIN, UNSENT, Outcome
from .posting import Delivery, Job, Poster
from .progress import Progress, plural, waits_alone
from .report import SendReport

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
    subject = f"{how.place} {job.path}"
    opened = Journal(how.journal, subject) if how.journal is not None else None
    try:
        with opened or nullcontext():
            doubtful = [at for at, t in enumerate(job.texts) if t in how.doubtful]
            again: list[int] = []
            if opened:
                if job.is_one and not how.is_retry:
                    _look_at_others(opened, job, delivery)
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


def after(how: Manner, texts: Sequence[str], outcomes: Sequence[Outcome]) -> Manner:
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


def refuse_done(
    how: Manner, name: str, texts: Sequence[str], labels: Sequence[Any]
) -> None:
    """
    Refuse rows that a retry has created already.

    Raises
    ------
    BadTable
        There are some.
    """
    spare = Counter(how.spare)
    problems: list[Problem] = []
    for text, label in zip(texts, labels, strict=True):
        spare[text] -= 1
        if text in how.done and spare[text] < 0:
            problems.append((label, "", "was created already"))
    refuse(name, problems, len(texts))


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
