"""What answers which path of the payroll API, and the scope that it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tornado.routing import PathMatches

from . import pay, records
from .payroll import Payroll, Routes
from .people import Company
from .taxes import insurance_details, tax_details


def _of(answer: records.Answer) -> Callable[..., str]:
    return lambda call, *ids: call.of_employee(answer, *ids)


_O, _E = r"/organizations/([^/]+)", r"/employees/([^/]+)"
_OE, _GBE = _O + _E, r"/gb" + _O + _E
_GB = r"/gb" + _O + r"/p32/(\d{4})"
_PAY = pay.compensation
_GETS: list[tuple[PathMatches, str, Callable[..., str]]] = [
    (PathMatches(path), scope, answer)
    for path, scope, answer in (
        (r"/organizations", "read:organizations", Payroll.organizations),
        (_O, "read:organizations", Payroll.organization),
        (_O + r"/worksites/([^/]+)", "read:organizations", Payroll.worksite),
        (_O + r"/sepa-mandates", "read:organizations", Payroll.sepa_mandates),
        (_O + r"/preferences", "read:organizations", Payroll.preferences),
        (
            r"/worksites/([^/]+)/insurance-details",
            "read:organizations",
            Payroll.worksite_insurance,
        ),
        (_O + r"/employees", "read:employees", Payroll.employees),
        (_OE, "read:employees", Payroll.employee),
        (r"/gb/wage-types", "read:wage_types", Payroll.wage_types),
        (r"/gb/wage-types/([\w-]+)", "read:wage_types", Payroll.wage_type),
        (r"/germany/wage-types/(\d+)", "read:wage_types", Payroll.german_wage_type),
        (r"/gb/wage-types/categories/(\w+)", "read:wage_types", Payroll.wage_types_of),
        (_GB, "read:p32", Payroll.p32),
        (_GB + r"/export", "read:p32", Payroll.p32_export),
    )
]
_GETS += [
    (PathMatches(path), scope, _of(answer))
    for path, scope, answer in (
        (
            _OE + r"/job-details/history",
            "read:employees",
            records.history(Company.job_details),
        ),
        (
            _OE + r"/personal-data/history",
            "read:employees",
            records.history(Company.personal_data),
        ),
        (_OE + r"/tax-details", "read:employees", records.current(tax_details)),
        (
            _OE + r"/insurance-details",
            "read:employees",
            records.current(insurance_details, "DE"),
        ),
        (
            _OE + r"/insurance-details/history",
            "read:employees",
            records.history(insurance_details, "DE"),
        ),
        (_OE + r"/documents", "read:employees", records.filed),
        (_OE + r"/compensation-details", "read:compensation", records.current(_PAY)),
        (
            _OE + r"/compensation-details/history",
            "read:compensation",
            records.history(_PAY),
        ),
        (_GBE + r"/pension/membership", "read:employees", records.membership),
        (
            _GBE + r"/pension/membership/history",
            "read:employees",
            records.membership_history,
        ),
        (_GBE + r"/pension/assessments", "read:employees", records.assessments),
    )
]
_POSTS: Routes = [
    (PathMatches(path), scope, answer)
    for path, scope, answer in (
        (_O + r"/contacts/list", "write:contacts", Payroll.new_contacts),
        (r"/organizations/list", "write:organizations", Payroll.new_organizations),
        (_O + r"/worksites/list", "write:worksites", Payroll.new_worksites),
        (r"/gb/payroll", "write:payroll", Payroll.british_run),
        (r"/germany/payroll", "write:payroll", Payroll.german_run),
    )
]
ROUTES: Mapping[str, Routes] = {"GET": _GETS, "POST": _POSTS}
