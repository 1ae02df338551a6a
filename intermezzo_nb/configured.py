"""What IPython is configured with, where its extension is loaded; no IPython."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_given_by: Callable[[], Mapping[str, Any]] | None = None


def give_by(given_by: Callable[[], Mapping[str, Any]] | None) -> None:
    """Have the traits given from now on; None where the extension is unloaded."""
    global _given_by  # noqa: PLW0603 (there is one shell a process)
    _given_by = given_by


def traits() -> Mapping[str, Any] | None:
    """Give the traits as they are now; None where no extension is loaded."""
    return _given_by() if _given_by else None
