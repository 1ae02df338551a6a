"""A resource as a folder of files: whole, exact, and the frame that it is of."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from pages import Pages

from intermezzo_nb import read_export

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
    return json.loads((folder / "manifest.json").read_text())


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
    ],
)
def test_what_was_exported_is_the_frame(practice, tmp_path, resource, options, money):
    done = practice.export(resource, tmp_path / "out", part_rows=100, **options)
    wanted = practice.frame(resource, money=money, **options)
    same(read_export(tmp_path / "out", money=money), wanted)
    assert done.rows == len(wanted)
