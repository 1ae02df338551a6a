"""Signing in as a person does: in JupyterLab, with a mouse."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import segno
from journey import provider

QUICKSTART = Path(__file__).parents[2] / "notebooks" / "01-quickstart.ipynb"
LOAD = "%load_ext intermezzo_nb"
LOGIN = "%intermezzo_login --profile demo"
READ = "df = %intermezzo employees --organization all --limit 300\ndf.dtypes"


def test_the_panel_notices_that_somebody_signed_in(open_notebook):
    notebook = open_notebook("one-by-one.ipynb", LOAD, LOGIN, READ)
    notebook.run(0)
    notebook.run(1)

    notebook.wait_for(1, "Opens a new tab")
    notebook.shot("link-ready-light")
    notebook.sign_in(1)
    notebook.wait_for(1, "Maren Voss")
    notebook.run(2)
    notebook.wait_for(2, "datetime64[us, UTC]")
    notebook.shot("signed-in-light")
    saved = notebook.saved()
    assert "Maren Voss" in saved
    assert "state=" not in saved
    assert "code_challenge" not in saved


def test_run_all_waits_for_the_person(open_notebook):
    notebook = open_notebook("all.ipynb", LOAD, LOGIN, READ, color_scheme="dark")
    notebook.run_all()
    notebook.wait_for(2, "waiting for the sign-in: its link is in an output above")
    notebook.shot("waiting-dark")
    notebook.sign_in(1)
    notebook.wait_for(2, "datetime64[us, UTC]")
    notebook.shot("signed-in-dark")


def test_python_alone_shows_the_same_panel(open_notebook):
    cells = [
        'from intermezzo_nb import connect\napi = connect("demo", via="server")',
        "str(api.login()).splitlines()[1]",
        'api.frame("organizations").dtypes',
    ]
    notebook = open_notebook("python.ipynb", *cells)
    notebook.run_all()
    notebook.wait_for(1, "Opens a new tab")
    notebook.shot("python-panel")
    notebook.sign_in(1)
    notebook.wait_for(1, "Maren Voss")
    notebook.wait_for(2, "datetime64[us, UTC]")
    notebook.shot("python-signed-in")
    saved = notebook.saved()
    assert "intermezzo/start" not in saved
    assert "state=" not in saved


def test_a_cancelled_sign_in_ends_the_waiting_cell(open_notebook):
    notebook = open_notebook("cancelled.ipynb", LOAD, LOGIN, READ)
    notebook.run(0)
    notebook.run(1)
    notebook.output(1).get_by_role("button", name="Cancel").click()
    notebook.wait_for(1, "Sign-in cancelled")
    notebook.shot("cancelled-light")
    notebook.run(2)
    notebook.wait_for(2, "login_cancelled")
    assert "login_cancelled" in _error(notebook.saved(), 2)


@pytest.mark.parametrize("via", ["loopback", "server"])
def test_a_refused_consent_is_told_and_can_be_tried_again(open_notebook, via):
    login = f"{LOGIN} --via {via}"
    notebook = open_notebook(f"refused-{via}.ipynb", LOAD, login, READ)
    notebook.run(0)
    notebook.run(1)
    tab = notebook.sign_in(1, answer="deny")
    assert "The sign-in was refused" in tab.locator("h1").text_content()
    assert "Your notebook showed the same" in tab.locator(".match").text_content()
    if folder := os.environ.get("SCREENSHOTS"):
        tab.screenshot(path=f"{folder}/refused-page-{via}.png")
    notebook.wait_for(1, "Sign-in refused")
    notebook.shot("refused-light")
    notebook.run(2)
    notebook.wait_for(2, "login_denied")
    notebook.run(1)
    notebook.sign_in(1)
    notebook.wait_for(1, "Maren Voss")
    notebook.run(2)
    notebook.wait_for(2, "datetime64[us, UTC]")


def test_the_answer_comes_back_through_the_jupyter_server(open_notebook, lab):
    login = f"{LOGIN} --via server"
    notebook = open_notebook("server.ipynb", LOAD, login, READ, "%intermezzo_status")
    notebook.run_all()
    tab = notebook.sign_in(1)
    assert "/intermezzo/done?login=" in tab.url
    notebook.wait_for(2, "datetime64[us, UTC]")
    notebook.wait_for(3, "Tried: server")
    saved, log = notebook.saved(), lab.log.read_text()
    for text in (saved, log):
        assert "imz_ac_" not in text
        assert "state=" not in text


def test_a_code_is_entered_elsewhere_and_the_panel_notices(open_notebook):
    login = f"{LOGIN} --via device"
    notebook = open_notebook("device.ipynb", LOAD, login, READ, color_scheme="dark")
    notebook.run(0)
    notebook.run(1)
    code = notebook.output(1).locator(".intermezzo-code").first
    code.wait_for()
    letters = code.text_content()
    # Under Jupyter's own address the link leads on from this page alone.
    assert not notebook.output(1).locator(".intermezzo-card svg").count()
    notebook.shot("device-dark")
    notebook.sign_in(1)
    notebook.wait_for(1, "Maren Voss")
    notebook.shot("device-signed-in-dark")
    notebook.run(2)
    notebook.wait_for(2, "datetime64[us, UTC]")
    assert letters not in notebook.saved()


def test_a_telephone_finds_the_page_for_codes_by_a_qr_code(
    open_notebook, distant_provider
):
    login = f"{provider(distant_provider).login} --via device"
    notebook = open_notebook("qr.ipynb", LOAD, login, color_scheme="dark")
    notebook.run(0)
    notebook.run(1)
    drawn = notebook.output(1).locator(".intermezzo-card svg")
    drawn.wait_for()
    link = notebook.link(1).get_attribute("href")
    expected = segno.make(link, error="m", micro=False).svg_inline(scale=3, border=3)
    lines = drawn.locator("path").last.get_attribute("d")
    assert f'd="{lines}"' in expected
    notebook.shot("device-qr-dark")


def test_a_forged_answer_to_the_jupyter_server_changes_nothing(open_notebook, lab):
    login = f"{LOGIN} --via server"
    notebook = open_notebook("forged.ipynb", LOAD, login, READ)
    notebook.run_all()
    notebook.output(1).locator("a.intermezzo-sign-in").first.wait_for()
    tab = notebook.context.new_page()
    for forged in ("callback?code=x&state=y", "callback", "start?login=x", "start"):
        assert tab.goto(f"{lab.base}/intermezzo/{forged}").status == 404
    # The right state, but no parameter may come twice (RFC 6749 §3.1).
    tab.goto(lab.base + notebook.output(1).locator("a").first.get_attribute("href"))
    state = parse_qs(urlsplit(tab.url).query)["state"][0]
    twice = urlencode([("code", "x"), ("code", "y"), ("state", state)])
    assert tab.goto(f"{lab.base}/intermezzo/callback?{twice}").status == 404
    tab.close()
    notebook.sign_in(1)
    notebook.wait_for(2, "datetime64[us, UTC]")


def test_who_is_not_signed_in_to_jupyter_gets_nothing(lab, chromium):
    stranger = chromium.new_context()
    tab = stranger.new_page()
    for name in ("start?login=x", "callback?code=x&state=y", "done"):
        tab.goto(f"{lab.base}/intermezzo/{name}")
        assert "/login?" in tab.url
    stranger.close()


def test_who_has_to_sign_in_to_jupyter_first_leaves_no_code_in_its_log(lab, chromium):
    late = chromium.new_context()
    tab = late.new_page()
    tab.goto(f"{lab.base}/intermezzo/callback?code=late-answer&state=late-state")
    tab.locator("#password_input").fill(lab.url.rpartition("token=")[2])
    tab.locator("#login_submit").click()
    tab.get_by_text("Nothing waits for this").wait_for()
    log = lab.log.read_text()
    assert "POST /login?next=" in log
    assert "late-answer" not in log
    assert "late-state" not in log
    late.close()


def test_the_quickstart_as_a_person_runs_it(open_notebook):
    cells = json.loads(QUICKSTART.read_text())["cells"]
    code = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    notebook = open_notebook("quickstart.ipynb", *code)
    notebook.run_all()
    notebook.sign_in(1)
    amount = re.compile(r"^'\d+\.\d\d'")
    notebook.wait_for(len(code) - 1, amount, timeout=60_000)  # fonts are read
    saved = json.loads(notebook.saved())
    kinds = [o["output_type"] for c in saved["cells"] for o in c["outputs"]]
    assert "error" not in kinds


def test_the_picture_of_the_readme(open_notebook):
    look = 'df[["employmentCountry", "externalRef", "startDate", "endDate"]].tail(3)'
    read = f"df = %intermezzo employees --organization all\n{look}"
    notebook = open_notebook("picture.ipynb", LOAD, LOGIN, read)
    notebook.do("application:toggle-left-area")
    notebook.page.set_viewport_size({"width": 900, "height": 760})
    notebook.run(0)
    notebook.run(1)
    notebook.sign_in(1)
    notebook.wait_for(1, "Maren Voss")
    notebook.run(2)
    notebook.wait_for(2, "complete")
    notebook.shot("readme", area=".jp-NotebookPanel-notebook")


def _error(saved, number):
    outputs = json.loads(saved)["cells"][number]["outputs"]
    return "".join(o.get("evalue", "") for o in outputs if o["output_type"] == "error")
