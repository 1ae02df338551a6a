"""Invented tax and insurance details: consistent with who somebody is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from . import names
from .identifiers import tax_id
from .people import Company

_SINGLE, _MARRIED = ["1", "1", "1", "2"], ["3", "4", "4", "5"]
_CONFESSIONS, _SHARES = ["KEINE", "EV", "RK"], [6, 2, 2]
_CODES = {
    "": ("England/NI", None),
    "S": ("Scotland", "Scottish rates"),
    "C": ("Wales", "Welsh rates"),
}
_INSURERS = ("Beispielkrankenkasse", "Musterkasse BKK", "Ersatzkasse Nord")
_PRIVATE_FROM = 66_000  # yearly pay above which one may insure privately


def tax_details(
    company: Company, organization: int, number: int
) -> list[dict[str, Any]]:
    """Give all versions of an employee's tax details."""
    is_german = company.country(organization) == "DE"
    own = _german_tax if is_german else _british_tax
    return _versions(company, organization, number, "td", own)


def insurance_details(
    company: Company, organization: int, number: int
) -> list[dict[str, Any]]:
    """Give all versions of a German employee's insurance details."""
    return _versions(company, organization, number, "id", _insurance)


def _versions(
    company: Company,
    organization: int,
    number: int,
    kind: str,
    own: Callable[[Company, int, int, dt.date], dict[str, Any]],
) -> list[dict[str, Any]]:
    return [
        company.record(organization, number, period, version, kind)
        | own(company, number, version, period[0])
        for version, period in enumerate(company.versions(kind, number))
    ]


def _german_tax(
    company: Company, number: int, version: int, begin: dt.date
) -> dict[str, Any]:
    fixed, dice = company.dice("tax", number), company.dice(f"tax-{version}", number)
    confession = fixed.choices(_CONFESSIONS, _SHARES)[0]
    identifier, state = tax_id(fixed), fixed.choice(names.PLACES["DE"])[2]
    is_married = company.is_married(number, begin)
    tax_class = dice.choice(_MARRIED if is_married else _SINGLE)
    has_factor = tax_class == "4" and dice.random() < 0.3
    partner = dice.choices(_CONFESSIONS, _SHARES)[0] if is_married else None
    children = dice.choice([0, 0, 0, 0.5, 1, 1.5, 2])
    return {
        "taxId": identifier,
        "taxClass": tax_class,
        "childAllowances": f"{children:.1f}",
        "churchConfession": confession,
        "churchConfessionPartner": partner,
        "factorProcedure": has_factor,
        "factor": round(dice.uniform(0.9, 0.999), 3) if has_factor else None,
        "taxAllowanceAmount": f"{dice.choice([0, 0, 0, 1200]):.2f}",
        "additionalTaxableAmount": "0.00",
        "churchMember": confession != "KEINE",
        "churchTaxState": state,
    }


def _british_tax(
    company: Company, number: int, version: int, begin: dt.date
) -> dict[str, Any]:
    fixed, dice = company.dice("tax", number), company.dice(f"tax-{version}", number)
    prefix = fixed.choices(list(_CODES), [8, 1, 1])[0]
    region, meaning = _CODES[prefix]
    loan = fixed.choice([None, None, None, "Plan1", "Plan2", "Plan4"])
    is_new = version == 0 and (company.today - begin).days < 60
    is_reduced = dice.random() < 0.1
    code = f"{prefix}{'1185' if is_reduced else '1257'}L"
    return {
        "taxCode": {
            "originalCode": f"{code} M1" if is_new else code,
            "personalAllowance": "11850.00" if is_reduced else "12570.00",
            "prefix": prefix or None,
            "prefixMeaning": meaning,
            "suffix": "L",
            "suffixMeaning": "Standard personal allowance",
            "emergency": is_new,
            "region": region,
        },
        "studentLoanType": loan,
        "postgraduateLoan": bool(loan) and fixed.random() < 0.1,
        "p45GrossPay": f"{dice.randrange(0, 900_000) / 100 if version == 0 else 0:.2f}",
        "p45TaxAmount": "0.00",
    }


def _insurance(
    company: Company, number: int, version: int, begin: dt.date
) -> dict[str, Any]:
    fixed = company.dice("insurance", number)
    dice, born = company.dice(f"insurance-{version}", number), company.birth(number)
    surname = chr(ord("A") + fixed.randrange(26))
    is_private = company.job(number).low > _PRIVATE_FROM
    tariff = {"tariffCode": "0001", "tariffDescription": "Büro und Verwaltung"}
    pension = {
        "employmentCountry": "DE",
        "receivedMiningAdjustmentPayments": False,
        "pensionType": None,
        "pensionStartDate": None,
        "waiverDeclarationStatus": None,
        "waiverReceiptDate": None,
        "waiverValidityDate": None,
    }
    premium = f"{450 + 15 * version}.80"
    return {
        "insuranceNumber": f"65{born:%d%m%y}{surname}{fixed.randrange(100, 1000)}",
        "contributionGroup": "0110" if is_private else "1111",
        "personGroup": 101 if (begin - born).days > 20 * 366 else 102,
        "insuranceProvider": dice.choice(_INSURERS),
        "alternateCollectionAgency": None,
        "privateInsuranceHealthMonthly": premium if is_private else None,
        "privateInsuranceCareMonthly": "62.40" if is_private else None,
        "careInsuranceChildren": dice.choice([0, 0, 1, 2]),
        "u1Exempt": is_private,
        "u2Exempt": False,
        "uvRiskTariff": [tariff | {"tariffPercentage": "1.30"}],
        "pensionDetails": pension,
    }
