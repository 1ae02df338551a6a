"""From a history to what was valid on a day, or at each of many days."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from numbers import Real
from typing import Any

import pandas as pd

from ..errors import SettingsError
from .resources import CATALOGUE

_KEYS = ("employeeId", "wageTypeCode", "wageTypeNumber", "organizationId", "id")
_DAY = pd.Timedelta(days=1)


def as_of(
    history: pd.DataFrame,
    when: Any,
    *,
    key: str | Sequence[str] | None = None,
    start: str = "validFrom",
    end: str = "validTo",
    valid_to: str | None = None,
) -> pd.DataFrame:
    """
    Give the versions that were valid on a day, or on each of several days.

    Where two versions of one thing share a day, as on a day of change, the later one
    counts, and it alone; what is later is told by ``start``. Rows that begin together
    belong together, such as the lines of one record of pay.

    Parameters
    ----------
    history : pandas.DataFrame
        As ``frame(…, history=True)`` gives it; any frame with two columns of dates.
    when : date-like, or a sequence, index or Series of such
        A period means its last day.
    key : str or sequence of str, optional
        The columns that tell one thing from another; by default those of the resource
        that the frame was read from.
    start, end : str
        The columns of the first and the last day; what is missing bounds nothing.
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
    UserWarning
        Versions overlap by more than a day of change, begin together, or leave days
        between them.

    Examples
    --------
    >>> months = pd.date_range("2026-01-31", periods=12, freq="ME")
    >>> as_of(jobs, months).groupby("asOf")["employeeId"].nunique()  # doctest: +SKIP
    """
    about = history.attrs.get("intermezzo", {})
    is_inclusive = _is_inclusive(valid_to or about.get("valid_to", "inclusive"))
    keys = _keys(history, key, about.get("resource"))
    for name in (*keys, start, end):
        _insist_on(history, name, is_date=name in {start, end})
    _tell_doubts(history, keys, start, end, is_inclusive=is_inclusive)
    _tell_twins(history, keys, start, about.get("resource"))
    days, is_one = _days(when)
    found = [
        _on(history, day, keys, start, end, is_inclusive=is_inclusive) for day in days
    ]
    if is_one:
        frame = found[0]
    else:
        stamps = days.repeat([len(rows) for rows in found])
        frame = pd.concat(found, ignore_index=True) if found else history.iloc[:0]
        frame.insert(0, "asOf", stamps)
    told = [day.date().isoformat() for day in days]
    frame.attrs["intermezzo"] = {
        **about,
        "as_of": told[0] if is_one else told,
        "rows": len(frame),
        "columns": len(frame.columns),
        "control_totals": {},  # those of the history are not those of a day
    }
    return frame


def _on(
    history: pd.DataFrame,
    day: pd.Timestamp,
    keys: list[str],
    start: str,
    end: str,
    *,
    is_inclusive: bool,
) -> pd.DataFrame:
    begun, last = history[start], history[end]
    is_open = last.isna() | (last >= day if is_inclusive else last > day)
    valid = history[(begun.isna() | (begun <= day)) & is_open]
    if not valid[keys].duplicated().any():
        return valid.copy()
    since = _since(valid[start])
    latest = since.groupby([valid[name] for name in keys], dropna=False)
    return valid[since == latest.transform("max")].copy()


def _tell_doubts(
    history: pd.DataFrame, keys: list[str], start: str, end: str, *, is_inclusive: bool
) -> None:
    spans = history[[*keys, start, end]].drop_duplicates()
    spans = spans.assign(**{start: _since(spans[start])})
    spans = spans.sort_values([*keys, start], kind="stable")
    following = spans.groupby(keys, dropna=False)[start].shift(-1)
    # On a day of change, one version's last day is the next one's first.
    overlaps = following.notna() & (spans[end].isna() | (following < spans[end]))
    step = _DAY if is_inclusive else _DAY * 0
    gaps = following.notna() & (following > spans[end] + step)
    for doubtful, told in ((overlaps, _OVERLAP), (gaps, _GAP)):
        _warn(told, spans.loc[doubtful, keys])


def _tell_twins(
    history: pd.DataFrame, keys: list[str], start: str, resource: Any
) -> None:
    """Tell of versions that no day tells apart; lines of one version are none."""
    known = CATALOGUE.get(str(resource))
    version = known.version if known else ""
    if version in history.columns and version != start:
        versions = history[[*keys, start, version]].drop_duplicates()
        _warn(_TWINS, versions.loc[versions.duplicated([*keys, start]), keys])


def _warn(told: str, found: pd.DataFrame) -> None:
    if count := len(found.drop_duplicates()):
        text = told.format(count=f"{count:,}", what=" and ".join(found.columns))
        warnings.warn(text, UserWarning, stacklevel=4)


def _since(starts: pd.Series) -> pd.Series:
    # In nanoseconds, as pandas may have made them, the first day has no number.
    return starts.astype("datetime64[s]").fillna(_EVER)


def _is_inclusive(valid_to: object) -> bool:
    if valid_to not in ("inclusive", "exclusive"):
        raise SettingsError(
            "valid_to is neither 'inclusive' nor 'exclusive'",
            advice="Say whether the end is the last valid day, or the first that is "
            "not.",
            code="bad_arguments",
        )
    return valid_to == "inclusive"


def _keys(
    history: pd.DataFrame, key: str | Sequence[str] | None, resource: Any
) -> list[str]:
    if key is not None:
        return [key] if isinstance(key, str) else list(key)
    known = CATALOGUE.get(str(resource))
    documented = list(getattr(known, "key", ())) if known else []
    if documented and set(documented) <= set(history.columns):
        return documented
    if usual := next((name for name in _KEYS if name in history.columns), None):
        return [usual]
    raise SettingsError(
        "it is not known of what these rows are versions",
        why=f"The frame has none of {', '.join(_KEYS)}.",
        advice='Name the columns that tell one thing from another, as in key="id".',
        code="bad_arguments",
    )


def _insist_on(history: pd.DataFrame, name: str, *, is_date: bool) -> None:
    if name not in history.columns:
        raise SettingsError(
            f"the frame has no column {name!r}",
            why=f"It has: {', '.join(map(str, history.columns[:12]))} …",
            advice="Name another with start=, end= or key=; frame(…, history=True) "
            "gives versions with validFrom and validTo.",
            code="unknown_column",
        )
    if is_date and not pd.api.types.is_datetime64_dtype(history[name]):
        raise SettingsError(
            f"the column {name!r} holds no dates, but {history[name].dtype}",
            why="A value that is no date makes a column text when it is read.",
            advice=f"Correct it, for example by pd.to_datetime(df[{name!r}]); instants "
            "become days by .dt.tz_localize(None).",
            code="bad_arguments",
        )


def _days(when: Any) -> tuple[pd.DatetimeIndex, bool]:
    is_one = pd.api.types.is_scalar(when) or isinstance(when, pd.Period)
    try:
        several = [when] if is_one else list(when)
        days = pd.DatetimeIndex([_day(one) for one in several], dtype="datetime64[s]")
    except (TypeError, ValueError):
        days = pd.DatetimeIndex([pd.NaT])
    if days.hasnans:
        raise SettingsError(
            "when holds something that is no date",
            advice='Give a date such as "2026-03-31", or several of them.',
            code="bad_arguments",
        )
    return days, is_one


def _day(one: Any) -> pd.Timestamp:
    if isinstance(one, Real):  # pandas would count it from 1970
        raise TypeError
    moment = one.end_time if isinstance(one, pd.Period) else pd.Timestamp(one)
    if moment is pd.NaT:
        raise ValueError
    return moment.tz_localize(None).normalize()


_EVER = pd.Timestamp("0001-01-01").as_unit("s")
_OVERLAP = (
    "{count} {what} have versions that overlap; on such a day the one that began last "
    "counts, and it alone"
)
_TWINS = "{count} {what} have several versions that begin on one day; all of them count"
_GAP = "{count} {what} have days between two versions on which none is valid"
