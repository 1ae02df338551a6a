"""From what the API sends to the flat records of a resource; pure, no pandas."""

from __future__ import annotations

import json
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import suppress
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET

from ..errors import ApiError, SettingsError
from ..quoting import plain, quoted
from .alike import are_alike, as_objects
from .arguments import closest, is_one_of, names_of, several_in_one
from .instants import day_of_instant, instant_of, is_day
from .schema import Resource

Record = dict[str, Any]
Path = tuple[str, ...]

FORMS = ("pandas", "arrow", "polars", "records")
DEEPEST = 16  # objects inside each other; what is deeper stays whole, as JSON text
# Kinds whose values can be spelled in more than one way.
_MEANINGS: Mapping[str, Callable[[str], Any]] = {
    "money": Decimal,
    "number": Decimal,
    "integer": Decimal,
    "instant": instant_of,
}


def shape(
    records: Sequence[Any], resource: Resource | None, added: Mapping[str, str]
) -> Sequence[Any]:
    """
    Give one record a row; alike ones come as they are, and are unwrapped later.

    Parameters
    ----------
    records : sequence
        As the API sent them; what is no object becomes the member ``value``.
    added : mapping
        Members that come from the path, such as ``employeeId``; they fill what is
        null or missing in a record.

    Raises
    ------
    ApiError
        A record that should hold lines holds nothing that is documented.
    """
    if are_alike(records) and _are_rows(records, resource, added):
        return records
    records = as_objects(records)
    rows = [raw if isinstance(raw, dict) else {"value": raw} for raw in records]
    if resource and resource.lines:
        for row in rows:
            if not _may_hold_lines(row, resource):
                lists = ", ".join(member for member, _ in resource.lines)
                raise _unknown(row, resource, f"no {lists}")
    if resource and resource.unwrap:
        rows = [_unwrapped(row, resource.unwrap) for row in rows]
    if resource and resource.nested:
        rows = [inner for row in rows for inner in _nested(row, resource)]
    if added:
        rows = [_filled(row, added) for row in rows]
    if resource and resource.lines:
        rows = [line for row in rows for line in _lines(row, resource, added)]
    return rows


def insist_on_record(answer: Any, resource: Resource, added: Mapping[str, str]) -> None:
    """
    Refuse an answer that should be a record, and is none: the words of a fault.

    Raises
    ------
    ApiError
        It holds nothing that is documented.
    """
    row = answer if isinstance(answer, dict) else {"value": answer}
    if resource.unwrap:
        row = _unwrapped(row, resource.unwrap)
    known = {column.name.split(".")[0] for column in resource.columns}
    # A record that names itself, or whose it is, may have other fields than are known.
    known |= {"id", *added}
    if known.isdisjoint(row):
        raise _unknown(row, resource, "nothing that is documented")


def _are_rows(
    records: Sequence[Any], resource: Resource | None, added: Mapping[str, str]
) -> bool:
    """Tell whether alike records say all that their rows do."""
    if resource and (resource.lines or resource.nested):
        return False
    # What is inside of what is unwrapped need not be looked for here.
    values = (getattr(record, name, None) for name in added for record in records)
    return all(value is not None and value is not UNSET for value in values)


def _filled(record: Record, known: Mapping[str, Any]) -> Record:
    """Give a record in which nothing is null that is known from elsewhere."""
    return {**record, **{k: v for k, v in known.items() if record.get(k) is None}}


def _nested(record: Record, resource: Resource) -> Iterator[Record]:
    kept = {column: record.get(member) for member, column in resource.keep}
    for inner in _listed(record.get(resource.nested)):
        yield _filled(inner if isinstance(inner, dict) else {"value": inner}, kept)


def _unwrapped(record: Record, name: str) -> Record:
    inner = record.get(name)
    if not isinstance(inner, dict):
        return record
    merged = {**record, **inner}
    if len(merged) == len(record) + len(inner):
        del merged[name]
        return merged
    # The envelope keeps its names; what would hide it keeps its whole path.
    rest = {k: v for k, v in record.items() if k != name}
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
    # What the record calls by a name of ours keeps its whole path, as above.
    paths = {name: f"{resource.name}.{name}" for name in ("kind", *kept)}
    kept = {paths.get(k, k): v for k, v in rest.items() if k not in others} | kept
    for member, kind in {**kinds, **others}.items():
        for line in _listed(record.get(member)):
            own = line if isinstance(line, dict) else {"value": line}
            ours = {**kept, "kind": kind}
            # What a line calls by the same name keeps its whole path, as above.
            yield {f"{member}.{k}" if k in ours else k: own[k] for k in own} | ours


def _may_hold_lines(record: Record, resource: Resource) -> bool:
    # Where no list of lines is there, nothing else may be that could be pay.
    kinds = {member for member, _ in resource.lines}
    known = {member for member, _ in resource.keep}
    has_lists = any(_holds_objects(value) for value in record.values())
    return bool(kinds & {*record}) or has_lists or bool(record and {*record} <= known)


def _unknown(record: Record, resource: Resource, lacks: str) -> ApiError:
    held = ", ".join(plain(name, 80) for name in list(record)[:8]) or "nothing"
    return ApiError(
        f"the answer for {resource.name} has {lacks}",
        why=f"It holds: {'null' if record == {'value': None} else held}.",
        advice="Check INTERMEZZO_API_URL, and whether the API has changed; get() of "
        "the connection gives the answer as it is.",
        code="unknown_answer",
    )


def _listed(lines: Any) -> list[Any]:
    if isinstance(lines, list):
        return lines
    return [] if lines is None else [lines]


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
        is_opened = isinstance(value, Mapping) and value and len(path) < DEEPEST
        if is_opened and path not in whole:
            yield from leaves(value, whole, path)
        else:
            yield path, value


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
    if kind == "instant" and is_day(text):
        meaning = day_of_instant
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
    if isinstance(value, (dict, list)):
        with suppress(UnicodeEncodeError):  # half a letter
            return msgspec.json.format(msgspec.json.encode(value), indent=0).decode()
    return _AS_JSON(value)


# It writes the same blanks as msgspec.json.format, in three times its time.
_AS_JSON = json.JSONEncoder(ensure_ascii=False).encode


def check_money(money: object) -> None:
    """
    Refuse what is no type of money columns.

    Raises
    ------
    SettingsError
        ``bad_setting``.
    """
    if not is_one_of(money, ("float", "decimal")):
        raise SettingsError(
            f"money has no type {quoted(money)}",
            advice='Use money="float" or "decimal".',
        )


def check_columns(resource: Resource | None, wanted: object) -> None:
    """
    Refuse what are no names of columns, or none that the resource documents.

    Raises
    ------
    SettingsError
        ``bad_arguments``; ``unknown_column``, with the closest name there is.
    """
    asked = names_of("columns", wanted)
    if resource is None:
        return
    # The owner's id comes along where several are asked.
    known = [*(column.name for column in resource.columns), "organizationId"]
    if unknown := [name for name in asked if name not in known]:
        close = closest(unknown[0], known)
        hint = f"Did you mean {close}? " if close else ""
        raise SettingsError(
            f"{resource.name} documents no column {quoted(unknown[0])}",
            why="What the API sends beyond its documentation is known after reading "
            "alone.",
            advice=several_in_one(asked, known)
            or f"{hint}%intermezzo_resources {resource.name} lists the columns; "
            "leave columns out and choose others from the frame.",
            code="unknown_column",
        )


def check_form(form: object, columns: object) -> None:
    """
    Refuse what no frame can be given as.

    Raises
    ------
    SettingsError
        ``bad_setting``, or ``bad_arguments``: records are not cut to columns.
    """
    if not is_one_of(form, FORMS):
        raise SettingsError(
            f"a frame cannot be given as {quoted(form)}",
            advice=f"Use as_= one of {', '.join(FORMS)}.",
        )
    if form == "records" and columns is not None:
        raise SettingsError(
            "records come whole, as the API sends them",
            advice="Leave columns out, or choose another as_.",
            code="bad_arguments",
        )
