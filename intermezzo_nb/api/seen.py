"""Which records of a list came already, and what that tells of the list."""

from __future__ import annotations

import marshal
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import UNSET

from .alike import Alike
from .page import Page

_TOLD_APART_BY = ("id", "version", "validFrom")
Key = int
"""A hash: of a million records, tuples would take a third of a gigabyte."""


class Seen:
    """Which records came; ids that repeat within one page identify nothing."""

    def __init__(self, name: str) -> None:
        self.is_second_reading = False
        self.stale = 0
        """How many pages in a row brought nothing new, and announced another."""
        self.total: int | None = None
        self.count = 0
        self._name = name
        self._differing = 0
        """Rows with the id of one of another page, and other content."""
        self._repeated: list[Any] = []
        self._identified = True
        self._doubled = 0
        """Rows that equal another, where ids do not tell them apart."""
        self._copied = 0
        """Rows of pages without ids that equal another."""
        self._kept: dict[Key, int] = {}
        self._contents: set[int] = set()
        self._copies: set[int] = set()
        self._totals: set[int] = set()
        self._totals_now: set[int] = set()
        """Those of this reading alone."""
        self._pages, self._number = 0, 0
        self._is_open = self._is_of_many = False

    def first_time(self, page: Page) -> list[Any]:
        self._hear(page.total)
        self._pages = max(self._pages, page.pages or 0)
        if page.records or self._pages == 1:  # an empty list may have one page, or none
            self._number = page.number or self._pages
        self._is_open = page.is_open
        self._is_of_many |= page.following is not None
        keys = [key_of(record) for record in page.records]
        known = [key for key in keys if key is not None]
        contents = [*map(content_of, page.records)]
        if not self.is_second_reading:
            self._look_for_copies(known, keys, contents)
        new = page.records
        if self._identified:
            new = self._new(page.records, keys, known, contents)
        self.count += len(new)
        has_more = page.following is not None and not self.is_second_reading
        self.stale = self.stale + 1 if has_more and not new else 0
        return new

    def read_again(self) -> None:
        """Expect the whole list once more."""
        self.is_second_reading, self._pages = True, 0
        self._totals_now.clear()

    def begin(self, page: Page, *, count: int, total: int | None) -> None:
        """Take a page as the last of those that are counted already."""
        self._hear(total)
        self.first_time(page)
        self.count = count

    @property
    def upto(self) -> int | None:
        """How many records came; None where what came is in doubt."""
        is_odd = self._repeated or self._differing or self._doubled or self._copied
        is_certain = not (is_odd or self.is_second_reading or len(self._totals) > 1)
        return self.count if is_certain else None

    @property
    def has_repeated(self) -> bool:
        """Whether a row came that equals one before; without ids, a whole page."""
        is_doubled = bool(self._doubled and self._is_of_many)
        return is_doubled or bool(self._repeated or self._copied)

    def may_find_more(self) -> bool:
        # Where one row is deleted and so another skipped, the counts agree at the end.
        has_changed = bool(self._repeated) or len(self._totals) > 1
        has_ids = self._identified and bool(self._kept)
        is_short = self._ended_early or self.count < (self.total or 0)
        return has_ids and (has_changed or is_short)

    def counted_twice(self) -> list[Any]:
        """Give the repeated records, where the server counts each of them as a row."""
        are_rows = self.total == self.count + len(self._repeated)
        return self._repeated if are_rows and len(self._totals) == 1 else []

    @property
    def is_short(self) -> bool:
        """Whether rows are missing, by what the server says at the end."""
        count = self.count + len(self.counted_twice())
        return self._ended_early or (self.total is not None and count < self.total)

    def notes(self, *, has_enough: bool = False) -> tuple[str, ...]:
        """
        Tell at the end what is in doubt.

        Parameters
        ----------
        has_enough : bool
            Whether nobody asks for more rows than came.
        """
        changes = self._changes()
        if changes:
            changes[-1] += "; read it again when nothing changes"
        return (*self._doubts(has_enough=has_enough), *changes)

    def _doubts(self, *, has_enough: bool) -> Iterator[str]:
        if rows := self.counted_twice():
            yield (
                f"{self._name}: {_rows(len(rows))} came with the id of another row and "
                "equal it, and the server counts them: all are kept"
            )
        if self._differing:
            yield (
                f"{self._name}: {_rows(self._differing)} came with the id of another "
                "row, and differ: all are kept"
            )
        if self._doubled and self._is_of_many:
            # Of a page of several: what is all in one page left nothing out for it.
            yield (
                f"{self._name}: {_rows(self._doubled)} came with the id of another row "
                "and equal it: all are kept, and others may be missing"
            )
        if self._copied:
            yield (
                f"{self._name}: {_rows(self._copied)} came in pages that equal one "
                "before: all are kept, and others may be missing"
            )
        is_open = self._is_open and self.total is None and not self._pages
        if is_open and not has_enough:
            yield (
                f"{self._name}: the last page is full, and nothing tells whether there "
                "is another, which was not read"
            )

    def _changes(self) -> list[str]:
        changes, twice = list[str](), self.counted_twice()
        changed = f"{self._name} changed while it was read: "
        if self._repeated and not twice:
            repeated = _rows(len(self._repeated))
            changes.append(f"{self._name}: {repeated} came twice, kept once")
        if self.total is not None and self.total != self.count + len(twice):
            came = f"{self.count + len(twice):,} came"
            changes.append(f"{changed}the server counts {_rows(self.total)}, {came}")
        elif len(self._totals_now) > 1:
            least, most = min(self._totals_now), max(self._totals_now)
            changes.append(f"{changed}the server counted {least:,} to {_rows(most)}")
        if self._ended_early:
            changes.append(
                f"{changed}it was to have {self._pages:,} pages, and ended after "
                f"{self._number:,}"
            )
        return changes

    @property
    def _ended_early(self) -> bool:
        # Where the server counts rows, it need not be judged by its pages.
        return self.total is None and self._number < self._pages

    def _hear(self, total: int | None) -> None:
        # Some servers count on the first page only, and say 0 or nothing afterwards.
        if total is not None and (total or not self.count):
            self.total = total
            self._totals.add(total)
            self._totals_now.add(total)

    def _look_for_copies(
        self, known: list[Key], keys: list[Key | None], contents: list[int]
    ) -> None:
        """Count the rows that may stand in the place of others, as no id tells."""
        if self._identified and len({*known}) < len(known):
            self._identified = False
            self._contents = {*self._kept.values()}
        if not self._identified:
            pairs = zip(keys, contents, strict=True)
            with_id = [content for key, content in pairs if key is not None]
            is_new = {*with_id} - self._contents
            self._doubled += len(with_id) - len(is_new)
            self._contents |= is_new
        if len(contents) > 1 and not known:
            page = hash(tuple(sorted(contents)))  # in whatever order they come
            self._copied += len(contents) * (page in self._copies)
            self._copies.add(page)

    def _new(
        self,
        records: list[Any],
        keys: list[Key | None],
        known: list[Key],
        contents: list[int],
    ) -> list[Any]:
        is_new = len(known) == len(keys) and self._kept.keys().isdisjoint(known)
        if is_new and not self.is_second_reading:
            self._kept.update(zip(known, contents, strict=True))
            return records
        new = []
        for record, key, content in zip(records, keys, contents, strict=True):
            if key is None:
                # Read again, it cannot be told from the one that is there.
                if not self.is_second_reading:
                    new.append(record)
                continue
            if key not in self._kept:
                self._kept[key] = content
            elif self.is_second_reading:
                continue
            elif self._kept[key] == content:
                self._repeated.append(record)
                continue
            else:
                self._differing += 1
            new.append(record)
        return new


def key_of(record: Any) -> Key | None:
    """Give what identifies a record: versions of it share its id."""
    if isinstance(record, Alike):
        identifier, version, begin = (getattr(record, n, None) for n in _TOLD_APART_BY)
    elif isinstance(record, dict):
        identifier, version, begin = map(record.get, _TOLD_APART_BY)
    else:
        return None
    if type(identifier) is int:
        # As 1 and "1" are two, and hash(-1) is hash(-2).
        identifier = (repr(identifier),)
    elif type(identifier) is not str:
        return None
    return hash((identifier, _text(version), _text(begin)))


def _text(value: Any) -> str | None:
    if isinstance(value, (Alike, dict)):
        return str(content_of(value))
    return None if value is None or value is UNSET else str(value)


def content_of(value: Any) -> int:
    """Give a number that is the same for the same JSON, within this process."""
    try:
        return hash(_ENCODE(value))
    except UnicodeEncodeError:
        # Half a letter. Of all versions, 2 knows no marks of what is shared in memory.
        return hash(marshal.dumps(value, 2))


# In one order of members, as a record may come in slots, and again as an object.
_ENCODE = msgspec.json.Encoder(order="deterministic").encode


def mark_of(records: list[Any]) -> int:
    """Give a number by which a page is known again, within this process."""
    if records and (first := key_of(records[0])) and (last := key_of(records[-1])):
        return hash((len(records), first, last))
    return content_of(records)


def _rows(count: int) -> str:
    return f"{count:,} row" + ("" if count == 1 else "s")
