"""A resource as a folder of Parquet files, written part by part, and taken up again."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from ..errors import IncompleteWarning
from .arguments import count, flag, path_of
from .folder import Folder, insist_on_folder
from .manifest import NAME, Manifest, content_of
from .provenance import summary
from .reading import Reading
from .writing import Writer

_CALLERS = 3  # frames from a warning to who called the connection


class Exported(Struct, frozen=True):
    """
    An export that is finished.

    Parameters
    ----------
    folder : Path
        With ``_manifest.json`` and the parts, ``part-*.parquet``.
    rows, parts : int
    about : dict
        What ``df.attrs["intermezzo"]`` holds of the same frame.
    """

    folder: Path
    rows: int
    parts: int
    about: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether all is there that was asked for."""
        return bool(self.about["complete"])

    def __str__(self) -> str:
        files = f"{self.parts:,} part" + ("" if self.parts == 1 else "s")
        line, *notes = summary(self.about).split("\n")
        told = [*notes, *(f"  {note}" for note in self.notes)]
        read_at = f"read at {self.about['fetched_at']}"
        return "\n".join([f"{line} · {read_at} · {files} in {self.folder}", *told])

    __repr__ = __str__


class Order(Struct, frozen=True):
    """
    How an export is to be written.

    Parameters
    ----------
    begin : callable
        Gives a reading of what is exported, from its start.
    api_url, profile : str
        Where it is read, and by which settings.
    overwrite : bool
        Whether what is there is replaced.
    part_rows : int
        Rows of a part, to which those of its last page may be added.
    tell : callable
        Told what becomes of an earlier export.
    """

    begin: Callable[[], Reading]
    api_url: str
    profile: str
    overwrite: bool
    part_rows: int
    tell: Callable[[str], None]

    def __post_init__(self) -> None:
        count("part_rows", self.part_rows, 1, "a whole number, 1 or more, like 20000")
        flag("overwrite", self.overwrite)


def export(folder: Any, order: Order) -> Exported:
    """
    Write an export, or finish one that was begun.

    Raises
    ------
    StoreError
        ``export_of_another``: the folder has an export of something else;
        ``export_damaged``: a part is missing, or not what was written; it cannot be
        written, or another run is writing it.
    """
    home = path_of("folder", folder)
    insist_on_folder(home)
    reading = _begun(order)
    query = _query(reading, order.api_url)
    with Folder(home) as place:
        found, replaced = place.manifest(), set[str]()
        if found is None:
            manifest = Manifest(query, order.profile)
            place.write(NAME, manifest.written())
        elif order.overwrite:
            manifest = Manifest(query, order.profile)
            replaced = {part.name for part in found.parts}
        else:
            manifest = found
            manifest.insist_on(query, place.path)
        if manifest.finished and not manifest.lacking:
            for part in manifest.parts:
                content_of(place.path, part)
            read_at = manifest.about["fetched_at"]
            order.tell(
                f"nothing was read: the export in {place.path} is finished, of "
                f"{read_at}; overwrite=True reads it anew"
            )
        else:
            writer = Writer(
                place,
                manifest,
                part_rows=order.part_rows,
                tell=order.tell,
                replaced=replaced,
            )
            while not writer.goes_to_the_end(reading):
                reading = _begun(order)
        if told := manifest.shortfall:
            warnings.warn(told, IncompleteWarning, stacklevel=_CALLERS)
        return Exported(
            place.path,
            manifest.rows,
            len(manifest.parts),
            manifest.about,
            tuple(manifest.notes),
        )


def _begun(order: Order) -> Reading:
    reading = order.begin()
    # Else others than before would be asked, and what is there would not count.
    reading.of_organizations.insist()
    return reading


def _query(reading: Reading, api_url: str) -> dict[str, Any]:
    query = reading.query
    return {
        "resource": query.label,
        "api_url": api_url,
        "organizations": list(reading.extent.organizations),
        "filters": reading.extent.filters,
        # What nobody documents may be personal, and decides all the same.
        "params": _fingerprint(query.sent_as_it_is),
        "history": query.history,
        "employees": _employees(reading),
        "as_of": query.day.isoformat() if query.is_of_day else None,
        "valid_to": query.valid_to,
        "columns": None if query.columns is None else list(query.columns),
        "limit": query.limit,
    }


def _employees(reading: Reading) -> str | None:
    employees = reading.employees
    if employees is None or employees.wanted is None:
        return None  # whoever is there when it is read
    return _fingerprint(list(employees.wanted))


def _fingerprint(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
