"""
From a list of JSON values to a typed Arrow column, without loss: one value at a time.

A value that is not of the documented kind never raises and never vanishes: the column
becomes text, and a note says so. What is as documented goes the faster way of
``casts``; this is what says what is right.
"""

from __future__ import annotations

import datetime as dt
import decimal
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from .schema import Column
from .shaping import as_text
from .spelling import DATE, DECIMAL, EXACT_DIGITS, EXACT_WHOLE

TEXT = pa.large_string()
INSTANT = pa.timestamp("us", "UTC")

_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})",
    re.ASCII,
)
_INTEGER = re.compile(r"-?(0|[1-9]\d*)", re.ASCII)
_INT64 = range(-(2**63), 2**63)
PRECISIONS = (18, 38)  # digits of decimal128: what is promised, and what there is
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
    column: Column,
    values: Sequence[Any],
    *,
    money: str,
    page_of: Callable[[int], str] = lambda _row: "",
) -> tuple[pa.Array, list[str]]:
    """
    Build a documented column.

    Parameters
    ----------
    values : sequence of shape (rows,)
        Decoded JSON; None where null or missing.
    money : {"float", "decimal"}
        double, each the nearest to its text, or decimal128.
    page_of : callable
        Tells the page of a row, in words to be put after it.

    Returns
    -------
    array : pyarrow.Array of shape (rows,)
    notes : list of str
    """
    try:
        if column.kind == "money":
            return _money(column, values, exact=money == "decimal")
        return _BUILDERS[column.kind](values), []
    except Mistyped as fault:
        note = (
            f"{column.name} is kept as text: row {fault.row}{page_of(fault.row)} "
            f"holds a {type(values[fault.row]).__name__} that is no "
            f"{fault.wanted or column.kind}"
        )
        return text(values), [note]


def infer(values: Sequence[Any]) -> pa.Array:
    """
    Build an undocumented column: the narrowest kind that loses nothing.

    Numbers written as text stay text, and so does an instant that is not in UTC: its
    offset would be lost.
    """
    for kind in kinds_of({type(v) for v in values if v is not None}):
        if kind == "instant" and not all(v is None or v[-1:] == "Z" for v in values):
            continue
        try:
            return _BUILDERS[kind](values)
        except Mistyped:
            continue
    return text(values)


def kinds_of(types: Collection[type]) -> tuple[str, ...]:
    """Give the kinds that an undocumented column of such values may have."""
    return _INFERRED.get(frozenset(types), ())


def control_total(values: Sequence[Any]) -> str | None:
    """Give the exact sum of a money column as text; None where it has no such sum."""
    try:
        decimals = _decimals(values, skip_gaps=True)
    except Mistyped:
        return None
    with decimal.localcontext(_EXACT):
        return format(sum(decimals, Decimal(0)), "f")


def text(values: Sequence[Any]) -> pa.Array:
    """Build a text column of any values; what is no text is JSON."""
    texts = [None if v is None else as_text(v) for v in values]
    try:
        return pa.array(texts, TEXT)
    except UnicodeEncodeError:
        return pa.array([None if t is None else legible(t) for t in texts], TEXT)


def legible(text: str) -> str:
    r"""Give text that can be encoded: JSON's lone surrogates stay as ``\udxxx``."""
    return text.encode("utf-8", "backslashreplace").decode()


def _date(values: Sequence[Any]) -> pa.Array:
    days = [_checked(v, row, _day) for row, v in enumerate(values)]
    return pa.array(days, pa.date32())


def _day(value: Any) -> dt.date:
    if isinstance(value, str) and DATE.fullmatch(value):
        return dt.date.fromisoformat(value)
    raise ValueError


def _instant(values: Sequence[Any]) -> pa.Array:
    moments = [_checked(v, row, _moment) for row, v in enumerate(values)]
    return pa.array(moments, INSTANT)


def _moment(value: Any) -> dt.datetime:
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return dt.datetime.fromisoformat(value.upper()).astimezone(dt.UTC)
    raise ValueError


def _integer(values: Sequence[Any]) -> pa.Array:
    numbers = [_checked(v, row, _whole) for row, v in enumerate(values)]
    return pa.array(numbers, pa.int64())


def _whole(value: Any) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value) and value != "-0":
        value = int(value) if len(value) < len("-9223372036854775808") + 1 else None
    if isinstance(value, float) and value.is_integer() and abs(value) <= EXACT_WHOLE:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value in _INT64:
        return value
    raise ValueError


def _boolean(values: Sequence[Any]) -> pa.Array:
    flags = [_checked(v, row, _flag) for row, v in enumerate(values)]
    return pa.array(flags, pa.bool_())


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError


def _number(values: Sequence[Any]) -> pa.Array:
    numbers = [_checked(v, row, _double) for row, v in enumerate(values)]
    return pa.array(numbers, pa.float64())


def _double(value: Any) -> float:
    if isinstance(value, str) and DECIMAL.fullmatch(value):
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
) -> tuple[pa.Array, list[str]]:
    decimals = _decimals(values, skip_gaps=False)
    if exact:
        return _decimal128(column, decimals)
    long = sum(1 for d in decimals if d is not None and _digits(d) > EXACT_DIGITS)
    note = (
        f"{column.name}: {long} values have more than {EXACT_DIGITS} digits; "
        'money="decimal" keeps them all'
    )
    doubles = [_checked(d, row, _double_of) for row, d in enumerate(decimals)]
    return pa.array(doubles, pa.float64()), [note] if long else []


def _double_of(number: Decimal) -> float:
    double = float(number)
    if not math.isfinite(double):
        raise ValueError
    return double


def _decimal128(
    column: Column, decimals: Sequence[Decimal | None]
) -> tuple[pa.Array, list[str]]:
    scale = max([column.scale, *(_places(d) for d in decimals if d is not None)])
    whole = max([1, *(d.adjusted() + 1 for d in decimals if d)])
    precision = next((p for p in PRECISIONS if whole + scale <= p), None)
    if precision is None:
        longest = max(range(len(decimals)), key=lambda row: _length(decimals[row]))
        raise Mistyped(longest, f"money of {PRECISIONS[-1]} digits or less")
    array = pa.array(decimals, type=pa.decimal128(precision, scale))
    note = f"{column.name} is decimal128({precision}, {scale}): its values need it"
    usual = (precision, scale) == (PRECISIONS[0], column.scale)
    return array, [] if usual else [note]


def _decimals(values: Sequence[Any], *, skip_gaps: bool) -> list[Any]:
    decimals = [_checked(v, row, _decimal) for row, v in enumerate(values)]
    return [d for d in decimals if d is not None] if skip_gaps else decimals


def _decimal(value: Any) -> Decimal:
    if isinstance(value, str) and DECIMAL.fullmatch(value):
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


_BUILDERS: Mapping[str, Callable[[Sequence[Any]], pa.Array]] = {
    "text": text,
    "enum": text,
    "json": text,
    "date": _date,
    "instant": _instant,
    "integer": _integer,
    "boolean": _boolean,
    "number": _number,
}
_INFERRED: Mapping[frozenset[type], tuple[str, ...]] = {
    frozenset({bool}): ("boolean",),
    frozenset({int}): ("integer",),
    frozenset({float}): ("number",),
    frozenset({int, float}): ("number",),
    frozenset({str}): ("date", "instant"),
}
