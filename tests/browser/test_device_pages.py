"""A deployment's own pages for the device grant, as a person sees them."""

from __future__ import annotations

import os

import pytest
from journey import provider

LOAD = "%load_ext intermezzo_nb"
TELEPHONE = {"width": 360, "height": 640}
OVERFLOW = "document.documentElement.scrollWidth - window.innerWidth"
SIZES = {"telephone": TELEPHONE, "desk": {"width": 1180, "height": 800}}


@pytest.fixture
def page_for_the_code(open_notebook, distant_provider):
    """Open the link of a device's sign-in; give the notebook and the page."""

    def go(name, *, color_scheme="light", is_signed_in=False):
        login = f"{provider(distant_provider).login} --via device"
        notebook = open_notebook(
            f"{name}.ipynb", LOAD, login, color_scheme=color_scheme
        )
        if is_signed_in:
            tab = notebook.context.new_page()
            tab.goto(distant_provider.another_sign_in)
            sign_in(tab)
            tab.close()
        notebook.run(0)
        notebook.run(1)
        return notebook, notebook.open_link(1)

    return go


def sign_in(tab):
    for name in ("Name", "Password"):
        tab.get_by_label(name).fill("somebody")
    with tab.expect_event("framenavigated"):
        tab.keyboard.press("Enter")


def keep(tab, name):
    if folder := os.environ.get("SCREENSHOTS"):
        tab.screenshot(path=f"{folder}/{name}.png")


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_the_code_and_both_answers_fit_a_telephone(page_for_the_code, color_scheme):
    notebook, tab = page_for_the_code(f"fit-{color_scheme}", color_scheme=color_scheme)
    code = notebook.output(1).locator(".intermezzo-code").text_content().strip()
    tab.get_by_text("your notebook?").wait_for()
    for name, size in SIZES.items():
        tab.set_viewport_size(size)
        keep(tab, f"code-page-{color_scheme}-{name}")
        assert tab.evaluate(OVERFLOW) <= 0
        yes, no = tab.get_by_role("button").all()
        for seen in (tab.get_by_text(code, exact=True), yes, no):
            box = seen.bounding_box()
            assert 0 < box["y"] < box["y"] + box["height"] < size["height"]
    sign_in(tab)
    tab.get_by_text("You can close this tab").wait_for()
    keep(tab, f"code-page-{color_scheme}-done")
    notebook.wait_for(1, "Foreign Person")


@pytest.mark.parametrize("is_signed_in", [False, True])
def test_a_code_that_is_not_ones_own_is_refused(page_for_the_code, is_signed_in):
    name = f"refused-{is_signed_in}".lower()
    notebook, tab = page_for_the_code(name, is_signed_in=is_signed_in)
    refuse = tab.get_by_role("button", name="This is not my code")
    refuse.wait_for()
    keep(tab, f"code-page-{name}")
    refuse.click()
    tab.get_by_text("Access was refused").wait_for()
    notebook.wait_for(1, "Sign-in refused")
    notebook.shot(f"code-{name}")
