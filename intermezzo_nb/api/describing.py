"""The catalogue as tables: what can be read and sent, and what is documented of it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pandas as pd
from msgspec.structs import replace

from ..errors import SettingsError
from ..quoting import plain
from .countries import COUNTRIES, EMPLOYEE_ID, KINDS, NEEDED, Country
from .forms import FORMS
from .frames import to_frame
from .resources import CATALOGUE, find
from .schema import Column, Parameter, Resource

_LIST = ["resource", "of", "country", "versions", "sending", "what", "page"]
_ONE = ["role", "name", "type", "values", "note"]
_SENT: Mapping[str, str] = {
    "texts": "list of text",
    "address": "text or object",
    "json": "object or list",
}
_RUNS: Mapping[str, Resource] = {
    run.name: run
    for run in (
        replace(
            country.payslips,
            name=country.run,
            doc=f'Payroll runs: lines of pay, sent by run_payroll("{country.name}", …)',
        )
        for country in COUNTRIES.values()
    )
}
_Entry = tuple[str, str, str, Iterable[str], str]  # as the columns of one resource


def describe(name: str | None = None) -> pd.DataFrame:
    """
    List the resources and payroll runs; or the parameters, columns, versions of one.

    What can be sent has rows of the role ``send``, a field each. Of a payroll run
    these are the fields of an employee; those of a line have its kind as their role,
    and the columns are those of the payslips.

    Raises
    ------
    SettingsError
        ``unknown_resource``.
    """
    if name is None:
        listed = map(_listed, (*CATALOGUE.values(), *_RUNS.values()))
        return pd.DataFrame(listed, columns=_LIST)
    resource = _found(name)
    rows = [
        (role, n, kind, ", ".join(values), note)
        for role, n, kind, values, note in _entries(resource)
    ]
    frame = pd.DataFrame(rows, columns=_ONE)
    frame.attrs["intermezzo"] = {
        "resource": resource.name,
        "what": resource.doc,
        "page": resource.page,
        "path": resource.path,
        "history": resource.history,
    }
    return frame


def _found(name: object) -> Resource:
    if isinstance(name, str) and name in _RUNS:
        return _RUNS[name]
    try:
        return find(name)
    except SettingsError as error:
        if close := difflib.get_close_matches(plain(name, 80).lower(), _RUNS):
            error.advice = f"Did you mean {' or '.join(close)}? {error.advice}"
        raise


def _listed(resource: Resource) -> tuple[str, ...]:
    versions = "history" if resource.history else ""
    sending = "can be sent" if resource.name in FORMS else ""
    if resource.name in _RUNS:
        sending = "by run_payroll"
    where = (resource.name, resource.owner, resource.country)
    return (*where, versions, sending, resource.doc, resource.page)


def _entries(resource: Resource) -> Iterator[_Entry]:
    for p in resource.parameters:
        yield p.where, p.name, p.kind, p.values, _of_parameter(p)
    if resource.history:
        told = "history gives all versions; else that of today"
        yield "option", "history", "boolean", ("true", "false"), told
        yield "option", "as_of", "date", (), "the versions of another day"
    run = COUNTRIES[resource.country] if resource.name in _RUNS else None
    yield from _options(run) if run else ()
    types = to_frame([], resource).frame.dtypes
    for c in resource.columns:
        yield "column", c.name, str(types[c.name]), c.values, _of_column(c, resource)
    if form := FORMS.get(resource.name):
        yield from _sent("send", form.fields, form.required)
    yield from _lines(run) if run else ()


def _options(run: Country) -> Iterator[_Entry]:
    yield "option", "pay_date", "date", (), "required"
    yield "option", "pay_cycle", "text", (*run.cycles,), "month where left out"
    yield "option", "external_ref", "text", (), "optional; your own name of the run"


def _lines(run: Country) -> Iterator[_Entry]:
    yield from _sent("send", run.employee, [(EMPLOYEE_ID,)])
    yield "send", "kind", "enum", KINDS, "optional; earning where left out"
    for kind, fields in run.lines.items():
        yield from _sent(kind, fields, [(name,) for name in NEEDED])


def _sent(
    role: str, fields: Iterable[Column], required: Sequence[Sequence[str]]
) -> Iterator[_Entry]:
    for f in fields:
        kind = _SENT.get(f.kind, f.kind)
        yield role, f.name, kind, f.values, _of_field(f, required)


def _of_parameter(parameter: Parameter) -> str:
    default = f"{parameter.default} where left out" if parameter.default else ""
    if parameter.where == "path":
        return f"{default or 'has to be given'}: {parameter.name}={parameter.example}"
    return default


def _of_field(field: Column, required: Sequence[Sequence[str]]) -> str:
    groups = [group for group in required if field.name in group]
    need = "one of " + ", ".join(groups[0]) if groups and len(groups[0]) > 1 else ""
    notes = [
        f"{need} is required" if need else "required" if groups else "optional",
        f"such as {field.example}" if field.example else "",
    ]
    if field.values and field.kind != "enum":
        notes.append("other values are sent, and noted in the report")
    return "; ".join(note for note in notes if note)


def _of_column(column: Column, resource: Resource) -> str:
    from_path = {p.column: p.name for p in resource.parameters if p.column}
    notes = [
        "exact with money=decimal" * (column.kind == "money"),
        "objects and lists as JSON text" * (column.kind == "json"),
        *(f"documented as {kind}, too" for kind in column.also),
        f"else from {from_path[column.name]}" if column.name in from_path else "",
        "what has the versions" * (column.name in resource.key),
        "tells the versions apart" * (column.name == resource.version),
    ]
    return "; ".join(note for note in notes if note)
