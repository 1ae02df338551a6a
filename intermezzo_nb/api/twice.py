"""What would be created or paid a second time: refused before anything is sent."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from ..errors import StoreError
from .bodies import refuse, row_names
from .cases import Row
from .forms import Problem
from .journal import Journal
from .manner import Manner, keys_in, rows_in
from .outcomes import CREATED, UNCERTAIN, UNSENT
from .posting import Delivery, Job
from .progress import plural

_beginning = threading.Lock()  # else two threads begin as neither has begun
_RETRIED = {
    "": "Leave out what was created. Corrected rows keep the index of .rejected, by "
    "which they are known; new rows go by send(…)."
}

_PAID = {
    UNCERTAIN: "may have been paid for that day by this connection: no answer came",
    CREATED: "was paid for that day by this connection already",
}
_BEING_PAID = "is being paid for that day by this connection now"
_PAID_TWICE = {
    "": "Leave them out; look in Intermezzo where no answer came. A run that is to be "
    "paid beside the other goes by a connection of its own, connect(), and with a "
    "journal of its own (journal=…)."
}
_UNSETTLED = {
    "": "Wait for the report of that retry. What is not answered is looked up, and "
    "handed to confirm(…) or retry(…) of that report, not of this one."
}
_SAYS_ELSE = {
    CREATED: "was created by an earlier run, and says something else now",
    UNCERTAIN: "was sent by an earlier run and not answered, and says something else "
    "now",
}
_ALIKE = {
    "": "A journal knows rows by their labels: give them others, as by "
    "reset_index(drop=True)."
}
_CHANGED = {
    "": "Leave out what was created, and change it in Intermezzo; send what was not "
    "answered as it was, and its report says how it is settled. Other rows need labels "
    "of their own, and another table a journal of its own."
}


def refuse_alike(job: Job) -> None:
    """
    Refuse rows whose labels a journal cannot tell apart, as 1 and "1".

    Raises
    ------
    BadTable
        There are some.
    """
    first: dict[str, Any] = {}
    problems: list[Problem] = []
    for at, (label, *_) in enumerate(job.labels):
        if first.setdefault(job.row(at).whose, label) is not label:
            problems.append((label, "", "is written as the label of another row is"))
    labels = [label for own in job.labels for label in own]
    refuse(job.name, problems, labels, _ALIKE)


def refuse_changed(
    journal: Journal,
    job: Job,
    rows: Sequence[Row],
    settled: Sequence[Row],
    *,
    looked_up: Collection[Any],
) -> None:
    """
    Refuse rows that an earlier run of a journal has sent otherwise.

    Who sends by a retry what its report does not know has looked it up.

    Raises
    ------
    BadTable
        There are some.
    """
    changed = journal.changed(rows, settled)
    problems = [
        (job.labels[at][0], "", _SAYS_ELSE[state])
        for at, state in changed.items()
        if not (job.known_by(at) in looked_up and state == UNCERTAIN)
    ]
    labels = [label for own in job.labels for label in own]
    refuse(job.name, problems, labels, _CHANGED)


def refuse_paid_before(journal: Journal, job: Job, rows: Sequence[int]) -> None:
    """
    Refuse to pay somebody whom another run of a journal has paid.

    Raises
    ------
    StoreError
        ``run_paid``: there is somebody.
    """
    if paid := journal.paid_beside(job.marks, [job.keys[at] for at in rows]):
        labels = [label for at in paid for label in job.labels[rows[at]]]
        raise StoreError(
            f"the journal {journal.path} holds another payroll run for the same day, "
            f"with payslips of {plural(len(paid), 'employee')} of this one, in its "
            f"row{'s' * (len(labels) > 1)} {row_names(labels)}",
            why="It is not the same run to the letter, so they would be paid twice.",
            advice="Leave them out. If this run is to be paid beside the other, give "
            "it a journal and a connection (connect()) of its own.",
            code="run_paid",
        )


def look_at_others(how: Manner, journal: Journal, delivery: Delivery) -> None:
    """
    Look at the runs of a journal that are none of these attempts.

    This one may be a correction of them.

    Raises
    ------
    StoreError
        ``run_uncertain``: nobody knows whether one of them was carried out.
    """
    others = journal.beside([mark for job, _ in how.attempts for mark in job.marks])
    if others[UNCERTAIN]:
        raise StoreError(
            f"the journal {journal.path} holds another payroll run, sent and not "
            f"answered, of {plural(others[UNCERTAIN], 'employee')}",
            why="It may have been carried out; this one would then be paid beside it.",
            advice="Look in Intermezzo whether it is there. Then give this run a "
            "journal and a connection (connect()) of its own, if it is still needed.",
            code="run_uncertain",
        )
    if others[CREATED]:
        delivery.notes.append(
            f"the journal holds another run, too, with "
            f"{plural(others[CREATED], 'payslip')}"
        )


def begin(how: Manner, job: Job, delivery: Delivery) -> None:
    """
    Refuse what another attempt of these has created, or may have; or begin.

    Raises
    ------
    BadTable
        There is some.
    """
    what = "a payroll run" if job.is_one else job.name
    with _beginning:
        refuse_created(how, what, job.keys, job.labels)
        told: dict[Any, str] = {}
        looked_up = how.looked_up
        for other, sent in how.attempts:
            for at, outcome in enumerate(sent.outcomes):
                who = other.known_by(at)
                if outcome.state == UNCERTAIN and who not in looked_up:
                    told[who] = "was sent by another retry, and not answered"
                elif outcome.state != UNSENT:
                    told.pop(who, None)
        for other, sent in how.attempts:
            if sent.is_under_way:
                here = map(other.known_by, range(len(other.keys)))
                told |= dict.fromkeys(here, "is being sent by another retry now")
        problems = [
            (job.labels[at][0], "", told[who])
            for at, who in enumerate(map(job.known_by, range(len(job.keys))))
            if who in told
        ]
        every = [label for own in job.labels for label in own]
        refuse(what, problems, every, _UNSETTLED)
        delivery.is_under_way = True
        how.attempts.append((job, delivery))


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
    rows = rows_in(how.attempts, CREATED)
    known = {label for job, at in rows for label in job.labels[at]}
    created = Counter(keys_in(how, CREATED))
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


def enter_run(how: Manner, job: Job, delivery: Delivery) -> None:
    """
    Refuse to pay somebody whom another run of this connection has paid, or may have.

    A journal that is new, or has another name, may know nothing of that run.

    Raises
    ------
    BadTable
        There is somebody.
    """
    with _beginning:
        told: dict[str, str] = {}
        looked_up = how.looked_up
        for run, sent in how.runs:
            is_own = any(sent is own for _, own in how.attempts)
            if run.path == job.path and not is_own:
                for state, words in _PAID.items():
                    keys = {run.keys[at] for at in sent.places(state)}
                    keys -= looked_up if state == UNCERTAIN else set()
                    told |= dict.fromkeys(keys, words)
                if sent.is_under_way:
                    told |= dict.fromkeys(run.keys, _BEING_PAID)
        problems = [
            (job.labels[at][0], "", told[job.keys[at]])
            for at in delivery.places(UNSENT)
            if job.keys[at] in told
        ]
        every = [label for own in job.labels for label in own]
        refuse("a payroll run", problems, every, _PAID_TWICE)
        how.runs.append((job, delivery))
