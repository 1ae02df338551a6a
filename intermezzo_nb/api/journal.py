"""
What was sent, kept in a file: for the run that is killed, and for the one after it.

A line of JSON goes to the disk before each request, and one after its answer. It holds
salted hashes of the rows, the ids that came back, codes and fields of errors; no value
that was sent and no words about one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from filelock import FileLock, Timeout

from ..errors import StoreError
from .cases import Row
from .ledger import Ledger
from .outcomes import CREATED, REJECTED, UNCERTAIN, UNSENT, Outcome

_VERSION = 1
_BEGINNING = b'{"journal":'
_ODD = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
# Another journal knows nothing of what was sent, and would send it again.
_ADVICE = {
    "journal_busy": "Wait for the other run to end, and run it again then.",
    "journal_of_another_version": "Finish with that version what it is of; or look up "
    "first what was created, and name another file then.",
    "journal_unwritable": "Free space, or mend its permissions, and name it again. "
    "It knows what was sent; only where there is none yet, another file will do.",
    "journal_damaged": "If it was one, look up first what was created; then name "
    "another file.",
}


class Journal:
    """
    A journal that is open, and locked against a second run.

    Parameters
    ----------
    path : path
        Made where there is none; readable by its owner alone.
    subject : str
        What is sent, and where to; a journal is of one subject.

    Raises
    ------
    StoreError
        ``journal_busy``, ``journal_of_another``, ``journal_of_another_version``,
        ``journal_damaged``, or it cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str], subject: str) -> None:
        self.path = Path(path)
        # A link has the lock of what it leads to; one to itself is told when opened.
        real = Path(os.path.realpath(self.path))
        self._lock = FileLock(f"{real}.lock", timeout=0)
        self._ledger = Ledger()
        self._number = 0
        try:
            has_folder = real.parent.is_dir()
            is_other = self.path.exists() and not self.path.is_file()
        except OSError as fault:  # a folder that is closed, a name too long
            raise self._fault(str(fault), "journal_unwritable") from None
        if not has_folder:  # the lock would make it
            raise self._fault(
                "its folder is not there",
                "journal_unwritable",
                "Make the folder, or name a file in one that is there.",
            )
        if is_other:  # a device has no end
            why = "it is a folder, a device or a pipe"
            raise self._fault(why, "journal_unwritable", "Name a file.")
        try:
            self._lock.acquire()
        except Timeout:
            raise self._fault("another run is writing it", "journal_busy") from None
        except OSError as fault:
            raise self._fault(str(fault), "journal_unwritable") from None
        try:
            self._open(subject)
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._file)
        self._lock.release()

    def recalled(
        self, rows: Sequence[Row], settled: Sequence[Row] = ()
    ) -> list[Outcome]:
        """Give what earlier runs know of each row, as :meth:`Ledger.recalled` does."""
        return self._ledger.recalled(self._rows(rows), self._rows(settled))

    def doubtful(self, texts: Sequence[str]) -> list[int]:
        """Give the positions of the rows of which an earlier attempt is unanswered."""
        return self._ledger.doubtful(self._marks(texts))

    def beside(self, texts: Sequence[str]) -> Counter[str]:
        """Count by state what is known of other rows than these."""
        return self._ledger.beside(self._marks(texts))

    def paid_beside(self, texts: Sequence[str], whose: Sequence[str]) -> list[int]:
        """Give the places of those of whom other rows than these were created, too."""
        return self._ledger.paid_beside(self._marks(texts), self._marks(whose))

    def changed(
        self, rows: Sequence[Row], settled: Sequence[Row] = ()
    ) -> dict[int, str]:
        """Give what was sent otherwise before, as :meth:`Ledger.changed` does."""
        return self._ledger.changed(self._rows(rows), self._rows(settled))

    def sending(
        self,
        rows: Mapping[int, Row],
        again: Collection[int] = (),
        *,
        found: bool = False,
    ) -> None:
        """
        Note that rows are about to be sent; it is on the disk when this returns.

        Parameters
        ----------
        rows : mapping of int to Row
            By their positions.
        again : collection of int
            Those whose earlier outcome this one replaces.
        found : bool
            Nothing is sent: somebody has looked, and says that they are there.
        """
        self._number += 1
        places, marked = [*rows], self._rows(rows.values())
        entry = {
            "sending": self._number,
            "at": _now(),
            "first": places[0],
            "last": places[-1],
            "rows": [row.mark for row in marked],
            "whose": [row.whose for row in marked],
            "again": [n for n, place in enumerate(places) if place in again],
        }
        if found:
            entry["found"] = True
        if before := {n: row.before for n, row in enumerate(marked) if row.before}:
            entry["before"] = before
        self._write(entry)

    def answered(self, outcomes: Sequence[Outcome]) -> None:
        """Note what became of the rows that were noted last."""
        told: dict[str, Any] = {
            state: {} for state in (CREATED, REJECTED, UNCERTAIN, UNSENT)
        }
        for number, outcome in enumerate(outcomes):
            told[outcome.state][str(number)] = {
                CREATED: (outcome.record or {}).get("id"),
                REJECTED: [(error.code, error.field) for error in outcome.errors],
            }.get(outcome.state)
        self._write({"answered": self._number, "at": _now(), **told})

    def _open(self, subject: str) -> None:
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
            self._file = os.open(self.path, flags, 0o600)
            content = self.path.read_bytes()
        except OSError as fault:
            raise self._fault(str(fault), "journal_unwritable") from None
        try:
            self._take_up(content, subject)
        except BaseException:
            os.close(self._file)
            raise

    def _take_up(self, content: bytes, subject: str) -> None:
        *whole, torn = content.split(b"\n")
        if not whole and torn[: len(_BEGINNING)] != _BEGINNING[: len(torn)]:
            whole, torn = [torn], b""  # no journal begins so
        try:
            entries = [json.loads(line) for line in whole]
            head = entries[0] if entries else self._head(subject)
            self._salt = bytes.fromhex(head["salt"])
            if head["journal"] != _VERSION:
                why = "it was written by another version of intermezzo_nb"
                raise self._fault(why, "journal_of_another_version")
            is_same = head["subject"] == self._mark(subject)
            self._number = self._ledger.take(entries[1:])
        except _ODD:
            why = "it is no journal, or is damaged"
            raise self._fault(why, "journal_damaged") from None
        if not (is_same or self._ledger.is_empty):
            why = "it is of something else that was sent, or to another place"
            raise self._fault(why, "journal_of_another")
        if not is_same:  # where nothing came of what was tried, as by a wrong id
            os.ftruncate(self._file, 0)
            torn, entries, head = b"", [], self._head(subject)
            self._number = 0
        if torn:
            # What was being written when somebody died was never acted upon. Of a
            # file that is no journal, nothing is cut off.
            os.ftruncate(self._file, len(content) - len(torn))
        if not entries:
            self._write(head)

    def _head(self, subject: str) -> dict[str, Any]:
        self._salt = secrets.token_bytes(16)
        mark = self._mark(subject)
        return {"journal": _VERSION, "salt": self._salt.hex(), "subject": mark}

    def _rows(self, rows: Iterable[Row]) -> list[Row]:
        return [
            Row(self._mark(mark), self._mark(whose), tuple(self._marks(before)))
            for mark, whose, before in rows
        ]

    def _marks(self, texts: Iterable[str]) -> list[str]:
        return [*map(self._mark, texts)]

    def _mark(self, text: str) -> str:
        return hashlib.sha256(self._salt + text.encode()).hexdigest()[:32]

    def _write(self, entry: Mapping[str, Any]) -> None:
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        try:
            while line:
                line = line[os.write(self._file, line) :]
            os.fsync(self._file)
        except OSError as fault:
            raise self._fault(str(fault), "journal_unwritable") from None

    def _fault(self, why: str, code: str, advice: str = "") -> StoreError:
        return StoreError(
            f"the journal {self.path} cannot be used",
            why=f"{why[:1].upper()}{why[1:]}.",
            advice=advice or _ADVICE.get(code, "Name another file."),
            code=code,
        )


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
