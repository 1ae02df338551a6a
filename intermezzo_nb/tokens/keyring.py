"""The operating system's keyring, where it works and keeps secrets encrypted."""

from __future__ import annotations

import functools
import json
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, TypeVar

from ..errors import StoreError
from ..oauth.models import Token
from ..secret import Secret
from .store import FileStore, file_name

_SERVICE = "intermezzo-nb"
_PROBE, _UNLOCKING = 3.0, 15.0  # seconds for the probe, and for a person to unlock
# What is not encrypted, or nowhere, is no keyring.
_REFUSED = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")
# Windows takes 2,560 bytes: the claims that name the person, and no more.
_CLAIMS = ("iss", "sub", "aud", "auth_time", "nonce_digest", "name", "email")

T = TypeVar("T")


class KeyringStore:
    """
    Keeps refresh tokens in the keyring; access tokens stay in memory.

    So each process renews once for itself, one after the other: the lock is a file
    beside, as keyrings have none.

    Parameters
    ----------
    folder : Path or None
        Where the locks are; None: the user's state folder.

    Raises
    ------
    StoreError
        From every method: the keyring is locked, gone, or holds what is not ours.
    """

    where = "in the keyring of this computer"

    def __init__(self, folder: Path | None = None) -> None:
        self._locks = FileStore(folder)

    def load(self, key: str) -> Token | None:
        """Give what is kept, as a token whose life is over."""
        kept = _asked(lambda backend: backend.get_password(_SERVICE, file_name(key)))
        return None if kept is None else _decoded(kept, key)

    def save(self, key: str, token: Token) -> None:
        """Keep the refresh token; without one there is nothing to keep."""
        if token.refresh_token is None:
            self.delete(key)
            return
        text = _encoded(key, token, token.refresh_token)
        _asked(lambda backend: backend.set_password(_SERVICE, file_name(key), text))

    def delete(self, key: str) -> None:
        """Forget it; harmless when there is nothing."""

        def purge(backend: Any) -> None:
            if backend.get_password(_SERVICE, file_name(key)) is not None:
                backend.delete_password(_SERVICE, file_name(key))

        _asked(purge)

    def lock(self, key: str) -> AbstractContextManager[None]:
        """Lend the lock; see :class:`FileStore`."""
        return self._locks.lock(key)


@functools.cache
def why_no_keyring() -> str:
    """
    Tell why the keyring cannot be used, or give empty text; asked once.

    A password is written, read and deleted, within 3 seconds: a keyring that is
    locked asks somebody who may not be there.
    """
    try:
        import keyring
    except ImportError:
        return "the package keyring is not installed"
    # A chain tries its members in turn; the first is the one that keeps.
    backend: Any = keyring.get_keyring()
    members = [*getattr(backend, "backends", ()), backend]
    name = type(members[0]).__module__
    if name.startswith(_REFUSED):
        return f"there is none that encrypts (only {name})"
    marker, place = secrets.token_urlsafe(12), f"probe-{secrets.token_hex(4)}"

    def probe() -> bool:
        members[0].set_password(_SERVICE, place, marker)
        kept = members[0].get_password(_SERVICE, place)
        members[0].delete_password(_SERVICE, place)
        return bool(kept == marker)

    try:
        worked = _within(_PROBE, probe)
    except TimeoutError:
        return f"{name} did not answer within {_PROBE:.0f} s; it may be locked"
    except Exception as fault:  # noqa: BLE001 (each backend has its own)
        return f"{name} does not work ({type(fault).__name__})"
    return "" if worked else f"{name} does not keep what it is given"


def _asked(ask: Callable[[Any], T]) -> T:
    if why := why_no_keyring():
        raise _unusable(f"Because {why}.")
    import keyring

    backend: Any = keyring.get_keyring()
    backend = [*getattr(backend, "backends", ()), backend][0]
    try:
        return _within(_UNLOCKING, lambda: ask(backend))
    except TimeoutError:
        fault = f"It did not answer within {_UNLOCKING:.0f} s; it may be locked."
    except Exception as error:  # noqa: BLE001 (each backend has its own)
        fault = f"{type(error).__name__}."
    raise _unusable(fault)


def _within(seconds: float, work: Callable[[], T]) -> T:
    # A keyring that waits for somebody cannot be interrupted, only left alone; and
    # what is left alone may still write, so nothing else is written before that.
    with _one_at_a_time:
        if _left_alone and not _left_alone[0].done():
            raise TimeoutError
        _left_alone.clear()
        outcome: Future[T] = Future()

        def run() -> None:
            try:
                outcome.set_result(work())
            except Exception as error:  # noqa: BLE001 (raised where it is waited for)
                outcome.set_exception(error.with_traceback(None))

        threading.Thread(target=run, name="intermezzo-keyring", daemon=True).start()
        try:
            return outcome.result(seconds)
        except TimeoutError:
            _left_alone.append(outcome)
            raise


_one_at_a_time = threading.Lock()
_left_alone: list[Future[Any]] = []


def _unusable(why: str) -> StoreError:
    return StoreError(
        "the keyring of this computer cannot be used",
        why=why,
        advice=f"{_mend(why)}, or keep the session in a private file: "
        "%intermezzo_login --store file",
    )


def _mend(why: str) -> str:
    if "not installed" in why:
        return "Install it (pip install keyring)"
    return "Set up one that encrypts" if "encrypts" in why else "Unlock it"


def _encoded(key: str, token: Token, refresh_token: Secret) -> str:
    claims = {
        name: token.id_claims[name] for name in _CLAIMS if name in token.id_claims
    }
    return json.dumps(
        {
            "version": 1,
            "key": key,
            "refresh_token": refresh_token.reveal(),
            "scope": token.scope,
            "id_claims": claims,
        }
    )


def _decoded(kept: str, key: str) -> Token:
    with suppress(ValueError, TypeError, KeyError, RecursionError):
        document = json.loads(kept)
        known = document["key"] == key and document["version"] == 1
        if known and isinstance(document["refresh_token"], str):
            return Token(
                access_token=Secret(""),
                issued_at=0.0,
                expires_in=1.0,
                refresh_token=Secret(document["refresh_token"]),
                scope=document["scope"],
                id_claims=dict(document["id_claims"]),
            )
    raise StoreError(
        "what the keyring holds for this session is damaged",
        why="It is not what this program writes there.",
        advice=f"Delete the entry of {_SERVICE!r} there and sign in again: "
        "%intermezzo_login",
        code="store_damaged",
    )
