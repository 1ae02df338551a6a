"""A JupyterHub with two users behind its proxy: one registered address for both."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from journey import PRACTICE, Journey

LOAD = "%load_ext intermezzo_nb"
LOGIN = "%intermezzo_login --profile demo"
READ = "df = %intermezzo employees --organization all --limit 300\ndf.dtypes"
STATUS = "%intermezzo_status"


@pytest.mark.timeout(180)
def test_two_users_come_back_by_one_address(hub, hub_of_ann, hub_of_bob, open_in):
    for user, jupyter in (("ann", hub_of_ann), ("bob", hub_of_bob)):
        notebook = open_in(jupyter, "hub.ipynb", LOAD, LOGIN, READ, STATUS)
        notebook.run_all()
        notebook.wait_for(1, "The last page shows")
        tab = notebook.sign_in(1)
        assert f"/user/{user}/intermezzo/done?login=" in tab.url
        letters = tab.locator(".match strong").text_content()
        assert re.fullmatch("[B-Z2-9]{4}", letters)
        notebook.wait_for(2, "datetime64[us, UTC]")
        notebook.wait_for(3, "Tried: server")
        saved = notebook.saved()
        assert "state=" not in saved
        assert "code=" not in saved
    assert not re.search("imz_(ac|at|rt|cs)_", hub.log.read_text())


@pytest.mark.timeout(180)
def test_an_answer_is_in_no_log_before_the_hub_knows_who_comes(hub):
    answer = {"code": "a-code-that-would-be-seen", "state": "x"}
    came = requests.get(hub.callback, params=answer, timeout=30)
    assert came.ok
    assert urlsplit(came.url).path == "/hub/login"
    log = hub.log.read_text()
    assert "a-code-that-would-be-seen" not in log
    # Other lines are there: the Hub's own, and those of the same library.
    assert re.search(r"\[. .* JupyterHub log:\d+\] ", log)


@pytest.mark.timeout(180)
def test_one_users_address_is_nothing_to_another(hub, hub_of_ann, hub_of_bob, open_in):
    ann = open_in(hub_of_ann, "ann.ipynb", LOAD, f"{LOGIN} --force", READ)
    ann.run(0)
    ann.run(1)
    link = ann.output(1).locator("a.intermezzo-sign-in").first
    link.wait_for(timeout=30_000)
    start = link.get_attribute("href")
    bob = open_in(hub_of_bob, "bob.ipynb", LOAD)
    tab = bob.context.new_page()
    assert tab.goto(hub.url + start).status in {403, 404}
    mine = start.replace("/user/ann/", "/user/bob/")
    assert tab.goto(hub.url + mine).status == 404
    forged = "/hub/user-redirect/intermezzo/callback?code=x&state=y"
    assert tab.goto(hub.url + forged).status == 404
    tab.close()
    ann.sign_in(1)
    ann.wait_for(1, "Maren Voss")


@pytest.mark.timeout(120)
def test_on_a_hub_the_state_of_one_user_opens_nothing_of_another(
    hub, hub_of_ann, hub_of_bob, open_in, chromium
):
    notebook = open_in(hub_of_ann, "state.ipynb", LOAD, PRACTICE.login, PRACTICE.read)
    notebook.run_all()
    tab = notebook.open_link(1)
    tab.locator("#allow, #continue").first.wait_for()
    state = parse_qs(urlsplit(tab.url).query)["state"][0]
    query = urlencode({"code": "forged", "state": state})
    bob = chromium.new_context(**hub_of_bob.context)
    assert bob.request.get(f"{hub.callback}?{query}").status == 404
    assert (
        bob.request.get(f"{hub_of_bob.base}/intermezzo/callback?{query}").status == 404
    )
    at_ann = bob.request.get(f"{hub_of_ann.base}/intermezzo/callback?{query}")
    assert at_ann.status == 403
    bob.close()
    Journey(notebook, PRACTICE).sign_in(tab)
    notebook.output(2).locator("table.dataframe").wait_for(timeout=20_000)
