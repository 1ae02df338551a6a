"""One schema for all parts of an export, where they came with different ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct

from .columns import PRECISIONS, TEXT
from .shaping import as_text
from .spelling import EXACT_WHOLE

_PLAIN = 6  # places up to which Arrow writes decimals without an exponent


class Held(Struct, frozen=True):
    """
    What a part holds of a column.

    Parameters
    ----------
    kind : pyarrow.DataType
    is_empty : bool
        Whether it has no value, so that its type says nothing.
    ends : tuple
        The least and the greatest value, where they are known.
    """

    kind: pa.DataType
    is_empty: bool = False
    ends: tuple[Any, ...] = ()


def held(content: bytes) -> dict[str, Held]:
    """Read from the end of a file what it holds of each column."""
    with pq.ParquetFile(pa.BufferReader(content)) as file:
        about, schema = file.metadata, file.schema_arrow
    found = dict[str, Held]()
    for number, field in enumerate(schema):
        if not about.num_rows:
            found[field.name] = Held(field.type, is_empty=True)
            continue
        told = about.row_group(0).column(number).statistics
        is_empty = bool(told and told.null_count == about.num_rows)
        ends = (told.min, told.max) if told and told.has_min_max else ()
        found[field.name] = Held(field.type, is_empty, ends)
    return found


def united(
    parts: Sequence[Mapping[str, Held]], documented: Collection[str]
) -> dict[str, pa.DataType]:
    """
    Give the type of each column over all parts, in the order of a frame's columns.

    Where values of one column are of two kinds, it becomes text, as in a frame.
    """
    names = [*dict.fromkeys(name for part in parts for name in part)]
    known = [name for name in names if name in documented]
    others = [name for name in _ordered(names) if name not in documented]
    return {n: _common([p[n] for p in parts if n in p]) for n in [*known, *others]}


def fitted(table: pa.Table, wanted: Mapping[str, pa.DataType]) -> pa.Table:
    """Give a part all columns, each in the type that it has over all parts."""
    rows, there = table.num_rows, {*table.column_names}
    columns = {
        name: _cast(table[name], kind) if name in there else pa.nulls(rows, kind)
        for name, kind in wanted.items()
    }
    return pa.table(columns)


def texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give the values of a column as JSON would write them."""
    if column.type == TEXT:
        return column
    if pa.types.is_decimal(column.type) and column.type.scale <= _PLAIN:
        return column.cast(TEXT)
    written = [None if v is None else _text(v) for v in column.to_pylist()]
    return pa.chunked_array([pa.array(written, TEXT)])


def _common(parts: Sequence[Held]) -> pa.DataType:
    filled = [part for part in parts if not part.is_empty]
    kinds = [*dict.fromkeys(part.kind for part in filled or parts)]
    if len(kinds) == 1:
        return TEXT if kinds[0] == pa.null() else kinds[0]
    if all(map(pa.types.is_decimal, kinds)):
        scale = max(kind.scale for kind in kinds)
        whole = max(map(_whole_digits, filled))
        fits = [p for p in PRECISIONS if whole + scale <= p]
        return pa.decimal128(fits[0], scale) if fits else TEXT
    if {*kinds} == {pa.int64(), pa.float64()} and all(map(_is_double, filled)):
        return pa.float64()
    return TEXT


def _whole_digits(part: Held) -> int:
    ends: list[Decimal] = [end for end in part.ends if end]
    return max([1, *(end.adjusted() + 1 for end in ends)])


def _is_double(part: Held) -> bool:
    return all(abs(end) <= EXACT_WHOLE for end in part.ends) or (
        part.kind != pa.int64()
    )


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if column.type == kind:
        return column
    if column.null_count == len(column):
        return pa.chunked_array([pa.nulls(len(column), kind)])
    return texts(column) if kind == TEXT else column.cast(kind)


def _text(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, dt.date):
        return value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else as_text(value)


def _ordered(names: Sequence[str]) -> Iterable[str]:
    """Sort columns as a frame has them: what is inside an object stays together."""
    ranks: dict[tuple[str, ...], int] = {}

    def way(name: str) -> list[int]:
        steps = name.split(".")
        prefixes = [tuple(steps[: n + 1]) for n in range(len(steps))]
        return [ranks.setdefault(prefix, len(ranks)) for prefix in prefixes]

    ways = {name: way(name) for name in names}
    return sorted(names, key=ways.__getitem__)
