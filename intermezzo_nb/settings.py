"""Which value each setting has, and where it came from."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from numbers import Number
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from .addresses import check_url, is_loopback, origin
from .advice import how_to_add, how_to_begin, how_to_change
from .credentials import (
    CREDENTIALS,
    URLS,
    Credential,
    refuse_literals,
    refuse_mixture,
    with_credentials,
)
from .errors import SettingsError
from .profiles import profiles_path
from .quoting import plain, quoted
from .secret import Secret
from .surroundings import look

CHOICES: Mapping[str, tuple[str, ...]] = {
    "grant": ("client_credentials", "authorization_code"),
    "token_encoding": ("form", "json"),
    "via": ("auto", "loopback", "server", "device", "paste", "client-credentials"),
    "store": ("auto", "memory", "file", "keyring"),
    "valid_to": ("inclusive", "exclusive"),
}


OF_ROWS = frozenset({"organization", "places"})
"""Fields that decide which rows come, and not who asks whom."""
OF_SIGN_IN = frozenset({"via", "timeout", "redirect_uri", "no_input"})
"""Fields that decide how a person signs in, and not whose session it is."""


class Settings(Struct, frozen=True):
    """
    The settings of one connection; none of them is a secret.

    Parameters
    ----------
    profile : str
        The name that prompts, summaries and ``df.attrs`` show.
    client_id, issuer, api_url : str or None
        Who asks, who gives tokens, who takes them. URLs are https, or http on a
        loopback address.
    organization : str or None
        An organization's id, or ``"all"``.
    grant : {"client_credentials", "authorization_code"} or None
        None: client credentials where a secret or a key is found, else a person
        signs in.
    token_url, authorization_url, device_url : str or None
        Endpoints that go before those that the issuer's metadata names.
    revocation_url, userinfo_url, jwks_url, par_url : str or None
        The same.
    token_encoding : {"form", "json"}
        How requests to the token endpoint are written.
    audience, scope : str or None
        What is asked for; scope has a default for a person.
    redirect_uri : str or None
        A fixed address for the browser's answer, where the server wants one.
    via : {"auto", "loopback", "server", "device", "paste", "client-credentials"}
        The way of a sign-in.
    store : {"auto", "memory", "file", "keyring"}
        Where the session is kept.
    no_input : bool
        Never ask a person.
    valid_to : {"inclusive", "exclusive"}
        Whether ``validTo`` is the last valid day, or the first that is not.
    client_secret, client_key, access_token : Credential or None
        Where credentials are found; their values are not in here.
    assertion_audience : str or None
        Whom a signed assertion addresses (RFC 7523 §3); None: the issuer.
    timeout : float
        Seconds a person has to sign in.
    places : mapping of str to str
        For each setting that was set, where its value was found.
    """

    profile: str = "default"
    organization: str | None = None
    client_id: str | None = None
    grant: str | None = None
    issuer: str | None = None
    api_url: str | None = None
    token_url: str | None = None
    authorization_url: str | None = None
    device_url: str | None = None
    revocation_url: str | None = None
    userinfo_url: str | None = None
    jwks_url: str | None = None
    par_url: str | None = None
    token_encoding: str = "form"  # noqa: S105 (an encoding, not a token)
    audience: str | None = None
    assertion_audience: str | None = None
    scope: str | None = None
    redirect_uri: str | None = None
    via: str = "auto"
    store: str = "auto"
    timeout: float = 300.0
    no_input: bool = False
    valid_to: str = "inclusive"
    client_secret: Credential | None = None
    client_key: Credential | None = None
    access_token: Credential | None = None
    places: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def resolve(
        cls,
        *,
        arguments: Mapping[str, Any] | None = None,
        traits: Mapping[str, Any] | None = None,
        profiles: Mapping[str, Mapping[str, Any]] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Settings:
        """
        Find each value: the first place that names it wins.

        The order is: argument, traits, the profile that an argument or trait names,
        environment, the profile that the environment names or ``default``.

        Raises
        ------
        SettingsError
            A value is wrong, a secret stands where others can read it, or a secret
            would go to a server that was configured elsewhere
            (``mixed_credentials``).
        """
        environment = _from_environment(environ or {})
        # A traceback with locals must not print the whole environment.
        del environ
        layers = _layers(arguments or {}, traits or {}, profiles or {}, environment)
        found: dict[str, Any] = {}
        places: dict[str, str] = {}
        for place, values in layers:
            refuse_literals(place, values)
            for name, value in values.items():
                if name not in found:
                    found[name] = _checked(name, value, place)
                    places[name] = place
        refuse_mixture(found, places, layers)
        return cls(**with_credentials(found, places), places=places)

    @property
    def is_practice(self) -> bool:
        """Whether the practice server of the demo profile is who gives tokens."""
        scheme, host, _ = origin(self.issuer or "")
        is_here = scheme == "http" and is_loopback(host)
        return is_here and self.places.get("issuer") == "the profile 'demo'"

    @property
    def is_machine(self) -> bool:
        """Whether client credentials are to be used (RFC 6749 §4.4)."""
        if self.grant is not None:
            return self.grant == "client_credentials"
        if self.via != "auto":
            return self.via == "client-credentials"
        return self.client_secret is not None or self.client_key is not None

    @property
    def asks_nobody(self) -> bool:
        """Whether tokens come without a person: by credentials, or as given."""
        return self.is_machine or self.access_token is not None

    @property
    def needed(self) -> tuple[str, ...]:
        """Name what a sign-in and a request need, as :meth:`require` takes it."""
        if self.access_token:
            return ("api_url",)
        endpoint = "token_url" if self.is_machine else "authorization_url"
        return ("client_id", f"issuer|{endpoint}", "api_url")

    def require(self, *names: str) -> None:
        """
        Insist on settings; where one is missing, name all that will be needed.

        A name may offer alternatives: ``"issuer|token_url"``.

        Raises
        ------
        SettingsError
            ``missing_setting``.
        """
        if not self._missing(names):
            return
        first = {name.partition("|")[0]: name for name in (*self.needed, *names)}
        missing = self._missing(first.values())
        listed = ", ".join(" or ".join(alternatives) for alternatives in missing)
        raise SettingsError(
            f"profile {self.profile!r} lacks: {listed}",
            why="None of the places that are looked at names a value.",
            advice=self._how_to_go_on(missing),
            code="missing_setting",
        )

    def _missing(self, names: Iterable[str]) -> list[list[str]]:
        parted = [name.split("|") for name in names]
        return [p for p in parted if not any(getattr(self, name) for name in p)]

    def _how_to_go_on(self, missing: list[list[str]]) -> str:
        home = next((self.places[c] for c in CREDENTIALS if c in self.places), "")
        if home:
            return how_to_add(missing, home)
        nobody = self.no_input or bool(look().silence)
        return how_to_begin(missing, self.profile, is_person=not nobody)

    def replace(self, **changes: Any) -> Settings:
        """Give a copy with some values changed; they count as arguments."""
        places = {**self.places, **dict.fromkeys(changes, "the call")}
        return replace(self, **changes, places=places)


def differing(one: Settings, other: Settings) -> set[str]:
    """Name the fields that have different values in two settings."""
    names = Settings.__struct_fields__
    return {name for name in names if getattr(one, name) != getattr(other, name)}


def _layers(
    arguments: Mapping[str, Any],
    traits: Mapping[str, Any],
    profiles: Mapping[str, Mapping[str, Any]],
    environment: Mapping[str, Any],
) -> list[tuple[str, Mapping[str, Any]]]:
    own, configured = given(arguments), given(traits)
    named = own.get("profile") or configured.get("profile")
    name = str(named or environment.get("profile") or "default")
    if name not in profiles and name != "default":
        close = difflib.get_close_matches(plain(name, 80), profiles, 1)
        raise SettingsError(
            f"there is no profile {quoted(name)}",
            why=f"Known: {', '.join(sorted({'demo', *profiles}))}.",
            advice=f"Did you mean {close[0]!r}?"
            if close
            else f"Profiles are tables in {profiles_path()}.",
            code="unknown_profile",
        )
    profile = (f"the profile {name!r}", {**profiles.get(name, {}), "profile": name})
    above = [("the call", own), ("%config IntermezzoMagics", configured)]
    env = ("the environment", environment)
    return [*above, profile, env] if named else [*above, env, profile]


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """
    Give what is set, of what can be; None and empty text set nothing.

    Raises
    ------
    SettingsError
        ``bad_setting``: one of them is no single value.
    """
    for name, value in values.items():
        if not _is_one(value):
            raise SettingsError(
                f"{name} takes one value, and was given a {type(value).__name__}",
                advice=f"Give text or a number, or leave {name} out.",
            )
    return {
        name: value
        for name, value in values.items()
        if value is not None and not (isinstance(value, str) and not value)
    }


def _is_one(value: object) -> bool:
    is_written = True
    try:
        str(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        is_written = False
    kinds = (str, Number, os.PathLike, Secret, type(None))
    return isinstance(value, kinds) and is_written


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    variables = {name: f"INTERMEZZO_{name.upper()}" for name in NAMES + CREDENTIALS}
    return {
        name: Secret("") if name == "client_secret" else environ[variable].strip()
        for name, variable in variables.items()
        if environ.get(variable, "").strip()
    }


def _checked(name: str, value: Any, place: str) -> Any:
    if name not in NAMES and name not in CREDENTIALS:
        close = difflib.get_close_matches(name, (*NAMES, *CREDENTIALS), 1)
        hint = f"Did you mean {close[0]}?" if close else f"Known: {', '.join(NAMES)}."
        raise SettingsError(f"{place} sets {name!r}, which is unknown", advice=hint)
    if name in URLS or name == "redirect_uri":
        return check_url(name, str(value), place, how_to_change(name, place))
    if name in CHOICES and not (isinstance(value, str) and value in CHOICES[name]):
        raise SettingsError(
            f"{name} in {place} is {quoted(value)}",
            why=f"It can be {', '.join(CHOICES[name])}.",
            advice=how_to_change(name, place),
        )
    if name == "timeout":
        return _positive(name, value, place)
    if name == "no_input":
        return str(value).lower() in {"1", "true", "yes", "on"}
    return str(value)


_A_DAY = 86_400


def _positive(name: str, value: Any, place: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = 0.0
    if not 0 < number <= _A_DAY:
        raise SettingsError(
            f"{name} in {place} is {quoted(value)}",
            why=f"It is a number of seconds above 0, and at most {_A_DAY}.",
            advice=how_to_change(name, place),
        )
    return number


NAMES = tuple(
    name
    for name in Settings.__struct_fields__
    if name not in {"client_secret", "client_key", "access_token", "places"}
)
