"""What is shared out among workers of Dask, and does not add up: told, or raised."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from test_fan_out import FakeApi as Staff
from test_fan_out import plan as plan_staff
from test_reading import ROWS, FakeApi

from intermezzo_nb.api import dask
from intermezzo_nb.api.answers import Announced
from intermezzo_nb.api.query import Query
from intermezzo_nb.api.reading import Reading
from intermezzo_nb.errors import ApiError, IncompleteWarning, NotFound, PagingError

SETTINGS = SimpleNamespace(valid_to="exclusive", organization="o")


@pytest.fixture
def share(monkeypatch):
    def shared(api, reading, rows=100):
        monkeypatch.setattr(dask, "_apis", [(SETTINGS, api)])
        connection = SimpleNamespace(settings=SETTINGS)
        options = {"strict": True}
        return dask.dask_frame(connection, reading, options, part_rows=rows, tell=print)

    return shared


def listed(api):
    reading = Reading(api, Query("employees", strict=True))
    reading.extent.organizations = ("o",)
    return reading


class Paged(FakeApi):
    """A list that counts more rows than come, or announces more."""

    counts, links = 250, Announced()

    def answer(self, found, params):
        page = super().answer(found, params)
        is_last = page["meta"]["page"] == page["meta"]["pages"]
        self.announced = Announced() if is_last else self.links
        page["meta"]["total"] = self.counts
        return page


@pytest.mark.parametrize("now", [310, 190, 60])
def test_a_list_that_has_more_or_fewer_pages_without_a_total_is_an_error(share, now):
    people = [{"id": f"e{n}"} for n in range(310)]

    class Uncounted(FakeApi):
        def answer(self, found, params):
            page = super().answer(found, params)
            del page["meta"]["total"]
            return page

    api = Uncounted(organizations__o__employees=people[:250])
    shared = share(api, listed(api), rows=200)
    api.answers["/organizations/o/employees"] = people[:now]
    with pytest.raises(PagingError, match="changed since its pages were shared out"):
        shared.compute(scheduler="sync")


@pytest.mark.parametrize("at", [20, 120])
def test_a_row_that_comes_twice_in_a_part_is_an_error(share, at):
    people = [dict(row) for row in ROWS]
    people[130] = people[at]
    api = FakeApi(organizations__o__employees=people)
    shared = share(api, listed(api), rows=200)
    with pytest.raises(PagingError, match="changed meanwhile") as caught:
        shared.compute(scheduler="sync")
    assert caught.value.why.startswith("In its pages 1 to 2 a row came twice")


def test_a_page_without_ids_that_comes_again_is_an_error(share):
    people = [{"startDate": f"{n % 100 + 1:04}-01-01"} for n in range(250)]
    api = FakeApi(organizations__o__employees=people)
    with pytest.raises(PagingError, match="changed meanwhile"):
        share(api, listed(api), rows=300).compute(scheduler="sync")


def test_rows_of_one_id_that_differ_are_shared_out(share):
    people = [
        {"id": f"e{n // 2 * 2 % 150}", "startDate": f"{n + 1:04}-01-01"}
        for n in range(250)
    ]
    api = FakeApi(organizations__o__employees=people)
    assert len(share(api, listed(api), rows=300).compute(scheduler="sync")) == 250


def test_an_employee_whose_list_does_not_add_up_fails_its_part(share):
    short = {"items": [{"id": "d"}], "pagination": {"hasNext": False, "total": 2}}
    api = Staff({"e3": short})
    shared = share(api, plan_staff(api, strict=True), rows=1000)
    with pytest.raises(ApiError, match="a part of documents is not complete") as caught:
        shared.compute(scheduler="sync")
    assert caught.value.code == "incomplete"
    assert "the server counts 2 rows, 1 came" in caught.value.why
    whole = share(Staff(), plan_staff(Staff(), strict=True))
    assert len(whole.compute(scheduler="sync")) == 24


def test_a_doubt_where_nothing_is_missing_is_warned_of_by_the_worker(share):
    items = [{"id": f"d{n}"} for n in range(100)]
    api = Staff({"e3": {"items": items, "meta": {"page": 1, "size": 100}}})
    shared = share(api, plan_staff(api, strict=True), rows=1000)
    with pytest.warns(IncompleteWarning, match="the last page is full"):
        assert len(shared.compute(scheduler="sync")) == 22 + 100


def test_a_part_of_many_who_are_each_answered_with_404_is_warned_of(share):
    people = [{"id": f"e{n}"} for n in range(20)]
    gone = {person["id"]: NotFound("no such record", status=404) for person in people}
    api = Staff(gone, people=people)
    shared = share(api, plan_staff(api, strict=True), rows=1000)
    with pytest.warns(IncompleteWarning, match="each employee was answered with HTTP"):
        assert len(shared.compute(scheduler="sync")) == 0


@pytest.mark.filterwarnings("error")
def test_few_who_have_no_such_record_are_no_doubt(share):
    gone = {f"e{n}": NotFound("no such record", status=404) for n in range(9)}
    api = Staff(gone, people=[{"id": one} for one in gone])
    shared = share(api, plan_staff(api, strict=True), rows=1000)
    assert len(shared.compute(scheduler="sync")) == 0


def test_a_list_of_employees_that_does_not_add_up_is_told_at_once(share):
    people = [{"id": "e1"}]
    short = {"items": people, "meta": {"page": 1, "size": 100, "total": 2, "pages": 1}}
    api = Staff({"o": short}, people=people)
    with pytest.warns(IncompleteWarning, match="the server counts 2 rows, 1 came"):
        share(api, plan_staff(api, strict=True))


def test_a_last_page_with_fewer_rows_than_are_counted_is_an_error(share):
    api = Paged(organizations__o__employees=ROWS)
    assert len(share(api, listed(api)).compute(scheduler="sync")) == 250
    api.counts = 251
    shared = share(api, listed(api))
    with pytest.raises(PagingError, match="changed since its pages were shared out"):
        shared.compute(scheduler="sync")


def test_what_only_a_part_ends_before_announces_nothing_unread(share):
    api = Paged(organizations__o__employees=ROWS)
    api.links = Announced("Link header (RFC 8288)")
    assert len(share(api, listed(api)).compute(scheduler="sync")) == 250
