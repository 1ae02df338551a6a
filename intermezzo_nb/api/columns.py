"""
From a list of JSON values to a typed pandas column, without loss.

A value that is not of the documented kind never raises and never vanishes: the column
becomes text, and a note says so.
"""

from __future__ import annotations

import datetime as dt
import decimal
import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from .schema import Column
from .shaping import as_text

# What pandas 3 calls "str"; 2.2 knows the same type by its first name only.
_IS_2_2 = pd.__version__.startswith("2.2.")
TEXT: Any = pd.StringDtype(
    **({"storage": "pyarrow_numpy"} if _IS_2_2 else {"na_value": np.nan})
)

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})",
    re.ASCII,
)
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)
_INTEGER = re.compile(r"-?(0|[1-9]\d*)", re.ASCII)
_INT64 = range(-(2**63), 2**63)
_EXACT_WHOLE = 2**53  # beyond it, a double is not the integer that was written
_EXACT_DIGITS = 15  # significant digits that every double keeps
_PRECISIONS = (18, 38)  # digits of decimal128: what is promised, and what there is
# Sums do not depend on the precision that somebody set for their own decimals.
_EXACT = decimal.Context(
    prec=decimal.MAX_PREC, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN
)


class Mistyped(Exception):
    """A value is not of its column's kind; ``row`` is its position."""

    def __init__(self, row: int, wanted: str = "") -> None:
        super().__init__(row, wanted)
        self.row, self.wanted = row, wanted


def build(
    column: Column, values: Sequence[Any], *, money: str
) -> tuple[pd.Series, list[str]]:
    """
    Build a documented column.

    Parameters
    ----------
    values : sequence of shape (rows,)
        Decoded JSON; None where null or missing.
    money : {"float", "decimal"}
        float64, each the double nearest to its text, or decimal128.

    Returns
    -------
    series : pandas.Series of shape (rows,)
    notes : list of str
    """
    try:
        if column.kind == "money":
            return _money(column, values, exact=money == "decimal")
        return _BUILDERS[column.kind](values), []
    except Mistyped as fault:
        note = (
            f"{column.name} is kept as text: row {fault.row} holds a "
            f"{type(values[fault.row]).__name__} that is no "
            f"{fault.wanted or column.kind}"
        )
        return _text(values), [note]


def infer(values: Sequence[Any]) -> pd.Series:
    """
    Build an undocumented column: the narrowest kind that loses nothing.

    Numbers written as text stay text, and so does an instant that is not in UTC: its
    offset would be lost.
    """
    types = {type(v) for v in values if v is not None}
    for kind, allowed in _INFERRED:
        if not types or not types <= allowed or (kind == "number" and types == {int}):
            continue
        if kind == "instant" and not all(v is None or v[-1:] == "Z" for v in values):
            continue
        try:
            return _BUILDERS[kind](values)
        except Mistyped:
            continue
    return _text(values)


def control_total(values: Sequence[Any]) -> str | None:
    """Give the exact sum of a money column as text; None where it has no such sum."""
    try:
        decimals = _decimals(values, skip_gaps=True)
    except Mistyped:
        return None
    with decimal.localcontext(_EXACT):
        return format(sum(decimals, Decimal(0)), "f")


def _text(values: Sequence[Any]) -> pd.Series:
    texts = [None if v is None else as_text(v) for v in values]
    try:
        return pd.Series(texts, dtype=TEXT)
    except UnicodeEncodeError:
        return pd.Series([None if t is None else legible(t) for t in texts], dtype=TEXT)


def legible(text: str) -> str:
    r"""Give text that can be encoded: JSON's lone surrogates stay as ``\udxxx``."""
    return text.encode("utf-8", "backslashreplace").decode()


def _date(values: Sequence[Any]) -> pd.Series:
    texts = [_checked(v, row, _date_text) for row, v in enumerate(values)]
    return pd.Series(np.array(texts, dtype="datetime64[s]"))


def _date_text(value: Any) -> str:
    if isinstance(value, str) and _DATE.fullmatch(value):
        dt.date.fromisoformat(value)
        return value
    raise ValueError


def _instant(values: Sequence[Any]) -> pd.Series:
    moments = [_checked(v, row, _moment) for row, v in enumerate(values)]
    stamps = np.array(moments, dtype="datetime64[us]")
    return pd.Series(stamps).dt.tz_localize("UTC")


def _moment(value: Any) -> dt.datetime:
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        moment = dt.datetime.fromisoformat(value.upper())
        return moment.astimezone(dt.UTC).replace(tzinfo=None)
    raise ValueError


def _integer(values: Sequence[Any]) -> pd.Series:
    numbers = [_checked(v, row, _whole) for row, v in enumerate(values)]
    return pd.Series(pd.array(numbers, dtype="Int64"))


def _whole(value: Any) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value) and value != "-0":
        value = int(value) if len(value) < len("-9223372036854775808") + 1 else None
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT_WHOLE:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value in _INT64:
        return value
    raise ValueError


def _boolean(values: Sequence[Any]) -> pd.Series:
    flags = [_checked(v, row, _flag) for row, v in enumerate(values)]
    return pd.Series(pd.array(flags, dtype="boolean"))


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError


def _number(values: Sequence[Any]) -> pd.Series:
    numbers = [_checked(v, row, _double) for row, v in enumerate(values)]
    return pd.Series(numbers, dtype="float64")


def _double(value: Any) -> float:
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        double = float(value)
        if math.isfinite(double):
            return double
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        double = float(value)
        if double == value:
            return double
    raise ValueError


def _money(
    column: Column, values: Sequence[Any], *, exact: bool
) -> tuple[pd.Series, list[str]]:
    decimals = _decimals(values, skip_gaps=False)
    if exact:
        return _decimal128(column, decimals)
    long = sum(1 for d in decimals if d is not None and _digits(d) > _EXACT_DIGITS)
    note = (
        f"{column.name}: {long} values have more than {_EXACT_DIGITS} digits; "
        'money="decimal" keeps them all'
    )
    doubles = [_checked(d, row, _double_of) for row, d in enumerate(decimals)]
    return pd.Series(doubles, dtype="float64"), [note] if long else []


def _double_of(number: Decimal) -> float:
    double = float(number)
    if not math.isfinite(double):
        raise ValueError
    return double


def _decimal128(
    column: Column, decimals: Sequence[Decimal | None]
) -> tuple[pd.Series, list[str]]:
    scale = max([column.scale, *(_places(d) for d in decimals if d is not None)])
    whole = max([1, *(d.adjusted() + 1 for d in decimals if d)])
    precision = next((p for p in _PRECISIONS if whole + scale <= p), None)
    if precision is None:
        longest = max(range(len(decimals)), key=lambda row: _length(decimals[row]))
        raise Mistyped(longest, f"money of {_PRECISIONS[-1]} digits or less")
    array = pa.array(decimals, type=pa.decimal128(precision, scale))
    note = f"{column.name} is decimal128({precision}, {scale}): its values need it"
    usual = (precision, scale) == (_PRECISIONS[0], column.scale)
    return pd.Series(array, dtype=pd.ArrowDtype(array.type)), [] if usual else [note]


def _decimals(values: Sequence[Any], *, skip_gaps: bool) -> list[Any]:
    decimals = [_checked(v, row, _decimal) for row, v in enumerate(values)]
    return [d for d in decimals if d is not None] if skip_gaps else decimals


def _decimal(value: Any) -> Decimal:
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        number = Decimal(repr(value))
        if number.is_finite():
            return number
    raise ValueError


def _digits(number: Decimal) -> int:
    return len("".join(map(str, number.as_tuple().digits)).strip("0"))


def _places(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _length(number: Decimal | None) -> int:
    return max(number.adjusted() + 1, 0) + _places(number) if number else 0


def _checked(value: Any, row: int, convert: Callable[[Any], Any]) -> Any:
    if value is None:
        return None
    try:
        return convert(value)
    except (ValueError, OverflowError):
        raise Mistyped(row) from None


_BUILDERS: Mapping[str, Callable[[Sequence[Any]], pd.Series]] = {
    "text": _text,
    "enum": _text,
    "json": _text,
    "date": _date,
    "instant": _instant,
    "integer": _integer,
    "boolean": _boolean,
    "number": _number,
}
_INFERRED: tuple[tuple[str, set[type]], ...] = (
    ("boolean", {bool}),
    ("integer", {int}),
    ("number", {int, float}),
    ("date", {str}),
    ("instant", {str}),
)
