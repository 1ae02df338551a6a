"""The panel for everybody: by keyboard and ear, on small screens, without widgets."""

from __future__ import annotations

import json
import re

import pytest

LOAD = "%load_ext intermezzo_nb"
LOGIN = "%intermezzo_login --profile demo"
LINK = "a.intermezzo-sign-in"
READ = "%intermezzo organizations"
BROKEN = re.compile("Loading widget|Error displaying widget")


@pytest.fixture
def link_ready(open_notebook):
    """Open a notebook whose second cell has shown a link; give it."""

    def show(name, *, login=LOGIN, after=(), **options):
        notebook = open_notebook(f"{name}.ipynb", LOAD, login, *after, **options)
        notebook.run(0)
        notebook.run(1)
        notebook.output(1).locator(LINK).wait_for(timeout=30_000)
        notebook.output(1).get_by_role("button", name="Cancel").wait_for()
        return notebook

    return show


@pytest.fixture
def reopened(chromium, lab):
    """End the kernel of a notebook, and open what was saved in another browser."""
    contexts = []

    def reopen(notebook):
        notebook.saved()
        notebook.page.evaluate(
            "window.jupyterapp.shell.currentWidget.sessionContext.shutdown()"
        )
        notebook.page.close()
        contexts.append(chromium.new_context(viewport={"width": 1180, "height": 900}))
        return type(notebook)(contexts[-1], lab, notebook.path)

    yield reopen
    for context in contexts:
        context.close()


def outputs_of(notebook, number=1):
    return json.loads(notebook.saved())["cells"][number]["outputs"]


def is_focused(element):
    return element.evaluate("e => e === document.activeElement")


def press_tab_until(notebook, element, most=40):
    for _ in range(most):
        if is_focused(element):
            return
        notebook.page.keyboard.press("Tab")
    raise AssertionError("it cannot be reached by keyboard")


def test_all_is_reached_and_done_by_keyboard(link_ready):
    notebook = link_ready("keyboard")
    shown = notebook.output(1)
    notebook.page.locator(".jp-Notebook .jp-Cell").nth(1).focus()
    press_tab_until(notebook, shown.locator(LINK))
    notebook.shot("keyboard-link")
    with notebook.context.expect_page() as opened:
        notebook.page.keyboard.press("Enter")
    opened.value.close()
    press_tab_until(notebook, shown.get_by_label("Page cannot be reached?"))
    press_tab_until(notebook, shown.get_by_role("button", name="Cancel"))
    notebook.shot("keyboard-cancel")
    notebook.page.keyboard.press("Enter")
    notebook.wait_for(1, "Sign-in cancelled")


def test_the_countdown_takes_no_focus(link_ready):
    notebook = link_ready("focus")
    link, timer = (
        notebook.output(1).locator(LINK),
        notebook.output(1).get_by_role("timer"),
    )
    link.focus()
    seen = {timer.text_content()}
    while len(seen) < 4:
        notebook.page.wait_for_timeout(200)
        seen.add(timer.text_content())
    assert is_focused(link)


def test_the_outputs_tell_a_screen_reader(link_ready):
    notebook = link_ready("ear", after=[f"{LOGIN} --force --timeout 1"])
    heard = notebook.output(1).aria_snapshot()
    for line in (
        'group "Intermezzo sign-in"',
        "status: Sign in to Intermezzo",
        'link "Sign in at the practice server',
        'textbox "Page cannot be reached?"',
        'button "Cancel"',
    ):
        assert line in heard
    notebook.sign_in(1)
    notebook.wait_for(1, "Maren Voss")
    heard = notebook.output(1).get_by_role("status").text_content()
    assert "Signed in as Maren Voss" in heard
    notebook.run(2)
    notebook.wait_for(2, "Nobody signed in in time")
    assert "Nobody" in notebook.output(2).get_by_role("alert").text_content()


@pytest.fixture
def three_ways(open_notebook):
    """Open a notebook that shows the panels of three ways, one a cell."""

    def show(name, **options):
        logins = [f"{LOGIN} --via {way}" for way in ("loopback", "device", "paste")]
        notebook = open_notebook(name, LOAD, *logins, **options)
        notebook.do("application:toggle-left-area")
        notebook.run(0)
        return notebook

    return show


def show_way(notebook, number):
    notebook.run(number)
    notebook.output(number).locator(LINK).wait_for(timeout=30_000)
    notebook.output(number).get_by_role("button", name="Cancel").wait_for()
    notebook.output(number).scroll_into_view_if_needed()


WIDER_THAN_ITS_PLACE = """area => [...area.querySelectorAll('*')]
    .filter(e => !e.closest('svg') && e.getBoundingClientRect().width > 0)
    .filter(e => e.getBoundingClientRect().right
        > area.getBoundingClientRect().right + 1)
    .map(e => e.tagName + '.' + e.className)"""


def test_nothing_is_cut_off_on_a_small_screen(three_ways):
    notebook = three_ways("small.ipynb")
    notebook.page.set_viewport_size({"width": 360, "height": 800})
    for number in (1, 2, 3):
        show_way(notebook, number)
        summary = notebook.output(number).locator("summary")
        if summary.count():
            summary.click()
        notebook.shot(f"small-{number}")
        assert notebook.output(number).evaluate(WIDER_THAN_ITS_PLACE) == []


# In one step: the timer is drawn anew each second, and the page may scroll meanwhile.
PLACES = """(area, controls) => [area.querySelector('[role=timer]'), ...controls]
    .map(e => e.getBoundingClientRect().toJSON())"""


@pytest.mark.parametrize("width", [360, 1180])
def test_the_controls_stand_below_the_text_of_the_card(three_ways, width):
    notebook = three_ways(f"aligned-{width}.ipynb")
    notebook.page.set_viewport_size({"width": width, "height": 900})
    for number in (1, 2, 3):
        show_way(notebook, number)
        notebook.shot(f"aligned-{width}-{number}")
        shown = notebook.output(number)
        shown.get_by_role("timer").wait_for()
        controls = [
            shown.locator(LINK),
            shown.locator(".intermezzo-card"),
            shown.get_by_role("button", name="Cancel"),
            shown.get_by_label("Page cannot be reached?"),
        ]
        handles = [one.element_handle() for one in controls if one.count()]
        left, text, card, cancel, *fields = shown.evaluate(PLACES, handles)
        assert abs(cancel["x"] - text["x"]) < 2
        assert abs(middle(left) - middle(cancel)) < 3  # in one row
        assert len(fields) == (number != 2)
        for box in fields:
            assert 0 < card["x"] + card["width"] - box["x"] - box["width"] < 24


def middle(box):
    return box["y"] + box["height"] / 2


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_high_contrast_leaves_all_to_be_seen(three_ways, color_scheme):
    name, options = f"contrast-{color_scheme}", {"forced_colors": "active"}
    notebook = three_ways(f"{name}.ipynb", color_scheme=color_scheme, **options)
    for number in (1, 2, 3):
        show_way(notebook, number)
        notebook.shot(f"{name}-{number}")
        shown = notebook.output(number)
        controls = [shown.locator(LINK), shown.get_by_role("button", name="Cancel")]
        for control in controls:
            # A frame of a colour of its own, as the ground is all one there.
            frame, ground = control.evaluate(
                "e => [getComputedStyle(e).borderTopColor,"
                " getComputedStyle(document.body).backgroundColor]"
            )
            assert frame != ground


def test_a_click_selects_the_code(link_ready):
    notebook = link_ready("copy", login=f"{LOGIN} --via device")
    code = notebook.output(1).locator(".intermezzo-code")
    code.click()
    selected = notebook.page.evaluate("window.getSelection().toString().trim()")
    assert selected == code.text_content()


def cancelled(notebook):
    notebook.output(1).get_by_role("button", name="Cancel").click()
    return "Sign-in cancelled"


def refused(notebook):
    notebook.sign_in(1, answer="deny")
    return "Sign-in refused"


def timed_out(notebook):
    text = f"{LOGIN} --timeout 1"
    notebook.page.evaluate(
        "text => { window.jupyterapp.shell.currentWidget.content.widgets[1]"
        ".model.sharedModel.setSource(text) }",
        text,
    )
    notebook.run(1)
    return "Nobody signed in in time"


def replaced(notebook):
    notebook.run(2)
    return "Replaced by a newer sign-in"


def signed_in(notebook):
    notebook.sign_in(1)
    return "Maren Voss"


@pytest.mark.parametrize("end", [cancelled, refused, timed_out, replaced, signed_in])
def test_a_saved_notebook_keeps_one_plain_line(link_ready, reopened, end):
    name = f"saved-{end.__name__}"
    notebook = link_ready(name, after=[LOGIN])
    told = end(notebook)
    notebook.wait_for(1, told)
    notebook.output(1).get_by_role("button").first.wait_for(state="hidden")
    first, *others = outputs_of(notebook)
    assert [set(o["data"]) for o in others] == [{"text/plain", "text/html"}]
    assert not any("".join(text) for o in others for text in o["data"].values())
    assert "\n" not in "".join(first["data"]["text/plain"]).strip()
    assert "state=" not in str(first)
    again = reopened(notebook)
    again.wait_for(1, told)
    again.shot(name)
    assert again.output(1).get_by_text(BROKEN).count() == 0


def is_comm(message):
    head = message if isinstance(message, bytes) else message.encode()
    return b'"msg_type":"comm_' in head.replace(b'": "', b'":"')


def without_comms(context):
    """Let no widget's message pass between page and kernel."""

    def between(page):
        kernel = page.connect_to_server()
        page.on_message(lambda m: None if is_comm(m) else kernel.send(m))
        kernel.on_message(lambda m: None if is_comm(m) else page.send(m))

    context.route_web_socket(re.compile(r"/api/kernels/.*/channels"), between)


def test_the_card_alone_leads_to_a_session(open_notebook, reopened):
    notebook = open_notebook("dead.ipynb", LOAD, LOGIN, READ, before=without_comms)
    notebook.run_all()
    notebook.output(1).locator(LINK).wait_for(timeout=30_000)
    assert notebook.output(1).get_by_role("button").count() == 0
    notebook.shot("dead-link-ready")
    notebook.sign_in(1)
    notebook.wait_for(1, "Maren Voss")
    notebook.wait_for(2, "organizations")
    notebook.shot("dead-signed-in")
    assert notebook.output(1).get_by_text(BROKEN).count() == 0
    again = reopened(notebook)
    again.wait_for(1, "Maren Voss")
    assert again.output(1).get_by_text(BROKEN).count() == 0


def test_after_a_restart_the_old_link_says_that_nothing_waits(link_ready):
    notebook = link_ready("restarted", login=f"{LOGIN} --via server")
    notebook.page.evaluate(
        "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
        ".restart().then(() => null)"
    )
    with notebook.context.expect_page() as opened:
        notebook.output(1).locator(LINK).click()
    opened.value.get_by_text("Nothing waits for this").wait_for()


def test_a_newer_sign_in_replaces_the_first(link_ready):
    notebook = link_ready("newer", after=[LOGIN, READ])
    notebook.run(2)
    notebook.wait_for(1, "Replaced by a newer sign-in")
    notebook.shot("replaced")
    notebook.sign_in(2)
    notebook.run(3)
    notebook.wait_for(3, "organizations")


# ipykernel 7.4 sends a click to the thread that made the button, 7.0 to the one that
# JupyterLab asks for; a widget has to bear both.
LET_THE_PAGE_CHOOSE = """
from ipykernel.comm.comm import BaseComm
BaseComm._reply_subshell_for = lambda comm, data, default: default
"""
WAITING = {"magic": f"{LOGIN} --wait", "request": f"{LOGIN}\n{READ}"}


@pytest.mark.parametrize("waits", WAITING)
def test_a_click_on_another_thread_ends_the_cell_that_waits(open_notebook, waits):
    load = f"{LOAD}{LET_THE_PAGE_CHOOSE}"
    notebook = open_notebook(f"subshell-{waits}.ipynb", load, WAITING[waits])
    notebook.run(0)
    notebook.run(1, wait=False)
    notebook.output(1).get_by_role("button", name="Cancel").click()
    notebook.wait_for(1, "Sign-in cancelled")
    notebook.wait_for(1, "login_cancelled")


def test_a_click_that_comes_late_does_no_harm(open_notebook):
    notebook = open_notebook("late.ipynb", LOAD, f"{LOGIN} --wait", LOGIN, READ)
    notebook.run(0)
    notebook.run(1, wait=False)
    notebook.output(1).get_by_role("button", name="Cancel").click()
    notebook.do("notebook:interrupt-kernel")
    notebook.wait_for(1, "Sign-in cancelled")
    notebook.wait_for(1, "login_cancelled")
    notebook.run(2)
    notebook.sign_in(2)
    notebook.wait_for(2, "Maren Voss")
    notebook.run(3)
    notebook.wait_for(3, "organizations")
