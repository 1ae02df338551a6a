"""From what the API sends to the flat records of a resource; pure, no pandas."""

from __future__ import annotations

import datetime as dt
import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..errors import SettingsError
from .schema import Resource

Record = dict[str, Any]


def shape(
    records: Iterable[Any], resource: Resource | None, added: Mapping[str, str]
) -> Iterator[Record]:
    """
    Give one record a row.

    Parameters
    ----------
    records : iterable
        As the API sent them; what is no object becomes the member ``value``.
    added : mapping
        Members that come from the path, such as ``employeeId``; a record's own win.
    """
    for raw in records:
        record = raw if isinstance(raw, dict) else {"value": raw}
        if resource is None:
            yield {**added, **record}
            continue
        if resource.unwrap:
            record = _unwrapped(record, resource.unwrap)
        if resource.lines:
            yield from _lines({**added, **record}, resource)
        else:
            yield {**added, **record}


def _unwrapped(record: Record, name: str) -> Record:
    inner = record.get(name)
    if not isinstance(inner, dict):
        return record
    rest = {k: v for k, v in record.items() if k != name}
    # The envelope keeps its names; what would hide it keeps its whole path.
    return rest | {(f"{name}.{k}" if k in rest else k): v for k, v in inner.items()}


def _lines(record: Record, resource: Resource) -> Iterator[Record]:
    kept = {column: record.get(member) for member, column in resource.keep}
    for member, kind in resource.lines:
        lines = record.get(member)
        for line in lines if isinstance(lines, list) else []:
            own = line if isinstance(line, dict) else {"value": line}
            yield {**own, **kept, "kind": kind}


def flatten(record: Record, whole: frozenset[str], prefix: str = "") -> Iterator[Any]:
    """
    Give the dotted name and the value of each leaf.

    Parameters
    ----------
    whole : frozenset of str
        Names that stay whole, although they hold an object.
    """
    for key, value in record.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and name not in whole:
            yield from flatten(value, whole, f"{name}.")
        else:
            yield name, value


def valid_on(
    records: Iterable[Record], day: dt.date, *, inclusive: bool
) -> Iterator[Record]:
    """
    Give the versions that are valid on a day.

    Parameters
    ----------
    inclusive : bool
        Whether ``validTo`` is the last valid day, or the first that is not.
    """
    today = day.isoformat()
    for record in records:
        start, end = record.get("validFrom"), record.get("validTo")
        begun = not isinstance(start, str) or start[:10] <= today
        last = end[:10] if isinstance(end, str) else "9999-12-31"
        if begun and (today <= last if inclusive else today < last):
            yield record


def matching(
    records: Iterable[Record], wanted: Mapping[str, str], whole: frozenset[str]
) -> Iterator[Record]:
    """Give the records whose values, as text, are those that are wanted."""
    for record in records:
        if not wanted:
            yield record
            continue
        values = dict(flatten(record, whole))
        if all(as_text(values.get(name)) == text for name, text in wanted.items()):
            yield record


def as_text(value: Any) -> str:
    """Give a value as text: text as it is, nothing as empty, the rest as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def check_columns(resource: Resource, wanted: Iterable[str]) -> None:
    """
    Refuse names of columns that the resource does not document.

    Raises
    ------
    SettingsError
        ``unknown_column``, with the closest name there is.
    """
    known = [column.name for column in resource.columns]
    for name in wanted:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"Did you mean {close[0]}? " if close else ""
            raise SettingsError(
                f"{resource.name} has no column {name!r}",
                advice=f"{hint}%intermezzo_resources {resource.name} lists them.",
                code="unknown_column",
            )
