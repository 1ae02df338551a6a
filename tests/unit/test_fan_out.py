"""One reading of the records of many employees: order, failures, absences, bounds."""

from __future__ import annotations

import json
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intermezzo_nb.api import tally
from intermezzo_nb.api.answers import Announced, read_json
from intermezzo_nb.api.employed import employ
from intermezzo_nb.api.failures import Owner
from intermezzo_nb.api.owners import choose
from intermezzo_nb.api.plan import plan as planned
from intermezzo_nb.api.progress import as_listener
from intermezzo_nb.api.provenance import provenance, remarks, summary
from intermezzo_nb.api.query import Query
from intermezzo_nb.api.reading import Reading
from intermezzo_nb.api.tally import Tally
from intermezzo_nb.errors import (
    ApiError,
    LoginRequired,
    NetworkError,
    NotAllowed,
    NotFound,
    SettingsError,
)
from intermezzo_nb.settings import Settings

PEOPLE = [f"e{n}" for n in range(12)]
ABSENT = NotFound("there is none", status=404)
REFUSED = NotAllowed("not allowed", status=403)
BROKEN = ApiError("broken", status=500)


class FakeApi:
    """An organization ``o`` of twelve; ``odd`` are answers, or errors, by employee."""

    rate = 0.0

    def get_ready(self):
        pass

    def __init__(self, odd=(), organizations=("o",), people=None):
        self.styles, self.places = {}, {}
        self.odd, self.organizations = dict(odd), organizations
        self.people = [{"id": one} for one in PEOPLE] if people is None else people
        self.asked, self._mutex = [], threading.Lock()

    def ask(self, path, params):
        found, announced = self.read(path, params)
        content = json.dumps(found).encode()
        return lambda read=read_json: (read(content), announced)

    def read(self, path, params):
        with self._mutex:
            self.asked.append(path)
        parts = path.strip("/").split("/")
        if path.endswith("/organizations"):
            return [{"id": one} for one in self.organizations], Announced()
        if path.endswith("/employees"):
            found = self.odd.get(parts[1], self.people)
        else:
            employee = parts[parts.index("employees") + 1]
            if parts[-1] == employee and {"id": employee} in self.people:
                return {"id": employee}, Announced()
            usual = [{"id": f"{employee}-{n}"} for n in range(2)]
            found = self.odd.get(employee, usual)
        if isinstance(found, Exception):
            raise found
        return found, Announced()


def plan(api, name="documents", wanted=None, *, organization="o", **options):
    progress = options.pop("progress", lambda _: None)
    reading = Reading(api, Query(name, **options), progress=progress)
    reading.extent.organizations = choose(api, reading, organization)
    employ(api, reading, wanted)
    return reading


def read(api, *args, **options):
    reading = plan(api, *args, **options)
    rows = [row for batch in reading.batches() for row in batch]
    return rows, reading


def told(reading):
    about = provenance(reading, profile="p", rows=1, columns=1, totals={}, notes=[])
    assert json.loads(json.dumps(about)) == about
    return about


def test_all_come_in_the_order_of_the_employees():
    api = FakeApi()
    rows, reading = read(api)
    assert [row["id"] for row in rows] == [f"{e}-{n}" for e in PEOPLE for n in (0, 1)]
    assert [row["employeeId"] for row in rows] == [e for e in PEOPLE for _ in (0, 1)]
    assert (reading.requests, len(api.asked)) == (13, 13)
    assert (reading.complete, reading.total, remarks(reading)) == (True, 24, [])


def test_some_come_in_the_order_that_was_asked_for_and_once():
    rows, reading = read(FakeApi(), "documents", iter(["e3", "e1", "e3"]))
    assert [row["employeeId"] for row in rows] == ["e3", "e3", "e1", "e1"]
    assert remarks(reading) == ["employee_id repeats 1 id: each employee is asked once"]
    assert (reading.requests, reading.complete) == (2, True)


def test_nobody_is_asked_for_nobody():
    rows, reading = read(FakeApi(), "documents", [])
    assert (rows, reading.requests, reading.complete) == ([], 0, True)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (["e1", None], "no id at position 1, but a NoneType"),
        (["e1", float("nan")], "no id at position 1, but a float"),
        ([""], "no id at position 0, but empty text"),
        ([["e1"]], "no id at position 0, but a list"),
        ([True], "no id at position 0, but a bool"),
        (["a/../b"], "employee_id cannot be 'a/../b'"),
        (5.5, "employee_id cannot be used as it is given"),
        ({"id": "e1"}, "employee_id cannot be used as it is given"),
    ],
)
def test_what_are_no_ids_is_told(wanted, message):
    with pytest.raises(SettingsError, match=message):
        read(FakeApi(), "documents", wanted)


def test_what_fails_for_one_is_listed_and_the_rest_is_there():
    rows, reading = read(FakeApi({"e2": REFUSED, "e9": BROKEN}))
    assert {row["employeeId"] for row in rows} == {*PEOPLE} - {"e2", "e9"}
    about = told(reading)
    assert about["failures"][0] == {
        "employee": "e2",
        "organization": "o",
        "status": 403,
        "what": "not allowed",
    }
    assert (about["complete"], about["total"]) == (False, None)
    line = "2 of 12 employees failed: e2: not allowed; e9: broken"
    assert summary(about).endswith(f"not complete\n  {line}")


@pytest.mark.parametrize("who", ["e0", "e5"])
def test_whoever_has_no_record_the_others_are_counted(who):
    _, reading = read(FakeApi({who: ABSENT}))
    assert (reading.complete, reading.total) == (True, 22)


def test_many_failures_are_counted_and_three_named():
    odd = {f"e{n}": REFUSED for n in range(1, 11, 2)}
    _, reading = read(FakeApi(odd))
    assert remarks(reading)[0].startswith("5 of 12 employees failed: e1: ")
    assert remarks(reading)[0].endswith("; and 2 more")


@pytest.mark.parametrize("odd", [None, "pay", {"earnings": 5, "more": 1}, [{"a": 1}]])
def test_an_answer_that_cannot_be_read_is_a_failure_of_one(odd):
    lines = {"earnings": [{"amount": "1.00"}]}
    odd = dict.fromkeys(PEOPLE, lines) | {"e3": odd}
    if isinstance(odd["e3"], dict):
        odd["e3"] = {"nothing": "that is documented"}
    rows, reading = read(FakeApi(odd), "compensation")
    assert len(rows) == 11
    assert [f["employee"] for f in reading.failures] == ["e3"]


@pytest.mark.parametrize("odd", [None, {}])
def test_an_answer_of_nothing_is_no_record(odd):
    api = FakeApi({one: {"id": None, "new": 1} for one in PEOPLE} | {"e3": odd})
    rows, reading = read(api, "tax-details")
    assert len(rows) == 11
    assert (told(reading)["without"], reading.failures) == (["e3"], [])
    assert remarks(reading) == ["no tax-details of 1 employee of 12"]


@pytest.mark.parametrize("odd", [False, "", {"items": None}, {"error": "x"}])
def test_an_answer_with_nothing_documented_is_nobodys_record(odd):
    api = FakeApi({one: {"id": None, "new": 1} for one in PEOPLE} | {"e3": odd})
    rows, reading = read(api, "tax-details")
    assert len(rows) == 11
    assert [f["employee"] for f in reading.failures] == ["e3"]
    assert (told(reading)["without"], reading.complete) == ([], False)


def test_strict_raises_the_first():
    api = FakeApi({"e2": REFUSED})
    with pytest.raises(NotAllowed):
        read(api, strict=True)


@pytest.mark.parametrize("error", [REFUSED, BROKEN, NetworkError("nobody answered")])
def test_what_fails_for_the_first_five_alike_is_raised(error):
    api = FakeApi(dict.fromkeys(PEOPLE, error))
    with pytest.raises(type(error)):
        read(api)
    # Those that were under way were asked.
    assert len([path for path in api.asked if "documents" in path]) <= 12


def test_what_fails_for_all_of_few_alike_is_raised():
    with pytest.raises(NotAllowed):
        read(FakeApi({"e1": REFUSED, "e2": REFUSED}), "documents", ["e1", "e2"])
    odd = {"e1": REFUSED, "e2": BROKEN}
    rows, reading = read(FakeApi(odd), "documents", ["e1", "e2"])
    assert (rows, len(reading.failures)) == ([], 2)


def test_what_is_refused_for_many_after_others_is_listed():
    _, reading = read(FakeApi(dict.fromkeys(PEOPLE[3:], REFUSED)))
    assert len(reading.failures) == 9


@pytest.mark.parametrize("error", [BROKEN, NetworkError("nobody answered")])
def test_a_server_that_dies_on_the_way_is_raised(error):
    api = FakeApi(dict.fromkeys(PEOPLE[3:], error))
    with pytest.raises(type(error)):
        read(api)


def test_a_session_that_ends_is_raised_at_once():
    with pytest.raises(LoginRequired):
        read(FakeApi({"e7": LoginRequired("the session has ended")}))


def test_who_has_no_record_is_counted_and_nothing_is_missing():
    rows, reading = read(FakeApi({"e1": ABSENT, "e4": []}))
    about = told(reading)
    assert (len(rows), about["complete"], about["failures"]) == (20, True, [])
    assert about["without"] == ["e1", "e4"]
    assert about["notes"] == ["no documents of 2 employees of 12"]


@pytest.mark.parametrize("name", ["documents", "pension-membership"])
def test_who_was_named_and_has_no_record_is_counted_as_among_all(name):
    api = FakeApi({"e1": ABSENT})
    _, reading = read(api, name, ["e1", "e2"])
    about = told(reading)
    assert (about["failures"], about["without"]) == ([], ["e1"])
    assert (about["complete"], about["requests"]) == (True, 3)
    label = reading.query.label_of_day
    assert about["notes"] == [f"no {label} of 1 employee of 2"]


def test_who_is_found_in_a_list_and_has_no_record_is_counted():
    _, reading = read(FakeApi({"e1": ABSENT}), wanted=["e1"], organization="all")
    about = told(reading)
    assert about["notes"] == ["no documents of 1 employee of 1"]
    assert (about["complete"], about["failures"]) == (True, [])


@pytest.mark.parametrize("name", ["documents", "pension-membership"])
def test_who_was_named_and_does_not_exist_is_a_failure(name):
    _, reading = read(FakeApi({"x": ABSENT}), name, ["x", "e2"])
    assert [f["status"] for f in reading.failures] == [404]
    assert not reading.complete


def missing(words):
    error = NotFound("answered with HTTP 404", status=404)
    error.said = words
    return error


@pytest.mark.parametrize("wanted", [None, ["e0", "e1", "e2", "e3"]])
def test_what_the_api_says_of_a_record_that_is_not_there_is_told_once(wanted):
    odd = {"e1": missing(""), "e2": missing("None yet.\33[2J"), "e3": missing("Gone.")}
    _, reading = read(FakeApi(odd), wanted=wanted)
    about = told(reading)
    asked = len(wanted or PEOPLE)
    (note,) = about["notes"]
    assert note == (
        f"no documents of 3 employees of {asked} "
        "(the API said of one of them: None yet. [2J)"
    )
    assert (about["complete"], about["failures"]) == (True, [])


@pytest.mark.parametrize("name", ["documents", "pension-membership"])
def test_a_404_about_something_else_is_a_failure_and_no_absence(name):
    error = NotFound("answered with HTTP 404", status=404)
    error.in_doubt = True
    _, reading = read(FakeApi({"e1": error, "e2": ABSENT}), name)
    assert [f["employee"] for f in reading.failures] == ["e1"]
    assert (told(reading)["without"], reading.complete) == (["e2"], False)
    query = Query(name, filters={"employee_id": "e1"})
    alone = Reading(FakeApi({"e1": error}), query)
    alone.extent.organizations = ("o",)
    with pytest.raises(NotFound):
        list(alone.batches())


def test_what_the_api_says_at_length_is_cut():
    _, reading = read(FakeApi({"e1": missing("so " * 99)}))
    (note,) = told(reading)["notes"]
    assert note.startswith("no documents of 1 employee of 12 (the API said: so so ")
    assert len(note) < 180


def test_one_alone_who_has_no_record_is_told_as_one_of_many():
    api = FakeApi({"e1": ABSENT, "x": ABSENT})

    def alone(one, **options):
        query = Query("documents", filters={"employee_id": one}, **options)
        reading = Reading(api, query)
        reading.extent.organizations = ("o",)
        return [row for batch in reading.batches() for row in batch], told(reading)

    rows, about = alone("e1")
    assert (rows, about["complete"], about["without"]) == ([], True, ["e1"])
    assert about["notes"] == ["no documents of 1 employee of 1"]
    assert alone("e2")[1]["notes"] == []
    with pytest.raises(NotFound):
        alone("x")


@pytest.mark.parametrize("wanted", [None, ["e1", "e2"]])
@pytest.mark.parametrize("organizations", [("o",), ("p", "o")])
def test_a_page_that_is_lost_on_the_way_is_no_absence(wanted, organizations):
    class Paged(FakeApi):
        def read(self, path, params):
            if path.endswith("/e1/documents") and "cursor" in params:
                raise missing("")
            if path.endswith("/e1/documents"):
                more = {"hasNext": True, "nextCursor": "c"}
                return {"items": [{"id": "d"}], "pagination": more}, Announced()
            return super().read(path, params)

    api = Paged({"p": []}, organizations=organizations)
    rows, reading = read(api, wanted=wanted, organization="all")
    assert {row["employeeId"] for row in rows} == {*(wanted or PEOPLE)} - {"e1"}
    assert [f["employee"] for f in reading.failures] == ["e1"]
    assert (told(reading)["without"], reading.complete) == ([], False)


def test_a_list_that_is_lost_when_it_is_asked_in_pages_is_no_absence():
    class Paged(FakeApi):
        def read(self, path, params):
            if path.endswith("/documents") and "page" in params:
                raise missing("")
            if path.endswith("/documents"):
                meta = {"page": 1, "size": 1, "total": 2, "pages": 2}
                return {"items": [{"id": "d"}], "meta": meta}, Announced()
            return super().read(path, params)

    reading = Reading(Paged(), Query("documents", filters={"employee_id": "e1"}))
    reading.extent.organizations = ("o",)
    with pytest.raises(NotFound):
        list(reading.batches())


def test_a_record_that_nobody_has_is_doubted():
    nothing = FakeApi(dict.fromkeys(PEOPLE, ABSENT))
    _, reading = read(nothing)
    assert not reading.complete
    assert "each employee was answered with HTTP 404" in remarks(reading)[-1]
    _, reading = read(nothing, "pension-membership")
    assert reading.complete


def test_who_has_no_version_on_a_day_is_counted():
    odd = {e: [{"id": "v", "validFrom": "2025-01-01"}] for e in PEOPLE}
    odd["e5"] = [{"id": "v", "validFrom": "2026-01-01"}]
    rows, reading = read(FakeApi(odd), "job-details", as_of="2025-06-30")
    assert (len(rows), reading.complete) == (11, True)
    assert remarks(reading) == ["no job-details on 2025-06-30 of 1 employee of 12"]


@pytest.mark.parametrize("option", [{"history": True}, {"as_of": "2025-09-01"}, {}])
def test_overlaps_and_gaps_are_told_by_employee(option):
    start, other = {"id": "a", "validFrom": "2025-01-01"}, {"id": "b"}
    odd = {e: [start] for e in PEOPLE}
    odd["e1"] = [start, {**other, "validFrom": "2025-07-01"}]
    odd["e2"] = [
        {**start, "validTo": "2025-06-30"},
        {**other, "validFrom": "2025-08-01"},
    ]
    _, reading = read(FakeApi(odd), "job-details", **option)
    assert [remark.partition(";")[0] for remark in remarks(reading)] == [
        "1 employees have versions that overlap",
        "1 employees have days between two versions on which none is valid",
    ]
    assert reading.complete


def test_a_note_says_of_which_organization_it_is():
    one_of_two = {"items": [{"id": "e1"}], "meta": {"page": 1, "pages": 1, "total": 2}}
    api = FakeApi({"b": one_of_two}, organizations=("a", "b"))
    reading = Reading(api, Query("employees"))
    reading.extent.organizations = choose(api, reading, "all")
    assert sum(len(batch) for batch in reading.batches()) == 13
    assert [note[-4:] for note in reading.notes] == [" (b)"]


def test_organizations_are_told_apart_and_one_that_fails_is_listed():
    api = FakeApi({"b": REFUSED}, organizations=("a", "b", "c"))
    rows, reading = read(api, organization="all")
    assert {row["organizationId"] for row in rows} == {"a", "c"}
    about = told(reading)
    assert about["failures"][0]["organization"] == "b"
    assert about["failures"][0]["employee"] is None
    assert about["notes"] == ["1 of 3 organizations failed: b: not allowed"]
    assert (about["complete"], len(rows)) == (False, 48)
    with pytest.raises(NotAllowed):
        read(api, organization="all", strict=True)
    with pytest.raises(NotAllowed):
        read(FakeApi({"o": REFUSED}))


def test_organizations_that_all_fail_are_raised():
    refused = [NotAllowed("not allowed", status=403) for _ in range(2)]
    api = FakeApi(dict(zip("ab", refused, strict=True)), organizations=("a", "b"))
    with pytest.raises(NotAllowed) as caught:
        read(api, organization="all")
    assert caught.value.why == "Each of 2 organizations failed so; it is the last."


def test_named_employees_of_whom_nobody_is_listed_are_raised():
    api = FakeApi(people=[], organizations=("a", "b"))
    with pytest.raises(NotFound, match="no employee y") as caught:
        read(api, "documents", ["x", "y"], organization="all")
    assert caught.value.why == "Each of 2 employees failed so; it is the last."
    assert "Check the ids" in caught.value.advice


def test_one_organization_of_a_list_that_fails_is_listed():
    api = FakeApi({"b": REFUSED}, organizations=("a", "b"))
    reading = Reading(api, Query("employees"))
    reading.extent.organizations = choose(api, reading, "all")
    assert sum(len(batch) for batch in reading.batches()) == 12
    assert (reading.complete, reading.total) == (False, None)
    assert remarks(reading) == ["1 of 2 organizations failed: b: not allowed"]


def test_the_organization_of_a_named_employee_is_looked_up():
    people = {"a": [{"id": "e1"}], "b": [{"id": "e2"}]}
    api = FakeApi(people, organizations=("a", "b"))
    _, reading = read(api, "documents", ["e2", "x", "e1"], organization="all")
    assert reading.employees.groups == [(Owner("b", "e2"), Owner("a", "e1"))]
    assert reading.failures[0]["what"] == "no employee x is listed in 2 organizations"
    assert remarks(reading)[0].startswith("1 of 3 employees failed: x: ")
    assert not reading.complete


def test_ids_that_nobody_lists_cost_nobody_else_wherever_they_stand():
    people = {"a": [{"id": "e1"}], "b": [{"id": "e2"}]}
    unknown = [f"x{n}" for n in range(40)]
    api = FakeApi(people, organizations=("a", "b"))
    wanted = [*unknown, "e1", "e2"]
    rows, reading = read(api, "documents", wanted, organization="all")
    assert (len(rows), len(reading.failures)) == (4, 40)
    with pytest.raises(NotFound, match="no employee x0 is listed"):
        read(api, "documents", wanted, organization="all", strict=True)


def test_of_one_organization_a_few_unknown_ids_cost_nobody_else_either():
    unknown = [f"x{n}" for n in range(30)]
    api = FakeApi(dict.fromkeys(unknown, ABSENT))
    rows, reading = read(api, "documents", [*unknown[:24], "e1"])
    assert (len(rows), len(reading.failures)) == (2, 24)
    with pytest.raises(NotFound):
        read(api, "documents", [*unknown[:25], "e1"])
    gone = NotFound("no such route", status=404)
    gone.in_doubt = True
    with pytest.raises(NotFound, match="no such route"):
        read(FakeApi(dict.fromkeys(unknown, gone)), "documents", [*unknown[:5], "e1"])


class OfTwoCountries(FakeApi):
    """A German organization ``d``, which employs e1 and e2, and a British ``g``."""

    def __init__(self, british):
        german = [{"id": "e1"}, {"id": "e2", "employmentCountry": "GB"}]
        super().__init__({"d": german, "g": british})

    def read(self, path, params):
        if path == "/organizations":
            countries = {"d": "DE", "g": "GB", "": "GB", "../x": "GB"}
            found = [{"id": i, "registrationCountry": c} for i, c in countries.items()]
            return found, Announced()
        return super().read(path, params)


def test_who_was_named_and_is_employed_in_another_country_is_no_failure():
    api = OfTwoCountries([{"id": "e3"}, {"id": None}])
    wanted = ["e3", "e1", "e2", "x"]
    rows, reading = read(api, "insurance-details", wanted, organization="all")
    assert {row["employeeId"] for row in rows} == {"e1"}
    assert [f["employee"] for f in reading.failures] == ["x"]
    assert "2 employees not employed in DE, and so not asked" in reading.hints
    assert not any("x" in path.split("/") for path in api.asked)
    api = OfTwoCountries([{"id": "e3"}])
    rows, reading = read(api, "insurance-details", ["e3"], organization="all")
    assert (rows, reading.complete, reading.failures) == ([], True, [])
    _, reading = read(api, "insurance-details", ["e1"], organization="all")
    assert not any("not employed" in hint for hint in reading.hints)
    assert api.asked.count("/organizations/g/employees") == 1, "only if there is need"
    api = OfTwoCountries([{"id": "e3"}, {"id": "e1"}])
    _, reading = read(api, "insurance-details", ["e3", "e1"], organization="all")
    assert "1 employee not employed in DE, and so not asked" in reading.hints


def test_one_alone_who_is_employed_in_another_country_is_not_asked_either():
    api, asked = OfTwoCountries([{"id": "e3"}]), {"employee_id": "e3"}
    options = {**asked, "organization": "all"}
    reading = planned(api, Settings(), "insurance-details", options, tell=print)
    assert [row for batch in reading.batches() for row in batch] == []
    assert "1 employee not employed in DE, and so not asked" in reading.hints
    assert not any("e3" in path for path in api.asked)


def test_where_those_of_another_country_cannot_be_listed_who_is_there_is_unknown():
    wanted = ["e3", "e1"]
    rows, reading = read(
        OfTwoCountries(REFUSED), "insurance-details", wanted, organization="all"
    )
    assert {row["employeeId"] for row in rows} == {"e1"}
    assert [f["employee"] for f in reading.failures] == ["e3"]


@pytest.mark.parametrize("elsewhere", ["GB", ["DE"], {"code": "DE"}, 49])
def test_who_works_elsewhere_is_not_asked_for_what_is_of_one_country(elsewhere):
    countries = ["DE", elsewhere, "DE", None]
    people = [{"id": f"e{n}", "employmentCountry": c} for n, c in enumerate(countries)]
    _, reading = read(FakeApi(people=people), "insurance-details")
    (group,) = reading.employees.groups
    assert [owner.employee for owner in group] == ["e0", "e2", "e3"]
    assert remarks(reading)[0] == "1 employee not employed in DE, and so not asked"
    assert reading.complete


@pytest.mark.parametrize("odd", [{}, {"id": None}, {"id": "a/b"}, "e1", {"id": ["a"]}])
def test_an_employee_without_an_id_is_told(odd):
    _, reading = read(FakeApi(people=[{"id": "e0"}, odd]))
    assert remarks(reading) == ["1 employee came without an id that can be asked for"]
    assert not reading.complete


def test_the_time_of_a_sign_in_does_not_count(monkeypatch):
    class Clock:
        now = 0.0

        def monotonic(self):
            return self.now

    class SignsIn(FakeApi):
        def get_ready(self):
            clock.now = 60.0  # a person at a page, once

    clock = Clock()
    monkeypatch.setattr(tally, "time", clock)
    rows, reading = read(SignsIn(), organization=None)
    assert (len(rows), reading.tally.seconds) == (24, 0.0)


def test_a_limit_stops_asking_and_says_so():
    api = FakeApi(people=[{"id": f"e{n}"} for n in range(500)])
    rows, reading = read(api, limit=7)
    assert (len(rows), reading.complete) == (7, False)
    assert len(api.asked) < 30
    assert "7 rows × 1 columns (cut by the limit)" in summary(
        {**told(reading), "rows": 7}
    )
    rows, reading = read(FakeApi(), limit=24)
    assert (len(rows), reading.complete) == (24, True)


def test_more_requests_than_allowed_are_not_sent():
    api = FakeApi()
    with pytest.raises(
        SettingsError, match="takes 13 requests, and max_requests is 12"
    ):
        read(api, max_requests=12)
    assert len(api.asked) == 1
    assert len(read(FakeApi(), max_requests=13)[0]) == 24


def test_what_other_organizations_will_take_is_not_left_out_of_the_number():
    api = FakeApi(organizations=("o", "p"))
    with pytest.raises(SettingsError, match="takes at least 14 requests"):
        read(api, organization="all", max_requests=12)


def test_pages_that_nobody_foresaw_are_bounded_too():
    class Paged(FakeApi):
        def read(self, path, params):
            if path.endswith("/documents"):
                start = int(params.get("cursor", 0))
                about = {
                    "hasNext": start < 3,
                    "nextCursor": str(start + 1) * (start < 3),
                }
                self.asked.append(path)
                return {
                    "items": [{"id": f"{path}{start}"}],
                    "pagination": about,
                }, Announced()
            return super().read(path, params)

    rows, reading = read(Paged())
    assert (len(rows), reading.requests) == (48, 49)
    assert reading.tally.planned == 49
    api = Paged()
    with pytest.raises(SettingsError, match="takes more than 20 requests"):
        read(api, max_requests=20)
    assert len(api.asked) == 20


@pytest.fixture
def announced(monkeypatch):
    """Give what is announced, where each request takes so many seconds."""

    def of(seconds, *args, organizations=("o",), **options):
        api = FakeApi(
            people=[{"id": f"e{n}"} for n in range(300)], organizations=organizations
        )
        told = []

        def progress(now):
            if now.waiting:
                told.append((now.waiting, len(api.asked)))

        so_far = len(organizations) * seconds
        of_one = property(lambda tally: so_far / tally.requests)
        monkeypatch.setattr(Tally, "seconds_of_one", of_one)
        plan(api, *args, progress=progress, **options)
        return told

    return of


def test_many_requests_that_take_long_are_announced_before_they_are_sent(announced):
    assert announced(1.0) == [("301 requests are needed, about 38 s", 1)]
    assert announced(10.0) == [("301 requests are needed, about 6 min", 1)]
    assert announced(0.1) == []
    several = announced(1.0, organization="all", organizations=("a", "b"))
    assert several == [("603 requests are needed, about 50 s", 3)]


def test_nothing_is_announced_that_may_not_be_needed(announced):
    assert announced(9.0, limit=20) == []
    some = {"wanted": ["e1", "e2"], "organization": "all"}
    assert announced(9.0, organizations=("a", "b"), **some) == []


def test_a_limit_that_few_employees_fill_is_not_refused_for_the_others():
    api = FakeApi(people=[{"id": f"e{n}"} for n in range(300)])
    rows, _ = read(api, limit=7, max_requests=40)
    assert len(rows) == 7


def test_one_line_tells_how_far_it_is():
    lines = []
    read(FakeApi(), progress=lambda now: lines.append(str(now)))
    assert lines[0].startswith("documents · employees first · 0 rows · 0 requests")
    assert "documents · 0 of 12 employees · 0 rows · 1 of 13 requests" in lines[2]
    assert "documents · 12 of 12 employees · 24 rows · 13 of 13 requests" in lines[-1]


def test_a_bar_counts_employees():
    made = []

    class Bar:
        def __init__(self, total, desc, unit):
            self.n, self.total, self.unit = 0, total, unit
            made.append(self)

        def update(self, count):
            self.n += count

        def close(self):
            self.is_closed = True

    read(FakeApi(), progress=as_listener(Bar))
    (bar,) = made
    assert (bar.n, bar.total, bar.unit, bar.is_closed) == (12, 12, "employee", True)


class Paged(FakeApi):
    """Lists employees in pages; those below ``absent`` have no record."""

    def __init__(self, count, *, absent=(), organizations=("o",), bears=1_000):
        people = [{"id": f"e{n}"} for n in range(count)]
        super().__init__(organizations=organizations, people=people)
        self.absent, self.bears = absent, bears

    def ask(self, path, params):
        found, announced = self.paged(path, params)
        content = json.dumps(found).encode()
        return lambda read=read_json: (read(content), announced)

    def paged(self, path, params):
        found, more = self.read(path, params)
        parts = path.strip("/").split("/")
        if parts[-1] == "employees":
            page, size = params.get("page", 1), params.get("size", 20)
            if page > self.bears:
                raise REFUSED
            pages = max(1, -(-len(found) // size))
            about = {"page": page, "size": size, "pages": pages, "total": len(found)}
            there = [
                {"id": f"{parts[1]}-{one['id']}"}
                for one in found[(page - 1) * size : page * size]
            ]
            return {"items": there, "meta": about}, more
        if parts[-1] == "documents" and parts[-2].split("-e")[1] in self.absent:
            raise ABSENT
        return found, more

    @property
    def lists(self):
        return sum(path.endswith("/employees") for path in self.asked)


def test_a_limit_lists_no_more_employees_than_it_may_take():
    api = Paged(5_000)
    rows, reading = read(api, limit=7)
    assert [row["id"] for row in rows] == [f"o-e{n // 2}-{n % 2}" for n in range(7)]
    assert api.lists == 3  # of 50; the first tells how the list is paged
    assert (reading.complete, reading.total) == (False, None)


def test_a_limit_that_is_reached_asks_nothing_more():
    def only(count, **options):
        api = Paged(count, organizations=("a", "b"))
        api.odd["b"] = REFUSED
        return api, read(api, organization="all", limit=2 * count, **options)

    # What is visible, a list, and three employees; the other organization is not asked.
    api, (rows, reading) = only(3, strict=True, max_requests=5)
    assert (len(rows), reading.complete, reading.failures) == (6, False, [])
    assert api.lists == 1
    assert len(only(150)[1][0]) == 300
    api = Paged(5_000, absent={str(n) for n in range(103)})
    rows, reading = read(api, limit=2)  # just the last of those who are listed first
    assert (len(rows), reading.complete, api.lists) == (2, False, 3)


def test_a_limit_that_takes_just_all_is_complete():
    for organizations in (("a",), ("a", "b")):
        api = Paged(3, organizations=organizations)
        count = 6 * len(organizations)
        seen = []
        rows, reading = read(api, organization="all", limit=count, progress=seen.append)
        assert (len(rows), reading.complete) == (count, True)
        assert reading.total == count
        assert {now.of_employees for now in seen} == {None}  # a bar counts rows


def test_whoever_is_needed_for_a_limit_is_listed():
    api = Paged(400, absent={str(n) for n in range(300)})
    rows, reading = read(api, limit=3)
    assert [row["id"] for row in rows] == ["o-e300-0", "o-e300-1", "o-e301-0"]
    assert not reading.failures


@given(
    count=st.integers(0, 150),
    absent=st.sets(st.integers(0, 150).map(str)),
    limit=st.integers(1, 400),
)
@settings(max_examples=60)
def test_a_limit_gives_the_first_of_all_rows(count, absent, limit):
    many = {"absent": absent, "organizations": ("a", "b")}
    everything, _ = read(Paged(count, **many), organization="all")
    rows, reading = read(Paged(count, **many), organization="all", limit=limit)
    assert rows == everything[:limit]
    assert not reading.complete or rows == everything


def test_lists_count_among_the_requests_that_are_allowed():
    api = Paged(2_000, absent={str(n) for n in range(2_000)})
    with pytest.raises(SettingsError, match="documents takes at least") as caught:
        read(api, limit=3, max_requests=120)
    assert caught.value.code == "too_many_requests"
    assert len(api.asked) <= 120


def test_a_list_that_fails_on_its_way_is_no_failure_of_an_employee():
    api = Paged(2_000, absent={str(n) for n in range(2_000)}, bears=5)
    with pytest.raises(NotAllowed):
        read(api, limit=3)


def test_who_is_employed_by_two_is_asked_in_both():
    api = FakeApi(organizations=("o", "p"))
    rows, reading = read(api, wanted=["e1"], organization="all")
    asked = [path for path in api.asked if path.endswith("/documents")]
    assert [path.split("/")[2] for path in asked] == ["o", "p"]
    assert [row["organizationId"] for row in rows] == ["o", "o", "p", "p"]
    assert reading.complete
