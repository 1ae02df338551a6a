"""Records that are alike: in slots instead of objects, and a column at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import NoneType
from typing import Any, ClassVar

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import astuple


class Alike(Struct):
    """
    A record whose members are attributes; UNSET is what it lacks.

    Its classes are made of what was read, by ``page_reader``. Their fields are in the
    order of the alphabet, so that equal records are written as equal JSON.
    """

    __alike_order__: ClassVar[tuple[str, ...]] = ()
    """The members, as they came first."""
    __alike_always__: ClassVar[frozenset[str]] = frozenset()
    """Those that no record lacks."""
    __alike_inside__: ClassVar[frozenset[str]] = frozenset()
    """Those that are such records again, and nothing else."""


def are_alike(records: Sequence[Any]) -> bool:
    """Tell whether all of them are in slots, and there are any."""
    return bool(records) and all(isinstance(record, Alike) for record in records)


def as_objects(records: Iterable[Any]) -> list[Any]:
    """Give records as decoded JSON, with their members as they came first."""
    return [_as_object(r) if isinstance(r, Alike) else r for r in records]


def transposed(records: Sequence[Any]) -> Iterator[tuple[str, Sequence[Any]]]:
    """
    Give each member's values, None for what is null or missing.

    Parameters
    ----------
    records : sequence of Alike or None
        All of one class.

    Yields
    ------
    name : str
        Of a member that at least one of them has.
    values : sequence, as many as there are records
        Objects inside are records of one class again.
    """
    kinds = {*map(type, records)}
    has_gaps = NoneType in kinds
    kind: Any
    for kind in kinds - {NoneType}:  # one, or none where all of them are null
        fields = kind.__struct_fields__
        rows: Iterable[Any] = map(astuple, records)
        if has_gaps:
            nothing = (UNSET,) * len(fields)
            rows = [nothing if r is None else astuple(r) for r in records]
        columns = dict(zip(fields, zip(*rows, strict=True), strict=True))
        for name in kind.__alike_order__:
            values: Sequence[Any] = columns[name]
            if has_gaps or name not in kind.__alike_always__:
                types = {*map(type, values)}
                if types == {UnsetType}:
                    continue
                if UnsetType in types:
                    values = [None if value is UNSET else value for value in values]
            yield name, values


def _as_object(record: Alike) -> dict[str, Any]:
    members = ((name, getattr(record, name)) for name in record.__alike_order__)
    return {
        name: _as_object(value) if isinstance(value, Alike) else value
        for name, value in members
        if value is not UNSET
    }
