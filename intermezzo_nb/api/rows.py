"""From an answer to the rows that are asked for: of the day, filtered, and cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .page import Page
from .query import Query
from .schema import Resource
from .shaping import matching, shape
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

    @property
    def keeps_all(self) -> bool:
        """Whether each record that the server counts becomes one row."""
        resource = self._resource
        has_lines = bool(resource and (resource.lines or resource.nested))
        return not (has_lines or self._query.is_of_day or self._wanted)

    @property
    def takes_alike(self) -> bool:
        """Whether nothing here looks into the records of a page."""
        return self.keeps_all and not self._query.takes_all_versions

    def rows_of(self, page: Page, added: Mapping[str, str], most: int | None) -> Rows:
        """
        Give the rows of a page.

        Parameters
        ----------
        added : mapping
            Members that come from the path.
        most : int or None
            How many rows there is room for; None for any number.
        """
        resource = self._resource
        shaped = shape(page.records, resource, added)
        if resource and resource.history:
            shaped = self._valid(shaped, resource)
        kept = [*matching(shaped, self._wanted, resource)]
        room = len(kept) if most is None else most
        return Rows(kept[:room], len(shaped), len(kept) > room, page.said)

    def doubts(self) -> Iterator[str]:
        """Tell how many have versions that do not follow one another."""
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
