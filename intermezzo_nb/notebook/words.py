"""What the words of a line and the body of a cell ask for."""

from __future__ import annotations

import builtins
import json
import keyword
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from ..api.filters import OPTIONS as _OPTIONS
from ..api.filters import spelled
from ..api.schema import Parameter
from ..errors import SettingsError
from ..quoting import quoted

OPTIONS = (*_OPTIONS, "employee_id")
"""What a body may hold beside filters, by the names that Python has for it."""
_QUOTED = re.compile(r"'([\w.-]+)'")
# As {list(ids)} and {df.id.unique()} write it, the latter without commas.
_PRINTED = re.compile(r"\['[\w.-]+'(,?\s+'[\w.-]+')*\]")
_VARIABLE = re.compile(r"\{([^\W\d]\w*)\}|\$([^\W\d]\w*)")
_HARMLESS = re.compile(r"[\w,-]{1,15}")  # values that may be repeated
_DIGITS = 15  # of a limit; more rows than anybody has


def variable(name: str | None) -> str | None:
    """Give the name of a variable as Python reads it; refuse what breaks a kernel."""
    name = None if name is None else unicodedata.normalize("NFKC", name)
    if name is None or (name.isidentifier() and not _is_taken(name)):
        return name
    raise SettingsError(
        f"{quoted(name)} cannot be the name of a variable",
        why="Nothing was asked for.",
        advice="Give -o a name that begins with a letter and that Python and IPython "
        "do not use themselves, such as df.",
        code="bad_arguments",
    )


def _is_taken(name: str) -> bool:
    of_ipython = {"get_ipython", "In", "Out", "exit", "quit", "display"}
    # IPython keeps its history, and Python its builtins, in names with _ in front.
    is_inner = name.startswith("_") or name in of_ipython
    return is_inner or keyword.iskeyword(name) or hasattr(builtins, name)


def insist_on_values(asked: Mapping[str, Any]) -> None:
    """Refuse ``{name}`` and ``$name``, which stay where there is no such variable."""
    for option, value in asked.items():
        if isinstance(value, str) and (found := _VARIABLE.fullmatch(value)):
            raise SettingsError(
                f"there is no variable {found[1] or found[2]} for {quoted(option)}",
                why="Nothing was asked for.",
                advice="Run the cell that gives it a value, or write the value itself.",
                code="bad_arguments",
            )


def count(given: object, option: str = "--limit") -> int | None:
    """Give an option as a number; None where it is left out."""
    text = "" if given is None else str(given)
    if not text:
        return None
    if text.isascii() and text.isdecimal() and len(text) <= _DIGITS:
        return int(text)
    raise SettingsError(
        f"{option} is {quoted(text)}",
        advice="Give a whole number, 0 or more, such as 500.",
        code="bad_arguments",
    )


def flag(given: object, option: str) -> bool:
    """Give an option that is true or false; false where it is left out."""
    text = str(given or False).lower()
    if text in {"true", "false"}:
        return text == "true"
    raise SettingsError(
        f"{option} is {quoted(text)}",
        advice="Write true or false.",
        code="bad_arguments",
    )


def names(given: Any) -> Any:
    """Give the names that commas part; what is no text stays as it is."""
    if not isinstance(given, str):
        return given
    if found := _parts(given):
        return found
    raise SettingsError(
        "--columns names no column",
        advice="Give names with commas between them, such as id,startDate.",
        code="bad_arguments",
    )


def with_commas(line: str) -> str:
    """Give a line in which a printed list, ``['a', 'b']``, is ``a,b``."""
    return _PRINTED.sub(lambda found: ",".join(_QUOTED.findall(found[0])), line)


def _parts(given: str) -> list[str]:
    return [name.strip() for name in given.split(",") if name.strip()]


def filters(words: Sequence[str], resource: str = "") -> dict[str, Any]:
    """Give the filters of a line, each ``name=value``, for a resource or a path."""
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise _no_filter(
                word,
                _as_what_is_missing(word, words, resource)
                or "Write filters as name=value and lists as a,b, without spaces or "
                "with quotes around them; choose a range from the frame.",
            )
        option = name.replace("-", "_")
        # An employee's id is a part of the path, which the catalogue names so.
        if option in OPTIONS and name != "employee_id":
            shown = value if _HARMLESS.fullmatch(value) else "VALUE"
            advice = f"Write --{option.replace('_', '-')} {shown}"
            raise _no_filter(name, advice.removesuffix(" true") + ".")
        if name in found:
            raise _twice(name, "Give it once; in Python, params={…} takes lists.")
        found[name] = value
    return found


def _as_what_is_missing(word: str, words: Iterable[str], resource: str) -> str:
    from ..api.resources import CATALOGUE

    given = {other.partition("=")[0] for other in words if "=" in other}
    known = CATALOGUE[resource].parameters if resource in CATALOGUE else ()
    needed = [p for p in known if p.where == "path" and not p.default]
    missing = (p for p in needed if p.name not in given)
    return next((_as_filter(parameter, word) for parameter in missing), "")


def instead_of_option(line: Sequence[str], option: str) -> str:
    """Tell how a parameter is written that stands in a line as if an option."""
    from ..api.resources import CATALOGUE

    name = option.strip("-").replace("-", "_")
    named = next((CATALOGUE[word] for word in line if word in CATALOGUE), None)
    if named is None or (parameter := named.parameter(name)) is None:
        return ""
    words = iter(line)
    parts = (word.partition("=") for word in words)
    values = (value or next(words, "") for name, _, value in parts if name == option)
    return _as_filter(parameter, next(values, ""))


def _as_filter(parameter: Parameter, given: str) -> str:
    """Tell how a parameter is written, with the value that was given if it is one."""
    value = parameter.example or "VALUE"
    if _HARMLESS.fullmatch(given):
        with suppress(SettingsError):
            value = spelled(parameter, given)
    return f"Write {parameter.name}={value}."


def body(cell: str) -> dict[str, Any]:
    """
    Give what the body of a cell holds: lines, or a JSON object.

    Options may be written with dashes, as in a line.
    """
    if cell.strip()[:1] in {"{", "["}:
        found = _object(cell)
    else:
        found = _lines(line for line in cell.splitlines() if line.strip())
    return {_as_option(name): value for name, value in found.items()}


def _as_option(name: str) -> str:
    option = name.replace("-", "_")
    return option if option in OPTIONS else name


def _object(cell: str) -> dict[str, Any]:
    try:
        found = json.loads(cell, object_pairs_hook=_once)
        told = "It is a list." if isinstance(found, list) else ""
    except RecursionError:
        found, told = None, "It is nested too deeply."
    except json.JSONDecodeError as fault:
        found, told = None, str(fault)
    if isinstance(found, dict):
        return found
    raise SettingsError(
        "the body of the cell is not a JSON object",
        why=told,
        advice='Write {"name": "value"}, or one `name: value` a line.',
        code="bad_arguments",
    )


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        given = [name for name, _ in members]
        repeated = next(name for name in given if given.count(name) > 1)
        raise _twice(repeated, "Give each name once; a value may be a list.")
    return found


def _lines(lines: Iterable[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in lines:
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not name:
            raise _no_filter(line.strip(), "Write one `name: value` a line.")
        if name in found:
            raise _twice(name, "Write one `name: value` a line, each name once.")
        found[name] = value
    return found


def insist_on_once(names: Sequence[str]) -> None:
    """
    Refuse a name that a line has twice, or its body as well: either might count.

    Raises
    ------
    SettingsError
        ``bad_arguments``: there is one.
    """
    if repeated := next((name for name in names if names.count(name) > 1), ""):
        raise _twice(repeated, "Give it once, in the line or in the body.")


def _no_filter(word: str, advice: str) -> SettingsError:
    what = f"{quoted(word)} is no filter"
    return SettingsError(what, advice=advice, code="bad_arguments")


def _twice(name: str, advice: str) -> SettingsError:
    what = f"{quoted(name)} comes twice"
    return SettingsError(what, advice=advice, code="bad_arguments")
