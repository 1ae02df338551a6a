"""Pages by way of slots: the same frames, records and order as by way of objects."""

from __future__ import annotations

import json
from copy import deepcopy

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from intermezzo_nb.api.alike import are_alike, as_objects
from intermezzo_nb.api.answers import DEEPEST, read_json
from intermezzo_nb.api.frames import framed
from intermezzo_nb.api.page import Page
from intermezzo_nb.api.page_reader import PageReader
from intermezzo_nb.api.paging import walk
from intermezzo_nb.api.place import Place
from intermezzo_nb.api.resources import find
from intermezzo_nb.api.schema import Column, Resource
from intermezzo_nb.api.seen import content_of, key_of
from intermezzo_nb.api.shaping import shape

EMPLOYEES = find("employees")
THINGS = Resource(
    "things",
    "/things",
    page="page",
    doc="/things",
    columns=(
        *(Column("id"), Column("on", "date"), Column("at", "instant")),
        *(Column("n", "integer"), Column("pay", "money"), Column("x", "number")),
        *(Column("ok", "boolean"), Column("list", "json"), Column("place", "json")),
        *(Column("who.name"), Column("who.born", "date"), Column("who.at.city")),
    ),
)
WRAPPED = replace(THINGS, unwrap="data")

LEAVES = st.sampled_from(
    [
        *(None, True, False, 0, -1, 2**53 + 1, 2**70, 0.5, 1e300, "", "x", "007"),
        *("2026-01-31", "1.10", "2026-01-31T10:00:00Z", [], [1], {}, {"a": 1}),
        *([{"a": [None]}], "0.1234567890123456789", {"name": "y", "z": {}}),
    ]
).map(deepcopy)


@st.composite
def records(draw):
    """Draw a record that is like others, apart from a few things."""
    made = {
        "id": f"r{draw(st.integers(0, 9))}",
        "on": "2026-01-31",
        "n": 1,
        "pay": "10.50",
        "x": 1.5,
        "ok": True,
        "list": [1],
        "place": {"a": 1},
        "who": {"name": "A", "born": None, "at": {"city": "K"}},
        "more": {"deep": {"er": 1}, "also": "y"},
    }
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.sampled_from([(), ("who",), ("who", "at"), ("more",)]))
        inner = made
        for name in at:
            inner = inner.get(name) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            names = [*inner, "other", "id", "a.b", "_x", "class"]
            name = draw(st.sampled_from(names))
            if draw(st.booleans()):
                inner.pop(name, None)
            else:
                inner[name] = draw(LEAVES)
    return made


PAGES = st.lists(st.lists(records(), min_size=1, max_size=4), min_size=2, max_size=6)


def written(page, *, is_list):
    return json.dumps(page if is_list else {"items": page, "meta": {"n": 1.5}}).encode()


def items(payload):
    return payload if isinstance(payload, list) else payload["items"]


def both(pages, resource, *, is_list=False):
    """Give the records of all pages, in slots and as objects."""
    reader = PageReader(resource)
    texts = [written(page, is_list=is_list) for page in pages]
    return [items(reader.read(t)) for t in texts], [items(read_json(t)) for t in texts]


def wrapped(page):
    """Put members of each record into an envelope."""
    keep = ("id", "on")
    return [
        {
            **{name: r[name] for name in keep if name in r},
            "data": {name: v for name, v in r.items() if name not in keep},
        }
        for r in page
    ]


@pytest.mark.parametrize("form", ["pandas", "arrow"])
@pytest.mark.parametrize("resource", [None, THINGS, WRAPPED])
@settings(max_examples=300)
@given(PAGES, st.booleans())
def test_the_frame_is_the_same(resource, form, pages, is_list):
    if resource is WRAPPED:
        pages = [*map(wrapped, pages)]
    slots, objects = both(pages, resource, is_list=is_list)
    made = [
        framed([shape(p, resource, {}) for p in way], resource, as_=form)
        for way in (slots, objects)
    ]
    assert made[0].notes == made[1].notes
    assert made[0].control_totals == made[1].control_totals
    if form == "arrow":
        assert made[0].frame.equals(made[1].frame)
        assert made[0].frame.schema.equals(made[1].frame.schema)
    else:
        pd.testing.assert_frame_equal(made[0].frame, made[1].frame)


@settings(max_examples=300)
@given(PAGES)
def test_the_records_are_the_same(pages):
    for slots, objects in zip(*both(pages, THINGS), strict=True):
        assert as_objects(slots) == objects
        assert [*map(content_of, slots)] == [*map(content_of, objects)]
        assert [*map(key_of, slots)] == [*map(key_of, objects)]
        one, other = (place_of(records) for records in (slots, objects))
        assert one.mark == other.mark


def place_of(records):
    return Place.after(Page(records, None, {"page": 2}, "page", asked={}, upto=9))


def thing(n, **others):
    return {"id": f"r{n}", "who": {"name": "A", "born": None}, "list": [n], **others}


def kinds(pages, resource=THINGS):
    return [are_alike(slots) for slots in both(pages, resource)[0]]


def test_a_page_in_slots_follows_each_that_was_learned_from():
    plain, other = [thing(1), thing(2)], [thing(3), thing(4, new={"a": 1})]
    assert kinds([plain, plain, other, other, plain, [thing(5, new=None)]]) == [
        *(False, True),
        *(False, True, True, True),
    ]


def test_a_part_has_no_column_of_what_its_records_lack():
    pages = [[thing(1, new=1, who={"name": "A", "new": 2})], [thing(2)]]
    slots, objects = both([*pages, pages[1]], THINGS)
    assert are_alike(slots[2])
    for part in (slots[2], objects[2]):
        names = framed([part], THINGS, is_part=True).frame.columns
        assert not {"new", "who.new"} & {*names}


@pytest.mark.parametrize("other", ["id", "on"])
def test_names_inside_and_outside_of_what_is_unwrapped_are_two(other):
    page = [{"id": "r1", "on": "2026-01-31", "data": {other: "x", "n": 1}}]
    slots, objects = both([page, page], WRAPPED)
    made = [
        framed([shape(p, WRAPPED, {}) for p in way], WRAPPED, as_="arrow").frame
        for way in (slots, objects)
    ]
    assert made[0].equals(made[1])
    assert made[0][f"data.{other}"].to_pylist() == ["x", "x"]


def test_an_object_without_members_is_no_object_that_lacks_them():
    page, bare = [thing(1, more={"a": 1})], [thing(2, more={})]
    for pages in ([page, bare, bare], [bare, page, page]):
        slots, objects = both(pages, None)
        frames = [framed(way, None, as_="arrow").frame for way in (slots, objects)]
        assert frames[0].equals(frames[1])


def test_employees_of_two_countries_are_alike():
    german = {"employmentCountry": "DE", "taxId": "1", "jobDetails": {"jobTitle": "x"}}
    british = {"employmentCountry": "GB", "niNumber": "2", "jobDetails": None}
    page = [{"id": str(n), "employeeData": (german, british)[n % 2]} for n in range(4)]
    assert kinds([page, page[:1], page[1:2]], EMPLOYEES) == [False, True, True]


@pytest.mark.parametrize("name", ["a b", "_x", "__class__", "", "1", "a.b", "\0"])
def test_what_is_no_attribute_is_in_no_slot(name):
    page = [thing(1, **{name: 1})]
    assert kinds([page, page]) == [False, False]
    inside = [thing(1, who={name: {"x": 1}, "y": 2})]
    slots, objects = both([inside, inside], None)
    assert are_alike(slots[1])
    assert as_objects(slots[1]) == objects[1]


@pytest.mark.parametrize("name", ["class", "mro", "None", "é", "ﬁ", "id_", "self"])
def test_any_other_name_is(name):
    page = [thing(1, **{name: 1})]
    slots, objects = both([page, page], THINGS)
    assert are_alike(slots[1])
    assert as_objects(slots[1]) == objects[1]


@pytest.mark.parametrize(("count", "are_slots"), [(50, True), (51, False)])
def test_members_are_not_looked_for_among_very_many(count, are_slots):
    page = [{f"m{n}": n for n in range(count)}]
    assert kinds([page, page]) == [False, are_slots]
    inside = [thing(1, more=page[0])]
    slots, objects = both([inside, inside], None)
    assert isinstance(slots[1][0].more, dict) is not are_slots
    assert as_objects(slots[1]) == objects[1]


@pytest.mark.parametrize(("other", "are_slots"), [("o", True), (None, False)])
def test_records_that_have_to_be_filled_stay_objects(other, are_slots):
    reader = PageReader(THINGS, ["owner"])
    page = written([thing(1, owner="o"), thing(2, owner=other)], is_list=True)
    assert [are_alike(reader.read(page)) for _ in range(2)] == [False, are_slots]
    reader = PageReader(THINGS, ["owner"])
    page = written([thing(1)], is_list=True)
    assert [are_alike(reader.read(page)) for _ in range(2)] == [False, False]


def test_members_keep_the_order_in_which_they_came():
    page = [thing(1, who={"name": "A", "at": {"zip": "1", "city": "K"}})]
    slots, objects = both([page, page], THINGS)
    assert are_alike(slots[1])
    assert json.dumps(as_objects(slots[1])) == json.dumps(objects[1])


def test_records_in_slots_and_others_make_the_same_rows():
    page = wrapped([thing(1), thing(2)])
    slots, objects = both([page, page], WRAPPED)
    mixed = [slots[1][0], objects[1][1]]
    assert shape(mixed, WRAPPED, {}) == shape(objects[1], WRAPPED, {})


def test_what_tells_versions_apart_may_be_an_object():
    page = [thing(1, version={"of": "x", "is": {"n": 1}})]
    slots, objects = both([page, page], THINGS)
    assert are_alike(slots[1])
    assert key_of(slots[1][0]) == key_of(objects[1][0])


def test_a_list_that_never_is_alike_is_not_tried_for_ever():
    odd = [[thing(n, **{f"m{n}": n})] for n in range(20)]
    assert kinds([*odd, odd[0], odd[0]])[-2:] == [False, False]


@pytest.mark.parametrize(
    "text",
    [
        *(b'"\\ud800"', b"NaN", b"1e999", b"0.1234567890123456789", b'"\xed\xa0\x80"'),
        str(2**70).encode(),
    ],
)
def test_what_a_fast_reader_refuses_or_rounds_is_read_as_anywhere(text):
    reader = PageReader(None)
    pages = [b'[{"id": "r1", "x": %s}]' % one for one in (b"1", text, b"2", text)]
    for page in pages:
        assert repr(as_objects(reader.read(page))) == repr(read_json(page))


@pytest.mark.parametrize("deep", ["[%s]", '{"a":%s}', '{"a":"]]}","b":[%s,1]}'])
def test_what_is_too_deep_is_refused_in_slots_too(deep):
    def page(levels):
        inner = "1"
        for _ in range(levels):
            inner = deep % inner
        return f'[{{"id": "r1", "x": {inner}}}]'.encode()

    reader, most = PageReader(None), (DEEPEST - 2) // (1 + ("b" in deep))
    reader.read(b'[{"id": "r1", "x": 1}]')
    assert are_alike(reader.read(page(most)))
    with pytest.raises(RecursionError):
        reader.read(page(most + 1))
    assert are_alike(reader.read(page(1)))


@pytest.mark.parametrize("text", [b"", b"<html>", b"[1,2", b'{"items": [{"id": "r1"}'])
def test_what_is_no_json_is_none_after_any_page(text):
    reader = PageReader(None)
    for page in ([thing(1)], [thing(2)]):
        reader.read(written(page, is_list=False))
    with pytest.raises(ValueError):
        reader.read(text)
    assert are_alike(items(reader.read(written([thing(3)], is_list=False))))


def test_a_record_is_known_again_in_whatever_form_it_comes():
    # In another order of members, as of another process of the server.
    again = {"list": [2], "who": {"born": None, "name": "A"}, "id": "r2"}
    pages = [[thing(0), thing(1)], [thing(2), thing(3)], [again, thing(4, new=1)]]
    reader = PageReader(THINGS)

    def fetch(asked):
        number = asked["page"]
        about = {"page": number, "pages": len(pages), "size": 2}
        page = {"items": pages[number - 1], "meta": about}
        return reader.read(json.dumps(page).encode())

    came = [*walk(fetch, style="page")]
    assert [are_alike(page.records) for page in came[:3]] == [False, True, False]
    ids = [r["id"] for page in came for r in as_objects(page.records)]
    assert ids == ["r0", "r1", "r2", "r3", "r4"]
    assert came[-1].notes == (
        "the list: 1 row came twice, kept once; read it again when nothing changes",
    )
