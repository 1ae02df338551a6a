"""The rows that earlier runs of an export wrote, known again where they come twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from .manifest import Part, content_of
from .spelling import DECIMAL
from .uniting import texts

_TOLD_APART_BY = ("organizationId", "id", "version", "validFrom")
_Names: TypeAlias = tuple[str, ...] | None  # of columns; None for all


class Earlier:
    """
    The rows of some parts, as hashes of what tells them apart.

    Where a list is taken up in its middle, the pages before are not asked again. A row
    of theirs that has moved on meanwhile comes twice, and of those that made room for
    it one never comes, though the list is as long as it was.

    Parameters
    ----------
    are_whole : bool
        Whether they have all columns: else rows that differ may look the same.

    Attributes
    ----------
    are_told_apart : bool
        Whether no two of them are equal, by their ids or else by all that is kept.
    """

    def __init__(self, folder: Path, parts: Sequence[Part], *, are_whole: bool) -> None:
        ways = (_TOLD_APART_BY, None) if are_whole else (_TOLD_APART_BY,)
        found = ((names, _told_apart(folder, parts, names)) for names in ways)
        self._names, self._known = next((f for f in found if f[1]), (None, set()))
        self.are_told_apart = bool(self._known)

    def has_any_of(self, table: pa.Table) -> bool:
        """Tell whether a row of a table is one of them."""
        if not self.are_told_apart:
            return False
        return not self._known.isdisjoint(_marks(table, self._names))


def _told_apart(folder: Path, parts: Sequence[Part], names: _Names) -> set[int]:
    """Give a mark for each row, by some columns; none where any two are equal."""
    tables = (_read(folder, part, names) for part in parts)
    known = {mark for table in tables for mark in _marks(table, names)}
    return known if len(known) == sum(part.rows for part in parts) else set()


def _marks(table: pa.Table, wanted: _Names) -> Iterator[int]:
    names = sorted(table.column_names)
    if wanted is not None:
        if "id" not in names:
            return
        table = table.filter(table["id"].is_valid())
        names = [name for name in names if name in wanted]
    columns = [[*map(_same, texts(table[name]).to_pylist())] for name in names]
    for values in zip(*columns, strict=True):
        # With their names, as another part may have more columns.
        pairs = zip(names, values, strict=True)
        yield hash(tuple(pair for pair in pairs if pair[1] is not None))


def _same(text: str | None) -> str | None:
    """Give a number as it is in every part: of another one its type may differ."""
    if text is None or "." not in text or not DECIMAL.fullmatch(text):
        return text
    return text.rstrip("0").rstrip(".")


def _read(folder: Path, part: Part, names: _Names) -> pa.Table:
    """Read these columns, as far as they are there."""
    with pq.ParquetFile(pa.BufferReader(content_of(folder, part))) as file:
        there = file.schema_arrow.names
        return file.read([n for n in there if names is None or n in names])
