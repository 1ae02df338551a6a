"""The connection that the magics use: one a process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from . import configured
from .connecting import connect_with
from .connection import Connection
from .errors import IntermezzoError

_current: Connection | None = None
_asked_by: tuple[Mapping[str, Any], Mapping[str, Any]] = ({}, {})


def current_connection(*, traits: Mapping[str, Any] | None = None) -> Connection:
    """
    Give the connection that the magics use; made from the settings if need be.

    Parameters
    ----------
    traits : mapping, optional
        IPython configuration, by default that of the extension that is loaded; where
        it has changed, the connection is made anew, and what changed goes before what
        an earlier line said of it.
    """
    traits = configured.traits() if traits is None else traits
    if _current is not None and (traits is None or dict(traits) == dict(_asked_by[1])):
        return _current
    return _made(_still_meant(traits), traits)


def use(
    arguments: Mapping[str, Any], *, traits: Mapping[str, Any] | None = None
) -> Connection:
    """
    Make a connection the current one; a sign-in that the last one had is cancelled.

    One with the same settings stays, and with it its session. Where no profile is
    named, who asks whom stays what it was, unless configuration has changed it since.
    Where settings are wrong, the last one stays, and the error says so.
    """
    try:
        return _made(arguments, traits)
    except IntermezzoError as error:
        if _current is not None and "profile" not in _changed(traits):
            stays = f"The profile {_current.settings.profile!r} stays in use."
            error.advice = f"{error.advice} {stays}".lstrip()
        raise


@contextmanager
def told_of_switch() -> Iterator[None]:
    """Let an error say which profile is in use now, where it was another one before."""
    before = _current
    try:
        yield
    except IntermezzoError as error:
        used, now = (c.settings.profile if c else None for c in (before, _current))
        if used not in (None, now):
            error.advice = f"{error.advice} The profile {now!r} is in use now.".lstrip()
        raise


def _made(arguments: Mapping[str, Any], traits: Mapping[str, Any] | None) -> Connection:
    global _current, _asked_by  # noqa: PLW0603 (one a process is what "current" means)
    if arguments.get("profile") is None:
        meant = _still_meant(traits)
        before = {name: meant.get(name) for name in _WHO}
        arguments = {**before, **{k: v for k, v in arguments.items() if v is not None}}
    connection = connect_with(arguments=arguments, traits=traits)
    _asked_by = (dict(arguments), dict(traits or {}))
    if _current is None or _current.settings != connection.settings:
        if _current is not None and not connection.take_over(_current):
            _current.cancel_login(replaced=True)
        _current = connection
    return _current


def _still_meant(traits: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Give what lines said until now, but for what was configured after them."""
    changed = _changed(traits)
    if "profile" in changed:
        changed |= {*_WHO}  # they were said of the profile before
    return {n: value for n, value in _asked_by[0].items() if n not in changed}


def _changed(traits: Mapping[str, Any] | None) -> set[str]:
    return {n for n, value in (traits or {}).items() if value != _asked_by[1].get(n)}


_WHO = ("profile", "client_id", "issuer", "api_url", "scope", "store")
