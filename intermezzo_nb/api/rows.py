"""From an answer to the rows that are asked for: of the day, filtered, and cut."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from .arguments import bare
from .filters import as_sent
from .page import SIZES, Page
from .progress import plural
from .query import Query
from .schema import Resource
from .shaping import as_text, insist_on_record, leaves, matching, shape
from .validity import GAP, OVERLAP, Validity


class Rows(NamedTuple):
    """
    What became of an answer.

    Parameters
    ----------
    kept : list of dict or Alike
        Filtered, and cut at the limit.
    seen : int
        How many there were before filtering.
    is_cut : bool
        Whether the limit left some out.
    said : str
        The API's words where there is no such record.
    """

    kept: list[Any]
    seen: int
    is_cut: bool
    said: str = ""


_NO_RECORD: tuple[Any, ...] = (None, {})  # answered instead of one


class Sieve:
    """
    What lets the rows of a query through.

    Parameters
    ----------
    wanted : mapping of str to str
        Columns that are compared here, and their values; more may be added to it.
    """

    def __init__(self, query: Query, wanted: Mapping[str, str]) -> None:
        self._query, self._resource, self._wanted = query, query.resource, wanted
        self.doubtful: tuple[int, ...] = (0, 0)
        """How many have versions that overlap, or leave days between them."""
        self._sent = _values_sent(query)
        self.strays = Counter[str]()
        """How many rows have another value than was sent, by its name."""

    @property
    def keeps_all(self) -> bool:
        """Whether each record that the server counts becomes one row."""
        resource = self._resource
        has_lines = bool(resource and (resource.lines or resource.nested))
        return not (has_lines or self._query.is_of_day or self._wanted)

    @property
    def takes_alike(self) -> bool:
        """Whether nothing here looks into the records of a page."""
        looks_inside = self._query.takes_all_versions or self._sent
        return self.keeps_all and not looks_inside

    def rows_of(self, page: Page, added: Mapping[str, str], most: int | None) -> Rows:
        """
        Give the rows of a page.

        Parameters
        ----------
        added : mapping
            Members that come from the path.
        most : int or None
            How many rows there is room for; None for any number.

        Raises
        ------
        ApiError
            An answer that should be a record holds nothing that is documented.
        """
        resource = self._resource
        records = page.records
        if resource and page.style == "object" and not resource.lines:
            records = [one for one in records if one not in _NO_RECORD]
            for one in records:
                insist_on_record(one, resource, added)
        shaped = shape(records, resource, added)
        if resource and resource.history:
            shaped = self._valid(shaped, resource)
        for name, (member, value) in self._sent.items():
            self.strays[name] += sum(_is_other(row, member, value) for row in shaped)
        kept = [*matching(shaped, self._wanted, resource)]
        room = len(kept) if most is None else most
        return Rows(kept[:room], len(shaped), len(kept) > room, page.said)

    def doubts(self) -> Iterator[str]:
        """Tell what rows are not as they were asked for, or versions not in order."""
        for name, count in (+self.strays).items():
            rows = plural(count, "row")
            yield (
                f"{name} was sent, and has another value in {rows}: the API may not "
                "filter by it on this path"
            )
        for count, told in zip(self.doubtful, (OVERLAP, GAP), strict=True):
            if count:
                yield told.format(count=f"{count:,}", what="employees")

    def _valid(self, records: Sequence[Any], resource: Resource) -> Sequence[Any]:
        is_inclusive = self._query.valid_to == "inclusive"
        validity = Validity.of(resource, is_inclusive=is_inclusive)
        if self._query.takes_all_versions and resource.column(validity.end):
            more = validity.doubts(records)
            self.doubtful = tuple(map(sum, zip(self.doubtful, more, strict=True)))
        is_of_day = self._query.is_of_day
        return validity.on(self._query.day, records) if is_of_day else records


def _values_sent(query: Query) -> dict[str, tuple[str, str]]:
    """Give what was asked with, where that is one value, and the member that has it."""
    sent = {**query.sent_as_it_is, **query.filters}
    members = dict(zip(sent, sent, strict=True))
    if resource := query.resource:
        _, sent, _ = query.sorted_filters()
        columns = {bare(column.name): column.name for column in resource.columns}
        members = {name: columns.get(bare(name), "") for name in sent}
    return {
        name: (members[name], str(as_sent(name, value)).casefold())
        for name, value in sent.items()
        if isinstance(value, (str, int, float, dt.date, Decimal))
        and members[name]
        and name not in SIZES
    }


def _is_other(row: Any, name: str, value: str) -> bool:
    """Tell whether a row has such a member, wherever, and none that the value finds."""
    members = leaves(row, ()) if isinstance(row, dict) else ()
    there = [found for path, found in members if path[-1] == name]
    plain = [as_text(f).casefold() for f in there if not isinstance(f, (dict, list))]
    texts = [text for text in plain if text]
    return bool(texts) and not any(_finds(value, text) for text in texts)


def _finds(value: str, text: str) -> bool:
    """Tell whether a text may be found so: 100.0 by 100, an instant by its day."""
    # A list is often sent as one value.
    parts = (value, *(part.strip() for part in value.split(",")))
    return any(text.startswith(part) or part.startswith(text) for part in parts)
