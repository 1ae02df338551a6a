"""Three documented styles, lists that change while they are read, and odd answers."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from intermezzo_nb.api.answers import read_json
from intermezzo_nb.api.page import LARGEST, Page, read
from intermezzo_nb.api.paging import walk
from intermezzo_nb.api.seen import Seen, key_of
from intermezzo_nb.errors import PagingError


def rows(count):
    return [{"id": f"emp_{n:04}"} for n in range(count)]


def by_number(records, params, size=10):
    page, size = params.get("page", 1), params.get("size", size)
    pages = -(-len(records) // size)
    about = {"total": len(records), "page": page, "size": size, "pages": pages}
    about |= {"has_next": page < pages, "has_prev": page > 1}
    return {"items": records[(page - 1) * size : page * size], "meta": about}


def by_cursor(records, params, size=10):
    start, size = int(params.get("cursor", 0)), params.get("limit", size)
    end = start + size
    more = end < len(records)
    about = {"limit": size, "hasNext": more, "nextCursor": str(end) if more else None}
    about |= {"hasPrev": start > 0, "prevCursor": None, "total": len(records)}
    return {"items": records[start:end], "pagination": about}


def as_array(records, _params):
    return records


SERVERS = {"page": by_number, "cursor": by_cursor, "array": as_array}


class Asked:
    """Answers from a list, and remembers what it was asked."""

    def __init__(self, style, records):
        self.style, self.records, self.asked = style, records, []

    def __call__(self, params):
        self.asked.append(dict(params))
        return SERVERS[self.style](self.records, params)


def ids(pages):
    return [record["id"] for page in pages for record in page.records]


def notes(pages):
    return [note for page in pages for note in page.notes]


@given(
    style=st.sampled_from(list(SERVERS)),
    expected=st.sampled_from([*SERVERS, "object", None]),
    count=st.integers(0, 320),
)
def test_all_rows_come_once_whatever_style_was_expected(style, expected, count):
    server = Asked(style, rows(count))
    pages = list(walk(server, style=expected))
    assert ids(pages) == [r["id"] for r in server.records]
    assert notes(pages) == []
    assert pages[-1].following is None


@pytest.mark.parametrize(("style", "requests"), [("page", 3), ("cursor", 3)])
def test_the_largest_page_is_asked_for(style, requests):
    server = Asked(style, rows(250))
    list(walk(server, style=style))
    assert len(server.asked) == requests
    assert {a.get("size", a.get("limit")) for a in server.asked} == {LARGEST}


def test_an_unknown_style_is_asked_without_paging_parameters_first():
    server = Asked("page", rows(250))
    list(walk(server, style=None))
    assert server.asked[0] == {}
    assert [a["page"] for a in server.asked[1:]] == [1, 2, 3]


@pytest.mark.parametrize("style", SERVERS)
def test_a_list_of_one_page_takes_one_request(style):
    server = Asked(style, rows(7))
    list(walk(server, style=None))
    assert len(server.asked) == 1


def test_who_has_enough_asks_for_nothing_more():
    server = Asked("page", rows(1000))
    first = next(walk(server, style="page"))
    assert (len(first.records), first.total) == (100, 1000)
    assert len(server.asked) == 1


@pytest.mark.parametrize("style", ["page", "cursor"])
def test_a_short_page_is_not_the_end(style):
    records = rows(250)

    def stingy(params):
        answer = SERVERS[style](records, params)
        return {**answer, "items": answer["items"][:99]}

    pages = list(walk(stingy, style=style))
    assert len(ids(pages)) == 248
    assert "the server counts 250 rows, 248 came" in notes(pages)[0]


def test_a_row_that_slips_over_a_page_comes_once_and_is_told():
    asked = itertools.count()

    def growing(params):
        added = [] if next(asked) == 0 else [{"id": "emp_new"}]
        return by_number(added + rows(150), params)

    told = []
    pages = list(
        walk(growing, style="page", name="employees", changed=lambda: told.append(1))
    )
    assert sorted(ids(pages)) == sorted(["emp_new", *(r["id"] for r in rows(150))])
    assert notes(pages) == [
        "employees: 1 row came twice, kept once; read it again when nothing changes"
    ]
    assert told == [1]


@pytest.mark.parametrize(
    "odd",
    [
        "plain",
        2**70,
        "half \ud83d a letter",
        [1.5, -0.0, None, True],
        {"a": {"b": None}},
    ],
    ids=["text", "long number", "no unicode", "lists", "objects"],
)
def test_of_a_row_that_comes_twice_the_content_decides(odd):
    record = {"id": "emp_1", "value": odd}
    pages = [
        Page([record, {"id": "emp_2"}], 4, {"page": 2}, "page"),
        Page([{**record}, {"id": "emp_3"}], 4, None, "page"),
    ]
    seen = Seen("employees")
    assert [len(seen.first_time(page)) for page in pages] == [2, 1]
    changed = {**record, "value": [odd]}
    assert seen.first_time(Page([changed], 4, None, "page")) == [changed]
    assert seen.notes()[:2] == (
        "employees: 1 row came with the id of another row, and differ: all are kept",
        "employees: 1 row came twice, kept once; read it again when nothing changes",
    )


@pytest.mark.parametrize("odd", ["NaN", "Infinity", "-Infinity", "1E+400"])
def test_a_row_with_what_is_no_number_differs_from_one_with_nothing(odd):
    bodies = [f'[{{"id": 1, "value": {value}}}]'.encode() for value in (odd, "null")]
    records = [read_json(body) for body in bodies]
    assert records[0] == [{"id": 1, "value": odd}]
    seen = Seen("employees")
    new = [seen.first_time(Page(rows, 2, None, "page")) for rows in records]
    assert new == records


@pytest.mark.parametrize(
    ("one", "other"), [(1, "1"), (-1, -2), (0, "0"), ("None", "none")]
)
def test_ids_that_look_alike_are_two(one, other):
    assert key_of({"id": one}) != key_of({"id": other})
    assert key_of({"id": one, "version": 1}) == key_of({"version": "1", "id": one})


def test_a_row_that_was_skipped_is_found_by_reading_once_more():
    asked = itertools.count()

    def shrinking(params):
        gone = 0 if next(asked) == 0 else 1
        return by_number(rows(250)[gone:], params)

    pages = list(walk(shrinking, style="page"))
    assert set(ids(pages)) == {r["id"] for r in rows(250)}
    assert len(ids(pages)) == 250
    assert "the server counts 249 rows, 250 came" in notes(pages)[0]


def test_a_count_that_stays_wrong_is_told_after_one_more_reading():
    asked = []

    def wrong(params):
        asked.append(params)
        answer = by_cursor(rows(150), params)
        answer["pagination"]["total"] = 160
        return answer

    pages = list(walk(wrong, style="cursor", name="documents"))
    assert len(ids(pages)) == 150
    assert len(asked) == 4
    (note,) = notes(pages)
    assert note == (
        "documents changed while it was read: the server counts 160 rows, 150 came; "
        "read it again when nothing changes"
    )


@pytest.mark.parametrize("later", [2, 0])
@pytest.mark.parametrize("times", [1, 2])
def test_pages_that_become_fewer_are_read_once_more_and_told(later, times):
    asked = []

    def shrinking(params):
        asked.append(params)
        answer = by_number(rows(450), params)
        about = answer["meta"]
        del about["total"], about["has_next"]
        if about["page"] == 2 and asked.count(params) <= times:
            about["pages"] = later
        return answer

    pages = list(walk(shrinking, style="page", name="employees"))
    assert len(ids(pages)) == (450 if times == 1 else 200)
    assert len(asked) == (7 if times == 1 else 4)
    told = "employees changed while it was read: it was to have 5 pages, and ended"
    again = "read it again when nothing changes"
    assert notes(pages) == ([] if times == 1 else [f"{told} after 2; {again}"])


def test_a_last_page_without_a_row_is_told_where_its_rows_may_be_elsewhere():
    def from_zero(params):
        start = 100 * params.get("page", 0)
        return {"items": rows(250)[start : start + 100], "meta": {"pages": 3}}

    pages = list(walk(from_zero, style="page", name="employees"))
    assert len(ids(pages)) < 250
    assert any("it was to have 3 pages, and ended after 2" in n for n in notes(pages))


@given(
    gone=st.sets(st.integers(0, 249), max_size=30),
    new=st.integers(0, 30),
    moment=st.integers(1, 5),
    style=st.sampled_from(["page", "cursor"]),
)
def test_no_row_twice_and_none_missing_untold(gone, new, moment, style):
    before = rows(250)
    after = [{"id": f"a{n}"} for n in range(new)]
    after += [r for n, r in enumerate(before) if n not in gone]
    asked = itertools.count()

    def changing(params):
        return SERVERS[style](before if next(asked) < moment else after, params)

    pages = list(walk(changing, style=style))
    found, there = ids(pages), {r["id"] for r in (after if moment < 3 else before)}
    assert len(found) == len(set(found))
    if len(before) != len(after):  # else no count can tell that it has changed
        assert there <= set(found)
        assert there == set(found) or notes(pages)


def test_versions_of_a_record_share_its_id():
    versions = [{"id": 1, "validFrom": f"20{n:02}-01-01"} for n in range(99)]
    versions += [{"id": 1, "version": n} for n in range(99)]
    pages = list(walk(Asked("page", versions), style="page"))
    assert [r for page in pages for r in page.records] == versions


@pytest.mark.parametrize("mark", ["validFrom", "version"])
def test_versions_on_other_pages_are_no_repetition(mark):
    versions = [{"id": n, mark: year} for year in (2025, 2026) for n in range(100)]
    pages = list(walk(Asked("page", versions), style="page"))
    assert [r for page in pages for r in page.records] == versions
    assert notes(pages) == []


@pytest.mark.parametrize("records", [[{"id": 1}] * 150, [{"x": 1}] * 150, [5] * 150])
def test_rows_that_no_id_tells_apart_are_all_kept(records):
    pages = list(walk(Asked("cursor", records), style="cursor"))
    assert sum(len(page.records) for page in pages) == 150


def test_the_documented_default_of_the_total_is_no_count():
    page = read({"items": [{}], "pagination": {"hasNext": False, "total": 0}}, {})
    assert page.total is None


def test_a_cursor_that_comes_back_is_an_error():
    about = {"hasNext": True, "nextCursor": "a"}
    answers = ({"items": [{"id": n}], "pagination": about} for n in itertools.count())
    with pytest.raises(PagingError, match="do not fit"):
        list(walk(lambda _: next(answers), style="cursor"))


def test_cursors_that_take_turns_are_an_error():
    turns = itertools.cycle("abc")

    def answer(_):
        about = {"hasNext": True, "nextCursor": next(turns)}
        return {"items": [{}], "pagination": about}

    with pytest.raises(PagingError):
        list(walk(answer, style="cursor"))


@pytest.mark.parametrize("cursor", [None, "", {"a": 1}, [1]])
def test_more_without_a_cursor_is_an_error_and_no_silent_end(cursor):
    about = {"hasNext": True, "nextCursor": cursor}
    with pytest.raises(PagingError, match="not complete"):
        read({"items": [{}], "pagination": about}, {}, name="documents")


@pytest.mark.parametrize("style", ["page", "cursor"])
def test_an_empty_page_that_announces_another_is_an_error(style):
    meta = {"page": 1, "has_next": True}
    empty = {
        "page": {"items": [], "meta": meta},
        "cursor": {"items": [], "pagination": {"hasNext": True, "nextCursor": "a"}},
    }
    with pytest.raises(PagingError):
        list(walk(lambda _: empty[style], style=style))


def test_a_server_that_gives_the_first_page_for_ever_is_an_error():
    with pytest.raises(PagingError):
        list(walk(lambda _: by_number(rows(250), {"size": 100}), style="page"))


@pytest.mark.parametrize("shift", [1, -1, 10])
def test_a_page_that_tells_the_number_of_another_is_an_error(shift):
    def fetch(params):
        answer = by_number(rows(450), params)
        about = answer["meta"]
        about["page"] += shift * ("page" in params)
        del about["total"], about["has_next"]
        return answer

    with pytest.raises(PagingError, match="page 1 was asked"):
        ids(walk(fetch, style=None))


def test_pages_that_are_counted_from_zero_are_an_error_and_no_lost_page():
    def fetch(params):
        page, size = params.get("page", 0), params.get("size", 10)
        records = rows(450)[page * size :][:size]
        about = {"page": page, "size": size, "pages": -(-450 // size)}
        return {"items": records, "meta": about}

    with pytest.raises(PagingError, match="page 0 came where page 1 was asked"):
        ids(walk(fetch, style=None))
    assert read({"items": [{}], "meta": {"page": 0, "pages": 1}}, {}).style == "page"


def test_a_page_of_another_form_is_an_error():
    def forgetful(params):
        answer = by_number(rows(250), params)
        return answer if params["page"] < 3 else {"items": answer["items"]}

    with pytest.raises(PagingError):
        list(walk(forgetful, style="page"))


def asked_again(form):
    """Answer as a page of 250 rows, and in another form who asks for a page."""

    def fetch(params):
        if params:
            return form(rows(250)[:LARGEST])
        about = {"page": 1, "size": LARGEST, "total": 250}
        return {"items": rows(LARGEST), "meta": about}

    return fetch


@pytest.mark.parametrize("form", [list, lambda some: {"items": some}])
def test_a_first_page_that_comes_again_in_another_form_is_an_error(form):
    with pytest.raises(PagingError, match="do not fit together"):
        list(walk(asked_again(form), style=None))


def test_a_first_page_that_comes_again_without_its_total_is_not_taken_for_all():
    pages = list(walk(asked_again(lambda some: {"data": some, "meta": {}}), style=None))
    assert len(ids(pages)) == LARGEST
    assert "the server counts 250 rows, 100 came" in notes(pages)[0]


def test_a_list_that_comes_whole_when_it_is_asked_again_is_taken():
    fetch = {True: rows(37), False: by_number(rows(37), {})}
    pages = list(walk(lambda params: fetch[bool(params)], style=None))
    assert (len(ids(pages)), notes(pages)) == (37, [])


@pytest.mark.parametrize(
    ("about", "following"),
    [
        ({"page": 1, "size": 10, "total": 37}, 2),
        ({"page": 4, "size": 10, "total": 37}, None),
        ({"page": 1, "pages": 2}, 2),
        ({"page": 2, "pages": 2, "has_next": True}, 3),
        ({"page": 1, "pages": 0, "has_next": True}, 2),
        ({"page": 1, "pages": 2, "has_next": False}, 2),
        ({"page": 1, "has_next": True}, 2),
        ({"page": 1, "has_next": "false"}, None),
        ({"page": 1.0, "pages": 3.0, "total": 3.0}, 2),
        ({"page": 1.5, "pages": 1.5}, None),
        ({}, None),
        ({"page": "1", "pages": True, "total": "many", "size": 0}, None),
    ],
)
def test_the_next_page_is_found_from_what_the_server_tells(about, following):
    page = read({"items": [{}], "meta": about}, {})
    assert (page.following or {}).get("page") == following


@pytest.mark.parametrize(
    "payload",
    [
        {"pagination": {}},
        {"pagination": {"total": 1}, "items": None},
        {"meta": {"page": 1}, "items": {"a": 1}},
    ],
)
def test_an_answer_without_its_list_is_told_by_name(payload):
    with pytest.raises(PagingError, match="wage-types holds no list 'items'") as caught:
        read(payload, {}, name="wage-types")
    assert caught.value.advice


@pytest.mark.parametrize(
    "more",
    [
        {"links": {"next": "https://elsewhere.example/2"}},
        {"next": "/x?page=2"},
        {"total": 37},
        {"meta": {"total": 37}},
        {"meta": {"nextPage": 2}},
        {"meta": {"next_cursor": "abc"}},
        {"meta": {"has_more": True}},
        {"meta": {"page": 1, "pages": 1}, "nextCursor": "abc"},
        {"pagination": {"hasNext": False}, "has_more": "true"},
        {"nextCursor": "abc"},
        {"next_cursor": "abc"},
        {"nextPageToken": "abc"},
        {"_links": {"next": {"href": "/2"}}},
    ],
)
def test_a_list_that_goes_on_in_an_unknown_way_is_not_taken_for_whole(more):
    with pytest.raises(PagingError, match="not complete"):
        read({"items": [{}], **more}, {}, name="things")


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("next", "/x?page=2"),
        ("next_page_url", "/x?page=2"),
        ("@odata.nextLink", "https://elsewhere.example/2"),
        ("total", 3),
    ],
)
def test_an_object_that_seems_to_go_on_is_kept_and_told(name, more):
    (page,) = walk(lambda _: {"data": [1, 2], name: more}, style=None, name="x")
    assert len(page.records) == 1
    assert f"{name!r}" in page.notes[0]


def test_an_object_that_holds_all_that_it_counts_is_whole():
    (page,) = walk(lambda _: {"data": [1, 2], "total": 2}, style=None)
    assert page.notes == ()


def test_a_last_page_may_have_links():
    payload = {"items": [{}], "links": {"self": "/x", "next": None}, "total": 1}
    payload |= {"has_more": "false", "next": ""}
    page = read(payload, {})
    assert (page.following, page.total, page.style) == (None, 1, "array")


@pytest.mark.parametrize(
    ("payload", "following"),
    [
        ({"total": 37, "page": 1, "size": 10, "pages": 4}, {"page": 2}),
        ({"total": "37", "page": "1", "size": "10", "pages": "4"}, {"page": 2}),
        ({"meta": {"page": 1, "size": 10, "hasNext": True}}, {"page": 2}),
        ({"pagination": {"has_next": True, "next_cursor": "abc"}}, {"cursor": "abc"}),
        ({"pagination": {"hasNext": None, "nextCursor": "abc"}}, {"cursor": "abc"}),
        ({"pagination": {"hasNext": False, "nextCursor": "abc"}}, {"cursor": "abc"}),
    ],
)
def test_other_spellings_go_on_too(payload, following):
    found = read({"items": [{}], **payload}, {}).following
    assert following.items() <= found.items()


def test_the_only_list_beside_its_numbers_is_the_list():
    payload = {"data": [{}] * 10, "meta": {"total": 10, "page": 1, "pages": 1}}
    assert len(read(payload, {}).records) == 10


def test_no_list_where_one_is_documented_is_an_error():
    with pytest.raises(PagingError, match="holds no list"):
        list(walk(lambda _: {"a": 1}, style=None, is_list=True))
    assert len(list(walk(lambda _: {"a": 1}, style=None))) == 1


@pytest.mark.parametrize(
    ("payload", "held"),
    [
        ({"a\x1b[31m": 1}, "a [31m"),
        ({"m" * 999: 1}, "m" * 80),
        ("Erika Mustermann", "str"),
        (None, "nothing"),
        ({}, "nothing"),
    ],
)
def test_of_what_is_no_list_names_are_told_and_no_values(payload, held):
    with pytest.raises(PagingError) as caught:
        list(walk(lambda _: payload, style="page", is_list=True))
    assert caught.value.why == f"It holds: {held}."


def test_pages_that_bring_nothing_new_come_to_an_end():
    def stuck(params):
        about = {"page": params.get("page", 1), "has_next": True}
        return {"items": [{"id": "same"}], "meta": about}

    with pytest.raises(PagingError, match="do not fit together"):
        list(walk(stuck, style="page"))


def counting(*pages, total, style="page", has_next=None):
    """Answer with these pages; what each tells of the total is a list beside them."""

    def answer(params):
        number = int(params.get("cursor", params.get("page", 1)))
        records = pages[min(number, len(pages)) - 1]
        told = total[min(number, len(total)) - 1]
        more = number < len(pages)
        if style == "page":
            about = {"page": number, "total": told, "pages": len(pages)}
            return {"items": records, "meta": about | (has_next or {})}
        cursor = str(number + 1) if more else None
        about = {"hasNext": more, "nextCursor": cursor, "total": told}
        return {"items": records, "pagination": about | (has_next or {})}

    return answer


@pytest.mark.parametrize("later", [0, None])
@pytest.mark.parametrize("total", [250, 500])
def test_a_total_that_only_the_first_page_tells_is_kept(later, total):
    asked = []

    def answer(params):
        asked.append(params)
        parts = rows(100), rows(200)[100:], rows(250)[200:]
        return counting(*parts, total=[total, later], style="cursor")(params)

    pages = list(walk(answer, style="cursor"))
    assert len(ids(pages)) == 250
    assert {page.total for page in pages} == {total}
    assert bool(notes(pages)) == (total == 500)
    assert len(asked) == (6 if total == 500 else 3)


def test_an_empty_list_of_none_is_whole():
    pages = list(walk(counting([], total=[0]), style="page"))
    assert (pages[0].total, notes(pages)) == (0, [])


@pytest.mark.parametrize("pages_told", [0, 1])
def test_pages_that_only_one_of_two_facts_announces_are_read(pages_told):
    def contradictory(params):
        answer = by_number(rows(250), params)
        return {**answer, "meta": {**answer["meta"], "pages": pages_told}}

    assert len(ids(walk(contradictory, style="page"))) == 250


@pytest.mark.parametrize("after", [[], rows(7)])
def test_a_page_that_was_announced_in_error_ends_the_list(after):
    asked = []

    def eager(params):
        asked.append(params)
        first = params.get("page", 1) == 1
        about = {"page": params.get("page", 1), "pages": 1, "has_next": True}
        return {"items": rows(7) if first else after, "meta": about}

    pages = list(walk(eager, style="page"))
    assert ids(pages) == ids(walk(Asked("array", rows(7)), style=None))
    assert notes(pages) == []
    assert pages[-1].following is None
    assert len(asked) == 2


def test_a_cursor_that_is_given_beside_the_end_is_tried():
    last = {"hasNext": False, "nextCursor": "2"}
    answer = counting(rows(7), [], total=[0], style="cursor", has_next=last)
    pages = list(walk(answer, style="cursor"))
    assert len(ids(pages)) == 7
    assert pages[-1].following is None


@pytest.mark.parametrize("counted", [{}, {"total": 10}])
@pytest.mark.parametrize("records", [[{"v": n} for n in range(10)], [5]])
def test_a_page_without_ids_that_comes_again_and_again_is_an_error(records, counted):
    asked = itertools.count()

    def stuck(params):
        assert next(asked) < 20
        return {"items": records, "has_next": True, **counted}

    with pytest.raises(PagingError, match="do not fit together"):
        list(walk(stuck, style="page"))


def test_many_more_rows_than_are_counted_are_an_error():
    asked = itertools.count()

    def growing(_):
        turn = next(asked)
        assert turn < 20
        return {"items": [{"v": turn}] * 50, "has_next": True, "total": 10}

    with pytest.raises(PagingError, match="do not fit together"):
        list(walk(growing, style="page"))


def test_rows_that_share_an_id_and_are_counted_are_kept_and_told():
    line = {"id": 5, "amount": "10.00"}
    pages = [line], [line, {"id": 6, "amount": "1.00"}]
    read_pages = list(walk(counting(*pages, total=[3]), style="page", name="lines"))
    found = [record for page in read_pages for record in page.records]
    assert sorted(record["id"] for record in found) == [5, 5, 6]
    (note,) = notes(read_pages)
    assert note.startswith("lines: 1 row came with the id of another row and equal")
    assert note.endswith("the server counts them: all are kept")


@pytest.mark.parametrize("total", [[3], [None]])
def test_a_row_that_comes_twice_in_its_page_is_told(total):
    # It may stand where another should: the server counts three, and there are three.
    pages = [{"id": 1}, {"id": 1}], [{"id": 3}]
    read_pages = list(walk(counting(*pages, total=total), style="page", name="people"))
    assert ids(read_pages) == [1, 1, 3]
    (note,) = notes(read_pages)
    assert note.startswith("people: 1 row came with the id of another row and equal")
    assert note.endswith("all are kept, and others may be missing")


def test_a_row_that_comes_twice_in_the_only_page_left_none_out():
    assert not notes(list(walk(counting([{"id": 1}] * 2, total=[2]), style="page")))


def test_rows_that_share_an_id_in_their_page_and_differ_are_rows():
    lines = [{"id": 1, "pay": "1.00"}, {"id": 1, "pay": "2.00"}]
    other = [{"id": 1, "pay": "3.00"}]
    read_pages = list(walk(counting(lines, other, total=[3]), style="page"))
    assert not notes(read_pages)


@pytest.mark.parametrize(("first", "last"), [(4, 5), (6, 5)])
def test_a_list_without_ids_whose_total_changes_is_told(first, last):
    pages = [[{"v": 1}, {"v": 2}], [{"v": 3}, {"v": 4}], [{"v": 5}]]
    read_pages = list(walk(counting(*pages, total=[first, last, last]), style="page"))
    (note,) = notes(read_pages)
    told = f"the server counted {min(first, last)} to {max(first, last)} rows"
    assert f"changed while it was read: {told}; read it again" in note


@pytest.mark.parametrize("alone", [0, 1])
def test_where_ids_tell_nothing_a_row_that_comes_again_is_told(alone):
    lines = [{"id": 1, "pay": "1.00"}, {"id": 1, "pay": "2.00"}, {"id": None}]
    before = [{"id": 2, "pay": "4.00"}] * alone
    pages = before, lines, [lines[2], *(before or lines[:1])]
    pages = pages[not alone :]
    read_pages = list(walk(counting(*pages, total=[5 + alone]), style="page"))
    came = [record for page in read_pages for record in page.records]
    assert came == [record for page in pages for record in page]
    (note,) = notes(read_pages)
    assert "1 row came with the id of another row and equal it: all are kept" in note


@pytest.mark.parametrize("order", [1, -1])
def test_a_page_without_ids_that_equals_an_earlier_one_is_told(order):
    first, last = [{"pay": "1.00"}, {"pay": "2.00"}], [{"pay": "3.00"}]
    pages = first, first[::order], last
    read_pages = list(walk(counting(*pages, total=[5]), style="page", name="lines"))
    came = [record for page in read_pages for record in page.records]
    assert came == [*first, *first[::order], *last]
    (note,) = notes(read_pages)
    assert note.startswith("lines: 2 rows came in pages that equal one before")


def test_a_row_without_id_does_not_hide_that_another_came_twice():
    pages = [[{"id": 1}, {"id": 2}, {"id": None}], [{"id": 2}, {"id": 3}]]

    def two(params):
        number = params["page"]
        about = {"page": number, "pages": 2, "total": 4}
        return {"items": pages[number - 1], "meta": about}

    read_pages = list(walk(two, style="page", name="things"))
    assert sorted(ids(read_pages), key=str) == [1, 2, 3, None]
    assert any("came twice" in note for note in notes(read_pages))


def test_rows_that_share_an_id_and_differ_are_all_kept_and_told():
    pages = [[{"id": 7, "name": "A"}], [{"id": 7, "name": "B"}]]

    def two(params):
        number = params["page"]
        return {"items": pages[number - 1], "meta": {"page": number, "pages": 2}}

    read_pages = list(walk(two, style="page", name="things"))
    assert [r["name"] for page in read_pages for r in page.records] == ["A", "B"]
    assert "all are kept" in notes(read_pages)[0]


def test_months_without_data_are_left_out():
    payload = {"taxYear": 2026, "months": [None, {"taxMonth": 2}, None]}
    page = read(payload, {}, inside="months")
    assert (page.records, page.total) == ([{"taxMonth": 2}], 1)


@pytest.mark.parametrize("months", [None, {}, "none"])
def test_months_that_are_no_list_are_told(months):
    with pytest.raises(PagingError, match="p32 holds no list 'months'"):
        read({"months": months}, {}, inside="months", name="p32")


@pytest.mark.parametrize("payload", [None, 5, "text", True, {"a": 1}, {"meta": {}}])
def test_what_is_no_list_is_one_record(payload):
    page = read(payload, {})
    assert (page.records, page.style, page.following) == ([payload], "object", None)


MEMBERS = (
    *("items", "meta", "pagination", "page", "pages", "total", "size"),
    *("hasNext", "nextCursor", "has_next", "id"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=5)
    ),
    max_leaves=12,
)


@example([{"items": None, "total": 0}], "page")
@given(st.lists(JSON, min_size=1, max_size=4), st.sampled_from([*SERVERS, None]))
def test_any_answer_gives_pages_or_a_paging_error(answers, style):
    turns = itertools.cycle(answers)
    try:
        pages = list(walk(lambda _: next(turns), style=style))
    except PagingError:
        return
    assert all(isinstance(page.records, list) for page in pages)


@pytest.mark.parametrize("told", [{"page": 1, "size": 100}, {"page": 1}, {}])
@pytest.mark.parametrize(("count", "is_told"), [(250, True), (100, True), (99, False)])
def test_a_full_page_that_does_not_say_whether_it_is_the_last_is_told(
    told, count, is_told
):
    read_pages = [
        *walk(lambda _: {"items": rows(count)[:LARGEST], "meta": told}, style="page")
    ]
    note = "the last page is full, and nothing tells whether there is another"
    assert any(note in one for one in notes(read_pages)) is is_told


def test_who_has_enough_is_not_told_of_a_page_that_may_follow():
    for wanted, is_told in ((50, False), (100, False), (101, True)):
        pages = walk(
            lambda _: {"items": rows(100), "meta": {"page": 1, "size": 100}},
            style="page",
            wanted=wanted,
        )
        assert bool(notes([*pages])) is is_told


def test_a_size_alone_may_be_how_many_rows_came():
    pages = [*walk(lambda _: {"items": rows(3), "size": 3}, style="page")]
    assert notes(pages) == []


def test_a_full_page_is_the_last_where_one_before_it_has_said_so():
    def fetch(params):
        page = params["page"]
        about = {"pages": 2} if page == 1 else {"size": 100}
        return {"items": rows(200)[(page - 1) * 100 : page * 100], "meta": about}

    read_pages = [*walk(fetch, style="page")]
    assert (len(ids(read_pages)), notes(read_pages)) == (200, [])


FULL = [{"id": n} for n in range(100)]
MORE = [
    {"pagination": {"page": 1, "pages": 3, "size": 100}},
    {"pagination": {"limit": 100, "totalCount": 250}},
    {"meta": {"current_page": 1, "last_page": 3, "per_page": 100}},
    {"total_pages": 3, "page": 1},
    {"totalCount": 250},
    {"meta": {"requestId": "r1"}, "total": 250},
    {"meta": {"totalCount": None}, "totalCount": "250"},
    {"pagination": {"limit": 100}, "total": 250.0},
]


@pytest.mark.parametrize("about", MORE, ids=str)
def test_more_that_is_counted_in_ways_of_others_is_told(about):
    (note,) = read({"items": FULL, **about}, {}).notes
    assert note.endswith("there may be more, which was not read")


@pytest.mark.parametrize(
    "about",
    [{"nextOffset": 100}, {"pagination": {"endCursor": "abc", "hasNextPage": True}}],
    ids=str,
)
def test_more_that_is_announced_in_ways_of_others_is_refused(about):
    with pytest.raises(PagingError, match="how to read on is not documented"):
        read({"items": FULL, **about}, {})


def test_a_list_that_is_nested_otherwise_and_goes_on_is_told():
    page = read({"data": {"items": FULL, "meta": {"has_next": True}}}, {})
    assert "there may be more, which was not read" in page.notes[0]
    assert not read({"data": {"items": FULL, "meta": {"has_next": False}}}, {}).notes
    assert not read({"id": 1, "schedule": {"next": "2026-12-01"}}, {}).notes


@pytest.mark.parametrize(
    "about",
    [
        {"pagination": {"hasNext": False, "totalCount": 250}},
        {"pagination": {"hasNext": False, "nextCursor": None}, "totalCount": 250},
        {"meta": {"total": 100, "page": 1, "size": 100, "pages": 1, "totalPages": 1}},
        {"totalCount": 100, "page": 1, "totalPages": 1},
    ],
    ids=str,
)
def test_counts_of_others_that_are_reached_say_nothing(about):
    assert not read({"items": FULL, **about}, {}).notes
    assert not read({"items": FULL, "totalCount": 250}, {"page": 3}).notes
