"""What the API answers about one employee, from the invented records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import pensions
from .documents import documents
from .people import Company
from .queries import Fault, QueryHandler

Answer = Callable[[QueryHandler, Company, int, int], Any]
_Records = Callable[[Company, int, int], list[dict[str, Any]]]
_KINDS = (
    *("payslip", "contract", "work_permit", "id_document", "proof_of_address"),
    "other",
)
_STATUS = ("active", "archived", "deleted", "pending_upload")


def history(records: _Records, country: str = "") -> Answer:
    """Answer with all versions of a record."""

    def answer(_: QueryHandler, company: Company, *found: int) -> Any:
        _insist_on(country, company, found[0])
        return records(company, *found)

    return answer


def current(records: _Records, country: str = "") -> Answer:
    """Answer with the version of today."""

    def answer(_: QueryHandler, company: Company, *found: int) -> Any:
        _insist_on(country, company, found[0])
        if record := company.current(records(company, *found)):
            return record
        raise Fault(404, "not_found", "None of that kind is valid today.")

    return answer


def filed(
    query: QueryHandler, company: Company, _organization: int, number: int
) -> Any:
    """Answer with a page of somebody's documents; active ones unless asked else."""
    kinds = [kind] if (kind := query.text("document_type")) else []
    query.chosen("document_type", kinds, _KINDS)
    status = [query.text("status") or "active"]
    query.chosen("status", status, _STATUS)
    found = [
        record
        for record in documents(company, number)
        if record["status"] in status and (not kinds or record["documentType"] in kinds)
    ]
    return query.page_of(found)


def membership(
    query: QueryHandler, company: Company, organization: int, number: int
) -> Any:
    """Answer with somebody's membership of the workplace pension."""
    return membership_history(query, company, organization, number)[-1]


def membership_history(
    _: QueryHandler, company: Company, organization: int, number: int
) -> Any:
    """Answer with all versions of it."""
    _insist_on("GB", company, organization)
    if found := pensions.membership(company, number):
        return found
    raise Fault(404, "not_found", "There is no pension membership record yet.")


def assessments(
    _: QueryHandler, company: Company, organization: int, number: int
) -> Any:
    """Answer with somebody's assessments, the newest first."""
    _insist_on("GB", company, organization)
    return pensions.assessments(company, number)


def _insist_on(country: str, company: Company, organization: int) -> None:
    if country and company.country(organization) != country:
        raise Fault(
            404, "not_found", f"There is nothing of that kind but in {country}."
        )
