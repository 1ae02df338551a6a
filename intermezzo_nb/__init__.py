"""
Intermezzo payroll data as pandas DataFrames, in any notebook.

In a notebook: ``%load_ext intermezzo_nb``, ``%intermezzo_login``, and then
``df = %intermezzo employees``. In Python: :func:`connect`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import errors
from .errors import IncompleteWarning, IntermezzoError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .api.report import SendReport
    from .api.restoring import read_export
    from .api.versions import as_of
    from .connecting import connect
    from .connection import Connection
    from .current import current_connection
    from .settings import Settings

__version__ = "0.1.0"
__all__ = [
    "Connection",
    "IncompleteWarning",
    "IntermezzoError",
    "SendReport",
    "Settings",
    "__version__",
    "as_of",
    "connect",
    "current_connection",
    "errors",
    "load_ipython_extension",
    "read_export",
    "unload_ipython_extension",
]

_HOMES = {
    "Connection": "connection",
    "as_of": "api.versions",
    "connect": "connecting",
    "current_connection": "current",
    "SendReport": "api.report",
    "read_export": "api.restoring",
    "Settings": "settings",
}


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics: what ``%load_ext intermezzo_nb`` calls."""
    from .notebook.magics import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics away again: what ``%unload_ext intermezzo_nb`` calls."""
    from .notebook.magics import unload

    unload(shell)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "intermezzo_nb"}]


def _load_jupyter_server_extension(app: Any) -> None:
    from .notebook.server import load

    load(app)


def __getattr__(name: str) -> Any:
    # requests and all that comes with it is loaded at the first use, not before.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    from .loading import load

    load(_HOMES[name])
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
