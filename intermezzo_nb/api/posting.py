"""
Rows on their way: one request after the other, none of them twice.

A POST may have been carried out though no answer came, so only what was surely not
processed is sent once more: a 429 (RFC 6585 §4), after the wait that it asks for, and
a 401, of which RFC 9110 §15.5.2 says that the request was not applied, with a renewed
token. After anything else the run stops, and says which rows are uncertain.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from msgspec import Struct, field

from ..errors import CLIENT_ERRORS, ApiError, IntermezzoError, NetworkError, RateLimited
from ..quoting import plain
from . import waits
from .answers import decoded
from .cases import Row
from .client import Api
from .journal import Journal
from .outcomes import (
    REJECTED,
    UNCERTAIN,
    UNSENT,
    Outcome,
    RowError,
    Told,
    all_of,
    of_refusal,
    tells_of_created,
)
from .progress import Progress, plural
from .signing import unsigned

_JSON = {"Content-Type": "application/json"}
_REFUSED_WHOLE = (400, 409, 422)
_REDIRECTED_UNDONE = (307, 308)  # RFC 9110 §15.4: to be asked again elsewhere
_TIMED_OUT = 408
_LONGEST_LABEL, _LONGEST_FIELD = 2000, 300  # characters
_TRIES = 7  # of a chunk that is answered with 429


class Job(Struct, frozen=True):
    """
    What is to be sent.

    Parameters
    ----------
    name : str
        Of the rows, in the plural.
    path : str
        Where they are posted.
    texts : sequence of str
        Each row as JSON.
    labels : sequence of sequences
        By which the caller knows each of them; an employee may have several.
    marks : sequence of str
        By what a journal knows each row again.
    keys : sequence of str
        By what a retry does: the row itself, or who is paid when.
    body : callable
        Puts the texts of a chunk into the body of a request.
    read : callable
        Reads an answer, given the positions of the rows in the request.
    chunk : int
        Rows of one request.
    timeout : (float, float)
        Seconds to connect, and to answer.
    is_one : bool
        Whether the rows make sense together alone: in one request, once.
    """

    name: str
    path: str
    texts: Sequence[str]
    labels: Sequence[Sequence[Any]]
    marks: Sequence[str]
    keys: Sequence[str]
    body: Callable[[Sequence[str]], str]
    read: Callable[[Sequence[int], Any], Told]
    chunk: int
    timeout: tuple[float, float]
    is_one: bool = False

    def known_by(self, at: int) -> Any:
        """Give by what a retry knows a row, whatever it says: who is paid, or label."""
        return self.keys[at] if self.is_one else self.labels[at][0]

    def row(self, at: int) -> Row:
        """Give a journal a row, and whose it is: who is paid, or the caller's label."""
        if self.is_one:
            return Row(self.marks[at], self.keys[at])
        return Row(self.marks[at], plain(self.labels[at][0], _LONGEST_LABEL))


class Delivery(Struct):
    """
    How far a job is; it is right at any moment, also after an interrupt.

    Parameters
    ----------
    outcomes : list of Outcome
        One for each row.
    stopped : IntermezzoError or None
        Why rows are unsent or uncertain.
    answers : list
        Decoded, as they came.
    is_under_way : bool
        Whether more may become of it yet.
    """

    outcomes: list[Outcome]
    notes: list[str] = field(default_factory=list)
    stopped: IntermezzoError | None = None
    answers: list[Any] = field(default_factory=list)
    requests: int = 0
    seconds: float = 0.0
    is_under_way: bool = False

    def places(self, *states: str) -> list[int]:
        """Give the positions of the rows in any of these states."""
        return [at for at, o in enumerate(self.outcomes) if o.state in states]


class Poster:
    """
    Sends the rows of a job that are unsent.

    Parameters
    ----------
    journal : Journal or None
        Told before each request and after each answer.
    again : sequence of int
        Rows that are sent once more, because somebody asked for just that.
    doubtful : collection of int
        Rows that were sent before, and not answered.
    rows : sequence of Row
        As the journal, if there is one, is told of them.
    """

    def __init__(
        self,
        api: Api,
        job: Job,
        delivery: Delivery,
        *,
        journal: Journal | None = None,
        again: Sequence[int] = (),
        doubtful: Collection[int] = (),
        rows: Sequence[Row] = (),
        progress: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self._api, self._job, self._delivery = api, job, delivery
        self._journal, self._again, self._progress = journal, {*again}, progress
        self._doubtful, self._rows = {*doubtful}, rows
        self._began, self._settled = time.monotonic(), 0

    def run(self) -> None:
        """Send chunk by chunk, until all is sent or something stops it."""
        rows = self._delivery.places(UNSENT)
        self._settled = len(self._delivery.outcomes) - len(rows)
        chunks = [
            rows[at : at + self._job.chunk]
            for at in range(0, len(rows), self._job.chunk)
        ]
        with waits.telling_waits(self._tell):
            self._tell()
            try:
                self._delivery.stopped = self._sign_in()
                for chunk in chunks if self._delivery.stopped is None else ():
                    if (stopped := self._send(chunk)) is not None:
                        self._delivery.stopped = stopped
                        return
                    self._settled += len(chunk)
                    self._tell()
            finally:
                self._delivery.seconds = time.monotonic() - self._began

    def _sign_in(self) -> IntermezzoError | None:
        # Else the first chunk's time would be that of a person in a browser, too.
        try:
            self._api.get_ready()
        except IntermezzoError as fault:
            return fault
        finally:
            self._began = time.monotonic()
        return None

    def _send(self, chunk: Sequence[int]) -> IntermezzoError | None:
        for turn in range(_TRIES):
            # Whatever happens from here on, nobody knows until it is answered.
            self._settle(chunk, all_of(len(chunk), UNCERTAIN))
            try:
                self._note_sending(chunk)
            except IntermezzoError as fault:
                self._settle(chunk, all_of(len(chunk), UNSENT))
                return fault
            self._delivery.requests += 1
            outcomes, stopped = self._post(chunk)
            outcomes = [
                outcome.doubted() if at in self._doubtful else outcome
                for at, outcome in zip(chunk, outcomes, strict=True)
            ]
            self._settle(chunk, outcomes)
            try:
                self._note_answered(outcomes)
            except IntermezzoError as fault:
                self._delivery.notes.append(
                    "the journal does not know the last answer, so a later run takes "
                    f"{plural(len(chunk), 'row')} for uncertain: {fault.why}"
                )
                return stopped or fault
            if not isinstance(stopped, RateLimited) or self._is_settled(chunk):
                return stopped
            wait = stopped.retry_after or 2.0**turn
            if wait > waits.LONGEST or turn == _TRIES - 1:
                return stopped
            waits.tell_wait(wait, "the server asked to wait")
            waits.sleep(wait)
        return None

    def _post(
        self, chunk: Sequence[int]
    ) -> tuple[list[Outcome], IntermezzoError | None]:
        body = self._job.body([self._job.texts[at] for at in chunk])
        try:
            with waits.telling_silence(self._tell):
                response = self._api.request(
                    "POST",
                    self._job.path,
                    data=body.encode(),
                    headers=_JSON,
                    timeout=self._job.timeout,
                    allow_redirects=False,
                )
        except ApiError as error:
            if _is_result(error):
                self._delivery.answers.append(error.details)
                outcomes, notes = self._job.read(chunk, error.details)
                self._delivery.notes += notes
                return outcomes, error
            return _of_error(error, len(chunk))
        except IntermezzoError as error:
            return _of_error(error, len(chunk))
        try:
            answer = unsigned(decoded(response), response.request)
        except (ValueError, RecursionError):
            why = "it is no JSON, or none that can be read"
            stopped = _unreadable(self._job, response.status_code, why)
            return all_of(len(chunk), UNCERTAIN), stopped
        self._delivery.answers.append(answer)
        outcomes, notes = self._job.read(chunk, answer)
        self._delivery.notes += notes
        if any(outcome.state == UNCERTAIN for outcome in outcomes):
            why = "; ".join(notes) or "it does not name them"
            return outcomes, _unreadable(self._job, response.status_code, why)
        return outcomes, None

    def _settle(self, chunk: Sequence[int], outcomes: Sequence[Outcome]) -> None:
        for at, outcome in zip(chunk, outcomes, strict=True):
            self._delivery.outcomes[at] = outcome

    def _is_settled(self, chunk: Sequence[int]) -> bool:
        """Tell whether an answer has told of a row, be it a refusal of the others."""
        return any(self._delivery.outcomes[at].state != UNSENT for at in chunk)

    def _note_sending(self, chunk: Sequence[int]) -> None:
        if self._journal is not None:
            rows = {at: self._rows[at] for at in chunk}
            self._journal.sending(rows, self._again)

    def _note_answered(self, outcomes: Sequence[Outcome]) -> None:
        if self._journal is not None:
            self._journal.answered(outcomes)

    def _tell(self, _: float = 0.0, waiting: str = "") -> None:
        self._progress(
            Progress(
                self._job.name,
                self._delivery.requests,
                self._settled,
                len(self._delivery.outcomes),
                time.monotonic() - self._began,
                waiting,
            )
        )


def _is_result(error: ApiError) -> bool:
    """Tell whether a refusal says of some rows that they were created all the same."""
    return isinstance(error.details, dict) and tells_of_created(error.details)


def _of_error(
    error: IntermezzoError, count: int
) -> tuple[list[Outcome], IntermezzoError | None]:
    status = error.status if isinstance(error, ApiError) else None
    if isinstance(error, NetworkError):
        is_open = error.unanswered
        return all_of(count, UNCERTAIN if is_open else UNSENT), error
    if status is None or status in _REDIRECTED_UNDONE:
        return all_of(count, UNSENT), error  # no token, no leave, or never written
    if status in _REFUSED_WHOLE and isinstance(error, ApiError):
        details = error.details if isinstance(error.details, dict) else {}
        field = plain(details.get("field") or "", _LONGEST_FIELD)
        told = RowError(f"HTTP {status}", field, error.why)
        named = details.get("errors", error.details)
        outcomes = of_refusal(named, count, told)
        is_by_row = any(outcome.state != REJECTED for outcome in outcomes)
        return outcomes, None if is_by_row else error
    is_refused = status in CLIENT_ERRORS and status != _TIMED_OUT
    return all_of(count, UNSENT if is_refused else UNCERTAIN), error


def _unreadable(job: Job, status: int, why: str) -> ApiError:
    return ApiError(
        f"the answer to {job.name} that were sent does not say what became of them",
        why=f"HTTP {status}: {why}.",
        advice="Look them up before they are sent again.",
        code="unknown_answer",
        status=status,
    )
