"""How pages follow one another; pure, no network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import PagingError

LARGEST = 100  # rows of a page, in both documented styles
_DIGITS = 19  # of a number that is written as text
_MOST_STALE = 2  # pages in a row that bring nothing new, and announce another
_NOT_FOLLOWED = ("next", "nextPage", "next_page", "next_url", "nextLink")
Key = tuple[str | int, str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """
    One answer of a list.

    Parameters
    ----------
    records : list
        What it holds, as decoded JSON.
    total : int or None
        Rows of the whole list, where the server tells.
    following : mapping or None
        Query parameters of the next page; None at the end.
    style : {"page", "cursor", "array", "object"}
        What it was recognized as (/pagination and the reference pages).
    pages : int or None
        Pages of the whole list, where the server tells.
    notes : tuple of str
        On the last page that :func:`walk` gives: what did not fit together.
    """

    records: list[Any]
    total: int | None
    following: Mapping[str, Any] | None
    style: str
    pages: int | None = None
    notes: tuple[str, ...] = ()


def walk(
    fetch: Callable[[Mapping[str, Any]], Any],
    *,
    style: str | None,
    inside: str = "",
    name: str = "the list",
    is_list: bool = False,
    changed: Callable[[], None] = lambda: None,
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

    Raises
    ------
    PagingError
        An answer is no list that is documented, or the pages go round in circles.
    """
    seen = _Seen()
    for is_last_try in (False, True):
        again = False
        for page in _pages(fetch, style, inside=inside, name=name):
            if is_list and page.style == "object":
                raise _no_list(name, page.records[0])
            records = seen.first_time(page)
            is_last = page.following is None
            if seen.stale > _MOST_STALE:
                raise _endless(name)
            again = is_last and not is_last_try and seen.may_find_more(page.total)
            notes = seen.notes(page.total, name) if is_last and not again else ()
            if records or is_last:
                yield replace(page, records=records, notes=notes)
        if not again:
            return
        changed()
        seen.is_second_reading = True


def opening(style: str | None) -> dict[str, Any]:
    """Give the query parameters of the first request."""
    if style == "page":
        return {"page": 1, "size": LARGEST}
    return {"limit": LARGEST} if style == "cursor" else {}


def read(
    payload: Any, asked: Mapping[str, Any], *, inside: str = "", name: str = "the list"
) -> Page:
    """
    Recognize an answer by what it holds: ``pagination``, ``meta``, or a list.

    Parameters
    ----------
    asked : mapping
        The query parameters that it answers.
    """
    if inside and isinstance(payload, dict):
        payload = [r for r in _list(payload, inside, name) if r is not None]
    if isinstance(payload, list):
        return Page(payload, len(payload), None, "array")
    if not isinstance(payload, dict):
        return Page([payload], 1, None, "object")
    if isinstance(about := payload.get("pagination"), dict):
        return _by_cursor(_items(payload, name), about, asked, name)
    if isinstance(about := payload.get("meta"), dict) and _lists(payload):
        return _by_number(_items(payload, name), about, asked, name)
    if isinstance(payload.get("items"), list):
        return _by_number(payload["items"], payload, asked, name)
    return Page([payload], 1, None, "object")


class _Seen:
    """Which records came; ids that repeat within one page identify nothing."""

    def __init__(self) -> None:
        self.is_second_reading = False
        self.stale = 0
        """How many pages in a row brought nothing new, and announced another."""
        self._count = self._repeated = self._differing = 0
        self._identified = True
        self._kept: dict[Key, int] = {}
        self._totals: set[int | None] = set()

    def first_time(self, page: Page) -> list[Any]:
        self._totals.add(page.total)
        keys = [_key(record) for record in page.records]
        known = [key for key in keys if key is not None]
        if not self.is_second_reading and len({*known}) < len(known):
            self._identified = False
        new = self._new(page.records, keys) if self._identified else page.records
        self._count += len(new)
        has_more = page.following is not None and not self.is_second_reading
        self.stale = self.stale + 1 if has_more and not new else 0
        return new

    def may_find_more(self, total: int | None) -> bool:
        # Where one row is deleted and so another skipped, the counts agree at the end.
        has_changed = self._repeated > 0 or len(self._totals) > 1
        has_ids = self._identified and bool(self._kept)
        return has_ids and (has_changed or self._count < (total or 0))

    def notes(self, total: int | None, name: str) -> tuple[str, ...]:
        notes = []
        if self._repeated:
            notes.append(f"{name}: {_rows(self._repeated)} came twice, kept once")
        if self._differing:
            notes.append(
                f"{name}: {_rows(self._differing)} came with the id of another row, "
                "and differ: all are kept"
            )
        if total is not None and total != self._count:
            notes.append(
                f"{name} changed while it was read: the server counts {_rows(total)}, "
                f"{self._count:,} came"
            )
        return tuple(notes)

    def _new(self, records: list[Any], keys: Sequence[Key | None]) -> list[Any]:
        new = []
        for record, key in zip(records, keys, strict=True):
            if key is None:
                # Read again, it cannot be told from the one that is there.
                if not self.is_second_reading:
                    new.append(record)
                continue
            content = hash(str(record))
            if key not in self._kept:
                self._kept[key] = content
            elif self._kept[key] == content or self.is_second_reading:
                self._repeated += not self.is_second_reading
                continue
            else:
                self._differing += 1
            new.append(record)
        return new


def _key(record: Any) -> Key | None:
    # Versions of a record share its id.
    if not isinstance(record, dict) or type(record.get("id")) not in {str, int}:
        return None
    return record["id"], str(record.get("version")), str(record.get("validFrom"))


def _pages(
    fetch: Callable[[Mapping[str, Any]], Any],
    style: str | None,
    *,
    inside: str,
    name: str,
) -> Iterator[Page]:
    asked = opening(style)
    page = read(fetch(asked), asked, inside=inside, name=name)
    if page.following is not None and page.style != style:
        # The next page counts in another size than this one was given in.
        style = page.style
        asked = opening(style)
        page = read(fetch(asked), asked, inside=inside, name=name)
    seen: set[str] = set()
    yield page
    while page.following is not None:
        mark = str(page.following.get("cursor", page.following.get("page")))
        if mark in seen or not page.records or page.style != style:
            raise _endless(name)
        seen.add(mark)
        following = page.following
        page = read(fetch(following), following, inside=inside, name=name)
        if page.style != style:
            raise _endless(name)
        yield page


def _by_cursor(
    records: list[Any], about: Mapping[str, Any], asked: Mapping[str, Any], name: str
) -> Page:
    cursor = _either(about, "nextCursor", "next_cursor")
    is_one = isinstance(cursor, (str, int)) and cursor != ""
    more = _either(about, "hasNext", "has_next")
    if more and not is_one:
        raise PagingError(
            f"{name} is not complete: the server has more, but gives no cursor",
            why="pagination.hasNext is true, pagination.nextCursor is empty.",
            advice="Try again; tell Intermezzo if it happens again.",
        )
    more = is_one if more is None else bool(more)
    following = {**asked, "limit": LARGEST, "cursor": cursor} if more else None
    return Page(records, _total(records, about), following, "cursor")


def _by_number(
    records: list[Any], about: Mapping[str, Any], asked: Mapping[str, Any], name: str
) -> Page:
    number = _whole(about, "page") or asked.get("page", 1)
    total, size = _total(records, about), _whole(about, "size")
    pages = _whole(about, "pages")
    told = _either(about, "has_next", "hasNext")
    if pages is None and told is None and total is not None and size:
        pages = -(-total // size)
    more = number < pages if pages is not None else bool(told)
    if not more and (other := _other_way(about)):
        raise _unknown_style(name, other)
    is_part = total is not None and total > len(records) * max(1, number)
    if not more and pages is None and told is None and is_part and "page" not in asked:
        raise _unknown_style(name, "total")
    following = {**asked, "page": number + 1, "size": LARGEST} if more else None
    facts = (pages, told, _whole(about, "page"))
    is_paged = more or "items" not in about or any(f is not None for f in facts)
    return Page(records, total, following, "page" if is_paged else "array", pages)


def _other_way(about: Mapping[str, Any]) -> str:
    links = about.get("links")
    if isinstance(links, dict) and links.get("next"):
        return "links"
    return next((name for name in _NOT_FOLLOWED if about.get(name)), "")


def _total(records: list[Any], about: Mapping[str, Any]) -> int | None:
    total = _whole(about, "total")
    # The documented default of a cursor list's total is 0: then it is not told.
    return None if total is None or total < 0 or (records and not total) else total


def _either(about: Mapping[str, Any], name: str, other: str) -> Any:
    value = about.get(name)
    return about.get(other) if value is None else value


def _whole(about: Mapping[str, Any], name: str) -> int | None:
    value = about.get(name)
    if isinstance(value, str) and value.isdecimal() and len(value) < _DIGITS:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _lists(payload: Mapping[str, Any]) -> list[str]:
    found = [name for name, value in payload.items() if isinstance(value, list)]
    return ["items"] if "items" in payload else found


def _items(payload: Mapping[str, Any], name: str) -> list[Any]:
    lists = _lists(payload)
    return _list(payload, lists[0] if len(lists) == 1 else "items", name)


def _list(payload: Mapping[str, Any], member: str, name: str) -> list[Any]:
    found = payload.get(member)
    if isinstance(found, list):
        return found
    raise _no_list(name, payload, member)


def _rows(count: int) -> str:
    return f"{count:,} row" + ("" if count == 1 else "s")


def _no_list(name: str, payload: Any, member: str = "") -> PagingError:
    held = list(payload)[:8] if isinstance(payload, dict) else [payload]
    return PagingError(
        f"the answer for {name} holds no list" + (f" {member!r}" if member else ""),
        why=f"It holds: {', '.join(map(str, held)) or 'nothing'}.",
        advice="Check INTERMEZZO_API_URL, and whether the API has changed.",
    )


def _unknown_style(name: str, member: str) -> PagingError:
    return PagingError(
        f"{name} is not complete, and how to read on is not documented",
        why=f"The answer has {member!r}, which no documented list has.",
        advice="Read page by page with get(), and tell us of it.",
    )


def _endless(name: str) -> PagingError:
    return PagingError(
        f"the pages of {name} do not fit together",
        why="A page was announced that was read already, an empty page announces "
        "another, or a page came in another form than the first.",
        advice="Try again; tell Intermezzo if it happens again.",
    )
