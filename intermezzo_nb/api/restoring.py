"""From the folder of an export back to the frame that it is of."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import IncompleteWarning
from .arguments import bad_argument, is_one_of, names_of, path_of
from .casts import TEXTUAL, Typed, typed
from .columns import PRECISIONS, TEXT
from .frames import Framed, chosen, converter, undocumented
from .manifest import NAME, Manifest, Part, content_of, read_manifest, unusable
from .schema import Column
from .shaping import check_money
from .uniting import texts

_CALLERS = 2  # frames from a warning to who called


def read_export(
    folder: str | os.PathLike[str],
    *,
    money: str = "float",
    columns: Sequence[str] | None = None,
    as_: str = "pandas",
) -> Any:
    """
    Give the frame that was exported, as ``frame`` of the connection gives it.

    Files, rows and control totals are checked against the manifest.

    Parameters
    ----------
    folder : path
        As :meth:`Connection.export` has written it.
    money : {"float", "decimal"}
        Money as float64 or as exact decimal128.
    columns : sequence of str, optional
        Only these columns, in this order.
    as_ : {"pandas", "arrow", "polars"}

    Returns
    -------
    pandas.DataFrame of shape (rows, columns), or what ``as_`` says
        With the dtypes and the ``attrs`` of the frame.

    Raises
    ------
    StoreError
        ``export_foreign``, ``export_unfinished``, ``export_newer``,
        ``export_damaged``: which file is missing, or is not what was written.
    SettingsError
        There is no such column, type of money or form.

    Warns
    -----
    IncompleteWarning
        Something that was asked for could not be read when it was exported.

    Examples
    --------
    >>> df = read_export("payroll/employees", money="decimal")  # doctest: +SKIP
    """
    check_money(money)
    if is_one_of(as_, ("records",)):
        raise bad_argument("as_", "pandas, arrow or polars; a folder holds columns")
    convert = converter(as_)
    path = path_of("folder", folder)
    manifest = _finished(path)
    documented = {c["name"]: _column(c) for c in manifest.columns}
    wanted = None if columns is None else names_of("columns", columns)
    names = chosen([*documented], wanted)
    table = _table(path, manifest, names)
    totals = {n: t for n, t in manifest.control_totals.items() if n in names}
    _check_totals(path, table, totals)
    arrays, notes = dict[str, pa.Array](), list[str]()
    for name in names:
        made = _restored(documented[name], table[name], money=money)
        arrays[name] = made.array
        notes += made.notes
    unknown = [name for name in names if documented[name] is None]
    if unknown and len(unknown) < len(documented) and columns is None:
        notes.append(undocumented(unknown))
    about = {
        **manifest.about,
        "columns": len(names),
        "control_totals": totals,
        "notes": [*manifest.about["notes"], *notes],
    }
    if told := manifest.shortfall:
        warnings.warn(told, IncompleteWarning, stacklevel=_CALLERS)
    return Framed(convert(arrays, manifest.rows), manifest.rows, len(names)).bearing(
        about
    )


def _finished(folder: Path) -> Manifest:
    is_file = os.path.isfile(folder)  # noqa: PTH113 (False also for a name too long)
    manifest = None if is_file else read_manifest(folder)
    if manifest is None:
        advice = "Name the folder that export has written."
        why = f"there is no {NAME}" if folder.exists() else "it is not there"
        why = "it is a file" if is_file else why
        raise unusable(folder, why, "export_foreign", advice)
    if not manifest.finished:
        raise unusable(
            folder,
            f"it is not finished: {manifest.rows:,} rows are there",
            "export_unfinished",
            "Run the same export again, which finishes it.",
        )
    return manifest


def _table(folder: Path, manifest: Manifest, names: Sequence[str]) -> pa.Table:
    tables = [_part(folder, part, names) for part in manifest.parts]
    return pa.concat_tables(tables)


def _part(folder: Path, part: Part, names: Sequence[str]) -> pa.Table:
    content = content_of(folder, part)
    table = pq.read_table(pa.BufferReader(content), columns=[*names])
    if names and table.num_rows != part.rows:
        why = f"the file {part.name} has {table.num_rows:,} rows, not {part.rows:,}"
        raise unusable(folder, why, "export_damaged")
    return table


def _check_totals(folder: Path, table: pa.Table, totals: Mapping[str, str]) -> None:
    for name, total in totals.items():
        if not pa.types.is_decimal(table[name].type):
            continue  # of more digits than there are: kept as text
        wide = table[name].cast(pa.decimal256(76, table[name].type.scale))
        found = pc.sum(wide).as_py() or Decimal(0)
        if found != Decimal(total):
            why = f"the sum of {name} is {found}, and {total} was written"
            raise unusable(folder, why, "export_damaged")


def _restored(column: Column | None, stored: pa.ChunkedArray, *, money: str) -> Typed:
    kind = stored.type
    if column is not None:
        usual = pa.decimal128(PRECISIONS[0], column.scale)
        is_money = column.kind == "money" and not (money == "decimal" and kind == usual)
        if is_money or (kind == TEXT and column.kind not in TEXTUAL):
            made = typed(column, texts(stored).chunks or [pa.nulls(0)], money=money)
            if is_money or made.array.type == TEXT:
                return made
            # Else it was text for a number that no double is, and would be another.
            told = f"{column.name} is kept as text: not all of it is a {column.kind}"
            return Typed(_one(stored), [told])
    return Typed(_one(stored))


def _one(stored: pa.ChunkedArray) -> pa.Array:
    chunks = stored.combine_chunks()
    return chunks if isinstance(chunks, pa.Array) else pa.concat_arrays(chunks)


def _column(told: Mapping[str, Any]) -> Column | None:
    if told["kind"] is None:
        return None
    return Column(told["name"], told["kind"], scale=told["scale"])
