"""The payroll API: its paths, its three paging styles, and its errors."""

from __future__ import annotations

import json
import math
import re
import secrets
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NoReturn

from tornado.routing import PathMatches
from tornado.web import Finish

from . import employers, german, pay, records
from .people import is_valid
from .practice import Practice
from .queries import Fault, QueryHandler, number_within

_SORTS = ("id", "startDate", "createdAt")
_SEARCHED = ("givenName", "familyName", "personalEmail", "workEmail", "externalRef")
_WAGE_TYPE_SORTS = ("id", "wageTypeCode", "name", "category", "status", "validFrom")
_TAX_YEARS = (2000, 2099)


Routes = Sequence[tuple[PathMatches, str, Callable[..., str]]]


class Payroll(QueryHandler):
    """
    Every path under ``/v1``.

    Parameters
    ----------
    routes : mapping of str to Routes
        By method: what matches a path, the scope it needs, and who answers.
    """

    practice: Practice

    def initialize(self, practice: Practice, routes: Mapping[str, Routes]) -> None:
        self.practice, self._routes = practice, routes

    def set_default_headers(self) -> None:
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.set_header("X-Request-Id", f"req_{secrets.token_hex(8)}")
        self.set_header("Cache-Control", "no-store")
        self.clear_header("Server")

    async def get(self) -> None:
        await self._answer(self._routes["GET"])

    async def post(self) -> None:
        routes = self._routes["POST"]
        if not any(self._groups(matches) for matches, *_ in routes):
            self.refuse()
        await self._answer(routes)

    async def _answer(self, routes: Routes) -> None:
        await self.practice.delay()
        self._within_rate()
        for matches, scope, answer in routes:
            if (found := self._groups(matches)) is not None:
                self._authorized(scope)
                self.finish(answer(self, *found.groups()))
                return
        raise Fault(404, "not_found", f"There is nothing at {self._path}.")

    @property
    def _path(self) -> str:
        return self.request.path.removeprefix("/v1")

    def _groups(self, matches: PathMatches) -> re.Match[str] | None:
        return matches.regex.fullmatch(self._path)

    def refuse(self) -> NoReturn:
        message = "The practice server takes nothing of that kind here."
        fault = Fault(405, "method_not_allowed", message)
        fault.headers["Allow"] = "GET"
        raise fault

    head = put = patch = delete = options = refuse

    def check_xsrf_cookie(self) -> None:
        """Do nothing: a token in a header counts, and no cookie."""

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
            raise _too_many(math.ceil(wait))
        what = self.practice.faults.next()
        if what == "refuse":
            raise _too_many(self.practice.options.retry_after)
        if what == "reset":
            self._reset()

    def _reset(self) -> NoReturn:
        stream = self.detach()
        # Lingering for no time at all makes the system send a reset, not an end.
        linger = struct.pack("ii", 1, 0)
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        stream.close()
        raise Finish

    def _told(self, answer: Any) -> str:
        return _made(self.practice.fields.answered(answer))

    def organizations(self) -> str:
        return self._told(self._listed)

    def organization(self, organization_id: str) -> str:
        return self._told(self._one(organization_id))

    def worksite(self, organization_id: str, worksite_id: str) -> str:
        sites = self._one(organization_id).get("workSites") or []
        if found := [site for site in sites if site["id"] == worksite_id]:
            return self._told(found[0])
        raise Fault(404, "not_found", "There is no such worksite.")

    def worksite_insurance(self, worksite_id: str) -> str:
        try:
            found = employers.worksite_insurance(self.practice.company, worksite_id)
        except LookupError:
            raise Fault(404, "not_found", "There is no such worksite.") from None
        return self._told(found)

    def sepa_mandates(self, organization_id: str) -> str:
        number = self._organization(organization_id)
        return self._told(employers.sepa_mandates(self.practice.company, number))

    def preferences(self, organization_id: str) -> str:
        number = self._organization(organization_id)
        return self._told(employers.preferences(self.practice.company, number))

    def employees(self, organization_id: str) -> str:
        if self.practice.desk.is_new(organization_id):
            _, about = self._page(0)
            return json.dumps({"items": [], **about} if about else [])
        organization = self._organization(organization_id)
        is_first = self.text("page") in {"", "1"} and not self.text("cursor")
        numbers = self.practice.drift.there(
            self._sorted(self._found(organization)), organization, is_first=is_first
        )
        shown, about = self._page(len(numbers))
        company = self.practice.company
        found = [company.employee_json(organization, n) for n in numbers[shown]]
        items = f"[{','.join(found)}]"
        return f'{{"items":{items},{json.dumps(about)[1:-1]}}}' if about else items

    def _page(self, count: int) -> tuple[slice, dict[str, Any]]:
        match self.practice.options.paging:
            case "array":
                return slice(None), {}
            case "cursor":
                shown, told = self.by_cursor(count)
                return shown, {"pagination": told}
            case _:
                shown, told = self.by_number(count)
                return shown, {"meta": told}

    def employee(self, organization_id: str, employee_id: str) -> str:
        organization, number = self._employee(organization_id, employee_id)
        return self.practice.company.employee_json(organization, number)

    def of_employee(
        self, answer: records.Answer, organization_id: str, employee_id: str
    ) -> str:
        found = self._employee(organization_id, employee_id)
        return self._told(answer(self, self.practice.company, *found))

    def wage_types(self) -> str:
        found = self._wanted(self.practice.wage_types)
        names = self.get_query_arguments("sort")
        sorts = self.chosen("sort", names, _WAGE_TYPE_SORTS)
        found.sort(key=lambda record: [record[name] for name in sorts])
        return self._told(self.page_of(found))

    def wage_type(self, code: str) -> str:
        day = self.day("effective_date")
        found = [r for r in self.practice.wage_types if r["wageTypeCode"] == code]
        valid = [r for r in found if not day or is_valid(r, day)]
        if not valid:
            raise Fault(404, "not_found", f"There is no wage type {code}.")
        return self._told(valid[-1])

    def wage_types_of(self, category: str) -> str:
        found = [r for r in self.practice.wage_types if r["category"] == category]
        return self._told(found)

    def german_wage_type(self, number: str) -> str:
        found = german.wage_type(number_within("wage_type_number", number, 1, 9999))
        if found is None:
            raise Fault(404, "not_found", f"There is no wage type {number}.")
        return self._told(found)

    def p32(self, organization_id: str, tax_year: str) -> str:
        months = self._p32(organization_id, tax_year)
        return self._told({"taxYear": int(tax_year), "months": months})

    def p32_export(self, organization_id: str, tax_year: str) -> str:
        months = pay.cumulated(self._p32(organization_id, tax_year))
        return self._told({"taxYear": int(tax_year), "months": months})

    def new_contacts(self, organization_id: str) -> str:
        self._one(organization_id)
        return _made(self.practice.desk.contacts(self._sent(), organization_id))

    def new_organizations(self) -> str:
        return _made(self.practice.desk.organizations(self._sent()))

    def new_worksites(self, organization_id: str) -> str:
        self._one(organization_id)
        return _made(self.practice.desk.worksites(self._sent(), organization_id))

    def british_run(self) -> str:
        return json.dumps(self.practice.runs.british(self._sent()))

    def german_run(self) -> str:
        return json.dumps(self.practice.runs.german(self._sent()))

    def _sent(self) -> Any:
        try:
            return json.loads(self.request.body, parse_float=Decimal)
        except ValueError:
            raise Fault(400, "bad_request", "The body is no JSON.") from None

    def _p32(self, organization_id: str, tax_year: str) -> list[dict[str, Any] | None]:
        organization = self._organization(organization_id)
        if self.practice.company.country(organization) != "GB":
            raise Fault(404, "not_found", "Only British organizations have a P32.")
        year = number_within("tax_year", tax_year, *_TAX_YEARS)
        return self.practice.p32(organization, year)

    @property
    def _listed(self) -> list[dict[str, Any]]:
        return self.practice.desk.listed(self.practice.organizations)

    def _one(self, organization_id: str) -> dict[str, Any]:
        for one in self._listed:
            if one["id"] == organization_id:
                return one
        raise Fault(404, "not_found", "There is no such organization.")

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

    def _found(self, organization: int) -> Sequence[int]:
        company, wanted = self.practice.company, self.text("search").casefold()
        names = [n.strip() for n in self.text("search_fields").split(",") if n.strip()]
        fields = self.chosen("search_fields", names, _SEARCHED) or _SEARCHED
        numbers = company.employees(organization)
        if not wanted:
            return numbers

        def is_found(number: int) -> bool:
            texts = company.searched(organization, number)
            return any(wanted in texts[field].casefold() for field in fields)

        return [number for number in numbers if is_found(number)]

    def _sorted(self, numbers: Sequence[int]) -> Sequence[int]:
        company = self.practice.company
        (by,) = self.chosen("sort_by", [self.text("sort_by") or "id"], _SORTS)
        orders = [self.text("sort_order") or "asc"]
        is_down = self.chosen("sort_order", orders, ("asc", "desc")) == ["desc"]
        if by == "id":
            return numbers[::-1] if is_down else numbers

        def key(number: int) -> tuple[str, int]:
            start, _ = company.employment(number)
            is_entry = by == "createdAt"
            return company.created_at(number) if is_entry else str(start), number

        return sorted(numbers, key=key, reverse=is_down)

    def _wanted(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        asked = {name: self.text(name) for name in ("status", "category")}
        shows_old = self.flag("include_deprecated") or bool(asked["status"])
        day = self.day("effective_date")
        return [
            record
            for record in records
            if all(not value or record[name] == value for name, value in asked.items())
            and (shows_old or record["status"] != "deprecated")
            and (not day or is_valid(record, day))
        ]


def _made(answer: Any) -> str:
    return json.dumps(answer, default=str)  # decimals are strings in answers


def _challenge(fault: Fault, error: str) -> Fault:
    fault.headers["WWW-Authenticate"] = f'Bearer error="{error}"'
    return fault


def _too_many(wait: int) -> Fault:
    fault = Fault(429, "rate_limited", "Too many requests at once.")
    fault.headers["Retry-After"] = str(wait)
    return fault
