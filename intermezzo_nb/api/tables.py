"""A reading in the form that was asked for, and a word where it is not whole."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from itertools import chain, islice
from typing import Any

from ..errors import IncompleteWarning
from ..loading import load
from .provenance import provenance, shortfall, summary
from .reading import Reading

_CALLERS = 4  # frames from a warning to who called the connection


def loader(as_: str) -> Callable[[], object] | None:
    """Give what loads pandas, where a form needs it and it is not there yet."""
    if as_ == "records" or f"{__package__}.frames" in sys.modules:
        return None
    return lambda: import_module(".frames", __package__)


def table(
    reading: Reading,
    *,
    profile: str,
    as_: str,
    tell: Callable[[str], None] | None = None,
) -> Any:
    """
    Give all of a reading at once.

    Parameters
    ----------
    profile : str
        By which settings it is read.
    as_ : {"pandas", "arrow", "polars", "records"}
        The form.
    tell : callable, optional
        Told the summary of a frame that is whole, where it has more to say than that.

    Warns
    -----
    IncompleteWarning
        Something that was asked for is not in it.
    """
    batches = reading.batches(alike=as_ != "records")
    if as_ == "records":
        made: Any = [record for batch in batches for record in batch]
    else:
        # Frames come with pandas, which is loaded while the first answer is awaited.
        first = [*islice(batches, 1)]
        pages = chain(first, batches)
        made = frame_of(reading, pages, profile=profile, as_=as_)
    _warn(reading, as_)
    about = getattr(made, "attrs", {}).get("intermezzo", {})
    if tell and about.get("notes") and reading.is_whole:
        tell(summary(about))
    return made


def tables(reading: Reading, *, profile: str, as_: str) -> Iterator[Any]:
    """Give the same page by page, in bounded memory; rows are numbered through."""
    before = 0
    for batch in reading.batches(alike=as_ != "records"):
        if as_ == "records":
            yield batch
            continue
        frame = frame_of(reading, [batch], profile=profile, as_=as_, is_part=True)
        if as_ == "pandas":
            frame.index += before
        before += len(batch)
        yield frame
    _warn(reading, as_)


def frame_of(
    reading: Reading,
    pages: Iterable[list[Any]],
    *,
    profile: str,
    as_: str,
    is_part: bool = False,
) -> Any:
    """Give pages of a reading as a frame that bears what is told of the reading."""
    load("api.frames")  # the first use of pandas, if not by the loader
    from .frames import framed

    made = framed(
        pages,
        reading.extent.resource,
        money=reading.query.money,
        columns=reading.query.columns,
        as_=as_,
        is_part=is_part,
        page_now=lambda: reading.page,
    )
    about = provenance(
        reading,
        profile=profile,
        rows=made.rows,
        columns=made.columns,
        totals=made.control_totals,
        notes=made.notes,
    )
    return made.bearing(about)


def _warn(reading: Reading, as_: str) -> None:
    if told := shortfall(reading, has_attrs=as_ == "pandas"):
        warnings.warn(told, IncompleteWarning, stacklevel=_CALLERS)
