"""What somebody may get wrong, and the message that they get."""

from __future__ import annotations

import pytest

from intermezzo_nb.errors import IntermezzoError

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
                "employees lists them."
            ),
        ),
        (
            "p32",
            {"tax_year": "twenty"},
            (
                "Intermezzo: tax_year takes one value of kind integer, and "
                "was given another [bad_filter]\n"
                "Next: Write it as in tax_year=2026."
            ),
        ),
        (
            "wage-types",
            {"effective_date": "06/04/2026"},
            (
                "Intermezzo: effective_date takes one value of kind date, and was "
                "given another [bad_filter]\n"
                "Next: Write it as in effective_date=2026-04-06."
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
            {"employee_id": "../x", **PAY},
            (
                "Intermezzo: employee_id takes one value of kind text, and "
                "was given another [bad_filter]\n"
                "Next: Write it as in employee_id=emp_…."
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
                "Intermezzo: employees takes 4 requests, and max_requests is 2 "
                "[too_many_requests]\n"
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
        f"Next: Check INTERMEZZO_API_URL ({host})."
    )
