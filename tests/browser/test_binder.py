"""Binder's steps by hand, and a browser that reaches the Jupyter server alone."""

from __future__ import annotations

import json
import os
import re

import pytest

from binder import REPOSITORY

LOAD = "%load_ext intermezzo_nb"
READ = "df = %intermezzo employees --organization all --limit 300\ndf.dtypes"


@pytest.mark.timeout(180)
def test_binder_opens_on_the_quickstart_and_it_runs(binder, open_in, chromium):
    with chromium.new_context() as context:
        tab = context.new_page()
        tab.goto(f"{binder.base}/?{binder.url.rpartition('?')[2]}")
        tab.wait_for_url(re.compile("/lab/tree/notebooks/01-quickstart.ipynb"))
    cells = json.loads((REPOSITORY / "notebooks" / "01-quickstart.ipynb").read_text())
    code = ["".join(c["source"]) for c in cells["cells"] if c["cell_type"] == "code"]
    notebook = open_in(binder, "quickstart.ipynb", *code)
    notebook.run_all()
    notebook.wait_for(1, "The last page shows")
    last = notebook.sign_in(1)
    assert last.url.startswith(f"{binder.base}/intermezzo/done?login=")
    notebook.wait_for(len(code) - 1, re.compile(r"^'\d+\.\d\d'"), timeout=60_000)
    kinds = [
        o["output_type"]
        for c in json.loads(notebook.saved())["cells"]
        for o in c["outputs"]
    ]
    assert "error" not in kinds
    log = binder.log.read_text()
    assert "state=" not in log
    assert "imz_" not in log


def test_the_practice_pages_are_shown_without_scripts(binder, open_in):
    cell = "%intermezzo_login --force"
    notebook = open_in(binder, "pages.ipynb", LOAD, cell, READ)
    notebook.run(0)
    notebook.run(1)
    tab = notebook.open_link(1)
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


def test_a_code_is_entered_under_jupyters_address(binder, open_in):
    login = "%intermezzo_login --force --via device"
    notebook = open_in(binder, "device.ipynb", LOAD, login, READ)
    notebook.run(0)
    notebook.run(1)
    notebook.sign_in(1)
    notebook.wait_for(1, "Maren Voss")
    notebook.run(2)
    notebook.wait_for(2, "datetime64[us, UTC]")


def test_a_stranger_reaches_no_practice_page(binder, chromium):
    stranger = chromium.new_context()
    base = f"{binder.base}/intermezzo/demo/{'x' * 32}"
    for page in ("authorize", "device?user_code=ABCD-EFGH"):
        answer = stranger.request.get(f"{base}/{page}", max_redirects=0)
        assert "/login?" in answer.headers["location"]
        assert stranger.request.post(f"{base}/{page}").status == 403
    stranger.close()
