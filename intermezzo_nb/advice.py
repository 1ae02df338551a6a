"""Where settings are set, in the words of those who have to set them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from .credentials import HOW_TO_SET
from .errors import IntermezzoError
from .profiles import profiles_path, read_profiles

_OPTIONS = {"client_id", "issuer", "api_url"}  # of what can be missing
_VARIABLE = re.compile(r"\bINTERMEZZO_([A-Z_]+)\b")


def how_to_set(name: str) -> str:
    """Name the variable of a setting."""
    if name in {"client_secret", "client_secret_file"}:
        return HOW_TO_SET
    if name == "client_key":
        return "INTERMEZZO_CLIENT_KEY_FILE"
    return f"INTERMEZZO_{name.upper()}"


def how_to_be_a_machine(needed: Iterable[str], places: Mapping[str, str]) -> str:
    """
    Tell what unattended runs need, in the place that names the client.

    Parameters
    ----------
    needed : iterable of str
        The names of what is missing, a secret among them.
    places : mapping of str to str
        For each setting that was set, where its value was found.
    """
    home = places.get("client_id", "the environment")
    # A secret of the environment is refused for a client that a profile names.
    if home.startswith("the profile "):
        names = ["client_secret_file" if n == "client_secret" else n for n in needed]
        return f"Set {', '.join(names)} in {home} ({profiles_path()})."
    return f"Set {', '.join(map(how_to_set, needed))}."


def how_to_change(name: str, place: str) -> str:
    """Tell where a value that was found at a place is changed."""
    return f"Change {_named(name, place)}."


def how_to_leave_out(name: str, place: str) -> str:
    """Tell where a value that was found at a place is left out."""
    return f"Leave out {_named(name, place)}."


@contextmanager
def named_by_place(places: Mapping[str, str]) -> Iterator[None]:
    """
    Let the advice of an error name settings by the places where they were found.

    Parameters
    ----------
    places : mapping of str to str
        For each setting that was set, where its value was found.
    """
    try:
        yield
    except IntermezzoError as error:
        error.advice = by_place(error.advice, places)
        raise


def by_place(advice: str, places: Mapping[str, str]) -> str:
    """Put the place of each setting that was found elsewhere for its variable."""

    def named(found: re.Match[str]) -> str:
        name = found[1].lower()
        place = places.get(name, "the environment")
        if name == "profile" and place.startswith("the profile "):
            place = "the environment"  # no profile names another one
        return found[0] if place == "the environment" else _named(name, place)

    return _VARIABLE.sub(named, advice)


def _named(name: str, place: str) -> str:
    option = "--" + name.replace("_", "-")
    return {
        "the call": f"{option} (in Python: {name}=…)",
        "%config IntermezzoMagics": f"%config IntermezzoMagics.{name}",
        "the environment": how_to_set(name),
        # Its values come from the practice server, and from no file.
        "the profile 'demo'": f"{name} in the profile 'demo'",
    }.get(place, f"{name} in {place} ({profiles_path()})")


def how_to_add(missing: Iterable[list[str]], home: str) -> str:
    """
    Tell where settings that are missing are set, beside the credentials.

    Parameters
    ----------
    missing : iterable of list of str
        The names of each, with its alternatives.
    home : str
        The place that names the credentials: what others name is not used with them.
    """
    if home == "the environment":
        return f"Set {_variables(missing)}."
    path = f" ({profiles_path()})" if home.startswith("the profile ") else ""
    return f"Set {_names(missing)} in {home}{path}."


def how_to_begin(missing: list[list[str]], profile: str, *, is_person: bool) -> str:
    """
    Tell how a first sign-in gets its settings: from a profile that is there, or else.

    Parameters
    ----------
    missing : list of list of str
        As for :func:`how_to_add`.
    profile : str
        The profile that was taken.
    is_person : bool
        Whether somebody is there, who can type a line.
    """
    known = read_profiles()
    listed = ", ".join(known)
    ways = [_variables(missing)]
    if profile in known:
        ways.insert(
            0, f"{_names(missing)} in the profile {profile!r} ({profiles_path()})"
        )
    elif known and not is_person:
        ways.append(f"INTERMEZZO_PROFILE to one of {listed}")
    options = [n for alternatives in missing for n in alternatives if n in _OPTIONS]
    in_a_file = f"write {', '.join(options)} under [{profile}] in {profiles_path()}"
    if is_person and options:
        given = ", ".join("--" + name.replace("_", "-") for name in options)
        ways.append(f"give %intermezzo_login {given}")
    elif options and not known:
        ways.append(in_a_file)
    told = ", or ".join(ways)
    if profile in known or not is_person:
        return f"Set {told}."
    if known:
        name = listed if len(known) == 1 else "NAME"
        login = f"%intermezzo_login --profile {name}"
        return f"There are the profiles: {listed}. {login}. Or set {told}."
    told = f"W{in_a_file[1:]}, or set {told}" if options else f"Set {told}"
    return f"{told}. To try without an account: %intermezzo_login --profile demo"


def _names(missing: Iterable[list[str]]) -> str:
    return "; ".join(map(" or ".join, missing))


def _variables(missing: Iterable[list[str]]) -> str:
    return "; ".join(" or ".join(map(how_to_set, names)) for names in missing)
