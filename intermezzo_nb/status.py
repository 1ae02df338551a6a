"""How a connection stands, and what a logout did: values to show."""

from __future__ import annotations

from msgspec import Struct

from .oauth.models import Identity
from .wrapping import hanging


class Status(Struct, frozen=True):
    """
    How a connection stands; its text shows all of it, and no secret.

    Parameters
    ----------
    state : str
        ``signed in``, ``signing in``, or ``signed out``.
    where : str
        Whose authorization server it is: its host, or a name.
    identity : Identity or None
        Who signed in, by the verified ID token.
    scope : str or None
        What was granted; None where the server did not say.
    seconds_left : float or None
        Life of the access token; None where there is none or it is unknown.
    is_machine : bool
        Whether the application signed in itself, by client credentials.
    renews : bool
        Whether it renews itself.
    kept : str
        Where the session is.
    ladder : tuple of (str, str)
        The ways of signing in that were looked at, each with what came of it.
    """

    profile: str
    state: str
    where: str
    issuer: str
    api_url: str
    client_id: str
    identity: Identity | None
    scope: str | None
    seconds_left: float | None
    is_machine: bool
    renews: bool
    kept: str
    ladder: tuple[tuple[str, str], ...]

    @property
    def who(self) -> str:
        """Who is signed in: a person or the application itself; empty if unknown."""
        if self.identity:
            return str(self.identity)
        is_application = self.is_machine and self.state == "signed in"
        return f"the application {self.client_id}" if is_application else ""

    def rows(self) -> list[tuple[str, str]]:
        """Give label and text of each line."""
        life = "unknown" if self.seconds_left is None else _life(self.seconds_left)
        renews = "renews itself" if self.renews else "does not renew itself"
        signs_in = self.is_machine and self.state == "signed out"
        next_one = "; the next request signs in by itself" if signs_in else ""
        rows = [
            ("Profile", self.profile),
            ("State", f"{self.state}{next_one}"),
            ("Signed in as", self.who),
            ("Authorization server", self.issuer),
            ("API", self.api_url),
            ("Client", self.client_id),
            ("Scope", self.scope or ""),
            ("Token", f"{life}, {renews}" if self.state == "signed in" else ""),
            ("Kept", self.kept),
            *((f"Tried: {way}", came) for way, came in self.ladder),
        ]
        return [(label, text) for label, text in rows if text]

    def __str__(self) -> str:
        return "\n".join(hanging(f"{label:<28}", text) for label, text in self.rows())

    __repr__ = __str__  # it stands below a cell that ends in login()


class LoggedOut(Struct, frozen=True):
    """
    What a logout did at the server, and what here.

    Parameters
    ----------
    revoked : tuple of str
        What was revoked at the server (RFC 7009).
    not_revoked, not_purged : str
        Why something was not revoked there, or is still here.
    purged : bool
        Whether there was a session here, and it is deleted.
    is_machine : bool
        Whether the client's own credentials give another, to whoever asks.
    """

    revoked: tuple[str, ...]
    not_revoked: str
    purged: bool
    not_purged: str = ""
    is_machine: bool = False

    def __str__(self) -> str:
        again = (
            " The client's credentials stay where they are set: the next request signs "
            "in by them."
        )
        return hanging("", self._told() + (again if self.is_machine else ""))

    __repr__ = __str__

    def _told(self) -> str:
        if not (self.purged or self.not_purged):
            return "Nobody was signed in: there is nothing to revoke or to delete."
        revoked = " and ".join(self.revoked)
        at_server = f"revoked there: {revoked}"
        if not revoked:
            at_server = f"not revoked at the server: {self.not_revoked}"
        elif self.not_revoked:
            at_server += f", not the rest: {self.not_revoked}"
        if self.not_purged:
            return f"Not deleted here: {self.not_purged}; {at_server}."
        return f"Signed out. The session is deleted here; {at_server}."


def _life(seconds: float) -> str:
    minutes = int(seconds // 60)
    return f"good for {minutes} min" if minutes else f"good for {int(seconds)} s"
