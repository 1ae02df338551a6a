"""connect(): from arguments and configuration to a connection."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .connection import Connection
from .profiles import read_profiles
from .settings import Settings, given
from .surroundings import look
from .telling import print_link

if TYPE_CHECKING:
    from .login import Login


def connect(profile: str | None = None, **settings: Any) -> Connection:
    """
    Make a connection; nothing is sent yet.

    Parameters
    ----------
    profile : str, optional
        A named set of settings; ``demo`` is the practice server, which is started
        if none runs.
    **settings
        Any field of :class:`Settings`: ``client_id=``, ``issuer=``, ``api_url=`` …

    Raises
    ------
    SettingsError
        A setting is wrong; those that are missing are named when they are needed.
    """
    return connect_with(arguments={"profile": profile, **settings})


def connect_with(
    *, arguments: Mapping[str, Any], traits: Mapping[str, Any] | None = None
) -> Connection:
    """Make a connection from arguments and IPython configuration."""
    profiles: dict[str, Mapping[str, Any]] = dict(read_profiles())

    own, configured = given(arguments), given(traits or {})

    def found(name: str) -> Any:
        return own.get(name) or configured.get(name)

    wanted = found("profile") or os.environ.get("INTERMEZZO_PROFILE")
    if wanted == "demo" and "demo" not in profiles:
        from .ladder import reaches_pages_here
        from .practice import demo_profile

        place, silent = look(), found("no_input")
        # Who names a way knows how the practice server's page is reached.
        via = found("via") or os.environ.get("INTERMEZZO_VIA", "auto")
        can_ask = via != "auto" or reaches_pages_here(place)
        is_machine = via == "client-credentials"
        someone = place.answers and can_ask and not silent and not is_machine
        profiles["demo"] = demo_profile(os.environ, person=someone)
    settings = Settings.resolve(
        arguments=arguments, traits=traits, profiles=profiles, environ=os.environ
    )
    return Connection(settings, _show)


def _show(connection: Connection, login: Login) -> None:
    """Show a sign-in by the panel where a notebook draws it, else as text."""
    if look().front != "notebook":
        print_link(login)
        return
    from .notebook.panel import LoginPanel

    LoginPanel(connection.status).follow(login)
