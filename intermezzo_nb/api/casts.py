"""
From what was collected to a typed Arrow column, all rows at once where that is exact.

Arrow's own casts take more than is documented, and round; so each is tried on text of
a form alone in which it can do neither. Everything else goes value by value through
``columns``, with the same outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, field

from .columns import (
    INSTANT,
    PRECISIONS,
    TEXT,
    build,
    control_total,
    infer,
    kinds_of,
)
from .schema import Column
from .spelling import DATE, EXACT_DIGITS

# Values of one JSON type as an array of that type, so that the values can be had back
# as they came; others as they are.
Chunk: TypeAlias = pa.Array | list[Any]

TEXTUAL = frozenset({"text", "enum", "json"})
STORAGE: Mapping[type, pa.DataType] = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    str: TEXT,
}
_TYPES = {storage: kind for kind, storage in STORAGE.items()}
_FIRST_DAY = -719162  # 0001-01-01, the first that Python has, in days from 1970
_DAY = 86_400_000_000  # in microseconds
_T, _LONGEST = len("2026-01-31"), len("2026-01-31T10:11:12.123456Z")
_DATE = f"^{DATE.pattern}"
_UTC = _DATE + r"T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$"
_OFFSET = _UTC.replace("Z$", r"(Z|[+-]\d{2}:\d{2})$")


class Typed(Struct, frozen=True):
    """
    A column, and what has to be told beside it.

    Parameters
    ----------
    total : str or None
        The exact sum of a money column.
    """

    array: pa.Array
    notes: list[str] = field(default_factory=list)
    total: str | None = None


def typed(
    column: Column | None,
    chunks: Sequence[Chunk],
    *,
    money: str,
    page_of: Callable[[int], str] = lambda _row: "",
) -> Typed:
    """
    Give a column its documented type; without a documentation, infer it.

    Parameters
    ----------
    page_of : callable
        Tells the page of a row, in words to be put after it.
    """
    if column is None:
        return Typed(_whole(_inferred(chunks)))
    if column.kind == "money":
        if found := _money(chunks, column.scale, exact=money == "decimal"):
            return found
    elif (cast := _cast(column.kind, chunks)) is not None:
        return Typed(_whole(cast))
    values = _values(chunks)
    array, notes = build(column, values, money=money, page_of=page_of)
    total = control_total(values) if column.kind == "money" else None
    return Typed(array, notes, total)


def _inferred(chunks: Sequence[Chunk]) -> pa.Array:
    types = {*chain.from_iterable(map(_types, chunks))}
    if _are_of(str, chunks) and not _may_be_date(chunks):
        return _joined(chunks, TEXT)
    for kind in kinds_of(types):
        cast = _cast(kind if kind != "instant" else "utc", chunks)
        if cast is not None:
            return cast
    return infer(_values(chunks))


def _may_be_date(chunks: Iterable[pa.Array]) -> bool:
    filled = (chunk for chunk in chunks if chunk.null_count < len(chunk))
    first = next((chunk.drop_null()[:1] for chunk in filled), None)
    return first is not None and _all(pc.match_substring_regex(first, _DATE))


def _cast(kind: str, chunks: Sequence[Chunk]) -> pa.Array | None:
    """Cast a whole column; None where that is not certain to be exact."""
    if kind in TEXTUAL:
        return _joined(chunks, TEXT)
    source = _SOURCES.get(kind, TEXT)
    try:
        if kind == "number":
            return _numbers(chunks)
        if _are_of(_TYPES[source], chunks):
            joined = _joined(chunks, source)
            return _CASTS[kind](joined) if kind in _CASTS else joined
    except (pa.ArrowInvalid, OverflowError):
        pass
    return None


def _dates(texts: pa.Array) -> pa.Array | None:
    days = texts.cast(pa.date32())
    return days if _within(days.cast(pa.int32()), _FIRST_DAY, None) else None


def _instants(texts: pa.Array, pattern: str = _OFFSET) -> pa.Array | None:
    if not (_are_utc(texts) or _all(pc.match_substring_regex(texts, pattern))):
        return None
    moments = texts.cast(INSTANT)
    first, end = _FIRST_DAY * _DAY, (2_932_897 * _DAY) - 1  # to the end of 9999
    return moments if _within(moments.cast(pa.int64()), first, end) else None


def _are_utc(texts: pa.Array) -> bool:
    """Tell at a glance that none can be cast but instants in UTC, to the second."""
    # What Arrow casts of other lengths has no seconds, or more of them than are kept.
    return (
        _within(pc.binary_length(texts), len("2026-01-31T10:11:12Z"), _LONGEST)
        and _within(pc.find_substring(texts, "T"), _T, _T)
        and _all(pc.ends_with(texts, "Z"))
    )


def _numbers(chunks: Sequence[Chunk]) -> pa.Array | None:
    if not all(_types(chunk) <= {int, float} for chunk in chunks):
        return None
    # Of integers that no double holds, Arrow takes none.
    parts = [
        pa.array(c, pa.float64()) if isinstance(c, list) else c.cast(pa.float64())
        for c in chunks
    ]
    numbers = _joined(parts, pa.float64())
    return None if pc.any(pc.is_nan(numbers)).as_py() else numbers


def _money(chunks: Sequence[Chunk], scale: int, *, exact: bool) -> Typed | None:
    if not _are_of(str, chunks):
        return None
    texts = _joined(chunks, TEXT)
    whole = max(EXACT_DIGITS - scale, 1)
    form = rf"^-?\d{{1,{whole}}}(\.\d{{1,{scale}}})?$"
    if not (0 < scale < EXACT_DIGITS and _all(pc.match_substring_regex(texts, form))):
        return None
    amounts = texts.cast(pa.decimal128(PRECISIONS[-1], scale))
    total = _total(amounts, texts, scale)
    kind = pa.decimal128(PRECISIONS[0], scale) if exact else pa.float64()
    # From the text, since the way over decimals would round twice.
    return Typed(_whole((amounts if exact else texts).cast(kind)), [], total)


def _total(amounts: pa.Array, texts: pa.Array, scale: int) -> str:
    """Write the sum with as many places as the longest amount has."""
    point = pc.find_substring(texts, ".")
    after = pc.subtract(pc.subtract(pc.binary_length(texts), point), 1)
    places = pc.max(pc.if_else(pc.greater_equal(point, 0), after, 0)).as_py() or 0
    total = format(pc.sum(amounts).as_py() or 0, f".{scale}f")
    return total[: len(total) - (scale - places)].rstrip(".")


def _joined(chunks: Sequence[Any], kind: pa.DataType) -> pa.ChunkedArray:
    return pa.chunked_array(
        [c if c.type == kind else c.cast(kind) for c in chunks], kind
    )


def _whole(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    return array if isinstance(array, pa.Array) else array.combine_chunks()


def _are_of(kind: type, chunks: Iterable[Chunk]) -> bool:
    return all(not isinstance(c, list) and _types(c) <= {kind} for c in chunks)


def _types(chunk: Chunk) -> set[type]:
    if isinstance(chunk, list):
        return {type(value) for value in chunk if value is not None}
    return {_TYPES[chunk.type]} if chunk.type in _TYPES else set()


def _values(chunks: Iterable[Chunk]) -> list[Any]:
    lists = (c if isinstance(c, list) else c.to_pylist() for c in chunks)
    return [*chain.from_iterable(lists)]


def _all(flags: pa.Array) -> bool:
    return bool(pc.all(flags, min_count=0).as_py())


def _within(numbers: pa.Array, least: int, most: int | None) -> bool:
    found = pc.min_max(numbers).as_py()
    if found["min"] is None:
        return True
    return bool(found["min"] >= least and (most is None or found["max"] <= most))


_SOURCES = {"boolean": pa.bool_(), "integer": pa.int64()}
_CASTS: Mapping[str, Callable[[pa.Array], pa.Array | None]] = {
    "date": _dates,
    "instant": _instants,
    "utc": lambda texts: _instants(texts, _UTC),
}
