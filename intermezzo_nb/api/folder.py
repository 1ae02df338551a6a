"""The folder of an export: one writer at a time, and no file that is half there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from ..errors import SettingsError, StoreError
from .manifest import NAME, Manifest, read_manifest, unusable

_PART = re.compile(r"part-(\d{5})(?:-(\d+))?\.parquet", re.ASCII)
_FRESH = re.compile(r"\.(_manifest\.json|part-\d{5}(-\d+)?\.parquet)\.new", re.ASCII)
_LOCK = ".lock"
_ONE_FILE = {
    ".csv": "to_csv",
    ".feather": "to_feather",
    ".json": "to_json",
    ".xlsx": "to_excel",
}
"""How pandas writes what a name ends with; many name a folder ``.parquet``, too."""


def insist_on_folder(path: Path) -> None:
    """
    Refuse to make a folder of a file, or with the name of one.

    Raises
    ------
    SettingsError
        ``bad_arguments``; not where there is such a folder.
    """
    if os.path.isfile(path):  # noqa: PTH113 (False also where nobody may look)
        raise SettingsError(
            f"{path.name} is a file, and an export is a folder of Parquet files",
            advice="Name a folder that is not there yet; the file stays as it is.",
            code="bad_arguments",
        )
    method = _ONE_FILE.get(path.suffix.lower())
    if method and not os.path.isdir(path):  # noqa: PTH112 (as above)
        raise SettingsError(
            f"{path.name} is the name of a file, and an export is a folder of Parquet "
            "files",
            advice=f"Name a folder, such as {path.stem!r}; or write one file by "
            f"frame(…).{method}({path.name!r}).",
            code="bad_arguments",
        )


def name_of_part(number: int) -> str:
    """Give the name of the file of a new part."""
    return f"part-{number:05}.parquet"


def next_name(name: str) -> str:
    """Give a part that is written anew another name: until then the old one counts."""
    known = _PART.fullmatch(name)
    number, turn = known.groups() if known else (name, None)
    return f"part-{number}-{int(turn or 0) + 1}.parquet"


class Folder:
    """
    A folder that is locked against a second writer, made where there is none.

    Raises
    ------
    StoreError
        ``export_busy``, ``export_foreign``, or it cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        with self._disk():
            self.path.mkdir(parents=True, exist_ok=True)
            self.manifest()  # before anything is left in somebody else's folder
            self._lock = FileLock(self.path / _LOCK, timeout=0)
            try:
                self._lock.acquire()
            except Timeout:
                raise unusable(
                    self.path,
                    "another run is writing it",
                    "export_busy",
                    "Wait for its end, or name another folder.",
                ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release()

    def manifest(self) -> Manifest | None:
        """
        Read what is there; None where nothing is.

        Raises
        ------
        StoreError
            Something else is there.
        """
        found = read_manifest(self.path)
        if found is None and (others := self._others()):
            raise unusable(
                self.path,
                f"there are other files, such as {others[0]}, and no {NAME}",
                "export_foreign",
                "Name an empty folder, or one that is not there yet.",
            )
        ours = (p for p in self.path.iterdir() if _PART.fullmatch(p.name))
        if in_the_way := [path.name for path in ours if path.is_dir()]:
            raise unusable(
                self.path,
                f"in it {in_the_way[0]} is a folder, where a file is to be",
                "export_foreign",
                "Move that one away, or name another folder for the export.",
            )
        return found

    def write(self, name: str, content: bytes) -> None:
        """Write a file: it is there, whole and on the disk, when this returns."""
        fresh = self.path / f".{name}.new"
        with self._disk():
            with fresh.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path / name)
            self._sync()

    def keep_only(self, names: set[str]) -> None:
        """Delete the parts with other names, and what a killed run was writing."""
        with self._disk():
            for path in list(self.path.iterdir()):
                is_part = _PART.fullmatch(path.name) and path.name not in names
                if is_part or _FRESH.fullmatch(path.name):
                    path.unlink()

    def _others(self) -> list[str]:
        names = sorted(path.name for path in self.path.iterdir())
        # A run that was killed before its first manifest leaves a lock at most, and
        # what it was writing.
        return [name for name in names if not _is_left(name)]

    def _sync(self) -> None:
        if os.name != "posix":
            return
        # Without this the rename itself may be lost with the power.
        handle = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except StoreError:
            raise
        except OSError as fault:
            raise StoreError(
                f"the folder {self.path} cannot be written",
                why=f"{type(fault).__name__}: {fault.strerror}.",
                advice="Mend its permissions or free space, or name another.",
                code="export_unwritable",
            ) from None


def _is_left(name: str) -> bool:
    return name == _LOCK or bool(_FRESH.fullmatch(name))
