"""Imports point downwards, heavy libraries have one door, and loading is light."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

import intermezzo_nb

PACKAGE = Path(intermezzo_nb.__file__).parent
# A room may import from the rows above its own, never sideways.
ROWS = """
wrapping quoting
errors secret tokens.forks api.waits api.progress api.spelling api.alike api.instants
configured
addresses credentials interrupts loading profiles reasons surroundings api.arguments
advice
settings
practice oauth.models oauth.mailbox oauth.closing api.page api.schema
api.place api.seen api.filters
status oauth.forwarding oauth.answers oauth.wire oauth.discovery oauth.question
api.glance api.pace api.following api.days api.manifest api.validity api.failures
api.catalogue.terms api.shaping oauth.assertion oauth.identity api.forms api.values
api.catalogue.organizations api.catalogue.employees api.outcomes
api.catalogue.pay api.catalogue.british api.cases
api.ledger
api.resources oauth.receivers tokens.store api.paging api.journal api.folder
tokens.keyring tokens.held oauth.calls api.countries
tokens.choice oauth.client api.payroll
oauth.flows
tokens.source oauth.renewal login ladder api.signing api.connections api.answers
api.faults api.paths api.query asking api.gate api.ahead api.columns registering
api.transport api.casts api.rows api.page_reader
api.client api.collector api.tally api.uniting telling
api.lists api.fan_out api.extent
api.reading session api.frames
api.owners api.provenance api.posting api.bodies api.describing
api.next_steps api.employed
api.plan api.report api.versions api.parts api.restoring api.tables
api.earlier
api.dask api.payslips api.manner api.writing
api.twice api.export
api.delivering
api.sending
connection notebook.card notebook.saving
notebook.panel
connecting
current
doctor lab notebook.progress notebook.server notebook.words notebook.listing
notebook.lines
notebook.completion
notebook.magics __main__
"""
DOORS = {
    "requests_oauthlib": {"oauth.calls"},
    "oauthlib": {"oauth.client", "oauth.calls", "oauth.question"},
    "jwt": {"oauth.identity", "oauth.assertion"},
    "pandas": {
        *("api.frames", "api.versions"),
        *("api.bodies", "api.report", "api.payslips", "api.sending", "api.describing"),
        "api.next_steps",
        "notebook.listing",
    },
    "pyarrow": {
        *("api.frames", "api.columns", "api.casts", "api.collector"),
        *("api.writing", "api.earlier", "api.parts", "api.restoring", "api.uniting"),
    },
    "dask": {"api.dask"},
    "polars": {"api.frames"},
    "filelock": {"tokens.store", "api.journal", "api.folder"},
    "ipywidgets": {"notebook.panel"},
    "segno": {"notebook.card"},
    "keyring": {"tokens.keyring"},
    "jupyter_server": {"notebook.server"},
}
HEAVY = "pandas pyarrow IPython ipywidgets requests requests_oauthlib jwt keyring segno"


def row_of(room: str) -> int:
    rows = [row.split() for row in ROWS.strip().splitlines()]
    found = [i for i, row in enumerate(rows) if room in row]
    assert found, f"{room} has no place in the table of rows"
    return found[0]


@functools.cache
def rooms() -> dict[str, Path]:
    paths = [p for p in PACKAGE.rglob("*.py") if "demo" not in p.parts]
    named = {".".join(p.relative_to(PACKAGE).with_suffix("").parts): p for p in paths}
    return {n: p for n, p in named.items() if not n.endswith("__init__")}


@functools.cache
def imports_of(path: Path) -> list[tuple[str, bool]]:
    """Give what is imported, and whether it is from this package."""
    found = []
    base = list(path.relative_to(PACKAGE).parts[:-1])
    tree = ast.parse(path.read_text())
    for_types = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in set(ast.walk(tree)) - for_types:
        if isinstance(node, ast.Import):
            found += [(alias.name, False) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.append((node.module or "", False))
        elif isinstance(node, ast.ImportFrom):
            home = base[: len(base) - node.level + 1]
            module = ".".join([*home, *(node.module or "").split(".")]).strip(".")
            names = [f"{module}.{a.name}".strip(".") for a in node.names]
            known = rooms()
            found += [(n if n in known else module, True) for n in names]
    return found


@pytest.mark.parametrize("room", sorted(rooms()))
def test_a_room_imports_only_from_rows_above(room):
    below = [
        name
        for name, ours in imports_of(rooms()[room])
        if ours
        and name
        and not name.startswith("demo")
        and row_of(name) >= row_of(room)
    ]
    assert below == []


def test_the_practice_server_imports_nothing_of_ours():
    for path in (PACKAGE / "demo").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level <= 1, path
                assert "intermezzo_nb" not in (node.module or ""), path


@pytest.mark.parametrize(("library", "doors"), DOORS.items())
def test_a_heavy_library_has_one_door(library, doors):
    users = {
        room
        for room, path in rooms().items()
        for name, ours in imports_of(path)
        if not ours and name.split(".")[0] == library
    }
    assert users <= doors


def printed(script):
    """Give what a script prints in a process of its own."""
    return subprocess.check_output([sys.executable, "-c", script], text=True)


def test_the_import_is_light():
    check = (
        "import sys, intermezzo_nb, intermezzo_nb.settings\n"
        f"print([m for m in {HEAVY.split()!r} if m in sys.modules])"
    )
    assert printed(check).strip() == "[]"


def test_load_ext_loads_nothing_heavy_beyond_ipython():
    check = (
        "import sys\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "before = set(sys.modules)\n"
        "shell.extension_manager.load_extension('intermezzo_nb')\n"
        "print(*sorted(set(sys.modules) - before), sep='\\n')"
    )
    loaded = set(printed(check).split())
    assert "intermezzo_nb.notebook.magics" in loaded
    assert loaded.isdisjoint(HEAVY.split())
    # What a magic needs comes with its first use, and so do decimals, uuids and hashes.
    assert "intermezzo_nb.api.schema" not in loaded
    assert loaded.isdisjoint({"decimal", "difflib", "hashlib", "uuid"})


def test_a_short_answer_is_read_without_numpy():
    check = (
        "import sys\n"
        "from intermezzo_nb.api.answers import read_json\n"
        "print(read_json(b'{\"items\": [1]}'), 'numpy' in sys.modules)"
    )
    assert printed(check).strip() == "{'items': [1]} False"


def test_a_connection_loads_nothing_that_only_some_need():
    some = ("jwt", "cryptography", "filelock", "keyring", "pandas", "pyarrow")
    some += ("tomllib", "http.server", "intermezzo_nb.login", "intermezzo_nb.status")
    check = (
        "import sys, intermezzo_nb.connection\n"
        f"print([m for m in {some!r} if m in sys.modules])"
    )
    assert printed(check).strip() == "[]"
