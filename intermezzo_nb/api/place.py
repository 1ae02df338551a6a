"""A place in a list: where its reading was left, and can be taken up again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from .alike import as_objects
from .page import Page


class Place(Struct, frozen=True, forbid_unknown_fields=True):
    """
    A place after a page.

    Parameters
    ----------
    asked : mapping
        The query parameters that the page answers.
    mark : str
        What the page holds, as a hash.
    upto : int
        Records of the list up to there.
    total : int or None
        Records of the whole list, where the server tells.
    """

    asked: Mapping[str, Any]
    mark: str
    upto: int
    total: int | None

    @classmethod
    def after(cls, page: Page) -> Place | None:
        """Give the place after a page; None where reading cannot go on there."""
        if page.upto is None or page.asked is None or page.following is None:
            return None
        return cls(page.asked, _mark(page), page.upto, page.total)

    def fits(self, page: Page) -> bool:
        """Tell whether a page is still what it was."""
        has_more = page.following is not None
        # Some servers count on the first page only, and say 0 or nothing afterwards.
        is_counted_so = not page.total or page.total == self.total
        return has_more and is_counted_so and _mark(page) == self.mark


class Stretch(Struct, frozen=True):
    """
    A part of what is read of one organization, which can be read by itself.

    Parameters
    ----------
    numbers : tuple of (int, int) or None
        The first and the last of numbered pages; None for the whole list.
    pages : int or None
        Of the whole list, where the server tells.
    employees : tuple of str
        The ids of those who are asked, where each has a list.
    total : int or None
        Records of the whole list, where the server tells.
    size : int
        Records of each numbered page but the last.
    """

    owner: str
    numbers: tuple[int, int] | None = None
    pages: int | None = None
    employees: tuple[str, ...] = ()
    total: int | None = None
    size: int = 0


class Gap(Struct, frozen=True, forbid_unknown_fields=True):
    """
    Where the rows of an employee are missing, who could not be read.

    Parameters
    ----------
    at : int
        The position among those who were asked.
    rows : int
        How many rows were given before.
    """

    at: int
    rows: int


class Bookmark(Struct, frozen=True, forbid_unknown_fields=True):
    """
    How far a reading of lists of several owners is, and what it knows.

    Parameters
    ----------
    owner : str
        Whose list was read last.
    place : Place or None
        Where in that list; None where it was read to its end.
    rows, seen : int
        Given so far, and before filtering.
    total : int or None
        Records of the lists that were read to their ends, where the server tells.
    notes : tuple of str
        Why rows are missing so far.
    doubts : tuple of int
        How many have versions that overlap, or leave days between them.
    strays : mapping of str to int
        How many rows have another value than was sent, by its name.
    asked : int
        How many of many employees were asked.
    mark : str
        Who they were, as a hash.
    without : tuple of int
        The positions among them of those who have no such record.
    gaps : tuple of Gap
        Those of them who failed.
    said : str
        The API's words on the first of those.
    """

    owner: str
    place: Place | None
    rows: int
    seen: int
    total: int | None = 0
    notes: tuple[str, ...] = ()
    complete: bool = False
    doubts: tuple[int, ...] = (0, 0)
    strays: Mapping[str, int] = field(default_factory=dict)
    asked: int = 0
    mark: str = ""
    without: tuple[int, ...] = ()
    gaps: tuple[Gap, ...] = ()
    said: str = ""

    def done_of(self, owners: Sequence[str]) -> int:
        """Give how many of the owners were read to the ends of their lists."""
        return owners.index(self.owner) + (self.place is None)

    def place_in(self, owner: str) -> Place | None:
        """Give the place in an owner's list, where it was left there."""
        return self.place if owner == self.owner else None


class Standing(Struct, frozen=True):
    """
    How far a reading is: a bookmark, but for the hash of a page, which takes time.

    Parameters
    ----------
    at_end : Bookmark
        If the list ends here.
    page : Page or None
        Which was read last; None where a list ends here.
    total : int or None
        Records of the lists before, where the server tells.
    """

    at_end: Bookmark
    page: Page | None = None
    total: int | None = None

    def bookmark(self) -> Bookmark | None:
        """Tell where the reading can be taken up again; None where it cannot."""
        if self.page is None:
            return self.at_end
        if place := Place.after(self.page):
            return replace(self.at_end, place=place, total=self.total)
        has_ended = self.page.following is None and self.page.upto is not None
        return self.at_end if has_ended else None


def _mark(page: Page) -> str:
    text = json.dumps(as_objects(page.records), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
