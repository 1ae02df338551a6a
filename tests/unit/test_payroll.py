"""What a run answers with: every value of it is in a frame, under its own name."""

from __future__ import annotations

import pytest

from intermezzo_nb.api.payroll import line_records, payslip_records
from intermezzo_nb.api.resources import PAYSLIPS


def flat(employee, **more):
    period = {"employee": employee, **more}
    answer = {"payslips": [{"employeeId": "e1", "currentPayPeriod": period}]}
    (record,) = payslip_records(answer, PAYSLIPS["GB"])
    del record["employeeId"]
    return record, line_records(answer)


def test_documented_amounts_have_their_names_and_lists_are_rows_of_their_own():
    record, lines = flat(
        {"totals": {"netPay": "9.00"}, "deductions": [{"name": "Loan"}]},
        employer={"class1ANic": "1.00"},
    )
    assert record == {"netPay": "9.00", "class1ANic": "1.00"}
    assert lines == [{"employeeId": "e1", "kind": "deduction", "name": "Loan"}]


@pytest.mark.parametrize(
    ("employee", "employer", "values"),
    [
        ({s: {"total": s} for s in ("totals", "taxes", "insurance")}, {}, 3),
        ({"taxes": {"netPay": "1"}, "totals": {"netPay": "2"}}, {}, 2),
        ({}, {"deductions": [{"name": "Levy"}]}, 1),
        ({"deductions": {"name": "Loan", "amount": "3"}}, {}, 2),
        ({"totals": [{"netPay": "1"}]}, {"totals": "x"}, 2),
    ],
)
def test_what_is_not_documented_keeps_its_whole_path_and_hides_nothing(
    employee, employer, values
):
    record, lines = flat(employee, **({"employer": employer} if employer else {}))
    assert lines == []
    odd = {name: v for name, v in record.items() if name != "netPay" and v != {}}
    assert len(record) - list(record.values()).count({}) == values
    assert all(name.startswith("currentPayPeriod.") for name in odd)
    assert record.get("netPay") in (None, "2")


def test_lines_of_any_kind_are_rows_where_the_answer_lists_them():
    record, lines = flat(
        {
            "benefits": {"benefitsInKind": "5.00"},
            "earnings": [{"earningType": "Salary", "amount": "9.00"}],
        }
    )
    assert record == {"benefitsInKind": "5.00"}
    (line,) = lines
    assert (line["kind"], line["name"], line["amount"]) == ("earning", "Salary", "9.00")
    _, lines = flat({"benefits": [{"name": "Car", "amount": "5.00"}]})
    assert [line["kind"] for line in lines] == ["benefit"]


def test_a_run_without_a_name_of_its_own_has_the_other():
    answer = {"run": {"id": None, "runId": "r1"}, "payslips": [{}]}
    assert payslip_records(answer, PAYSLIPS["GB"])[0]["runId"] == "r1"


@pytest.mark.parametrize("odd", [5, 1.5, True, "none", {"a": 1}, [5, None, "x"]])
def test_payslips_that_are_none_are_no_rows(odd):
    assert payslip_records({"payslips": odd}, PAYSLIPS["GB"]) == []
    assert line_records({"payslips": odd}) == []
