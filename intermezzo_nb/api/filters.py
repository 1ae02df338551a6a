"""What becomes of the filters a resource is asked with, and how they are spelled."""

from __future__ import annotations

import datetime as dt
import decimal
import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from math import isnan
from numbers import Number
from typing import Any
from uuid import UUID

from ..errors import SettingsError
from ..quoting import plain, quoted
from .arguments import bare, closest
from .instants import instant_of, is_day
from .schema import Column, Parameter, Resource

OPTIONS = (
    *("organization", "limit", "history", "as_of", "columns", "money", "strict"),
    "max_requests",
)
"""What says how a resource is read, and is no filter; the same in Python and magics."""


def split_filters(
    resource: Resource, filters: Mapping[str, object]
) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """
    Sort filters by what becomes of them.

    Returns
    -------
    in_path, sent, here : dict
        Variables of the path, query parameters that the API documents, and columns
        that are filtered here after reading; each as the API would spell it. Of a
        column, None, NaN and empty text ask for what is missing.

    Raises
    ------
    SettingsError
        ``unknown_filter``, ``missing_parameter``, or ``bad_filter`` for a comparison,
        or a value that the parameter or column cannot have.
    """
    in_path, sent, here = dict[str, str](), dict[str, str](), dict[str, str]()
    for name, value in filters.items():
        is_nothing = _is_nothing(value)
        parameter = resource.parameter(name)
        if parameter is not None and parameter.where == "path":
            in_path[name] = "" if is_nothing else spelled(parameter, value)
        elif parameter is not None and is_nothing:
            raise _no_value(resource, parameter)
        elif parameter is not None:
            sent[name] = spelled(parameter, value)
        elif column := resource.column(name):
            here[name] = "" if is_nothing else spelled(column, value)
        else:
            raise _unknown_filter(resource, name, value)
    for parameter in resource.parameters:
        is_left_out = bool(parameter.default) and parameter.name not in filters
        is_needed = parameter.where == "path" and not is_left_out
        if is_needed and not in_path.get(parameter.name):
            raise SettingsError(
                f"{resource.name} needs {parameter.name}",
                advice=f"Add {parameter.name}={parameter.example}.",
                code="missing_parameter",
            )
    return in_path, sent, here


def spelled(target: Column | Parameter, value: object) -> str:
    """
    Give a filter's value as the API spells it; empty text stays, and means missing.

    Raises
    ------
    SettingsError
        ``bad_filter``: it is no value of that kind, or would change the path.
    """
    text = _text_of(target, value)
    if text is None:
        raise _no_such_value(target, value)
    several = [one.strip() for one in text.split(",")]
    are_known = len(several) > 1 and {*several} <= {*target.values}
    if are_known and isinstance(target, Column):
        raise _no_such_value(target, several)  # one row cannot be both
    if text not in target.values and (hint := _meant(target, text)):
        raise SettingsError(
            f"{target.name} has no value {quoted(text)}",
            advice=f"Did you mean {hint}? Documented are {', '.join(target.values)}.",
            code="bad_filter",
        )
    return text


def _text_of(target: Column | Parameter, value: object) -> str | None:
    is_path = isinstance(target, Parameter) and target.where == "path"
    if not isinstance(value, str) and (not _is_plain(value) or _is_nothing(value)):
        return None
    try:
        text = value.isoformat() if isinstance(value, dt.date) else str(value)
        text.encode()  # half a character has no code in a URL
        if is_path and _BREAKS_PATH.search(text):
            return None
        return _SPELLINGS.get(target.kind, str)(text) if text else text
    except (ValueError, KeyError, ArithmeticError):
        return None


def _no_such_value(target: Column | Parameter, value: object) -> SettingsError:
    is_text = isinstance(value, str)
    is_many = isinstance(value, Iterable) and not is_text
    is_range = isinstance(value, str) and value.startswith(("<", ">"))
    examples = (getattr(target, "example", ""), *target.values)
    example = next(filter(None, examples), _EXAMPLES.get(target.kind, "value"))
    kind = {"text": "text that can stand in a path"}.get(target.kind, target.kind)
    return SettingsError(
        f"{target.name} cannot be {quoted(value)}"
        + (f": that is no {kind}" if is_text else ""),
        advice=f"Give one value, as in {target.name}={example}"
        + (
            "; choose several, or a range, from the frame."
            if is_many or is_range
            else "."
        ),
        code="bad_filter",
    )


def _meant(target: Column | Parameter, text: str) -> str:
    """Give the documented value that was misspelt; empty where it is another one."""
    known = {value.lower(): value for value in target.values}
    close = difflib.get_close_matches(text[:_LONGEST].lower(), known, 1, _ALIKE)
    return known[close[0]] if close else ""


def _is_nothing(value: object) -> bool:
    is_own_kind = value is None or type(value).__name__ in ("NAType", "NaTType")
    is_empty = isinstance(value, str) and not value
    return is_own_kind or is_empty or (isinstance(value, float) and isnan(value))


def _is_plain(value: object) -> bool:
    # A datetime64 and a bool of numpy are neither numbers nor dates of Python.
    is_of_numpy = hasattr(value, "dtype") and not isinstance(value, Iterable)
    return is_of_numpy or isinstance(value, (Number, dt.date, UUID))


def _no_value(resource: Resource, parameter: Parameter) -> SettingsError:
    values = f" one of {', '.join(parameter.values)}" if parameter.values else ""
    example = values or f" a value, as in {parameter.name}={parameter.example}"
    return SettingsError(
        f"{parameter.name} is sent to the API, and was given no value",
        why=f"{resource.name} takes it as a query parameter, which cannot ask for what "
        "is missing.",
        advice=f"Leave {parameter.name} out, or give{example}.",
        code="bad_filter",
    )


def as_sent(name: str, value: object) -> Any:
    """
    Give a value of an undocumented parameter as it goes into a query.

    Raises
    ------
    SettingsError
        ``bad_filter``: it is neither a plain value nor a list of such.
    """
    if isinstance(value, (list, tuple)):
        return [as_sent(name, item) for item in value]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (dt.date, str, int, float, decimal.Decimal)):
        try:
            return value.isoformat() if isinstance(value, dt.date) else str(value)
        except ValueError:
            pass  # Python writes no integer of more than 4,300 digits
    raise SettingsError(
        f"{quoted(name)} cannot be sent: it is a {type(value).__name__}",
        advice="Give text, a number, a date, true or false, or a list of such.",
        code="bad_filter",
    )


def _day(text: str) -> str:
    return dt.datetime.fromisoformat(text).date().isoformat()


def _decimal(text: str) -> str:
    if not decimal.Decimal(text).is_finite():
        raise ValueError
    return text


_ALIKE = 0.75  # of 1, from where on a value is one that was misspelt
_LONGEST = 80  # characters of a value, which take longer to compare the more there are
_NUMBERS = frozenset({"integer", "number", "money"})
_COMPARISON = re.compile(r"(.*?)\s*([<>!])=?\s*(.*)")
_BREAKS_PATH = re.compile(r"[/\\?#%\s]|^\.+$")
_EXAMPLES = {
    "date": "2026-03-31",
    "instant": "2026-03-31T10:00:00Z",
    "integer": "12",
    "boolean": "true",
    "money": "9.50",
}
_SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "date": _day,
    # A day stays one, and means all of it.
    "instant": lambda text: (
        _day(text) if is_day(text) else instant_of(text).isoformat()
    ),
    "integer": lambda text: str(int(text)),
    "boolean": lambda text: {"true": "true", "false": "false"}[text.lower()],
    "number": _decimal,
    "money": _decimal,
}


def _unknown_filter(resource: Resource, name: str, value: object) -> SettingsError:
    columns = [c.name for c in resource.columns]
    if comparison := _COMPARISON.fullmatch(name):
        wanted, sign, bound = comparison.groups()
        if column := resource.column(closest(wanted, columns)):
            return _no_comparison(column, sign, bound or value)
    # Those come first that have to be given.
    hint = closest(name, [*(p.name for p in resource.parameters), *columns, *OPTIONS])
    # What a list of employees calls id is the employee_id of their records.
    own = f"{resource.name.removesuffix('s')}_id"
    if resource.column("id") and bare(name) == bare(own):
        hint = "id"
    return SettingsError(
        f"{resource.name} documents neither a parameter nor a column {quoted(name)}",
        why="What the API sends beyond its documentation is known after reading alone.",
        advice=(f"Did you mean {hint}? " if hint else "")
        + f"%intermezzo_resources {resource.name} lists them (in Python: "
        f"resources({resource.name!r})).",
        code="unknown_filter",
    )


def _no_comparison(column: Column, sign: str, value: object) -> SettingsError:
    is_word = column.name.isidentifier()
    of_frame = f"df.{column.name}" if is_word else f'df["{column.name}"]'
    bound = quoted(plain(value, 40))[1:-1]  # or what stands for a secret
    bound = bound if column.kind in _NUMBERS else f'"{bound}"'
    return SettingsError(
        f"{column.name} cannot be asked for by {sign}=",
        why="A filter is equal to one value.",
        advice=f"Take a range from the frame: df[{of_frame} {sign}= {bound}].",
        code="bad_filter",
    )
