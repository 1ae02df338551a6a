"""Where tokens rest: in memory, or in one private file per session."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from ..errors import StoreError
from ..oauth.models import Token
from ..secret import Secret
from .forks import renew_in_child

_PATIENCE = 20.0  # seconds to wait for another process that renews
_LOOK = 0.005  # seconds between two looks at the lock


class TokenStore(Protocol):
    """Keeps tokens by key, and lends the lock under which one is renewed."""

    where: str

    def load(self, key: str) -> Token | None: ...
    def save(self, key: str, token: Token) -> None: ...
    def delete(self, key: str) -> None: ...
    def lock(self, key: str) -> AbstractContextManager[None]: ...


class MemoryStore:
    """Keeps tokens until the process ends."""

    where = "in memory until the kernel stops"

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}
        self.after_fork()
        renew_in_child(self)

    def after_fork(self) -> None:
        """Take the lock from a thread that the child does not have."""
        self._mutex = threading.RLock()

    def load(self, key: str) -> Token | None:
        return self._tokens.get(key)

    def save(self, key: str, token: Token) -> None:
        self._tokens[key] = token

    def delete(self, key: str) -> None:
        self._tokens.pop(key, None)

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:  # noqa: ARG002 (one lock for all keys)
        with self._mutex:
            yield


class FileStore:
    """
    Keeps each session in a file that nobody else can read.

    A file is replaced as a whole or not at all, also when the process is killed.

    Parameters
    ----------
    folder : Path or None
        None: the user's state folder of this operating system.

    Raises
    ------
    StoreError
        From every method: the folder or file cannot be used, is damaged, or is open
        to others.
    """

    def __init__(self, folder: Path | None = None) -> None:
        import filelock  # here, as it would hold up whoever waits for a renewal

        self._folder = folder or default_folder()
        self._lock_at = partial(filelock.FileLock, timeout=_PATIENCE, mode=0o600)
        self.where = f"in a private file under {self._folder}"

    def load(self, key: str) -> Token | None:
        path = self._path(key)
        with _disk(path):
            try:
                handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
            except FileNotFoundError:
                return None
            with open(handle, "rb") as file:  # noqa: PTH123 (a descriptor)
                _insist_on_private(os.fstat(handle), path)
                return _decoded(file.read(), key, path)

    def save(self, key: str, token: Token) -> None:
        path = self._path(key)
        # The caller holds the lock: one that is there was left by a killed process.
        fresh = path.with_suffix(".new")
        with _disk(path):
            self._make_folder()
            fresh.unlink(missing_ok=True)
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with open(handle, "wb") as file:  # noqa: PTH123 (a descriptor)
                    file.write(_encoded(key, token))
                    file.flush()
                    os.fsync(handle)
                fresh.replace(path)
            except BaseException:
                fresh.unlink(missing_ok=True)
                raise
            _sync_folder(self._folder)

    def delete(self, key: str) -> None:
        with _disk(self._path(key)):
            for path in (self._path(key), self._path(key).with_suffix(".new")):
                path.unlink(missing_ok=True)

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        path = self._path(key).with_suffix(".lock")
        with _disk(path):
            self._make_folder()
            lock = self._lock_at(path)
            try:
                lock.acquire(poll_interval=_LOOK)
            except TimeoutError as fault:  # that of filelock, too
                if fault.errno is not None:
                    raise  # by a disk that does not answer: nobody holds it
                raise StoreError(
                    "another process holds the saved session",
                    why=f"The lock {path} was not free within {_PATIENCE:.0f} s.",
                    advice="Wait for the other kernel or job, or interrupt it; then "
                    "try again.",
                    code="store_locked",
                ) from None
        try:
            yield
        finally:
            with _disk(path):
                lock.release()

    def _path(self, key: str) -> Path:
        return self._folder / f"{file_name(key)}.json"

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def file_name(key: str) -> str:
    """Give the name under which a key's session is kept: safe on every disk."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def default_folder() -> Path:
    """Give the user's own folder for sessions."""
    import platformdirs

    return Path(platformdirs.user_state_dir("intermezzo_nb")) / "sessions"


def session_key(**parts: str | None) -> str:
    """Name a session by all that must agree for it to be used again."""
    return json.dumps({name: value or "" for name, value in sorted(parts.items())})


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except StoreError:
        raise
    except OSError as fault:
        raise StoreError(
            f"the saved session in {path.parent} cannot be used",
            why=f"{type(fault).__name__}: {fault.strerror}.",
            advice="Mend the folder's permissions or free space, or keep the session "
            "in memory: %intermezzo_login --store memory",
        ) from None


def _insist_on_private(status: os.stat_result, path: Path) -> None:
    if os.name != "posix":
        return  # there the profile folder's access list protects it
    if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
        raise StoreError(
            f"the saved session {path} is open to others",
            why="It was not used: it may be known to, or come from, somebody else.",
            advice=f"Delete it (rm '{path}') and sign in again: %intermezzo_login",
            code="store_exposed",
        )


def _encoded(key: str, token: Token) -> bytes:
    refresh_token = token.refresh_token
    document = {
        "version": 1,
        "key": key,
        "access_token": token.access_token.reveal(),
        "issued_at": token.issued_at,
        "expires_in": token.expires_in,
        "refresh_token": refresh_token.reveal() if refresh_token else None,
        "scope": token.scope,
        "id_claims": dict(token.id_claims),
    }
    return json.dumps(document).encode()


def _decoded(content: bytes, key: str, path: Path) -> Token:
    with suppress(ValueError, TypeError, KeyError, RecursionError):
        document = json.loads(content)
        if document["key"] == key and document["version"] == 1:
            return _token(document)
    raise StoreError(
        f"the saved session {path} is damaged",
        why="It is not what this program writes there.",
        advice=f"Delete it (rm '{path}') and sign in again: %intermezzo_login",
        code="store_damaged",
    )


def _token(document: Mapping[str, Any]) -> Token:
    life, refresh_token = document["expires_in"], document["refresh_token"]
    return Token(
        access_token=Secret(_text(document["access_token"])),
        issued_at=float(document["issued_at"]),
        expires_in=None if life is None else float(life),
        refresh_token=Secret(_text(refresh_token)) if refresh_token else None,
        scope=document["scope"],
        id_claims=dict(document["id_claims"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _sync_folder(folder: Path) -> None:
    # Without this the rename itself may be lost with the power.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
