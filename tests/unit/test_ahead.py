"""What is fetched ahead is what would have been fetched one by one."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import Future
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_paging import SERVERS, ids, notes, rows

from intermezzo_nb.api.ahead import Ahead
from intermezzo_nb.api.paging import walk
from intermezzo_nb.errors import PagingError


def read_ahead(server, style, at_once=8, **options):
    """Give the pages of a walk that fetches ahead, and all that was asked."""
    asked, mutex = [], threading.Lock()

    def fetch(params):
        with mutex:
            asked.append(dict(params))
            return server(params)

    with closing(Ahead(fetch, at_once=at_once)) as ahead:
        pages = list(
            walk(
                ahead.take,
                style=style,
                expect=lambda many, _: ahead.expect(many),
                **options,
            )
        )
    return pages, asked


@given(
    style=st.sampled_from(list(SERVERS)),
    expected=st.sampled_from([*SERVERS, None]),
    count=st.integers(0, 1200),
    at_once=st.integers(1, 8),
)
def test_pages_are_the_same_and_in_the_same_order(style, expected, count, at_once):
    records = rows(count)
    alone = list(walk(lambda p: SERVERS[style](records, p), style=expected))
    pages, _ = read_ahead(lambda p: SERVERS[style](records, p), expected, at_once)
    assert pages == alone


@given(
    style=st.sampled_from(["page", "cursor"]),
    count=st.integers(0, 900),
    size=st.integers(1, 100),
    forget=st.sets(st.sampled_from(["pages", "total", "has_next", "size"])),
    wrong=st.integers(-3, 3),
)
def test_servers_that_count_otherwise_are_read_to_the_same_end(
    style, count, size, forget, wrong
):
    def server(params):
        told = SERVERS[style](rows(count), {**params, "size": size, "limit": size})
        about = told.get("meta") or told["pagination"]
        if "pages" in about:
            about["pages"] = max(0, about["pages"] + wrong)
        for name in forget:
            about.pop(name, None)
        return told

    def outcome(read):
        try:
            return read()
        except PagingError as error:
            return str(error)

    alone = outcome(lambda: list(walk(server, style=style)))
    assert outcome(lambda: read_ahead(server, style)[0]) == alone


@given(
    gone=st.sets(st.integers(0, 749), max_size=30),
    new=st.integers(0, 30),
    moment=st.integers(1, 12),
    style=st.sampled_from(["page", "cursor"]),
)
def test_no_row_twice_and_none_missing_untold(gone, new, moment, style):
    before = rows(750)
    after = [{"id": f"a{n}"} for n in range(new)]
    after += [r for n, r in enumerate(before) if n not in gone]
    asked = itertools.count()

    def changing(params):
        return SERVERS[style](before if next(asked) < moment else after, params)

    pages, questions = read_ahead(changing, style)
    found, there = ids(pages), {r["id"] for r in after}
    assert len(found) == len(set(found))
    if len(before) != len(after) and len(questions) > moment:
        assert there <= set(found) or notes(pages)


@pytest.mark.parametrize(("wanted", "most"), [(0, 1), (100, 1), (101, 2), (350, 4)])
@pytest.mark.parametrize("style", ["page", "cursor"])
def test_nothing_is_fetched_that_is_not_wanted(wanted, most, style):
    asked = []

    def expect(many, _):
        asked.extend(many)

    records, found = rows(2000), 0
    for page in walk(
        lambda p: SERVERS[style](records, p), style=style, expect=expect, wanted=wanted
    ):
        found += len(page.records)
        if found >= wanted:
            break
    assert len(asked) == most - 1


def test_what_lies_ahead_is_bounded_while_nobody_asks():
    begun, first = [], threading.Event()

    def fetch(number):
        begun.append(number)
        if len(begun) == 7:
            first.set()
        return number

    with closing(Ahead(fetch, at_once=4)) as ahead:
        ahead.expect(itertools.count())
        assert first.wait(10)
        assert len(begun) == 7
        assert [ahead.take(n) for n in range(50)] == list(range(50))
        assert len(begun) <= 50 + 7


def test_an_answer_that_comes_just_as_a_look_ends_is_taken():
    class Late(Future):
        """Is done by the time somebody who has waited in vain asks."""

        def done(self):
            if not super().done():
                self.set_result("answer")
            return True

    late, looks = Late(), itertools.count()

    def look():
        if next(looks):
            late.done()

    with closing(Ahead(str, at_once=1, meanwhile=look)) as ahead:
        ahead._under_way.append(("a", late))
        assert ahead.take("a") == "answer"


def test_a_question_nobody_expected_is_asked_at_once_in_the_same_thread():
    with closing(Ahead(lambda _: threading.get_ident(), at_once=4)) as ahead:
        assert ahead.take("a") == threading.get_ident()
        ahead.expect("bcd")
        assert ahead.take("b") != threading.get_ident()
        assert ahead.take("z") == threading.get_ident()


def test_what_is_needed_is_loaded_once_while_the_first_answer_is_on_its_way():
    loading, loads, told = threading.Event(), [], threading.Event()

    def load():
        loading.set()
        loads.append(told.wait(10))

    def fetch(_):
        return loading.wait(10)

    def ahead():
        return Ahead(fetch, at_once=4, load=load, meanwhile=told.set)

    with closing(ahead()) as one:
        assert one.take("a") is True
        assert one.take("b") is True
    assert loads == [True]
    loading.clear()
    with closing(ahead()) as one:
        one.expect("ab")
        assert [one.take("a"), one.take("b")] == [True, True]
    assert loads == [True] * 2


def test_what_cannot_be_loaded_is_raised():
    def load():
        raise ImportError

    with closing(Ahead(str, at_once=4, load=load)) as ahead, pytest.raises(ImportError):
        ahead.take("a")


def test_a_fault_comes_where_its_answer_would_have_come():
    def fetch(number):
        if number == 3:
            raise LookupError
        return number

    with closing(Ahead(fetch, at_once=4)) as ahead:
        ahead.expect(range(9))
        assert [ahead.take(n) for n in range(3)] == [0, 1, 2]
        with pytest.raises(LookupError):
            ahead.take(3)
        assert ahead.take(4) == 4


def test_closing_lets_nothing_more_begin():
    begun, hold = [], threading.Event()

    def fetch(number):
        begun.append(number)
        hold.wait(10)

    ahead = Ahead(fetch, at_once=1)
    ahead.expect(range(9))
    ahead.close()
    hold.set()
    ahead._threads.shutdown()
    assert begun in ([], [0])
