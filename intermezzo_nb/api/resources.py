"""
The catalogue: what the API documents, as data.

A new resource is an entry in :mod:`.catalogue` and a line here. Paths, columns and
values are those of the public API reference; what it leaves open is left open.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from ..errors import SettingsError
from ..quoting import plain, quoted
from .catalogue import british, employees, organizations, pay
from .catalogue.pay import PAYSLIP_LINES, PAYSLIPS
from .schema import Resource

__all__ = ["CATALOGUE", "PAYSLIPS", "PAYSLIP_LINES", "find"]

CATALOGUE: Mapping[str, Resource] = {
    resource.name: resource
    for resource in (
        organizations.ORGANIZATIONS,
        organizations.WORKSITES,
        organizations.BANK_ACCOUNTS,
        organizations.CONTACTS,
        organizations.SEPA_MANDATES,
        organizations.PREFERENCES,
        organizations.ORGANIZATION_INSURANCE,
        organizations.WORKSITE_INSURANCE,
        employees.EMPLOYEES,
        employees.PERSONAL_DATA,
        employees.JOB_DETAILS,
        employees.TAX_DETAILS,
        employees.INSURANCE_DETAILS,
        employees.DOCUMENTS,
        pay.COMPENSATION,
        pay.WAGE_TYPES,
        pay.GERMAN_WAGE_TYPES,
        british.P32,
        british.P32_CUMULATIVE,
        british.PENSION_MEMBERSHIP,
        british.PENSION_ASSESSMENTS,
    )
}

_PAYSLIPS = (
    "The API documents no list of payslips: documents document_type=payslip lists "
    "those that are filed, and run_payroll(…) gives those of a run. "
)
_INSTEAD = dict.fromkeys(
    ("payslip", "payslips", "payruns", "payroll", "payroll-gb", "payroll-de"), _PAYSLIPS
)


def find(name: object) -> Resource:
    """
    Give a resource by name.

    Raises
    ------
    SettingsError
        ``unknown_resource``, with the closest name there is.
    """
    if resource := CATALOGUE.get(name) if isinstance(name, str) else None:
        return resource
    alike = plain(name, 80).lower().replace("_", "-")
    close = difflib.get_close_matches(alike, CATALOGUE, 1)
    hint = f"Did you mean {close[0]}? " if close else ""
    if alike in _INSTEAD:
        hint = _INSTEAD[alike]
    raise SettingsError(
        f"there is no resource {quoted(name, 80)}",
        why=f"Known: {', '.join(CATALOGUE)}.",
        advice=f"{hint}%intermezzo_resources lists them (in Python: resources()); a "
        "path such as /anything reads what is not among them.",
        code="unknown_resource",
    )
