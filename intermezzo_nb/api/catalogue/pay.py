"""What employees are paid by, and what a payroll run answers with."""

from __future__ import annotations

from collections.abc import Mapping

from ..schema import Column, Parameter, Resource
from .terms import COUNTRY, EMPLOYEE, EMPLOYEE_ID, TIMES, VALID, enum, identifier, of

COMPENSATION = Resource(
    name="compensation",
    path=EMPLOYEE + "/compensation-details",
    history=EMPLOYEE + "/compensation-details/history",
    page="core/get-employee-compensation-details",
    doc="The lines of an employee's pay: earnings, benefits, deductions, "
    "reimbursements",
    owner="employee",
    style="object",
    key=("employeeId",),
    version="recordId",
    parameters=(EMPLOYEE_ID,),
    lines=(
        ("earnings", "earning"),
        ("benefits", "benefit"),
        ("deductions", "deduction"),
        ("reimbursements", "reimbursement"),
    ),
    keep=(
        ("employeeId", "employeeId"),
        ("id", "recordId"),
        ("employmentCountry", "employmentCountry"),
        ("validFrom", "validFrom"),
        ("validTo", "validTo"),
        ("createdAt", "createdAt"),
        ("updatedAt", "updatedAt"),
    ),
    columns=(
        *of("text", "employeeId"),
        identifier("recordId"),
        COUNTRY,
        enum("kind", "earning", "benefit", "deduction", "reimbursement"),
        *of("text", "wageTypeCode", "name"),
        *of("money", "amount", "makeGoodAmount", "foregoneAmount"),
        *of("enum", "earningType", "earningFrequency"),
        *of("boolean", "isLumpsum"),
        *VALID,
        *TIMES,
    ),
)

_CATEGORIES = (
    *("earnings", "deductions", "benefits", "statutory"),
    *("pension", "contributions", "adjustments", "reimbursements"),
)

WAGE_TYPES = Resource(
    name="wage-types",
    path="/gb/wage-types",
    page="gb/list-wage-types",
    doc="The British wage types, with how tax, NI and pension treat them",
    owner="account",
    style="cursor",
    key=("wageTypeCode",),
    version="id",
    parameters=(
        Parameter("effective_date", "date", example="2026-04-06"),
        Parameter("status", "enum", values=("draft", "approved", "deprecated")),
        Parameter("category", "enum", values=_CATEGORIES),
        Parameter("include_deprecated", "boolean", example="true"),
    ),
    columns=(
        *of("integer", "id"),
        *of("text", "wageTypeCode", "name"),
        enum("category", *_CATEGORIES),
        *of("text", "description"),
        enum("status", "draft", "approved", "deprecated"),
        *of("enum", "taxableStatus", "taxTiming", "rtiPaymentType", "niClass"),
        *of("boolean", "niEmployeeApplies"),
        *of("enum", "niEmployerTreatment"),
        *of("boolean", "isClass1AApplicable"),
        *of("enum", "p11DReportableStatus", "pensionStatus"),
        *of("boolean", "isAeQualifying", "usesAeBands", "isHolidayPayIncluded"),
        *of("boolean", "isSalarySacrificeAllowed", "isNmwGuardRequired"),
        *of("enum", "nmwTreatment", "opraRule", "payrollingEligibleStatus"),
        *of("boolean", "usesOfficialInterestRate"),
        *VALID,
        *of("json", "calculationVariants", "thresholds"),
        *of("integer", "regularityWindowWeeks", "regularityThresholdPeriods"),
        *of("text", "legislativeSource", "owner", "reviewer"),
        *of("date", "lastReviewedAt"),
        *of("boolean", "isGrossUp"),
    ),
)

GERMAN_WAGE_TYPES = Resource(
    name="german-wage-types",
    path="/germany/wage-types/{wage_type_number}",
    page="de/get-wage-type-by-number",
    doc="A German wage type (Lohnart), with how tax and social security treat it",
    owner="account",
    style="object",
    key=("wageTypeNumber",),
    version="id",
    parameters=(
        Parameter("wage_type_number", "integer", where="path", example="1000"),
    ),
    columns=(
        *of("integer", "id", "wageTypeNumber"),
        *of("text", "name"),
        enum(
            "componentType",
            *("gross_earning", "gross_deduction", "net_earning", "net_deduction"),
        ),
        enum(
            "taxTreatment",
            *("recurring_wage", "one_time_payment", "flat_rate_tax", "tax_free"),
        ),
        *of("text", "taxCertificateLineItem"),
        enum(
            "socialSecurityTreatment",
            *("recurring_wage", "one_time_payment", "social_security_free"),
        ),
        enum("garnishmentTreatment", "full", "non_garnishable", "partial"),
        *of("boolean", "isTotalGrossComponent", "isSvRelevantComponent"),
        *of("boolean", "isReimbursableAag", "isAccidentInsuranceRelevant"),
        *of("boolean", "isGlComponent", "isAverageEarningsComponent"),
        *of("boolean", "isMinimumWageComponent"),
        *VALID,
    ),
)

_EMPLOYEE_PART = "currentPayPeriod.employee."
_LISTS = (
    (_EMPLOYEE_PART + "earnings", "earning"),
    (_EMPLOYEE_PART + "benefits", "benefit"),
    (_EMPLOYEE_PART + "deductions", "deduction"),
    (_EMPLOYEE_PART + "reimbursements", "reimbursement"),
)


def _found(path: str, *names: str) -> tuple[tuple[str, str], ...]:
    return tuple((f"currentPayPeriod.{path}.{name}", name) for name in names)


_TOTALS = ("netWages", "totalDeductions", "totalReimbursements", "netPay")
_GB_AMOUNTS = (
    *_found("employee.totals", "grossWages", *_TOTALS),
    *_found("employee.benefits", "benefitsInKind"),
    *_found("employee.taxes", "incomeTaxAssessmentBase", "incomeTax"),
    *_found("employee.insurance", "insuranceAssessmentBase", "nationalInsurance"),
    *_found("employer", "secondaryClass1Nic", "class1ANic"),
    *_found("employer", "employerPensionContribution"),
)
_DE_AMOUNTS = (
    *_found("employee.totals", "totalGrossWages", "taxableGrossWages", *_TOTALS),
    *_found("employee.taxes", "incomeTaxAssessmentBase"),
    *_found("employee.taxes", "solidarityTaxAssessmentBase"),
    *_found("employee.taxes", "incomeTax", "churchTax", "solidarityTax", "totalTax"),
    *_found("employee.insurance", "insuranceAssessmentBase", "pensionAssessmentBase"),
    *_found("employee.insurance", "pensionInsurance", "unemploymentInsurance"),
    *_found("employee.insurance", "healthInsurance", "careInsurance"),
    *_found("employee.insurance", "totalInsurance"),
)
_DE_RATES = _found("employee.insurance", "healthInsuranceAdditionalRate")

PAYSLIPS: Mapping[str, Resource] = {
    "GB": Resource(
        name="payslips",
        path="/gb/payroll",
        page="gbcalc/run-payroll",
        doc="The payslips that a British payroll run answers with",
        owner="account",
        country="GB",
        inside="payslips",
        keep=_GB_AMOUNTS,
        columns=(
            *of("text", "runId"),
            Column("status", "enum"),
            identifier("employeeId"),
            Column("paymentPeriod", "enum"),
            *of("money", *(column for _, column in _GB_AMOUNTS)),
        ),
    ),
    "DE": Resource(
        name="payslips",
        path="/germany/payroll",
        page="decalc/run-payroll",
        doc="The payslips that a German payroll run answers with",
        owner="account",
        country="DE",
        inside="payslips",
        keep=(*_DE_AMOUNTS, *_DE_RATES),
        columns=(
            *of("integer", "employeeId"),
            Column("paymentPeriod", "enum"),
            *of("money", *(column for _, column in _DE_AMOUNTS)),
            *of("number", *(column for _, column in _DE_RATES)),
        ),
    ),
}
"""By country; ``keep`` tells where in a payslip each amount stands."""

PAYSLIP_LINES = Resource(
    name="payslip-lines",
    path="",
    page="gbcalc/run-payroll",
    doc="The lines of payslips, as far as the answer to a run lists them",
    owner="account",
    inside="payslips",
    lines=_LISTS,
    keep=(("employeeId", "employeeId"),),
    columns=(
        identifier("employeeId"),
        enum("kind", "earning", "benefit", "deduction", "reimbursement"),
        *of("text", "name"),
        *of("money", "amount"),
    ),
)
