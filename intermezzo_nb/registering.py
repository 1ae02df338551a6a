"""Which redirect URI a client has to have registered, by where the kernel runs."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from .ladder import jupyter_of
from .settings import Settings
from .surroundings import Surroundings

_EXAMPLES = {"Hub": "hub.example", "Jupyter server": "jupyter.example"}
_NAMED = "JUPYTERHUB_SERVER_NAME"  # to such the Hub's one address does not lead


def to_register(way: str, settings: Settings, surroundings: Surroundings) -> str:
    """Give the redirect URI that a way takes, whole where that is known."""
    if way == "device":
        return ""
    fixed = settings.redirect_uri
    if fixed and (way != "server" or fixed.startswith("https:")):
        return fixed
    if way != "server":
        return "http://127.0.0.1/intermezzo/callback (with any port)"
    whose, known, path = _server_address(surroundings)
    if known:
        return known.rstrip("/") + path
    example = f"https://{_EXAMPLES[whose]}{path}"
    return f"the {whose}'s address + {path}, such as {example}"


def _server_address(surroundings: Surroundings) -> tuple[str, str, str]:
    """
    Tell where a Jupyter server takes answers, as the server itself forms it.

    Returns
    -------
    tuple of (str, str, str)
        Whose address it is; the address, empty where nothing here knows it; and what
        follows it.
    """
    environ = os.environ
    if environ.get("JUPYTERHUB_SERVICE_PREFIX") and not environ.get(_NAMED):
        base = environ.get("JUPYTERHUB_BASE_URL", "/")
        # JupyterHub 5 tells the first where it knows it, every one its subdomains'.
        public = environ.get("JUPYTERHUB_PUBLIC_HUB_URL", "")
        public = _origin(public) or environ.get("JUPYTERHUB_HOST", "")
        return "Hub", public, f"{base}hub/user-redirect/intermezzo/callback"
    mailbox = jupyter_of(surroundings)
    base = mailbox.base_url if mailbox else "/"
    public = _origin(environ.get("JUPYTERHUB_PUBLIC_URL", ""))
    return "Jupyter server", public, f"{base}intermezzo/callback"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
