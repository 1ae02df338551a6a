"""Invented documents: a contract, a proof of identity, and a payslip a month."""

from __future__ import annotations

import datetime as dt
from typing import Any

from .identifiers import instant, type_id
from .people import Company

_KEPT = dt.timedelta(days=3653)  # years that payslips are kept at hand
_PER_EMPLOYEE = 1000


def documents(company: Company, number: int) -> list[dict[str, Any]]:
    """Give all documents of an employee, the oldest first."""
    start, end = company.employment(number)
    last = min(company.today, end or company.today)
    filed = [("contract", "Contract", start), ("id_document", "Identity card", start)]
    filed += [("payslip", f"Payslip {day:%Y-%m}", day) for day in _ends(start, last)]
    filed = [entry for entry in filed if entry[2] <= company.today]
    if company.dice("upload", number).random() < 0.1:
        filed.append(("other", "Certificate", company.today - dt.timedelta(days=1)))
    return [_document(company, number, n, *entry) for n, entry in enumerate(filed)]


def _ends(start: dt.date, last: dt.date) -> list[dt.date]:
    """Give the last days of the months."""
    months = range(start.year * 12 + start.month, last.year * 12 + last.month)
    return [dt.date(m // 12, m % 12 + 1, 1) - dt.timedelta(days=1) for m in months]


def _document(
    company: Company, number: int, place: int, kind: str, name: str, day: dt.date
) -> dict[str, Any]:
    dice = company.dice(f"document-{place}", number)
    is_old = company.today - day > _KEPT and kind == "payslip"
    is_awaited = kind == "other"
    created, updated = sorted(instant(day, dice) for _ in range(2))
    identifier = type_id("doc", company.seed, number * _PER_EMPLOYEE + place)
    return {
        "id": identifier,
        "employeeId": type_id("emp", company.seed, number),
        "documentType": kind,
        "documentName": name,
        "status": "pending_upload"
        if is_awaited
        else "archived"
        if is_old
        else "active",
        "mimeType": "application/pdf",
        "gcsBucket": "practice-documents",
        "gcsPath": f"{day.year}/{identifier}.pdf",
        "fileSizeBytes": None if is_awaited else dice.randrange(20_000, 400_000),
        "documentDate": day.isoformat(),
        "templateId": 7 if kind == "payslip" else None,
        "createdBy": type_id("user", company.seed, 1),
        "createdAt": created,
        "updatedAt": updated,
    }
