"""Organizations, what is nested in them, and what is asked of each of them."""

from __future__ import annotations

from ..schema import Column, Parameter, Resource
from .terms import ORGANIZATION, TIMES, VALID, enum, identifier, of

ORGANIZATIONS = Resource(
    name="organizations",
    path="/organizations",
    page="core/list-orgs",
    doc="The organizations that the token can see",
    owner="account",
    style="array",
    key=("id",),
    version="validFrom",
    columns=(
        *of("text", "id", "legalName", "dbaName"),
        enum("registrationCountry", "DE", "GB"),
        *of("json", "legalAddress", "correspondenceAddress", "address"),
        *of("date", "incorporationDate", "shutdownDate"),
        *VALID,
        *of("text", "externalRef", "website", "createdBy"),
        *TIMES,
        *of("json", "workSites", "bankAccounts", "contacts", "contactPerson"),
        *of("json", "taxIdentifiers", "insuranceData", "sepaMandates", "preferences"),
    ),
)

WORKSITES = Resource(
    name="worksites",
    path="/organizations",
    page="core/get-worksite",
    doc="The places of work of the organizations that the token can see",
    owner="account",
    style="array",
    nested="workSites",
    keep=(("id", "orgId"),),
    key=("id",),
    version="validFrom",
    columns=(
        *of("text", "id", "orgId", "name"),
        *of("json", "address", "correspondenceAddress"),
        *of("boolean", "isActive", "isPrimary"),
        *VALID,
        *of("json", "contacts", "taxIdentifiers", "insuranceData"),
        *TIMES,
    ),
)

BANK_ACCOUNTS = Resource(
    name="bank-accounts",
    path="/organizations",
    page="core/create-orgs-bulk",
    doc="The bank accounts of the organizations: sensitive",
    owner="account",
    style="array",
    nested="bankAccounts",
    keep=(("id", "orgId"),),
    columns=(
        *of("text", "id", "orgId", "financialInstitutionName", "iban"),
        *of("text", "accountNumber", "routingNumber", "swiftCode"),
        *of("boolean", "isActive", "isPrimary"),
        *TIMES,
    ),
)

CONTACTS = Resource(
    name="contacts",
    path="/organizations",
    page="core/create-multiple-contacts-in-bulk",
    doc="Who to turn to at the organizations that the token can see",
    owner="account",
    style="array",
    nested="contacts",
    keep=(("id", "orgId"),),
    columns=(
        *of("text", "id", "orgId", "name", "email", "phone.phoneNumber"),
        Column("phone.phoneType", "enum"),
        *of("json", "roles"),
    ),
)

SEPA_MANDATES = Resource(
    name="sepa-mandates",
    path=ORGANIZATION + "/sepa-mandates",
    page="core/list-sepa-mandates",
    doc="Who may collect from which bank account of an organization",
    style="array",
    key=("id",),
    version="validFrom",
    columns=(
        *of("text", "id", "creditorId"),
        Column("agencyId", "integer"),
        *of("text", "bankAccountId", "mandateReference"),
        *of("boolean", "isRecurring"),
        *VALID,
        *of("text", "createdBy"),
    ),
)

PREFERENCES = Resource(
    name="preferences",
    path=ORGANIZATION + "/preferences",
    page="core/get-current-organization-preferences",
    doc="How an organization wants its payroll to be run",
    style="object",
    key=("organizationId",),
    version="id",
    columns=(
        *of("text", "organizationId"),
        *of("integer", "id"),
        enum("preferencesCountry", "DE", "GB"),
        *VALID,
        *of("boolean", "isInsolvent"),
        *of("date", "insolvencyStartDate", "insolvencyEndDate"),
        *of("text", "insolvencyCompanyNumber"),
        enum("insuranceSubsidyMethod", "remuneration", "assessment_ceiling"),
        *of("text", "insuranceCreditPreference"),
        *of("integer", "extraPaidLeaveDays", "daysForSicknessCertificate"),
        Column("additionalChildcareSickDaysReason", "integer", ("0", "1", "2", "3")),
        *of("date", "firstPayrollDate", "lastPayrollDate", "firstPayrollIntermezzo"),
    ),
)

_PLAYERS = (
    *("accidentInsuranceCompanyNumber", "accidentInsurancePin"),
    *("payrollServiceProviderNumber", "payrollProcessingLocationNumber"),
)

ORGANIZATION_INSURANCE = Resource(
    name="organization-insurance",
    path="/organizations",
    page="core/create-organization-insurance-details",
    doc="The numbers by which insurers know the organizations",
    owner="account",
    style="array",
    nested="insuranceData",
    keep=(("id", "orgId"),),
    key=("orgId",),
    version="id",
    columns=(
        *of("integer", "id"),
        *of("text", "orgId"),
        enum("insuranceCountry", "DE", "GB"),
        *VALID,
        *of("text", "companyNumber", "unrs", *_PLAYERS),
        *of("integer", "economicSector"),
        *of("boolean", "u1Selected", "u2Selected", "u3Selected"),
        *(identifier(name) for name in ("agencyId", "alternateAgencyId", "contactId")),
    ),
)

WORKSITE_INSURANCE = Resource(
    name="worksite-insurance",
    path="/worksites/{worksite_id}/insurance-details",
    page="core/get-worksite-insurance-details",
    doc="The numbers by which insurers know a place of work",
    owner="account",
    style="array",
    key=("worksiteId",),
    version="id",
    parameters=(
        Parameter("worksite_id", where="path", example="wst_…", column="worksiteId"),
    ),
    columns=(
        identifier("id"),
        *of("text", "worksiteId"),
        enum("insuranceCountry", "DE", "GB"),
        *VALID,
        *of("text", "worksiteLocationNumber", *_PLAYERS),
    ),
)
