"""Exports that are stopped, taken up again, refused, and read back."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_fan_out import FakeApi as Staff
from test_fan_out import plan
from test_reading import FakeApi

import intermezzo_nb
from intermezzo_nb import read_export
from intermezzo_nb.api import resources
from intermezzo_nb.api.export import Order, export
from intermezzo_nb.api.folder import Folder, insist_on_folder
from intermezzo_nb.api.frames import framed
from intermezzo_nb.api.provenance import provenance
from intermezzo_nb.api.query import Query
from intermezzo_nb.api.reading import Reading
from intermezzo_nb.api.schema import Column, Resource
from intermezzo_nb.errors import (
    ApiError,
    IncompleteWarning,
    LoginRequired,
    NotAllowed,
    NotFound,
    SettingsError,
    StoreError,
)

unhurried = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
PACKAGE = str(Path(intermezzo_nb.__file__).parent)
KINDS = (
    *("text", "enum", "date", "instant", "integer", "boolean", "number"),
    *("money", "json"),
)
THINGS = Resource(
    name="things",
    path="/things",
    page="none/none",
    doc="One column of each kind",
    owner="account",
    style="page",
    columns=(Column("id"), *(Column(kind, kind) for kind in KINDS)),
)
OWNED = Resource(
    name="owned",
    path="/of/{organization_id}",
    page="none/none",
    doc="Lists of several owners",
    style="page",
    columns=(Column("id"), Column("pay", "money")),
)


@pytest.fixture(autouse=True)
def known(monkeypatch):
    for resource in (THINGS, OWNED):
        monkeypatch.setitem(resources.CATALOGUE, resource.name, resource)


class Breaking(FakeApi):
    """Answers the pages up to a number, and fails at those that follow."""

    bears, owner = 1_000_000, ""
    fault = ApiError("no more")

    def read(self, path, params):
        if path.endswith(self.owner) and params.get("page", 1) > self.bears:
            raise self.fault
        return super().read(path, params)

    def answer(self, found, params):
        size = params.get("size", 100)
        if isinstance(found, list) and params.get("page", 1) > len(found) // size + 1:
            raise NotFound("there is no such page", status=404)
        if not (isinstance(found, tuple)):
            return super().answer(found, params)
        at = int(params.get("cursor", 0))
        about = {"hasNext": at + size < len(found), "total": len(found)}
        about["nextCursor"] = str(at + size) if about["hasNext"] else None
        return {"items": [*found[at : at + size]], "pagination": about}


class Run:
    """Exports from one API into one folder, again and again."""

    def __init__(self, api, folder, *, owners=()):
        self.api, self.folder, self.owners = api, folder, owners
        self.told = []

    def __call__(
        self,
        name="things",
        *,
        bears=None,
        rows=100,
        again=False,
        progress=lambda _: None,
        **options,
    ):
        self.api.asked, self.told = [], []
        self.api.bears = 1_000_000 if bears is None else bears

        def begin():
            query = Query(name, **options)
            reading = Reading(self.api, query, progress=progress)
            reading.extent.organizations = self.owners
            return reading

        order = Order(
            begin,
            api_url="https://api.example",
            profile="default",
            overwrite=again,
            part_rows=rows,
            tell=self.told.append,
        )
        return export(self.folder, order)

    @property
    def pages(self):
        return sorted({params.get("page", 1) for _, params in self.api.asked})

    @property
    def manifest(self):
        return json.loads((self.folder / "_manifest.json").read_text())


def write_manifest(folder, members):
    """Write it with a sum that is right, whatever it says."""
    told = {name: value for name, value in members.items() if name != "sha256"}
    total = hashlib.sha256(json.dumps(told).encode()).hexdigest()
    (folder / "_manifest.json").write_text(json.dumps({**told, "sha256": total}))


def record(n, **more):
    return {"id": f"t{n}", "money": f"{n}.25", "date": f"{1 + n:04}-03-31", **more}


def rows(count, first=0):
    return [record(n) for n in range(first, first + count)]


@pytest.fixture
def run(tmp_path):
    return Run(Breaking(things=rows(1000)), tmp_path / "out")


def stopped(run, bears, **options):
    with pytest.raises(ApiError, match="no more"):
        run(bears=bears, **options)


def same(folder, records, resource=THINGS, **options):
    wanted = framed([records], resource, **options).frame
    pd.testing.assert_frame_equal(read_export(folder, **options), wanted)


def test_what_was_stopped_goes_on_after_its_last_page(run):
    stopped(run, 6)
    assert (run.manifest["finished"], run.manifest["rows"]) == (False, 600)
    run()
    # The last page is asked once more, to see that the list is as it was.
    assert run.pages == [6, 7, 8, 9, 10]
    assert run.told == ["things: going on after 600 rows"]
    assert run.manifest["spent"]["requests"] >= 11
    same(run.folder, rows(1000))


def test_what_was_stopped_at_once_begins_anew(run):
    stopped(run, 0)
    assert run.manifest["rows"] == 0
    run()
    assert run.told == []
    same(run.folder, rows(1000))


def test_a_doubt_of_an_earlier_run_is_not_forgotten(run):
    there = rows(1000)
    there[150] = there[140]  # in place of another, and the server counts 1,000
    run.api.answers["/things"] = there
    stopped(run, 6)
    with pytest.warns(IncompleteWarning, match="1 row came with the id of another"):
        assert not run().complete
    assert pq.read_table(run.folder)["id"].to_pylist() == [r["id"] for r in there]


def test_what_is_replaced_stays_until_there_is_a_part_of_the_new_one(run):
    run()
    stopped(run, 0, again=True)
    same(run.folder, rows(1000))
    assert run().complete
    assert "is finished" in run.told[0]
    stopped(run, 6, again=True)
    on_disk = pq.read_table(run.folder)
    assert (run.manifest["finished"], run.manifest["rows"]) == (False, 600)
    assert on_disk["id"].to_pylist() == [f"t{n}" for n in range(600)]
    run()
    same(run.folder, rows(1000))
    run(again=True)
    same(run.folder, rows(1000))
    assert pq.read_table(run.folder).num_rows == 1000


def test_rows_that_are_not_as_asked_for_are_counted_over_all_runs(tmp_path):
    there = [record(n, city="Ulm" if n > 500 else "Jena") for n in range(1000)]
    run = Run(Breaking(x=there), tmp_path / "out")
    options = {"name": "/x", "filters": {"city": "Ulm"}}
    stopped(run, 6, **options)
    assert run.told == []
    (note,) = run(**options).about["notes"]
    assert run.pages == [6, 7, 8, 9, 10]
    assert note.startswith("city was sent, and has another value in 501 rows: ")


def test_an_interrupt_keeps_the_pages_that_came(run):
    run.api.fault = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        run(bears=4, rows=1_000)
    assert run.manifest["rows"] == 400
    run(rows=1_000)
    same(run.folder, rows(1000))


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), ApiError("no"), OSError()])
@pytest.mark.parametrize("at", range(1, 12))
def test_a_page_that_is_told_of_and_not_yet_taken_is_read_again(run, at, fault):
    calls = 0

    def progress(_):
        nonlocal calls
        calls += 1
        if calls == at:
            raise fault

    with pytest.raises(type(fault)):
        run(rows=300, progress=progress)
    run(rows=300)
    same(run.folder, rows(1000))


class At:
    """Interrupts the package where it has come to so many lines."""

    def __init__(self, line):
        self.line, self.lines = line, 0

    def __call__(self, frame, event, _arg):
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line":
            self.lines += 1
            if self.lines == self.line:
                raise KeyboardInterrupt
        return self

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self)
        return self

    def __exit__(self, *_):
        sys.settrace(self.before)


# An interrupt may come between the end of a ``with`` and its close(), too; then it is
# the collector that closes the file.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@unhurried
@given(line=st.integers(1, 13_000), second=st.integers(1, 13_000))
def test_wherever_it_is_interrupted_nothing_is_lost_or_doubled(line, second):
    records = rows(450)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Breaking(things=records), Path(folder) / "out")
        for at in (line, second):
            with contextlib.suppress(KeyboardInterrupt), At(at):
                run(rows=200)
        done = run(rows=200)
        same(run.folder, records)
        assert (done.about["complete"], done.about["total"]) == (True, 450)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@unhurried
@given(line=st.integers(1, 8_000))
def test_wherever_a_replacement_is_interrupted_one_of_the_two_is_there(line):
    old, new = rows(450), rows(350, first=500)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Breaking(things=old), Path(folder) / "out")
        run(rows=200)
        run.api.answers["/things"] = new
        with contextlib.suppress(KeyboardInterrupt), At(line):
            run(rows=200, again=True)
        is_old = run.manifest["finished"] and run.manifest["rows"] == 450
        if is_old:
            same(run.folder, old)
        run(rows=200, again=is_old)
        same(run.folder, new)
        assert pq.read_table(run.folder).num_rows == 350


def test_parts_that_hold_less_than_their_bookmark_says_are_read_again(run):
    stopped(run, 6)
    there = run.manifest
    for part in there["parts"][3:]:
        part["bookmark"]["rows"] += 100
    write_manifest(run.folder, there)
    run()
    assert run.told == ["things: going on after 300 rows"]
    same(run.folder, rows(1000))


def test_a_run_that_was_killed_between_two_files_leaves_nothing_behind(run):
    stopped(run, 6)
    shutil.copy(run.folder / "part-00000.parquet", run.folder / "part-00006.parquet")
    (run.folder / ".part-00007.parquet.new").write_bytes(b"half")
    run()
    assert len([*run.folder.glob("*.parquet")]) == 10
    assert not [*run.folder.glob("*.new")]
    same(run.folder, rows(1000))


def test_what_was_killed_after_the_last_part_asks_no_page(run):
    run()
    finished = run.manifest
    unfinished = finished | {"finished": False, "about": {}, "columns": []}
    write_manifest(run.folder, unfinished)
    run()
    assert run.api.asked == []
    same(run.folder, rows(1000))
    assert run.manifest["complete"] is True
    assert run.manifest["about"]["total"] == finished["about"]["total"] == 1000


def test_a_cursor_list_goes_on_after_its_last_page(tmp_path):
    run = Run(Breaking(x=tuple(rows(1000))), tmp_path / "out")
    run.api.read = failing_at(run.api, "600")
    stopped(run, None, name="/x")
    del run.api.read
    run("/x")
    asked = [params.get("cursor") for _, params in run.api.asked]
    assert asked == ["500", "600", "700", "800", "900"]
    same(run.folder, rows(1000), None)


def failing_at(api, cursor, page=0):
    def read(path, params):
        if cursor == params.get("cursor") or page == params.get("page", 1):
            raise ApiError("no more")
        return Breaking.read(api, path, params)

    return read


CHANGES = {
    "a row more at the start": lambda there: there.insert(0, record(5000)),
    "a row less": lambda there: there.pop(3),
    "one less and one more": lambda there: (there.pop(3), there.append(record(5000))),
    "another value on the last page": lambda there: there[599].update(money="9.99"),
    "far fewer rows": lambda there: there.__delitem__(slice(150, None)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_list_that_changed_meanwhile_is_read_from_its_start(run, change):
    stopped(run, 6)
    there = run.api.answers["/things"]
    change(there)
    run()
    assert any("the list changed since the earlier run" in told for told in run.told)
    same(run.folder, there)
    parts = [part["name"] for part in run.manifest["parts"]]
    assert sorted(parts) == sorted(p.name for p in run.folder.glob("*.parquet"))


def test_a_list_that_changes_after_it_was_taken_up_is_read_from_its_start(run):
    stopped(run, 6)
    there = run.api.answers["/things"]
    answer = run.api.answer

    def changing(found, params):
        if params["page"] == 10 and len(there) == 1000:
            there.insert(0, record(5000))
        return answer(found, params)

    run.api.answer = changing
    run()
    assert any("the list changed" in told for told in run.told)
    same(run.folder, there)


@settings(parent=unhurried, max_examples=80)
@given(data=st.data(), style=st.sampled_from(["page", "cursor"]))
def test_rows_that_change_places_between_two_runs_are_there_once_each(data, style):
    there = rows(12)
    kind = tuple if style == "cursor" else list
    stop = data.draw(st.integers(1, 5))
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Small(x=kind(there)), Path(folder) / "out")
        run.api.read = failing_at(run.api, str(2 * stop), page=stop + 1)
        stopped(run, None, name="/x", rows=data.draw(st.integers(1, 5)))
        del run.api.read
        last = slice(2 * stop - 2, 2 * stop)  # as it was, so that the export goes on
        others = data.draw(st.permutations(there[: last.start] + there[last.stop :]))
        moved = [*others[: last.start], *there[last], *others[last.start :]]
        run.api.answers["/x"] = kind(moved)
        assert run("/x", rows=data.draw(st.integers(1, 5))).complete
        came = read_export(run.folder)["id"]
        assert sorted(came) == sorted(row["id"] for row in there)


def test_what_was_read_for_long_is_written_however_little_it_is(run, monkeypatch):
    monkeypatch.setattr("intermezzo_nb.api.parts._SECONDS", 0.0)
    with pytest.raises(ApiError):
        run(bears=3, rows=1000)
    assert run.manifest["rows"] == 300
    run(rows=1000)
    assert run.pages == [3, 4, 5, 6, 7, 8, 9, 10]
    assert len(run.manifest["parts"]) == 10
    same(run.folder, run.api.answers["/things"])


@pytest.mark.parametrize("names", [None, ["money", "id"]])
def test_a_row_that_came_in_an_earlier_run_begins_the_export_anew(run, names):
    stopped(run, 6, columns=names)
    there = run.api.answers["/things"]
    there[10], there[900] = there[900], there[10]
    assert run(columns=names).complete
    assert "a row of the earlier run came once more" in run.told[-1]
    same(run.folder, there, columns=names)


def test_rows_of_which_some_have_no_id_are_known_by_all_that_they_hold(run):
    for one in run.api.answers["/things"][1:]:
        one["id"] = None
    test_a_row_that_came_in_an_earlier_run_begins_the_export_anew(run, None)


@pytest.mark.parametrize(
    ("column", "value", "odd"),
    [("extra", 5, 0.25), ("money", "5.50", "much"), ("extra", 5.0, "much")],
)
def test_a_number_is_the_same_in_parts_of_other_types(run, column, value, odd):
    there = run.api.answers["/things"]
    for one in there:
        one["id"], one[column] = None, value
    there[905][column] = odd
    test_a_row_that_came_in_an_earlier_run_begins_the_export_anew(run, None)


def test_rows_of_which_nothing_telling_is_kept_are_told(run):
    run.api.answers["/things"][800]["money"] = run.api.answers["/things"][5]["money"]
    stopped(run, 6, columns=["money"])
    done = run(columns=["money"])
    assert (done.rows, done.complete) == (1000, True)
    [note] = done.notes
    assert note.startswith("part-00006.parquet: it begins where an earlier run was")
    assert note in str(done)
    assert run.pages == [6, 7, 8, 9, 10]


def test_equal_rows_that_are_all_counted_are_kept_though_read_anew(run):
    there = run.api.answers["/things"]
    for number, one in enumerate(there):
        one["id"] = f"of two: {number // 2}"
    there[701] = dict(there[1])
    stopped(run, 6)
    with pytest.warns(IncompleteWarning, match="1 row came with the id of another"):
        assert not run().complete
    assert "a row of the earlier run came once more" in run.told[-1]
    assert pq.read_table(run.folder)["id"].to_pylist() == [r["id"] for r in there]


def test_rows_that_no_id_names_are_known_by_all_that_they_hold(run):
    for one in run.api.answers["/things"]:
        one["id"] = None
    test_a_row_that_came_in_an_earlier_run_begins_the_export_anew(run, None)


def test_ids_of_two_owners_may_be_the_same(tmp_path):
    lists = [[{"id": f"{n}", "pay": "1.10"} for n in range(450)] for _ in "ab"]
    run = Run(owned(*lists), tmp_path / "out", owners=("a", "b"))
    run.api.owner = "b"
    stopped(run, 2, name="owned", rows=200)
    done = run("owned", rows=200)
    assert (done.complete, done.rows, done.notes) == (True, 900, ())
    assert not any("changed" in told for told in run.told)


def owned(first, second):
    return Breaking(of__a=first, of__b=second)


def test_of_several_owners_the_lists_that_are_read_are_not_read_again(tmp_path):
    first = [{"id": f"a{n}", "pay": "1.10"} for n in range(450)]
    second = [{"id": f"b{n}", "pay": "2"} for n in range(450)]
    run = Run(owned(first, second), tmp_path / "out", owners=("a", "b"))
    run.api.owner = "b"
    stopped(run, 2, name="owned", rows=200)
    second.insert(0, {"id": "new", "pay": None})
    run("owned", rows=200)
    assert {path for path, _ in run.api.asked} == {"/of/b", "/of/a"}
    # The part in which the list of the first ends has rows of the second.
    assert sorted(p["page"] for path, p in run.api.asked if path == "/of/a") == [4, 5]
    assert any("owned of b: the list changed" in told for told in run.told)
    frame = read_export(run.folder)
    assert frame["id"].tolist() == [r["id"] for r in [*first, *second]]
    assert frame["organizationId"].tolist() == ["a"] * 450 + ["b"] * 451
    assert frame.attrs["intermezzo"]["control_totals"] == {"pay": "1395.00"}
    assert frame.attrs["intermezzo"]["total"] == 901


def test_rows_of_an_owner_who_is_done_leave_no_doubt_about_those_of_another(tmp_path):
    alike = [{"id": None, "pay": f"{n // 2}"} for n in range(400)]
    second = [{"id": f"b{n}", "pay": "2"} for n in range(450)]
    run = Run(owned(alike, second), tmp_path / "out", owners=("a", "b"))
    run.api.owner = "b"
    stopped(run, 2, name="owned", rows=200)
    assert run("owned", rows=200).notes == ()
    assert run.pages == [2, 3, 4, 5]


def test_what_fails_of_one_owner_is_raised_and_taken_up(tmp_path):
    lists = [[{"id": f"{o}{n}", "pay": "1.10"} for n in range(450)] for o in "ab"]
    run = Run(owned(*lists), tmp_path / "out", owners=("a", "b"))
    run.api.owner = "b"
    stopped(run, 2, name="owned", rows=10_000)
    assert run.manifest["rows"] == 650
    run("owned", rows=10_000)
    assert run.pages == [2, 3, 4, 5]
    about = read_export(run.folder).attrs["intermezzo"]
    assert (about["rows"], about["total"], about["complete"]) == (900, 900, True)
    assert about["failures"] == []


class Many:
    """Exports what each of many employees has, again and again."""

    def __init__(self, folder, count=200, name="documents", **options):
        self.people = [{"id": f"e{n}"} for n in range(count)]
        self.api = Staff(people=self.people)
        self.folder, self.told = folder, []
        self.rows_of_a_part = 100
        self._name, self._options = name, options

    def __call__(self):
        self.told.clear()
        self.api.asked.clear()
        order = Order(
            lambda: plan(self.api, self._name, **self._options),
            api_url="https://api.example",
            profile="default",
            overwrite=False,
            part_rows=self.rows_of_a_part,
            tell=self.told.append,
        )
        return export(self.folder, order)

    def stop_at(self, employee, fault=None):
        fault = fault or LoginRequired("the session has ended")
        usual = self.api.odd.pop(employee, None)
        self.api.odd[employee] = fault
        with pytest.raises(type(fault)):
            self()
        del self.api.odd[employee]
        if usual is not None:
            self.api.odd[employee] = usual

    @property
    def asked(self):
        """The employees who were asked, each once for each time."""
        paths = [p.split("/") for p in self.api.asked if "/employees/" in p]
        asked = (p[p.index("employees") + 1] for p in paths)
        return sorted(asked, key=lambda one: int(one[1:]))

    @property
    def rows(self):
        return json.loads((self.folder / "_manifest.json").read_text())["rows"]

    def same_as_at_once(self):
        reading = plan(self.api, self._name, **self._options)
        kept = [row for batch in reading.batches() for row in batch]
        pd.testing.assert_frame_equal(
            read_export(self.folder), framed([kept], reading.extent.resource).frame
        )
        about = read_export(self.folder).attrs["intermezzo"]
        wanted = provenance(
            reading,
            profile="default",
            rows=len(kept),
            columns=about["columns"],
            totals=about["control_totals"],
            notes=[],
        )
        told = {"fetched_at", "requests", "repeated", "seconds"}
        assert {n: v for n, v in about.items() if n not in told} == {
            n: v for n, v in wanted.items() if n not in told
        }
        return about


def test_an_export_of_many_employees_goes_on_after_the_last_who_was_asked(tmp_path):
    run = Many(tmp_path)
    run.api.odd = {"e7": [], "e120": [], "e190": []}
    run.stop_at("e170")
    assert (run.rows, run.told) == (300, [])
    with pytest.raises(StoreError, match="cannot be used"):
        read_export(tmp_path)
    run()
    assert run.told == ["documents: going on after 300 rows"]
    assert run.asked == [f"e{n}" for n in range(152, 200)]
    about = run.same_as_at_once()
    assert about["without"] == ["e7", "e120", "e190"]
    assert about["complete"]
    parts = json.loads((tmp_path / "_manifest.json").read_text())["parts"]
    *before, last = [part["bookmark"] for part in parts]
    assert before == [None] * 3  # who is without is told once, not in each
    assert last["without"] == [7, 120, 190]


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("notes.xlsx", "to_excel"),
        ("notes.CSV", "to_csv"),
        ("notes.json", "to_json"),
        ("notes.feather", "to_feather"),
    ],
)
def test_a_folder_with_the_name_of_a_file_is_not_made(tmp_path, name, method):
    with pytest.raises(SettingsError) as caught:
        Many(tmp_path / name)()
    assert not [*tmp_path.iterdir()]
    assert "an export is a folder of Parquet files" in caught.value.what
    told = f"Name a folder, such as 'notes'; or write one file by frame(…).{method}("
    assert caught.value.advice.startswith(told)


def test_a_file_is_not_taken_for_a_folder(tmp_path):
    (tmp_path / "staff.parquet").write_bytes(b"theirs")
    with pytest.raises(SettingsError, match="is a file, and an export is a folder"):
        Many(tmp_path / "staff.parquet")()
    assert (tmp_path / "staff.parquet").read_bytes() == b"theirs"


@pytest.mark.parametrize("name", ["notes.xlsx", "notes.2026-03", "notes.parquet"])
def test_a_folder_that_is_there_has_any_name(tmp_path, name):
    if name.endswith("xlsx"):
        (tmp_path / name).mkdir()
    run = Many(tmp_path / name)
    run()
    assert run.same_as_at_once()["complete"]


def test_what_the_api_said_of_a_missing_record_is_known_after_a_kill(tmp_path):
    run = Many(tmp_path)
    run.api.odd = {"e7": NotFound("answered with HTTP 404", status=404)}
    run.api.odd["e7"].said = "None yet."
    run.stop_at("e170")
    run()
    assert "e7" not in run.asked
    told = "no documents of 1 employee of 200 (the API said: None yet.)"
    assert run.same_as_at_once()["notes"] == [told]


def test_a_kill_costs_the_answers_of_a_thousand_employees_at_most(tmp_path):
    run = Many(tmp_path, 2500)
    run.rows_of_a_part = 1_000_000
    run()
    parts = json.loads((tmp_path / "_manifest.json").read_text())["parts"]
    assert [part["rows"] for part in parts] == [2000, 2000, 1000]


def test_who_is_hired_meanwhile_is_asked_and_no_one_else_again(tmp_path):
    run = Many(tmp_path)
    run.stop_at("e170")
    run.people.append({"id": "e200"})
    run()
    assert run.asked == [f"e{n}" for n in range(150, 201)]
    run.same_as_at_once()


@pytest.mark.filterwarnings("ignore::intermezzo_nb.errors.IncompleteWarning")
def test_who_cannot_be_asked_is_told_where_an_export_is_taken_up(tmp_path):
    run = Many(tmp_path)
    run.stop_at("e170")
    run.people.append({"id": None})
    run()
    assert run.asked == [f"e{n}" for n in range(150, 200)]
    about = run.same_as_at_once()
    assert about["notes"] == ["1 employee came without an id that can be asked for"]
    assert not about["complete"]


@pytest.mark.parametrize("change", ["gone", "first"])
def test_where_others_are_to_be_asked_an_export_starts_over_with_a_word(
    tmp_path, change
):
    run = Many(tmp_path)
    run.api.odd = {"e7": [], "e120": []}
    run.stop_at("e170")
    if change == "gone":
        del run.people[3]
    else:
        run.people.insert(0, {"id": "e200"})
    run()
    (word,) = run.told
    assert word.startswith("documents: the list changed since the earlier run")
    run.same_as_at_once()


def test_who_failed_is_asked_again_after_a_kill(tmp_path):
    run = Many(tmp_path)
    run.api.odd = {"e70": NotAllowed("not allowed", status=403)}
    run.stop_at("e170")
    assert run.rows == 300
    run.api.odd = {}
    run()
    assert run.told == [
        "documents: asking again for 1 employee, going on after 300 rows"
    ]
    assert run.asked == ["e70", *(f"e{n}" for n in range(151, 200))]
    assert run.same_as_at_once()["failures"] == []


def test_who_failed_is_told_and_asked_again_where_all_else_is_finished(tmp_path):
    run = Many(tmp_path)
    run.api.odd = {"e20": [], "e70": NotAllowed("not allowed", status=403)}
    told = "documents is not complete: 1 of 200 employees failed: e70: not allowed. The"
    with pytest.warns(IncompleteWarning, match=told) as caught:
        assert not run().complete
    with pytest.warns(IncompleteWarning, match=told) as caught_again:
        assert not read_export(tmp_path).attrs["intermezzo"]["complete"]
    assert {w.filename for w in (*caught, *caught_again)} == {__file__}

    with pytest.warns(IncompleteWarning, match=told):
        assert run().rows == 396  # as before, where it fails once more
    assert run.asked == ["e70"]
    run.api.odd = {"e20": []}
    assert run().complete
    assert run.asked == ["e70"]
    assert run.told == ["documents: asking again for 1 employee"]
    assert run.same_as_at_once()["without"] == ["e20"]
    assert run().complete
    assert run.told[0].startswith("nothing was read: ")


def test_what_is_stopped_while_it_is_read_again_is_not_finished(tmp_path):
    run = Many(tmp_path)
    run.api.odd = {"e70": NotAllowed("not allowed", status=403)}
    with pytest.warns(IncompleteWarning):
        run()
    run.stop_at("e70")
    with pytest.warns(IncompleteWarning):
        assert len(read_export(tmp_path)) == 398  # nothing came, and nothing is lost
    run.api.odd = {}
    run.people += [{"id": f"e{n}"} for n in range(200, 260)]  # hired meanwhile
    run.stop_at("e255")
    manifest = json.loads((tmp_path / "_manifest.json").read_text())
    told = ("finished", "complete", "fetched_at", "lacking", "columns")
    assert [manifest[name] for name in told] == [False, False, None, [], []]
    assert run().complete
    assert run.told == ["documents: going on after 500 rows"]
    run.same_as_at_once()


def test_who_could_not_be_asked_is_looked_for_again(tmp_path):
    run = Many(tmp_path)
    run.people.append({"id": None})
    with pytest.warns(IncompleteWarning, match="1 employee came without an id"):
        run()
    run.people[-1] = {"id": "e200"}
    assert run().complete
    assert run.same_as_at_once()["rows"] == 402


def test_a_list_that_did_not_add_up_is_read_again(tmp_path):
    run = Run(Breaking(things=rows(1000)), tmp_path / "out")
    usual = run.api.answer

    def losing(found, params):
        answer = usual(found, params)
        if params.get("page", 1) == 7:
            answer["items"] = answer["items"][:-1]
        return answer

    run.api.answer = losing
    with pytest.warns(IncompleteWarning, match="things is not complete: "):
        assert run().rows == 999
    run.api.answer = usual
    assert run().complete
    same(run.folder, rows(1000))


def test_versions_in_doubt_are_counted_over_all_runs(tmp_path):
    def versions(*days):
        return [{"id": a, "validFrom": a, "validTo": b} for a, b in days]

    apart = versions(("2024-01-01", "2024-02-01"), ("2024-06-01", None))
    run = Many(tmp_path, name="job-details", as_of="2026-01-01")
    run.api.odd = {f"e{n}": apart for n in (5, 60, 199)}
    run.stop_at("e170")
    run()
    assert "e5" not in run.asked
    assert any(note.startswith("3 ") for note in run.same_as_at_once()["notes"])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@unhurried
@given(line=st.integers(1, 30_000), second=st.integers(1, 30_000))
def test_wherever_one_of_many_is_interrupted_nobody_is_lost_or_doubled(line, second):
    with tempfile.TemporaryDirectory() as folder:
        run = Many(Path(folder), 150)
        run.api.odd = {f"e{n}": [] for n in (7, 120)}
        for at in (line, second):
            with contextlib.suppress(KeyboardInterrupt), At(at):
                run()
        run()
        run.same_as_at_once()


@pytest.mark.parametrize(
    "late",
    [
        {"privateInsuranceHealthMonthly": "0.10", "validFrom": "2025-06-01"},
        {"privateInsuranceHealthMonthly": "12345678901234567.8901"},
        {"privateInsuranceHealthMonthly": "a little", "extra": 5},
        {"privateInsuranceHealthMonthly": None, "id": 7, "extra": "text"},
        {"privateInsuranceHealthMonthly": "0.10", "extra": [1]},
    ],
)
@pytest.mark.parametrize("who", [0, 99, 100, 101, 249])
def test_rows_that_come_later_fit_in_where_they_belong(tmp_path, late, who):
    run = Many(tmp_path, 250, name="insurance-details", history=True)
    usual = {
        f"e{n}": [{"privateInsuranceHealthMonthly": f"{n}.05", "validTo": "2025-01-01"}]
        for n in range(250)
    }
    run.api.odd = {**usual, f"e{who}": NotAllowed("not allowed", status=403)}
    with pytest.warns(IncompleteWarning):
        assert run().rows == 249
    run.api.odd = {**usual, f"e{who}": [late]}
    assert run().complete
    reading = plan(run.api, "insurance-details", history=True)
    kept = [row for batch in reading.batches() for row in batch]
    for money in ("float", "decimal"):
        made = framed([kept], reading.extent.resource, money=money)
        frame = read_export(tmp_path, money=money)
        pd.testing.assert_frame_equal(frame, made.frame)
        about = frame.attrs["intermezzo"]
        assert about["control_totals"] == made.control_totals
        assert (about["complete"], about["total"]) == (True, 250)
    parts = sorted(path.name for path in tmp_path.glob("*.parquet"))
    assert len(parts) == len({name[:10] for name in parts}) == 3  # no old one is left


@pytest.mark.parametrize("before", ["part-00000-1.parquet", "_manifest.json"])
def test_an_interrupt_while_rows_are_put_in_leaves_what_was_there(
    tmp_path, monkeypatch, before
):
    run = Many(tmp_path, 20)
    run.api.odd = {"e7": NotAllowed("not allowed", status=403)}
    with pytest.warns(IncompleteWarning):
        run()
    run.api.odd = {}
    write = Folder.write

    def interrupted(folder, name, content):
        if name == before:
            raise KeyboardInterrupt
        write(folder, name, content)

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run()
    with pytest.warns(IncompleteWarning, match="e7: not allowed"):
        assert len(read_export(tmp_path)) == 38
    run()
    assert run.asked == ["e7"]
    run.same_as_at_once()


def test_an_organization_whose_list_fails_is_raised_and_costs_nothing(tmp_path):
    run = Many(tmp_path)
    run.api.organizations = ("o", "p")
    run._options["organization"] = "all"
    run.stop_at("e170")
    before = run.rows
    run.api.odd["p"] = NotAllowed("not allowed", status=403)
    with pytest.raises(NotAllowed):
        run()
    assert (run.rows, run.told) == (before, [])
    del run.api.odd["p"]
    assert run().complete
    assert run.told == [f"documents: going on after {before} rows"]
    run.same_as_at_once()


def test_many_who_fail_again_are_no_sign_that_the_server_is_unwell(tmp_path):
    run = Many(tmp_path, 60)
    run.api.odd = {f"e{n}": ApiError("broken", status=500) for n in range(3, 60, 7)}
    for _ in range(2):
        with pytest.warns(IncompleteWarning, match="9 of 60 employees failed"):
            assert run().rows == 102
    assert run.asked == [*run.api.odd]
    run.api.odd = {}
    assert run().rows == 120
    run.same_as_at_once()


STAFF = 25
some_line = st.just(1_000_000_000) | st.integers(1, 20_000)
some_of_them = st.sets(st.integers(0, STAFF - 1), max_size=8)


@pytest.mark.timeout(300)  # hundreds of exports, each with waits for the disk
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@settings(unhurried, max_examples=150)
@given(
    has=st.lists(st.integers(0, 3), min_size=STAFF, max_size=STAFF),
    fails=st.lists(st.tuples(some_of_them, some_line), max_size=4),
    rows_of_a_part=st.integers(1, 40),
)
def test_whoever_fails_and_whenever_it_is_interrupted_all_are_there_in_the_end(
    has, fails, rows_of_a_part
):
    with tempfile.TemporaryDirectory() as folder:
        run = Many(Path(folder), STAFF)
        run.rows_of_a_part = rows_of_a_part
        usual = {
            f"e{n}": [{"id": f"e{n}-{m}"} for m in range(has[n])] for n in range(25)
        }
        for failing, line in fails:
            odd = {f"e{n}": NotAllowed("not allowed", status=403) for n in failing}
            run.api.odd = usual | odd
            with (
                contextlib.suppress(KeyboardInterrupt, NotAllowed),
                warnings.catch_warnings(action="ignore"),
                At(line),
            ):
                done = run()
                missing = len(done.about["failures"])
                assert done.complete is (missing == 0)
                assert missing <= len(failing)
                there = set(read_export(run.folder)["employeeId"])
                assert {f"e{n}" for n in range(STAFF) if has[n]} - there <= {*odd}
        run.api.odd = usual
        assert run().complete
        run.same_as_at_once()


@pytest.mark.parametrize("organizations", [("o",), ("o", "p")])
def test_other_employees_are_another_export(tmp_path, organizations):
    api, told = Staff({"p": []}, organizations), []

    def asked(wanted):
        return Order(
            lambda: plan(api, "documents", wanted, organization="all"),
            api_url="https://api.example",
            profile="default",
            overwrite=False,
            part_rows=100,
            tell=told.append,
        )

    export(tmp_path, asked(["e1", "e2"]))
    for others in (["e1", "e3"], None):
        with pytest.raises(StoreError, match="cannot be used") as caught:
            export(tmp_path, asked(others))
        assert "differs in employees." in caught.value.why
    assert export(tmp_path, asked(["e1", "e2"])).rows == 4


def test_where_a_limit_is_reached_already_nobody_is_asked(tmp_path):
    run = Many(tmp_path, 5, wanted=["e0", "e1", "nobody"], limit=2)
    run.api.organizations = ("o", "p")
    run.api.odd["p"] = []
    run._options["organization"] = "all"
    for asked in (["e0", "e1"], []):
        with pytest.warns(IncompleteWarning, match="nobody"):
            assert run().about["read"] == 2
        # One more may be under way already.
        assert {*run.asked} <= {*asked}


def test_a_drift_that_is_read_once_more_is_never_gone_on_from(run):
    there = run.api.answers["/things"]
    answer, tries = run.api.answer, []

    def changing(found, params):
        tries.append(params["page"])
        if tries.count(5) == 1 and params["page"] == 5 and len(there) == 1000:
            there.insert(0, record(5000))
        if tries.count(1) == 2 and params["page"] == 3:
            raise ApiError("no more")
        return answer(found, params)

    run.api.answer = changing
    stopped(run, None)
    assert run.manifest["parts"][-1]["bookmark"] is None
    run.api.answer = answer
    run()
    assert any("the list changed" in told for told in run.told)
    same(run.folder, there)


def test_a_finished_export_says_so_and_asks_nothing(run):
    first = run()
    second = run()
    assert run.api.asked == []
    assert run.told[0].startswith("nothing was read: the export in ")
    assert str(first) == str(second)
    run.api.answers["/things"] = rows(3)
    assert run(again=True).rows == 3
    same(run.folder, rows(3))


@pytest.mark.parametrize("content", [None, b"x"])
def test_a_finished_export_whose_part_is_lost_is_not_called_finished(run, content):
    run()
    part = next(run.folder.glob("*.parquet"))
    part.unlink() if content is None else part.write_bytes(content)
    with pytest.raises(StoreError) as caught:
        run()
    assert caught.value.code == "export_damaged"
    assert "overwrite=True" in caught.value.advice
    assert run.told == []
    assert run(again=True).rows == 1000


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"limit": 5}, "limit: None there, 5 here"),
        ({"filters": {"text": "x"}}, "filters"),
        ({"params": {"who": "somebody"}}, "params"),
        ({"columns": ["id"]}, "columns"),
        ({"name": "owned"}, "resource: 'things' there, 'owned' here"),
    ],
)
def test_another_query_into_the_same_folder_is_refused(run, options, named):
    run()
    with pytest.raises(StoreError) as caught:
        run(**options)
    assert caught.value.code == "export_of_another"
    assert named in caught.value.why
    assert "somebody" not in json.dumps(run.manifest)
    same(run.folder, rows(1000))


def test_a_folder_with_something_else_in_it_is_left_alone(run):
    run.folder.mkdir()
    (run.folder / "thesis.txt").write_text("mine")
    for again in (False, True):
        with pytest.raises(StoreError) as caught:
            run(again=again)
        assert caught.value.code == "export_foreign"
    assert [p.name for p in run.folder.iterdir()] == ["thesis.txt"]


def test_a_name_that_no_folder_can_have_is_told(run):
    run.folder = run.folder / ("x" * 300)
    insist_on_folder(run.folder)
    with pytest.raises(StoreError, match="too long") as caught:
        run()
    assert caught.value.code == "export_unwritable"


def test_who_names_a_part_of_an_export_is_told(run):
    run()
    with pytest.raises(StoreError) as caught:
        read_export(run.folder / "part-00000.parquet")
    assert caught.value.why == "It is a file."
    assert caught.value.advice == "Name the folder that export has written."


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("name", ["part-00001.parquet", "part-00002.parquet"])
def test_a_folder_in_the_way_is_named_before_anything_is_asked(run, name, again):
    stopped(run, 2)
    (run.folder / name).unlink(missing_ok=True)
    (run.folder / name).mkdir()
    before = run.manifest
    with pytest.raises(StoreError, match="cannot be used") as caught:
        run(again=again)
    assert name in caught.value.why
    assert "Move that one away" in caught.value.advice
    assert (run.api.asked, run.manifest) == ([], before)


def test_a_second_run_at_the_same_time_is_refused(run):
    second = Run(run.api, run.folder)

    def begin(_read=run.api.read):
        with pytest.raises(StoreError) as caught:
            second()
        assert caught.value.code == "export_busy"

    run.api.answers["/things"] = Calling(rows(3), begin)
    run()


class Calling(list):
    def __init__(self, rows, call):
        super().__init__(rows)
        self.call = call

    def __getitem__(self, key):
        self.call()
        return super().__getitem__(key)


def spoil(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def retold(**changes):
    def change(folder):
        told = json.loads((folder / "_manifest.json").read_text())
        write_manifest(folder, told | changes)

    return change


SPOILT = {
    "no folder": (shutil.rmtree, "export_foreign", "It is not there"),
    "no manifest": (
        lambda folder: (folder / "_manifest.json").unlink(),
        *("export_foreign", "no _manifest.json"),
    ),
    "half a manifest": (
        spoil("_manifest.json", b'{"for'),
        "export_damaged",
        "manifest",
    ),
    "no object": (spoil("_manifest.json", b"[1]"), "export_damaged", "manifest"),
    "too deep": (
        spoil("_manifest.json", b"[" * 100_000),
        *("export_damaged", "manifest"),
    ),
    "another format": (retold(format="x"), "export_foreign", "another program"),
    "newer": (retold(version=2), "export_newer", "has format 2"),
    "unfinished": (retold(finished=False), "export_unfinished", "1,000 rows are there"),
    "no parts": (retold(parts=None), "export_damaged", "_manifest.json is damaged"),
    "a part less": (
        lambda folder: (folder / "part-00003.parquet").unlink(),
        *("export_damaged", "part-00003.parquet is missing"),
    ),
    "a part damaged": (
        spoil("part-00003.parquet", b"PAR1"),
        *("export_damaged", "part-00003.parquet is not what was written"),
    ),
}


@pytest.mark.parametrize(("spoils", "code", "why"), SPOILT.values(), ids=SPOILT)
def test_what_is_not_as_it_was_written_is_told(run, spoils, code, why):
    run()
    rows = run.manifest["rows"]
    spoils(run.folder)
    with pytest.raises(StoreError) as caught:
        read_export(run.folder)
    assert caught.value.code == code
    assert why in caught.value.why
    assert caught.value.advice
    if "overwrite=True" in caught.value.advice:  # it helps
        run(again=True)
        assert len(read_export(run.folder)) == rows


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": 999},
        {"version": None},
        {"query": {}},
        {"columns": None},
        {"about": None},
        {"spent": 5},
        {"parts": []},
        {"finished": "x"},
    ],
    ids=str,
)
@pytest.mark.parametrize("is_finished", [True, False])
def test_a_manifest_that_was_changed_by_hand_is_told(run, changes, is_finished):
    run() if is_finished else stopped(run, 6)
    (run.folder / "_manifest.json").write_text(json.dumps(run.manifest | changes))
    for read in (run, lambda: read_export(run.folder)):
        with pytest.raises(StoreError, match="cannot be used") as caught:
            read()
        assert caught.value.code == "export_damaged"
        assert "_manifest.json is not what was written" in caught.value.why


def test_a_query_that_lacks_what_is_asked_now_is_another(run):
    stopped(run, 6)
    there = run.manifest
    del there["query"]["columns"]
    write_manifest(run.folder, there)
    with pytest.raises(StoreError, match="cannot be used") as caught:
        run(columns=["id"])
    assert "differs in columns: None there, ['id'] here" in caught.value.why
    run()
    same(run.folder, rows(1000))


def test_parts_that_a_damaged_manifest_does_not_name_are_kept(run):
    stopped(run, 6)
    there = run.manifest
    there["parts"][2]["name"] = "part-00012.parquet"
    write_manifest(run.folder, there)
    with pytest.raises(StoreError, match="cannot be used") as caught:
        run()
    assert "part-00012.parquet is missing" in caught.value.why
    assert len([*run.folder.glob("*.parquet")]) == 6


def test_parts_that_vanish_while_others_are_written_are_told(run):
    def vanish(now):
        if now.rows > 500:
            (run.folder / "part-00001.parquet").unlink(missing_ok=True)

    with pytest.raises(StoreError, match="cannot be used") as caught:
        run(progress=vanish)
    assert "part-00001.parquet is missing" in caught.value.why


@pytest.mark.parametrize("content", [bytes, lambda size: b"PAR1" * (size // 4)])
def test_a_part_of_the_same_size_that_is_not_the_same_is_told(run, content):
    stopped(run, 6)
    path = run.folder / "part-00002.parquet"
    path.write_bytes(content(path.stat().st_size).ljust(path.stat().st_size))
    with pytest.raises(StoreError, match="cannot be used") as caught:
        run()
    assert "part-00002.parquet is not what was written" in caught.value.why


def test_a_part_that_vanished_is_told_before_going_on(run):
    stopped(run, 6)
    (run.folder / "part-00002.parquet").unlink()
    with pytest.raises(StoreError, match="cannot be used") as caught:
        run()
    assert "part-00002.parquet is missing" in caught.value.why


def test_totals_are_checked_against_the_manifest(run):
    run()
    manifest = run.manifest
    manifest["parts"][3]["control_totals"]["money"] = "1.00"
    write_manifest(run.folder, manifest)
    with pytest.raises(StoreError) as caught:
        read_export(run.folder)
    assert "sum of money" in caught.value.why


def test_a_later_part_with_other_columns_gives_all_parts_one_schema(run):
    there = rows(300)
    there[120]["later"] = {"b": 1}
    there[220] |= {"later": {"b": 2.5, "a": "x"}, "other": True, "date": "soon"}
    there[250]["money"] = "1.12345"
    run.api.answers["/things"] = there
    run()
    schemas = {str(pq.read_schema(p)) for p in run.folder.glob("*.parquet")}
    assert len(schemas) == 1
    assert run.manifest["control_totals"]["money"] == "44675.87345"
    for money in ("float", "decimal"):
        same(run.folder, there, money=money)
    notes = read_export(run.folder).attrs["intermezzo"]["notes"]
    assert "date is kept as text: row 220 holds a str that is no date" in notes
    assert "not documented, kept: later.b, later.a, other" in notes


def test_money_and_dates_are_exact_on_the_disk(run):
    run.api.answers["/things"] = [
        record(0, money="-0.01", date="1066-10-14", instant="2026-03-31T10:00:00Z"),
        record(1, money=None, date="9999-12-31", text="Ærøskøbing 🏝", json=[{"a": 1}]),
        record(2, money="12345678901234.56", date=None, enum="x", integer=2**62),
    ]
    run(rows=1)
    table = pq.read_table(min(run.folder.glob("*.parquet")))
    kinds = {field.name: field.type for field in table.schema}
    assert kinds["money"] == pa.decimal128(18, 2)
    assert kinds["date"] == pa.date32()
    assert kinds["instant"] == pa.timestamp("us", "UTC")
    assert run.manifest["control_totals"] == {"money": "12345678901234.55"}
    same(run.folder, run.api.answers["/things"], money="decimal")
    frame = read_export(run.folder, columns=["date", "id"])
    assert frame["date"].tolist()[:2] == [
        pd.Timestamp("1066-10-14").as_unit("s"),
        pd.Timestamp("9999-12-31").as_unit("s"),
    ]
    assert [*frame.columns] == ["date", "id"]
    assert frame.attrs["intermezzo"]["control_totals"] == {}
    table = read_export(run.folder, as_="arrow")
    assert table.schema.field("date").type == pa.date32()
    with pytest.raises(SettingsError, match="as_ cannot be used"):
        read_export(run.folder, as_="records")
    with pytest.raises(SettingsError, match="no column 'nonsense'"):
        read_export(run.folder, columns=["nonsense"])


@pytest.mark.parametrize("odd", [2**53 + 1, -(2**63) - 1, 10**30])
def test_a_number_that_is_no_double_is_read_back_as_it_was_written(run, odd):
    run.api.answers["/things"] = [
        {"id": "a", "number": 1.5},
        {"id": "b", "number": odd},
    ]
    run()
    back = read_export(run.folder)
    assert [*back["number"]] == ["1.5", str(odd)]
    [note] = [n for n in back.attrs["intermezzo"]["notes"] if "number" in n]
    assert note.startswith("number is kept as text")


def test_zero_rows_keep_their_columns(run):
    run.api.answers["/things"] = []
    assert run().parts == 1
    same(run.folder, [])


def test_the_manifest_tells_what_is_there(run):
    run(rows=500)
    told = run.manifest
    assert told["format"] == "intermezzo-nb export"
    assert [part["rows"] for part in told["parts"]] == [500, 500]
    assert told["rows"] == 1000
    assert told["query"]["resource"] == "things"
    assert told["control_totals"] == {"money": "499750.00"}
    assert told["columns"][8] == {
        "name": "money",
        "kind": "money",
        "scale": 2,
        "type": "decimal128(18, 2)",
        "dtype": "float64",
    }


WORDS = st.text(st.characters(codec="utf-8"), max_size=4)
DAYS = st.dates().map(dt.date.isoformat)
AMOUNTS = st.decimals(-(10**14), 10**14, places=2).map(str)
VALUES = {
    "text": WORDS | st.integers() | st.booleans(),
    "enum": st.sampled_from(["DE", "GB"]),
    "date": DAYS,
    "instant": st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    "integer": st.integers(-(2**63), 2**63 - 1),
    "boolean": st.booleans(),
    "number": st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 99),
    "money": AMOUNTS
    | st.decimals(-9, 9, places=5).map(str)
    | st.integers(-(10**20), 10**20)
    | st.integers(-(10**9), 10**9).map(lambda cents: cents / 100),
    "json": st.lists(st.integers()) | st.dictionaries(WORDS, WORDS),
}
# Of what nobody documents, whole numbers and others become one column of numbers.
OTHERS = {
    "some.flag": st.booleans(),
    "some.whole": st.integers(-(2**63), 2**63 - 1),
    "some.number": st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9),
    "day": DAYS,
    "word": WORDS,
    "mixed": st.booleans() | st.integers(-9, 9) | WORDS | DAYS,
}


def nested(record):
    made = {}
    for name, value in record.items():
        *above, last = name.split(".")
        inner = made
        for step in above:
            inner = inner.setdefault(step, {})
        inner[last] = value
    return made


def optional(values):
    return {name: st.none() | value for name, value in values.items()}


RECORDS = st.lists(
    st.fixed_dictionaries({}, optional=optional(VALUES | OTHERS)).map(nested),
    max_size=12,
)


@unhurried
@given(RECORDS, st.sampled_from(["float", "decimal"]))
def test_whatever_came_in_parts_is_read_back_as_the_frame_of_all(records, money):
    for n, made in enumerate(records):
        made["id"] = f"t{n}"
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Small(things=records), Path(folder) / "out")
        run(rows=3)
        wanted = framed([records], THINGS, money=money)
        frame = read_export(run.folder, money=money)
        pd.testing.assert_frame_equal(frame, wanted.frame, check_exact=True)
        about = frame.attrs["intermezzo"]
        assert about["control_totals"] == wanted.control_totals
        assert about["notes"] == wanted.notes
        assert len({str(pq.read_schema(p)) for p in run.folder.glob("*.parquet")}) == 1


class Small(Breaking):
    """Serves pages of two rows, whatever it is asked for."""

    def answer(self, found, params):
        return super().answer(found, {**params, "size": 2})
