"""What British employers owe to HMRC, and their workplace pensions."""

from __future__ import annotations

from ..schema import Parameter, Resource
from .terms import EMPLOYEE_ID, GB_EMPLOYEE, GB_ORGANIZATION, enum, of

_P32_AMOUNTS = (
    *("grossLiability", "totalReclaims", "netPayable", "eaBalanceCarriedForward"),
    *("surplusCarriedForward", "incomeTaxPaye", "studentLoanPlan1"),
    *("studentLoanPlan2", "studentLoanPlan4", "studentLoanPg", "employeeNic"),
    *("employerNic", "class1ANic", "smp", "spp", "sap", "shpp", "spbp", "sncp"),
    *("nicCompensation", "cis", "employmentAllowanceApplied", "apprenticeshipLevy"),
    *("eaBalanceBroughtForward", "surplusBroughtForward"),
)

_TAX_YEAR = Parameter("tax_year", "integer", where="path", example="2026")

P32 = Resource(
    name="p32",
    path=GB_ORGANIZATION + "/p32/{tax_year}",
    page="gb/get-p32-for-a-full-tax-year",
    doc="What a British employer owes to HMRC, by month of a tax year",
    style="object",
    country="GB",
    inside="months",
    parameters=(_TAX_YEAR,),
    columns=(
        *of("integer", "taxYear", "taxMonth", "version"),
        *of("money", *_P32_AMOUNTS),
    ),
)

P32_CUMULATIVE = Resource(
    name="p32-cumulative",
    path=GB_ORGANIZATION + "/p32/{tax_year}/export",
    page="gb/export-p32-for-a-tax-year-with-cumulative-totals",
    doc="The same as p32, with the running totals of the tax year",
    style="object",
    country="GB",
    inside="months",
    parameters=(_TAX_YEAR,),
    columns=(
        *of("integer", "taxYear", "taxMonth"),
        *of("money", *_P32_AMOUNTS),
        *of("money", "cumulativeGrossLiability", "cumulativeNetPayable"),
    ),
)

PENSION_MEMBERSHIP = Resource(
    name="pension-membership",
    path=GB_EMPLOYEE + "/pension/membership",
    history=GB_EMPLOYEE + "/pension/membership/history",
    page="gb/get-pension-membership-history",
    doc="Whether a British employee is in the workplace pension, by version",
    owner="employee",
    style="object",
    country="GB",
    key=("employeeId",),
    version="version",
    may_be_absent=True,
    parameters=(EMPLOYEE_ID,),
    columns=(
        *of("text", "employeeId"),
        *of("integer", "version"),
        enum("status", "ACTIVE", "OPTED_OUT", "NOT_ENROLLED"),
        enum(
            "workerCategory",
            *("ELIGIBLE_JOBHOLDER", "NON_ELIGIBLE_JOBHOLDER"),
            *("ENTITLED_WORKER", "EXCLUDED"),
        ),
        enum("entryRoute", "AUTO_ENROLLED", "OPTED_IN", "JOINED"),
        *of("date", "enrolmentDate", "optOutDate", "enrolmentCommunicationDate"),
        *of("text", "schemeId"),
        *of("instant", "createdAt"),
        *of("text", "createdBy"),
    ),
)

# The names of the fields for worker category and trigger are not documented.
PENSION_ASSESSMENTS = Resource(
    name="pension-assessments",
    path=GB_EMPLOYEE + "/pension/assessments",
    page="gb/get-auto-enrolment-assessments",
    doc="When it was assessed whether a British employee has to be enrolled",
    owner="employee",
    style="array",
    country="GB",
    parameters=(EMPLOYEE_ID,),
    columns=(
        *of("text", "employeeId"),
        *of("date", "assessmentDate"),
        *of("boolean", "enrolmentRequired", "reEnrolmentIndicator"),
        *of("money", "qualifyingEarnings"),
        *of("integer", "ageAtAssessment"),
        *of("text", "payrunId"),
        *of("instant", "createdAt"),
    ),
)
