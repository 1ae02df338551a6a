"""Where the browser cannot reach the kernel: the address is brought by hand."""

from __future__ import annotations

LOAD = "%load_ext intermezzo_nb"
LOGIN = "%intermezzo_login --profile demo --via paste"
READ = "df = %intermezzo employees --organization all --limit 300\ndf.dtypes"


def address_of_the_dead_page(notebook, person):
    """Sign in elsewhere, where the address on which that ends leads nowhere."""
    link = notebook.output(1).locator("a.intermezzo-sign-in").first
    link.wait_for(timeout=30_000)
    return person().answer_for(link.get_attribute("href"))


def test_an_address_is_pasted_into_the_panel(open_notebook, person):
    notebook = open_notebook("paste.ipynb", LOAD, LOGIN, READ)
    notebook.run(0)
    notebook.run(1)
    notebook.wait_for(1, "cannot be reached")
    notebook.shot("paste-light")
    field = notebook.output(1).get_by_label("Page cannot be reached?")
    field.fill("only-the-code")
    notebook.wait_for(1, "no whole address")
    assert field.input_value() == ""
    field.fill(address_of_the_dead_page(notebook, person))
    notebook.wait_for(1, "Maren Voss")
    notebook.run(2)
    notebook.wait_for(2, "datetime64[us, UTC]")
    saved = notebook.saved()
    assert "code=" not in saved
    assert "state=" not in saved


def test_a_waiting_cell_asks_for_the_address(open_notebook, person):
    notebook = open_notebook("ask.ipynb", LOAD, LOGIN, READ)
    notebook.run_all()
    typed = notebook.page.locator(".jp-Stdin-input")
    typed.wait_for(timeout=30_000)
    notebook.shot("paste-asked")
    typed.fill(address_of_the_dead_page(notebook, person))
    typed.press("Enter")
    notebook.wait_for(2, "datetime64[us, UTC]")
    assert "code=" not in notebook.saved()


def test_the_question_ends_when_the_panel_was_faster(open_notebook):
    notebook = open_notebook("faster.ipynb", LOAD, LOGIN, READ)
    notebook.run_all()
    notebook.page.locator(".jp-Stdin-input").wait_for(timeout=30_000)
    notebook.sign_in(1)  # a tunnel leads to the listener after all
    notebook.wait_for(2, "datetime64[us, UTC]")
