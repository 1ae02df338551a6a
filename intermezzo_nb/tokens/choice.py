"""Which store keeps the session of a connection."""

from __future__ import annotations

from ..settings import Settings
from ..surroundings import Surroundings
from .keyring import KeyringStore, why_no_keyring
from .store import FileStore, MemoryStore, TokenStore


def choose_store(settings: Settings, surroundings: Surroundings) -> TokenStore:
    """
    Choose where the session is kept.

    ``auto`` takes the keyring if it works, else the private file. What is not the
    user's own disk gets no session; and where nobody is there to unlock a keyring,
    only the file is looked at.

    Raises
    ------
    StoreError
        From the first use, where ``keyring`` was asked for and does not work.
    """
    # Client credentials bring the next token at any time: nothing to keep.
    is_brief = settings.asks_nobody
    is_borrowed = settings.profile == "demo" or any(
        sign.startswith(("Binder", "Google Colab")) for sign in surroundings.elsewhere
    )
    if is_brief or settings.store == "memory":
        return MemoryStore()
    if settings.store == "keyring":
        return KeyringStore()
    if settings.store == "file":
        return FileStore()
    if is_borrowed:
        return MemoryStore()
    is_attended = surroundings.answers and not settings.no_input
    return FileStore() if not is_attended or why_no_keyring() else KeyringStore()
