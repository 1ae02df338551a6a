"""What became of a table that was sent: row by row, by the caller's own labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from html import escape
from typing import Any, NamedTuple

import pandas as pd

from ..errors import IntermezzoError, SendFailed
from ..quoting import plain
from .bodies import given, places_of, refuse, row_names, unlike
from .forms import Problem
from .frames import to_frame
from .ledger import EARLIER
from .next_steps import THERE, next_steps
from .outcomes import CREATED, REJECTED, STATES, UNCERTAIN, UNSENT, RowError
from .posting import Delivery
from .progress import plural
from .schema import Resource

WHERE = "The report is in .report of this error, and in last_report of the connection."
_AS_THEY_ARE = "Give rows of .uncertain as they are; the report says how."
_SHOWN, _SAID = 12, 5  # kinds of errors in a report, and in an error


class Sequel(NamedTuple):
    """
    What may become of rows after their report.

    Parameters
    ----------
    again : callable
        Sends a corrected frame.
    found : callable
        Takes the positions of outcomes that somebody has found to be created.
    left : callable
        Counts by state the rows of other reports, before this retry or after it, that
        this one leaves out and that are not created.
    """

    again: Callable[[pd.DataFrame], SendReport]
    found: Callable[[Sequence[int]], None]
    left: Callable[[], dict[str, int]]


class SendReport:
    """
    What became of each row; true at any moment, also after an interrupt.

    A row is *created*, *rejected* by the API, *unsent*, or *uncertain*: sent, and not
    answered. An uncertain row may have been created; once somebody has looked, it is
    sent again by :meth:`retry`, or counts as created by :meth:`confirm`.

    Parameters
    ----------
    name : str
        Of what was sent.
    frame : pandas.DataFrame of shape (rows, columns)
        As it was sent.
    places : sequence of sequence of int
        The rows of the frame that each outcome is about.
    created : Resource
        The columns of what came back.
    sequel : Sequel
    owner : str
        The organization whose they are; empty where there is none.

    Attributes
    ----------
    counts : dict of str to int
        ``total``, ``created``, ``rejected``, ``uncertain`` and ``unsent``.
    complete : bool
        Whether all was created; of a retry, what the report before has as well.
    succeeded : pandas.DataFrame
        What the API created, typed, with the id it gave; by the caller's labels.
    errors : pandas.DataFrame
        A row for each error of each row: ``label``, ``field``, ``code``, ``message``.
    rejected, uncertain : pandas.DataFrame
        The caller's rows and columns, and ``why``.
    unsent : pandas.DataFrame
        The caller's rows and columns.
    notes : list of str
        What in the rows or the answers was not as documented.
    stopped : IntermezzoError or None
        Why rows are unsent or uncertain.
    requests : int
    seconds : float
        Of the sending, with waits that the API asked for, and without a sign-in.
    """

    def __init__(
        self,
        name: str,
        frame: pd.DataFrame,
        places: Sequence[Sequence[int]],
        delivery: Delivery,
        created: Resource,
        sequel: Sequel,
        owner: str = "",
    ) -> None:
        self._owner = owner
        self.name, self._frame, self._places = name, frame, places
        self._delivery, self._created = delivery, created
        self._sequel = sequel

    def __getstate__(self) -> dict[str, Any]:
        # A report travels without the connection that it came by.
        left = partial(dict[str, int], self._sequel.left())
        return {**self.__dict__, "_sequel": Sequel(_gone, _gone, left)}

    @property
    def counts(self) -> dict[str, int]:
        """How many there are in all, and in each state."""
        outcomes = self._delivery.outcomes
        counted = dict.fromkeys(STATES, 0)
        for outcome in outcomes:
            counted[outcome.state] += 1
        return {"total": len(outcomes), **counted}

    @property
    def complete(self) -> bool:
        """Whether all was created; of a retry, what the report before has as well."""
        return self._is_created and not self._sequel.left()

    @property
    def succeeded(self) -> pd.DataFrame:
        """What the API created, by the caller's labels."""
        rows = self._delivery.places(CREATED)
        records = [self._delivery.outcomes[at].record or {} for at in rows]
        frame = to_frame(records, self._created).frame
        frame.index = self._frame.index[[self._places[at][0] for at in rows]]
        return frame

    @property
    def errors(self) -> pd.DataFrame:
        """Each error of each row: label, field, code and message."""
        rows = [
            (self._label(at), error.field, error.code, error.message)
            for at, outcome in enumerate(self._delivery.outcomes)
            for error in outcome.errors
        ]
        return pd.DataFrame(rows, columns=["label", "field", "code", "message"])

    @property
    def rejected(self) -> pd.DataFrame:
        """The caller's rows that the API did not take; the column ``why`` tells it."""
        return self._explained(REJECTED)

    @property
    def uncertain(self) -> pd.DataFrame:
        """The caller's rows that may or may not be there; ``why`` tells the reason."""
        return self._explained(UNCERTAIN)

    @property
    def unsent(self) -> pd.DataFrame:
        """The caller's rows of which nothing has reached the API."""
        return self._original(self._delivery.places(UNSENT))

    @property
    def notes(self) -> list[str]:
        left = [
            f"of the report before, {plural(count, 'row')} not in this one: {state}"
            for state, count in self._sequel.left().items()
        ]
        return [*self._delivery.notes, *left]

    @property
    def stopped(self) -> IntermezzoError | None:
        return self._delivery.stopped

    @property
    def requests(self) -> int:
        return self._delivery.requests

    @property
    def seconds(self) -> float:
        return self._delivery.seconds

    def retry(self, frame: pd.DataFrame) -> SendReport:
        """
        Send rows again, as they were or corrected; a report of its own comes back.

        Parameters
        ----------
        frame : pandas.DataFrame
            Such as ``report.rejected`` after correction, or ``report.unsent``. Rows
            are known by their labels: one that was created already, here or by any
            retry, is refused, whatever it says now.

        Raises
        ------
        BadTable
            A row was created already, cannot be sent, or is another retry's: under
            way, or not answered. None is sent then.
        SendFailed, StoreError
            As when it was sent first.
        """
        return self._sequel.again(frame.drop(columns="why", errors="ignore"))

    def confirm(self, frame: pd.DataFrame) -> SendReport:
        """
        Count uncertain rows as created, once somebody has found them there.

        A journal notes it too, and later runs send no such row.

        Parameters
        ----------
        frame : pandas.DataFrame
            ``report.uncertain``, or those of its rows that are there, as they are:
            ``report.uncertain[lambda rows: rows.email.isin(found.email)]``.

        Returns
        -------
        SendReport
            This one. The API's ids of these rows are not known to it.

        Raises
        ------
        BadTable
            A row is not uncertain, or says something else than was sent with its
            label; none is counted then.
        """
        rows = {
            place: at
            for at in self._delivery.places(UNCERTAIN)
            for place in self._places[at]
        }
        found = given(frame)
        labels, places = [*found.index], places_of(found.index, self._frame.index)
        problems: list[Problem] = [
            (None, plain(name), "is a column that was sent, and is not there")
            for name in self._frame.columns
            if name not in found.columns
        ] or [
            (label, "", "is not uncertain here")
            for label, place in zip(labels, places, strict=True)
            if place not in rows
        ]
        problems = problems or [
            (label, "", "says something else than the row of that label that was sent")
            for label in unlike(found, self._frame.iloc[places])
        ]
        advice = dict.fromkeys((field for _, field, _ in problems), _AS_THEY_ARE)
        refuse("what was found", problems, labels, advice, done="confirmed")
        self._sequel.found(sorted({rows[place] for place in places}))
        return self

    def error(self) -> IntermezzoError | None:
        """Give the error that says what is not well; None where all is."""
        counts, stopped = self.counts, self.stopped
        if self._is_created:
            return None
        if stopped is not None and counts["total"] == counts[UNSENT]:
            return stopped  # nothing has happened that a report would have to tell
        told = [f"{counts[s]:,} {s}" for s in STATES if s != CREATED and counts[s]]
        why = [stopped.what] if stopped else []
        why += [_line(*kind).strip(" .") for kind in self._grouped()[:_SAID]]
        return SendFailed(
            f"{counts[CREATED]:,} of {counts['total']:,} {self.name} created: "
            + ", ".join(told),
            why="; ".join(why),
            advice=" ".join([*self._advice(".report"), WHERE]),
            code=stopped.code if stopped else "",
            report=self,
        )

    def __repr__(self) -> str:
        lines = [self._summary()]
        lines += [f"  {_line(*kind)}" for kind in self._grouped()[:_SHOWN]]
        lines += self._remarks()
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align:right'>{count:,}</td><td>{escape(code)}</td>"
            f"<td>{escape(labels)}</td><td>{escape(words)}</td></tr>"
            for code, count, labels, words in self._grouped()[:_SHOWN]
        )
        head = "<tr><th>rows</th><th>error</th><th>labels</th><th>message</th></tr>"
        table = f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"
        remarks = "".join(f"<div>{escape(line)}</div>" for line in self._remarks())
        summary = f"<div><b>{escape(self._summary())}</b></div>"
        return f"<div>{summary}{table if rows else ''}{remarks}</div>"

    def _summary(self) -> str:
        counts = self.counts
        of = "" if self._is_created else f" of {counts['total']:,}"
        others = [f"{counts[s]:,} {s}" for s in STATES if s != CREATED and counts[s]]
        told = " · ".join([f"{counts[CREATED]:,}{of} created", *others])
        asked = plural(self.requests, "request") if self.requests else "nothing sent"
        return f"{self.name} · {told} · {asked} · {self._delivery.seconds:.1f} s"

    def _remarks(self) -> list[str]:
        lines = [f"Note: {note}" for note in self.notes]
        if self.stopped and not self._is_created:
            lines.append(f"Stopped: {self.stopped.what}. {self.stopped.why}".strip())
        more = len(self._grouped()) - _SHOWN
        lines += [f"{plural(more, 'more kind')} of errors: .errors"] if more > 0 else []
        return lines + [f"Next: {advice}" for advice in self._advice()]

    @property
    def _is_created(self) -> bool:
        counts = self.counts
        return counts["total"] == counts[CREATED]

    def _advice(self, at: str = "") -> list[str]:
        return next_steps(self.name, self._owner, self._frame, self._delivery, at)

    def _grouped(self) -> list[tuple[str, int, str, str]]:
        """Give errors by kind, most frequent first: with count, labels and words."""
        labels: dict[str, list[Any]] = defaultdict(list)
        words: dict[str, list[str]] = defaultdict(list)
        for at, outcome in enumerate(self._delivery.outcomes):
            kinds = {_kind(error): error for error in outcome.errors}
            for kind, error in kinds.items():
                labels[kind].append(self._label(at))
                if error.code and error.message not in words[kind]:
                    words[kind].append(error.message)
        ordered = sorted(labels.items(), key=lambda item: (-len(item[1]), item[0]))
        return [
            (kind, len(found), row_names(found), _first(words[kind]))
            for kind, found in ordered
        ]

    def _label(self, at: int) -> Any:
        return self._frame.index[self._places[at][0]]

    def _explained(self, state: str) -> pd.DataFrame:
        rows = self._delivery.places(state)
        why = {p: self._why(at) for at in rows for p in self._places[at]}
        frame = self._original(rows)
        frame["why"] = [why[place] for place in sorted(why)]
        return frame

    def _why(self, at: int) -> str:
        outcome = self._delivery.outcomes[at]
        told = "; ".join(map(str, outcome.errors))
        if outcome.is_there:
            return f"{THERE} ({told})"
        return told or "sent, and not answered for"

    def _original(self, rows: Iterable[int]) -> pd.DataFrame:
        return self._frame.iloc[
            sorted(p for at in rows for p in self._places[at])
        ].copy()


def _kind(error: RowError) -> str:
    told = (error.code or error.message, error.field and f"({error.field})")
    return plain(" ".join(filter(None, told)), 120).rstrip(".")


def _first(words: Sequence[str]) -> str:
    new = [said for said in words if said != EARLIER] or words
    told = plain(new[0], 120) if new else ""
    return f"{told} (and others)" if len(new) > 1 else told


def _line(kind: str, count: int, labels: str, words: str) -> str:
    said = f" · {words}" if words else ""
    return f"{count:>6,} × {kind}: row{'s' * (count > 1)} {labels}{said}"


def _gone(_: object) -> Any:
    raise SendFailed(
        "this report came without its connection",
        advice="Look up those in .uncertain first; then send what is not there by "
        "send(…) or run_payroll(…) of a connection.",
    )
