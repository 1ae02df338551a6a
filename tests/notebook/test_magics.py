"""The magics in a real shell: what they give, and how they say no."""

from __future__ import annotations

import re
import warnings
from html import escape

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from intermezzo_nb import configured, connect, connecting, current, session
from intermezzo_nb.errors import IncompleteWarning, IntermezzoError, SettingsError
from intermezzo_nb.profiles import profiles_path
from intermezzo_nb.surroundings import Surroundings


@pytest.fixture
def shell(monkeypatch):
    """Give a shell with the extension loaded, and no connection yet."""
    monkeypatch.setattr(current, "_current", None)
    monkeypatch.setattr(configured, "_given_by", None)
    monkeypatch.setattr(current, "_asked_by", ({}, {}))
    made = InteractiveShell.instance()
    made.run_line_magic("load_ext", "intermezzo_nb")
    yield made
    made.run_line_magic("unload_ext", "intermezzo_nb")
    if current._current is not None and current._current._api is not None:
        current._current.session.close()
    made.history_manager.end_session()
    InteractiveShell.clear_instance()


@pytest.fixture
def machine(shared_practice, monkeypatch):
    """Set the environment as ``intermezzo-nb sandbox`` exports it."""
    for name, value in shared_practice.settings("machine").items():
        monkeypatch.setenv(f"INTERMEZZO_{name.upper()}", value)
    return shared_practice


@pytest.fixture
def profiles(shared_practice):
    """Write the profiles acme and gb, which have a machine's credentials."""
    path, settings = profiles_path(), shared_practice.settings("machine")
    path.parent.mkdir(parents=True)
    lines = "".join(f"{name} = {value!r}\n" for name, value in settings.items())
    path.write_text(f"[acme]\n{lines}[gb]\n{lines}")
    return path


def run(shell, code):
    return shell.run_cell(code, store_history=True)


def refused(shell, code):
    """Run a cell that must fail with one of our errors; give that."""
    error = run(shell, code).error_in_exec
    assert isinstance(error, IntermezzoError), error
    return error


def test_a_frame_by_assignment(shell, machine):
    assert run(shell, "orgs = %intermezzo organizations").success
    orgs = shell.user_ns["orgs"]
    assert len(orgs) == 3
    about = orgs.attrs["intermezzo"]
    assert (about["rows"], about["complete"]) == (3, True)


def test_into_a_variable_and_nothing_is_shown(shell, machine):
    result = run(shell, "%intermezzo wage-types category=earnings -o types")
    assert result.result is None
    assert set(shell.user_ns["types"]["category"]) == {"earnings"}


def test_a_cell_takes_filters_in_its_body(shell, machine):
    code = "%%intermezzo wage-types -o types\ncategory: earnings\nstatus: approved"
    assert run(shell, code).success
    body = '%%intermezzo wage-types -o more\n{"category": "earnings", "niClass": "x"}'
    assert run(shell, body).success
    assert len(shell.user_ns["types"]) > 0
    assert len(shell.user_ns["more"]) == 0
    assert list(shell.user_ns["more"].columns) == list(shell.user_ns["types"].columns)


def test_a_body_takes_python_variables_as_a_line_does(shell, machine):
    run(shell, "category, niClass, v = 'earnings', 'x', 1")
    body = "%%intermezzo wage-types -o types\ncategory: {category}"
    assert run(shell, body).success
    assert set(shell.user_ns["types"]["category"]) == {"earnings"}
    body = '%%intermezzo wage-types -o more\n{"category": "{category}", "limit": 3}'
    assert run(shell, body).success
    assert set(shell.user_ns["more"]["category"]) == {"earnings"}


@pytest.mark.parametrize(
    "code",
    [
        "%%intermezzo wage-types -o none\nname: {there_is_none}",
        '%%intermezzo wage-types -o none\n{"name": "{there_is_none}"}',
        "%intermezzo wage-types name={there_is_none} -o none",
        "%intermezzo wage-types name=$there_is_none -o none",
        "%intermezzo employees --organization {there_is_none} -o none",
        "%intermezzo employees --limit {there_is_none} -o none",
    ],
)
def test_a_variable_that_is_none_is_no_value(shell, machine, code):
    error = refused(shell, code)
    assert error.what.startswith("there is no variable there_is_none for ")
    assert "none" not in shell.user_ns


def test_a_body_takes_options_as_they_are_written_in_a_line(shell, machine):
    code = "%%intermezzo compensation -o pay\norganization: all\nas-of: 2026-03-31"
    assert run(shell, code).success
    assert shell.user_ns["pay"].attrs["intermezzo"]["as_of"] == "2026-03-31"
    error = refused(shell, "%%intermezzo employees\norganisation: all")
    assert "Did you mean organization?" in error.advice
    error = refused(shell, "%intermezzo employees --organisation all")
    assert "Did you mean --organization?" in error.advice


@pytest.mark.parametrize(
    "ids", ['employee_id={",".join(people.id)}', "--employee-id {list(people.id)}"]
)
def test_ids_are_parted_by_commas_or_a_printed_list(shell, machine, ids):
    run(shell, "people = %intermezzo employees --organization all --limit 3")
    code = f"%intermezzo documents --organization all -o docs {ids}"
    assert run(shell, code).success
    about = shell.user_ns["docs"].attrs["intermezzo"]
    assert (about["failures"], about["complete"]) == ([], True)


def test_a_printed_column_is_no_list_of_ids(shell, machine):
    run(shell, "people = %intermezzo employees --organization all --limit 3")
    error = refused(shell, "%intermezzo documents --employee-id {people.id}")
    assert "a value of several lines" in error.what
    assert '{",".join(df.id)}' in error.advice


def test_what_failed_is_told_by_the_line_alone(shell, machine, capsys):
    run(shell, "people = %intermezzo employees --organization all --limit 1")
    code = "%intermezzo documents --organization all --employee-id {people.id[0]},emp_x"
    with warnings.catch_warnings():
        warnings.resetwarnings()
        assert run(shell, code + " -o docs").success
    told = capsys.readouterr()
    assert "1 of 2 employees failed: emp_x" in told.out
    assert "IncompleteWarning" not in told.err + told.out
    # Where such warnings are errors, as in this test, so they are for the magic.
    failed = run(shell, code)
    assert isinstance(failed.error_in_exec, IncompleteWarning)


def test_values_with_spaces_and_python_variables(shell, machine):
    run(shell, "title = 'Shift Lead'")
    code = "%intermezzo employees --organization all -o leads "
    assert run(shell, code + "'jobDetails.jobTitle={title}'").success
    assert set(shell.user_ns["leads"]["jobDetails.jobTitle"]) == {"Shift Lead"}


def test_a_limit_is_told(shell, machine, capsys):
    assert run(shell, "%intermezzo wage-types --limit 5 -o few").success
    assert "5 of" in capsys.readouterr().out
    assert shell.user_ns["few"].attrs["intermezzo"]["complete"] is False


def test_exact_money_on_request(shell, machine):
    code = "p32 = %intermezzo p32 tax_year=2025 --organization all --money decimal"
    assert run(shell, code).success
    p32 = shell.user_ns["p32"]
    totals = p32.attrs["intermezzo"]["control_totals"]
    assert str(p32["netPayable"].sum()) == totals["netPayable"]
    assert str(p32["netPayable"].dtype).startswith("decimal128")


def test_pay_and_jobs_of_one_employee(shell, machine):
    run(shell, "one = %intermezzo employees --organization all --limit 1")
    run(shell, "who, where = one.id[0], one.organizationId[0]")
    base = "--employee-id {who} --organization {where} -o"
    assert run(shell, f"%intermezzo compensation {base} pay").success
    assert run(shell, f"%intermezzo job-details --history {base} jobs").success
    assert set(shell.user_ns["pay"]["employeeId"]) == {shell.user_ns["who"]}
    assert shell.user_ns["jobs"]["validFrom"].is_monotonic_increasing


def test_pay_of_some_and_of_all_on_a_day(shell, machine):
    run(shell, "staff = %intermezzo employees --organization all --limit 30")
    run(shell, "where = staff.organizationId[0]; ids = ','.join(staff.id)")
    base = "--organization {where} --as-of 2026-03-31 --strict -o"
    some = f"%intermezzo compensation --employee-id {{ids}} {base} some"
    assert run(shell, some).success
    some = shell.user_ns["some"]
    assert some.attrs["intermezzo"]["as_of"] == "2026-03-31"
    assert set(some["employeeId"]) <= {*shell.user_ns["staff"]["id"]}
    assert run(shell, f"%intermezzo compensation {base} every").success
    every = shell.user_ns["every"]
    body = "as_of: 2026-03-31\nstrict: true\nemployee_id: {ids}"
    cell = f"%%intermezzo compensation --organization {{where}} -o same\n{body}"
    ids = shell.user_ns["ids"]
    assert run(shell, cell.replace("{ids}", ids)).success
    assert shell.user_ns["same"].equals(some)
    of_some = every["employeeId"].isin(some["employeeId"])
    assert every[of_some].reset_index(drop=True).equals(some)
    assert every["employeeId"].nunique() > 100


def test_an_employee_can_be_named_as_in_python(shell, machine):
    run(shell, "who = %intermezzo employees --organization all --limit 1")
    words = "employee_id={who.id[0]} --organization {who.organizationId[0]}"
    assert run(shell, f"%intermezzo compensation {words} -o pay").success
    assert set(shell.user_ns["pay"]["employeeId"]) == {shell.user_ns["who"].id[0]}


def test_status_and_logout_tell_no_secret(shell, machine, capsys):
    run(shell, "%intermezzo organizations -o o")
    assert run(shell, "%intermezzo_status").success
    assert run(shell, "%intermezzo_logout").success
    told = capsys.readouterr().out
    assert "signed in" in told
    assert "revoked there: access token" in told


def test_settings_by_config(shell, machine):
    run(shell, "%config IntermezzoMagics.money = 'decimal'")
    run(shell, "%config IntermezzoMagics.organization = 'all'")
    assert run(shell, "p = %intermezzo p32 tax_year=2025").success
    assert str(shell.user_ns["p"]["smp"].dtype).startswith("decimal128")


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("%intermezzo employes", "unknown_resource"),
        ("%intermezzo employees -o 1x", "bad_arguments"),
        ("%intermezzo employees -o class", "bad_arguments"),
        ("%intermezzo employees --limit many", "bad_arguments"),
        ("%intermezzo employees --limit -1", "bad_arguments"),
        ("%intermezzo employees --max-requests 0", "bad_arguments"),
        ("%intermezzo employees --as-of 2026-03-31", "no_history"),
        ("%intermezzo job-details --as-of 2026-02-30", "bad_arguments"),
        ("%intermezzo job-details --as-of 2026-02-28 --history", "bad_arguments"),
        ("%intermezzo job-details --employee-id a/b --organization o", "bad_filter"),
        ("%%intermezzo job-details\nstrict: perhaps", "bad_arguments"),
        ("%intermezzo /organizations/x --max-requests few", "bad_arguments"),
        (
            "%intermezzo employees --organization all --max-requests 2",
            "too_many_requests",
        ),
        ("%intermezzo employees --limt 5", "bad_arguments"),
        ("%intermezzo employees country", "bad_arguments"),
        ("%intermezzo employees 'open", "bad_arguments"),
        ("%intermezzo", "bad_arguments"),
        ("%intermezzo employees countr=DE", "unknown_filter"),
        ("%intermezzo employees --columns idd", "unknown_column"),
        ("%intermezzo employees", "missing_setting"),
        ("%intermezzo p32", "missing_parameter"),
        ("%intermezzo wage-types --history", "no_history"),
        ("%intermezzo https://evil.example/x", "unknown_resource"),
        ("%intermezzo employees limit=1", "bad_arguments"),
        ("%intermezzo wage-types status=a status=b", "bad_arguments"),
        ("%intermezzo wage-types --history --limit 1", "no_history"),
        ("%intermezzo /organizations --limit 99999999999999999999", "bad_arguments"),
        ("%intermezzo organizations --organization x", "bad_arguments"),
        ("%intermezzo wage-types -o get_ipython", "bad_arguments"),
        ("%intermezzo wage-types -o print", "bad_arguments"),
        ("%intermezzo wage-types -o __builtins__", "bad_arguments"),
        ("%intermezzo wage-types -o _oh", "bad_arguments"),
        ("%intermezzo wage-types -o _", "bad_arguments"),
        ("%intermezzo wage-types --limit ٣", "bad_arguments"),
        ("%intermezzo wage-types --columns ,", "bad_arguments"),
        ("%intermezzo wage-types --columns ''", "bad_arguments"),
        ("%intermezzo wage-types foo=1", "unknown_filter"),
        ('%%intermezzo wage-types\n{"columns": 5}', "bad_arguments"),
        ('%%intermezzo wage-types\n{"money": []}', "bad_setting"),
        ('%%intermezzo wage-types\n[["status", "draft"]]', "bad_arguments"),
        ('%%intermezzo wage-types\n{"a": 1, "a": 2}', "bad_arguments"),
        ("%%intermezzo wage-types\nlimit: 1\nlimit: 2", "bad_arguments"),
        ("%intermezzo /../x", "bad_path"),
        ("%intermezzo /x#y", "bad_path"),
        ("%%intermezzo wage-types\nstatus=draft", "bad_arguments"),
        ("%%intermezzo wage-types\nstatus", "bad_arguments"),
        ("%%intermezzo wage-types\n[1, 2]", "bad_arguments"),
        ("%%intermezzo wage-types\nhistory: perhaps", "bad_arguments"),
        ("%intermezzo_login --wait --no-wait", "bad_arguments"),
        ("%intermezzo /nothing", "not_found"),
        ("%intermezzo /organizations size=5 -o é!", "bad_arguments"),
        ("%%intermezzo wage-types\n{", "bad_arguments"),
        ("%intermezzo_resources pay", "unknown_resource"),
        ("%intermezzo_login --via pigeon", "bad_setting"),
        ("%intermezzo_login --via server", "no_server"),
        ("%intermezzo_login --timeout soon", "bad_setting"),
        ("%intermezzo_login --profile nowhere", "unknown_profile"),
        ("%intermezzo_login --issuer http://far.example", "insecure_url"),
        ("%intermezzo_login --client-id other", "mixed_credentials"),
        ("%intermezzo_login --secret x", "bad_arguments"),
    ],
)
def test_bad_input_is_told_in_three_lines_and_fails(
    shell, machine, code, word, monkeypatch
):
    if word == "no_server":
        monkeypatch.setattr("intermezzo_nb.session.look", _somebody)
    error = refused(shell, code)
    assert error.code == word
    assert 2 <= len(error.lines()) <= 3
    assert error.advice


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("%intermezzo wage-types status", "'status' is no filter"),
        ("%intermezzo wage-types status=a status=b", "'status' comes twice"),
        ("%%intermezzo wage-types\nstatus", "'status' is no filter"),
        ("%%intermezzo wage-types\na: 1\na: 2", "'a' comes twice"),
        ('%%intermezzo wage-types\n{"a": 1, "a": 2}', "'a' comes twice"),
        ("%%intermezzo wage-types\n[1]", "not a JSON object"),
    ],
)
def test_two_faults_have_two_messages(shell, machine, code, told):
    assert told in refused(shell, code).what


@pytest.mark.parametrize(
    "line",
    [
        "intermezzo wage-types --columns id --columns name",
        "intermezzo wage-types --columns id status=draft --columns=name",
        "intermezzo wage-types -o a --output b",
        "intermezzo_login --profile demo --profile acme",
    ],
)
def test_an_option_that_comes_twice_is_not_forgotten(shell, machine, line):
    error = refused(shell, f"%{line}")
    assert error.code == "bad_arguments"
    assert "comes twice" in error.why


def _somebody():
    from intermezzo_nb.surroundings import Surroundings

    return Surroundings("notebook", answers=True, silence="", elsewhere=())


@pytest.mark.parametrize(
    ("line", "what", "advice"),
    [
        ("intermezzo employees --as arrow", "no option --as", "Did you mean --as-of?"),
        ("intermezzo employees --as arrow", "no option --as", "frame(…, as_=…)"),
        ("intermezzo employees --org=all", "--org", "Did you mean --organization?"),
        ("intermezzo employees --lim 3", "--lim", "Did you mean --limit?"),
        ("intermezzo_login --prof demo", "--prof", "Did you mean --profile?"),
        ("intermezzo_login --secret x", "--secret", "See %intermezzo_login?"),
        ("intermezzo employees -x", "has no option -x", "See %intermezzo?"),
    ],
)
def test_an_option_has_one_name_and_others_get_a_hint(shell, line, what, advice):
    error = refused(shell, f"%{line}")
    assert what in error.what
    assert advice in error.advice
    assert ("Did you mean" in error.advice) is not advice.startswith("See")


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ("p32 2025", "Write tax_year=2025."),
        ("p32 twenty", "Write tax_year=2026."),
        ("p32 tax_year", "Write tax_year=2026."),
        ("p32-cumulative 2025 --organization all", "Write tax_year=2025."),
        ("worksite-insurance wst_1", "Write worksite_id=wst_1."),
        ("worksite-insurance SplxlOBeZQQYbYS6", "Write worksite_id=wst_…."),
        ("p32 --tax-year 2025", "Write tax_year=2025. See %intermezzo?"),
        ("-o df p32 --tax_year=2025", "Write tax_year=2025. See"),
        ("p32 --tax-year", "Write tax_year=2026. See"),
        ("p32 --tax-year SplxlOBeZQQYbYS6", "Write tax_year=2026. See"),
        ("wage-types --status draft", "Write status=draft. See"),
        ("documents --document-type x?y", "Write document_type=VALUE. See"),
    ],
)
def test_a_parameter_is_no_word_and_no_option(shell, given, advice):
    error = refused(shell, f"%intermezzo {given}")
    assert error.code == "bad_arguments"
    assert error.advice.startswith(advice)


@pytest.mark.parametrize("given", ["p32 tax_year=2025 word", "documents word"])
def test_a_word_is_no_parameter_that_is_given_or_need_not_be(shell, given):
    assert "Write filters as" in refused(shell, f"%intermezzo {given}").advice


@pytest.mark.parametrize("given", ["--client-secret x-y", "--client-secret=x-y"])
def test_a_secret_in_a_line_is_refused_with_the_safe_way(shell, given):
    error = refused(shell, f"%intermezzo_login {given}")
    assert error.code == "secret_in_plain_sight"
    assert "INTERMEZZO_CLIENT_SECRET_FILE" in error.advice
    assert "x-y" not in str(error)


_CODE = "SplxlOBeZQQYbYS6WxSbIA"
_TYPED = [
    "http://127.0.0.1:1/cb?code=abc&state=xyz",
    f"http://127.0.0.1:1/cb?code={_CODE}&state=xyzzy",
    f"/cb#access_token={_CODE}",
    f"code={_CODE}",
    _CODE,
    f"-{_CODE}",
    f"--{_CODE}",
    f"4/0AX4XfWh{_CODE}",
    "U3BseGxPQmVaUVFZYllT==",
]
_LOGIN = (
    *("profile", "via", "timeout", "store", "client-id", "issuer", "api-url"),
    *("scope", "organization", "what-ever"),
)
_READ = ("limit", "columns", "as-of", "max-requests", "money", "strict", "what-ever")
_IN_LINES = [
    *("intermezzo_login --paste {}", "intermezzo_login --paste={}"),
    *("intermezzo_login {}", "intermezzo_login --profile 'acme {}"),
    *(f"intermezzo_login --{name} {{}}" for name in _LOGIN),
    *(f"intermezzo_login --{name}={{}}" for name in _LOGIN),
    *(
        "intermezzo {}",
        "intermezzo {}=1",
        "intermezzo p32 {}",
        "intermezzo employees {}",
    ),
    *("intermezzo employees {}=1", "intermezzo employees limit={}"),
    *("intermezzo employees columns={}", "intermezzo employees {0}=1 {0}=2"),
    *("intermezzo employees employmentCountry={}", "intermezzo p32 tax_year={}"),
    *("intermezzo employees -o{}", "intermezzo employees --output={}"),
    *("intermezzo documents --employee-id {}/", "intermezzo employees 'open {}"),
    *(f"intermezzo employees --{name} {{}}" for name in _READ),
    *(f"intermezzo employees --{name}={{}}" for name in _READ),
    *("intermezzo_resources {}", "intermezzo_status {}", "intermezzo_logout {}"),
]
_IN_BODIES = [
    *("{}", "{}: 1", "{0}: 1\n{0}: 2", '{{"{0}": 1, "{0}": 2}}', '{{"{}": [1]}}'),
    *(f"{name}: {{}}" for name in _READ),
    *(f'{{{{"{name}": ["{{}}"]}}}}' for name in _READ),
]


@pytest.mark.parametrize("typed", _TYPED)
def test_no_error_repeats_what_could_be_a_secret(shell, typed, monkeypatch, capsys):
    for name, value in {"ISSUER": "http://127.0.0.1:1", "CLIENT_ID": "nobody"}.items():
        monkeypatch.setenv(f"INTERMEZZO_{name}", value)
    monkeypatch.setenv("INTERMEZZO_API_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("INTERMEZZO_CLIENT_SECRET", "nobody's")
    bodies = [f"%%intermezzo employees\n{body}" for body in _IN_BODIES]
    for place in [f"%{line}" for line in _IN_LINES] + bodies:
        code = place.format(typed)
        told = str(refused(shell, code))
        shown = capsys.readouterr()
        for part in {*re.findall(r"\w{16,}", typed), "=abc", "=xyz"}:
            assert part[:8] not in told + shown.out + shown.err, code


@pytest.mark.parametrize(
    "given",
    [
        "--paste http://127.0.0.1:1/cb?code=abc&state=xyz",
        "--paste=http://127.0.0.1:1/cb?code=abc&state=xyz",
        "http://127.0.0.1:1/cb?code=abc&state=xyz --paste",
        "http://127.0.0.1:1/cb?code=abc&state=xyz",
        "--paste --via paste 'http://127.0.0.1:1/cb?code=abc",
        "--paste abc",
    ],
)
def test_an_address_in_a_line_is_to_be_deleted(shell, given):
    error = refused(shell, f"%intermezzo_login {given}")
    assert error.code == "bad_arguments"
    assert "Delete it from this cell" in error.advice
    assert "run %intermezzo_login --paste alone" in error.advice
    assert "hidden field" in error.advice


def test_other_words_of_a_login_are_no_address(shell):
    for given in ("--paste --unheard", "profile demo", "--paste --via"):
        assert "Delete" not in refused(shell, f"%intermezzo_login {given}").advice


def test_a_choice_is_told_without_what_was_given(shell):
    error = refused(shell, "%intermezzo employees --money '(choose from x'")
    assert error.why.endswith("--money: invalid choice, choose from 'float', 'decimal'")


def test_a_profile_is_named_when_signing_in(shell):
    error = refused(shell, "%intermezzo employees --profile acme")
    assert "%intermezzo_login --profile" in error.advice


@pytest.mark.parametrize(
    "given", ["endDate = x", "startDate>2024", "--columns a, b", "--columns a b"]
)
def test_spaces_and_ranges_are_told_of_what_is_no_filter(shell, given):
    error = refused(shell, f"%intermezzo employees {given}")
    assert "without spaces" in error.advice
    assert "lists as a,b" in error.advice
    assert "range" in error.advice


def test_an_address_is_not_asked_for_where_no_sign_in_waits(shell, machine):
    # Nobody can type here: to ask would be another error.
    error = refused(shell, "%intermezzo_login --paste")
    assert error.code == "no_sign_in"
    assert "Run %intermezzo_login first" in error.advice


def test_a_machine_is_told_at_the_login_what_a_request_will_need(
    shell, machine, monkeypatch
):
    monkeypatch.delenv("INTERMEZZO_API_URL")
    error = refused(shell, "%intermezzo_login --no-input")
    assert error.code == "missing_setting"
    assert error.advice == "Set INTERMEZZO_API_URL."


def test_a_way_that_asks_a_person_is_told_where_credentials_need_none(shell, profiles):
    error = refused(shell, "%intermezzo_login --profile acme --via device")
    assert error.code == "login_required"
    assert "via is device, which asks a person" in error.what
    assert "the credentials of profile 'acme' do" in error.why
    assert error.advice.startswith("Leave out --via")
    assert "client_secret" not in str(error)


def test_a_grant_that_asks_a_person_is_told_with_its_place(shell, profiles):
    profiles.write_text(
        profiles.read_text().replace("[gb]", 'grant = "authorization_code"\n[gb]')
    )
    error = refused(shell, "%intermezzo_login --profile acme --via device")
    assert "grant is authorization_code, which asks a person" in error.what
    assert error.advice == f"Leave out grant in the profile 'acme' ({profiles})."


def test_a_request_names_all_settings_and_the_profiles(shell):
    path = profiles_path()
    path.parent.mkdir(parents=True)
    path.write_text("[acme]\n")
    error = refused(shell, "%intermezzo employees")
    assert "lacks: client_id, issuer or authorization_url, api_url" in error.what
    assert "acme" in error.advice
    assert "demo" not in error.advice


def test_without_settings_all_that_is_missing_is_named(shell):
    error = refused(shell, "%intermezzo_login")
    for name in ("CLIENT_ID", "CLIENT_SECRET", "ISSUER", "API_URL"):
        assert f"INTERMEZZO_{name}" in error.advice


def test_the_size_limit_of_the_api_is_told(shell, machine):
    run(shell, "%intermezzo organizations -o o")
    path = "/organizations/{o.id[0]}/employees"
    error = refused(shell, f"%intermezzo {path} size=101")
    assert error.code == "validation_failed"
    assert "size" in error.why


@pytest.mark.parametrize("name", ["", "employees", "p32"])
def test_what_there_is_to_read_is_shown_whole(shell, name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    before = pd.get_option("display.max_colwidth"), pd.get_option("display.max_rows")
    listing = shell.run_line_magic("intermezzo_resources", name)
    text, html = repr(listing), listing._repr_html_()
    assert max(map(len, text.splitlines())) <= 80
    words = " ".join(text.split())
    for cell in {cell for row in listing.to_numpy() for cell in row}:
        assert cell in words
        assert escape(cell, quote=False) in html
    after = pd.get_option("display.max_colwidth"), pd.get_option("display.max_rows")
    assert after == before
    assert type(listing[listing.iloc[:, 1] != ""]) is pd.DataFrame


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("intermezzo_login --help", "--profile PROFILE"),
        ("intermezzo_login --profile demo -h", "Sign in to Intermezzo."),
        ("intermezzo --help", "--limit N"),
        ("intermezzo employees -h", "%intermezzo [-o NAME]"),
        ("intermezzo -h", "\n            [--columns NAMES]"),
        ("intermezzo -h", "--organization ID     An organization's id, or all."),
        ("intermezzo -h", "--money TYPE"),
        ("intermezzo_status -h", "Tell who is signed in"),
        ("intermezzo_doctor --help", "say what to change"),
        ("intermezzo_logout --help", "Revoke the session"),
        ("intermezzo_resources -h", "with a NAME its columns"),
    ],
)
def test_help_tells_what_a_magic_takes_and_does_nothing(shell, capsys, line, told):
    name, _, words = line.partition(" ")
    assert shell.run_line_magic(name, words) is None
    printed = capsys.readouterr().out
    assert told in printed
    assert "``" not in printed  # it is shown as it is
    assert current._current is None


@pytest.mark.parametrize("name", ["intermezzo", "intermezzo_login"])
def test_help_writes_an_option_as_it_is_typed(shell, capsys, name):
    shell.run_line_magic(name, "--help")
    told = capsys.readouterr().out
    assert told.startswith(f"%{name} [")
    assert not re.search(r"[<>{}]", told)
    assert "client-credentials" in told or name == "intermezzo"


@pytest.mark.parametrize(
    "name", ["intermezzo", "intermezzo_login", "intermezzo_status"]
)
def test_a_question_mark_tells_what_help_does(shell, capsys, name):
    asked = shell.object_inspect(f"%{name}")["docstring"]
    assert "--organization ID" in asked or name == "intermezzo_status"
    shell.run_line_magic(name, "--help")
    assert capsys.readouterr().out.strip() == asked.strip()


def test_help_is_told_for_a_cell_too(shell, capsys):
    shell.run_cell_magic("intermezzo", "--help", "limit: 3")
    assert "--limit N" in capsys.readouterr().out


def test_loading_twice_and_unloading(shell):
    shell.run_line_magic("reload_ext", "intermezzo_nb")
    assert "intermezzo" in shell.magics_manager.magics["line"]
    shell.run_line_magic("unload_ext", "intermezzo_nb")
    for kind in ("line", "cell"):
        names = [n for n in shell.magics_manager.magics[kind] if "intermezzo" in n]
        assert names == []
    assert not any("Intermezzo" in type(c).__name__ for c in shell.configurables)


def test_frames_and_records_in_python(machine):
    made = connect()
    frames = list(made.frames("employees", organization="all"))
    assert sum(map(len, frames)) == 400
    assert max(map(len, frames)) == 100
    assert len({r["id"] for r in made.records("employees", organization="all")}) == 400
    with pytest.raises(SettingsError):
        made.frame("employees", organization="all", nonsense=1)
    made.session.close()


@pytest.mark.parametrize(
    "code",
    [
        '%intermezzo employees --columns "id startDate"',
        "%%intermezzo employees\ncolumns: id startDate",
        "%%intermezzo employees\ncolumns: id  startDate,",
        '%%intermezzo employees\n{"columns": ["id,startDate"]}',
    ],
)
def test_names_of_columns_are_parted_by_commas(shell, machine, code):
    error = refused(shell, code)
    assert error.code == "unknown_column"
    assert 'in Python, columns=["id", "startDate"]' in error.advice
    assert error.advice.endswith("in a magic, id,startDate.")


def test_options_may_stand_in_the_body(shell, machine):
    shell.run_cell_magic(
        "intermezzo", "wage-types -o types", "limit: 3\ncolumns: id, name\n"
    )
    assert shell.user_ns["types"].shape == (3, 2)
    shell.run_cell_magic(
        "intermezzo", "wage-types -o types --limit 2", '{"columns": ["id"]}'
    )
    assert shell.user_ns["types"].shape == (2, 1)


@pytest.mark.parametrize(
    ("code", "twice"),
    [
        ("%%intermezzo wage-types --limit 5\nlimit: 3", "limit"),
        ("%%intermezzo wage-types --limit 5\nlimit: 5", "limit"),
        ('%%intermezzo wage-types --limit 5\n{"limit": null}', "limit"),
        ("%%intermezzo wage-types status=draft\nstatus: approved", "status"),
        ("%%intermezzo job-details --as-of 2026-03-31\nas-of: 2026-04-30", "as_of"),
        ("%%intermezzo job-details --history\nhistory: false", "history"),
        ("%%intermezzo employees --organization o\norganization: all", "organization"),
        ("%%intermezzo tax-details employee_id=e\nemployee-id: f", "employee_id"),
        ("%intermezzo tax-details employee_id=e --employee-id f", "employee_id"),
    ],
)
def test_what_is_said_twice_in_line_and_body_is_refused(shell, machine, code, twice):
    error = refused(shell, code)
    assert error.what == f"'{twice}' comes twice"
    assert "in the line or in the body" in error.advice


def test_null_in_a_body_asks_for_what_is_missing(shell, machine):
    line = "employees --organization all -o staying"
    shell.run_cell_magic("intermezzo", line, '{"endDate": null, "limit": null}')
    staying = shell.user_ns["staying"]
    assert 0 < len(staying) < 400
    assert staying["endDate"].isna().all()
    assert staying.attrs["intermezzo"]["filters"] == {"endDate": ""}


def test_names_of_options_are_parameters_of_a_path(shell, machine):
    frame = shell.run_line_magic("intermezzo", "/organizations self=1 progress=2")
    assert len(frame) == 3


def test_changed_configuration_makes_the_connection_anew(shell, machine):
    first = shell.run_line_magic("intermezzo", "organizations")["id"]
    for wanted in first[:2]:
        shell.run_line_magic("config", f"IntermezzoMagics.organization = '{wanted}'")
        frame = shell.run_line_magic("intermezzo", "employees --limit 1")
        assert frame.attrs["intermezzo"]["organizations"] == [wanted]


def test_python_has_the_connection_that_is_configured_before_any_magic(shell, profiles):
    run(shell, "%config IntermezzoMagics.profile = 'gb'")
    made = current.current_connection()
    assert made.settings.profile == "gb"
    assert used_profile(shell) == "gb"
    assert current.current_connection() is made
    run(shell, "%config IntermezzoMagics.profile = 'acme'")
    assert current.current_connection().settings.profile == "acme"
    run(shell, "%unload_ext intermezzo_nb")
    assert configured.traits() is None


@pytest.mark.parametrize("name", ["status", "doctor", "logout"])
def test_what_would_be_ignored_is_refused(shell, machine, name):
    error = refused(shell, f"%intermezzo_{name} --profile demo")
    assert error.code == "bad_arguments"
    assert "--profile NAME" in error.advice


def test_another_way_is_no_other_session(shell, shared_practice, person, monkeypatch):
    monkeypatch.setenv("INTERMEZZO_DEMO_URL", shared_practice.url)
    here = Surroundings("terminal", answers=True, silence="", elsewhere=())
    for room in (connecting, session):
        monkeypatch.setattr(room, "look", lambda: here)
    login = "%intermezzo_login --profile demo --via loopback"
    assert run(shell, login).success
    person().sign_in(current.current_connection()._session._login.prompt.url)
    assert run(shell, "%intermezzo organizations -o first").success
    assert run(shell, f"{login} --force --timeout 60").success
    made = current.current_connection()
    assert made.settings.timeout == 60
    made._session._login.cancel()
    # Who cancels goes on as before.
    assert run(shell, "%intermezzo organizations -o second").success
    assert shell.user_ns["second"].equals(shell.user_ns["first"])
    assert made.status().state == "signed in"


def test_another_organization_is_no_other_session(shell, machine):
    run(shell, "%intermezzo organizations")
    before = current.current_connection()._session
    run(shell, "%config IntermezzoMagics.organization = 'all'")
    assert run(shell, "df = %intermezzo employees --limit 2").success
    assert current.current_connection()._session is before


def test_who_asks_stays_until_a_profile_is_named(shell, shared_practice):
    machine = shared_practice.settings("machine")
    asked = {k: machine[k] for k in ("issuer", "api_url")}
    current.use({**asked, "client_id": "one", "via": "device"})
    again = current.use({"client_id": "two", "via": None}).settings
    assert (again.issuer, again.client_id, again.via) == (
        machine["issuer"],
        "two",
        "auto",
    )
    assert current.use({"profile": "default"}).settings.issuer is None


def used_profile(shell):
    assert run(shell, "df = %intermezzo organizations").success
    return shell.user_ns["df"].attrs["intermezzo"]["profile"]


@pytest.mark.parametrize("again", ["", "%intermezzo_login"])
def test_a_profile_that_is_configured_goes_before_an_earlier_line(
    shell, profiles, again
):
    assert run(shell, "%intermezzo_login --profile acme --store memory").success
    run(shell, "%config IntermezzoMagics.organization = 'all'")
    assert used_profile(shell) == "acme"
    run(shell, "%config IntermezzoMagics.profile = 'gb'")
    assert run(shell, again).success
    assert used_profile(shell) == "gb"
    assert current.current_connection().settings.store == "auto"
    assert run(shell, "%intermezzo_login --profile acme").success
    assert used_profile(shell) == "acme"


def test_configuration_changes_what_it_names_of_an_earlier_line(shell, profiles):
    line = "--profile acme --store memory --timeout 60"
    assert run(shell, f"%intermezzo_login {line}").success
    run(shell, "%config IntermezzoMagics.timeout = 90.0")
    assert used_profile(shell) == "acme"
    settings = current.current_connection().settings
    assert (settings.timeout, settings.store) == (90, "memory")


def test_a_profile_that_is_configured_does_not_stay_where_a_line_fails(shell, profiles):
    assert run(shell, "%intermezzo_login --profile acme").success
    run(shell, "%config IntermezzoMagics.profile = 'gb'")
    error = refused(shell, "%intermezzo_login --via pigeon")
    assert "stays in use" not in error.advice
    assert used_profile(shell) == "gb"


def test_a_login_that_cannot_be_tried_leaves_the_profile_before(shell, machine):
    run(shell, "%intermezzo organizations")
    error = refused(shell, "%intermezzo_login --profile nowhere")
    assert error.advice.endswith("The profile 'default' stays in use.")
    assert run(shell, "df = %intermezzo organizations").success
    assert len(shell.user_ns["df"]) == 3


@pytest.mark.parametrize("secret", ["wrong", None])
def test_a_login_that_fails_says_which_profile_is_in_use_now(
    shell, profiles, tmp_path, secret
):
    if secret:
        (tmp_path / "secret").write_text(secret)
    text, path = profiles.read_text(), str(tmp_path / "secret")
    broken = text[text.index("[gb]") :].replace("gb", "broken")
    broken = re.sub("(?<=client_secret_file = ).*", repr(path), broken)
    profiles.write_text(text + broken)
    assert "in use" not in refused(shell, "%intermezzo_login --profile broken").advice
    assert run(shell, "%intermezzo_login --profile acme").success
    error = refused(shell, "%intermezzo_login --profile broken")
    assert error.advice.endswith("The profile 'broken' is in use now.")
    assert current.current_connection().settings.profile == "broken"
    assert "in use" not in refused(shell, "%intermezzo_login --force").advice


def test_nothing_is_said_of_a_profile_before_where_there_is_none(shell):
    error = refused(shell, "%intermezzo_login --profile nowhere")
    assert "stays in use" not in error.advice
