"""From a DataFrame to the bodies of requests: all are checked before one is sent."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from msgspec import Struct

from ..errors import BadTable
from ..quoting import plain
from .forms import Body, Problem
from .progress import plural
from .schema import Column
from .values import Unfit, as_json, is_of_cents

_NO: Mapping[str, str] = {}
_TOLD = 5  # problems or rows in a message; the rest is counted


class Table(Struct, frozen=True):
    """
    What the caller gave, with its columns known to be those that can be sent.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (rows, columns)
        A copy: what is sent is what is told afterwards.
    fields : tuple of Column
        One for each column that can be sent.
    """

    frame: pd.DataFrame
    fields: tuple[Column, ...]

    @property
    def labels(self) -> list[Any]:
        """The index of the caller."""
        return list(self.frame.index)

    def rows(self, problems: list[Problem]) -> list[Body]:
        """Give each row's fields by their dotted names; what is missing is absent."""
        labels = self.labels
        rows: list[Body] = [{} for _ in labels]
        for field in self.fields:
            for at, value in enumerate(self.frame[field.name].tolist()):
                if is_missing(value):
                    continue
                plain_value = value.item() if isinstance(value, np.generic) else value
                try:
                    rows[at][field.name] = as_json(field, plain_value)
                except Unfit as why:
                    problems.append((labels[at], field.name, str(why)))
                    rows[at][field.name] = _UNFIT
        return rows

    def doubts(self, rows: Sequence[Body]) -> list[str]:
        """Tell of what is sent though it may not be meant so."""
        notes = []
        seen: dict[str, int] = {}
        again = [
            label
            for at, (label, row) in enumerate(zip(self.labels, rows, strict=True))
            if seen.setdefault(repr(row), at) != at
        ]
        if again:
            told = (
                "equals one before it in all fields, and is a row of its own"
                if len(again) == 1
                else "equal ones before them in all fields, and are rows of their own"
            )
            notes.append(f"{plural(len(again), 'row')} ({row_names(again)}) {told}")
        for field in self.fields:
            found = [
                label
                for label, row in zip(self.labels, rows, strict=True)
                if not is_of_cents(field, row.get(field.name))
            ]
            if found:
                notes.append(
                    f"{field.name} of {plural(len(found), 'row')} ({row_names(found)}) "
                    "has more than 2 decimals: how the API rounds is not documented"
                )
        for field in (field for field in self.fields if field.values):
            found = [
                label
                for label, row in zip(self.labels, rows, strict=True)
                if field.name in row and row[field.name] not in field.values
            ]
            if found:
                notes.append(
                    f"{field.name} of {plural(len(found), 'row')} ({row_names(found)}) "
                    f"is not among the documented values: {', '.join(field.values)}"
                )
        return notes

    def require(
        self,
        rows: Sequence[Body],
        groups: Sequence[Sequence[str]],
        problems: list[Problem],
    ) -> None:
        """Look for what is needed: of each group, one that is not blank."""
        there = {field.name for field in self.fields}
        for group in groups:
            field = next((name for name in group if name in there), None)
            if field is None:
                problems.append((None, group[0], "is a column that is needed"))
                continue
            problems += [
                (label, field, "is missing")
                for label, row in zip(self.labels, rows, strict=True)
                if all(_is_blank(row.get(name)) for name in group)
            ]


_UNFIT = object()  # it is there, and told already


def checked(
    what: str, frame: Any, fields: Sequence[Column], problems: list[Problem]
) -> Table:
    """
    Check the shape of a table; problems with its columns and index are added.

    Raises
    ------
    BadTable
        It is no table.
    """
    if hasattr(frame, "to_pandas"):
        frame = frame.to_pandas()
    if not isinstance(frame, pd.DataFrame):
        raise BadTable(
            f"{what} can be sent from a DataFrame only",
            why=f"What was given is a {type(frame).__name__}.",
            advice="Give a pandas DataFrame, a row for each of them.",
            problems=_listed(()),
        )
    for labels, name in ((frame.columns, "column"), (frame.index, "index")):
        if not _are_names(labels):
            raise BadTable(
                f"{what} cannot be sent from this DataFrame",
                why=f"A label of its {name} is a list or another value that names "
                "nothing.",
                advice="Rename it: labels are text, numbers or dates.",
                problems=_listed(()),
            )
    known = {field.name: field for field in fields}
    twice = {*frame.columns[frame.columns.duplicated()]}
    problems += [(None, plain(name), "is a column twice") for name in twice]
    problems += _unknown(frame.columns.unique(), [*known], what)
    again = frame.index[frame.index.duplicated()].unique()
    told = "is the label of several rows: reset_index(drop=True) gives each its own"
    problems += [(label, "", told) for label in again]
    if not len(frame):
        problems.append((None, "", "there are no rows"))
    found = [n for n in frame.columns.unique() if n in known and n not in twice]
    return Table(frame.copy(), tuple(known[name] for name in found))


def given(frame: Any) -> pd.DataFrame:
    """
    Give a table that rows are named by; of two columns with one name, the first.

    Raises
    ------
    BadTable
        It is no table.
    """
    frame = checked("rows", frame, (), []).frame
    frame.columns = frame.columns.to_flat_index()
    return frame.loc[:, ~frame.columns.duplicated()]


def places_of(labels: pd.Index[Any], index: pd.Index[Any]) -> list[int]:
    """Give the place in an index of each label; -1 where it is not there."""
    # As objects, no label is taken for a mask, or for a point of an interval.
    there, asked = (i.to_flat_index().astype(object) for i in (index, labels))
    return [int(place) for place in there.get_indexer_for(asked)]


def unlike(found: pd.DataFrame, sent: pd.DataFrame) -> list[Any]:
    """
    Give the labels of rows that do not say what was sent.

    Parameters
    ----------
    found : pandas.DataFrame of shape (rows, columns)
        With all columns that were sent; others are not compared.
    sent : pandas.DataFrame of shape (rows, those columns)
        What was sent for each of them.
    """
    is_same = np.ones(len(found), dtype=bool)
    for name in sent.columns:
        is_same &= _texts(found[name]) == _texts(sent[name])
    return [*found.index[~is_same]]


def _texts(cells: pd.Series[Any]) -> npt.NDArray[np.object_]:
    made = np.empty(len(cells), dtype=object)
    made[:] = ["" if is_missing(cell) else _text(cell) for cell in cells.tolist()]
    return made


def _text(cell: object) -> str:
    try:
        return f"={cell}"
    except (ValueError, RecursionError):  # it is itself at least
        return f"#{id(cell)}"


def refuse(
    what: str,
    problems: Sequence[Problem],
    labels: Sequence[Any],
    about: Mapping[str, str] = _NO,
    *,
    done: str = "sent",
) -> None:
    """
    Raise one error for all problems, where there are any.

    Parameters
    ----------
    labels : sequence
        Of all rows: problems are told in their order, after those of the whole table.
    about : mapping of str to str
        What is to be said beside a problem with a field.
    done : str
        What is not done with them.

    Raises
    ------
    BadTable
        Names the first few, and counts the rest.
    """
    if not problems:
        return
    order = {label: at for at, label in enumerate(labels)}
    problems = sorted(problems, key=lambda problem: order.get(problem[0], -1))
    told = [_worded(*problem) for problem in problems[:_TOLD]]
    more = len(problems) - len(told)
    told += [f"and {more:,} more"] if more else []
    bad = len({plain(label) for label, *_ in problems if label is not None})
    where = f" in {bad:,} of {len(labels):,} rows" if bad else ""
    count = plural(len(problems), "problem")
    why = "; ".join(told)
    fields = {field for _, field, _ in problems}
    hints = dict.fromkeys(words for field, words in about.items() if field in fields)
    advice = f"Nothing was {done}. Correct them; .problems of this error lists all."
    raise BadTable(
        f"{what} cannot be {done}: {count}{where}",
        why=why if why.endswith("?") else f"{why}.",
        advice=" ".join([*hints, advice]),
        problems=_listed(problems),
    )


def nested(row: Body, label: Any, problems: list[Problem]) -> Body:
    """Put dotted names into objects inside each other."""
    body: Body = {}
    for name, value in row.items():
        if value is _UNFIT:
            continue
        *path, last = name.split(".")
        place: Any = body
        for step in path:
            place = place.setdefault(step, {}) if isinstance(place, dict) else None
        if not isinstance(place, dict) or last in place:
            problems.append((label, name, "is given as a whole, too"))
            continue
        place[last] = value
    return body


def row_names(labels: Sequence[Any]) -> str:
    """Name the first few rows by their labels, and count the rest."""
    told = [plain(_label(label), 40) for label in labels[:_TOLD]]
    more = len(labels) - len(told)
    return ", ".join(told) + (f" and {more:,} more" if more else "")


def _label(label: Any) -> Any:
    # Of several levels: numpy's numbers would be written with their types.
    return f"({', '.join(map(str, label))})" if isinstance(label, tuple) else label


def is_missing(value: Any) -> bool:
    """Tell whether a cell is empty: None, NaN, NaT or NA."""
    if isinstance(value, Decimal):
        return value.is_qnan()  # pandas fails at one that signals
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _are_names(labels: Iterable[Any]) -> bool:
    try:
        return bool({*labels}) or True
    except TypeError:
        return False


def _listed(problems: Sequence[Problem]) -> pd.DataFrame:
    # Of type object: a label stays what it is, also beside one that is None.
    rows = {at: list(problem) for at, problem in enumerate(problems)}
    columns = ["label", "field", "problem"]
    return pd.DataFrame.from_dict(rows, "index", dtype=object, columns=columns)


def _worded(label: Any, field: str, reason: str) -> str:
    text = "" if label is None else plain(label, 40)
    row = text if not text or text.lower().startswith("row") else f"row {text}"
    place = ", ".join(filter(None, (row, field)))
    return f"{place} {reason}".strip()


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _unknown(
    names: Iterable[object], known: Sequence[str], what: str
) -> Iterator[Problem]:
    is_listed = False
    for name in names:
        if isinstance(name, str) and name in known:
            continue
        shown = plain(name, 80)
        close = difflib.get_close_matches(shown, known, 1, 0.7)
        ends = [n for n in known if n.rpartition(".")[2].lower() == shown.lower()]
        told = f"is no field of {what}"
        if shown == "why":
            told += "; drop it, or give these rows to .retry"
        elif hint := next(iter(ends + close), None):
            told += f"; did you mean {hint}?"
        elif not is_listed:  # once is enough, and all of them
            told += f"; there are {', '.join(known)}"
            is_listed = True
        yield None, plain(name), told
