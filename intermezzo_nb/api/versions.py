"""From a history to what was valid on a day, or at each of many days."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..errors import IncompleteWarning, SettingsError
from ..quoting import quoted
from .arguments import bad_argument, closest, is_one_of, many, names_of
from .days import day_of
from .progress import plural
from .resources import CATALOGUE
from .schema import Resource
from .validity import GAP, OVERLAP, Validity

_KEYS = ("employeeId", "wageTypeCode", "wageTypeNumber")
_VAGUE = ("id", "organizationId")  # each alone; beside each other, either may be it
_STAMP = "asOf"
_VALIDITY = ("validFrom", "validTo")
_SHOWN = 12  # columns in a message
_SAMPLE = 500  # rows
_DAY = pd.Timedelta(days=1).as_unit("s")


def as_of(
    history: pd.DataFrame,
    when: Any,
    *,
    key: str | Sequence[str] | None = None,
    start: str | None = None,
    end: str | None = None,
    valid_to: str | None = None,
) -> pd.DataFrame:
    """
    Give the versions that were valid on a day, or on each of several days.

    Where two versions of one thing share a day, as on a day of change, the one that
    began last counts, and it alone; of those that began together, the one that ends
    last. The lines of one version all count. ``frame(…, as_of=…)`` does the same.

    Parameters
    ----------
    history : pandas.DataFrame
        As ``frame(…, history=True)`` gives it; any frame with two columns of dates.
    when : date-like, or a sequence, index or Series of such
        A period means its last day.
    key : str or sequence of str, optional
        The columns that tell one thing from another; by default those of the resource
        that the frame was read from.
    start, end : str, optional
        The columns of the first and the last day; what is missing bounds nothing. By
        default ``validFrom`` and ``validTo``; where the resource has neither, a version
        is valid from the day of its ``createdAt`` (in UTC) to that of the next.
    valid_to : {"inclusive", "exclusive"}, optional
        Whether ``end`` is the last valid day, or the first that is not; by default as
        the frame was read.

    Returns
    -------
    pandas.DataFrame
        For one day, rows of ``history`` with their index. For several, a row for each
        version and day, the day in the column ``asOf`` (``datetime64[s]``).

    Raises
    ------
    SettingsError
        A column is missing, or holds no dates.

    Warns
    -----
    IncompleteWarning
        The frame that was read is not complete, or holds the versions of other days.
    UserWarning
        Versions overlap by more than a day of change, begin together, or leave days
        between them; or rows equal others in all columns.

    Examples
    --------
    >>> months = pd.date_range("2026-01-31", periods=12, freq="ME")
    >>> as_of(jobs, months).groupby("asOf")["employeeId"].nunique()  # doctest: +SKIP
    """
    if not isinstance(history, pd.DataFrame):
        raise bad_argument("history", "a DataFrame, such as frame(…, history=True)")
    about = history.attrs.get("intermezzo", {})
    usual = about.get("valid_to", "inclusive")
    is_inclusive = _is_inclusive(usual if valid_to is None else valid_to)
    keys = _keys(history, key, about.get("resource"))
    for name in keys:
        _insist_on(history, name)
    first, last = _bounds(CATALOGUE.get(str(about.get("resource"))), start, end)
    starts = _dates(history, first, are_instants=last is None)
    ends = None if last is None else _dates(history, last)
    bounds = (first, last)
    if about.get("complete") is False or _filters(about, bounds):
        warnings.warn(
            "this history is not complete, so what is given of a day may not be "
            f"either: {_why_not_complete(about, bounds)}",
            IncompleteWarning,
            stacklevel=2,
        )
    days, is_one = _days(when)
    told = [day.date().isoformat() for day in days]
    if last is None or (first, last) == _VALIDITY:
        _tell_other_days(about.get("as_of"), told)
    if _STAMP in history.columns:
        raise SettingsError(
            f"the frame has a column {_STAMP!r}, as as_of gives it for many days",
            why="It holds what was valid on some days already, a version many times.",
            advice=f"Give the history itself; df[df.{_STAMP} == DAY] has the rows of "
            f"one of these days. If {_STAMP} is a column of yours, rename it.",
            code="bad_arguments",
        )
    version = _version(history, about.get("resource"))
    spans = _spans(history, keys, starts, ends, version)
    if ends is not None:
        _tell_doubts(spans, _things(keys), is_inclusive=is_inclusive)
    _tell_equal(history, spans)
    found = [history[_on(spans, d, is_inclusive=is_inclusive)].copy() for d in days]
    if is_one:
        frame = found[0]
    else:
        stamps = days.repeat([len(rows) for rows in found])
        frame = pd.concat(found, ignore_index=True) if found else history.iloc[:0]
        frame.insert(0, _STAMP, stamps)
    frame.attrs["intermezzo"] = {
        **about,
        "as_of": told[0] if is_one else told,
        "rows": len(frame),
        "columns": len(frame.columns),
        "control_totals": {},  # those of the history are not those of a day
    }
    return frame


def _why_not_complete(about: Mapping[str, Any], bounds: Collection[Any]) -> str:
    limit, has_notes = about.get("limit"), bool(about.get("notes"))
    reasons = [f"it was read with limit={limit}"] if limit is not None else []
    reasons += [f"it was filtered by {name}" for name in _filters(about, bounds)]
    if (has_notes and about.get("complete") is False) or not reasons:
        reasons.append('see df.attrs["intermezzo"]["notes"] of the history')
    return "; ".join(reasons)


def _bounds(known: Resource | None, start: Any, end: Any) -> tuple[Any, Any]:
    """Give the columns of the first and the last day; None where there is no last."""
    usual_start, usual_end = _VALIDITY
    if known and known.history and not known.column(usual_end):
        usual_start = Validity.of(known, is_inclusive=True).start
        if end is None and start in (None, usual_start):
            return usual_start, None
    return usual_start if start is None else start, usual_end if end is None else end


def _filters(about: Mapping[str, Any], bounds: Collection[Any]) -> list[str]:
    """Give the filters that took versions of other days away."""
    return [name for name in about.get("filtered_here", ()) if name in bounds]


def _spans(
    history: pd.DataFrame,
    keys: list[str],
    starts: pd.Series[Any],
    ends: pd.Series[Any] | None,
    version: str,
) -> pd.DataFrame:
    """Give of what each row is a version, when it is valid, and which it is."""
    spans = {
        "thing": history.groupby(keys, dropna=False, sort=False).ngroup(),
        "start": starts.fillna(_ALWAYS),
        "end": _NEVER if ends is None else ends.fillna(_NEVER),
    }
    versions = history[version] if version else pd.Series(0, history.index)
    is_numbered = pd.api.types.is_integer_dtype(versions)
    spans["number"] = versions.fillna(0) if is_numbered else 0
    spans["version"] = versions.astype(str).fillna("")  # nothing is like itself, too
    return pd.DataFrame(spans, index=history.index).reset_index(drop=True)


def _on(spans: pd.DataFrame, day: pd.Timestamp, *, is_inclusive: bool) -> Any:
    """Tell of each row whether it counts on a day."""
    is_open = spans["end"] >= day if is_inclusive else spans["end"] > day
    valid = spans[(spans["start"] <= day) & is_open]
    if valid["thing"].duplicated().any():
        ordered = valid.sort_values(["start", "end", "number"], kind="stable")
        last = ordered.drop_duplicates("thing", keep="last").set_index("thing")
        counting = last.loc[valid["thing"]].set_index(valid.index)
        valid = valid[(valid[counting.columns] == counting).all(axis=1)]
    return spans.index.isin(valid.index)


def _tell_doubts(spans: pd.DataFrame, what: str, *, is_inclusive: bool) -> None:
    last = spans["end"] if is_inclusive else spans["end"] - _DAY
    real = spans[spans["start"] <= last].drop_duplicates()
    real = real.sort_values(["thing", "start", "end", "number", "version"])
    things = real["thing"]
    reach = real["end"].groupby(things).cummax().groupby(things).shift()
    # On a day of change, one version's last day is the next one's first.
    overlaps = real["start"] < reach
    gaps = real["start"] > (reach + _DAY if is_inclusive else reach)
    for doubtful, told in ((overlaps, OVERLAP), (gaps, GAP)):
        if count := things[doubtful].nunique():
            text = told.format(count=f"{count:,}", what=what)
            warnings.warn(text, UserWarning, stacklevel=3)


def _tell_equal(history: pd.DataFrame, spans: pd.DataFrame) -> None:
    # The lines of a version are alike in their spans, and soon told apart by others.
    places = spans.duplicated(keep=False).to_numpy().nonzero()[0]
    group = spans.iloc[places].groupby([*spans], dropna=False).ngroup()
    some = history.iloc[places[:_SAMPLE]]
    # Those first of whose values few are alike, so that few rows are left for others.
    different = [len({*map(str, some.iloc[:, n])}) for n in range(some.shape[1])]
    columns = np.argsort(different)[::-1]
    for number in columns:
        column = history.iloc[places, number]
        # What is no type of numpy's may be lists, which nothing can sort.
        is_plain = isinstance(column.dtype, np.dtype) and column.dtype != object
        values = column.to_numpy() if is_plain else [*map(str, column)]
        both = pd.DataFrame({"group": group.to_numpy(), "value": values})
        group = both.groupby(["group", "value"], dropna=False).ngroup()
        are_alike = group.duplicated(keep=False).to_numpy()
        places, group = places[are_alike], group[are_alike]
    if count := int(group.duplicated().sum()):
        warnings.warn(
            f"{plural(count, 'row')} of this history equal another one in all columns, "
            "and each counts; drop_duplicates() leaves one",
            UserWarning,
            stacklevel=3,
        )


def _things(keys: list[str]) -> str:
    by = " and ".join(keys)
    return "employees" if by == "employeeId" else f"things (by {by})"


def _tell_other_days(held: str | list[str] | None, asked: list[str]) -> None:
    if held is None or {*asked} <= {*([held] if isinstance(held, str) else held)}:
        return
    of_days = held if isinstance(held, str) else "some days"
    warnings.warn(
        f"this frame holds the versions of {of_days} alone, so those of other days are "
        "missing: frame(…, history=True) gives all",
        IncompleteWarning,
        stacklevel=3,
    )


def _is_inclusive(valid_to: object) -> bool:
    if not is_one_of(valid_to, ("inclusive", "exclusive")):
        raise SettingsError(
            "valid_to is neither 'inclusive' nor 'exclusive'",
            advice="Say whether the end is the last valid day, or the first that is "
            "not.",
            code="bad_arguments",
        )
    return valid_to == "inclusive"


def _version(history: pd.DataFrame, resource: Any) -> str:
    known = CATALOGUE.get(str(resource))
    return known.version if known and known.version in history.columns else ""


def _keys(
    history: pd.DataFrame, key: str | Sequence[str] | None, resource: Any
) -> list[str]:
    if key is not None:
        if not (found := names_of("key", key)):
            raise bad_argument("key", 'names of columns, such as "id"')
        return found
    if known := CATALOGUE.get(str(resource)):
        # What has no versions is a thing of its own in each row.
        wanted = known.key or ("id",)
        if set(wanted) <= set(history.columns):
            return list(wanted)
        why = f"Those of {known.name} are told apart by {' and '.join(wanted)}."
    else:
        if usual := next((name for name in _KEYS if name in history.columns), None):
            return [usual]
        vague = [name for name in _VAGUE if name in history.columns]
        if len(vague) == 1:
            return vague
        why = (
            f"The frame has {' and '.join(vague)}."
            if vague
            else f"The frame has none of {', '.join(_KEYS + _VAGUE)}."
        )
    raise SettingsError(
        "it is not known of what these rows are versions",
        why=why,
        advice='Name the columns that tell one thing from another, as in key="id".',
        code="bad_arguments",
    )


def _insist_on(history: pd.DataFrame, name: object) -> None:
    if not isinstance(name, str) or name not in history.columns:
        names = [*map(str, history.columns)]
        close = closest(name, names) if isinstance(name, str) else ""
        hint = f"Did you mean {quoted(close)}? " if close else ""
        raise SettingsError(
            f"the frame has no column {quoted(name)}",
            why=f"It has: {', '.join(names[:_SHOWN])}{' …' * (len(names) > _SHOWN)}",
            advice=f"{hint}Name another with start=, end= or key=; "
            "frame(…, history=True) gives versions with validFrom and validTo.",
            code="unknown_column",
        )


def _dates(
    history: pd.DataFrame, name: Any, *, are_instants: bool = False
) -> pd.Series[Any]:
    _insist_on(history, name)
    column = _without_objects(history[name])
    if are_instants and isinstance(column.dtype, pd.DatetimeTZDtype):
        column = column.dt.tz_convert("UTC").dt.tz_localize(None).dt.normalize()
    if not pd.api.types.is_datetime64_dtype(column):
        raise SettingsError(
            f"the column {name!r} holds no dates, but {column.dtype}",
            why="A value that is no date makes a column text when it is read.",
            advice=f"Make it dates by pd.to_datetime(df[{name!r}], format=…), with the "
            'form that they have, such as "%d.%m.%Y"; instants become days by '
            ".dt.tz_localize(None).",
            code="bad_arguments",
        )
    return column.astype("datetime64[s]")


def _without_objects(column: pd.Series[Any]) -> pd.Series[Any]:
    """Give dates of Python or Arrow, as others read them from Parquet, as of pandas."""
    if str(column.dtype).startswith("datetime64"):
        return column
    is_of_arrow = str(column.dtype).startswith("date32")
    if is_of_arrow or all(type(value) is dt.date for value in column.dropna()):
        return column.astype("object").astype("datetime64[s]")
    return column


def _days(when: Any) -> tuple[pd.DatetimeIndex, bool]:
    several = many(when)
    days = [day_of(one, "when") for one in ([when] if several is None else several)]
    # A day that is given twice would count what is valid on it twice.
    return pd.DatetimeIndex(days, dtype="datetime64[s]").unique(), several is None


_ALWAYS, _NEVER = (
    pd.Timestamp(day).as_unit("s") for day in ("0001-01-01", "9999-12-31")
)
