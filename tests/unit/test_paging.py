"""Pages of every documented style, and answers that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intermezzo_nb.api.paging import read, walk
from intermezzo_nb.errors import PagingError


class Server:
    """A list in one of the documented styles (/pagination, reference pages)."""

    def __init__(self, style, count):
        self.style, self.rows, self.asked = style, [{"id": n} for n in range(count)], []

    def __call__(self, params):
        self.asked.append(dict(params))
        return getattr(self, self.style)(params)

    def page(self, params):
        page, size = params.get("page", 1), params.get("size", 10)
        pages = -(-len(self.rows) // size)
        return {
            "items": self.rows[(page - 1) * size : page * size],
            "meta": {
                "total": len(self.rows),
                "page": page,
                "size": size,
                "pages": pages,
                "has_next": page < pages,
                "has_prev": page > 1,
            },
        }

    def cursor(self, params):
        limit, start = params.get("limit", 10), int(params.get("cursor") or 0)
        end = start + limit
        more = end < len(self.rows)
        return {
            "items": self.rows[start:end],
            "pagination": {
                "limit": limit,
                "hasNext": more,
                "nextCursor": str(end) if more else None,
                "total": len(self.rows),
            },
        }

    def array(self, params):
        return self.rows


@given(st.sampled_from(["page", "cursor", "array"]), st.integers(0, 350), st.booleans())
def test_all_rows_come_once_and_in_order(style, count, is_documented):
    server = Server(style, count)
    pages = list(walk(server, style=style if is_documented else None))
    assert [r for page in pages for r in page.records] == server.rows
    assert pages[0].total == count


def test_an_undocumented_style_is_found_without_guessing():
    server = Server("page", 250)
    list(walk(server, style=None))
    assert server.asked[0] == {}
    assert server.asked[1:] == [{"page": n, "size": 100} for n in (2, 3)] or (
        server.asked[1] == {"page": 1, "size": 100}
    )


def test_the_largest_page_is_asked_for_where_the_style_is_documented():
    server = Server("cursor", 250)
    list(walk(server, style="cursor"))
    assert len(server.asked) == 3
    assert server.asked[0] == {"limit": 100}


def test_one_small_page_needs_one_request():
    server = Server("page", 7)
    list(walk(server, style=None))
    assert len(server.asked) == 1


def test_a_cursor_that_comes_back_ends_in_an_error():
    answer = {"items": [{}], "pagination": {"hasNext": True, "nextCursor": "a"}}
    with pytest.raises(PagingError):
        list(walk(lambda _: answer, style="cursor"))


def test_empty_pages_that_announce_more_end_in_an_error():
    def endless(params):
        page = params.get("page", 1)
        return {"items": [], "meta": {"page": page, "has_next": True}}

    with pytest.raises(PagingError):
        list(walk(endless, style="page"))


@pytest.mark.parametrize(
    "payload",
    [
        {"pagination": {}},
        {"pagination": {}, "items": None},
        {"meta": {}, "items": {}},
        {"items": 5, "meta": {}},
    ],
)
def test_an_answer_without_its_list_is_told(payload):
    with pytest.raises(PagingError):
        read(payload, {})


@pytest.mark.parametrize("payload", [5, "text", None, True, {"a": 1}])
def test_what_is_no_list_is_one_record(payload):
    assert read(payload, {}).records == [payload]


def test_a_list_inside_an_object_is_taken_and_gaps_in_it_are_left_out():
    page = read({"taxYear": 1, "months": [None, {"m": 2}]}, {}, inside="months")
    assert page.records == [{"m": 2}]


def test_odd_counts_are_not_believed():
    about = {"total": "many", "page": True, "pages": None, "has_next": False}
    assert read({"items": [{}], "meta": about}, {}).total is None
