"""From what the API sends to the flat records of a resource; pure, no pandas."""

from __future__ import annotations

import datetime as dt
import difflib
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from ..errors import SettingsError
from .schema import Resource

Record = dict[str, Any]
Path = tuple[str, ...]

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DEEPEST = 16  # objects inside each other; what is deeper stays whole, as JSON text
# Kinds whose values can be spelled in more than one way.
_MEANINGS: Mapping[str, Callable[[str], Any]] = {
    "money": Decimal,
    "number": Decimal,
    "integer": Decimal,
    "instant": dt.datetime.fromisoformat,
}


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
        Members that come from the path, such as ``employeeId``; they fill what is
        null or missing in a record.
    """
    for raw in records:
        record = raw if isinstance(raw, dict) else {"value": raw}
        if resource and resource.unwrap:
            record = _unwrapped(record, resource.unwrap)
        # What is null here is known from the path.
        record = {**record, **{k: v for k, v in added.items() if record.get(k) is None}}
        if resource and resource.lines:
            yield from _lines(record, resource, added)
        else:
            yield record


def _unwrapped(record: Record, name: str) -> Record:
    inner = record.get(name)
    if not isinstance(inner, dict):
        return record
    rest = {k: v for k, v in record.items() if k != name}
    # The envelope keeps its names; what would hide it keeps its whole path.
    return rest | {(f"{name}.{k}" if k in rest else k): v for k, v in inner.items()}


def _lines(
    record: Record, resource: Resource, added: Mapping[str, str]
) -> Iterator[Record]:
    kept = {column: record.get(member) for member, column in resource.keep}
    kept |= {name: record[name] for name in added}
    kinds = dict(resource.lines)
    known = {member for member, _ in resource.keep} | {*kinds, *added}
    rest = {k: v for k, v in record.items() if k not in known}
    # Lists of objects that nobody documented are lines too, of a kind of their own.
    others = {k: k for k, v in rest.items() if _holds_objects(v)}
    kept = {k: v for k, v in rest.items() if k not in others} | kept
    for member, kind in {**kinds, **others}.items():
        lines = record.get(member)
        lines = [lines] if isinstance(lines, dict) else lines
        for line in lines if isinstance(lines, list) else []:
            own = line if isinstance(line, dict) else {"value": line}
            ours = {**kept, "kind": kind}
            # What a line calls by the same name keeps its whole path, as above.
            yield {f"{member}.{k}" if k in ours else k: own[k] for k in own} | ours


def _holds_objects(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def leaves(
    record: Mapping[str, Any], whole: Collection[Path], above: Path = ()
) -> Iterator[tuple[Path, Any]]:
    """
    Give the path and the value of each leaf.

    Parameters
    ----------
    whole : collection of tuple of str
        Paths whose objects stay whole.
    """
    for key, value in record.items():
        path = (*above, key)
        is_opened = isinstance(value, Mapping) and value and len(path) < _DEEPEST
        if is_opened and path not in whole:
            yield from leaves(value, whole, path)
        else:
            yield path, value


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
        # What is no date bounds nothing: rather a row too many than one lost.
        begun = (_day(record.get("validFrom")) or "0000") <= today
        last = _day(record.get("validTo")) or "9999-12-31"
        if begun and (today <= last if inclusive else today < last):
            yield record


def _day(value: Any) -> str:
    is_date = isinstance(value, str) and _DATE.match(value)
    return value[:10] if is_date else ""


def matching(
    records: Iterable[Record], wanted: Mapping[str, str], resource: Resource | None
) -> Iterator[Record]:
    """
    Give the records whose values are those that are wanted, compared by their kind.

    ``amount=100`` finds ``"100.00"``; empty text finds what is missing.
    """
    if resource is None or not wanted:
        yield from records
        return
    paths = {tuple(name.split(".")): text for name, text in wanted.items()}
    kinds = {tuple(c.name.split(".")): c.kind for c in resource.columns}
    for record in records:
        values = dict(leaves(record, paths))
        if all(_is(values.get(p), text, kinds.get(p)) for p, text in paths.items()):
            yield record


def _is(value: Any, text: str, kind: str | None) -> bool:
    shown, meaning = as_text(value), _MEANINGS.get(kind or "")
    if shown == text or not (meaning and shown and text):
        return shown == text
    try:
        return bool(meaning(shown) == meaning(text))
    except (ArithmeticError, ValueError, TypeError):
        return False


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
    # The owner's id comes along where several are asked.
    known = [*(column.name for column in resource.columns), "organizationId"]
    for name in [wanted] if isinstance(wanted, str) else wanted:
        if name not in known:
            close = difflib.get_close_matches(str(name), known, 1)
            hint = f"Did you mean {close[0]}? " if close else ""
            raise SettingsError(
                f"{resource.name} has no column {name!r}",
                advice=f"{hint}%intermezzo_resources {resource.name} lists them.",
                code="unknown_column",
            )
