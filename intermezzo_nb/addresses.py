"""Which addresses are safe to send to, and whose they are."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from .errors import SettingsError

# No blank, control or turning character, and no backslash, which some take for "/".
_PLAIN = re.compile(r"[!-\[\]-~]+")
_WITHOUT_QUERY = ("issuer", "api_url")  # RFC 8414 §2; and paths are appended


def check_url(name: str, url: str, place: str, advice: str = "") -> str:
    """
    Give the URL back if it is https, or http on a loopback address.

    Parameters
    ----------
    name, place : str
        What it is, and where it was found.
    advice : str, optional
        What to do where it is bad; by default to change the setting of that name.

    Raises
    ------
    SettingsError
        ``insecure_url``, or ``bad_setting`` where it is no such URL at all.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    advice = advice or f"Change INTERMEZZO_{name.upper()}."
    is_bare = name not in _WITHOUT_QUERY or not parts.query
    is_web = parts.scheme in {"http", "https"} and is_bare and _PLAIN.fullmatch(url)
    if not host or parts.fragment or "@" in parts.netloc or not is_web:
        raise SettingsError(
            f"{name} in {place} is not a web address of the form https://host/path",
            advice=advice,
        )
    if parts.scheme != "https" and not is_loopback(host):
        raise SettingsError(
            f"{name} in {place} is not https: {parts.scheme}://{parts.netloc}",
            why="Tokens and payroll data would be readable on the way; plain http is "
            "for loopback addresses only.",
            advice=advice,
            code="insecure_url",
        )
    return parts.scheme + url[len(parts.scheme) :]


def is_loopback(host: str) -> bool:
    """Tell whether a host name always means this machine (RFC 8252 §7.3, §8.3)."""
    try:
        return "%" not in host and ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def origin(url: str) -> tuple[str, str, int | None]:
    """Give scheme, host and port, the port spelled out (RFC 6454 §4)."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return ("", url, None)
    return (parts.scheme, parts.hostname or "", port)
