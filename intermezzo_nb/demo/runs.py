"""Payroll runs: simple arithmetic on what is sent, and no tax calculation."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from .identifiers import type_id
from .names import ORGANIZATIONS
from .people import Company
from .queries import Fault

_CENT, _ZERO = Decimal("0.01"), Decimal(0)
_MONTHS = 12
# Round rates, so that everybody can check a payslip by hand.
_TAX, _INSURANCE, _EMPLOYER, _PENSION = map(Decimal, ("0.20", "0.08", "0.15", "0.03"))
_SOLIDARITY, _CHURCH = Decimal("0.055"), Decimal("0.09")
_SHARES = {
    "pensionInsurance": Decimal("0.093"),
    "unemploymentInsurance": Decimal("0.013"),
    "healthInsurance": Decimal("0.081"),
    "careInsurance": Decimal("0.018"),
}
_ORGANIZATIONS = range(len(ORGANIZATIONS))
_TAX_CLASSES = tuple("123456")
_YEARS = range(1900, 2100)
_Slip = Callable[[dict[str, Any]], dict[str, Any]]


class Refused(Exception):
    """An employee cannot be paid; the words say why."""


class Runs:
    """
    What was run since the server began.

    Parameters
    ----------
    company : Company
        Whose British employees can be paid.
    """

    def __init__(self, company: Company) -> None:
        self._company = company
        self.bodies: list[dict[str, Any]] = []
        self._numbers = itertools.count(1)

    def british(self, body: Any) -> dict[str, Any]:
        """Pay British employees, who are known here by their ids."""
        payslips, errors = self._paid(body, self._british_slip, _british_id)
        run = {
            "id": type_id("run", self._company.seed, next(self._numbers)),
            "externalRef": body.get("externalRef"),
            "status": "draft",
        }
        return {"run": run, "payslips": payslips, "errors": errors}

    def german(self, body: Any) -> dict[str, Any]:
        """Pay German employees: all about them is in the body."""
        payslips, errors = self._paid(body, _german_slip, _german_id)
        slips = [slip["currentPayPeriod"]["employee"] for slip in payslips]
        shares = {
            f"{name.removesuffix('Insurance')}Contribution"
            if name == "pensionInsurance"
            else f"{name}Contribution": _text(
                sum((Decimal(s["insurance"][name]) for s in slips), _ZERO)
            )
            for name in _SHARES
        }
        burden = sum(map(Decimal, shares.values()), _ZERO)
        summary = {"employer": {**shares, "totalBurden": _text(burden)}}
        return {"summary": summary, "payslips": payslips, "errors": errors}

    def _paid(
        self, body: Any, slip: _Slip, name: Callable[[Any], Any]
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        payslips: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for member in _group(body):
            try:
                payslips.append({**_period(body), **slip(member)})
            except Refused as why:
                errors.append({"employeeId": name(member), "error": str(why)})
        self.bodies.append(body)
        return payslips, errors

    def _british_slip(self, member: dict[str, Any]) -> dict[str, Any]:
        company, employee = self._company, member.get("employeeId")
        homes = (n for n in _ORGANIZATIONS if company.country(n) == "GB")
        numbers = (company.employee_number(n, str(employee)) for n in homes)
        if next((n for n in numbers if n is not None), None) is None:
            raise Refused("There is no such employee.")
        pay = _Pay(member.get("payDetails"))
        tax, insurance = _cut(pay.gross * _TAX), _cut(pay.gross * _INSURANCE)
        net = pay.gross - tax - insurance
        return {
            "employeeId": employee,
            "currentPayPeriod": {
                "employee": {
                    "totals": pay.totals("grossWages", net),
                    "benefits": {"benefitsInKind": _text(pay.benefits)},
                    "taxes": {
                        "incomeTaxAssessmentBase": _text(pay.gross),
                        "incomeTax": _text(tax),
                    },
                    "insurance": {
                        "insuranceAssessmentBase": _text(pay.gross),
                        "nationalInsurance": _text(insurance),
                    },
                    **pay.lines(),
                },
                "employer": {
                    "secondaryClass1Nic": _text(pay.gross * _EMPLOYER),
                    "class1ANic": _text(pay.benefits * _EMPLOYER),
                    "employerPensionContribution": _text(pay.gross * _PENSION),
                },
            },
        }


class _Pay:
    """The lines of one employee, by the month."""

    def __init__(self, details: Any) -> None:
        self._details = details if isinstance(details, dict) else {}
        earnings = self._listed("earnings")
        if not earnings:
            raise Refused("There are no earnings.")
        self.gross = sum(map(_monthly, earnings), _ZERO)
        if self.gross <= 0:
            raise Refused("An amount has to be more than 0.")
        benefits = self._listed("benefits")
        self.benefits = sum(map(_value, benefits), _ZERO)
        self.deducted = sum(map(_amount, self._listed("deductions")), _ZERO)
        self.repaid = sum(map(_amount, self._listed("reimbursements")), _ZERO)

    def totals(self, gross: str, net: Decimal) -> dict[str, str]:
        return {
            gross: _text(self.gross),
            "netWages": _text(net),
            "totalDeductions": _text(self.deducted),
            "totalReimbursements": _text(self.repaid),
            "netPay": _text(net - self.deducted + self.repaid),
        }

    def lines(self) -> dict[str, list[dict[str, str]]]:
        return {
            kind: [
                {"name": str(line.get("name")), "amount": _text(_amount(line))}
                for line in self._listed(kind)
            ]
            for kind in ("deductions", "reimbursements")
        }

    def _listed(self, name: str) -> list[dict[str, Any]]:
        lines = self._details.get(name) or []
        return [line for line in lines if isinstance(line, dict)]


def _german_slip(member: dict[str, Any]) -> dict[str, Any]:
    attributes = member.get("taxAttributes") or {}
    if attributes.get("taxClass") not in _TAX_CLASSES:
        raise Refused("The tax class has to be one of 1 to 6.")
    details = member.get("employeeDetails") or {}
    if details.get("yearOfBirth") not in _YEARS:
        raise Refused("The year of birth is missing.")
    pay = _Pay(member.get("payDetails"))
    tax = _cut(pay.gross * _TAX)
    solidarity = _cut(tax * _SOLIDARITY)
    church = _cut(tax * _CHURCH) if attributes.get("isChurchMember") else _ZERO
    shares = {name: _cut(pay.gross * share) for name, share in _SHARES.items()}
    insured = sum(shares.values(), _ZERO)
    net = pay.gross - tax - solidarity - church - insured
    totals = pay.totals("totalGrossWages", net)
    return {
        "employeeId": details.get("employeeId"),
        "currentPayPeriod": {
            "employee": {
                "totals": {**totals, "taxableGrossWages": _text(pay.gross)},
                "taxes": {
                    "incomeTaxAssessmentBase": _text(pay.gross),
                    "solidarityTaxAssessmentBase": _text(tax),
                    "incomeTax": _text(tax),
                    "churchTax": _text(church),
                    "solidarityTax": _text(solidarity),
                    "totalTax": _text(tax + solidarity + church),
                },
                "insurance": {
                    "insuranceAssessmentBase": _text(pay.gross),
                    "pensionAssessmentBase": _text(pay.gross),
                    "healthInsuranceAdditionalRate": "0.0170",
                    **{name: _text(share) for name, share in shares.items()},
                    "totalInsurance": _text(insured),
                },
                **pay.lines(),
            }
        },
    }


def _group(body: Any) -> list[dict[str, Any]]:
    members = body.get("payrollGroup") if isinstance(body, dict) else None
    if not isinstance(members, list) or not members:
        raise _invalid("payrollGroup", "has to be a list of employees")
    try:
        dt.date.fromisoformat(str(body.get("payDate")))
    except ValueError:
        raise _invalid("payDate", "has to be a date, as 2026-04-30") from None
    if str(body.get("payCycle")).lower() not in {"month", "year"}:
        raise _invalid("payCycle", "has to be a month or a year")
    return [member for member in members if isinstance(member, dict)]


def _period(body: dict[str, Any]) -> dict[str, str]:
    return {"paymentPeriod": str(body["payCycle"]).capitalize()}


def _british_id(member: dict[str, Any]) -> Any:
    return member.get("employeeId")


def _german_id(member: dict[str, Any]) -> Any:
    return (member.get("employeeDetails") or {}).get("employeeId")


def _monthly(line: dict[str, Any]) -> Decimal:
    often = str(line.get("earningFrequency") or "month").lower()
    amount = _amount(line)
    if often not in {"month", "year"}:
        raise Refused("An earning is by the month or the year.")
    return amount / _MONTHS if often == "year" and not line.get("isLumpsum") else amount


def _value(line: dict[str, Any]) -> Decimal:
    return _amount({"amount": line.get("value", line.get("amount"))})


def _amount(line: dict[str, Any]) -> Decimal:
    try:
        amount = Decimal(str(line.get("amount")))
    except ArithmeticError:
        raise Refused("An amount is no number.") from None
    if not amount.is_finite():
        raise Refused("An amount is no number.")
    return amount


def _cut(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_UP)


def _text(amount: Decimal) -> str:
    return str(_cut(amount))


def _invalid(field: str, why: str) -> Fault:
    message = f"{field} {why}."
    return Fault(422, "validation_error", message, field=field)
