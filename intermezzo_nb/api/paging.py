"""How pages follow one another; pure, no network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import PagingError

LARGEST = 100  # rows of a page, in both documented styles
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
            records = seen.first_time(page)
            is_last = page.following is None
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
        return _by_cursor(_list(payload, "items", name), about, asked, name)
    if isinstance(about := payload.get("meta"), dict) and "items" in payload:
        return _by_number(_list(payload, "items", name), about, asked)
    if isinstance(payload.get("items"), list):
        return Page(payload["items"], None, None, "array")
    return Page([payload], 1, None, "object")


class _Seen:
    """Which records came; ids that repeat within one page identify nothing."""

    def __init__(self) -> None:
        self.is_second_reading = False
        self._count = self._repeated = 0
        self._identified = True
        self._keys: set[Key] = set()
        self._totals: set[int | None] = set()

    def first_time(self, page: Page) -> list[Any]:
        self._totals.add(page.total)
        records, keys = page.records, [_key(record) for record in page.records]
        if not self.is_second_reading and ((None in keys) or len({*keys}) < len(keys)):
            self._identified = False
        if self._identified:
            records = self._new(records, keys)
        self._count += len(records)
        return records

    def may_find_more(self, total: int | None) -> bool:
        # Where one row is deleted and so another skipped, the counts agree at the end.
        has_changed = self._repeated > 0 or len(self._totals) > 1
        return self._identified and (has_changed or self._count < (total or 0))

    def notes(self, total: int | None, name: str) -> tuple[str, ...]:
        notes = []
        if self._repeated:
            notes.append(f"{name}: {self._repeated:,} rows came twice, kept once")
        # The documented default of a cursor list's total is 0: then it is not told.
        if total and total != self._count:
            notes.append(
                f"{name} changed while it was read: the server counts {total:,} rows, "
                f"{self._count:,} came"
            )
        return tuple(notes)

    def _new(self, records: list[Any], keys: Sequence[Key | None]) -> list[Any]:
        new = [r for r, key in zip(records, keys, strict=True) if key not in self._keys]
        if not self.is_second_reading:
            self._repeated += len(records) - len(new)
        self._keys.update(key for key in keys if key is not None)
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
    cursor = about.get("nextCursor")
    is_one = isinstance(cursor, (str, int)) and cursor != ""
    if about.get("hasNext", is_one) and not is_one:
        raise PagingError(
            f"{name} is not complete: the server has more, but gives no cursor",
            why="pagination.hasNext is true, pagination.nextCursor is empty.",
            advice="Try again; tell Intermezzo if it happens again.",
        )
    more = about.get("hasNext", is_one)
    following = {**asked, "limit": LARGEST, "cursor": cursor} if more else None
    total = _whole(about, "total")
    return Page(records, None if records and not total else total, following, "cursor")


def _by_number(
    records: list[Any], about: Mapping[str, Any], asked: Mapping[str, Any]
) -> Page:
    number = _whole(about, "page") or asked.get("page", 1)
    total, size = _whole(about, "total"), _whole(about, "size")
    pages = _whole(about, "pages")
    if pages is None and "has_next" not in about and total is not None and size:
        pages = -(-total // size)
    more = number < pages if pages is not None else bool(about.get("has_next"))
    following = {**asked, "page": number + 1, "size": LARGEST} if more else None
    return Page(records, total, following, "page", pages)


def _whole(about: Mapping[str, Any], name: str) -> int | None:
    value = about.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _list(payload: Mapping[str, Any], member: str, name: str) -> list[Any]:
    found = payload.get(member)
    if isinstance(found, list):
        return found
    raise PagingError(
        f"the answer for {name} holds no list {member!r}",
        why=f"It holds: {', '.join(map(str, list(payload)[:8])) or 'nothing'}.",
        advice="Check INTERMEZZO_API_URL, and whether the API has changed.",
    )


def _endless(name: str) -> PagingError:
    return PagingError(
        f"the pages of {name} do not fit together",
        why="A page was announced that was read already, an empty page announces "
        "another, or a page came in another form than the first.",
        advice="Try again; tell Intermezzo if it happens again.",
    )
