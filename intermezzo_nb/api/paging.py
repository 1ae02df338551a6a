"""How pages follow one another; pure, no network."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from ..errors import PagingError
from .page import LARGEST, Page, no_list, opening, read

_MOST_STALE = 2  # pages in a row that bring nothing new, and announce another
Key = str | int | tuple[str | int, str, str]
Expect = Callable[[Iterable[Mapping[str, Any]], int], None]


def walk(
    fetch: Callable[[Mapping[str, Any]], Any],
    *,
    style: str | None,
    inside: str = "",
    name: str = "the list",
    is_list: bool = False,
    changed: Callable[[], None] = lambda: None,
    expect: Expect = lambda _many, _count: None,
    wanted: int | None = None,
) -> Iterator[Page]:
    """
    Give all pages in order, each record once.

    Where the style is not documented, or the answer has another, the first answer
    fixes it; if there is more, reading starts anew with the largest page. A list that
    changes while it is read repeats rows or leaves some out: the former are dropped
    by their id, the latter are looked for once more, and what remains is told. Who
    has enough rows stops iterating, and nothing more is asked.

    Parameters
    ----------
    fetch : callable
        Gives the decoded answer for query parameters.
    inside : str
        The list inside the answer that holds the records, if it is not ``items``.
    name : str
        What messages call the list.
    is_list : bool
        Whether an answer that is no list is an error; else it is one record.
    changed : callable
        Told before the list is read once more.
    expect : callable
        Told the parameters that will be fetched next, as far as they are known, and
        how many requests it takes from there to the end, as far as can be told.
    wanted : int or None
        Records after which nothing more will be asked; None for all.

    Yields
    ------
    Page
        With the total that was told last.

    Raises
    ------
    PagingError
        An answer is no list that is documented, or the pages go round in circles.
    """
    seen = _Seen(name)
    for is_last_try in (False, True):
        again = False
        pages = _pages(
            fetch, style, inside=inside, name=name, expect=expect, wanted=wanted
        )
        for page in pages:
            if is_list and page.style == "object":
                raise no_list(name, page.records[0])
            records = seen.first_time(page)
            is_last = page.following is None
            if seen.stale > _MOST_STALE:
                raise _endless(name)
            again = is_last and not is_last_try and seen.may_find_more()
            notes = page.notes
            if is_last and not again:
                records = [*records, *seen.counted_twice()]
                notes += seen.notes()
            if records or is_last:
                yield replace(page, records=records, notes=notes, total=seen.total)
        if not again:
            return
        changed()
        seen.is_second_reading = True


class _Seen:
    """Which records came; ids that repeat within one page identify nothing."""

    def __init__(self, name: str) -> None:
        self.is_second_reading = False
        self.stale = 0
        """How many pages in a row brought nothing new, and announced another."""
        self.total: int | None = None
        self._name = name
        self._count = self._differing = 0
        self._repeated: list[Any] = []
        self._identified = True
        self._kept: dict[Key, int] = {}
        self._totals: set[int] = set()

    def first_time(self, page: Page) -> list[Any]:
        self._hear(page.total)
        keys = [_key(record) for record in page.records]
        known = [key for key in keys if key is not None]
        if not self.is_second_reading and len({*known}) < len(known):
            self._identified = False
        new = self._new(page.records, keys) if self._identified else page.records
        self._count += len(new)
        has_more = page.following is not None and not self.is_second_reading
        self.stale = self.stale + 1 if has_more and not new else 0
        return new

    def may_find_more(self) -> bool:
        # Where one row is deleted and so another skipped, the counts agree at the end.
        has_changed = bool(self._repeated) or len(self._totals) > 1
        has_ids = self._identified and bool(self._kept)
        return has_ids and (has_changed or self._count < (self.total or 0))

    def counted_twice(self) -> list[Any]:
        """Give the repeated records, where the server counts each of them as a row."""
        are_rows = self.total == self._count + len(self._repeated)
        return self._repeated if are_rows and len(self._totals) == 1 else []

    def notes(self) -> tuple[str, ...]:
        notes, count = [], self._count
        if rows := self.counted_twice():
            count += len(rows)
            notes.append(
                f"{self._name}: {_rows(len(rows))} came with the id of another row and "
                "equal it, and the server counts them: all are kept"
            )
        elif self._repeated:
            repeated = _rows(len(self._repeated))
            notes.append(f"{self._name}: {repeated} came twice, kept once")
        if self._differing:
            notes.append(
                f"{self._name}: {_rows(self._differing)} came with the id of another "
                "row, and differ: all are kept"
            )
        if self.total is not None and self.total != count:
            notes.append(
                f"{self._name} changed while it was read: the server counts "
                f"{_rows(self.total)}, {count:,} came"
            )
        return tuple(notes)

    def _hear(self, total: int | None) -> None:
        # Some servers count on the first page only, and say 0 or nothing afterwards.
        if total is not None and (total or not self._count):
            self.total = total
            self._totals.add(total)

    def _new(self, records: list[Any], keys: Sequence[Key | None]) -> list[Any]:
        contents = list(map(_content, records))
        is_new = None not in keys and self._kept.keys().isdisjoint(keys)
        if is_new and not self.is_second_reading:
            self._kept.update(zip(cast("Sequence[Key]", keys), contents, strict=True))
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


def _key(record: Any) -> Key | None:
    # Versions of a record share its id.
    key: Any = record.get("id") if isinstance(record, dict) else None
    if type(key) not in {str, int}:
        return None
    version, begun = record.get("version"), record.get("validFrom")
    if version is None and begun is None:
        return cast("Key", key)
    return key, str(version), str(begun)


def _content(value: Any) -> int:
    # Of all ways to the same bytes for the same JSON, the fastest; 2 knows no marks
    # of what is shared in memory.
    return hash(marshal.dumps(value, 2))


def _mark(records: list[Any]) -> int:
    if records and (first := _key(records[0])) and (last := _key(records[-1])):
        return hash((len(records), first, last))
    return _content(records)


def _pages(
    fetch: Callable[[Mapping[str, Any]], Any],
    style: str | None,
    *,
    inside: str,
    name: str,
    expect: Expect,
    wanted: int | None,
) -> Iterator[Page]:
    asked, view = opening(style), _View(expect, wanted)
    page = read(fetch(asked), asked, inside=inside, name=name)
    if page.following is not None and page.style != style:
        # The next page counts in another size than this one was given in.
        style = page.style
        asked = opening(style)
        view.look_at_all(page, asked)
        page = read(fetch(asked), asked, inside=inside, name=name)
    way, is_doubtful = _Way(name), page.is_doubtful
    while True:
        is_new = way.is_new(page)
        if is_doubtful and not is_new:
            # Of "there is more" and "there is none", the latter was true.
            yield replace(page, records=[], following=None)
            return
        view.look_ahead(page)
        yield page
        if page.following is None:
            return
        way.check(page.following)
        is_doubtful, following = page.is_doubtful, page.following
        page = read(fetch(following), following, inside=inside, name=name)
        if page.style != style:
            raise _endless(name)


class _View:
    """What lies ahead of a page; each request is foreseen once."""

    def __init__(self, expect: Expect, wanted: int | None) -> None:
        self._expect, self._wanted = expect, wanted
        self._rows = 0
        self._last = 0
        """The number of the last page that was foreseen."""

    def look_at_all(self, page: Page, asked: Mapping[str, Any]) -> None:
        """Tell what is needed where a list is read anew, in numbered pages."""
        if page.style == "page" and page.total:
            rows = page.total if self._wanted is None else self._wanted
            self._foresee(asked, 1, max(1, -(-min(rows, page.total) // LARGEST)))

    def look_ahead(self, page: Page) -> None:
        """Tell what is needed after a page."""
        self._rows += len(page.records)
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
        content = _mark(page.records)
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
        is_stuck = self._is_empty or self._stale > _MOST_STALE
        if mark in self._marks or is_stuck or too_many:
            raise _endless(self._name)
        self._marks.add(mark)


def _rows(count: int) -> str:
    return f"{count:,} row" + ("" if count == 1 else "s")


def _endless(name: str) -> PagingError:
    return PagingError(
        f"the pages of {name} do not fit together",
        why="A page was announced that was read already, an empty page announces "
        "another, more rows came than are counted, or a page came in another form.",
        advice="Try again; tell Intermezzo if it happens again.",
    )
