"""Where a path leads: to an address of the API, or nowhere."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from ..addresses import origin
from ..errors import SettingsError
from ..quoting import quoted


def url_of(path: str, base: str) -> str:
    """
    Give the whole address of a path.

    A path is appended to the API's address, whose prefix it may repeat.

    Raises
    ------
    SettingsError
        ``foreign_url``: it is on another origin than the API; ``bad_path``: it is read
        in more than one way, or leads out of the API's prefix.
    """
    if not isinstance(path, str):
        raise _no_path(quoted(path), "A path is text.")
    place, mark, query = path.partition("?")
    if "#" in path:
        raise _no_path(
            place.partition("#")[0],
            "A # and what follows it are never sent: write %23.",
        )
    if "://" in place and not place.startswith("/"):
        if not _is_ours(place, base):
            raise _foreign(place)
        return path
    if _DOTS & {*re.split(r"[/\\]", unquote(place))}:
        raise _no_path(place, "Its dots lead out of the place that it names.")
    prefix = urlsplit(base).path
    place = "/" + place.lstrip("/")
    if prefix and (place == prefix or place.startswith(prefix + "/")):
        place = place.removeprefix(prefix)
    return base + place + mark + query


_DOTS = {".", ".."}


def _is_ours(place: str, base: str) -> bool:
    # A backslash or a name before the host is read in more than one way.
    return not set("\\@") & set(place) and origin(place) == origin(base)


def _foreign(place: str) -> SettingsError:
    return SettingsError(
        f"{place} is not on the API's own host",
        why="Tokens are for the API alone. Nothing was sent.",
        advice="Give a path such as /organizations.",
        code="foreign_url",
    )


def _no_path(place: str, why: str) -> SettingsError:
    return SettingsError(
        f"{place} is no path of the API",
        why=f"{why} Nothing was sent.",
        advice="Give a path such as /organizations.",
        code="bad_path",
    )
