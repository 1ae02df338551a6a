"""The catalogue as tables: what can be read and sent, and what is documented of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import pandas as pd

from .forms import FORMS, Form
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
_Entry = tuple[str, str, str, Iterable[str], str]  # as the columns of one resource


def describe(name: str | None = None) -> pd.DataFrame:
    """
    List the resources; or the parameters, columns and versions of one.

    What can be sent has rows of the role ``send``, a field each.

    Raises
    ------
    SettingsError
        ``unknown_resource``.
    """
    if name is None:
        return pd.DataFrame(map(_listed, CATALOGUE.values()), columns=_LIST)
    resource = find(name)
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


def _listed(resource: Resource) -> tuple[str, ...]:
    versions = "history" if resource.history else ""
    sending = "can be sent" if resource.name in FORMS else ""
    where = (resource.name, resource.owner, resource.country)
    return (*where, versions, sending, resource.doc, resource.page)


def _entries(resource: Resource) -> Iterator[_Entry]:
    for p in resource.parameters:
        yield p.where, p.name, p.kind, p.values, _of_parameter(p)
    if resource.history:
        told = "history gives all versions; else that of today"
        yield "option", "history", "boolean", ("true", "false"), told
        yield "option", "as_of", "date", (), "the versions of another day"
    types = to_frame([], resource).frame.dtypes
    for c in resource.columns:
        yield "column", c.name, str(types[c.name]), c.values, _of_column(c, resource)
    if form := FORMS.get(resource.name):
        for f in form.fields:
            kind = _SENT.get(f.kind, f.kind)
            yield "send", f.name, kind, f.values, _of_field(f, form)


def _of_parameter(parameter: Parameter) -> str:
    default = f"{parameter.default} where left out" if parameter.default else ""
    if parameter.where == "path":
        return f"{default or 'has to be given'}: {parameter.name}={parameter.example}"
    return default


def _of_field(field: Column, form: Form) -> str:
    groups = [group for group in form.required if field.name in group]
    need = "one of " + ", ".join(groups[0]) if groups and len(groups[0]) > 1 else ""
    notes = [
        f"{need} is required" if need else "required" if groups else "optional",
        f"such as {field.example}" if field.example else "",
    ]
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
