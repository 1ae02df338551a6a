"""What somebody may get wrong, and the message that they get."""

from __future__ import annotations

import contextlib
import datetime as dt
from decimal import Decimal
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from intermezzo_nb import as_of, connect, read_export
from intermezzo_nb.errors import BadTable, IntermezzoError, SettingsError
from intermezzo_nb.profiles import profiles_path

PAY = {"organization": "org_x"}


@pytest.fixture
def machine(shared_practice, connection):
    return connection(**shared_practice.settings("machine"))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        (
            "employees",
            {"columns": ["id", "startdate"]},
            (
                "Intermezzo: employees documents no column 'startdate' "
                "[unknown_column]\n"
                "Why: What the API sends beyond its documentation is known after "
                "reading alone.\n"
                "Next: Did you mean startDate? %intermezzo_resources employees "
                "lists the columns; leave columns out and choose others from the "
                "frame."
            ),
        ),
        (
            "employees",
            {"departement": "Sales"},
            (
                "Intermezzo: employees documents neither a parameter nor a column"
                " 'departement' [unknown_filter]\n"
                "Why: What the API sends beyond its documentation is known after "
                "reading alone.\n"
                "Next: Did you mean jobDetails.department? %intermezzo_resources "
                "employees lists them (in Python: resources('employees'))."
            ),
        ),
        (
            "p32",
            {"tax_year": "twenty"},
            (
                "Intermezzo: tax_year cannot be 'twenty': that is no integer "
                "[bad_filter]\n"
                "Next: Give one value, as in tax_year=2026."
            ),
        ),
        (
            "wage-types",
            {"effective_date": "06/04/2026"},
            (
                "Intermezzo: effective_date cannot be '06/04/2026': that is no date "
                "[bad_filter]\n"
                "Next: Give one value, as in effective_date=2026-04-06."
            ),
        ),
        (
            "employees",
            {"startDate": ">2020-01-01"},
            (
                "Intermezzo: startDate cannot be '>2020-01-01': that is no date "
                "[bad_filter]\n"
                "Next: Give one value, as in startDate=2026-03-31; choose several, or "
                "a range, from the frame."
            ),
        ),
        (
            "employees",
            {"employmentCountry": ["DE", "GB"]},
            (
                "Intermezzo: employmentCountry cannot be ['DE', 'GB'] [bad_filter]\n"
                "Next: Give one value, as in employmentCountry=DE; choose several, or "
                "a range, from the frame."
            ),
        ),
        (
            "compensation",
            {"kind": "earnings", **PAY},
            (
                "Intermezzo: kind has no value 'earnings' [bad_filter]\n"
                "Next: Did you mean earning? Documented are earning, benefit, "
                "deduction, reimbursement."
            ),
        ),
        (
            "compensation",
            {"as_of": "2026-02-30"},
            (
                "Intermezzo: as_of cannot be used as it is given: '2026-02-30' is no "
                "date [bad_arguments]\n"
                'Next: Give a date, or write it as in "2026-03-31".'
            ),
        ),
        (
            "tax-details",
            {"as_of": "2026-03-31"},
            (
                "Intermezzo: no history of tax-details is documented [no_history]\n"
                "Why: There is one of personal-data, job-details, insurance-"
                "details, compensation, pension-membership.\n"
                "Next: Leave as_of out."
            ),
        ),
        (
            "wage-types",
            {"history": True},
            (
                "Intermezzo: no history of wage-types is documented [no_history]\n"
                "Why: There is one of personal-data, job-details, insurance-"
                "details, compensation, pension-membership.\n"
                "Next: Leave history out; wage-types takes effective_date=DATE."
            ),
        ),
        (
            "compensation",
            {"as_of": "2026-03-31", "history": True},
            (
                "Intermezzo: as_of and history exclude each other [bad_arguments]\n"
                "Next: Give one of them; as_of() of this package picks days from "
                "a history that was read."
            ),
        ),
        (
            "compensation",
            {"employee_id": ["emp_1", None], **PAY},
            (
                "Intermezzo: employee_id holds no id at position 1, but a "
                "NoneType [bad_filter]\n"
                "Next: Give ids alone, as in frame.id.dropna()."
            ),
        ),
        (
            "compensation",
            {"employeeId": "emp_1", "organization": "all"},
            (
                "Intermezzo: compensation would be asked of all employees, to "
                "compare employeeId afterwards [bad_filter]\n"
                "Why: Each employee takes a request. Nothing was asked for.\n"
                "Next: Give employee_id=…, which asks for one alone, or for several."
            ),
        ),
        (
            "compensation",
            {"employee_id": "../x", **PAY},
            (
                "Intermezzo: employee_id cannot be '../x': that is no text that can "
                "stand in a path [bad_filter]\n"
                "Next: Give one value, as in employee_id=emp_…."
            ),
        ),
        (
            "employees",
            {"organization": "org_x"},
            (
                "Intermezzo: no organization org_x is visible [not_found]\n"
                "Why: Visible are: org_01j0000000tbmwr9y321c20ssq (Nordlicht Werke "
                "GmbH), org_01j0000001evp65b258bew2151 (Harrow & Finch Ltd), "
                "org_01j0000002fm2x89deabevk1bk (Isarblick Pflegedienste GmbH).\n"
                "Next: Give one of them, or all for each of them."
            ),
        ),
        (
            "compensation",
            {"organization": "org_x"},
            (
                "Intermezzo: no organization org_x is visible [not_found]\n"
                "Why: Visible are: org_01j0000000tbmwr9y321c20ssq (Nordlicht Werke "
                "GmbH), org_01j0000001evp65b258bew2151 (Harrow & Finch Ltd), "
                "org_01j0000002fm2x89deabevk1bk (Isarblick Pflegedienste GmbH).\n"
                "Next: Give one of them, or all for each of them."
            ),
        ),
        (
            "employees",
            {"limit": 10**30, "organization": "all", "max_requests": 2},
            (
                "Intermezzo: employees takes at least 4 requests, and max_requests "
                "is 2 [too_many_requests]\n"
                "Next: Ask for less by limit or filters, or give max_requests."
            ),
        ),
        (
            "employees",
            {"limit": "many"},
            (
                "Intermezzo: limit cannot be used as it is given [bad_arguments]\n"
                "Next: Give a whole number of rows, 0 or more, like 500."
            ),
        ),
    ],
)
def test_one_message_says_what_is_wrong(machine, name, options, message):
    with pytest.raises(IntermezzoError) as caught:
        machine.frame(name, **options)
    request = getattr(caught.value, "request_id", None) or "…"
    assert str(caught.value).replace(request, "…") == message


def test_a_limit_larger_than_anything_is_no_limit(machine):
    frame = machine.frame("organizations", limit=10**30)
    assert frame.attrs["intermezzo"]["complete"]


def test_a_page_that_is_not_json_is_told(shared_practice, connection, listener):
    settings = shared_practice.settings("machine")
    listener.answers += [(200, {"Content-Type": "text/html"}, b"<html>Sign in</html>")]
    api = connection(**{**settings, "api_url": listener.url})
    with pytest.raises(IntermezzoError) as caught:
        api.frame("compensation", organization="org_x")
    host = listener.url.removeprefix("http://")
    assert str(caught.value) == (
        "Intermezzo: GET /organizations/org_x/employees was not answered in JSON (HTTP "
        "200, text/html) [not_json]\n"
        "Why: Often that is the page of a proxy, a login wall, or a wrong address.\n"
        f"Next: Check api_url in the profile 'default' ({profiles_path()}): it leads "
        f"to {host}."
    )


@pytest.mark.parametrize(
    ("name", "answers", "what"),
    [
        ("organizations", [b'{"meta": {}, "items": 1}'], "holds no list"),
        ("compensation", [b"{}", b'[{"strange": 1}]'], "has no"),
        ("employees", [b'{"items": [{"name": "x"}], "meta": {}}'], "without an id"),
    ],
)
def test_an_answer_of_another_kind_names_where_the_address_is_set(
    shared_practice, connection, listener, name, answers, what
):
    settings = shared_practice.settings("machine")
    header = {"Content-Type": "application/json"}
    listener.answers += [(200, header, body) for body in answers]
    api = connection(**{**settings, "api_url": listener.url})
    where = {} if name != "compensation" else {"organization": "o", "employee_id": "e"}
    with pytest.raises(IntermezzoError, match=what) as caught:
        api.frame(name, **where)
    assert f"api_url in the profile 'default' ({profiles_path()})" in str(caught.value)


class _Odd:
    """What has no meaning for us, and no truth."""

    def __bool__(self):
        raise TypeError

    def __eq__(self, other):
        raise TypeError

    __hash__ = None


# A fresh one each time: a generator is read once.
BAD = {
    "a Series": lambda: pd.Series(["org_x", "org_y"]),
    "an Index": lambda: pd.Index(["org_x", "org_y"]),
    "a DataFrame": lambda: pd.DataFrame({"id": ["x"], "name": ["y"]}),
    "an array of one value": lambda: np.array(3),
    "a table of numpy": lambda: np.eye(2),
    "NA": lambda: pd.NA,
    "NaT": lambda: pd.NaT,
    "NaN": lambda: float("nan"),
    "bytes": lambda: b"x",
    "a dict": lambda: {1: 2},
    "a Timedelta": lambda: pd.Timedelta("1D"),
    "a signal": lambda: Decimal("sNaN"),
    "too many digits": lambda: 10**5000,
    "half a character": lambda: "\ud800",
    "an object": _Odd,
}
READING = (
    *("resource", "organization", "employee_id", "as_of", "history", "strict"),
    *("columns", "limit", "money", "as_", "max_requests", "params", "filters"),
    *("validFrom", "amount"),
)
SENDING = ("resource", "frame", "organization", "chunk_size", "extra", "on_error")
PAYING = ("country", "frame", "pay_date", "pay_cycle", "external_ref", "money")


def _read(api, how, **given):
    about = {"resource": "compensation", "employee_id": "emp_x", **PAY, **given}
    made = getattr(api, how)(about.pop("resource"), **about)
    return [*made] if how == "frames" else made


def _send(api, **given):
    rows = pd.DataFrame({"name": ["A"]})
    about = {"resource": "contacts", "frame": rows, **PAY, **given}
    return api.send(about.pop("resource"), about.pop("frame"), **about)


def _pay(api, **given):
    rows = pd.DataFrame({"employeeId": ["e"], "name": ["x"], "amount": [1]})
    about = {"country": "GB", "frame": rows, "pay_date": "2026-04-30", **given}
    return api.run_payroll(about.pop("country"), about.pop("frame"), **about)


def _export(api, tmp_path, **given):
    about = {"resource": "organizations", "folder": tmp_path / "out", **given}
    return api.export(about.pop("resource"), about.pop("folder"), **about)


def _as_of(_, **given):
    day = pd.Timestamp("2026-01-01")
    rows = pd.DataFrame({"id": ["a"], "validFrom": [day], "validTo": [day]})
    about = {"history": rows, "when": "2026-01-01", "key": "id", **given}
    return as_of(about.pop("history"), about.pop("when"), **about)


CALLS = [
    *(("frame", name) for name in READING),
    *(("frames", name) for name in READING),
    *(("send", name) for name in SENDING),
    *(("send", name) for name in ("journal", "progress")),
    *(("run_payroll", name) for name in PAYING),
    *(("export", name) for name in ("folder", "part_rows", "overwrite")),
    *(("as_of", name) for name in ("history", "when", "key", "start", "valid_to")),
    *(("connect", name) for name in ("profile", "organization", "api_url", "timeout")),
    *(("request", name) for name in ("method", "path")),
]


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize(("how", "name"), CALLS)
def test_no_argument_ends_in_an_error_that_is_not_ours(
    machine, tmp_path, monkeypatch, how, name, value
):
    monkeypatch.chdir(tmp_path)
    calls = {
        "send": partial(_send, machine),
        "run_payroll": partial(_pay, machine),
        "export": partial(_export, machine, tmp_path),
        "as_of": partial(_as_of, machine),
        "connect": connect,
        "request": lambda **given: machine.request(
            **{"method": "GET", "path": "/organizations", **given}
        ),
    }
    call = calls.get(how, partial(_read, machine, how))
    with contextlib.suppress(IntermezzoError):
        call(**{name: BAD[value]()})


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("organization", pd.Series(["org_x"])),
        ("organization", ["org_x"]),
        ("createdAt", "yesterday"),
        ("startDate", "yesterday"),
        ("createdAt", pd.Timedelta("1D")),
    ],
)
def test_what_can_be_no_value_of_its_kind_is_refused(machine, name, given):
    with pytest.raises(SettingsError) as caught:
        machine.frame("employees", **{**PAY, name: given})
    assert caught.value.code == "bad_filter"


def test_what_numpy_and_pandas_count_and_name_is_taken(machine):
    made = machine.frame(
        "organizations",
        limit=np.int64(2),
        max_requests=np.int64(9),
        columns=pd.Index(["id", "legalName"]),
    )
    assert made.shape == (2, 2)
    assert [*machine.frame("organizations", columns=np.array(["id"]))] == ["id"]


def test_an_instant_is_found_however_it_is_written(machine):
    all_of_them = machine.frame("organizations")
    moment = all_of_them["createdAt"].iloc[0]
    naive = moment.tz_localize(None)
    for written in (moment, str(moment), naive, naive.to_datetime64()):
        found = machine.frame("organizations", createdAt=written)
        assert all_of_them["id"].iloc[0] in set(found["id"]), written


@pytest.mark.parametrize("part_rows", [float("nan"), "many", 0, None])
def test_an_export_of_no_part_is_refused(machine, tmp_path, part_rows):
    with pytest.raises(SettingsError, match="part_rows"):
        machine.export("organizations", tmp_path / "out", part_rows=part_rows)


def test_a_run_on_no_day_is_refused(machine):
    with pytest.raises(SettingsError, match="day of payment"):
        _pay(machine, pay_date=pd.NaT)
    with pytest.raises(SettingsError, match=r"day of payment, and '30\.04\.2026' is"):
        _pay(machine, pay_date="30.04.2026")
    year = dt.datetime.now(tz=dt.UTC).year
    for slip in ("1926-04-30", dt.date(year + 21, 4, 30), dt.date(year - 21, 4, 30)):
        with pytest.raises(SettingsError, match="day of payment near today, and '"):
            _pay(machine, pay_date=slip)
    with pytest.raises(SettingsError, match="needs a cycle, and 'week' is none"):
        _pay(machine, pay_cycle="week")


def test_a_cell_that_signals_is_a_problem_of_its_row(machine):
    rows = pd.DataFrame({"name": ["A"], "x": [Decimal("sNaN")]})
    with pytest.raises(BadTable, match="not finite"):
        machine.send("contacts", rows, extra=["x"], **PAY)
    rows["x"] = [10**5000]
    with pytest.raises(BadTable, match="more digits"):
        machine.send("contacts", rows, extra=["x"], **PAY)


@pytest.mark.parametrize("name", ["send", "export", "run_payroll", "frame"])
def test_a_table_where_a_name_should_be_is_not_shown(machine, tmp_path, capsys, name):
    rows = pd.DataFrame({"name": ["Secret Person"], "iban": ["DE00"]})
    rest = {"send": ["contacts"], "export": [tmp_path / "out"], "run_payroll": ["GB"]}
    more = {"pay_date": "2026-04-30"} if name == "run_payroll" else {}
    table = pa.table(rows)
    tables = (rows, table, pl.from_pandas(rows))
    for given in (*tables, rows["name"], rows["name"].to_numpy(), table["name"]):
        with pytest.raises(IntermezzoError) as caught:
            getattr(machine, name)(given, *rest.get(name, ()), **more)
        assert "Secret" not in str(caught.value) + str(capsys.readouterr())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "place", ["s3://bucket/x", "file:///tmp/x", "", "~nobody_/x", Path("s3://b/x")]
)
def test_what_is_no_path_here_is_refused(machine, tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    for read in (read_export, partial(machine.export, "organizations")):
        with pytest.raises(SettingsError, match="folder cannot be used as it is given"):
            read(place)
    contacts = pd.DataFrame({"name": ["A"]})
    with pytest.raises(SettingsError, match="journal cannot be used as it is given"):
        machine.send("contacts", contacts, journal=place, **PAY)
    assert not [*tmp_path.iterdir()]


def test_the_home_of_the_user_is_meant_by_its_sign(machine, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    done = machine.export("organizations", "~/out")
    assert done.folder == tmp_path / "home" / "out"
    assert len(read_export("~/out")) == done.rows


def test_a_row_cannot_have_two_values_of_one_column(machine):
    for given in ("DE,GB", "DE, GB"):
        with pytest.raises(SettingsError, match="employmentCountry cannot be") as no:
            machine.frame("employees", employmentCountry=given, organization="all")
        assert "choose several, or a range, from the frame" in no.value.advice


def test_who_asks_for_employees_of_a_day_is_told_how(machine):
    with pytest.raises(SettingsError) as caught:
        machine.frame("employees", as_of="2026-03-31", organization="all")
    assert "as_of(df, DAY, start='startDate', end='endDate')" in caught.value.advice
