"""How pages follow one another; pure, no network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from ..errors import PagingError
from .following import MOST_STALE, Expect, ListChanged, endless, pages_of
from .page import LARGEST, Page, no_list, read
from .place import Place, Stretch
from .seen import Seen

__all__ = ["ListChanged", "go_on", "numbered", "walk"]


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
    seen = Seen(name)
    for is_last_try in (False, True):
        again = False
        pages = pages_of(
            fetch, style, inside=inside, name=name, expect=expect, wanted=wanted
        )
        for page in pages:
            if is_list and page.style == "object":
                raise no_list(name, page.records[0])
            records = seen.first_time(page)
            is_last = page.following is None
            if seen.stale > MOST_STALE:
                raise endless(name)
            again = is_last and not is_last_try and seen.may_find_more()
            if is_last and not again:
                yield _ended(page, records, seen, wanted)
            elif records or is_last:
                upto = None if again else seen.upto
                yield replace(page, records=records, total=seen.total, upto=upto)
        if not again:
            return
        changed()
        seen.read_again()


def go_on(
    fetch: Callable[[Mapping[str, Any]], Any],
    after: Place,
    *,
    inside: str = "",
    name: str = "the list",
    expect: Expect = lambda _many, _count: None,
    wanted: int | None = None,
) -> Iterator[Page]:
    """
    Give the pages after a place, as :func:`walk` does, where the list is as it was.

    The page before the place is asked once more, to see that.

    Raises
    ------
    ListChanged
        It is not, or is no more in the end.
    PagingError
        As in :func:`walk`.
    """
    seen = Seen(name)
    pages = pages_of(
        fetch, None, inside=inside, name=name, expect=expect, wanted=wanted, after=after
    )
    first = next(pages)
    if not after.fits(first):
        raise ListChanged
    seen.begin(first, count=after.upto, total=after.total)
    for page in pages:
        records = seen.first_time(page)
        is_last = page.following is None
        if is_last and seen.may_find_more():
            raise ListChanged
        if is_last:
            yield _ended(page, records, seen, wanted)
        elif records:
            yield replace(page, records=records, total=seen.total, upto=seen.upto)


def numbered(
    fetch: Callable[[Mapping[str, Any]], Any],
    stretch: Stretch,
    *,
    inside: str = "",
    name: str = "the list",
    expect: Expect = lambda _many, _count: None,
) -> Iterator[Page]:
    """
    Give some of the pages of a list that is as long as it was.

    Raises
    ------
    PagingError
        It is not, or a row came twice, perhaps in the place of another.
    """
    seen = Seen(name)
    first, last = stretch.numbers or (1, 1)
    asked = [{"page": n, "size": LARGEST} for n in range(first, last + 1)]
    expect(asked, len(asked))
    for one in asked:
        page = read(fetch(one), one, inside=inside, name=name)
        is_full = _is_full(page, stretch, one["page"])
        is_as_long = page.pages in (None, stretch.pages)
        if not (is_full and is_as_long) or page.total not in (None, stretch.total):
            raise PagingError(
                f"{name} changed since its pages were shared out",
                why=f"It had {stretch.total} rows in pages of {stretch.size}, and has "
                f"{page.total}, of which page {one['page']} holds {len(page.records)}.",
                advice="Make the Dask frame anew, and compute it at once.",
            )
        seen.first_time(replace(page, total=None, pages=None))
        if seen.has_repeated:
            raise PagingError(
                f"{name} cannot be shared out, or changed meanwhile",
                why=f"In its pages {first:,} to {last:,} a row came twice, perhaps in "
                "the place of another.",
                advice="Make the Dask frame anew, and compute it at once; frame and "
                "export keep such rows, and tell of them.",
            )
        following = page.following if one["page"] < last else None
        yield replace(page, following=following, asked=one, number=one["page"])


def _is_full(page: Page, stretch: Stretch, number: int) -> bool:
    if stretch.total is None:
        return len(page.records) == stretch.size or page.following is None
    left = max(0, stretch.total - (number - 1) * stretch.size)
    return len(page.records) == min(left, stretch.size)


def _ended(page: Page, records: list[Any], seen: Seen, wanted: int | None) -> Page:
    has_enough = wanted is not None and seen.count >= wanted
    return replace(
        page,
        records=[*records, *seen.counted_twice()],
        notes=page.notes + seen.notes(has_enough=has_enough),
        is_short=seen.is_short,
        total=seen.total,
        upto=seen.count,
    )
