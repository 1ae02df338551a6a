"""
From pages of records to one list of Arrow chunks a column.

A page is taken apart as it comes and its records are let go, so that memory holds the
columns and one page, and the garbage collector finds nothing to look through.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby
from operator import itemgetter
from types import NoneType
from typing import Any

import pyarrow as pa

from .alike import Alike, transposed
from .casts import STORAGE, TEXTUAL, Chunk
from .columns import TEXT, legible, text
from .schema import Column, Resource
from .shaping import DEEPEST, Path, as_text

_ROWS = 1000  # of a chunk: few enough for the processor's caches, and for its calls
_BORNE = frozenset({*TEXTUAL, "date", "instant", "money"})  # by text, in JSON
_NOTHING: Mapping[str, Any] = {}


class Collector:
    """
    Takes records a page at a time, and gives columns.

    Objects inside objects become columns with dotted names. Documented columns are
    there even when no record has them.

    Parameters
    ----------
    resource : Resource or None
        None: nothing is documented.
    """

    def __init__(self, resource: Resource | None) -> None:
        self.rows = 0
        self._pending = 0
        self._root = _Node(())
        self._unwrap = (resource.unwrap or None) if resource else None
        self._documented: list[_Node] = []
        for column in resource.columns if resource else ():
            node = self._root
            for name in column.name.split("."):
                node = node.children.setdefault(name, _Node((*node.path, name)))
            node.document(column)
            self._documented.append(node)

    def add(self, records: Sequence[Any]) -> None:
        """Take one page; what is no object becomes the column ``value``."""
        for kind, group in groupby(records, _kind_of):
            fields = [*group]
            if kind is None:
                fields = [r if isinstance(r, dict) else {"value": r} for r in fields]
            self._take(self._root, fields, self.rows, self._unwrap if kind else None)
            self.rows += len(fields)
            self._pending += len(fields)
            if self._pending >= _ROWS:
                self._store(self._root)

    def columns(self) -> Iterator[tuple[str, Column | None, list[Chunk]]]:
        """
        Give the name, the documentation and the chunks of each column.

        ``a.b`` and ``b`` inside ``a`` are two, and both are kept.
        """
        self._store(self._root)
        known = {id(node) for node in self._documented}
        others = (n for n in self._root.below() if id(n) not in known and n.is_column)
        names: set[str] = set()
        for node in chain(self._documented, others):
            # A zero would end the name where it is handed over in C, as to polars.
            dotted = ".".join(map(str, node.path)).replace("\0", r"\u0000")
            dotted = name = legible(dotted)
            number = 1
            while name in names:
                number += 1
                name = f"{dotted} ({number})"
            names.add(name)
            node.fill(self.rows)
            yield name, node.column, node.chunks

    def _take(
        self, node: _Node, records: Sequence[Any], row: int, unwrap: str | None = None
    ) -> None:
        kind = _kind_of(next(filter(None, records), None))
        columns = transposed(records) if kind else _transposed(records)
        inside = kind.__alike_inside__ if kind else ()
        inner: Sequence[Any] = ()
        for name, values in columns:
            if name == unwrap:
                inner = values
                continue
            if (child := node.children.get(name)) is None:
                child = node.children[name] = _Node((*node.path, name))
            is_open = child.children and child.opens
            if is_open or (name in inside and _hold_alike(values)):
                self._open(child, values, row)
            else:
                child.put(values, row)
        if inner:
            self._take(node, inner, row)

    def _open(self, node: _Node, values: Sequence[Any], row: int) -> None:
        """Take the objects apart; what is none stays a value of the node's own."""
        if _hold_alike(values):
            if node.buffer:  # objects of pages before, which come first
                self._store_own(node)
            self._take(node, values, row)
            return
        types = {*map(type, values)}
        if types == {dict} and all(values):
            self._take(node, values, row)
            return
        opened = [v if isinstance(v, dict) else _NOTHING for v in values]
        self._take(node, opened, row)
        if not types <= {dict, NoneType} or {} in values:
            node.put([None if _is_object(v) else v for v in values], row)

    def _store(self, node: _Node) -> None:
        self._pending = 0
        if node.buffer:
            self._store_own(node)
        for child in node.children.values():
            self._store(child)

    def _store_own(self, node: _Node) -> None:
        if node.kind in _BORNE:
            try:
                node.keep(pa.array(node.buffer, TEXT))
            except (pa.ArrowTypeError, UnicodeEncodeError):
                pass
            else:
                return
        types = {*map(type, node.buffer)}
        if dict in types and node.opens and any(filter(_is_object, node.buffer)):
            values, row = node.take_back()
            self._open(node, values, row)
            types = {*map(type, node.buffer)}
        if node.buffer:
            node.keep(_stored(node.buffer, types - {NoneType}, node.kind))


class _Node:
    """One path: the values at it, and the paths inside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.column: Column | None = None
        self.kind = ""
        self.opens = len(path) < DEEPEST
        self.children: dict[str, _Node] = {}
        self.buffer: list[Any] = []
        self.chunks: list[Chunk] = []
        self._stored = 0
        self._is_bare = True

    def document(self, column: Column) -> None:
        self.column, self.kind = column, column.kind
        self.opens = self.opens and column.kind != "json"

    @property
    def is_column(self) -> bool:
        # An object that is missing here and there: its own columns say so.
        return not (self.children and self._is_bare)

    def below(self) -> Iterator[_Node]:
        for child in self.children.values():
            yield child
            yield from child.below()

    def put(self, values: Sequence[Any], row: int) -> None:
        self.fill(row)
        if self._is_bare and self.column is None:
            self._is_bare = all(v is None or self._is_opened(v) for v in values)
        if self.kind == "json":  # so that no list or object is kept
            values = [None if v is None else as_text(v) for v in values]
        self.buffer += values

    def fill(self, row: int) -> None:
        """Note that nothing was there up to a row."""
        missing = row - self._stored - len(self.buffer)
        if missing and self.buffer:
            self.buffer += [None] * missing
        elif missing:
            self.keep(pa.nulls(missing))

    def keep(self, chunk: Chunk) -> None:
        self.chunks.append(chunk)
        self._stored += len(chunk)
        self.buffer = []

    def take_back(self) -> tuple[list[Any], int]:
        values, self.buffer = self.buffer, []
        return values, self._stored

    def _is_opened(self, value: Any) -> bool:
        return isinstance(value, dict) and (self.opens or not value)


def _transposed(
    records: Sequence[Mapping[str, Any]],
) -> Iterable[tuple[str, Sequence[Any]]]:
    names = (*records[0],) if records else ()
    if len(names) > 1 and {*map(len, records)} == {len(names)}:
        with contextlib.suppress(KeyError):  # they are all alike, as is usual
            rows = [*map(itemgetter(*names), records)]
            return zip(names, zip(*rows, strict=True), strict=True)
    names = (*dict.fromkeys(chain.from_iterable(records)),)
    return ((name, [record.get(name) for record in records]) for name in names)


def _stored(values: list[Any], types: set[type], kind: str) -> Chunk:
    # Of an undocumented column with lists in it nothing but text can become.
    if kind in TEXTUAL or (not kind and types & {list, dict}):
        return text(values)
    if len(types) > 1:
        return values
    try:
        return pa.array(values, STORAGE[types.pop()] if types else pa.null())
    except (KeyError, OverflowError, UnicodeEncodeError):
        return values


def _kind_of(record: Any) -> type[Alike] | None:
    return type(record) if isinstance(record, Alike) else None


def _hold_alike(values: Iterable[Any]) -> bool:
    first = next((value for value in values if value is not None), None)
    return isinstance(first, Alike)


def _is_object(value: Any) -> bool:
    return bool(value) and isinstance(value, dict)
