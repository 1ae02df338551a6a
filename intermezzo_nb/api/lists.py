"""The list of one owner, page by page: its address, and where its reading begins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from functools import partial
from typing import Any

from msgspec.structs import replace

from ..errors import ApiError, NotFound
from .answers import Announced, Answer
from .page import SIZES, Page, opening
from .paging import go_on, numbered, walk
from .place import Place, Stretch
from .progress import plural
from .query import Query
from .tally import Question

# What may be said to parameters that are not taken; None of an answer with no list.
_PERHAPS_REFUSED = frozenset({400, 404, 422, 500, None})


def pages_of_list(
    query: Query,
    whose: Question,
    take: Callable[[Question], Answer],
    *,
    begin: Place | Stretch | None,
    changed: Callable[[], None],
    expect: Callable[[Iterable[Question], int], None],
    wanted: int | None,
    styles: MutableMapping[str, str],
) -> Iterator[Page]:
    """
    Give the pages of the list that one owner has.

    Parameters
    ----------
    whose : Question
        The path, and the query parameters apart from those of pages.
    take : callable
        Gives the answer to a question; it is decoded here.
    begin : Place, Stretch or None
        The place that an earlier reading came to, or the pages that alone are read;
        None for the whole list.
    changed, expect, wanted
        As in :func:`walk`.
    styles : mapping
        In what pages a template was answered, where that is not documented: so the
        next reading need not begin with a page of the smallest size.
    """
    template, style, inside = query.address()
    path, params = whose
    sizes = {name: params[name] for name in SIZES if name in params}
    name = query.label
    announced = Announced()
    has_come = False

    def question(paging: Mapping[str, Any]) -> Question:
        return path, {**params, **paging, **sizes}

    def fetch(paging: Mapping[str, Any]) -> Any:
        nonlocal announced, has_come
        try:
            payload, announced = take(question(paging))()
        except NotFound as error:
            # Of what has begun to come, it is a page that is not there.
            error.in_doubt = error.in_doubt or has_come
            raise
        has_come = True
        return payload

    def foresee(many: Iterable[Mapping[str, Any]], count: int) -> None:
        expect(map(question, many), count)

    if isinstance(begin, Stretch) and begin.numbers:
        pages = numbered(fetch, begin, inside=inside, name=name, expect=foresee)
    elif isinstance(begin, Place):
        pages = go_on(
            fetch, begin, inside=inside, name=name, expect=foresee, wanted=wanted
        )
    else:
        walk_in = partial(
            walk,
            fetch,
            inside=inside,
            name=name,
            is_list=query.resource is not None and style != "object",
            changed=changed,
            expect=foresee,
            wanted=wanted,
        )
        learned = None if style else styles.get(template)
        pages = _as_before(walk_in, learned) if learned else walk_in(style=style)
    for page in pages if style else _learned(pages, template, styles):
        notes, unread = [*page.notes, *_bare(page, query)], list[str]()
        if page.following is None and not _is_cut(page, begin):
            is_whole = inside or page.style == "object"  # whose rows nobody counts
            unread += _unread(name, announced, None if is_whole else page.upto)
        is_short = page.is_short or bool(unread)
        yield replace(page, notes=(*notes, *unread), is_short=is_short)


def _as_before(walk_in: Callable[..., Iterator[Page]], style: str) -> Iterator[Page]:
    """Give the pages in a style that was learned, or anew where it holds no longer."""
    pages = walk_in(style=style)
    try:
        first = next(pages)
        # An answer in no pages may be as much of the list as a page would hold.
        is_as_asked = first.asked == opening(first.style)
    except ApiError as error:
        if error.status not in _PERHAPS_REFUSED:
            raise
        is_as_asked = False
    if is_as_asked:
        yield first
        yield from pages
    else:
        yield from walk_in(style=None)


def _learned(
    pages: Iterator[Page], template: str, styles: MutableMapping[str, str]
) -> Iterator[Page]:
    try:
        for page in pages:
            if page.asked == {}:
                styles.pop(template, None)
            elif page.asked == opening(page.style):
                styles[template] = page.style
            yield page
    except ApiError:
        styles.pop(template, None)  # that may be why
        raise


def _is_cut(page: Page, begin: Place | Stretch | None) -> bool:
    """Tell whether a page is the last that is asked for, and not that of the list."""
    is_stretch = isinstance(begin, Stretch) and begin.numbers is not None
    return is_stretch and (page.number or 0) < (page.pages or 0)


def _unread(name: str, announced: Announced, came: int | None) -> Iterator[str]:
    by, rows = announced
    if by and rows is None:
        yield f"{name}: the answer announces more by its {by}, which was not read"
    elif rows is not None and came is not None and came < rows:
        yield (
            f"{name}: the answer counts {plural(rows, 'row')} by its {by}, "
            f"{came:,} came"
        )


def _bare(page: Page, query: Query) -> Iterator[str]:
    nested = query.resource.nested if query.resource else ""
    bare = [r for r in page.records if not isinstance(r, dict) or nested not in r]
    if nested and bare:
        yield (
            f"{query.label}: {plural(len(bare), 'record')} came without {nested}, so "
            "what is in there is not known"
        )
