"""A resource as a folder of files: whole, exact, and the frame that it is of."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs

import duckdb
import pandas as pd
import polars as pl
import pyarrow.dataset as pads
import pytest
from pages import Pages

from intermezzo_nb import read_export
from intermezzo_nb.errors import ApiError, SettingsError

EXPORTER = Path(__file__).parent / "exporter.py"
SPENT = {"fetched_at", "requests", "repeated", "seconds"}


@pytest.fixture
def practice(shared_practice, connection):
    """A connection to the practice server by its machine's credentials."""
    return connection(**shared_practice.settings("machine"))


@pytest.fixture
def things(shared_practice, connection):
    """Connect to a server of one long list."""
    started = []

    def start(**options):
        started.append(Pages(**options))
        settings = {**shared_practice.settings("machine"), "api_url": started[-1].url}
        return started[-1], connection(**settings)

    yield start
    for server in started:
        server.stop()


def manifest_of(folder):
    return json.loads((folder / "_manifest.json").read_text())


def same(frame, other):
    pd.testing.assert_frame_equal(frame, other)
    one, two = (f.attrs["intermezzo"] for f in (frame, other))
    assert {k: v for k, v in one.items() if k not in SPENT} == {
        k: v for k, v in two.items() if k not in SPENT
    }
    assert one.keys() == two.keys()


@pytest.mark.parametrize("money", ["float", "decimal"])
@pytest.mark.parametrize(
    ("resource", "options"),
    [
        ("organizations", {}),
        ("employees", {"organization": "all"}),
        ("employees", {"organization": "all", "limit": 150}),
        ("employees", {"organization": "all", "employmentCountry": "GB"}),
        ("employees", {"organization": "all", "columns": ["startDate", "id"]}),
        ("worksites", {}),
        ("wage-types", {}),
        ("p32", {"organization": "all", "tax_year": 2026}),
        ("job-details", {"organization": "all", "as_of": "2026-01-01"}),
        ("job-details", {"organization": "all", "history": True, "limit": 500}),
        ("compensation", {"organization": "all"}),
    ],
)
def test_what_was_exported_is_the_frame(practice, tmp_path, resource, options, money):
    done = practice.export(resource, tmp_path / "out", part_rows=100, **options)
    wanted = practice.frame(resource, money=money, **options)
    same(read_export(tmp_path / "out", money=money), wanted)
    assert done.rows == len(wanted)


def test_the_lines_tell_what_is_written_and_of_when_it_is(practice, tmp_path, capsys):
    done = practice.export("employees", tmp_path / "out", organization="all")
    line = str(done)
    assert line.startswith("employees · 400 rows × 56 columns · ")
    read_at = f"read at {done.about['fetched_at']}"
    assert line.endswith(f"· complete · {read_at} · 1 part in {tmp_path / 'out'}")
    assert repr(done) == line
    first = capsys.readouterr().out.splitlines()[0]
    assert first == f"Intermezzo: employees: exporting to {tmp_path / 'out'} …"


def test_older_shapes_and_fields_nobody_documents_are_kept(
    practice_server, connection, tmp_path
):
    server = practice_server(rows=300, older=True, extra_fields=True)
    made = connection(**server.settings("machine"))
    for name, options in (("employees", {"organization": "all"}), ("worksites", {})):
        made.export(name, tmp_path / name, part_rows=100, **options)
        same(read_export(tmp_path / name), made.frame(name, **options))


def test_duckdb_and_polars_read_the_folder(practice, tmp_path):
    year = {"organization": "all", "tax_year": 2026}
    practice.export("p32", tmp_path / "p32", part_rows=1, **year)
    wanted = practice.frame("p32", **year)
    total = wanted.attrs["intermezzo"]["control_totals"]["incomeTaxPaye"]
    files = f"{tmp_path}/p32/*.parquet"
    sums = duckdb.read_parquet(files).aggregate("count(*), sum(incomeTaxPaye)")
    (found,) = sums.fetchall()
    assert found == (len(wanted), Decimal(total))
    frame = pl.read_parquet(files)
    assert frame["incomeTaxPaye"].sum() == Decimal(total)
    assert frame["taxMonth"].to_list() == wanted["taxMonth"].tolist()


def test_pandas_and_arrow_read_the_folder_itself(practice, tmp_path):
    practice.export("employees", tmp_path / "out", organization="all", part_rows=300)
    wanted = pads.dataset([*(tmp_path / "out").glob("*.parquet")]).to_table()
    assert pads.dataset(tmp_path / "out").to_table().num_rows == wanted.num_rows > 300
    assert len(pd.read_parquet(tmp_path / "out")) == wanted.num_rows


def test_duckdb_and_polars_find_dates_and_instants(practice, tmp_path):
    practice.export("employees", tmp_path / "out", organization="all", part_rows=100)
    wanted = practice.frame("employees", organization="all")
    files = f"{tmp_path}/out/*.parquet"
    kinds = {name: str(kind) for name, kind in described(files)}
    assert kinds["startDate"] == "DATE"
    assert kinds["createdAt"] == "TIMESTAMP WITH TIME ZONE"
    frame = pl.read_parquet(files)
    assert frame["id"].to_list() == wanted["id"].tolist()
    assert frame.schema["startDate"] == pl.Date


def described(files):
    table = duckdb.read_parquet(files)
    return zip(table.columns, table.types, strict=True)


def test_a_whole_row_is_nowhere_to_be_seen_in_the_manifest(practice, tmp_path):
    practice.export("employees", tmp_path / "out", organization="all")
    text = (tmp_path / "out" / "_manifest.json").read_text()
    frame = practice.frame("employees", organization="all")
    assert frame["id"][0] not in text
    assert frame["workEmail"][0] not in text


def test_options_that_a_folder_cannot_have_are_refused(practice, tmp_path):
    for options in ({"money": "float"}, {"as_": "polars"}, {"part_rows": 0}):
        with pytest.raises(SettingsError):
            practice.export("employees", tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_an_error_leaves_what_came_and_the_next_run_goes_on(things, tmp_path, capsys):
    server, made = things(rows=3000, latency=0.01)

    def change(number, _rows):
        if number > 9:
            raise LookupError  # tornado answers 500

    server.odd["change"] = change
    with pytest.raises(ApiError, match="HTTP 500"):
        made.export("/things", tmp_path / "out")
    there = manifest_of(tmp_path / "out")["rows"]
    assert there > 0
    server.odd["change"] = None
    server.seen.clear()
    made.export("/things", tmp_path / "out")
    pages = {int(parse_qs(asked)["page"][0]) for asked in server.seen}
    assert pages == {*range(there // 100, 31)}
    assert f"going on after {there:,} rows" in capsys.readouterr().out
    same(read_export(tmp_path / "out"), made.frame("/things"))


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("style", "pages"), [("page", 400), ("cursor", 120)])
def test_many_kills_lose_nothing_and_double_nothing(
    things, shared_practice, tmp_path, style, pages
):
    part = 10
    server, made = things(rows=pages * 100, style=style, latency=0.02)
    folder = tmp_path / "out"
    told = {
        "settings": {**shared_practice.settings("machine"), "api_url": server.url},
        "resource": "/things",
        "folder": str(folder),
        "options": {"part_rows": part * 100},
    }
    seconds = random.Random(5)  # noqa: S311 (no secret comes from it)
    kills = 0
    for _ in range(8):
        if kill_at_work(
            [sys.executable, str(EXPORTER), json.dumps(told)], folder, seconds
        ):
            kills += 1
    made.export("/things", folder, part_rows=part * 100)
    asked = len(server.seen)
    same(read_export(folder), made.frame("/things"))
    frame = read_export(folder)
    assert frame["id"].tolist() == [row["id"] for row in server.rows]
    # Lost are the pages of an unfinished part, and those that were fetched ahead.
    assert pages <= asked <= pages + kills * (part + 16 + 1) + 1
    assert kills > 2
    shown = f"{style}: {kills} kills, {asked} requests for {pages} pages"
    sys.__stdout__.write(f"\n{shown}\n")


@pytest.mark.timeout(180)
def test_an_export_of_each_employee_survives_kills(
    practice_server, connection, tmp_path
):
    settings = practice_server(rows=2500).settings("machine")
    asked, folder = {"organization": "all", "part_rows": 500}, tmp_path / "out"
    told = {"resource": "compensation", "folder": str(folder), "options": asked}
    command = [
        sys.executable,
        str(EXPORTER),
        json.dumps({"settings": settings, **told}),
    ]
    seconds = random.Random(7)  # noqa: S311 (no secret comes from it)
    kills = there = 0
    for _ in range(4):
        kills += kill_at_work(command, folder, seconds)
        assert rows_in(folder) > there
        there = rows_in(folder)
    api = connection(**settings)
    api.export("compensation", folder, **asked)
    assert kills > 2
    same(read_export(folder), api.frame("compensation", organization="all"))


def kill_at_work(command, folder, seconds):
    """Kill an export after it has written a part; tell whether it came to that."""
    before = rows_in(folder)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as exporter:
        while exporter.poll() is None and rows_in(folder) <= before:
            time.sleep(0.005)
        time.sleep(seconds.uniform(0, 0.2))
        was_at_work = exporter.poll() is None
        exporter.kill()
    return was_at_work


def rows_in(folder):
    return manifest_of(folder)["rows"] if (folder / "_manifest.json").exists() else 0
