"""What is asked, in which order, and whether what came is told to be whole."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest

from intermezzo_nb.api.answers import Announced, read_json
from intermezzo_nb.api.provenance import provenance, remarks, summary
from intermezzo_nb.api.query import Query
from intermezzo_nb.api.reading import Reading
from intermezzo_nb.api.tables import frame_of, tables
from intermezzo_nb.errors import ApiError, PagingError, SettingsError

ROWS = [{"id": f"e{n}"} for n in range(250)]


class FakeApi:
    """Answers paths from a table: a list is paged by number, what else is sent."""

    rate = 0.0

    def get_ready(self):
        pass

    def __init__(self, **answers):
        self.answers = {"/" + k.replace("__", "/"): v for k, v in answers.items()}
        self.styles, self.places = {}, {}
        self.asked, self.announced = [], Announced()

    def ask(self, path, params):
        found, announced = self.read(path, params)
        content = json.dumps(found).encode()
        return lambda read=read_json: (read(content), announced)

    def read(self, path, params):
        self.asked.append((path, params))
        return self.answer(self.answers[path], params), self.announced

    def answer(self, found, params):
        if not isinstance(found, list):
            return found
        page, size = int(params.get("page", 1)), int(params.get("size", 100))
        about = {"page": page, "size": size, "total": len(found)}
        about["pages"] = max(1, -(-len(found) // size))
        return {"items": found[(page - 1) * size : page * size], "meta": about}


def read(api, name, **options):
    owners = options.pop("organizations", ())
    reading = Reading(api, Query(name, **options))
    reading.extent.organizations = owners
    return [r for batch in reading.batches() for r in batch], reading


@pytest.mark.parametrize(
    ("limit", "complete"),
    [(None, True), (250, True), (300, True), (249, False), (200, False), (1, False)],
)
def test_complete_is_said_of_what_nothing_was_cut_from(limit, complete):
    rows, reading = read(FakeApi(x=ROWS), "/x", limit=limit)
    assert len(rows) == min(limit or 250, 250)
    assert reading.complete is complete
    assert reading.total == 250


def test_a_limit_of_nothing_asks_once_and_is_not_complete():
    rows, reading = read(FakeApi(x=ROWS), "/x", limit=0)
    assert (rows, reading.complete) == ([], False)


def test_lines_and_versions_are_not_compared_with_the_servers_total():
    record = {"id": 1, "earnings": [{"amount": "1.00"}, {"amount": "2.00"}]}
    path = "organizations__o__employees__e__compensation-details"
    api = FakeApi(**{path: record})
    asked = {"filters": {"employee_id": "e"}, "organizations": ("o",)}
    rows, reading = read(api, "compensation", limit=1, **asked)
    assert (len(rows), reading.complete, reading.counts_rows) == (1, False, False)
    rows, reading = read(api, "compensation", **asked)
    assert (len(rows), reading.complete) == (2, True)


def test_what_is_nested_may_be_a_list_one_object_or_none():
    sites = [[{"id": "w1"}, {"id": "w2", "orgId": "x"}], {"id": "w3"}, None]
    api = FakeApi(
        organizations=[{"id": f"o{n}", "workSites": s} for n, s in enumerate(sites)]
    )
    rows, reading = read(api, "worksites")
    assert [(row["id"], row["orgId"]) for row in rows] == [
        *(("w1", "o0"), ("w2", "x"), ("w3", "o1"))
    ]
    assert (reading.complete, reading.notes) == (True, [])
    _, reading = read(api, "worksites", limit=2)
    assert (reading.complete, reading.counts_rows) == (False, False)


def test_a_record_without_what_is_nested_in_it_is_told():
    api = FakeApi(organizations=[{"id": "a", "workSites": []}, {"id": "b"}])
    rows, reading = read(api, "worksites")
    assert (rows, reading.complete) == ([], False)
    assert reading.notes == [
        "worksites: 1 record came without workSites, so what is in there is not known"
    ]


def test_what_the_path_says_fills_the_rows():
    answers = {"worksites__w__insurance-details": [{"id": 1}, {"worksiteId": "v"}]}
    rows, _ = read(
        FakeApi(**answers), "worksite-insurance", filters={"worksite_id": "w"}
    )
    assert [row["worksiteId"] for row in rows] == ["w", "v"]
    api = FakeApi(organizations__o__preferences={"id": 1})
    rows, _ = read(api, "preferences", organizations=("o",))
    assert rows == [{"id": 1, "organizationId": "o"}]


def test_several_owners_are_asked_in_turn_and_their_rows_told_apart():
    answers = {"organizations__a__employees": ROWS[:2]}
    answers["organizations__b__employees"] = [{"id": "x", "organizationId": None}]
    api = FakeApi(**answers)
    rows, reading = read(api, "employees", organizations=("a", "b"))
    assert [row["organizationId"] for row in rows] == ["a", "a", "b"]
    assert reading.total == 3
    assert reading.complete
    assert reading.extent.resource.column("organizationId")
    _, reading = read(api, "employees", organizations=("a", "b"), limit=2)
    assert (reading.complete, reading.total) == (False, None)


def test_rows_that_are_told_their_organization_have_their_columns_in_one_order():
    rows = [{"id": f"s{n}", "zone": n, "area": {"y": 1, "x": 2}} for n in range(250)]
    paths = {f"organizations__{o}__sepa-mandates": rows for o in "ab"}
    reading = Reading(FakeApi(**paths), Query("sepa-mandates"))
    reading.extent.organizations = ("a", "b")
    frames = [*tables(reading, profile="p", as_="arrow")]
    assert len(frames) == 6
    assert {(*frame.column_names[-3:],) for frame in frames} == {
        ("zone", "area.y", "area.x")
    }


def test_a_total_that_one_owner_does_not_tell_is_none():
    answers = {"organizations__a__employees": ROWS[:2]}
    answers["organizations__b__employees"] = {"items": [{"id": "x"}]}
    api = FakeApi(**answers)
    _, reading = read(api, "employees", organizations=("a", "b"))
    assert (reading.total, reading.complete) == (None, True)
    _, reading = read(api, "employees", organizations=("b", "a"))
    assert reading.total is None


COMPENSATION = "organizations__o__employees__e__compensation-details"
OF_ONE = {"filters": {"employee_id": "e"}, "organizations": ("o",)}


def test_pay_that_has_ended_is_none_of_today():
    ended = {"id": 1, "validFrom": "2019-01-01", "validTo": "2020-12-31"}
    ended["earnings"] = [{"amount": "1.00"}]
    api = FakeApi(**{COMPENSATION: ended})
    rows, reading = read(api, "compensation", **OF_ONE)
    assert (rows, reading.complete, reading.query.is_of_day) == ([], True, True)
    rows, _ = read(api, "compensation", **OF_ONE, today=dt.date(2020, 12, 31))
    assert len(rows) == 1
    api.answers["/" + COMPENSATION.replace("__", "/") + "/history"] = [ended]
    api.answer = lambda found, params: found
    rows, _ = read(api, "compensation", **OF_ONE, history=True)
    assert len(rows) == 1


@pytest.mark.parametrize(
    "odd", [{"detail": "Not found"}, {"data": {"earnings": []}}, {}, "moved", 5]
)
def test_an_answer_that_is_no_pay_is_an_error(odd):
    with pytest.raises(ApiError, match="compensation has no earnings") as caught:
        read(FakeApi(**{COMPENSATION: odd}), "compensation", **OF_ONE)
    assert "It holds:" in caught.value.why


def test_null_instead_of_pay_is_told_as_such():
    with pytest.raises(ApiError) as caught:
        read(FakeApi(**{COMPENSATION: None}), "compensation", **OF_ONE)
    assert caught.value.why == "It holds: null."


@pytest.mark.parametrize("lists", [{"earnings": None}, {"benefits": []}, {}])
def test_who_has_no_pay_has_no_rows(lists):
    api = FakeApi(**{COMPENSATION: {"id": 1, "employeeId": "e", **lists}})
    rows, reading = read(api, "compensation", **OF_ONE)
    assert (rows, reading.complete) == ([], True)


def test_the_last_frame_of_pages_is_the_one_that_says_complete():
    reading = Reading(FakeApi(x=ROWS), Query("/x"))
    assert [reading.complete for _ in reading.batches()] == [False, False, True]


def test_a_query_in_a_path_is_sent_and_not_shown():
    api = FakeApi(x=ROWS)
    _, reading = read(api, "/x?email=jo@x.example&size=50")
    assert api.asked[0] == ("/x", {"email": "jo@x.example", "size": "50"})
    assert len(api.asked) >= 5
    about = provenance(reading, profile="p", rows=250, columns=1, totals={}, notes=[])
    assert "jo@x" not in summary(about) + str(reading._progress_now())
    with pytest.raises(SettingsError):
        read(api, "/x?page=2")


STAFF = [{"id": f"e{n}", "createdAt": f"2025-04-0{n}T2{n}:30:00Z"} for n in range(1, 4)]


@pytest.mark.parametrize(
    ("day", "wanted"),
    [
        ("2025-04-02", ["e2"]),
        (dt.date(2025, 4, 2), ["e2"]),
        ("2025-04-02T22:30:00+00:00", ["e2"]),
        ("2025-04-03T00:30:00+02:00", ["e2"]),
        ("2025-04-02T00:00:00", []),
    ],
)
def test_a_day_means_all_instants_of_it(day, wanted):
    api = FakeApi(organizations__o__employees=STAFF)
    asked = {"filters": {"createdAt": day}, "organizations": ("o",)}
    rows, reading = read(api, "employees", **asked)
    assert [row["id"] for row in rows] == wanted
    told = ["of 3 rows that came, none has that createdAt"]
    assert remarks(reading) == ([] if wanted else told)


PEOPLE = [
    {"id": n, "isNew": n > 1, "about": {"city": "Ulm" if n else "Jena", "x": None}}
    for n in range(3)
]


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("/x", {"filters": {"city": "Ulm"}}, "city was sent, and has another value in"),
        ("/x?city=Ulm", {}, "city was sent, and has another value in 1 row: "),
        ("/x", {"params": {"city": "Ulm"}}, "city was sent, and has another value in"),
        (
            "/x",
            {"filters": {"isNew": True}},
            "isNew was sent, and has another value in ",
        ),
        ("/x", {"filters": {"id": 7}}, "id was sent, and has another value in 3 rows"),
        ("/x", {"filters": {"town": "Ulm", "x": 1}}, None),
        ("/x", {"params": {"city": ["Ulm", "Jena"], "id": None}}, None),
        ("/x", {"params": {"city": "Ulm, Jena"}}, None),
    ],
)
def test_what_a_path_does_not_filter_by_is_told(name, options, told):
    rows, reading = read(FakeApi(x=PEOPLE), name, **options)
    assert (len(rows), reading.complete) == (3, True)
    assert [note[: len(told or "")] for note in remarks(reading)] == [told] * bool(told)


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ({"category": "earnings"}, "category was sent, and has another value in 1 row"),
        ({"status": "draft"}, "status was sent, and has another value in 2 rows: "),
        ({"status": "approved", "effective_date": "2026-04-06"}, None),
        ({"include_deprecated": True}, None),
    ],
)
def test_a_documented_filter_that_the_api_does_not_heed_is_told(filters, told):
    kinds = [
        {"id": n, "category": kind, "status": "approved"}
        for n, kind in enumerate(["earnings", "deductions"])
    ]
    rows, reading = read(
        FakeApi(**{"gb__wage-types": kinds}), "wage-types", filters=filters
    )
    assert (len(rows), reading.complete) == (2, True)
    assert [note[: len(told or "")] for note in remarks(reading)] == [told] * bool(told)


@pytest.mark.parametrize(
    ("there", "sent"),
    [
        (100.0, 100),
        (5, 5.0),
        ("100.00", Decimal(100)),
        ("2026-03-31T10:00:00Z", dt.date(2026, 3, 31)),
        ("2026-03-31", dt.datetime(2026, 3, 31, tzinfo=dt.UTC)),
        ("active", "pending,active"),
        ("Müller", "mül"),
        ("a", ""),
    ],
)
def test_what_is_found_by_another_spelling_is_no_other_value(there, sent):
    _, reading = read(FakeApi(x=[{"v": there}]), "/x", filters={"v": sent})
    assert remarks(reading) == []


@pytest.mark.parametrize("name", ["size", "limit"])
def test_the_size_of_a_page_is_no_value_of_its_rows(name):
    _, reading = read(FakeApi(x=[{name: 12345}]), "/x", params={name: 50})
    assert remarks(reading) == []


def test_what_a_path_does_filter_by_is_not_told():
    rows = [row for row in PEOPLE if row["about"]["city"] == "Ulm"]
    _, reading = read(FakeApi(x=rows), "/x", filters={"city": "ULM"})
    assert remarks(reading) == []


def test_a_parameter_that_a_path_repeats_is_sent_with_each_value():
    api = FakeApi(**{"gb__wage-types": []})
    read(api, "/gb/wage-types?status=a&status=b&empty=&c=d#e")
    assert api.asked[0][1] == {"status": ["a", "b"], "empty": "", "c": "d#e"}


def test_what_a_header_announces_and_nobody_read_is_told():
    api = FakeApi(x=ROWS[:10])
    api.announced = Announced("Link header")
    rows, reading = read(api, "/x")
    assert (len(rows), reading.complete) == (10, False)
    assert "Link header" in reading.notes[0]


@pytest.mark.parametrize(
    ("found", "counted", "is_told"),
    [
        (ROWS, 251, True),
        (ROWS, 250, False),
        (ROWS, 0, False),
        ({"items": ROWS}, 300, True),
        ({"id": "e1"}, 300, False),
    ],
    ids=["fewer", "as many", "not counted", "in one answer", "no list"],
)
def test_rows_that_a_header_counts_and_that_did_not_come_are_told(
    found, counted, is_told
):
    api = FakeApi(x=found)
    api.announced = Announced("X-Total header", counted)
    _, reading = read(api, "/x")
    assert reading.complete is not is_told
    told = f"counts {counted} rows by its X-Total header, 250 came"
    assert any(told in note for note in reading.notes) is is_told


def test_a_header_does_not_count_the_parts_of_one_answer():
    months = [{"taxMonth": 1}, *[None] * 11]
    api = FakeApi(gb__organizations__o__p32__2026={"taxYear": 2026, "months": months})
    api.announced = Announced("X-Total header", 12)
    filters = {"tax_year": 2026}
    rows, reading = read(api, "p32", filters=filters, organizations=("o",))
    assert (len(rows), reading.complete) == (1, True)


def test_a_header_that_announces_what_is_read_anyway_is_no_news():
    class Linking(FakeApi):
        def read(self, path, params):
            payload, _ = super().read(path, params)
            is_last = payload["meta"]["page"] == 3
            return payload, Announced("" if is_last else "Link header")

    _, reading = read(Linking(x=ROWS), "/x")
    assert (reading.complete, reading.notes) == (True, [])


def test_what_is_sent_for_a_path_is_spelled():
    api = FakeApi(x=[])
    day = dt.date(2026, 3, 31)
    read(api, "/x", filters={"a": True, "b": [1, day], "c": 2.5})
    assert api.asked[0][1] == {"a": "true", "b": ["1", "2026-03-31"], "c": "2.5"}
    with pytest.raises(SettingsError):
        read(api, "/x", filters={"a": {"b": 1}})


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": -1},
        {"limit": 2.5},
        {"limit": "5"},
        {"limit": True},
        {"params": "x"},
        {"filters": ["x"]},
        {"history": True},
        {"history": "false"},
        {"history": 1},
        {"params": {1: 2}},
        {"filters": {1: 2}},
        {"money": "cents"},
        {"money": []},
        {"columns": 5},
        {"columns": [5]},
        {"columns": {"id": 5, 6: 7}},
    ],
)
def test_odd_arguments_are_told(wrong):
    with pytest.raises(SettingsError) as caught:
        read(FakeApi(x=[]), "/x", **wrong)
    assert caught.value.advice


@pytest.mark.parametrize("name", [None, 5, ""])
def test_what_is_no_name_is_told(name):
    with pytest.raises(SettingsError):
        Query(name)


def test_a_value_that_is_not_documented_is_told():
    api = FakeApi(organizations__o__employees=ROWS[:1])
    asked = {"employmentCountry": "Germany"}
    _, reading = read(api, "employees", filters=asked, organizations=("o",))
    assert reading.hints == ["employmentCountry is documented as DE, GB"]
    assert reading.complete


@pytest.mark.parametrize(
    ("limit", "told"),
    [(None, "250 rows × 1"), (5, "5 of 250 rows × 1"), (1, "1 of 250 rows × 1")],
)
def test_what_was_cut_is_told_as_such(limit, told):
    rows, reading = read(FakeApi(x=ROWS), "/x", limit=limit)
    about = provenance(
        reading, profile="p", rows=len(rows), columns=1, totals={}, notes=[]
    )
    assert told in summary(about)
    cut = summary({**about, "total": None})
    assert ("cut by the limit" in cut) is (limit is not None)


def test_what_was_filtered_and_by_what_is_told():
    api = FakeApi(
        organizations__o__employees=[
            {"id": "a", "endDate": None},
            {"id": "b", "endDate": "2026-01-01"},
        ]
    )
    rows, reading = read(
        api, "employees", filters={"endDate": None}, organizations=("o",)
    )
    about = provenance(
        reading, profile="p", rows=len(rows), columns=1, totals={}, notes=[]
    )
    assert "filtered here by endDate: 1 of 2 that came" in summary(about)


def test_an_object_where_a_list_is_documented_is_an_error():
    with pytest.raises(PagingError):
        read(
            FakeApi(organizations__o__employees={"detail": "moved"}),
            "employees",
            organizations=("o",),
        )


def test_something_is_told_before_the_first_answer():
    told = []
    reading = Reading(FakeApi(x=[]), Query("/x"), progress=told.append)
    list(reading.batches())
    assert (told[0].requests, told[-1].requests) == (0, 1)


def test_one_row_is_one_row():
    _, reading = read(FakeApi(x=ROWS[:1]), "/x")
    about = provenance(reading, profile="p", rows=1, columns=1, totals={}, notes=[])
    assert "1 row ×" in summary(about)


def notes_of(api, name="employees", organizations=("o",), **options):
    reading = Reading(api, Query(name, **options))
    reading.extent.organizations = organizations
    made = frame_of(reading, reading.batches(), profile="p", as_="pandas")
    return made.attrs["intermezzo"]["notes"]


def people(count=350, *, odd=217):
    """Give people of two teams, one of whom began at a time that is no date."""
    listed = [{"id": f"e{n}", "externalRef": f"t{n % 2}"} for n in range(count)]
    for n, one in enumerate(listed):
        one["startDate"] = "2026-01-01" if n != odd else "soon"
    return listed


@pytest.mark.parametrize(("filters", "row"), [({}, 217), ({"externalRef": "t1"}, 108)])
def test_the_page_of_a_wrong_value_is_told_also_after_filtering(filters, row):
    api = FakeApi(organizations__o__employees=people())
    assert notes_of(api, filters=filters) == [
        f"startDate is kept as text: row {row} (page 3) holds a str that is no date"
    ]


def test_the_pages_of_a_cursor_are_counted():
    class ByCursor(FakeApi):
        def answer(self, found, params):
            start = int(params.get("cursor", 0))
            following = start + 100 if start + 100 < len(found) else None
            about = {"nextCursor": following and str(following)}
            return {"items": found[start : start + 100], "pagination": about}

    (note,) = notes_of(ByCursor(organizations__o__employees=people()))
    assert "row 217 (page 3) holds" in note


def test_no_page_is_told_where_it_is_of_one_of_several_lists():
    answers = {f"organizations__{o}__employees": people() for o in "ab"}
    (note,) = notes_of(FakeApi(**answers), organizations=("a", "b"))
    assert "row 217 holds" in note


def test_a_page_is_told_where_rows_of_it_came_twice():
    again = [*people(odd=None), *people(10, odd=None)[9:], {"startDate": "soon"}]
    again[-1]["id"] = "x"
    told = notes_of(FakeApi(organizations__o__employees=again))
    assert any("row 350 (page 4) holds" in note for note in told)


@pytest.mark.parametrize("told", ["pages", "total"])
def test_a_count_beyond_all_bounds_is_told_as_any_that_is_wrong(told):
    class Boasting(FakeApi):
        def answer(self, found, params):
            answer = super().answer(found, params)
            answer["meta"] |= {told: 10**400, "has_next": answer["meta"]["page"] < 3}
            return answer

    rows, reading = read(Boasting(x=ROWS), "/x")
    assert len(rows) == 250
    assert reading.complete is (told == "pages")


class ByDefault(FakeApi):
    """Gives pages of ten unless it is asked for others, as is documented."""

    refuses, status = (), 422

    def ask(self, path, params):
        if {*params} & {*self.refuses}:
            self.asked.append((path, params))
            raise ApiError("no such parameter", status=self.status)
        return super().ask(path, {"size": params.get("limit", 10), **params})


def test_a_list_that_was_read_before_is_asked_for_in_the_pages_it_came_in():
    api = ByDefault(x=ROWS, y=ROWS[:40])
    assert [read(api, "/x")[1].requests for _ in range(3)] == [4, 3, 3]
    assert [read(api, "/y")[1].requests for _ in range(2)] == [2, 1]
    people = {f"organizations__{o}__employees": ROWS[:40] for o in "abc"}
    rows, reading = read(ByDefault(**people), "employees", organizations=("a", "b"))
    assert (len(rows), reading.requests) == (80, 3)


def test_a_list_that_was_whole_at_once_says_nothing_of_other_pages():
    api = ByDefault(x=ROWS[:10])
    api.refuses = ("page",)
    assert [len(read(api, "/x")[0]) for _ in range(2)] == [10, 10]


def test_a_list_that_comes_in_other_pages_than_before_is_read_whole():
    api = ByDefault(x=ROWS)
    read(api, "/x")

    def by_cursor(found, params):
        start, size = int(params.get("cursor", 0)), int(params["size"])
        following = start + size if start + size < len(found) else None
        about = {"nextCursor": following and str(following)}
        return {"items": found[start : start + size], "pagination": about}

    api.answer = by_cursor
    assert [len(read(api, "/x")[0]) for _ in range(2)] == [250, 250]
    assert api.styles == {"/x": "cursor"}


@pytest.mark.parametrize("status", [400, 404, 422, 500, None])
def test_pages_that_are_refused_are_not_asked_for_again(status):
    api = ByDefault(x=ROWS)
    read(api, "/x")
    api.refuses, api.answers["/x"], api.status = ("page",), ROWS[:10], status
    assert [len(read(api, "/x")[0]) for _ in range(2)] == [10, 10]
    assert ["page" in params for _, params in api.asked[-3:]] == [True, False, False]


def test_a_list_that_is_refused_in_any_pages_is_asked_for_once_more_at_most():
    api = ByDefault(x=ROWS)
    read(api, "/x")
    api.refuses, api.status, api.asked = ("size",), 404, []
    for requests in (2, 3):
        with pytest.raises(ApiError):
            read(api, "/x", params={"size": 7})
        assert len(api.asked) == requests


def test_a_list_whose_pages_break_off_is_begun_without_any_the_next_time():
    class Whole(ByDefault):
        breaks = False

        def answer(self, found, params):
            if self.breaks and params.get("page") == 2:
                raise ApiError("no such page", status=404)
            is_whole = self.breaks and "page" not in params
            return {"items": found} if is_whole else super().answer(found, params)

    api = Whole(x=ROWS)
    read(api, "/x")
    api.breaks = True
    with pytest.raises(ApiError):
        read(api, "/x")
    assert len(read(api, "/x")[0]) == 250


@pytest.mark.parametrize("announces_total", [False, True])
def test_a_list_that_comes_whole_in_one_organization_is_not_cut_to_a_page(
    announces_total,
):
    class Whole(ByDefault):
        def answer(self, found, params):
            if len(found) == len(ROWS):
                return super().answer(found, params)
            page = found[: params["size"]] if "page" in params else found
            return {"items": page, "total": len(found)} if announces_total else page

    names = [f"organizations__{o}__employees" for o in "abc"]
    api = Whole(**dict(zip(names, (ROWS, ROWS[:150], ROWS), strict=True)))
    rows, reading = read(api, "employees", organizations=("a", "b", "c"))
    assert (len(rows), reading.complete, reading.total) == (650, True, 650)
