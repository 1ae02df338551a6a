"""Binder's steps by hand, and a browser that reaches the Jupyter server alone."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import Lab, Page
from test_hub import free_port

REPOSITORY = Path(__file__).parents[2]
BASE = "/user/intermezzo-nb-x7k2/"
LOAD = "%load_ext intermezzo_nb"
READ = "df = %intermezzo employees --organization all --limit 300\ndf.dtypes"


@contextlib.contextmanager
def started_binder(folder):
    """Build and start as Binder does, with the environment that is there already."""
    repository, log = folder / "repository", folder / "server.log"
    repository.mkdir()
    for name in ("binder", "notebooks"):
        shutil.copytree(REPOSITORY / name, repository / name)
    token, port = secrets.token_hex(16), free_port()
    environ = {name: v for name, v in os.environ.items() if name != "CI"}
    environ |= {
        "HOME": str(folder),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "PATH": f"{Path(sys.executable).parent}:{environ['PATH']}",
        "BINDER_SERVICE_HOST": "hub.binder.example",
        "BINDER_LAUNCH_HOST": "https://binder.example/",
    }
    steps = {"cwd": repository, "env": environ}
    subprocess.run([repository / "binder" / "postBuild"], check=True, **steps)
    command = [
        *(repository / "binder" / "start", "jupyter", "notebook", "--no-browser"),
        *("--allow-root", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"),
        *(f"--ServerApp.base_url={BASE}", f"--IdentityProvider.token={token}"),
        *("--LabApp.expose_app_in_browser=True", "--LabApp.collaborative=False"),
    ]
    url = f"http://127.0.0.1:{port}{BASE}"
    with log.open("w") as output:
        # Its own group: a container's end takes the practice server along.
        process = subprocess.Popen(
            command, stdout=output, stderr=output, start_new_session=True, **steps
        )
        try:
            _await(f"{url}api/status?token={token}", process, log)
            address = f"{url}lab/workspaces/{{0}}/tree/{{0}}.ipynb?token={token}"
            yield Lab(repository, address, log), f"{url}?token={token}"
        finally:
            os.killpg(process.pid, 15)
            process.wait(20)


def _await(url, process, log):
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(url).close()  # noqa: S310 (our own server)
            return
        time.sleep(0.2)
    raise AssertionError(log.read_text()[-3000:])


@pytest.fixture(scope="module")
def binder(tmp_path_factory):
    with started_binder(tmp_path_factory.mktemp("binder")) as started:
        yield started


@pytest.fixture
def far_browser(binder, chromium):
    """Give a browser that reaches nothing but the Jupyter server."""
    lab, _ = binder
    allowed = urlsplit(lab.url).netloc
    context = chromium.new_context(viewport={"width": 1180, "height": 900})

    def lead(route):
        if urlsplit(route.request.url).netloc == allowed:
            route.continue_()
        else:
            route.abort()

    context.route("**/*", lead)
    yield context
    context.close()


@pytest.mark.timeout(180)
def test_binder_opens_on_the_quickstart_and_it_runs(binder, far_browser):
    lab, bare_link = binder
    tab = far_browser.new_page()
    tab.goto(bare_link)
    tab.wait_for_url(re.compile("/lab/tree/notebooks/01-quickstart.ipynb"))
    tab.close()
    cells = json.loads((REPOSITORY / "notebooks" / "01-quickstart.ipynb").read_text())
    code = ["".join(c["source"]) for c in cells["cells"] if c["cell_type"] == "code"]
    notebook = Page(far_browser, lab, lab.write("quickstart.ipynb", *code))
    notebook.run_all()
    notebook.wait_for(1, "The last page shows")
    last = notebook.sign_in(1)
    assert last.url.startswith(f"{tab_origin(lab)}{BASE}intermezzo/done?login=")
    notebook.wait_for(len(code) - 1, "Signed out", timeout=60_000)
    kinds = [
        o["output_type"]
        for c in json.loads(notebook.saved())["cells"]
        for o in c["outputs"]
    ]
    assert "error" not in kinds
    log = lab.log.read_text()
    assert "state=" not in log
    assert "imz_" not in log


def test_the_practice_pages_are_shown_without_scripts(binder, far_browser):
    lab, _ = binder
    cell = "%intermezzo_login --force"
    notebook = Page(far_browser, lab, lab.write("pages.ipynb", LOAD, cell, READ))
    notebook.run(0)
    notebook.run(1)
    link = notebook.output(1).locator("a.intermezzo-sign-in").first
    link.wait_for(timeout=30_000)
    with far_browser.expect_page() as opened:
        link.click()
    tab = opened.value
    tab.locator("#allow").wait_for()
    notebook.shot("binder-panel")
    if folder := os.environ.get("SCREENSHOTS"):
        tab.screenshot(path=f"{folder}/binder-page.png")
    answer = tab.reload()
    policies = answer.headers["content-security-policy"]
    assert "sandbox allow-forms allow-same-origin;" in policies
    assert "script" not in policies
    assert "default-src 'none'" in policies
    pages = tab.url.partition("/authorize?")[0]
    for unknown in ("/device/x", "/oauth2/token", "/v1/organizations", "/jwks"):
        assert tab.request.get(pages + unknown).status == 404
    other = pages.rpartition("/")[0] + "/" + "x" * 32
    assert tab.request.get(f"{other}/authorize").status == 404
    tab.go_back()
    notebook.sign_in(1)
    notebook.wait_for(1, "Maren Voss")
    assert tab.request.get(f"{pages}/authorize").status == 404  # taken back


def test_a_code_is_entered_under_jupyters_address(binder, far_browser):
    lab, _ = binder
    login = "%intermezzo_login --force --via device"
    notebook = Page(far_browser, lab, lab.write("device.ipynb", LOAD, login, READ))
    notebook.run(0)
    notebook.run(1)
    notebook.sign_in(1)
    notebook.wait_for(1, "Maren Voss")
    notebook.run(2)
    notebook.wait_for(2, "datetime64[us, UTC]")


def test_a_stranger_reaches_no_practice_page(binder, chromium):
    lab, _ = binder
    stranger = chromium.new_context()
    base = f"{tab_origin(lab)}{BASE}intermezzo/demo/{'x' * 32}"
    for page in ("authorize", "device?user_code=ABCD-EFGH"):
        answer = stranger.request.get(f"{base}/{page}", max_redirects=0)
        assert "/login?" in answer.headers["location"]
        assert stranger.request.post(f"{base}/{page}").status == 403
    stranger.close()


def tab_origin(lab):
    parts = urlsplit(lab.url)
    return f"{parts.scheme}://{parts.netloc}"
