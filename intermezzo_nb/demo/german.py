"""German wage types: as many as the invented people are paid by."""

from __future__ import annotations

from typing import Any, NamedTuple


class _WageType(NamedTuple):
    number: int
    name: str
    component: str
    tax: str = "tax_free"
    social_security: str = "social_security_free"
    certificate_line: str | None = None  # of the Lohnsteuerbescheinigung
    garnishment: str = "non_garnishable"


_RECURRING, _ONCE = ("recurring_wage",) * 2, ("one_time_payment",) * 2
_WAGE_TYPES = (
    _WageType(1000, "Gehalt", "gross_earning", *_RECURRING, "3", "full"),
    _WageType(1520, "Prämie (Einmalbezug)", "gross_earning", *_ONCE, "3", "full"),
    _WageType(2740, "Firmenwagen (1 %)", "gross_earning", *_RECURRING, "3", "full"),
    _WageType(6300, "Entgeltumwandlung bAV", "gross_deduction"),
    _WageType(8100, "Fahrtkosten Dienstreise", "net_earning"),
)


def wage_type(number: int) -> dict[str, Any] | None:
    """Give a wage type as the API has it, or None."""
    found = [kind for kind in _WAGE_TYPES if kind.number == number]
    return _record(found[0]) if found else None


def _record(kind: _WageType) -> dict[str, Any]:
    is_liable = kind.social_security != "social_security_free"
    is_recurring = kind.tax == "recurring_wage"
    return {
        "id": _WAGE_TYPES.index(kind) + 1,
        "wageTypeNumber": kind.number,
        "name": kind.name,
        "isTotalGrossComponent": kind.component.startswith("gross"),
        "componentType": kind.component,
        "taxTreatment": kind.tax,
        "taxCertificateLineItem": kind.certificate_line,
        "socialSecurityTreatment": kind.social_security,
        "isSvRelevantComponent": is_liable,
        "isReimbursableAag": is_recurring,
        "isAccidentInsuranceRelevant": is_liable,
        "isGlComponent": True,
        "isAverageEarningsComponent": is_recurring,
        "garnishmentTreatment": kind.garnishment,
        "isMinimumWageComponent": is_recurring,
        "validFrom": "2022-01-01",
        "validTo": None,
    }
