"""Pages of records to DataFrame: the documented types, and whatever else came."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from msgspec import Struct, field

from ..errors import SettingsError
from ..quoting import plain, quoted
from .arguments import names_of, several_in_one
from .casts import typed
from .collector import Collector
from .columns import TEXT
from .page import PageNumbers
from .schema import Resource
from .shaping import check_form, check_money

# What pandas 3 calls "str"; 2.2 knows the same type by its first name only.
_IS_2_2 = pd.__version__.startswith("2.2.")
STR: Any = pd.StringDtype(
    **({"storage": "pyarrow_numpy"} if _IS_2_2 else {"na_value": np.nan})
)
_OWN: Mapping[pa.DataType, Any] = {
    TEXT: STR,
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}
_TOLD = 12  # names in a note; the rest is counted
_LONGEST = 80  # characters of such a name
_ALONE = 50  # columns of numpy's types, each in memory of its own


class Framed(Struct, frozen=True):
    """
    A frame, and what has to be told beside it.

    Parameters
    ----------
    frame : pandas.DataFrame, pyarrow.Table or polars.DataFrame of shape (rows, columns)
    rows, columns : int
    control_totals : dict of str to str
        The exact sum of each money column.
    notes : list of str
        What did not go as documented, each told once.
    """

    frame: Any
    rows: int
    columns: int
    control_totals: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def bearing(self, about: Mapping[str, Any]) -> Any:
        """
        Give the frame with its provenance, where such a frame can hold one.

        That is ``attrs["intermezzo"]`` in pandas, and the metadata of the schema in
        Arrow, as JSON; polars has no such place.
        """
        if isinstance(self.frame, pd.DataFrame):
            self.frame.attrs["intermezzo"] = dict(about)
        elif isinstance(self.frame, pa.Table):
            return self.frame.replace_schema_metadata(
                {b"intermezzo": json.dumps(about).encode()}
            )
        return self.frame


def to_frame(
    records: Iterable[Any], resource: Resource | None, **options: Any
) -> Framed:
    """Build a frame from records that are all there, as :func:`framed` does."""
    return framed([[*records]], resource, **options)


def framed(
    pages: Iterable[Sequence[Any]],
    resource: Resource | None,
    *,
    money: str = "float",
    columns: Sequence[str] | None = None,
    as_: str = "pandas",
    is_part: bool = False,
    page_now: Callable[[], int | None] = lambda: None,
) -> Framed:
    """
    Build a frame with stable types, whatever the data.

    Dates are ``datetime64[s]``, instants ``datetime64[us, UTC]``, integers ``Int64``,
    flags ``boolean``, ids, codes and enumerations ``str`` (the type that pandas 3
    calls so, in pandas 2 too), money ``float64`` or decimal128; nested objects are
    dotted, lists are JSON text. Documented columns are there even when no record has
    them. Nothing that the API may send raises: a column with a value of another type
    becomes text, and a note says so.

    Parameters
    ----------
    pages : iterable of sequence
        Records, a page at a time. What is no object becomes the column ``value``.
    resource : Resource or None
        None: no type is documented, so each column is inferred without loss.
    money : {"float", "decimal"}
        The type of money columns; their exact sums come along in both.
    columns : sequence of str, optional
        Only these, in this order.
    as_ : {"pandas", "arrow", "polars"}
        In Arrow dates are ``date32`` and text is ``large_string``; polars takes its
        frame from there.
    is_part : bool
        Whether other records may have columns that these lack: then they are empty.
    page_now : callable
        Gives the number, where there is one, of the page that was taken last.

    Raises
    ------
    SettingsError
        ``unknown_column``: one of ``columns`` is not there; ``bad_setting``: there is
        no such type of money or frame; ``not_installed``: there is no polars.
    """
    check_money(money)
    convert = converter(as_)
    collector = Collector(resource)
    numbers = PageNumbers()
    for page in pages:
        numbers.begin(collector.rows, page_now())
        collector.add(page)
    rows = collector.rows
    found = {name: (column, chunks) for name, column, chunks in collector.columns()}
    if rows and not found:  # without a column, Arrow and Parquet would lose the rows
        found["value"] = (None, [pa.nulls(rows)])
    if resource is None and (is_part or not rows):
        nothing = {
            name: (None, [pa.nulls(rows)]) for name in names_of("columns", columns)
        }
        found = nothing | found
    documented = {c.name for c in resource.columns} if resource else set()
    unknown = [name for name in found if name not in documented]
    arrays, totals, notes = dict[str, pa.Array](), dict[str, str](), list[str]()
    for name in chosen(list(found), columns):
        column, chunks = found.pop(name)
        made = typed(column, chunks, money=money, page_of=numbers.told)
        chunks.clear()  # each column gives its memory back before the next is made
        arrays[name] = made.array
        notes += made.notes
        if made.total is not None:
            totals[name] = made.total
    if resource and unknown and columns is None:
        notes.append(undocumented(unknown))
    width = len(arrays)  # whoever converts them takes them
    return Framed(convert(arrays, rows), rows, width, totals, notes)


def undocumented(names: Sequence[str]) -> str:
    """Tell that columns came which nobody documents."""
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    shown = ", ".join(plain(name, _LONGEST) for name in names[:_TOLD])
    return f"not documented, kept: {shown}{more}"


def converter(form: str) -> Callable[[dict[str, pa.Array], int], Any]:
    """
    Give what makes a frame of columns and a number of rows; it takes the columns.

    Raises
    ------
    SettingsError
        ``bad_setting``, ``not_installed``.
    """
    check_form(form, None)
    if form == "polars":
        try:
            import polars as pl
        except ImportError:
            raise SettingsError(
                "polars is not installed",
                advice="Install it: pip install polars.",
                code="not_installed",
            ) from None
        # Of a whole table, polars would name a column anew that has the empty name.
        return lambda arrays, _rows: pl.DataFrame(
            {name: pl.from_arrow(array) for name, array in arrays.items()}
        )
    return _table if form == "arrow" else _pandas


def _table(arrays: dict[str, pa.Array], _rows: int) -> pa.Table:
    return pa.table(arrays)


def _pandas(arrays: dict[str, pa.Array], rows: int) -> pd.DataFrame:
    names = [*arrays]
    columns = {name: series(arrays.pop(name)) for name in names}
    index = pd.RangeIndex(rows)
    # Of numpy's columns pandas joins those of a type when it copies. Where more than a
    # hundred stand alone, it warns whoever adds another.
    alone = sum(isinstance(column.dtype, np.dtype) for column in columns.values())
    return pd.DataFrame(columns, index=index, columns=names, copy=alone > _ALONE)


def series(array: pa.Array) -> pd.Series:
    """Give a column the type that it has in pandas."""
    kind = array.type
    if pa.types.is_date(kind):
        return pd.Series(_numpy(array.cast(pa.timestamp("s"))))
    if pa.types.is_timestamp(kind):
        return pd.Series(_numpy(array.cast(pa.timestamp("us")))).dt.tz_localize("UTC")
    if pa.types.is_decimal(kind):
        return pd.Series(array, dtype=pd.ArrowDtype(kind))
    own = _OWN.get(kind)
    return pd.Series(own.__from_arrow__(array) if own else _numpy(array))


def _numpy(array: pa.Array) -> Any:
    return array.to_numpy(zero_copy_only=False, writable=True)


def chosen(there: list[str], columns: Sequence[str] | None) -> list[str]:
    """
    Give the names of the columns that are wanted.

    Raises
    ------
    SettingsError
        ``unknown_column``.
    """
    if columns is None:
        return there
    if missing := [name for name in names_of("columns", columns) if name not in there]:
        raise SettingsError(
            f"there is no column {quoted(missing[0])}",
            why=f"There are: {', '.join(there[:_TOLD])} …",
            advice=several_in_one(names_of("columns", columns), there)
            or "Check the names in columns.",
            code="unknown_column",
        )
    return names_of("columns", columns)
