"""Records to DataFrame: the documented types, and whatever else came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ..errors import SettingsError, plain
from .columns import build, control_total, infer, legible
from .resources import CATALOGUE, find
from .schema import Column, Parameter, Resource
from .shaping import Path, check_money, column_names, leaves

_TOLD = 12  # names in a note; the rest is counted
_LONGEST = 80  # characters of such a name


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
    is_part: bool = False,
) -> Framed:
    """
    Build a frame with stable types, whatever the data.

    Dates are ``datetime64[s]``, instants ``datetime64[us, UTC]``, integers ``Int64``,
    flags ``boolean``, ids, codes and enumerations ``str`` (the type that pandas 3
    calls so, in pandas 2 too), money ``float64`` or decimal128; nested objects are
    dotted, lists are JSON text. Documented columns are there even when no record has
    them. Nothing that the API may send raises: a column with a value of another type
    becomes text, and a note says so.

    Parameters
    ----------
    records : iterable of mapping
        What is no object becomes the column ``value``.
    resource : Resource or None
        None: no type is documented, so each column is inferred without loss.
    money : {"float", "decimal"}
        The type of money columns; their exact sums come along in both.
    columns : sequence of str, optional
        Only these, in this order.
    is_part : bool
        Whether other records may have columns that these lack: then they are empty.

    Raises
    ------
    SettingsError
        ``unknown_column``: one of ``columns`` is not there; ``bad_setting``: there is
        no such type of money.
    """
    check_money(money)
    documented = {c.name: c for c in resource.columns} if resource else {}
    values, rows = _by_column(records, resource)
    if resource is None and (is_part or not rows):
        values = {name: [None] * rows for name in column_names(columns)} | values
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
        names = ", ".join(plain(name, _LONGEST) for name in unknown[:_TOLD])
        notes.append(f"not documented, kept: {names}{more}")
    frame = pd.DataFrame(series, index=pd.RangeIndex(rows), columns=wanted)
    return Framed(frame, totals, notes)


def describe(name: str | None = None) -> pd.DataFrame:
    """
    List the resources; or the parameters, columns and versions of one.

    Raises
    ------
    SettingsError
        ``unknown_resource``.
    """
    if name is None:
        rows = [
            (r.name, r.owner, r.country, "history" if r.history else "", r.doc, r.page)
            for r in CATALOGUE.values()
        ]
        heads = ["resource", "of", "country", "versions", "what", "page"]
        return pd.DataFrame(rows, columns=heads)
    resource = find(name)
    types = to_frame([], resource).frame.dtypes
    entries = [
        (p.where, p.name, p.kind, p.values, _of_parameter(p))
        for p in resource.parameters
    ]
    if resource.history:
        told = "history gives all versions; else that of today"
        entries.append(("option", "history", "boolean", ("true", "false"), told))
    entries += [
        ("column", c.name, str(types[c.name]), c.values, _of_column(c, resource))
        for c in resource.columns
    ]
    rows_ = [(role, n, kind, ", ".join(v), note) for role, n, kind, v, note in entries]
    frame = pd.DataFrame(rows_, columns=["role", "name", "type", "values", "note"])
    frame.attrs["intermezzo"] = {
        "resource": resource.name,
        "what": resource.doc,
        "page": resource.page,
        "path": resource.path,
        "history": resource.history,
    }
    return frame


def _of_parameter(parameter: Parameter) -> str:
    if parameter.where == "path":
        return f"has to be given: {parameter.name}={parameter.example}"
    return f"{parameter.default} where left out" if parameter.default else ""


def _of_column(column: Column, resource: Resource) -> str:
    from_path = {p.column: p.name for p in resource.parameters if p.column}
    notes = [
        "exact with money=decimal" * (column.kind == "money"),
        "objects and lists as JSON text" * (column.kind == "json"),
        *(f"documented as {kind}, too" for kind in column.also),
        f"else from {from_path[column.name]}" if column.name in from_path else "",
        "what has the versions" * (column.name in resource.key),
        "tells the versions apart" * (column.name == resource.version),
    ]
    return "; ".join(note for note in notes if note)


def _by_column(
    records: Iterable[Any], resource: Resource | None
) -> tuple[dict[str, list[Any]], int]:
    documented = resource.columns if resource else ()
    values: dict[Path, list[Any]] = {tuple(c.name.split(".")): [] for c in documented}
    whole = {tuple(c.name.split(".")) for c in documented if c.kind == "json"}
    row = -1
    for row, record in enumerate(records):
        fields = record if isinstance(record, Mapping) else {"value": record}
        for path, value in leaves(fields, whole):
            column = values.get(path)
            if column is None:
                column = values[path] = []
            if len(column) < row:
                column.extend([None] * (row - len(column)))
            column.append(value)
    for column in values.values():
        column.extend([None] * (row + 1 - len(column)))
    return _named(values, {c.name for c in documented}), row + 1


def _named(
    values: Mapping[Path, list[Any]], documented: set[str]
) -> dict[str, list[Any]]:
    """Name each path; ``a.b`` and ``b`` inside ``a`` are two, and both are kept."""
    inner = {path[:end] for path in values for end in range(1, len(path))}
    named: dict[str, list[Any]] = {}
    for path, column in values.items():
        name = dotted = legible(".".join(map(str, path)))
        is_empty = all(v is None or v == {} for v in column)
        if path in inner and dotted not in documented and is_empty:
            continue  # an object that is missing here: its own columns say so
        number = 1
        while name in named:
            number += 1
            name = f"{dotted} ({number})"
        named[name] = column
    return named


def _wanted(there: list[str], columns: Sequence[str] | None) -> list[str]:
    if columns is None:
        return there
    if missing := [name for name in column_names(columns) if name not in there]:
        raise SettingsError(
            f"there is no column {missing[0]!r}",
            why=f"There are: {', '.join(there[:_TOLD])} …",
            advice="Check the names in columns.",
            code="unknown_column",
        )
    return column_names(columns)
