"""
The catalogue: what the API documents, as data.

A new resource is an entry here and nothing else. Paths, columns and values are those
of the public API reference; what it leaves open is left open.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from ..errors import SettingsError
from .schema import Column, Parameter, Resource


def _of(kind: str, *names: str, prefix: str = "") -> tuple[Column, ...]:
    return tuple(Column(prefix + name, kind) for name in names)


def _enum(name: str, *values: str) -> Column:
    return Column(name, "enum", values)


_COUNTRY = _enum("employmentCountry", "DE", "GB")
_TIMES = _of("instant", "createdAt", "updatedAt")
_VALID = _of("date", "validFrom", "validTo")
_JOB_TYPES = tuple(
    f"{hours} Time {term} Term"
    for hours in ("Full", "Part")
    for term in ("Indefinite", "Fixed")
)


def _record(prefix: str) -> tuple[Column, ...]:
    """Give what every versioned sub-record repeats (reference pages, core/*)."""
    return (
        *_of("text", "id", "employeeId", prefix=prefix),
        Column(f"{prefix}employmentCountry", "enum", ("DE", "GB")),
        *_of("date", "validFrom", "validTo", prefix=prefix),
        *_of("instant", "createdAt", "updatedAt", prefix=prefix),
    )


def _job(prefix: str) -> tuple[Column, ...]:
    return (
        Column(f"{prefix}jobType", "enum", _JOB_TYPES),
        Column(f"{prefix}employmentStatus", "enum", ("Employee", "Worker", "Director")),
        *_of("text", "jobTitle", "jobDescription", "department", prefix=prefix),
        *_of("text", "worksiteId", prefix=prefix),
        *_of("number", "contractedWeeklyHours", prefix=prefix),
        *_of("json", "contractedWeekdays", prefix=prefix),
        *_of("boolean", "isSeasonalWorker", "contractedToOtherCompany", prefix=prefix),
        *_of("text", "schoolEducation", "professionalEducation", prefix=prefix),
        *_of("text", "occupationCode", prefix=prefix),
        *_of("json", "otherJobs", prefix=prefix),
        *_record(prefix),
    )


def _person(prefix: str) -> tuple[Column, ...]:
    name = ("familyName", "givenName", "familyNamePrefix", "givenNameSuffix")
    birth = ("birthName", "birthFamilyNamePrefix", "birthGivenNameSuffix", "title")
    return (
        *_of("text", *name, *birth, prefix=f"{prefix}employeeName."),
        Column(f"{prefix}gender", "enum", ("M", "W", "D")),
        Column(f"{prefix}maritalStatus", "enum", ("Single", "Married")),
        *_of("text", "nationality", prefix=prefix),
        *_of("json", "residenceAddress", prefix=prefix),
        *_of("text", "statusIndicator", prefix=prefix),
        *_record(prefix),
    )


_ORGANIZATIONS = Resource(
    name="organizations",
    path="/organizations",
    page="core/list-orgs",
    doc="The organizations that the token can see",
    owner="account",
    style="array",
    columns=(
        *_of("text", "id", "legalName", "dbaName"),
        _enum("registrationCountry", "DE", "GB"),
        *_of("json", "legalAddress", "correspondenceAddress"),
        *_of("date", "incorporationDate", "shutdownDate"),
        *_VALID,
        *_of("text", "externalRef", "website", "createdBy"),
        *_TIMES,
        *_of("json", "workSites", "bankAccounts", "contacts", "taxIdentifiers"),
        *_of("json", "insuranceData", "sepaMandates", "preferences"),
    ),
)

_EMPLOYEES = Resource(
    name="employees",
    path="/organizations/{organization_id}/employees",
    page="core/list-employees",
    doc="The employees of an organization, each with the records of today",
    unwrap="employeeData",
    columns=(
        *_of("text", "id", "organizationId"),
        _COUNTRY,
        *_of("text", "externalRef"),
        *_of("date", "startDate", "endDate", "birthDate"),
        *_of("text", "birthPlace", "birthCountry", "personalEmail", "workEmail"),
        *_of("json", "phoneNumbers", "relatedPersons"),
        *_person("personalData."),
        *_job("jobDetails."),
        *_TIMES,
    ),
)

_EMPLOYEE_ID = Parameter("employee_id", where="path", example="emp_…")

_JOB_DETAILS = Resource(
    name="job-details",
    path="/organizations/{organization_id}/employees/{employee_id}/job-details/history",
    history="/organizations/{organization_id}/employees/{employee_id}"
    "/job-details/history",
    page="core/get-employee-job-details-history",
    doc="What an employee is employed as, by version",
    owner="employee",
    style="array",
    parameters=(_EMPLOYEE_ID,),
    columns=_job(""),
)

_COMPENSATION = Resource(
    name="compensation",
    path="/organizations/{organization_id}/employees/{employee_id}"
    "/compensation-details",
    history="/organizations/{organization_id}/employees/{employee_id}"
    "/compensation-details/history",
    page="core/get-employee-compensation-details",
    doc="The lines of an employee's pay: earnings, benefits, deductions, "
    "reimbursements",
    owner="employee",
    style="object",
    parameters=(_EMPLOYEE_ID,),
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
        *_of("text", "employeeId", "recordId"),
        _COUNTRY,
        _enum("kind", "earning", "benefit", "deduction", "reimbursement"),
        *_of("text", "wageTypeCode", "name"),
        *_of("money", "amount", "makeGoodAmount", "foregoneAmount"),
        *_of("enum", "earningType", "earningFrequency"),
        *_of("boolean", "isLumpsum"),
        *_VALID,
        *_TIMES,
    ),
)

_CATEGORIES = (
    *("earnings", "deductions", "benefits", "statutory"),
    *("pension", "contributions", "adjustments", "reimbursements"),
)

_WAGE_TYPES = Resource(
    name="wage-types",
    path="/gb/wage-types",
    page="gb/list-wage-types",
    doc="The British wage types, with how tax, NI and pension treat them",
    owner="account",
    style="cursor",
    parameters=(
        Parameter("effective_date", "date", example="2026-04-06"),
        Parameter("status", "enum", values=("draft", "approved", "deprecated")),
        Parameter("category", "enum", values=_CATEGORIES),
        Parameter("include_deprecated", "boolean", example="true"),
    ),
    columns=(
        *_of("integer", "id"),
        *_of("text", "wageTypeCode", "name"),
        _enum("category", *_CATEGORIES),
        *_of("text", "description"),
        _enum("status", "draft", "approved", "deprecated"),
        *_of("enum", "taxableStatus", "taxTiming", "rtiPaymentType", "niClass"),
        *_of("boolean", "niEmployeeApplies"),
        *_of("enum", "niEmployerTreatment"),
        *_of("boolean", "isClass1AApplicable"),
        *_of("enum", "p11DReportableStatus", "pensionStatus"),
        *_of("boolean", "isAeQualifying", "usesAeBands", "isHolidayPayIncluded"),
        *_of("boolean", "isSalarySacrificeAllowed", "isNmwGuardRequired"),
        *_of("enum", "nmwTreatment", "opraRule", "payrollingEligibleStatus"),
        *_of("boolean", "usesOfficialInterestRate"),
        *_VALID,
        *_of("json", "calculationVariants", "thresholds"),
        *_of("integer", "regularityWindowWeeks", "regularityThresholdPeriods"),
        *_of("text", "legislativeSource", "owner", "reviewer"),
        *_of("date", "lastReviewedAt"),
        *_of("boolean", "isGrossUp"),
    ),
)

_P32_AMOUNTS = (
    *("grossLiability", "totalReclaims", "netPayable", "eaBalanceCarriedForward"),
    *("surplusCarriedForward", "incomeTaxPaye", "studentLoanPlan1"),
    *("studentLoanPlan2", "studentLoanPlan4", "studentLoanPg", "employeeNic"),
    *("employerNic", "class1ANic", "smp", "spp", "sap", "shpp", "spbp", "sncp"),
    *("nicCompensation", "cis", "employmentAllowanceApplied", "apprenticeshipLevy"),
    *("eaBalanceBroughtForward", "surplusBroughtForward"),
)

_P32 = Resource(
    name="p32",
    path="/gb/organizations/{organization_id}/p32/{tax_year}",
    page="gb/get-p32-for-a-full-tax-year",
    doc="What a British employer owes to HMRC, by month of a tax year",
    style="object",
    country="GB",
    inside="months",
    parameters=(Parameter("tax_year", "integer", where="path", example="2026"),),
    columns=(
        *_of("integer", "taxYear", "taxMonth", "version"),
        *_of("money", *_P32_AMOUNTS),
    ),
)

CATALOGUE: Mapping[str, Resource] = {
    resource.name: resource
    for resource in (
        _ORGANIZATIONS,
        _EMPLOYEES,
        _JOB_DETAILS,
        _COMPENSATION,
        _WAGE_TYPES,
        _P32,
    )
}


def find(name: str) -> Resource:
    """
    Give a resource by name.

    Raises
    ------
    SettingsError
        ``unknown_resource``, with the closest name there is.
    """
    if resource := CATALOGUE.get(str(name)):
        return resource
    alike = str(name).lower().replace("_", "-")
    close = difflib.get_close_matches(alike, CATALOGUE, 1)
    hint = f"Did you mean {close[0]}? " if close else ""
    raise SettingsError(
        f"there is no resource {name!r}",
        why=f"Known: {', '.join(CATALOGUE)}.",
        advice=f"{hint}%intermezzo_resources lists them; a path such as /anything "
        "reads what is not among them.",
        code="unknown_resource",
    )
