"""The parts of an export: how many rows one takes, written, and filled in later."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Collection, Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec.structs import replace

from ..errors import IntermezzoError
from .folder import Folder, next_name
from .frames import Framed
from .manifest import Part, content_of, exact_sum
from .place import Standing
from .reading import Reading
from .shaping import Record
from .uniting import fitted, held, united

_EMPLOYEES = 1000  # of a part, where each takes a request
_SECONDS = 15.0  # of reading that a kill may cost, however slow the server is


class PagesOfPart:
    """The pages of one part; a fault among them ends it and is kept for later."""

    def __init__(
        self, batches: Iterator[list[Record]], reading: Reading, rows: int
    ) -> None:
        self._batches, self._reading, self._rows = batches, reading, rows
        self.taken: Standing | None = None
        """How far the reading was with the last page that was taken."""
        self.fault: BaseException | None = None
        self.is_end = False

    def __iter__(self) -> Iterator[list[Record]]:
        rows, before, until = 0, self._asked, time.monotonic() + _SECONDS
        is_full = False
        while not is_full:
            try:
                batch = next(self._batches)
            except StopIteration:
                self.is_end, self.taken = True, self._reading.standing()
                return
            except (IntermezzoError, KeyboardInterrupt) as fault:
                self.fault = fault
                return
            rows += len(batch)
            yield batch
            # Not before: what an interrupt catches on its way is in no part.
            self.taken = self._reading.standing()
            is_full = (
                rows >= self._rows
                or self._asked - before >= _EMPLOYEES
                or time.monotonic() >= until
            )

    @property
    def _asked(self) -> int:
        return self._reading.employees.done if self._reading.employees else 0


def write_part(folder: Folder, name: str, table: pa.Table) -> Part:
    """Write a part, of which nothing else is known yet."""
    content = _written(table)
    folder.write(name, content)
    digest = hashlib.sha256(content).hexdigest()
    return Part(name, table.num_rows, len(content), digest, {}, (), None)


def filled(
    folder: Folder,
    part: Part,
    missing: Sequence[tuple[int, Sequence[Record]]],
    framed: Callable[[Sequence[Record]], Framed],
    documented: Collection[str],
) -> Part:
    """
    Write a part anew, with rows at the places where they are missing.

    Parameters
    ----------
    missing : sequence of (int, sequence of dict)
        Rows, and how many of the part come before them, in that order.
    framed : callable
        Makes an Arrow table of rows.
    documented : collection of str
        The columns that come before all others.
    """
    made = framed([record for _, records in missing for record in records])
    if not made.rows:
        return part
    content = content_of(folder.path, part)
    schema = united([held(content), held(_written(made.frame))], documented)
    old = fitted(pq.read_table(pa.BufferReader(content)), schema)
    new = fitted(made.frame, schema)
    pieces, at, taken = list[pa.Table](), 0, 0
    for before, records in missing:
        pieces += [old.slice(at, before - at), new.slice(taken, len(records))]
        at, taken = before, taken + len(records)
    table = pa.concat_tables([*pieces, old.slice(at)])
    return replace(
        write_part(folder, next_name(part.name), table),
        control_totals={
            name: exact_sum([total, made.control_totals[name]])
            for name, total in part.control_totals.items()
            if name in made.control_totals
        },
        notes=tuple(dict.fromkeys([*part.notes, *made.notes])),
        bookmark=part.bookmark,
    )


def _written(table: pa.Table) -> bytes:
    content = io.BytesIO()
    pq.write_table(table, content, compression="zstd", row_group_size=1 << 30)
    return content.getvalue()
