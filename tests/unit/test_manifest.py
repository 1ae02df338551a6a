"""Manifests that somebody has changed, or that another version wrote."""

from __future__ import annotations

import contextlib
import hashlib
import json

import pytest

from intermezzo_nb.api.manifest import Manifest, Part, read_manifest
from intermezzo_nb.api.place import Bookmark, Place
from intermezzo_nb.errors import StoreError

ODD = (None, True, -1, 1.5, float("nan"), 10**30, "x", "\ud800", [[1]], {"\ud800": 1})


def written():
    place = Place({"page": 1, "size": 100}, "5f", 100, 200)
    bookmark = Bookmark("a", place, 100, 100, None, ("told",), without=(3,))
    parts = [
        Part("part-00000.parquet", 100, 9, "a1", {"pay": "1.50"}, ("told",), bookmark),
        Part("part-00001.parquet", 0, 9, "a2", {"pay": "0"}, (), None),
    ]
    query = {"resource": "things", "filters": {"a": 1}, "limit": None}
    columns = [{"name": "pay", "kind": "money"}]
    spent, about = {"requests": 3, "seconds": 0.5}, {"complete": True, "notes": []}
    return Manifest(query, "default", parts, columns, spent, about, finished=True)


def members():
    """Give what is written, without the sum."""
    told = json.loads(written().written())
    del told["sha256"]
    return told


def paths_in(value, path=()):
    inside = enumerate(value) if isinstance(value, list) else ()
    for name, inner in value.items() if isinstance(value, dict) else inside:
        yield (*path, name)
        yield from paths_in(inner, (*path, name))


PATHS = [*paths_in(members())]
ADDED = {
    "part": ("parts", 0),
    "bookmark": ("parts", 0, "bookmark"),
    "place": ("parts", 0, "bookmark", "place"),
}


def at(value, path):
    for name in path:
        value = value[name]
    return value


def read(folder, told):
    """Read it with a sum that is right, so that what is wrong is looked at."""
    total = hashlib.sha256(json.dumps(told).encode()).hexdigest()
    (folder / "_manifest.json").write_text(json.dumps({**told, "sha256": total}))
    return read_manifest(folder)


def refusal(folder, told):
    with pytest.raises(StoreError, match="cannot be used") as caught:
        read(folder, told)
    assert caught.value.advice
    return caught.value.code


def test_it_is_read_as_it_was_written(tmp_path):
    (tmp_path / "_manifest.json").write_bytes(written().written())
    assert read_manifest(tmp_path) == written() == read(tmp_path, members())
    assert read_manifest(tmp_path).written() == written().written()


def test_what_has_no_sum_is_refused(tmp_path):
    (tmp_path / "_manifest.json").write_text(json.dumps(members()))
    with pytest.raises(StoreError, match="cannot be used") as caught:
        read_manifest(tmp_path)
    assert "not what was written" in caught.value.why


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_what_has_an_odd_value_is_refused_or_read(tmp_path, path):
    for value in ODD:
        told = members()
        at(told, path[:-1])[path[-1]] = value
        with contextlib.suppress(StoreError):
            assert isinstance(read(tmp_path, told), Manifest)


@pytest.mark.parametrize("name", ["query", "spent", "about", "columns", "parts"])
def test_what_has_a_value_of_another_type_is_refused(tmp_path, name):
    assert refusal(tmp_path, {**members(), name: "x"}) == "export_damaged"


@pytest.mark.parametrize("name", ["rows", "control_totals", "notes", "bookmark"])
def test_a_part_that_lacks_a_member_is_refused(tmp_path, name):
    told = members()
    del told["parts"][0][name]
    assert refusal(tmp_path, told) == "export_damaged"


@pytest.mark.parametrize("path", ADDED.values(), ids=ADDED)
def test_what_only_another_version_understands_is_refused(tmp_path, path):
    told = members()
    at(told, path)["skipped"] = 7
    assert refusal(tmp_path, told) == "export_damaged"


def test_however_deep_it_is_nested_it_is_refused(tmp_path):
    for depth in range(900, 1000):
        told = json.dumps({**members(), "sha256": "", "more": "?"})
        nested = told.replace('"?"', "[" * depth + "]" * depth)
        (tmp_path / "_manifest.json").write_text(nested)
        with pytest.raises(StoreError, match="cannot be used"):
            read_manifest(tmp_path)
