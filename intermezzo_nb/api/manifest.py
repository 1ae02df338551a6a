"""What an export consists of, and how far it is: the manifest of its folder."""

from __future__ import annotations

import decimal
import hashlib
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct, ValidationError, convert, field, to_builtins
from msgspec.structs import replace

from ..errors import StoreError
from .place import Bookmark

NAME = "_manifest.json"  # what reads a folder of Parquet passes over such names
# Sums do not depend on the precision that somebody set for their own decimals.
_EXACT = decimal.Context(
    prec=decimal.MAX_PREC, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN
)
_HASHED = frozenset({"params", "employees"})  # of a query; they tell nobody anything
_FORMAT, _VERSION = "intermezzo-nb export", 1


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """
    A file of an export.

    Parameters
    ----------
    control_totals : mapping of str to str
        The exact sum of each money column.
    notes : tuple of str
        What did not go as documented in these rows.
    bookmark : Bookmark or None
        Where reading goes on after them; None where it cannot.
    """

    name: str
    rows: int
    bytes: int
    sha256: str
    control_totals: Mapping[str, str]
    notes: tuple[str, ...]
    bookmark: Bookmark | None


class Manifest(Struct):
    """
    An export, finished or not.

    Parameters
    ----------
    query : dict
        What was asked, as far as it decides what comes; another is another export.
    profile : str
    columns : list of dict
        Name, kind, type on disk and dtype of each, once it is finished.
    spent : dict
        Requests, repetitions and seconds of all runs.
    about : dict
        What ``df.attrs`` will hold, once it is finished.
    lacking : list of str
        Why not all is there that was asked for, once it is finished.
    """

    query: dict[str, Any]
    profile: str
    parts: list[Part] = field(default_factory=list)
    columns: list[dict[str, Any]] = field(default_factory=list)
    spent: dict[str, int | float] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    lacking: list[str] = field(default_factory=list)
    finished: bool = False

    @property
    def shortfall(self) -> str:
        """What is missing that was asked for, and what to do; empty for nothing."""
        if not self.lacking:
            return ""
        return (
            f"{self.query['resource']} is not complete: {'; '.join(self.lacking)}. The "
            "same export again asks for it once more; strict=True raises the first "
            "failure."
        )

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(part.rows for part in self.parts)

    def add(self, part: Part) -> None:
        """Take one more part; of many employees its bookmark alone counts."""
        if part.bookmark is not None and part.bookmark.asked:
            self.parts = [replace(before, bookmark=None) for before in self.parts]
        self.parts.append(part)

    def reopen(self) -> None:
        """Keep the parts after which reading can go on, with nothing left out."""
        while self.parts and not self._can_go_on:
            self.parts.pop()
        self.finished, self.lacking = False, []
        self.columns, self.about = [], {}

    @property
    def _can_go_on(self) -> bool:
        bookmark = self.parts[-1].bookmark
        if bookmark is None or bookmark.rows != self.rows:
            return False
        return not (self.lacking and bookmark.notes)

    @property
    def control_totals(self) -> dict[str, str]:
        """The exact sums of the columns that are money in all parts."""
        names = [
            name
            for name in (self.parts[0].control_totals if self.parts else ())
            if all(name in part.control_totals for part in self.parts)
        ]
        return {
            n: exact_sum(part.control_totals[n] for part in self.parts) for n in names
        }

    @property
    def notes(self) -> list[str]:
        """What did not go as documented, each told once, with its part."""
        told = [note for part in self.parts for note in dict.fromkeys(part.notes)]
        shared = [n for n in dict.fromkeys(told) if told.count(n) == len(self.parts)]
        return shared + [
            f"{part.name}: {note}"
            for part in self.parts
            for note in part.notes
            if note not in shared
        ]

    def insist_on(self, query: Mapping[str, Any], folder: Path) -> None:
        """
        Refuse to go on with an export of something else.

        Raises
        ------
        StoreError
            ``export_of_another``: this was asked for by another query.
        """
        # Earlier versions did not ask for all of it.
        there = {name: self.query.get(name) for name in query}
        other = [name for name, value in query.items() if there[name] != value]
        if not other:
            return
        name = other[0]
        was, is_ = there[name], query[name]
        told = "" if name in _HASHED else f": {was!r} there, {is_!r} here"
        why = f"it is of something else, which differs in {' and '.join(other)}{told}"
        raise unusable(folder, why, "export_of_another")

    def written(self) -> bytes:
        """Give it as JSON."""
        about = {**self.about, "complete": self.about.get("complete", False)}
        members = {
            "format": _FORMAT,
            "version": _VERSION,
            "finished": self.finished,
            "rows": self.rows,
            "complete": about["complete"],
            "fetched_at": about.get("fetched_at"),
            "control_totals": self.control_totals,
            **{name: getattr(self, name) for name in _OWN},
            "parts": to_builtins(self.parts),
        }
        members[_SUM] = _digest(members)
        return json.dumps(members, indent=1, ensure_ascii=False).encode() + b"\n"


_OWN = ("query", "profile", "columns", "spent", "about", "lacking")
_SUM = "sha256"  # of all other members

# Where the manifest tells nothing, nobody but the user can say whose the files are.
_DELETE = "Name another folder; or delete this one, and export it again."


def read_manifest(folder: Path) -> Manifest | None:
    """
    Read the manifest of a folder; None where there is none.

    Raises
    ------
    StoreError
        ``export_newer``, ``export_damaged``.
    """
    path = folder / NAME
    try:
        members = json.loads(path.read_bytes())
        is_ours = members["format"] == _FORMAT
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise unusable(folder, f"{fault.strerror}", "export_unreadable") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        why = f"its {NAME} is damaged, or another program's"
        raise unusable(folder, why, "export_damaged", _DELETE) from None
    if not is_ours:
        why = f"its {NAME} is another program's"
        raise unusable(folder, why, "export_foreign", "Name another folder.")
    version = members.get("version")
    if isinstance(version, int) and version > _VERSION:
        raise StoreError(
            f"the export in {folder} was written by a newer version",
            why=f"It has format {version}, and this knows {_VERSION}.",
            advice="Update: pip install -U intermezzo-nb",
            code="export_newer",
        )
    if not _is_as_written(members):
        why = f"its {NAME} is not what was written: its SHA-256 is another"
        raise unusable(folder, why, "export_damaged", _DELETE)
    try:
        named = {name: members[name] for name in Manifest.__struct_fields__}
        return convert(named, Manifest)
    except (KeyError, ValidationError, UnicodeEncodeError):  # that of half a letter
        why = f"its {NAME} is damaged"
        raise unusable(folder, why, "export_damaged", _DELETE) from None


def content_of(folder: Path, part: Part) -> bytes:
    """
    Read a part as it was written.

    Raises
    ------
    StoreError
        ``export_damaged``, ``export_unreadable``.
    """
    try:
        content = (folder / part.name).read_bytes()
    except FileNotFoundError:
        raise unusable(
            folder, f"the file {part.name} is missing", "export_damaged"
        ) from None
    except OSError as fault:
        why = f"the file {part.name}: {fault.strerror}"
        raise unusable(folder, why, "export_unreadable") from None
    if hashlib.sha256(content).hexdigest() != part.sha256:
        why = f"the file {part.name} is not what was written: its SHA-256 is another"
        raise unusable(folder, why, "export_damaged")
    return content


def exact_sum(totals: Iterable[str]) -> str:
    """Add decimals that are written as text."""
    with decimal.localcontext(_EXACT):
        return format(sum(map(Decimal, totals), Decimal(0)), "f")


def unusable(folder: Path, why: str, code: str, advice: str = "") -> StoreError:
    """Tell that a folder is no export that can be used, and why."""
    return StoreError(
        f"the export in {folder} cannot be used",
        why=f"{why[:1].upper()}{why[1:]}.",
        advice=advice or "Export it again with overwrite=True, or name another folder.",
        code=code,
    )


def _is_as_written(members: dict[str, Any]) -> bool:
    told = members.pop(_SUM, None)
    try:
        return bool(told == _digest(members))
    except RecursionError:
        return False


def _digest(members: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(members).encode()).hexdigest()
