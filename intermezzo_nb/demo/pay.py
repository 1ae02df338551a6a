"""Invented pay: compensation by version, wage types, and the P32 that follows."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from .people import Company, Period

_Paid = tuple[Period, Decimal]
_CENT = Decimal("0.01")
# Monthly thresholds and rates: the shape of the real ones, not a tax calculation.
_ALLOWANCE, _PAYE = Decimal("1047.50"), Decimal("0.20")
_NI_FLOOR, _NI = Decimal(1048), Decimal("0.08")
_SECONDARY_FLOOR, _SECONDARY = Decimal(417), Decimal("0.15")
_LEVY, _LEVY_ALLOWANCE = Decimal("0.005"), Decimal(1250)
_LOAN_FLOOR, _LOAN = Decimal(2274), Decimal("0.09")
_RECLAIMED = Decimal("0.92")
_SHARE = Decimal("0.05")  # of the pay, for a pension
_CATEGORIES = (
    (
        "E",
        "earnings",
        "Salary Overtime Bonus Commission Allowance Standby Backpay Shift",
    ),
    ("D", "deductions", "Loan Union Court Savings Charity Overpayment Rent Meals"),
    ("B", "benefits", "Car Fuel Medical Cycle Phone Loan Accommodation Gym"),
    ("S", "statutory", "SSP SMP SPP SAP ShPP SPBP SNCP Redundancy"),
    ("P", "pension", "Employee Employer AVC Sacrifice Refund Transfer Cash Top-up"),
    ("C", "contributions", "NI Levy Apprenticeship Scheme Death-in-service Income"),
    ("A", "adjustments", "Rounding Advance Correction Netting Prior-year Advance-back"),
    ("R", "reimbursements", "Mileage Travel Hotel Meals Tools Home-office Training"),
)
_P32_ZERO = (
    *("eaBalanceCarriedForward", "surplusCarriedForward", "studentLoanPlan1"),
    *("studentLoanPlan4", "studentLoanPg", "class1ANic", "spp", "sap", "shpp"),
    *("spbp", "sncp", "nicCompensation", "cis", "employmentAllowanceApplied"),
    *("eaBalanceBroughtForward", "surplusBroughtForward"),
)


class _Codes(NamedTuple):
    salary: str
    bonus: str
    car: str
    pension: str
    travel: str


_CODES = {
    "DE": _Codes("1000", "1520", "2740", "6300", "8100"),
    "GB": _Codes("UK-E-001", "UK-E-003", "UK-B-001", "UK-P-001", "UK-R-001"),
}
_PENSION = {"DE": "Entgeltumwandlung bAV", "GB": "Pension"}
_DISTANCE = {"DE": Decimal("0.30"), "GB": Decimal("0.45")}  # for a kilometer or mile
_CAR = {"DE": (250, 900), "GB": (3_000, 9_000)}  # taxed by month, or by year


def compensation(
    company: Company, organization: int, number: int
) -> list[dict[str, Any]]:
    """Give all versions of an employee's compensation; amounts are decimal strings."""
    return [
        {
            **company.record(organization, number, period, version, "cd"),
            **_lines(company, company.country(organization), number, version),
        }
        for version, period in enumerate(company.versions("compensation", number))
    ]


def _lines(
    company: Company, country: str, number: int, version: int
) -> dict[str, list[dict[str, Any]]]:
    dice, job = company.dice(f"compensation-{version}", number), company.job(number)
    codes, month = _CODES[country], monthly_pay(company, number, version)
    earnings = [_earning(codes.salary, month)]
    benefits, deductions, reimbursements = [], [], []
    if dice.random() < 0.2:
        bonus = Decimal(dice.randrange(500, 6000))
        earnings.append(_earning(codes.bonus, bonus, often="YEAR", lump=True))
    if job.high > 60_000 and dice.random() < 0.4:
        car = _text(Decimal(dice.randrange(*_CAR[country])))
        paid = {"makeGoodAmount": "0.00", "foregoneAmount": None}
        benefits.append({"wageTypeCode": codes.car, "amount": car, **paid})
    if dice.random() < 0.5:
        share = {"wageTypeCode": codes.pension, "amount": _text(month * _SHARE)}
        deductions.append({"name": _PENSION[country], **share})
    if dice.random() < 0.15 and job.low < 60_000:
        driven = _text(Decimal(dice.randrange(20, 300)) * _DISTANCE[country])
        reimbursements.append({"wageTypeCode": codes.travel, "amount": driven})
    return {
        "earnings": earnings,
        "benefits": benefits,
        "deductions": deductions,
        "reimbursements": reimbursements,
    }


def monthly_pay(company: Company, number: int, version: int) -> Decimal:
    """Give the salary of a month in one version; each version pays 3 % more."""
    job = company.job(number)
    base = Decimal(company.dice("salary", number).randrange(job.low, job.high)) / 12
    raised: Decimal = base * Decimal("1.03") ** version
    return raised.quantize(_CENT, ROUND_HALF_UP)


def pay_on(company: Company, number: int, day: dt.date) -> Decimal:
    """Give the monthly salary that is valid on a day; 0 where none is."""
    return _pay_on(_paid(company, number), day)


def wage_types(company: Company) -> list[dict[str, Any]]:
    """Give all versions of all British wage types."""
    records: list[dict[str, Any]] = []
    for letter, category, names in _CATEGORIES:
        for place, name in enumerate(names.split() * 4, 1):
            code = f"UK-{letter}-{place:03d}"
            dice = company.dice(f"wage-type-{code}", 0)
            begin = dt.date(2022, 4, 6)
            if dice.random() < 0.15:
                old = _wage_type(company, len(records), code, category, name, dice)
                end = dt.date(begin.year + 2, 4, 5)
                records.append(old | _period(begin, end) | {"status": "deprecated"})
                begin = dt.date(begin.year + 2, 4, 6)
            new = _wage_type(company, len(records), code, category, name, dice)
            records.append(new | _period(begin, None))
    return records


def p32(
    company: Company, organization: int, tax_year: int
) -> list[dict[str, Any] | None]:
    """
    Give the twelve months of a tax year; None for those that are not over.

    The amounts are simple sums over the employees' pay, so that the rows add up; they
    are no tax calculation.
    """
    paid = [
        (number, _paid(company, number)) for number in company.employees(organization)
    ]
    months: list[dict[str, Any] | None] = []
    for month in range(1, 13):
        begin = _month_begin(tax_year, month)
        is_over = _month_begin(tax_year, month + 1) <= company.today
        months.append(_p32_month(paid, tax_year, month, begin) if is_over else None)
    return months


def cumulated(months: list[dict[str, Any] | None]) -> list[dict[str, Any] | None]:
    """Add the year's running totals, as the export has them."""
    liability = payable = Decimal(0)
    rows: list[dict[str, Any] | None] = []
    for month in months:
        if month is None:
            rows.append(None)
            continue
        liability += Decimal(month["grossLiability"])
        payable += Decimal(month["netPayable"])
        row = {k: v for k, v in month.items() if k != "version"}
        row["cumulativeGrossLiability"] = _text(liability)
        row["cumulativeNetPayable"] = _text(payable)
        rows.append(row)
    return rows


def _p32_month(
    paid: list[tuple[int, list[_Paid]]], tax_year: int, month: int, begin: dt.date
) -> dict[str, Any]:
    paye = employee = employer = loan = bill = maternity = Decimal(0)
    for number, periods in paid:
        pay = _pay_on(periods, begin)
        bill += pay
        paye += _share(pay, _ALLOWANCE, _PAYE)
        employee += _share(pay, _NI_FLOOR, _NI)
        employer += _share(pay, _SECONDARY_FLOOR, _SECONDARY)
        if number % 9 == 0:
            loan += _share(pay, _LOAN_FLOOR, _LOAN)
        if number % 97 == month:
            maternity += _share(pay, Decimal(0), Decimal("0.5"))
    levy = _share(bill, _LEVY_ALLOWANCE / _LEVY, _LEVY)
    liability = paye + employee + employer + loan + levy
    reclaimed = (maternity * _RECLAIMED).quantize(_CENT, ROUND_HALF_UP)
    amounts = {
        "grossLiability": liability,
        "totalReclaims": reclaimed,
        "netPayable": liability - reclaimed,
        "incomeTaxPaye": paye,
        "studentLoanPlan2": loan,
        "employeeNic": employee,
        "employerNic": employer,
        "smp": reclaimed,
        "apprenticeshipLevy": levy,
    }
    return {
        "taxYear": tax_year,
        "taxMonth": month,
        "version": 1,
        **{name: _text(amount) for name, amount in amounts.items()},
        **dict.fromkeys(_P32_ZERO, "0"),
    }


def _paid(company: Company, number: int) -> list[_Paid]:
    periods = company.versions("compensation", number)
    return [
        (period, monthly_pay(company, number, version))
        for version, period in enumerate(periods)
    ]


def _pay_on(periods: list[_Paid], day: dt.date) -> Decimal:
    for (begin, end), pay in periods:
        if begin <= day and (end is None or day <= end):
            return pay
    return Decimal(0)


def _share(pay: Decimal, above: Decimal, rate: Decimal) -> Decimal:
    part: Decimal = max(Decimal(0), pay - above) * rate
    return part.quantize(_CENT, ROUND_HALF_UP)


def _month_begin(tax_year: int, month: int) -> dt.date:
    # Tax month 1 of a year begins on 6 April.
    years, place = divmod(month + 2, 12)
    return dt.date(tax_year + years, place + 1, 6)


def _period(begin: dt.date, end: dt.date | None) -> dict[str, Any]:
    return {
        "validFrom": begin.isoformat(),
        "validTo": end.isoformat() if end else None,
    }


def _earning(
    code: str, amount: Decimal, *, often: str = "MONTH", lump: bool = False
) -> dict[str, Any]:
    return {
        "wageTypeCode": code,
        "amount": _text(amount),
        "earningType": "AMOUNT",
        "earningFrequency": often,
        "isLumpsum": lump,
    }


def _wage_type(
    company: Company, number: int, code: str, category: str, name: str, dice: Any
) -> dict[str, Any]:
    is_pay = category in {"earnings", "statutory"}
    return {
        "id": number + 1,
        "wageTypeCode": code,
        "name": f"{name} {code[-3:].lstrip('0')}",
        "category": category,
        "description": f"{name}: an invented {category} wage type",
        "status": dice.choices(["approved", "draft"], [9, 1])[0],
        "taxableStatus": "yes" if is_pay else "no",
        "taxTiming": "on_payment",
        "niClass": "class_1" if is_pay else "none",
        "niEmployeeApplies": is_pay,
        "niEmployerTreatment": "secondary" if is_pay else None,
        "isClass1AApplicable": category == "benefits",
        "p11DReportableStatus": "yes" if category == "benefits" else "no",
        "pensionStatus": "scheme_defined",
        "isAeQualifying": is_pay,
        "usesAeBands": is_pay,
        "isHolidayPayIncluded": dice.random() < 0.5,
        "nmwTreatment": "included" if is_pay else None,
        "payrollingEligibleStatus": "no",
        "calculationVariants": [],
        "regularityWindowWeeks": 12 if is_pay else None,
        "legislativeSource": "ITEPA 2003",
        "lastReviewedAt": (company.today - dt.timedelta(days=90)).isoformat(),
        "isGrossUp": False,
    }


def _text(amount: Decimal) -> str:
    return f"{amount.quantize(_CENT, ROUND_HALF_UP):f}"
