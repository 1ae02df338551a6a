"""The notebooks run where nobody is: by papermill, nbclient and nbval."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SCHEDULED = NOTEBOOKS / "02-scheduled-run.ipynb"


@pytest.fixture
def exports(request):
    """Give the environment that ``intermezzo-nb sandbox`` prints, while it runs."""
    flags = getattr(request, "param", ("--rows", "300"))
    process = subprocess.Popen(
        [sys.executable, "-m", "intermezzo_nb", "sandbox", *flags],
        stdout=subprocess.PIPE,
        text=True,
    )
    found = {}
    while len(found) < 5:
        line = process.stdout.readline()
        assert line, "the sandbox did not start"
        if match := re.fullmatch(r"export (\w+)=(.*)\n", line):
            found[match[1]] = match[2]
    yield found
    process.terminate()
    process.stdout.close()
    assert process.wait(10) == 0


def papermill(path, folder, *parameters, **environment):
    """Run as a scheduler does; give status, output, notebook and seconds."""
    out, begun = folder / "out.ipynb", time.monotonic()
    run = subprocess.run(
        [
            *(sys.executable, "-m", "papermill", str(path), str(out)),
            *("--no-progress-bar", "--cwd", str(folder), *parameters),
        ],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    return run, out.read_text(), time.monotonic() - begun


def outputs(notebook):
    cells = json.loads(notebook)["cells"]
    return [output for cell in cells for output in cell.get("outputs", [])]


def test_the_scheduled_run_brings_rows(exports, tmp_path):
    parameters = ("-p", "country", "DE", "-p", "output", "people.csv")
    run, saved, _ = papermill(SCHEDULED, tmp_path, *parameters, **exports)
    assert run.returncode == 0, run.stderr
    assert "people written to people.csv" in saved
    assert len((tmp_path / "people.csv").read_text().splitlines()) > 2


@pytest.mark.parametrize("name", ["client_secret", "access_token", "password"])
def test_a_secret_among_the_parameters_is_refused(exports, tmp_path, name):
    parameters = ("-p", name, "whatever-stands-here")
    run, _, _ = papermill(SCHEDULED, tmp_path, *parameters, **exports)
    assert run.returncode != 0
    assert "secret_in_plain_sight" in run.stderr
    assert "INTERMEZZO_CLIENT_SECRET_FILE" in run.stderr


def test_without_credentials_it_fails_at_once_and_in_words(tmp_path):
    run, saved, seconds = papermill(SCHEDULED, tmp_path)
    assert run.returncode != 0
    assert seconds < 10
    for told in (run.stderr, saved):
        for name in ("CLIENT_ID", "CLIENT_SECRET", "ISSUER", "API_URL"):
            assert f"INTERMEZZO_{name}" in told
    error = next(o for o in outputs(saved) if o["output_type"] == "error")
    assert error["ename"] == "LoginRequired"
    assert len(error["traceback"]) == 3


def test_without_the_apis_address_the_login_fails(exports, tmp_path):
    del exports["INTERMEZZO_API_URL"]
    run, saved, _ = papermill(SCHEDULED, tmp_path, **exports)
    assert run.returncode != 0
    failed = [c for c in json.loads(saved)["cells"] if is_failed(c)]
    assert failed[0]["source"] == ["%intermezzo_login --no-input"]
    assert "Next: Set INTERMEZZO_API_URL." in run.stderr
    assert "demo" not in run.stderr.split("Intermezzo:")[-1]


def is_failed(cell):
    return any(o["output_type"] == "error" for o in cell.get("outputs", []))


def test_a_missing_secret_is_looked_for_by_its_variable(exports, tmp_path):
    exports["INTERMEZZO_CLIENT_SECRET_FILE"] = "/nowhere/at/all"
    run, _, _ = papermill(SCHEDULED, tmp_path, **exports)
    assert run.returncode != 0
    assert "or change INTERMEZZO_CLIENT_SECRET_FILE." in run.stderr


def test_a_run_that_brings_nothing_is_no_success(exports, tmp_path):
    run, _, _ = papermill(SCHEDULED, tmp_path, "-p", "country", "XX", **exports)
    assert run.returncode != 0


# So many connections break that two of three organizations cannot be read.
BROKEN = ("--rows", "3000", "--seed", "4", "--reset", "0.45")


@pytest.mark.parametrize("exports", [BROKEN], indirect=True)
def test_a_run_that_brings_a_part_is_no_success(exports, tmp_path):
    run, _, _ = papermill(SCHEDULED, tmp_path, "-p", "country", "DE", **exports)
    assert run.returncode != 0
    assert "cannot be reached [network_error]" in run.stderr
    assert not (tmp_path / "headcount.csv").exists()


def test_the_quickstart_runs_unattended(tmp_path):
    run, saved, _ = papermill(NOTEBOOKS / "01-quickstart.ipynb", tmp_path)
    assert run.returncode == 0, run.stderr
    kinds = {kind for output in outputs(saved) for kind in output.get("data", {})}
    assert {"text/html", "image/png"} <= kinds
    assert "application/vnd.jupyter.widget-state+json" not in saved


@pytest.mark.timeout(180)  # one of them computes for half a minute
@pytest.mark.parametrize(
    "name",
    [
        "01-quickstart",
        "02-scheduled-run",
        "03-pay-over-time",
        "04-for-administrators",
    ],
)
def test_nbval_agrees(name, exports, tmp_path):
    # What it writes stays beside it.
    path = shutil.copy(NOTEBOOKS / f"{name}.ipynb", tmp_path)
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env"),
            *("-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), "-c"),
            *(os.devnull, path),
        ],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, **(exports if name.startswith("02") else {})},
    )
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize(
    "path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem
)
def test_what_is_stored_tells_nothing_of_a_machine(path):
    stored = json.dumps(outputs(path.read_text()))
    assert not re.search(r"/(tmp|home|root)/|127\.0\.0\.1|localhost", stored)


def test_the_administrators_check_looks_at_their_own_settings(tmp_path):
    path = NOTEBOOKS / "04-for-administrators.ipynb"
    issuer = "https://127.0.0.1:9"
    _, saved, _ = papermill(path, tmp_path, INTERMEZZO_ISSUER=issuer)
    told = "".join("".join(o.get("text", "")) for o in outputs(saved))
    assert f"{issuer} (from the environment)" in told
    assert "INTERMEZZO_API_URL" in told


def test_nbval_fails_where_a_cell_fails(tmp_path):
    path = tmp_path / "failing.ipynb"
    cells = ["%load_ext intermezzo_nb", "%intermezzo_login --no-input"]
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    nbformat.write(made, path)
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env"),
            *("-q", "-p", "no:cacheprovider", "-c", os.devnull, str(path)),
        ],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert run.returncode == 1


DEBUGGED = """
import logging
logging.basicConfig(level=logging.DEBUG, force=True)
%xmode Verbose
%load_ext intermezzo_nb
""".strip()
FAILING = """
import traceback
from intermezzo_nb import current_connection
try:
    current_connection().get("/nothing")
except Exception as error:
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    print("".join(told.format()))
print(vars(current_connection()), current_connection()._session._source._held)
current_connection().get("/nothing")
"""


def test_nothing_secret_is_left_in_any_artefact(exports, tmp_path, leaks, monkeypatch):
    for name, value in exports.items():
        monkeypatch.setenv(name, value)
    leaks.record(Path(exports["INTERMEZZO_CLIENT_SECRET_FILE"]).read_text())
    cells = [DEBUGGED, "%intermezzo_login", "%intermezzo organizations", FAILING]
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    client = NotebookClient(made, allow_errors=True, kernel_name="python3")
    client.execute()
    saved = nbformat.writes(made)
    html, _ = HTMLExporter().from_notebook_node(made)
    history = b"".join(p.read_bytes() for p in tmp_path.parent.rglob("history.sqlite"))
    (tmp_path / "executed.ipynb").write_text(saved)
    (tmp_path / "executed.html").write_text(html)
    (tmp_path / "history").write_bytes(history)
    assert "NotFound" in saved
    assert "urllib3.connectionpool" in saved
