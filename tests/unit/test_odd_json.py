"""Whatever JSON the API sends: it is read rightly, or refused by an error of ours."""

from __future__ import annotations

import contextlib
import json

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from intermezzo_nb.api.answers import DEEPEST, Announced, read_json
from intermezzo_nb.api.faults import api_error
from intermezzo_nb.api.query import Query
from intermezzo_nb.api.reading import Reading
from intermezzo_nb.api.resources import CATALOGUE
from intermezzo_nb.api.tables import frame_of
from intermezzo_nb.errors import IntermezzoError
from intermezzo_nb.quoting import plain, quoted

FORMS = ["pandas", "arrow", "polars"]


def lists(depth, inner="1"):
    return "[" * depth + inner + "]" * depth


def objects(depth, inner="1"):
    return '{"a":' * depth + inner + "}" * depth


class Saying:
    """An API that gives one text to whatever is asked."""

    rate = 0.0

    def __init__(self, text):
        self.styles, self.places = {}, {}
        self.text = text

    def get_ready(self):
        pass

    def ask(self, path, params):
        return lambda read=read_json: (read(self.text.encode()), Announced())


def read(text, name, form):
    resource = CATALOGUE.get(name)
    parameters = resource.parameters if resource else ()
    inside = [p.name for p in parameters if p.where == "path"]
    query = Query(name, filters=dict.fromkeys(inside, "2026"))
    reading = Reading(Saying(text), query)
    reading.extent.organizations = ("org_1",)
    return frame_of(reading, reading.batches(), profile="x", as_=form)


@pytest.mark.parametrize("nested", [lists, objects])
@pytest.mark.parametrize(
    "inner", ["1", str(2**70), '"\\ud800"', "0.1234567890123456789", "[]", "{}"]
)
@pytest.mark.parametrize("blanks", ["", " " * 10_000], ids=["short", "long"])
def test_what_is_too_deep_is_refused_whatever_is_inside(nested, inner, blanks):
    def read_at(depth):
        return read_json((nested(depth, inner) + blanks).encode())

    assert read_at(DEEPEST)
    for depth in (DEEPEST + 1, 2_001, 100_000):
        with pytest.raises(RecursionError):
            read_at(depth)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("nested", [lists, objects])
@pytest.mark.parametrize("inner", ["1", str(2**70), '"\\ud800"'])
def test_the_deepest_that_is_read_is_in_any_frame(form, nested, inner):
    deep = nested(DEEPEST - 2, inner)
    row = f'{{"id": 1, "version": {deep}, "x": {deep}}}'
    assert len(read(f"[{row}, {{}}]", "/x", form)) == 2


@pytest.mark.parametrize("write", [plain, quoted])
def test_what_is_too_deep_for_words_is_named_by_its_kind(write):
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert write(deep) == "a list"


def test_the_details_of_a_refusal_are_read_as_any_answer_is():
    refused = requests.Response()
    asked = requests.Request("GET", "https://api.example/x").prepare()
    refused.status_code, refused.request = 400, asked
    refused._content = b'{"message": "no", "details": {"value": 1e999}}'
    assert api_error(refused, "/x").details == {"value": "1e999"}


ODD = st.sampled_from(
    [
        *("null", "true", "-0", "1e5", "1e999999", "1e-999999", "NaN", "-Infinity"),
        *(str(10**400), str(2**63), "0.1234567890123456789", "{}", "[]", '""', '"."'),
        *('"\\ud800"', '"a\\u0000"', '"1e999999"', '"2026-01-31"', '"0000-00-00"'),
        *('"9999-12-31T23:59:59-14:00"', '"2026-01-31T10:00:00Z"', lists(200)),
        *(json.dumps("9" * 60), json.dumps("1" * 5000)),
    ]
)
TOLD = ["items", "meta", "pagination", "total", "page", "pages", "size", "nextCursor"]
ODD_NAMES = ["", ".", "a.b", "a", "\0", "\ud800", "value", "kind", "id", "validTo"]


def joined(names):
    name = st.sampled_from([*names, *ODD_NAMES]).map(json.dumps)

    def once_more(inner):
        members = st.lists(st.tuples(name, inner).map(":".join), max_size=4)
        items = st.lists(inner, max_size=4)
        return members.map(lambda m: f"{{{','.join(m)}}}") | items.map(
            lambda i: f"[{','.join(i)}]"
        )

    return once_more


def members_of(name):
    if (resource := CATALOGUE.get(name)) is None:
        return []
    lists = (*resource.lines, *resource.keep)
    inside = (resource.nested, resource.unwrap, resource.inside)
    columns = [column.name.partition(".")[0] for column in resource.columns]
    return [*columns, *dict(lists), *filter(None, inside)]


@given(st.data())
def test_no_answer_ends_in_an_error_that_is_not_ours(data):
    name = data.draw(st.sampled_from(["/x", *CATALOGUE]))
    record = st.recursive(ODD, joined(members_of(name)), max_leaves=12)
    about = st.recursive(ODD, joined(TOLD), max_leaves=6)
    rows = st.lists(record, max_size=4).map(lambda r: f"[{','.join(r)}]")
    text = data.draw(
        rows
        | record
        | about
        | st.tuples(rows, about).map('{{"items":{0[0]},"meta":{0[1]}}}'.format)
        | st.tuples(rows, about).map('{{"items":{0[0]},"pagination":{0[1]}}}'.format)
    )
    with contextlib.suppress(IntermezzoError):
        read(text, name, data.draw(st.sampled_from(FORMS)))
