"""Employees, and the records of each of them but pay."""

from __future__ import annotations

from ..schema import Column, Parameter, Resource
from .terms import (
    COUNTRY,
    EMPLOYEE,
    EMPLOYEE_ID,
    ORGANIZATION,
    TIMES,
    enum,
    of,
    record,
)

_JOB_TYPES = tuple(
    f"{hours} Time {term} Term"
    for hours in ("Full", "Part")
    for term in ("Indefinite", "Fixed")
)
# ELStAM codes of the confessions that church tax is collected for.
_CONFESSIONS = (
    *("AK", "EV", "FA", "FB", "FG", "FM", "FR", "FS", "IB", "IH", "IL", "IS", "IW"),
    *("JD", "JH", "LT", "RF", "RK", "NA", "KEINE"),
)


def _person(prefix: str = "") -> tuple[Column, ...]:
    name = ("familyName", "givenName", "familyNamePrefix", "givenNameSuffix")
    birth = ("birthName", "birthFamilyNamePrefix", "birthGivenNameSuffix", "title")
    return (
        *of("text", *name, *birth, prefix=f"{prefix}employeeName."),
        enum(f"{prefix}gender", "M", "W", "D"),
        enum(f"{prefix}maritalStatus", "Single", "Married"),
        *of("text", "nationality", prefix=prefix),
        *of("json", "residenceAddress", prefix=prefix),
        *of("text", "statusIndicator", prefix=prefix),
        *record(prefix),
    )


def _job(prefix: str = "") -> tuple[Column, ...]:
    return (
        enum(f"{prefix}jobType", *_JOB_TYPES),
        enum(f"{prefix}employmentStatus", "Employee", "Worker", "Director"),
        *of("text", "jobTitle", "jobDescription", "department", prefix=prefix),
        *of("text", "worksiteId", prefix=prefix),
        *of("number", "contractedWeeklyHours", prefix=prefix),
        *of("json", "contractedWeekdays", prefix=prefix),
        *of("boolean", "isSeasonalWorker", "contractedToOtherCompany", prefix=prefix),
        *of("text", "schoolEducation", "professionalEducation", prefix=prefix),
        *of("text", "occupationCode", prefix=prefix),
        *of("json", "otherJobs", prefix=prefix),
        *record(prefix),
    )


EMPLOYEES = Resource(
    name="employees",
    path=ORGANIZATION + "/employees",
    page="core/list-employees",
    doc="The employees of an organization, each with the records of today",
    unwrap="employeeData",
    columns=(
        *of("text", "id", "organizationId"),
        COUNTRY,
        *of("text", "externalRef"),
        *of("date", "startDate", "endDate", "birthDate"),
        *of("text", "birthPlace", "birthCountry", "personalEmail", "workEmail"),
        *of("json", "phoneNumbers", "relatedPersons"),
        *_person("personalData."),
        *_job("jobDetails."),
        *TIMES,
    ),
)

PERSONAL_DATA = Resource(
    name="personal-data",
    path=EMPLOYEE + "/personal-data/history",
    history=EMPLOYEE + "/personal-data/history",
    page="core/get-employee-personal-data-history",
    doc="Who an employee is and where they live, by version",
    owner="employee",
    style="array",
    key=("employeeId",),
    version="id",
    parameters=(EMPLOYEE_ID,),
    columns=_person(),
)

JOB_DETAILS = Resource(
    name="job-details",
    path=EMPLOYEE + "/job-details/history",
    history=EMPLOYEE + "/job-details/history",
    page="core/get-employee-job-details-history",
    doc="What an employee is employed as, by version",
    owner="employee",
    style="array",
    key=("employeeId",),
    version="id",
    parameters=(EMPLOYEE_ID,),
    columns=_job(),
)

TAX_DETAILS = Resource(
    name="tax-details",
    path=EMPLOYEE + "/tax-details",
    page="core/get-employee-tax-details",
    doc="How an employee's wage is taxed now",
    owner="employee",
    style="object",
    key=("employeeId",),
    version="id",
    parameters=(EMPLOYEE_ID,),
    columns=(
        *of("text", "taxId"),
        enum("taxClass", *"123456"),
        *of("number", "childAllowances"),
        enum("churchConfession", *_CONFESSIONS),
        enum("churchConfessionPartner", *_CONFESSIONS),
        *of("boolean", "factorProcedure"),
        *of("number", "factor"),
        *of("money", "taxAllowanceAmount", "additionalTaxableAmount"),
        *of("boolean", "churchMember"),
        *of("text", "churchTaxState", "taxCode.originalCode"),
        *of("money", "taxCode.personalAllowance"),
        *of("text", "prefix", "prefixMeaning", "suffix", prefix="taxCode."),
        *of("text", "taxCode.suffixMeaning"),
        *of("boolean", "taxCode.emergency"),
        *of("text", "taxCode.region"),
        enum("studentLoanType", "Plan1", "Plan2", "Plan4"),
        *of("boolean", "postgraduateLoan"),
        *of("money", "p45GrossPay", "p45TaxAmount"),
        *record(),
    ),
)

INSURANCE_DETAILS = Resource(
    name="insurance-details",
    path=EMPLOYEE + "/insurance-details",
    history=EMPLOYEE + "/insurance-details/history",
    page="core/get-employee-insurance-details",
    doc="How a German employee is insured, by version",
    owner="employee",
    style="object",
    country="DE",
    key=("employeeId",),
    version="id",
    parameters=(EMPLOYEE_ID,),
    columns=(
        *of("text", "insuranceNumber", "contributionGroup"),
        *of("integer", "personGroup"),
        *of("text", "insuranceProvider", "alternateCollectionAgency"),
        *of("money", "privateInsuranceHealthMonthly", "privateInsuranceCareMonthly"),
        *of("integer", "careInsuranceChildren"),
        *of("boolean", "u1Exempt", "u2Exempt"),
        *of("json", "uvRiskTariff"),
        enum("pensionDetails.employmentCountry", "DE", "GB"),
        *of("boolean", "pensionDetails.receivedMiningAdjustmentPayments"),
        *of("enum", "pensionType", "waiverDeclarationStatus", prefix="pensionDetails."),
        *of("date", "pensionStartDate", "waiverReceiptDate", prefix="pensionDetails."),
        *of("date", "pensionDetails.waiverValidityDate"),
        *record(),
    ),
)

_DOCUMENT_TYPES = (
    *("payslip", "contract", "work_permit", "id_document", "proof_of_address"),
    "other",
)
_DOCUMENT_STATUS = ("active", "archived", "deleted", "pending_upload")

DOCUMENTS = Resource(
    name="documents",
    path=EMPLOYEE + "/documents",
    page="core/list-employee-documents",
    doc="What is filed about an employee; only active ones, unless status is given",
    owner="employee",
    style="cursor",
    parameters=(
        EMPLOYEE_ID,
        Parameter("document_type", "enum", values=_DOCUMENT_TYPES),
        Parameter("status", "enum", values=_DOCUMENT_STATUS, default="active"),
    ),
    columns=(
        *of("text", "id", "employeeId"),
        enum("documentType", *_DOCUMENT_TYPES),
        *of("text", "documentName"),
        enum("status", *_DOCUMENT_STATUS),
        *of("text", "mimeType", "gcsBucket", "gcsPath"),
        *of("integer", "fileSizeBytes"),
        *of("date", "documentDate"),
        *of("integer", "templateId"),
        *of("text", "createdBy"),
        *TIMES,
    ),
)
