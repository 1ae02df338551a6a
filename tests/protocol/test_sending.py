"""Tables sent to the practice server: each row is created once, or told why not."""

from __future__ import annotations

import pickle
from decimal import Decimal

import pandas as pd
import pytest
from tables import BAD, BAD_KINDS, ROWS, contacts, with_bad_rows

from intermezzo_nb.errors import BadTable, NotAllowed, SendFailed, SettingsError


@pytest.fixture
def practice(practice_server):
    return practice_server()


@pytest.fixture
def api(practice, connection):
    return connection(**practice.settings("machine"))


@pytest.fixture
def organizations(api):
    return {o["registrationCountry"]: o["id"] for o in api.get("/organizations")}


def test_five_thousand_rows_with_bad_ones_among_them(api, practice, organizations):
    frame, bad = with_bad_rows(contacts(ROWS))
    with pytest.raises(SendFailed) as caught:
        api.send("contacts", frame, organization=organizations["DE"])
    report = caught.value.report
    assert report is api.last_report
    assert report.counts == {
        "total": ROWS,
        "created": ROWS - BAD,
        "rejected": BAD,
        "uncertain": 0,
        "unsent": 0,
    }
    there = [
        record["name"] for record in practice.server.practice.desk.created["contacts"]
    ]
    assert sorted(there) == sorted(frame["name"].drop([*bad]))
    assert {*report.rejected.index} == {*bad}
    told = report.errors.set_index("label")
    assert told["code"].to_dict() == bad
    assert all(told["message"])
    fields = {field for kind in BAD_KINDS.values() for field in kind}
    assert {*told["field"]} == fields
    pd.testing.assert_frame_equal(
        report.rejected.drop(columns="why"), frame.loc[report.rejected.index]
    )
    assert report.rejected.loc["c-36", "why"].startswith("email: EMAIL_INVALID")
    records = report.succeeded
    assert [*records.index] == [n for n in frame.index if n not in bad]
    assert (records["name"] == frame.loc[records.index, "name"]).all()
    assert records["id"].is_unique
    assert report.requests == 50
    assert "23 × EMAIL_INVALID (email): rows c-36, c-252" in repr(report)
    shown = report._repr_html_()
    assert "4,863 of 5,000 created" in shown
    assert "<td>This is not an e-mail address.</td>" in shown
    assert "Person" not in repr(report) + report._repr_html_()


def test_corrected_rows_are_sent_alone(api, practice, organizations):
    frame = contacts(20)
    frame.loc["c-7", "email"] = "a@b"
    options = {"organization": organizations["DE"], "on_error": "report"}
    report = api.send("contacts", frame, **options)
    fixed = report.rejected.assign(email="good@firm.example")
    again = report.retry(fixed)
    assert again.complete
    assert [*again.succeeded.index] == ["c-7"]
    assert len(practice.server.practice.desk.created["contacts"]) == 20
    with pytest.raises(BadTable, match="created already"):
        report.retry(frame)
    with pytest.raises(BadTable, match="created already"):
        again.retry(frame.loc[["c-3"]])


def is_refused(report, frame, told):
    """Tell whether a retry of a frame ends in words, before anything is sent."""
    with pytest.raises(BadTable) as caught:
        report.retry(frame)
    assert "Corrected rows keep the index of .rejected" in caught.value.advice
    return told in caught.value.why


def test_no_row_is_created_twice_by_any_retry_of_a_family(api, practice, organizations):
    frame = contacts(20)
    frame.loc[["c-7", "c-8"], "email"] = ["a@b", "a@c"]
    options = {"organization": organizations["DE"], "on_error": "report"}
    report = api.send("contacts", frame, **options)
    fixed = report.rejected.assign(email=["seven@x.example", "eight@x.example"])
    label = "row {} has the label of a row that was created already".format
    first = report.retry(fixed.loc[["c-7"]])
    assert (first.counts["created"], first.complete) == (1, False), "c-8 is left"
    assert is_refused(report, fixed, label("c-7")), "a cell that is run again"
    changed = frame.assign(name=frame["name"] + " Jr", email=None)
    assert is_refused(report, changed.loc[["c-0"]], label("c-0"))
    assert is_refused(first, changed.loc[["c-0"]], label("c-0"))
    renamed = fixed.set_index(pd.Index(["new", "c-3"]))
    assert is_refused(first, renamed, "row new was created already; row c-3 has the")
    second = first.retry(fixed.loc[["c-8"]])
    assert second.complete
    assert first.complete
    for one in (report, first, second):
        assert is_refused(one, fixed.assign(email=None), label("c-8"))
    assert len(practice.server.practice.desk.created["contacts"]) == 20


def test_a_report_that_is_raised_says_where_it_is_and_which_rows_are_wrong(
    api, organizations
):
    frame = contacts(9).reset_index(drop=True)
    frame.loc[[2, 5], "email"] = "a@b"
    frame.loc[4, "phone.phoneType"] = "fax"
    with pytest.raises(SendFailed) as caught:
        api.send("contacts", frame, organization=organizations["DE"])
    error = caught.value
    assert error.what == "6 of 9 contacts created: 3 rejected"
    assert error.why == (
        "2 × EMAIL_INVALID (email): rows 2, 5 · This is not an e-mail address; "
        "1 × PHONE_TYPE_UNKNOWN (phone.phoneType): row 4 · The type has to be one of "
        "mobile, landline, work"
    )
    assert error.advice == (
        "Correct those in .report.rejected; hand them to .report.retry(…). The report "
        "is in .report of this error, and in last_report of the connection."
    )
    assert "Correct those in .rejected; hand them to .retry(…)." in repr(error.report)


def test_a_report_is_a_copy_and_travels_without_its_connection(api, organizations):
    frame = contacts(3)
    report = api.send("contacts", frame, organization=organizations["DE"])
    frame.loc["c-0", "name"] = "changed"
    again = pickle.loads(pickle.dumps(report))  # noqa: S301 (our own bytes)
    assert again.counts == report.counts
    assert again.succeeded.equals(report.succeeded)
    with pytest.raises(SendFailed, match="without its connection"):
        again.retry(frame)


def test_nothing_is_asked_for_a_table_that_cannot_be_sent(api, practice):
    with pytest.raises(BadTable):
        api.send("contacts", contacts(3).drop(columns="name"))
    assert practice.ledger.token_requests == 0
    assert api.last_report is None


def test_rows_go_to_one_organization(api, organizations):
    for wanted in (None, "all"):
        with pytest.raises(SettingsError, match="organization"):
            api.send("contacts", contacts(1), organization=wanted)
    with pytest.raises(SettingsError, match="organization"):
        api.send("organizations", contacts(1), organization=organizations["DE"])


def test_worksites_and_organizations_can_be_sent(api, practice, organizations):
    sites = pd.DataFrame(
        {"name": ["A", "B"], "address": ["Harbour 1", "nowhere"], "isActive": True}
    ).assign(isPrimary=False)
    report = api.send(
        "worksites", sites, organization=organizations["GB"], on_error="report"
    )
    assert report.errors.to_dict("records") == [
        {
            "label": 1,
            "field": "address",
            "code": "ADDRESS_NOT_FOUND",
            "message": "There is no such address.",
        }
    ]
    firms = pd.DataFrame({"legalName": ["New Ltd"], "legalAddress": ["Quay 3"]})
    assert api.send("organizations", firms).succeeded.loc[0, "legalName"] == "New Ltd"


def test_what_was_created_is_listed_and_can_be_looked_up(api, organizations):
    owner = organizations["DE"]
    before = api.frame("contacts")
    sent = api.send("contacts", contacts(3), organization=owner).succeeded
    found = api.frame("contacts")
    new = found[~found["id"].isin(before["id"])]
    assert [*new["id"]] == [*sent["id"]]
    assert {*new["orgId"]} == {owner}
    assert [*new["phone.phoneNumber"]] == [*contacts(3)["phone.phoneNumber"]]
    site = {"name": "Quay", "address": "Quay 3", "isActive": True, "isPrimary": False}
    api.send("worksites", pd.DataFrame([site]), organization=owner)
    assert "Quay" in {*api.frame("worksites")["name"]}


def test_an_organization_that_was_created_is_one_more_without_employees(api):
    firm = pd.DataFrame({"legalName": ["New Ltd"], "legalAddress": ["Quay 3"]})
    owner = api.send("organizations", firm).succeeded.loc[0, "id"]
    assert owner in {*api.frame("organizations")["id"]}
    assert api.frame("employees", organization=owner).empty
    assert api.send("contacts", contacts(1), organization=owner).complete
    assert "Person 0" in {*api.frame("contacts", orgId=owner)["name"]}


def test_what_the_token_may_not_do_is_the_error_that_is_raised(practice, connection):
    settings = practice.settings("machine", scope="read:organizations")
    api = connection(**settings)
    owner = api.get("/organizations")[0]["id"]
    with pytest.raises(NotAllowed) as caught:
        api.send("contacts", contacts(300), organization=owner)
    assert "write:contacts" in caught.value.advice
    assert api.last_report.counts["unsent"] == 300


def test_what_nobody_documents_is_sent_on_request(api, practice, organizations):
    frame = contacts(1).assign(costCentre=[{"share": 0.25}])
    with pytest.raises(BadTable, match="costCentre"):
        api.send("contacts", frame, organization=organizations["DE"])
    options = {"organization": organizations["DE"], "extra": ["costCentre"]}
    assert api.send("contacts", frame, **options).complete
    (record,) = practice.server.practice.desk.created["contacts"]
    assert record["costCentre"]["share"] == Decimal("0.25")


def test_any_index_names_the_rows(api, practice, organizations):
    frame = contacts(4)
    frame.loc["c-1", "email"] = "a@b"
    options = {"organization": organizations["DE"], "on_error": "report"}
    for index in (
        pd.RangeIndex(4),
        pd.date_range("2026-01-01", periods=4),
        pd.MultiIndex.from_product([["a", "b"], [1, 2]]),
    ):
        report = api.send("contacts", frame.set_index(index), **options)
        tables = (report.succeeded, report.rejected, report.uncertain, report.unsent)
        assert sum(len(table) for table in tables) == 4
        assert report.rejected.index.isin(report.errors["label"]).all()
        assert {table.index.nlevels for table in tables} == {index.nlevels}
        taken = len(practice.server.practice.desk.created["contacts"])
        frame = frame.assign(email=[f"{n}@{taken}" + ".example" * n for n in range(4)])


def test_progress_is_told_by_chunk(api, organizations):
    told = []
    api.send(
        "contacts",
        contacts(250),
        organization=organizations["DE"],
        progress=told.append,
    )
    assert [progress.rows for progress in told] == [0, 100, 200, 250]
    assert str(told[1]).startswith("contacts · 100 of 250 rows · 1 request")


def test_rate_limits_are_waited_for_and_cost_no_row(practice_server, connection):
    practice = practice_server(rate=3.0)
    api = connection(**practice.settings("machine"))
    owner = api.get("/organizations")[0]["id"]
    told = []
    report = api.send(
        *("contacts", contacts(60)),
        organization=owner,
        chunk_size=10,
        progress=told.append,
    )
    assert report.complete
    assert len(practice.server.practice.desk.created["contacts"]) == 60
    assert any("asked to wait" in progress.waiting for progress in told)
    assert report.requests > 6


def pay(api, organization):
    people = api.frame("employees", organization=organization, limit=4)["id"]
    return pd.DataFrame(
        {
            "employeeId": [*people, "emp_nobody", people[0]],
            "kind": [*["earning"] * 5, "deduction"],
            "earningType": [*["Salary"] * 5, None],
            "amount": [Decimal("3000.10"), 2000, 2500.55, "1800", 100, 12.5],
            "earningFrequency": [*["month"] * 5, None],
            "name": [*[None] * 5, "Loan"],
        },
        index=list("abcdef"),
    )


def test_a_british_run_gives_payslips_lines_and_errors(api, practice, organizations):
    frame = pay(api, organizations["GB"])
    with pytest.raises(SendFailed) as caught:
        api.run_payroll("GB", frame, pay_date="2026-04-30", external_ref="april")
    report = caught.value.report
    assert report.run["externalRef"] == "april"
    slips = report.payslips
    assert [*slips["employeeId"]] == [*frame["employeeId"][:4]]
    assert [*slips["grossWages"]] == [3000.1, 2000, 2500.55, 1800]
    assert slips.loc[0, "netPay"] == 2147.57
    totals = slips.attrs["intermezzo"]["control_totals"]
    assert totals["grossWages"] == "9300.65"
    assert report.lines[["kind", "name", "amount"]].to_numpy().tolist() == [
        ["deduction", "Loan", 12.5]
    ]
    assert report.errors.to_dict("records") == [
        {
            "label": "e",
            "employeeId": "emp_nobody",
            "message": "There is no such employee.",
        }
    ]
    assert [*report.rejected.index] == ["e"]
    assert report.notes == []
    (body,) = practice.server.practice.runs.bodies
    assert body["payrollGroup"][0]["payDetails"]["earnings"][0]["amount"] == Decimal(
        "3000.10"
    )


def test_a_german_run_gives_payslips_and_exact_money(api, practice):
    frame = pd.DataFrame(
        {
            "employeeId": [1, 2, 3],
            "employeeDetails.yearOfBirth": [1980, 1990, None],
            "taxAttributes.taxClass": ["1", "3", "1"],
            "taxAttributes.isChurchMember": [True, False, False],
            "earningType": "Salary",
            "amount": [4000.5, 5000, 100],
            "earningFrequency": "month",
        }
    )
    report = api.run_payroll(
        *("DE", frame),
        pay_date=pd.Timestamp("2026-04-30"),
        money="decimal",
        on_error="report",
    )
    assert report.counts["created"] == 2
    assert [*report.payslips["employeeId"]] == [1, 2]
    assert report.payslips["churchTax"].sum() == Decimal("72.01")
    assert report.errors["message"].tolist() == ["The year of birth is missing."]
    assert len(practice.server.practice.runs.bodies) == 1
    with pytest.raises(BadTable, match="created already"):
        report.retry(frame)
    fixed = report.rejected.assign(**{"employeeDetails.yearOfBirth": 1970})
    assert report.retry(fixed).complete
    assert is_refused(report, fixed, "row 2 has the label of a row that was created")


def test_nobody_is_paid_twice_by_a_retry(api, practice, organizations):
    frame = pay(api, organizations["GB"])
    options = {"pay_date": "2026-04-30", "on_error": "report"}
    report = api.run_payroll("GB", frame, **options)
    for change in ({"amount": 1}, {"earningFrequency": None}):
        assert is_refused(report, frame.iloc[:1].assign(**change), "row a has the")
    # Row f is the second one of somebody who has a payslip.
    earning = {"kind": "earning", "earningType": "Bonus", "name": None}
    assert is_refused(report, frame.loc[["f"]].assign(**earning), "row f has the")
    assert len(practice.server.practice.runs.bodies) == 1


def test_an_earning_that_is_not_documented_is_sent_and_noted(api, organizations):
    frame = pay(api, organizations["GB"]).iloc[:2].drop(columns="name")
    options = {"pay_date": "2026-04-30"}
    report = api.run_payroll("GB", frame.assign(earningType="Overtime"), **options)
    assert report.complete
    assert "Note: earningType of 2 rows (a, b) is not among" in repr(report)
    with pytest.raises(BadTable, match="row a, earningFrequency is not among"):
        api.run_payroll("GB", frame.assign(earningFrequency="monthly"), **options)


def test_a_person_may_write_unless_asked_for_less(practice, connection, sign_in):
    made = connection(**practice.settings("person"))
    sign_in(made)
    owner = made.get("/organizations")[0]["id"]
    assert made.send("contacts", contacts(1), organization=owner).complete
    less = "openid offline_access read:organizations"
    made = connection(**practice.settings("person", scope=less))
    sign_in(made)
    with pytest.raises(NotAllowed):
        made.send("contacts", contacts(1), organization=owner)


def test_a_german_run_says_which_ids_and_columns_it_takes(api, practice):
    frame = pd.DataFrame({"employeeId": ["emp_1"], "earningType": "Salary"})
    with pytest.raises(BadTable) as caught:
        api.run_payroll("DE", frame.assign(amount=1, x=2), pay_date="2026-04-30")
    told = str(caught.value)
    assert (
        "row 0, employeeId has to be a whole number, and is text; an example is 1042"
    ) in told
    assert "The German run takes a number for each employee, that you choose" in told
    assert "insuranceDetails.isMidiJob" in told, "the list of columns is whole"
    assert "doGrossup" in told
    assert [*caught.value.problems["field"]] == ["x", "employeeId"]
    named = frame.assign(employeeId=1, amount=1, externalRef="april")
    with pytest.raises(BadTable, match="give it as external_ref"):
        api.run_payroll("DE", named, pay_date="2026-04-30")
    with pytest.raises(BadTable, match="is an int"):
        api.run_payroll("GB", frame.assign(employeeId=1), pay_date="2026-04-30")
    assert practice.ledger.token_requests == 0


def test_a_reference_of_two_rows_is_told_before_anything_is_sent(api, practice):
    frame = pd.DataFrame(
        {
            "legalName": ["A", "B", "C"],
            "legalAddress": "Quay 3",
            "externalRef": ["r1", None, "r1"],
        },
        index=["a", "b", "c"],
    )
    with pytest.raises(BadTable, match="row c, externalRef is that of a, too"):
        api.send("organizations", frame)
    assert practice.ledger.token_requests == 0


@pytest.mark.parametrize(
    "change", [{"pay_date": "soon"}, {"pay_cycle": "week"}, {"country": "FR"}]
)
def test_a_run_that_cannot_be_is_refused_before_anything_is_sent(api, practice, change):
    options = {"country": "DE", "pay_date": "2026-04-30", "pay_cycle": "month"}
    with pytest.raises(SettingsError):
        api.run_payroll(frame=pd.DataFrame({"employeeId": [1]}), **options | change)
    assert practice.ledger.token_requests == 0
