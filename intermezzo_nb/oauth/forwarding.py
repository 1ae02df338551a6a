"""The practice server's pages under a Jupyter server's address, for a far browser."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from .mailbox import Mailbox


class Forwarding:
    """
    Lends the practice server's pages to the Jupyter server, which alone is reached.

    Parameters
    ----------
    practice : str
        The practice server's origin, on this machine's loopback.
    """

    def __init__(self, mailbox: Mailbox, practice: str) -> None:
        self._mailbox, self._practice = mailbox, practice
        self._name = secrets.token_urlsafe(24)
        base = mailbox.base_url.rstrip("/")
        self._under = f"{base}/intermezzo/demo/{self._name}"

    def seen(self, url: str) -> str:
        """Give the path by which the browser reaches one of the pages; lend them."""
        self._mailbox.lend(self._name, self._practice)
        parts = urlsplit(url)
        return f"{self._under}{parts.path}" + (f"?{parts.query}" if parts.query else "")

    def close(self) -> None:
        """Take the pages back."""
        self._mailbox.take_back(self._name)
