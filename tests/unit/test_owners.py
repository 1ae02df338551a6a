"""Whose records are asked for, and what is told where that is not certain."""

from __future__ import annotations

import json

import pytest

from intermezzo_nb.api.answers import Announced, read_json
from intermezzo_nb.api.frames import to_frame
from intermezzo_nb.api.owners import choose, named
from intermezzo_nb.api.provenance import remarks
from intermezzo_nb.api.query import Query
from intermezzo_nb.api.reading import Reading
from intermezzo_nb.errors import ApiError, SettingsError

GERMAN = {"id": "org_d", "legalName": "Nordlicht", "registrationCountry": "DE"}
BRITISH = {"id": "org_b", "legalName": "Tern", "registrationCountry": "GB"}


@pytest.mark.parametrize("wanted", ["Harrow & Finch Ltd", "a/b", ["org_d", "org_b"]])
def test_a_name_in_place_of_an_id_is_told_where_ids_are(wanted):
    with pytest.raises(SettingsError) as caught:
        named(wanted)
    assert 'frame("organizations") has the ids beside the names' in caught.value.advice
    assert caught.value.what == (
        f"an organization is named by its id, and {wanted!r} is none"
    )


@pytest.mark.parametrize("wanted", ["ALL", "All"])
def test_all_in_other_letters_is_told_how_it_is_written(wanted):
    with pytest.raises(SettingsError) as caught:
        named(wanted)
    assert caught.value.advice.startswith('Did you mean "all"? ')


class FakeApi:
    """Lists these organizations, and one row for whatever else is asked."""

    rate = 0.0

    def get_ready(self):
        pass

    def __init__(self, organizations):
        self.styles, self.places = {}, {}
        self.organizations, self.asked = organizations, []

    def ask(self, path, params):
        found, announced = self.read(path, params)
        content = json.dumps(found).encode()
        return lambda read=read_json: (read(content), announced)

    def read(self, path, params):
        self.asked.append(path)
        if path == "/organizations":
            return self.organizations, Announced()
        return {"items": [{"id": path}], "months": [{"taxYear": 2026}]}, Announced()


def read(organizations, wanted, name="employees", **filters):
    api = FakeApi(organizations)
    plan = Reading(api, Query(name, filters=filters))
    plan.extent.organizations = choose(api, plan, wanted)
    records = [record for batch in plan.batches() for record in batch]
    return records, plan, api.asked


def cut(*organizations, total=3):
    return {
        "items": list(organizations),
        "meta": {"page": 1, "pages": 1, "total": total},
    }


def test_the_only_one_visible_is_taken():
    records, plan, _ = read([GERMAN], None)
    assert plan.extent.organizations == ("org_d",)
    assert (len(records), plan.complete, plan.requests) == (1, True, 2)


def test_the_only_one_of_the_country_is_taken():
    _, plan, asked = read([GERMAN, BRITISH], "", "p32", tax_year=2026)
    assert plan.extent.organizations == ("org_b",)
    assert asked[1] == "/gb/organizations/org_b/p32/2026"


def test_those_of_another_country_are_counted_and_the_one_left_is_named_in_its_rows():
    records, plan, _ = read(
        [GERMAN, BRITISH, GERMAN | {"id": "x"}], "all", "p32", tax_year=2026
    )
    assert [record["organizationId"] for record in records] == ["org_b"]
    assert plan.extent.resource.columns[0].name == "organizationId"
    assert remarks(plan) == [
        "2 organizations not registered in GB, and so not asked: p32 is of GB alone"
    ]
    assert plan.complete
    _, plan, _ = read([GERMAN, BRITISH], None, "p32", tax_year=2026)
    assert (remarks(plan), plan.extent.resource.columns[0].name) == ([], "taxYear")


def test_an_organization_that_is_listed_twice_is_asked_once():
    records, plan, _ = read([GERMAN, {**GERMAN, "legalName": "N."}], "all")
    assert plan.extent.organizations == ("org_d",)
    assert (len(records), plan.total) == (1, None)
    assert read([GERMAN, GERMAN], None)[1].extent.organizations == ("org_d",)


def test_a_list_of_organizations_that_is_not_whole_makes_nothing_whole():
    records, plan, _ = read(cut(GERMAN), "all")
    assert (len(records), plan.complete) == (1, False)
    assert "the server counts 3 rows, 1 came" in plan.notes[0]


def test_the_only_one_of_a_list_that_is_not_whole_is_not_taken():
    with pytest.raises(SettingsError) as caught:
        read(cut(GERMAN), None)
    assert caught.value.code == "missing_setting"
    assert "perhaps more" in caught.value.what
    assert "counts 3 rows" in caught.value.why


@pytest.mark.parametrize(
    ("organizations", "name", "filters", "told"),
    [
        ([], "employees", {}, "no organization is visible"),
        ([GERMAN], "p32", {"tax_year": 2026}, "no organization of GB is visible"),
    ],
)
def test_all_of_none_is_an_empty_frame_and_told(organizations, name, filters, told):
    records, plan, asked = read(organizations, "all", name, **filters)
    assert (records, plan.complete, asked) == ([], True, ["/organizations"])
    assert plan.hints == [told]
    frame = to_frame(records, plan.extent.resource).frame
    assert list(frame.columns) == [c.name for c in plan.extent.resource.columns]


def test_all_of_a_list_that_is_cut_to_none_is_not_complete():
    _, plan, _ = read(cut(), "all")
    assert not plan.complete


def test_several_are_named_to_choose_from():
    with pytest.raises(SettingsError) as caught:
        read([GERMAN, BRITISH], None)
    assert "org_d (Nordlicht), org_b (Tern)" in caught.value.why


@pytest.mark.parametrize("wanted", ["a/b", "..", ["a"], {}, []])
def test_what_is_no_id_is_refused(wanted):
    with pytest.raises(SettingsError):
        read([GERMAN], wanted)


@pytest.mark.parametrize("odd", [{}, {"id": None}, {"id": ""}, {"id": ["o"]}])
def test_an_organization_without_an_id_is_told(odd):
    with pytest.raises(ApiError):
        read([odd], "all")


@pytest.mark.parametrize("country", [{}, [], ["GB"], 5, None, "NaN"])
def test_what_is_of_an_odd_country_is_of_none(country):
    odd = {"id": "org_x", "registrationCountry": country}
    _, plan, asked = read([odd, BRITISH], "all", "p32", tax_year=2026)
    assert plan.extent.organizations == ("org_b",)
    assert len(asked) == 2


def test_the_list_that_is_waited_for_is_named():
    told = []
    api = FakeApi([GERMAN])
    plan = Reading(api, Query("employees"), progress=told.append)
    changing = iter([cut(GERMAN), cut(GERMAN, BRITISH, total=2)])
    api.read = lambda path, params: (next(changing), Announced())
    choose(api, plan, "all")
    waits = [now.waiting for now in told if now.waiting]
    assert waits == [
        "organizations: the list changed meanwhile, so it is read once more"
    ]
