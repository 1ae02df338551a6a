"""Records to DataFrame: the documented types, and whatever else came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ..errors import SettingsError
from .columns import build, control_total, infer
from .resources import CATALOGUE, find
from .schema import Column, Resource
from .shaping import flatten

_TOLD = 12  # names in a note; the rest is counted


@dataclass(frozen=True, slots=True)
class Framed:
    """
    A frame, and what has to be told beside it.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (rows, columns)
    control_totals : dict of str to str
        The exact sum of each money column.
    notes : list of str
        What did not go as documented, each told once.
    """

    frame: pd.DataFrame
    control_totals: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def to_frame(
    records: Iterable[Mapping[str, Any]],
    resource: Resource | None,
    *,
    money: str = "float",
    columns: Sequence[str] | None = None,
) -> Framed:
    """
    Build a frame with stable types, whatever the data.

    Dates are ``datetime64[s]``, instants ``datetime64[us, UTC]``, integers ``Int64``,
    flags ``boolean``, ids, codes and enumerations ``str``, money ``float64`` or
    decimal128; nested objects are dotted, lists are JSON text. Documented columns are
    there even when no record has them.

    Parameters
    ----------
    resource : Resource or None
        None: no type is documented, so each column is inferred without loss.
    money : {"float", "decimal"}
        The type of money columns; their exact sums come along in both.
    columns : sequence of str, optional
        Only these, in this order.

    Raises
    ------
    SettingsError
        ``unknown_column``: one of ``columns`` is not there.
    """
    documented = {c.name: c for c in resource.columns} if resource else {}
    whole = frozenset(n for n, c in documented.items() if c.kind == "json")
    values, rows = _by_column(records, whole, documented)
    wanted = _wanted(list(values), columns)
    series: dict[str, pd.Series] = {}
    totals: dict[str, str] = {}
    notes: list[str] = []
    for name in wanted:
        column = documented.get(name)
        if column is None:
            series[name] = infer(values[name])
            continue
        series[name], told = build(column, values[name], money=money)
        notes += told
        if column.kind == "money" and (total := control_total(values[name])):
            totals[name] = total
    unknown = [n for n in values if n not in documented] if documented else []
    if unknown and columns is None:
        more = f" and {len(unknown) - _TOLD} more" if len(unknown) > _TOLD else ""
        notes.append(f"not documented, kept: {', '.join(unknown[:_TOLD])}{more}")
    frame = pd.DataFrame(series, index=pd.RangeIndex(rows), columns=wanted)
    return Framed(frame, totals, notes)


def describe(name: str | None = None) -> pd.DataFrame:
    """
    List the resources, or the columns and parameters of one.

    Raises
    ------
    SettingsError
        ``unknown_resource``.
    """
    if name is None:
        rows = [(r.name, r.owner, r.doc, r.page) for r in CATALOGUE.values()]
        return pd.DataFrame(rows, columns=["resource", "of", "what", "page"])
    resource = find(name)
    entries = [("parameter", p.name, p.kind, p.values) for p in resource.parameters]
    entries += [("column", c.name, c.kind, c.values) for c in resource.columns]
    rows_ = [(role, n, kind, ", ".join(values)) for role, n, kind, values in entries]
    return pd.DataFrame(rows_, columns=["role", "name", "type", "values"])


def _by_column(
    records: Iterable[Mapping[str, Any]],
    whole: frozenset[str],
    documented: Mapping[str, Column],
) -> tuple[dict[str, list[Any]], int]:
    values: dict[str, list[Any]] = {name: [] for name in documented}
    row = 0
    for row, record in enumerate(records, 1):
        for name, value in flatten(dict(record), whole):
            column = values.get(name)
            if column is None:
                column = values[name] = []
            if len(column) >= row:
                # "a.b" beside {"a": {"b": …}}: both are kept.
                column = values.setdefault(f"{name} (2)", [])
            column.extend([None] * (row - 1 - len(column)))
            column.append(value)
    for column in values.values():
        column.extend([None] * (row - len(column)))
    return values, row


def _wanted(there: list[str], columns: Sequence[str] | None) -> list[str]:
    if columns is None:
        return there
    if missing := [name for name in columns if name not in there]:
        raise SettingsError(
            f"there is no column {missing[0]!r}",
            why=f"There are: {', '.join(there[:_TOLD])} …",
            advice="Check the names in columns.",
            code="unknown_column",
        )
    return list(columns)
