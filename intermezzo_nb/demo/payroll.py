"""The payroll API: its paths, its three paging styles, and its errors."""

from __future__ import annotations

import asyncio
import base64
import json
import math
import secrets
from typing import Any

from tornado.routing import PathMatches
from tornado.web import HTTPError, RequestHandler

from . import pay
from .practice import Practice

_LARGEST = 100
_SORTS = ("id", "startDate", "createdAt")


class Fault(HTTPError):
    """An error with the documented body ``{error, message, details}``."""

    def __init__(self, status: int, word: str, message: str, **details: object) -> None:
        super().__init__(status)
        self.headers: dict[str, str] = {}
        self.body = {"error": word, "message": message, "details": details}


class Payroll(RequestHandler):
    """Every path under ``/v1``."""

    practice: Practice

    def initialize(self, practice: Practice) -> None:
        self.practice = practice

    def set_default_headers(self) -> None:
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.set_header("X-Request-Id", f"req_{secrets.token_hex(8)}")
        self.set_header("Cache-Control", "no-store")
        self.clear_header("Server")

    async def get(self) -> None:
        if self.practice.options.latency:
            await asyncio.sleep(self.practice.options.latency / 1000)
        self._within_rate()
        path = self.request.path.removeprefix("/v1")
        for matches, scope, answer in _ROUTES:
            if (found := matches.regex.fullmatch(path)) is not None:
                self._authorized(scope)
                self.finish(answer(self, *found.groups()))
                return
        raise Fault(404, "not_found", f"There is nothing at {path}.")

    def write_error(self, status_code: int, **kwargs: Any) -> None:  # noqa: ARG002
        fault = kwargs.get("exc_info", (None, None))[1]
        if isinstance(fault, Fault):
            for name, value in fault.headers.items():
                self.set_header(name, value)
        body = {"error": "http_error", "message": self._reason, "details": {}}
        self.finish(json.dumps(fault.body if isinstance(fault, Fault) else body))

    def log_exception(self, *args: Any) -> None:
        """Log nothing: refusing is what this server is asked to do."""

    def _authorized(self, scope: str) -> None:
        grant = self.practice.grant_of(self.request.headers)
        if grant is None:
            message = "The access token is missing or expired."
            raise _challenge(Fault(401, "unauthorized", message), "invalid_token")
        if scope not in grant.scopes:
            fault = Fault(
                403, "forbidden", f"The scope {scope} is needed.", scope=scope
            )
            raise _challenge(fault, f'insufficient_scope", scope="{scope}')

    def _within_rate(self) -> None:
        if wait := self.practice.rate.wait():
            fault = Fault(429, "rate_limited", "Too many requests at once.")
            fault.headers["Retry-After"] = str(math.ceil(wait))
            raise fault

    def organizations(self) -> str:
        return json.dumps(self.practice.company.organizations())

    def organization(self, organization_id: str) -> str:
        number = self._organization(organization_id)
        return json.dumps(self.practice.company.organizations()[number])

    def employees(self, organization_id: str) -> str:
        organization = self._organization(organization_id)
        page, size = self._whole("page", 1, None), self._whole("size", 10, _LARGEST)
        numbers = self._sorted(organization)
        shown = numbers[(page - 1) * size : page * size]
        company = self.practice.company
        items = ",".join(company.employee_json(organization, n) for n in shown)
        pages = math.ceil(len(numbers) / size)
        meta = {
            "total": len(numbers),
            "page": page,
            "size": size,
            "pages": pages,
            "has_next": page < pages,
            "has_prev": page > 1,
        }
        return f'{{"items":[{items}],"meta":{json.dumps(meta)}}}'

    def employee(self, organization_id: str, employee_id: str) -> str:
        organization, number = self._employee(organization_id, employee_id)
        return self.practice.company.employee_json(organization, number)

    def job_details(self, organization_id: str, employee_id: str) -> str:
        found = self._employee(organization_id, employee_id)
        return json.dumps(self.practice.company.job_details(*found))

    def personal_data(self, organization_id: str, employee_id: str) -> str:
        found = self._employee(organization_id, employee_id)
        return json.dumps(self.practice.company.personal_data(*found))

    def compensation(self, organization_id: str, employee_id: str) -> str:
        found = self._employee(organization_id, employee_id)
        return json.dumps(pay.compensation(self.practice.company, *found)[-1])

    def compensation_history(self, organization_id: str, employee_id: str) -> str:
        found = self._employee(organization_id, employee_id)
        return json.dumps(pay.compensation(self.practice.company, *found))

    def wage_types(self) -> str:
        limit = self._whole("limit", 10, _LARGEST)
        records = [r for r in self.practice.wage_types if self._wanted(r)]
        start = self._position(self.get_query_argument("cursor", ""))
        following = start + limit
        pagination = {
            "limit": limit,
            "hasNext": following < len(records),
            "hasPrev": start > 0,
            "nextCursor": _cursor(following) if following < len(records) else None,
            "prevCursor": _cursor(max(0, start - limit)) if start else None,
            "total": len(records),
        }
        items = records[start:following]
        return json.dumps({"items": items, "pagination": pagination})

    def wage_type(self, code: str) -> str:
        day = self.get_query_argument("effective_date", "")
        found = [r for r in self.practice.wage_types if r["wageTypeCode"] == code]
        valid = [r for r in found if _is_valid(r, day)]
        if not valid:
            raise Fault(404, "not_found", f"There is no wage type {code}.")
        return json.dumps(valid[-1])

    def wage_types_of(self, category: str) -> str:
        found = [r for r in self.practice.wage_types if r["category"] == category]
        return json.dumps(found)

    def p32(self, organization_id: str, tax_year: str) -> str:
        months = self._p32(organization_id, tax_year)
        return json.dumps({"taxYear": int(tax_year), "months": months})

    def p32_export(self, organization_id: str, tax_year: str) -> str:
        months = pay.cumulated(self._p32(organization_id, tax_year))
        return json.dumps({"taxYear": int(tax_year), "months": months})

    def _p32(self, organization_id: str, tax_year: str) -> list[dict[str, Any] | None]:
        organization = self._organization(organization_id)
        if self.practice.company.country(organization) != "GB":
            raise Fault(404, "not_found", "Only British organizations have a P32.")
        return pay.p32(self.practice.company, organization, int(tax_year))

    def _organization(self, organization_id: str) -> int:
        number = self.practice.company.organization_number(organization_id)
        if number is None:
            raise Fault(404, "not_found", "There is no such organization.")
        return number

    def _employee(self, organization_id: str, employee_id: str) -> tuple[int, int]:
        organization = self._organization(organization_id)
        number = self.practice.company.employee_number(organization, employee_id)
        if number is None:
            raise Fault(404, "not_found", "There is no such employee.")
        return organization, number

    def _sorted(self, organization: int) -> range | list[int]:
        company, numbers = (
            self.practice.company,
            self.practice.company.employees(organization),
        )
        by = self.get_query_argument("sort_by", "") or "id"
        order = self.get_query_argument("sort_order", "asc")
        if by not in _SORTS or order not in {"asc", "desc"}:
            field = "sort_order" if by in _SORTS else "sort_by"
            raise Fault(422, "validation_error", f"{field} is wrong.", field=field)
        if by != "id":
            return sorted(
                numbers,
                key=lambda n: (company.employment(n)[0], n),
                reverse=order == "desc",
            )
        return numbers if order == "asc" else numbers[::-1]

    def _whole(self, name: str, default: int, most: int | None) -> int:
        text = self.get_query_argument(name, str(default))
        number = int(text) if text.isdecimal() else 0
        if number < 1 or (most is not None and number > most):
            span = f"between 1 and {most}" if most else "at least 1"
            message = f"{name} has to be {span}."
            raise Fault(422, "validation_error", message, field=name, value=text)
        return number

    def _position(self, cursor: str) -> int:
        try:
            return int(base64.urlsafe_b64decode(cursor)) if cursor else 0
        except ValueError:
            pass
        raise Fault(422, "validation_error", "cursor is unknown.", field="cursor")

    def _wanted(self, record: dict[str, Any]) -> bool:
        asked = {n: self.get_query_argument(n, "") for n in ("status", "category")}
        old = self.get_query_argument("include_deprecated", "").lower() == "true"
        day = self.get_query_argument("effective_date", "")
        return (
            all(not value or record[name] == value for name, value in asked.items())
            and (old or asked["status"] or record["status"] != "deprecated")
            and _is_valid(record, day)
        )


def _challenge(fault: Fault, error: str) -> Fault:
    fault.headers["WWW-Authenticate"] = f'Bearer error="{error}"'
    return fault


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(str(position).encode()).decode()


def _is_valid(record: dict[str, Any], day: str) -> bool:
    end = record["validTo"] or "9999-12-31"
    return not day or record["validFrom"] <= day <= end


_O, _E = r"/organizations/([^/]+)", r"/employees/([^/]+)"
_GB = r"/gb" + _O + r"/p32/(\d{4})"
_ROUTES = [
    (PathMatches(path), scope, answer)
    for path, scope, answer in (
        (r"/organizations", "read:organizations", Payroll.organizations),
        (_O, "read:organizations", Payroll.organization),
        (_O + r"/employees", "read:employees", Payroll.employees),
        (_O + _E, "read:employees", Payroll.employee),
        (_O + _E + r"/job-details/history", "read:employees", Payroll.job_details),
        (_O + _E + r"/personal-data/history", "read:employees", Payroll.personal_data),
        (_O + _E + r"/compensation-details", "read:compensation", Payroll.compensation),
        (
            _O + _E + r"/compensation-details/history",
            "read:compensation",
            Payroll.compensation_history,
        ),
        (r"/gb/wage-types", "read:wage_types", Payroll.wage_types),
        (r"/gb/wage-types/([\w-]+)", "read:wage_types", Payroll.wage_type),
        (r"/gb/wage-types/categories/(\w+)", "read:wage_types", Payroll.wage_types_of),
        (_GB, "read:p32", Payroll.p32),
        (_GB + r"/export", "read:p32", Payroll.p32_export),
    )
]
