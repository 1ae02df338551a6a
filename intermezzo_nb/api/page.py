"""One answer of a list, recognized by what it holds; pure, no network."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ..errors import PagingError
from ..quoting import plain
from .spelling import count_of

LARGEST = 100  # rows of a page, in both documented styles
SIZES = ("size", "limit")  # of a page: who sends one has a reason
_FALSE = ("", "false", "0", "no")
# How other APIs announce more; none of it is documented, so none is followed.
_NOT_FOLLOWED = (
    *("next", "nextPage", "next_page", "next_url", "nextLink"),
    *("nextPageUrl", "next_page_url", "@odata.nextLink"),
    *("nextCursor", "next_cursor", "nextPageToken", "next_page_token"),
    *("hasMore", "has_more", "hasNext", "has_next", "hasNextPage", "has_next_page"),
    *("nextOffset", "next_offset"),
)
# How other APIs count: by pages, or by rows.
_PAGES = ("pages", "totalPages", "total_pages", "lastPage", "last_page")
_ROWS = (
    *("total", "totalCount", "total_count"),
    *("totalItems", "total_items", "totalElements"),
)


class Page(Struct, frozen=True):
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
    is_doubtful : bool
        Whether the server says both that there is more and that there is none.
    is_open : bool
        Whether it is full, as far as sizes are told or were asked for, and does not say
        whether there is more; not of cursors, where none is the end.
    is_short : bool
        Whether rows of the list are missing at its end, by what the server says.
    notes : tuple of str
        What did not fit together, or was not read.
    pages : int or None
        The number of the last page, where pages are numbered and the server tells.
    asked : mapping or None
        The query parameters that it answers.
    upto : int or None
        Records of the list up to its end, where the list can be taken up after it.
    number : int or None
        Which page it is, from 1 on; None where that is not certain.
    said : str
        The API's words where there is no such record.
    """

    records: list[Any]
    total: int | None
    following: Mapping[str, Any] | None
    style: str
    is_doubtful: bool = False
    is_open: bool = False
    is_short: bool = False
    notes: tuple[str, ...] = ()
    pages: int | None = None
    asked: Mapping[str, Any] | None = None
    upto: int | None = None
    number: int | None = None
    said: str = ""


NOTHING = Page([], 0, None, "array")


class PageNumbers:
    """Which rows are of which page."""

    def __init__(self) -> None:
        self._rows: list[int] = []
        self._numbers: list[int | None] = []

    def begin(self, row: int, number: int | None) -> None:
        """Note that a page begins with a row; one without rows is forgotten."""
        self._rows.append(row)
        self._numbers.append(number)

    def told(self, row: int) -> str:
        """Tell the page of a row, to be put after it; nothing where it has none."""
        at = bisect_right(self._rows, row) - 1
        number = self._numbers[at] if at >= 0 else None
        return "" if number is None else f" (page {number:,})"


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
    inside : str
        The list inside the answer that holds the records, if it is not ``items``.
    name : str
        What messages call the list.

    Raises
    ------
    PagingError
        It holds no list where it should, or goes on in a way that is not documented.
    """
    if inside and isinstance(payload, dict):
        payload = [r for r in _list(payload, inside, name) if r is not None]
    if isinstance(payload, list):
        return Page(payload, len(payload), None, "array")
    if not isinstance(payload, dict):
        return Page([payload], 1, None, "object")
    if isinstance(about := payload.get("pagination"), dict):
        page = _by_cursor(_items(payload, name), about, asked, name)
    elif isinstance(about := payload.get("meta"), dict) and _lists(payload):
        page = _by_number(_items(payload, name), about, asked, name)
    elif isinstance(payload.get("items"), list):
        about = payload
        page = _by_number(payload["items"], payload, asked, name)
    else:
        return _one(payload, name)
    if page.following is None and (other := _other_way(payload) or _other_way(about)):
        raise _unknown_style(name, other)
    told = {name: value for name, value in about.items() if value is not None}
    if other := _counted_otherwise(page, {**payload, **told}, asked):
        # Whoever pages by parameters of their own knows; else it is a doubt.
        return replace(page, notes=(*page.notes, _perhaps_more(name, other)))
    return page


def whole(pages: list[Page]) -> Page:
    """Give all pages of a list as one."""
    if len(pages) == 1:
        return pages[0]
    records = [record for page in pages for record in page.records]
    notes = tuple(note for page in pages for note in page.notes)
    return replace(pages[-1], records=records, notes=notes, number=None)


def no_list(name: str, payload: Any, member: str = "") -> PagingError:
    """Tell that an answer holds no list, and what it does hold."""
    # Members by name; of what has none, nothing that may be anybody's data.
    named = [plain(key, 80) for key in payload][:8] if isinstance(payload, dict) else []
    held = ", ".join(named) or ("nothing" if not payload else type(payload).__name__)
    return PagingError(
        f"the answer for {name} holds no list" + (f" {member!r}" if member else ""),
        why=f"It holds: {held}.",
        advice="Check INTERMEZZO_API_URL, and whether the API has changed.",
    )


def _by_cursor(
    records: list[Any], about: Mapping[str, Any], asked: Mapping[str, Any], name: str
) -> Page:
    cursor = _either(about, "nextCursor", "next_cursor")
    is_one = isinstance(cursor, (str, int)) and cursor not in ("", False)
    told = _flag(_either(about, "hasNext", "has_next"))
    if told and not is_one:
        raise PagingError(
            f"{name} is not complete: the server has more, but gives no cursor",
            why="pagination.hasNext is true, pagination.nextCursor is empty.",
            advice="Try again; tell Intermezzo if it happens again.",
        )
    following = {**asked, "limit": LARGEST, "cursor": cursor} if is_one else None
    return Page(
        records, _total(records, about), following, "cursor", is_one and told is False
    )


def _by_number(
    records: list[Any], about: Mapping[str, Any], asked: Mapping[str, Any], name: str
) -> Page:
    told_number = _whole(about, "page")
    number = asked.get("page") or told_number or 1
    total, size = _total(records, about), _whole(about, "size")
    pages, told = _whole(about, "pages"), _flag(_either(about, "has_next", "hasNext"))
    says = {told, None if pages is None else number < pages} - {None}
    if not says and total is not None and size:
        says = {number * size < total}
    is_part = total is not None and total > len(records) * max(1, number)
    if not says and is_part and "page" not in asked:
        raise _unknown_style(name, "total")
    more = True in says
    is_other = told_number is not None and told_number != number
    if is_other and records and (more or number > 1):
        raise _another_page(name, number, told_number)
    following = {**asked, "page": number + 1, "size": LARGEST} if more else None
    facts = (pages, told, told_number)
    is_paged = more or "items" not in about or any(f is not None for f in facts)
    style = "page" if is_paged else "array"
    # Alone, a size may be the number of rows that came.
    full = (size if told_number is not None else None) or asked.get("size")
    is_full = bool(records) and len(records) == full
    return Page(
        records,
        total,
        following,
        style,
        is_doubtful=len(says) > 1,
        is_open=is_full and not says,
        pages=pages,
    )


def _another_page(name: str, asked: int, told: int | None) -> PagingError:
    return PagingError(
        f"{name} cannot be read whole: page {told} came where page {asked} was asked",
        why="Pages are documented to be counted from 1, each answered by its number.",
        advice="Try again; read page by page with get() if it happens again.",
    )


def _one(payload: Mapping[str, Any], name: str) -> Page:
    beside = [_mapping(payload.get("meta"))]
    for inner in map(_mapping, payload.values()):
        if _lists(inner):
            beside += [inner, _mapping(inner.get("meta"))]
    other = next(filter(None, map(_other_way, (payload, *beside))), "")
    total, lists = _whole(payload, "total"), [payload[n] for n in _lists(payload)]
    is_listed = len(lists) == 1 and isinstance(lists[0], list)
    if total is not None and is_listed and total > len(lists[0]):
        other = other or "total"
    notes = (_perhaps_more(name, other),) if other else ()
    return Page([payload], 1, None, "object", notes=notes)


def _perhaps_more(name: str, member: str) -> str:
    return f"{name}: the answer has {member!r}: there may be more, which was not read"


def _other_way(about: Mapping[str, Any]) -> str:
    for name in ("links", "_links"):
        if _mapping(about.get(name)).get("next"):
            return name
    return next((name for name in _NOT_FOLLOWED if _flag(about.get(name))), "")


def _counted_otherwise(
    page: Page, about: Mapping[str, Any], asked: Mapping[str, Any]
) -> str:
    """Name what counts more than came, where nothing documented tells of the end."""
    told = (_either(about, "hasNext", "has_next"), page.total, page.pages)
    is_told = page.following is not None or any(one is not None for one in told)
    if is_told or not {"page", "cursor"}.isdisjoint(asked):
        return ""
    numbers = (_whole(about, n) for n in ("page", "currentPage", "current_page"))
    number = next((n for n in numbers if n), 1)
    by_page = (name for name in _PAGES if (_whole(about, name) or 0) > number)
    many = len(page.records)
    by_row = (name for name in _ROWS if (_whole(about, name) or 0) > many)
    return next(by_page, "") or next(by_row, "")


def _total(records: list[Any], about: Mapping[str, Any]) -> int | None:
    total = _whole(about, "total")
    # The documented default of a cursor list's total is 0: then it is not told.
    return None if total is None or total < 0 or (records and not total) else total


def _either(about: Mapping[str, Any], name: str, other: str) -> Any:
    value = about.get(name)
    return about.get(other) if value is None else value


def _flag(value: Any) -> bool | None:
    if isinstance(value, str):
        return value.strip().lower() not in _FALSE
    return None if value is None else bool(value)


def _whole(about: Mapping[str, Any], name: str) -> int | None:
    return count_of(about.get(name))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


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
    raise no_list(name, payload, member)


def _unknown_style(name: str, member: str) -> PagingError:
    return PagingError(
        f"{name} is not complete, and how to read on is not documented",
        why=f"The answer has {member!r}, which no documented list has.",
        advice="Read page by page with get(), and tell us of it.",
    )
