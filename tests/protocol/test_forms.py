"""Frames of a real server, in each form that they can have."""

from __future__ import annotations

import json

import pandas as pd
import pytest


@pytest.fixture
def machine(shared_practice, connection):
    return connection(**shared_practice.settings("machine"))


@pytest.fixture
def organization(machine):
    return machine.get("/organizations")[0]["id"]


def without_clock(about):
    return {k: about[k] for k in about.keys() - {"fetched_at", "seconds"}}


def test_arrow_and_pandas_tell_the_same(machine, organization):
    asked = {"organization": organization, "limit": 250}
    machine.frame("employees", **asked)  # which learns in what pages they come
    frame = machine.frame("employees", **asked)
    table = machine.frame("employees", **asked, as_="arrow")
    about = json.loads(table.schema.metadata[b"intermezzo"])
    assert without_clock(about) == without_clock(frame.attrs["intermezzo"])
    assert table.column_names == list(frame.columns)
    assert table["id"].to_pylist() == frame["id"].tolist()
    days = pd.to_datetime(pd.Series(table["startDate"].to_pylist())).dt.as_unit("s")
    assert days.tolist() == frame["startDate"].tolist()


def test_polars_has_the_same_rows(machine, organization):
    asked = {"organization": organization, "limit": 50}
    frame = machine.frame("employees", **asked, as_="polars")
    table = machine.frame("employees", **asked, as_="arrow")
    assert frame.to_dicts() == table.to_pylist()


def test_records_are_a_list_of_what_came(machine, organization):
    asked = {"organization": organization, "limit": 120}
    listed = machine.frame("employees", **asked, as_="records")
    assert listed == list(machine.records("employees", **asked))
    assert len(listed) == 120


def test_pages_in_arrow_make_up_the_whole(machine, organization):
    import pyarrow as pa

    asked = {"organization": organization, "columns": ["id", "startDate", "endDate"]}
    parts = list(machine.frames("employees", **asked, as_="arrow", limit=250))
    whole = machine.frame("employees", **asked, as_="arrow", limit=250)
    assert len(parts) > 1
    put_together = pa.concat_tables(part.replace_schema_metadata() for part in parts)
    assert put_together.equals(whole.combine_chunks().replace_schema_metadata())
