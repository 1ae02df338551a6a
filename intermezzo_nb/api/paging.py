"""How pages follow one another; pure, no network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import PagingError

LARGEST = 100  # rows of a page, in both documented styles


@dataclass(frozen=True, slots=True)
class Page:
    """
    One answer of a list.

    Parameters
    ----------
    records : list of dict
        What it holds, as decoded JSON.
    total : int or None
        Rows of the whole list, where the server tells.
    following : dict or None
        Query parameters of the next page; None at the end.
    style : {"page", "cursor", "array", "object"}
        What it was recognized as (/pagination and the reference pages).
    """

    records: list[Any]
    total: int | None
    following: Mapping[str, Any] | None
    style: str


def walk(
    fetch: Callable[[Mapping[str, Any]], Any], *, style: str | None, inside: str = ""
) -> Iterator[Page]:
    """
    Give all pages in order.

    Where the style is not documented, the first request carries no paging parameter
    and its answer fixes the style; if there is more, reading starts anew with the
    largest page.

    Parameters
    ----------
    fetch : callable
        Gives the decoded answer for query parameters.
    inside : str
        The list inside the answer that holds the records, if it is not ``items``.

    Raises
    ------
    PagingError
        An answer is no list that is documented, or the pages go round in circles.
    """
    page = read(fetch(opening(style)), {}, inside=inside)
    if style is None and page.following is not None:
        page = read(fetch(opening(page.style)), {}, inside=inside)
    seen: list[Mapping[str, Any]] = []
    yield page
    while page.following is not None:
        if page.following in seen or not page.records:
            raise PagingError(
                "the pages of the list do not come to an end",
                why="A page was announced that was read already, or an empty page "
                "announces another.",
                advice="Try again; tell Intermezzo if it happens again.",
            )
        seen.append(page.following)
        page = read(fetch(page.following), page.following, inside=inside)
        yield page


def opening(style: str | None) -> dict[str, Any]:
    """Give the query parameters of the first request."""
    if style == "page":
        return {"page": 1, "size": LARGEST}
    return {"limit": LARGEST} if style == "cursor" else {}


def read(payload: Any, asked: Mapping[str, Any], *, inside: str = "") -> Page:
    """
    Recognize an answer by what it holds: ``pagination``, ``meta``, or a list.

    Parameters
    ----------
    asked : mapping
        The query parameters that it answers.
    """
    if inside and isinstance(payload, dict):
        payload = [r for r in _list(payload, inside) if r is not None]
    if isinstance(payload, list):
        return Page(payload, len(payload), None, "array")
    if not isinstance(payload, dict):
        return Page([payload], 1, None, "object")
    if isinstance(about := payload.get("pagination"), dict):
        return _by_cursor(_list(payload, "items"), about)
    if isinstance(about := payload.get("meta"), dict) and "items" in payload:
        return _by_number(_list(payload, "items"), about, asked)
    if isinstance(payload.get("items"), list):
        return Page(payload["items"], None, None, "array")
    return Page([payload], 1, None, "object")


def _by_cursor(records: list[Any], about: Mapping[str, Any]) -> Page:
    cursor = about.get("nextCursor")
    more = about.get("hasNext", cursor is not None) and cursor is not None
    following = {"limit": LARGEST, "cursor": cursor} if more else None
    return Page(records, _whole(about, "total"), following, "cursor")


def _by_number(
    records: list[Any], about: Mapping[str, Any], asked: Mapping[str, Any]
) -> Page:
    number = _whole(about, "page") or asked.get("page", 1)
    pages = _whole(about, "pages")
    more = number < pages if pages is not None else bool(about.get("has_next"))
    following = {"page": number + 1, "size": LARGEST} if more else None
    return Page(records, _whole(about, "total"), following, "page")


def _whole(about: Mapping[str, Any], name: str) -> int | None:
    value = about.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _list(payload: Mapping[str, Any], name: str) -> list[Any]:
    found = payload.get(name)
    if isinstance(found, list):
        return found
    raise PagingError(
        f"the answer holds no list {name!r}",
        why=f"It holds: {', '.join(map(str, list(payload)[:8])) or 'nothing'}.",
        advice="Check INTERMEZZO_API_URL, and whether the API has changed.",
    )
