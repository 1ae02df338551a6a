"""Which page comes after which, and that the way has an end; pure, no network."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from ..errors import ApiError, PagingError
from .page import LARGEST, Page, opening, read
from .place import Place
from .seen import mark_of

MOST_STALE = 2  # pages in a row that bring nothing new, and announce another
Expect = Callable[[Iterable[Mapping[str, Any]], int], None]
_GONE = frozenset({400, 404, 410, 422})  # what is answered for a page that is no more


class ListChanged(Exception):
    """A list is not what it was when it was left; it has to be read anew."""


def pages_of(
    fetch: Callable[[Mapping[str, Any]], Any],
    style: str | None,
    *,
    inside: str,
    name: str,
    expect: Expect,
    wanted: int | None,
    after: Place | None = None,
) -> Iterator[Page]:
    """
    Give the pages as they come, from the first one, or from the one before a place.

    Raises
    ------
    PagingError
        They go round in circles.
    ListChanged
        The page before the place is gone.
    """

    def ask(asked: Mapping[str, Any]) -> Page:
        page = read(fetch(asked), asked, inside=inside, name=name)
        return replace(page, asked=asked)

    if after is not None:
        view = _View(expect, wanted, after.upto)
        page = _again(ask, after)
        style = page.style
    else:
        view = _View(expect, wanted)
        page = ask(opening(style))
    if page.following is not None and page.style != style:
        # The next page counts in another size than this one was given in.
        first, style = page, page.style
        view.look_at_all(first, opening(style))
        page = _instead_of(first, ask(opening(style)), name)
    way, is_doubtful = _Way(name), page.is_doubtful
    for count in itertools.count(1):
        is_new = way.is_new(page)
        if is_doubtful and not is_new:
            # Of "there is more" and "there is none", the latter was true.
            yield replace(page, records=[], following=None)
            return
        view.look_ahead(page)
        yield replace(page, number=_number(page, None if after else count))
        if page.following is None:
            return
        way.check(page.following)
        is_doubtful, following = page.is_doubtful, page.following
        page = ask(following)
        if page.style != style:
            raise endless(name)


def _instead_of(first: Page, page: Page, name: str) -> Page:
    """Give a page that comes again in another size, judged by what was told first."""
    has_all = first.total is not None and first.total <= len(page.records)
    if page.style != first.style and not has_all:
        raise endless(name)
    return replace(page, total=first.total) if page.total is None else page


def _number(page: Page, count: int | None) -> int | None:
    if page.style == "page":
        number: int = (page.asked or {}).get("page", 1)
        return number
    return count if page.style == "cursor" else None


def _again(ask: Callable[[Mapping[str, Any]], Page], place: Place) -> Page:
    try:
        return ask(place.asked)
    except ApiError as error:
        if error.status not in _GONE:
            raise
    raise ListChanged


class _View:
    """What lies ahead of a page; each request is foreseen once."""

    def __init__(self, expect: Expect, wanted: int | None, upto: int = 0) -> None:
        self._expect = expect
        self._wanted = None if wanted is None else wanted + upto
        self._rows = upto
        self._known = upto
        self._last = 0
        """The number of the last page that was foreseen."""

    def look_at_all(self, page: Page, asked: Mapping[str, Any]) -> None:
        """Tell what is needed where a list is read anew, in numbered pages."""
        if page.style == "page" and page.total:
            rows = page.total if self._wanted is None else self._wanted
            self._foresee(asked, 1, max(1, -(-min(rows, page.total) // LARGEST)))

    def look_ahead(self, page: Page) -> None:
        """Tell what is needed after a page."""
        # Of what was read earlier, the last page comes once more.
        self._rows += 0 if self._known else len(page.records)
        self._known = 0
        following = page.following
        has_enough = self._wanted is not None and self._rows >= self._wanted
        if following is None or has_enough:
            return
        number = following.get("page")
        if page.style == "page" and page.pages is not None and number is not None:
            if number > self._last:
                last = min(page.pages, number - 1 + self._left(page))
                self._foresee(following, number, max(number, last))
        else:
            self._expect([following], self._left(page, page.total))

    def _foresee(self, asked: Mapping[str, Any], number: int, last: int) -> None:
        self._last = last
        many = ({**asked, "page": n} for n in range(number, last + 1))
        self._expect(many, last + 1 - number)

    def _left(self, page: Page, *ends: int | None) -> int:
        """Give how many pages of this size there are to the end, where it is known."""
        known = [end for end in (self._wanted, *ends) if end is not None]
        if not known or not page.records:
            return page.pages or 1
        return max(1, -(-(min(known) - self._rows) // len(page.records)))


class _Way:
    """Where the pages have led so far; one without an end is an error."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._marks: set[str] = set()
        self._contents: set[int] = set()
        self._rows = self._stale = 0
        self._total: int | None = None
        self._is_empty = False

    def is_new(self, page: Page) -> bool:
        """Tell whether a page holds what no page before it held."""
        content = mark_of(page.records)
        is_new = bool(page.records) and content not in self._contents
        self._contents.add(content)
        self._rows += len(page.records)
        self._total = page.total or self._total
        self._is_empty = not page.records
        self._stale = 0 if is_new else self._stale + 1
        return is_new

    def check(self, following: Mapping[str, Any]) -> None:
        """Refuse to go where the pages were already, or to go on for ever."""
        mark = str(following.get("cursor", following.get("page")))
        too_many = self._total is not None and self._rows > self._total + LARGEST
        is_stuck = self._is_empty or self._stale > MOST_STALE
        if mark in self._marks or is_stuck or too_many:
            raise endless(self._name)
        self._marks.add(mark)


def endless(name: str) -> PagingError:
    """Tell that the pages have no end."""
    return PagingError(
        f"the pages of {name} do not fit together",
        why="A page was announced that was read already, an empty page announces "
        "another, more rows came than are counted, or a page came in another form.",
        advice="Try again; tell Intermezzo if it happens again.",
    )
