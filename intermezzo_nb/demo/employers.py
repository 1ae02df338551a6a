"""What is invented about organizations beside their employees."""

from __future__ import annotations

import datetime as dt
from typing import Any

from . import names
from .identifiers import company_number, iban, instant, type_id
from .people import Company

_BANKS = {
    "DE": [("Musterbank AG", "37040044"), ("Beispielkasse", "70150000")],
    "GB": [("Example Bank plc", "XMPL601613"), ("Sample & Sons", "SMPL309493")],
}
_INSURERS = ("Beispielkrankenkasse", "Musterkasse BKK", "Ersatzkasse Nord")
_MANDATES_SINCE = dt.date(2019, 1, 1)


def organizations(company: Company) -> list[dict[str, Any]]:
    """Give all organizations, with what is nested in them."""
    return [_organization(company, n) for n in range(len(names.ORGANIZATIONS))]


def _organization(company: Company, number: int) -> dict[str, Any]:
    name, country, host, _ = names.ORGANIZATIONS[number]
    dice = company.dice("organization-times", number)
    begun = company.founded(number)
    head, branch = worksites(company, number)
    address = head["address"]
    return {
        "id": type_id("org", company.seed, number),
        "legalName": name,
        "dbaName": name.rpartition(" ")[0] if number else None,
        "legalAddress": address if company.is_older else address["address"],
        "correspondenceAddress": None,
        "registrationCountry": country,
        "incorporationDate": begun.isoformat(),
        "shutdownDate": None,
        "validFrom": begun.isoformat(),
        "validTo": None,
        "externalRef": f"{number + 7:04d}",
        "website": f"https://{host}.example",
        "createdAt": instant(begun, dice),
        "updatedAt": instant(company.today - dt.timedelta(days=30), dice),
        "workSites": [head, branch],
        "bankAccounts": bank_accounts(company, number),
        "contacts": [_contact(company, number)],
        "taxIdentifiers": [{"taxData": _tax_data(company, number)}],
        "insuranceData": insurance(company, number),
    }


def _contact(company: Company, organization: int) -> dict[str, Any]:
    host, dice = names.ORGANIZATIONS[organization][2], company.dice("c", organization)
    prefix = 49 if company.country(organization) == "DE" else 44
    number = f"+{prefix}{dice.randrange(10**9, 10**10)}"
    return {
        "id": f"con_{organization}",
        "name": "Payroll office",
        "email": f"payroll@{host}.example",
        "phone": {"phoneNumber": number, "phoneType": "mobile"},
        "roles": ["payroll"],
    }


def _tax_data(company: Company, organization: int) -> dict[str, Any]:
    country = company.country(organization)
    dice = company.dice("tax-data", organization)
    if country == "DE":
        numbers = {"taxNumber": f"{dice.randrange(10**12, 10**13)}"}
    else:
        reference = f"{dice.randrange(100, 999)}/HF{organization}42"
        numbers = {"payeReferenceNumber": reference}
    return {"country": country, "businessType": "1", **numbers}


def bank_accounts(company: Company, organization: int) -> list[dict[str, Any]]:
    """Give an organization's accounts: one that is used, and one that was."""
    country, records = company.country(organization), []
    for place, (bank, code) in enumerate(_BANKS[country]):
        dice = company.dice(f"bank-account-{place}", organization)
        number = f"{dice.randrange(10**7, 10**8)}"
        opened = company.founded(organization) + dt.timedelta(days=30 + place)
        account = code + (f"{int(number):010d}" if country == "DE" else number)
        records.append(
            {
                "id": type_id("ban", company.seed, organization * 2 + place),
                "orgId": type_id("org", company.seed, organization),
                "financialInstitutionName": bank,
                "iban": iban(country, account),
                "accountNumber": number,
                "routingNumber": None,
                "isActive": not place,
                "isPrimary": not place,
                "createdAt": instant(opened, dice),
                "updatedAt": instant(opened + dt.timedelta(days=1), dice),
            }
        )
    return records


def sepa_mandates(company: Company, organization: int) -> list[dict[str, Any]]:
    """Give who collects from an organization: German health insurers alone."""
    if company.country(organization) != "DE":
        return []
    dice = company.dice("sepa-mandates", organization)
    records: list[dict[str, Any]] = []
    for place in range(len(_INSURERS)):
        begin = _MANDATES_SINCE + dt.timedelta(days=dice.randrange(900))
        last = begin + dt.timedelta(days=400)
        collector: dict[str, Any] = {"creditorId": f"DE98ZZZ0999999{place:04d}"}
        if company.is_older:
            collector = {"agencyId": 15_000_000 + place}
        record: dict[str, Any] = {
            "id": type_id("mnd", company.seed, organization * 10 + place),
            **collector,
            "bankAccountId": type_id("ban", company.seed, organization * 2),
            "mandateReference": f"SV-{organization}{place:03d}" if place else None,
            "isRecurring": True,
            "validFrom": begin.isoformat(),
            "validTo": last.isoformat() if place == 1 else None,
            "createdBy": type_id("user", company.seed, 1),
        }
        records.append(record)
    return records


def preferences(company: Company, organization: int) -> dict[str, Any]:
    """Give how an organization wants its payroll to be run."""
    country = company.country(organization)
    record = {
        "id": organization + 1,
        "preferencesCountry": country,
        "validFrom": "2024-01-01",
        "validTo": None,
        "isInsolvent": False,
        "insolvencyStartDate": None,
        "insolvencyEndDate": None,
        "insolvencyCompanyNumber": None,
        "firstPayrollDate": company.founded(organization).isoformat(),
        "lastPayrollDate": "2023-12-31",
        "firstPayrollIntermezzo": "2024-01-31",
    }
    german = {
        "insuranceSubsidyMethod": "assessment_ceiling",
        "extraPaidLeaveDays": 2,
        "insuranceCreditPreference": None,
        "daysForSicknessCertificate": 4,
        "additionalChildcareSickDaysReason": 0,
    }
    return record | german if country == "DE" else record


def insurance(company: Company, organization: int) -> Any:
    """Give the numbers by which insurers know an organization; None for others."""
    if company.country(organization) != "DE":
        return None
    dice = company.dice("organization", organization)
    record = {
        "id": organization + 1,
        "insuranceCountry": "DE",
        "validFrom": company.founded(organization).isoformat(),
        "validTo": None,
        "companyNumber": company_number(dice),
        "unrs": f"{dice.randrange(10**14, 10**15)}",
        "economicSector": 100 + organization,
        "u1Selected": True,
        "u2Selected": True,
        "u3Selected": True,
        "agencyId": str(15_000_000 + organization),
    }
    return [record] if company.is_older else record


def worksites(company: Company, organization: int) -> list[dict[str, Any]]:
    """Give an organization's places of work: the head office, and a branch."""
    records: list[dict[str, Any]] = []
    country = company.country(organization)
    for place, name in enumerate(("Head office", "Branch")):
        dice = company.dice(f"worksite-{place}", organization)
        address = company.address(country, dice)
        opened = company.founded(organization) + dt.timedelta(days=1500 * place)
        record: dict[str, Any] = {
            "id": company.worksite(organization, place),
            "orgId": type_id("org", company.seed, organization),
            "name": name,
            "address": address["address"] if company.is_older else address,
            "isActive": True,
            "isPrimary": not place,
            "validFrom": opened.isoformat(),
            "validTo": None,
            "contacts": [],
            "createdAt": instant(opened, dice),
            "updatedAt": instant(opened + dt.timedelta(days=40), dice),
        }
        records.append(record)
    return records


def worksite_insurance(company: Company, worksite_id: str) -> list[dict[str, Any]]:
    """
    Give the numbers by which insurers know a place of work.

    Raises
    ------
    LookupError
        There is no such place.
    """
    for organization in range(len(names.ORGANIZATIONS)):
        for place in range(2):
            if company.worksite(organization, place) == worksite_id:
                return _worksite_insurance(company, organization, place)
    raise LookupError(worksite_id)


def _worksite_insurance(
    company: Company, organization: int, place: int
) -> list[dict[str, Any]]:
    if company.country(organization) != "DE":
        return []
    dice = company.dice(f"worksite-insurance-{place}", organization)
    common = {"insuranceCountry": "DE", "accidentInsurancePin": None}
    change = dt.date(2023, 1, 1)
    periods = ((company.founded(organization), change - dt.timedelta(days=1)),)
    return [
        {
            "id": organization * 10 + place * 2 + version,
            **common,
            "validFrom": begin.isoformat(),
            "validTo": end.isoformat() if end else None,
            "worksiteLocationNumber": f"{dice.randrange(10**7, 10**8)}",
            "accidentInsuranceCompanyNumber": company_number(dice),
        }
        for version, (begin, end) in enumerate((*periods, (change, None)))
    ]
