"""The connection that the magics use: one a process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .connection import Connection, connect_with

_current: Connection | None = None
_asked_by: tuple[Mapping[str, Any], Mapping[str, Any]] = ({}, {})


def current_connection(*, traits: Mapping[str, Any] | None = None) -> Connection:
    """
    Give the connection that the magics use; made from the settings if need be.

    Parameters
    ----------
    traits : mapping, optional
        IPython configuration; where it has changed, the connection is made anew.
    """
    arguments, known = _asked_by
    if _current is not None and (traits is None or dict(traits) == dict(known)):
        return _current
    return use(arguments, traits=traits)


def use(
    arguments: Mapping[str, Any], *, traits: Mapping[str, Any] | None = None
) -> Connection:
    """
    Make a connection the current one; a sign-in that the last one had is cancelled.

    One with the same settings stays, and with it its session.
    """
    global _current, _asked_by  # noqa: PLW0603 (one a process is what "current" means)
    connection = connect_with(arguments=arguments, traits=traits)
    _asked_by = (dict(arguments), dict(traits or {}))
    if _current is None or _current.settings != connection.settings:
        if _current is not None:
            _current.cancel_login()
        _current = connection
    return _current
