"""The profiles: named sets of settings, in one file of the user's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .errors import SettingsError


def profiles_path() -> Path:
    """Give the path of the TOML file that holds the profiles."""
    import platformdirs

    return Path(platformdirs.user_config_dir("intermezzo_nb")) / "profiles.toml"


def read_profiles(path: Path | None = None) -> dict[str, dict[str, Any]]:
    """
    Read the profiles: one TOML table each.

    Raises
    ------
    SettingsError
        The file is there but cannot be read, or is not tables of settings.
    """
    path = path or profiles_path()
    try:
        text = path.read_text("utf-8")
        import tomllib  # of no use to who has no such file

        tables = tomllib.loads(text)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as fault:
        raise SettingsError(
            f"the profiles in {path} cannot be read",
            why=f"{type(fault).__name__}: {fault}",
            advice="Mend the file, or move it away.",
        ) from None
    if odd := [name for name, table in tables.items() if not isinstance(table, dict)]:
        raise SettingsError(
            f"{odd[0]!r} in {path} stands outside of a profile",
            advice=f"Put it under a table such as [default], "
            f"or name its table: [{odd[0]}].",
        )
    return tables
