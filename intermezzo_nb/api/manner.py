"""How something is sent: what the caller wants, and what was sent so far."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from ..surroundings import look
from .arguments import bad_argument, is_one_of, path_of, unknown_argument
from .client import Api
from .outcomes import CREATED, UNCERTAIN, UNSENT
from .posting import Delivery, Job
from .progress import Progress, seldom
from .report import SendReport

_HOW = ("on_error", "journal", "progress")
_ON_ERROR = ("raise", "report")


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
    retried : (Job, Delivery) or None
        What the report tells of that is asked for a retry.
    """

    api: Api
    place: str
    keep: Callable[[SendReport], None]
    on_error: str = "raise"
    journal: str | os.PathLike[str] | None = None
    progress: Callable[[Progress], None] = lambda _: None
    attempts: list[tuple[Job, Delivery]] = field(default_factory=list)
    runs: list[tuple[Job, Delivery]] = field(default_factory=list)
    retried: tuple[Job, Delivery] | None = None

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

    def again(self, job: Job, delivery: Delivery) -> Manner:
        """Give that of a retry, which shares all that is known."""
        return replace(self, retried=(job, delivery))

    @property
    def looked_up(self) -> set[Any]:
        """By what rows are known that are uncertain in the report that is retried."""
        if self.retried is None:
            return set()
        job, delivery = self.retried
        return {job.known_by(at) for at in delivery.places(UNCERTAIN)}

    @property
    def journal_path(self) -> Path | None:
        """Where the journal is; None for nowhere."""
        return None if self.journal is None else path_of("journal", self.journal)

    def __post_init__(self) -> None:
        _ = self.journal_path  # which may be none
        if not is_one_of(self.on_error, _ON_ERROR):
            raise bad_argument("on_error", "'raise' or 'report'")
        if not callable(self.progress):
            raise bad_argument("progress", "a function that is told a Progress")


def left_out(how: Manner, job: Job) -> dict[str, int]:
    """Count the rows that other attempts have, and did not create, by state."""
    told = [
        (label, outcome.state)
        for other, delivery in how.attempts
        for labels, outcome in zip(other.labels, delivery.outcomes, strict=True)
        for label in labels
    ]
    # What was created stays so, and what a retry did not send is what it was before.
    told.sort(key=lambda one: (one[1] == CREATED, one[1] != UNSENT))
    states = dict(told)
    own = {label for labels in job.labels for label in labels}
    left = (s for label, s in states.items() if label not in own and s != CREATED)
    return dict(Counter(left))


def rows_in(
    sent: Iterable[tuple[Job, Delivery]], state: str
) -> Iterator[tuple[Job, int]]:
    """Give the rows of what was sent that are in a state."""
    for job, delivery in sent:
        yield from ((job, at) for at in delivery.places(state))


def keys_in(how: Manner, state: str) -> list[str]:
    """Give the keys of the rows of all attempts that are in a state."""
    return [job.keys[at] for job, at in rows_in(how.attempts, state)]
