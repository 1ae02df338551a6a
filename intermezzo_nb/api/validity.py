"""
Which version of a record counts on a day; pure, no pandas.

A version is valid from its first day on, until its last one where ``validTo`` is
inclusive, else until the day before; what is no date bounds nothing. Of the versions
of one thing that are valid on a day the one that began last counts, and it alone; of
those that began together the one that ends last, then the higher number where versions
are numbered, then the one that is listed last. The lines of one version all count.
:mod:`.versions` is the same for whole frames.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Hashable, Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

from msgspec import Struct

from .instants import DAY, day_of_instant
from .schema import Resource

Record = dict[str, Any]

OVERLAP = (
    "{count} {what} have versions that overlap; on such a day the one that began last "
    "counts, and it alone"
)
GAP = "{count} {what} have days between two versions on which none is valid"
_ALWAYS, _NEVER = dt.date.min.toordinal(), dt.date.max.toordinal()


class _Span(NamedTuple):
    """When a version is valid; of two, the larger one counts."""

    start: int
    end: int
    number: int


class Validity(Struct, frozen=True):
    """
    How the versions of one resource follow one another.

    Parameters
    ----------
    key : tuple of str
        The members that say of what a record is a version.
    version : str
        What tells the versions apart; lines of one version share it.
    is_inclusive : bool
        Whether ``end`` is the last valid day, or the first that is not.
    is_numbered : bool
        Whether versions have numbers, of which the higher is the newer.
    """

    key: tuple[str, ...]
    version: str
    is_inclusive: bool
    is_numbered: bool = False
    start: str = "validFrom"
    end: str = "validTo"

    @classmethod
    def of(cls, resource: Resource, *, is_inclusive: bool) -> Validity:
        """Give that of a resource; what has no first day counts from its creation."""
        version = resource.column(resource.version)
        return cls(
            resource.key,
            resource.version,
            is_inclusive,
            is_numbered=bool(version and version.kind == "integer"),
            start="validFrom" if resource.column("validFrom") else "createdAt",
        )

    def on(self, day: dt.date, records: Iterable[Record]) -> list[Record]:
        """Give the records of the versions that count on a day, in their order."""
        valid = [
            (record, span)
            for record in records
            if self._is_on(day.toordinal(), span := self._span(record))
        ]
        last: dict[Hashable, tuple[_Span, Any]] = {}
        for record, span in valid:
            thing = self._thing(record)
            if thing not in last or span >= last[thing][0]:
                last[thing] = span, record.get(self.version)
        return [
            record
            for record, span in valid
            if last[self._thing(record)] == (span, record.get(self.version))
        ]

    def doubts(self, records: Iterable[Record]) -> tuple[int, int]:
        """Give how many things have versions that overlap, and days without any."""
        found = {
            (self._thing(record), self._span(record), str(record.get(self.version)))
            for record in records
        }
        real = sorted(one for one in found if one[1].start <= self._last(one[1]))
        things = [
            {*self._seams([span for _, span, _ in versions])}
            for _, versions in groupby(real, lambda one: one[0])
        ]
        return sum("overlap" in s for s in things), sum("gap" in s for s in things)

    def _seams(self, spans: list[_Span]) -> Iterator[str]:
        reach = spans[0].end
        for span in spans[1:]:
            # On a day of change, one version's last day is the next one's first.
            if span.start < reach:
                yield "overlap"
            elif span.start > reach + self.is_inclusive:
                yield "gap"
            reach = max(reach, span.end)

    def _is_on(self, day: int, span: _Span) -> bool:
        return span.start <= day <= self._last(span)

    def _last(self, span: _Span) -> int:
        is_open = self.is_inclusive or span.end == _NEVER
        return span.end if is_open else span.end - 1

    def _span(self, record: Record) -> _Span:
        number = record.get(self.version) if self.is_numbered else 0
        return _Span(
            _day(record.get(self.start), _ALWAYS),
            _day(record.get(self.end), _NEVER),
            number if isinstance(number, int) else 0,
        )

    def _thing(self, record: Record) -> tuple[str, ...]:
        return tuple(str(record.get(name)) for name in self.key)


def _day(value: Any, otherwise: int) -> int:
    if isinstance(value, str):
        if len(value) > DAY:
            with contextlib.suppress(ValueError, OverflowError):
                return day_of_instant(value).toordinal()
        with contextlib.suppress(ValueError):
            return dt.date.fromisoformat(value[:DAY]).toordinal()
    return otherwise  # rather a row too many than one lost
