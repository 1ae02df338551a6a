"""The countries whose payroll can be run: what is sent and what comes back, as data."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from ..errors import SettingsError
from .forms import columns
from .resources import PAYSLIPS
from .schema import Column, Resource

KINDS = ("earning", "benefit", "deduction", "reimbursement")


class Country(Struct, frozen=True):
    """
    How payroll is run in a country.

    Parameters
    ----------
    employee : tuple of Column
        Fields of an employee, the same in all of the employee's rows.
    identity : str
        The place of ``employeeId`` in what is sent.
    about_identity : str
        What it is, in words.
    lines : mapping of str to tuple of Column
        Fields of a line, by its kind.
    payslips : Resource
        What comes back for an employee.
    cycles : mapping of str to str
        How this country spells a month and a year.
    """

    name: str
    path: str
    employee: tuple[Column, ...]
    identity: str
    about_identity: str
    lines: Mapping[str, tuple[Column, ...]]
    payslips: Resource
    cycles: Mapping[str, str]

    @property
    def run(self) -> str:
        """What lists of resources call its runs."""
        return f"payroll-{self.name.lower()}"

    @property
    def fields(self) -> tuple[Column, ...]:
        """All that a row may hold."""
        lines = {c.name: c for kind in self.lines.values() for c in kind}
        return (*self.employee, Column("kind", "enum", KINDS), *lines.values())


EMPLOYEE_ID = "employeeId"
NEEDED = ("earningType", "name", "amount", "value")  # of a line, where its kind has it
_NAMED = (Column("name"), Column("amount", "money"))

_GB = Country(
    name="GB",
    path="/gb/payroll",
    employee=(Column(EMPLOYEE_ID, example="emp_…"),),
    identity=EMPLOYEE_ID,
    about_identity='The British run takes the ids of frame("employees"), which are '
    "text.",
    lines={
        "earning": (
            Column("earningType", values=("Salary", "Bonus"), example="Salary"),
            Column("amount", "money"),
            Column("earningFrequency", values=("year", "month")),
            Column("isLumpsum", "boolean"),
        ),
        "benefit": (*_NAMED, *columns("money", "makeGoodAmount", "foregoneAmount")),
        "deduction": _NAMED,
        "reimbursement": _NAMED,
    },
    payslips=PAYSLIPS["GB"],
    cycles={"month": "month", "year": "year"},
)
_DE = Country(
    name="DE",
    path="/germany/payroll",
    employee=(
        Column(EMPLOYEE_ID, "integer", example="1042"),
        Column("employeeDetails.yearOfBirth", "integer"),
        Column("employeeDetails.isMiniJob", "boolean"),
        Column("employeeDetails.agreedWorkHoursPerWeek", "number"),
        Column("employeeDetails.miniJobDetails.miniJobType", example="Short Term"),
        Column("employeeDetails.miniJobDetails.taxMethod", example="Flat Rate"),
        *columns(
            "boolean",
            *("pensionExemption", "flatRatePaidByEmployee"),
            prefix="employeeDetails.miniJobDetails.",
        ),
        Column("employeeDetails.miniJobDetails.shortTermFlatTaxRate", "number"),
        Column("taxAttributes.taxClass", "enum", ("1", "2", "3", "4", "5", "6")),
        *columns("boolean", "isFactor", "isChurchMember", prefix="taxAttributes."),
        *columns("number", "factor", "childAllowances", prefix="taxAttributes."),
        Column("taxAttributes.taxState"),
        Column("insuranceDetails.pensionInsuranceType", example="Statutory"),
        Column("insuranceDetails.healthInsuranceType", example="Statutory KV"),
        Column("insuranceDetails.healthInsurerAgencyCode"),
        Column("insuranceDetails.privateInsuranceMonthly", "money"),
        Column("insuranceDetails.careInsuranceChildren", "integer"),
        Column("insuranceDetails.isMidiJob", "boolean"),
    ),
    identity="employeeDetails.employeeId",
    about_identity="The German run takes a number for each employee, that you choose: "
    'the ids of frame("employees") are text, and for the British run alone.',
    lines={
        "earning": (
            Column(
                "earningType",
                values=("Salary", "Allowances", "Other"),
                example="Salary",
            ),
            Column("amount", "money"),
            Column("earningFrequency"),
            *columns("boolean", "isLumpsum", "doGrossup"),
        ),
        "benefit": (
            Column("name"),
            *columns("money", "value", "additionalPayments", "privateTrip"),
            *columns("money", "employerShare", "employeeShare"),
        ),
        "deduction": _NAMED,
        "reimbursement": _NAMED,
    },
    payslips=PAYSLIPS["DE"],
    cycles={"month": "Month", "year": "Year"},
)
COUNTRIES: Mapping[str, Country] = {"GB": _GB, "DE": _DE}


def find_country(name: object) -> Country:
    """
    Give a country whose payroll can be run.

    Raises
    ------
    SettingsError
        ``bad_arguments``: there is no such country here.
    """
    if isinstance(name, str) and name in COUNTRIES:
        return COUNTRIES[name]
    raise SettingsError(
        "a payroll run needs a country that the API documents",
        advice=f"Give {' or '.join(map(repr, COUNTRIES))}, then the DataFrame.",
        code="bad_arguments",
    )
