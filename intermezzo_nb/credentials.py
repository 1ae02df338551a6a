"""Where secrets may be, and with whom they may be used."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import SettingsError
from .secret import Secret

URLS = (
    "issuer",
    "api_url",
    "token_url",
    "authorization_url",
    "device_url",
    "revocation_url",
    "userinfo_url",
    "jwks_url",
    "par_url",
)
CREDENTIALS = (
    "client_secret",
    "client_secret_file",
    "client_key_file",
    "access_token_file",
)
HOW_TO_SET = "the variable INTERMEZZO_CLIENT_SECRET or INTERMEZZO_CLIENT_SECRET_FILE"
# A secret goes to no server but those named where the secret is named.
_UNIT = ("client_id", *URLS)
_NEVER_LITERAL = (
    "client_secret",
    "client_key",
    "access_token",
    "refresh_token",
    "password",
)


# A dataclass: a Struct leaves no field out of a comparison.
@dataclass(frozen=True, slots=True)
class Credential:
    """
    Where a secret is, not the secret: safe to print, compare and pickle.

    Parameters
    ----------
    kind : {"environment", "file"}
        How to read it.
    where : str
        The name of the variable, or the path of the file.
    named_by : str
        The setting that names the file, for who has to change it.
    """

    kind: str
    where: str
    named_by: str = field(default="", compare=False)

    def read(self) -> Secret:
        """
        Read the secret as it is now; secret mounts change under running jobs.

        Raises
        ------
        SettingsError
            It is not there, cannot be read, or is empty.
        """
        if self.kind == "environment":
            secret, why = Secret(os.environ.get(self.where, "").strip()), ""
        else:
            secret, why = _read_file(Path(self.where))
        if not secret:
            raise SettingsError(
                f"no secret found in {self}",
                why=why or "It is empty.",
                advice="Put it there"
                + (f", or change {self.named_by}." if self.named_by else "."),
                code="missing_setting",
            )
        return secret

    def __str__(self) -> str:
        return f"the {self.kind} {self.where}"


def _read_file(path: Path) -> tuple[Secret, str]:
    try:
        return Secret(path.read_text("utf-8").strip()), ""
    except (OSError, UnicodeDecodeError) as fault:
        return Secret(""), f"{type(fault).__name__} on reading it."


def refuse_literals(place: str, values: Mapping[str, Any]) -> None:
    """
    Refuse secrets that stand where people, files or logs see them.

    Raises
    ------
    SettingsError
        ``secret_in_plain_sight``.
    """
    if place == "the environment":
        return
    if literal := next((name for name in _NEVER_LITERAL if name in values), None):
        raise SettingsError(
            f"{literal} stands in plain sight in {place}",
            why="What stands there is saved, shown or shared; secrets must not be.",
            advice=f"Use {HOW_TO_SET}; in a profile: client_secret_file.",
            code="secret_in_plain_sight",
        )


def refuse_mixture(
    found: Mapping[str, Any],
    places: Mapping[str, str],
    layers: list[tuple[str, Mapping[str, Any]]],
) -> None:
    """
    Refuse a secret whose client or servers are named elsewhere.

    Parameters
    ----------
    found, places : mapping
        The value of each setting, and where it was found.
    layers : list of (str, mapping)
        All places with all that they name.

    Raises
    ------
    SettingsError
        ``mixed_credentials``, naming both places.
    """
    by_place = dict(layers)
    for credential in CREDENTIALS:
        if (home := places.get(credential)) is None:
            continue
        for name in _UNIT:
            if name in found and by_place[home].get(name) != found[name]:
                raise SettingsError(
                    f"{credential} comes from {home}, but {name} from {places[name]}",
                    why="A secret is used only with the client and the servers that "
                    "are named in the same place. Nothing was sent.",
                    advice=f"Name both in one place, or take {credential} out of "
                    f"{home}.",
                    code="mixed_credentials",
                )


def with_credentials(
    found: dict[str, Any], places: Mapping[str, str]
) -> dict[str, Any]:
    """Replace what was found of secrets by descriptions of where they are."""
    proofs = [name for name in CREDENTIALS[:3] if name in found]
    if len(proofs) > 1:
        raise SettingsError(
            "there are two ways to prove who this client is",
            why=" and ".join(f"{name} comes from {places[name]}" for name in proofs)
            + "; RFC 6749 §2.3 allows one.",
            advice="Take one of them away.",
            code="mixed_credentials",
        )
    if "client_secret" in found:
        found["client_secret"] = Credential("environment", "INTERMEZZO_CLIENT_SECRET")
    for name in ("client_secret", "client_key", "access_token"):
        setting = f"{name}_file"
        if path := found.pop(setting, None):
            named_by = _written(setting, places[setting])
            found[name] = Credential("file", path, named_by)
    return found


def _written(setting: str, place: str) -> str:
    if place == "the environment":
        return f"INTERMEZZO_{setting.upper()}"
    return f"{setting} in {place}"
