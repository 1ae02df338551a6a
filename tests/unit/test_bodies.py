"""A table is checked whole before anything is sent, and becomes the API's own shape."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from intermezzo_nb.api.bodies import checked, nested, refuse, row_names, unlike
from intermezzo_nb.api.countries import COUNTRIES
from intermezzo_nb.api.forms import FORMS, find_form
from intermezzo_nb.api.outcomes import CREATED, UNCERTAIN
from intermezzo_nb.api.payroll import grouped, of_run
from intermezzo_nb.errors import BadTable, SettingsError

CONTACT = [field.name for field in FORMS["contacts"].fields]
GOOD = pd.DataFrame({"name": ["Ada", "Ben"], "email": ["a@x.example", None]})


def bodies(frame, form="contacts"):
    problems, form = [], FORMS[form]
    table = checked(form.name, frame, form.fields, problems)
    rows = table.rows(problems)
    table.require(rows, form.required, problems)
    made = [nested(r, n, problems) for n, r in zip(table.labels, rows, strict=True)]
    refuse(form.name, problems, table.labels)
    return made


def problems(frame, form="contacts"):
    with pytest.raises(BadTable) as caught:
        bodies(frame, form)
    assert [*caught.value.problems] == ["label", "field", "problem"]
    return [*caught.value.problems.itertuples(index=False, name=None)]


@pytest.mark.parametrize("gap", [None, float("nan"), pd.NA, pd.NaT])
def test_what_is_missing_is_left_out(gap):
    frame = GOOD.assign(email=["a@x.example", gap], **{"phone.phoneNumber": [gap] * 2})
    made = bodies(frame.astype(object))
    assert made == [{"name": "Ada", "email": "a@x.example"}, {"name": "Ben"}]


def test_dotted_columns_become_objects_inside_each_other():
    frame = pd.DataFrame(
        {
            "name": ["North"],
            "isActive": [True],
            "isPrimary": pd.array([False], dtype="boolean"),
            "address.address": ["Harbour 1"],
            "address.content.countryCode": ["DE"],
            "validFrom": pd.to_datetime(["2026-01-01"]),
        }
    )
    assert bodies(frame, "worksites") == [
        {
            "name": "North",
            "isActive": True,
            "isPrimary": False,
            "address": {"address": "Harbour 1", "content": {"countryCode": "DE"}},
            "validFrom": "2026-01-01",
        }
    ]


def test_both_documented_shapes_of_an_address_are_taken_but_not_both_at_once():
    frame = pd.DataFrame({"legalName": ["A"], "legalAddress": ["Harbour 1"]})
    assert bodies(frame, "organizations")[0]["legalAddress"] == "Harbour 1"
    both = frame.assign(**{"legalAddress.address": ["Harbour 1"]})
    assert problems(both, "organizations") == [
        (0, "legalAddress.address", "is given as a whole, too")
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            {"why": "no such place"},
            (
                None,
                "why",
                "is no field of contacts; drop it, or give these rows to .retry",
            ),
        ),
        ({"nmae": "x"}, (None, "nmae", "is no field of contacts; did you mean name?")),
        (
            {"phoneNumber": "x"},
            (
                *(None, "phoneNumber"),
                "is no field of contacts; did you mean phone.phoneNumber?",
            ),
        ),
        (
            {"id": "x"},
            (
                *(None, "id"),
                f"is no field of contacts; there are {', '.join(CONTACT)}",
            ),
        ),
        ({"name": ["Ada", " "]}, (1, "name", "is missing")),
        ({"name": ["Ada", None]}, (1, "name", "is missing")),
        ({"name": ["Ada", 7]}, (1, "name", "has to be text, and is an int")),
        ({"email": ["a", None]}, (0, "email", "is not an e-mail address")),
    ],
)
def test_a_row_that_cannot_be_sent_is_named_with_field_and_reason(change, problem):
    assert problems(GOOD.assign(**change)) == [problem]


def test_a_column_that_is_needed_is_named_once():
    assert problems(GOOD[["email"]]) == [(None, "name", "is a column that is needed")]


def test_labels_and_columns_that_are_there_twice_are_refused():
    twice = pd.concat([GOOD, GOOD[["email"]]], axis=1)
    assert problems(twice) == [(None, "email", "is a column twice")]
    frame = GOOD.set_index(pd.Index(["a", "a"]))
    ((label, field, told),) = problems(frame)
    assert (label, field) == ("a", "")
    assert told.startswith("is the label of several rows: reset_index(drop=True)")


@pytest.mark.parametrize("given", [None, [{"name": "Ada"}], {"name": "Ada"}, "x"])
def test_what_is_no_frame_is_refused(given):
    with pytest.raises(BadTable, match="DataFrame") as caught:
        bodies(given)
    assert caught.value.problems.empty


def test_a_table_without_rows_is_refused():
    assert problems(GOOD.iloc[:0]) == [(None, "", "there are no rows")]


def message(frame, form="contacts"):
    with pytest.raises(BadTable) as caught:
        bodies(frame, form)
    return caught.value.why


def test_problems_are_told_in_whole_words():
    assert message(GOOD.iloc[:0]) == "there are no rows."
    assert message(GOOD.rename(columns={"email": "emial"})).endswith("mean email?")
    frame = GOOD.assign(name=["Ada", " "]).set_index(pd.Index(["row6", "row7"]))
    assert message(frame) == "row7, name is missing."
    twice = GOOD.set_index(pd.Index([3, 3]))
    assert message(twice).startswith("row 3 is the label of several rows: reset")


def test_what_may_be_sent_is_told_whole_and_once():
    frame = pd.DataFrame({"zzz": [1], "yyy": [2], "legalName": ["A"]})
    with pytest.raises(BadTable) as caught:
        bodies(frame, "organizations")
    told = str(caught.value)
    for field in FORMS["organizations"].fields:
        assert told.count(f" {field.name}") >= 1
    assert told.count("there are") == 1


def test_problems_are_told_in_the_order_of_the_rows():
    frame = pd.DataFrame(
        {"name": [" ", "Ben", "Cy"], "email": ["a@x.example", "b", "c"]},
        index=["z", "y", "x"],
    ).assign(id=1)
    found = problems(frame.assign(roles=["[", None, "["]))
    places = [(label, field) for label, field, _ in found]
    assert places == [
        *((None, "id"), ("z", "roles"), ("z", "name")),
        *(("y", "email"), ("x", "email"), ("x", "roles")),
    ]


def test_the_first_problems_are_told_and_the_rest_counted():
    frame = pd.DataFrame({"name": [np.nan] * 1200}, dtype=object)
    with pytest.raises(BadTable) as caught:
        bodies(frame)
    assert "1,200 problems in 1,200 of 1,200 rows" in caught.value.what
    assert "and 1,195 more" in caught.value.why
    assert len(caught.value.problems) == 1200


def test_a_frame_of_another_library_is_taken():
    import pyarrow as pa

    assert bodies(pa.Table.from_pandas(GOOD)) == bodies(GOOD)


def test_what_cannot_be_sent_in_bulk_is_told_with_what_can():
    with pytest.raises(SettingsError, match="worksites"):
        find_form("worksite")


PAY = pd.DataFrame(
    {
        "employeeId": [1, 2, 1],
        "kind": ["earning", None, "deduction"],
        "taxAttributes.taxClass": ["1", "3", None],
        "earningType": ["Salary", "Salary", None],
        "name": [None, None, "Loan"],
        "amount": [100, 200, 5],
    }
)


def group(frame, country="DE"):
    problems, country = [], COUNTRIES[country]
    table = checked("a run", frame, country.fields, problems)
    rows = table.rows(problems)
    found = grouped(country, rows, table.labels, problems)
    return found, problems


def test_the_rows_of_an_employee_are_put_together():
    found, problems = group(PAY)
    assert problems == []
    assert (found.ids, found.places) == ([1, 2], [[0, 2], [1]])
    assert found.fields[0] == {"taxAttributes.taxClass": "1"}
    assert found.lines[0]["deductions"] == [{"name": "Loan", "amount": 5}]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            {"taxAttributes.taxClass": ["1", "3", "4"]},
            (
                *(2, "taxAttributes.taxClass"),
                "is another value than in the employee's first row",
            ),
        ),
        (
            {"amount": [100, None, 5]},
            (1, "amount", "is missing, and kind earning needs it"),
        ),
        ({"amount": [0, 200, 5]}, (0, "amount", "has to be more than 0")),
        ({"name": ["x", None, "Loan"]}, (0, "name", "is no field of kind earning")),
        (
            {"kind": ["tip", None, "deduction"]},
            (0, "kind", f"has to be one of {', '.join(COUNTRIES['DE'].lines)}"),
        ),
    ],
)
def test_a_line_that_cannot_be_paid_is_named(change, problem):
    assert group(PAY.assign(**change))[1] == [problem]


BRITISH = pd.DataFrame(
    {"employeeId": "emp_1", "earningType": "Salary", "amount": 9}, index=list("abc")
)


def test_labels_of_several_levels_are_named_without_the_types_of_numpy():
    index = pd.MultiIndex.from_product([[1], ["a", "b"]])
    assert row_names([*index]) == "(1, a), (1, b)"


@pytest.mark.parametrize("odd", ["emp_1 ", " emp_1", "emp_1\n"])
def test_one_person_is_not_two_by_a_space(odd):
    frame = BRITISH.assign(employeeId=["emp_1", odd, "emp_2"])
    told = ("b", "employeeId", "begins or ends with a space")
    assert group(frame, "GB")[1] == [told]


@pytest.mark.parametrize(
    ("change", "meant"),
    [
        ({"earningFrequency": "monthly"}, "month"),
        ({"earningFrequency": "yearly"}, "year"),
        ({"earningFrequency": "MONTH"}, "month"),
    ],
)
def test_a_word_close_to_a_documented_one_is_a_problem(change, meant):
    (field,) = change
    _, problems = group(BRITISH.iloc[:1].assign(**change), "GB")
    told = f"is not among the documented values; did you mean {meant}?"
    assert problems == [("a", field, told)]


def test_another_word_than_the_documented_ones_is_sent_and_noted():
    frame = BRITISH.assign(earningType=["Overtime", "Salary", "Bonus 2"])
    _, problems = group(frame, "GB")
    table = checked("a run", frame, COUNTRIES["GB"].fields, problems)
    notes = table.doubts(table.rows(problems))
    assert problems == []
    assert notes == [
        "earningType of 2 rows (a, c) is not among the documented values: Salary, Bonus"
    ]
    # The German page documents no frequency, so none can be wrong.
    frame = PAY.assign(earningFrequency=["monthly", "weekly", None])
    table = checked("a run", frame, COUNTRIES["DE"].fields, problems)
    assert (table.doubts(table.rows(problems)), problems) == ([], [])


def test_an_amount_of_fractions_of_a_cent_is_sent_and_noted():
    amounts = ["10.005", Decimal("1" * 30 + ".10"), 2.500]
    frame = BRITISH.assign(amount=pd.Series(amounts, BRITISH.index, dtype=object))
    _, problems = group(frame, "GB")
    table = checked("a run", frame, COUNTRIES["GB"].fields, problems)
    (note,) = table.doubts(table.rows(problems))
    assert note.startswith("amount of 1 row (a) has more than 2 decimals: how the API")
    assert problems == []


def test_each_employee_is_paid_in_error_or_uncertain():
    answer = {
        "payslips": [
            *({"employeeId": n} for n in (1, 4, 5, 5)),
            {"employeeId": 9},
        ],
        "errors": [
            {"employeeId": 2, "error": "no"},
            {"employeeId": 4, "error": "but"},
        ],
    }
    outcomes, notes = of_run([1, 2, 3, 4, 5], answer)
    assert [o.state for o in outcomes] == [
        *("created", "rejected", "uncertain", "uncertain", "uncertain")
    ]
    assert outcomes[1].errors[0].message == "no"
    assert len(notes) == 3


def test_a_payslip_of_nobody_is_not_that_of_somebody_called_so():
    answer = {"payslips": [{"employeeId": None}, {"employeeId": "e1"}]}
    outcomes, notes = of_run(["None", "e1"], answer)
    assert [outcome.state for outcome in outcomes] == [UNCERTAIN, CREATED]
    assert notes[0] == "of nobody who was sent: 1 payslip"


@pytest.mark.parametrize("answer", [None, [], {}, {"payslips": None}])
def test_an_answer_without_payslips_leaves_all_uncertain(answer):
    outcomes, notes = of_run([1], answer)
    assert outcomes[0].state == "uncertain"
    assert notes


def test_a_value_that_cannot_be_written_is_like_itself_alone():
    sent = pd.DataFrame({"a": pd.Series([10**5000, 10**5001], dtype=object)})
    assert unlike(sent.copy(), sent) == []
    assert unlike(sent.iloc[::-1], sent) == [1, 0]


def test_a_payslip_that_bears_an_error_and_errors_that_are_no_list_prove_nothing():
    slip = {"employeeId": "e1", "error": "no bank account"}
    outcomes, _ = of_run(["e1"], {"payslips": [slip]})
    assert [outcome.state for outcome in outcomes] == ["uncertain"]
    assert outcomes[0].errors[0].message == "no bank account"
    answer = {"payslips": [{"employeeId": "e1"}], "errors": {"e2": "no bank account"}}
    outcomes, notes = of_run(["e1", "e2"], answer)
    assert [outcome.state for outcome in outcomes] == ["uncertain"] * 2
    assert notes == ["the errors of the answer are no list"]
