"""The parts of an export that are missing, written one by one, and made one whole."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec.structs import replace

from .earlier import Earlier
from .folder import Folder, name_of_part, next_name
from .frames import Framed, framed, series
from .manifest import NAME, Manifest, Part, content_of
from .paging import ListChanged
from .parts import PagesOfPart, filled, write_part
from .place import Bookmark, Gap
from .progress import plural
from .provenance import missing, provenance
from .reading import Reading
from .schema import Column
from .uniting import fitted, held, united

_UNTOLD = (
    "it begins where an earlier run was stopped, and nothing that is kept tells "
    "whether rows of that run came again in place of others"
)


class Writer:
    """
    Writes the parts of an export that are missing.

    Parameters
    ----------
    part_rows : int
        Rows of a part, to which those of its last page may be added.
    tell : callable
        Told what becomes of an earlier export.
    replaced : set of str
        Parts of an export that is there, until the first part of this one is.
    """

    def __init__(
        self,
        folder: Folder,
        manifest: Manifest,
        *,
        part_rows: int,
        tell: Callable[[str], None],
        replaced: set[str],
    ) -> None:
        self._folder, self._manifest, self._replaced = folder, manifest, replaced
        self._part_rows, self._tell = part_rows, tell

    def goes_to_the_end(self, reading: Reading) -> bool:
        """Write what is missing; False where an earlier part is no more to be had."""
        bookmark = self._drop_what_cannot_go_on()
        spent = self._manifest.spent
        try:
            if bookmark is not None:
                reading.go_on_after(bookmark)
                self._tell_where(reading, bookmark)
            batches = reading.batches(alike=True)
            if bookmark is not None and bookmark.gaps:
                self._fill(batches, reading, bookmark.gaps)
                self._manifest.spent = _sum(spent, reading)
                self._save()
            for part in self._parts(batches, reading, self._earlier(reading, bookmark)):
                self._manifest.spent = _sum(spent, reading)
                self._manifest.add(part)
                self._save()
                self._drop_replaced()
        except ListChanged as changed:
            self._start_over(reading, bookmark, str(changed))
            return False
        self._manifest.spent = _sum(spent, reading)
        self._finish(reading)
        return True

    def _earlier(self, reading: Reading, bookmark: Bookmark | None) -> Earlier | None:
        if bookmark is None or bookmark.place is None:
            return None  # no list is taken up in its middle
        are_whole = reading.query.columns is None
        parts = self._parts_of(bookmark.owner)
        return Earlier(self._folder.path, parts, are_whole=are_whole)

    def _parts_of(self, owner: str) -> list[Part]:
        """Give the last parts, as far as they end within the list of an owner."""

        def ends_within(part: Part) -> bool:
            return part.bookmark is None or part.bookmark.owner == owner

        return [*takewhile(ends_within, reversed(self._manifest.parts))]

    def _tell_where(self, reading: Reading, bookmark: Bookmark) -> None:
        employees = reading.employees
        told = []
        if bookmark.gaps:
            told.append(f"asking again for {plural(len(bookmark.gaps), 'employee')}")
        if employees is None or bookmark.asked != employees.number:
            told.append(f"going on after {self._manifest.rows:,} rows")
        if told:
            self._tell(f"{reading.query.label}: {', '.join(told)}")

    def _drop_what_cannot_go_on(self) -> Bookmark | None:
        before, lacking = len(self._manifest.parts), self._manifest.lacking
        self._manifest.reopen()
        parts = self._manifest.parts
        label = self._manifest.query["resource"]
        is_dropped = len(parts) < before
        if is_dropped and lacking:
            self._tell(
                f"{label}: the export is not complete, so it is read anew from where "
                "something is missing"
            )
        elif is_dropped and not parts:
            self._tell(
                f"{label}: an earlier run cannot be taken up in its middle, so it is "
                "read from its start"
            )
        for part in parts:  # before anything is deleted
            content_of(self._folder.path, part)
        if is_dropped:  # else it stays what it is, until there is more
            self._save()
        self._folder.keep_only({part.name for part in parts} | self._replaced)
        return parts[-1].bookmark if parts else None

    def _drop_replaced(self) -> None:
        if self._replaced:
            self._replaced = set()
            self._folder.keep_only({part.name for part in self._manifest.parts})

    def _start_over(
        self, reading: Reading, bookmark: Bookmark | None, why: str
    ) -> None:
        owner = bookmark.owner if bookmark else ""
        parts = self._manifest.parts
        del parts[len(parts) - len(self._parts_of(owner)) :]
        self._save()
        of = f" of {owner}" if owner else ""
        self._tell(
            f"{reading.query.label}{of}: "
            + (why or "the list changed since the earlier run")
            + ", so it is read from its start"
        )

    def _fill(
        self, batches: Iterator[list[Any]], reading: Reading, gaps: Sequence[Gap]
    ) -> None:
        """Put the rows of employees who had failed where they are missing."""
        came = deque([(gap.rows, next(batches)) for gap in gaps])
        parts, start = list[Part](), 0
        for part in self._manifest.parts:
            missing = list[tuple[int, list[Any]]]()
            while came and came[0][0] <= start + part.rows:
                rows, records = came.popleft()
                missing.append((rows - start, records))
            start += part.rows
            parts.append(
                filled(
                    self._folder,
                    part,
                    missing,
                    lambda records: _framed([records], reading),
                    _first_columns(reading),
                )
            )
        standing = reading.standing()
        bookmark = standing.bookmark() if standing else None
        self._manifest.parts = [*parts[:-1], replace(parts[-1], bookmark=bookmark)]

    def _parts(
        self,
        batches: Iterator[list[Any]],
        reading: Reading,
        earlier: Earlier | None,
    ) -> Iterator[Part]:
        is_end, doubt = False, list[str]()
        if earlier and not (earlier.are_told_apart and reading.counts_rows):
            doubt.append(_UNTOLD)
        while not is_end:
            some = PagesOfPart(batches, reading, self._part_rows)
            made = _framed(some, reading)
            bookmark = some.taken.bookmark() if some.taken else None
            is_end = some.is_end
            if some.fault is not None and (bookmark is None or not made.rows):
                raise some.fault
            if earlier and earlier.has_any_of(made.frame):
                raise ListChanged("a row of the earlier run came once more")
            if made.rows or not self._manifest.parts:
                name = name_of_part(len(self._manifest.parts))
                while name in self._replaced:
                    name = next_name(name)
                part = write_part(self._folder, name, made.frame)
                yield replace(
                    part,
                    control_totals=made.control_totals,
                    notes=(*made.notes, *doubt),
                    bookmark=bookmark,
                )
                doubt.clear()
            if some.fault is not None:
                raise some.fault

    def _finish(self, reading: Reading) -> None:
        manifest, resource = self._manifest, reading.extent.resource
        documented = {c.name: c for c in resource.columns} if resource else {}
        schema = self._unite(_first_columns(reading))
        about = provenance(
            reading,
            profile=manifest.profile,
            rows=manifest.rows,
            columns=len(schema),
            totals=manifest.control_totals,
            notes=[],
        )
        manifest.about = {**about, **manifest.spent}
        manifest.columns = [
            _described(name, kind, documented.get(name))
            for name, kind in schema.items()
        ]
        manifest.lacking = missing(reading)
        manifest.finished = True
        self._save()
        self._folder.keep_only({part.name for part in manifest.parts})

    def _unite(self, first: Sequence[str]) -> dict[str, pa.DataType]:
        """Write anew the parts whose columns are not those of all."""
        manifest, folder = self._manifest, self._folder.path
        parts = [held(content_of(folder, part)) for part in manifest.parts]
        schema = united(parts, first)
        for number, (part, has) in enumerate(zip(manifest.parts, parts, strict=True)):
            if [(n, h.kind) for n, h in has.items()] == [*schema.items()]:
                continue
            content = pa.BufferReader(content_of(folder, part))
            table = fitted(pq.read_table(content), schema)
            made = write_part(self._folder, next_name(part.name), table)
            manifest.parts[number] = replace(
                part, name=made.name, bytes=made.bytes, sha256=made.sha256
            )
        return schema

    def _save(self) -> None:
        self._folder.write(NAME, self._manifest.written())


def _framed(pages: Iterable[Sequence[Any]], reading: Reading) -> Framed:
    return framed(
        pages,
        reading.extent.resource,
        money="decimal",
        columns=reading.query.columns,
        as_="arrow",
        is_part=True,
        page_now=lambda: reading.page,
    )


def _first_columns(reading: Reading) -> list[str]:
    resource = reading.extent.resource
    documented = [c.name for c in resource.columns] if resource else []
    return [*(reading.query.columns or documented)]


def _sum(spent: dict[str, float], reading: Reading) -> dict[str, float]:
    now = reading.tally.spent
    return {name: spent.get(name, 0) + value for name, value in now.items()}


def _described(name: str, kind: pa.DataType, column: Column | None) -> dict[str, Any]:
    is_money = column is not None and pa.types.is_decimal(kind)
    return {
        "name": name,
        "kind": column.kind if column else None,
        "scale": column.scale if column else None,
        "type": str(kind),
        "dtype": str(series(pa.array([], pa.float64() if is_money else kind)).dtype),
    }
