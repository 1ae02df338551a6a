"""Tab completion through IPython's own completer, and in a kernel; without network."""

from __future__ import annotations

import warnings

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from jupyter_client.manager import start_new_kernel

from intermezzo_nb.api.resources import CATALOGUE, find


@pytest.fixture(scope="module")
def loaded():
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "intermezzo_nb")
    yield shell
    shell.run_line_magic("unload_ext", "intermezzo_nb")
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()


@pytest.fixture
def tab(loaded):
    """Give what is offered at the end of a cell, as Jupyter asks for it."""

    def press(cell):
        with provisionalcompleter(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = list(loaded.Completer.completions(cell, len(cell)))
        return [c.text for c in found]

    return press


@pytest.fixture
def after(loaded):
    """Give what a cell becomes with each of its completions."""

    def press(cell):
        with provisionalcompleter(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = list(loaded.Completer.completions(cell, len(cell)))
        return [cell[: c.start] + c.text + cell[c.end :] for c in found]

    return press


@pytest.mark.parametrize(
    "before",
    ["%intermezzo ", "df = %intermezzo ", "%%intermezzo ", "x = 1\n%intermezzo "],
)
def test_resources_are_offered(tab, before):
    assert tab(before) == list(CATALOGUE)


def test_resources_that_begin_so(tab, after):
    assert tab("%intermezzo p32") == ["p32", "p32-cumulative"]
    assert after("df = %intermezzo job-") == ["df = %intermezzo job-details"]
    assert tab("%intermezzo_resources tax") == ["tax-details"]
    assert tab("%intermezzo_resources payr") == ["payroll-gb", "payroll-de"]
    assert tab("%intermezzo payr") == []


def test_parameters_columns_and_options_of_a_resource(tab):
    offered = tab("%intermezzo wage-types ")
    assert offered[:3] == ["effective_date=", "status=", "category="]
    assert {f"{c.name}=" for c in find("wage-types").columns} <= {*offered}
    assert {"--limit", "--columns", "--history", "--money"} <= {*offered}
    assert "effective_date=" not in tab("%intermezzo employees ")
    assert tab("%intermezzo compensation ")[0] == "employee_id="
    assert "employeeId=" not in tab("%intermezzo compensation ")


def test_the_end_of_a_dotted_column_finds_it(after):
    assert "%intermezzo employees jobDetails.jobTitle=" in after(
        "%intermezzo employees jobT"
    )
    line = "%intermezzo employees personalData.gen"
    assert after(line) == [line + "der="]


def test_what_is_given_is_not_offered_again(tab):
    offered = tab("%intermezzo wage-types status=draft --limit 5 ")
    assert "status=" not in offered
    assert "category=" in offered
    assert "--limit" not in offered


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        ("wage-types status=", ["draft", "approved", "deprecated"]),
        ("wage-types status=d", ["draft", "deprecated"]),
        ("employees --limit 5 employmentCountry=", ["DE", "GB"]),
        ("employees personalData.gender=", ["M", "W", "D"]),
        ("compensation isLumpsum=t", ["true"]),
        ("job-details employmentStatus=dir", ["Director"]),
    ],
)
def test_documented_values(tab, typed, values):
    assert tab(f"%intermezzo {typed}") == values


def test_a_value_with_spaces_is_quoted_as_the_magic_reads_it(after):
    for begun in ("jobType=", "jobType=Part", 'jobType="Part Time F', "jobType='Part "):
        offered = after(f"%intermezzo job-details {begun}")
        line = '%intermezzo job-details jobType="Part Time Fixed Term"'
        assert line in offered


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        ("intermezzo employees --money ", ["float", "decimal"]),
        ("intermezzo employees --money=d", ["decimal"]),
        ("intermezzo employees --organization ", ["all"]),
        ("intermezzo_login --via p", ["paste"]),
        ("intermezzo_login --store ", ["auto", "memory", "file", "keyring"]),
        ("intermezzo_login --profile ", ["demo"]),
        ("intermezzo_login --no-", ["--no-wait", "--no-input"]),
        ("intermezzo p32 --his", ["--history"]),
    ],
)
def test_options_and_their_values(tab, typed, values):
    assert tab(f"%{typed}") == values


def test_columns_one_after_the_other(after):
    line = "%intermezzo employees --columns id,startDate,end"
    assert after(line) == [line + "Date"]
    assert line + "Date,id" not in after(line + "Date,i")


def test_the_body_of_a_cell(tab, after):
    cell = "%%intermezzo documents -o docs\n"
    assert {"document_type: ", "status: ", "limit: "} <= {*tab(cell)}
    assert after(f"{cell}sta") == [f"{cell}status: "]
    assert tab(f"{cell}status: a") == ["active", "archived"]
    assert tab(f"{cell}status: active\ndocument_type: pay") == ["payslip"]
    assert tab("%%intermezzo --limit 5 p32\ntax_") == ["tax_year: "]


@pytest.mark.parametrize(
    "cell", ["print(", "intermez", "a %intermezzo", "%time ", "%intermezzo /path a"]
)
def test_elsewhere_nothing_of_ours_is_offered(tab, cell):
    assert not {*CATALOGUE, "--limit", "status="} & {*tab(cell)}


def test_the_older_interface_of_ipython_offers_the_same(loaded):
    line = "%intermezzo employees employmentCountry="
    with pytest.warns(PendingDeprecationWarning):
        _, offered = loaded.complete("", line, len(line))
    assert offered == ["DE", "GB"]


def test_loading_twice_offers_once_and_unloading_nothing(loaded, tab):
    loaded.run_line_magic("reload_ext", "intermezzo_nb")
    matchers = loaded.Completer.custom_matchers
    assert len(matchers) == 1
    loaded.run_line_magic("unload_ext", "intermezzo_nb")
    assert loaded.Completer.custom_matchers == []
    loaded.run_line_magic("load_ext", "intermezzo_nb")
    assert tab("%intermezzo p32") == ["p32", "p32-cumulative"]


def test_a_kernel_answers_a_frontend():
    manager, client = start_new_kernel()
    try:
        client.execute_interactive("%load_ext intermezzo_nb", timeout=30)
        for code, offered, replaced in (
            ("df = %intermezzo job", ["job-details"], "job"),
            ("%intermezzo employees employmentCountry=", ["DE", "GB"], ""),
            ("x = 1\n%intermezzo documents status=ar", ["archived"], "ar"),
        ):
            told = client.complete(code, len(code), reply=True, timeout=30)["content"]
            assert told["matches"] == offered
            assert code[told["cursor_start"] : told["cursor_end"]] == replaced
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
