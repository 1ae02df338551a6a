"""What was granted to whom, and whether it still counts: the server's memory."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from msgspec import Struct

RESOURCE_SCOPES = {
    "read:organizations": "See the organizations and their worksites",
    "read:employees": "See employees, their personal data and jobs",
    "read:compensation": "See what employees are paid",
    "read:wage_types": "See the wage types",
    "read:p32": "See what is owed to HMRC",
    "write:contacts": "Create contacts",
    "write:organizations": "Create organizations",
    "write:worksites": "Create worksites",
    "write:payroll": "Run payrolls",
}
SCOPES = {
    "openid": "Know that it is you",
    "profile": "See your name",
    "email": "See your e-mail address",
    "offline_access": "Stay signed in until you sign out",
    **RESOURCE_SCOPES,
    "write:wage_types": "Create and approve wage types",
}
_CODE_LIFE = 60.0  # seconds
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
DEVICE_INTERVAL = 1.0  # seconds between two polls
_TOLERANCE = 0.1  # seconds; clocks and networks are not exact
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628 §6.1: no vowels, so no words
_SWEEP_AT = 10_000  # access tokens
_CALLBACK = "/intermezzo/callback"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Person(Struct, frozen=True):
    """Somebody who can sign in to the practice server."""

    email: str
    name: str
    role: str


PEOPLE = {
    person.email: person
    for person in (
        Person("maren.voss@nordlicht.example", "Maren Voss", "Payroll lead"),
        Person("tom.achebe@harrowfinch.example", "Tom Achebe", "Payroll analyst"),
        Person("ines.keller@isarblick.example", "Ines Keller", "HR controller"),
    )
}


@dataclass(frozen=True, slots=True)
class Client:
    """
    An application that is registered here.

    Parameters
    ----------
    secret : str or None
        None for a public client.
    """

    client_id: str
    name: str
    grants: tuple[str, ...]
    secret: str | None = field(default=None, repr=False)

    def may_return_to(self, redirect_uri: str, reached: str = "") -> bool:
        """
        Tell whether an answer may go there: loopback on any port (RFC 8252 §7.3).

        A Jupyter server on this machine may have a base URL before the callback, and
        a Hub its own path.

        Parameters
        ----------
        reached : str
            The origin of a Jupyter server that leads browsers here; its own callback
            will do as well.
        """
        parts = urlsplit(redirect_uri)
        is_callback = parts.path.endswith(_CALLBACK)
        is_here = parts.scheme in {"http", "https"} and parts.hostname in _LOOPBACK
        is_here = is_here or f"{parts.scheme}://{parts.netloc}" == reached
        return is_here and is_callback and not (parts.query or parts.fragment)


class Code(Struct):
    """An authorization code and all that it is bound to."""

    client_id: str
    redirect_uri: str
    scopes: list[str]
    email: str
    auth_time: int
    challenge: str | None
    challenge_method: str | None
    nonce: str | None
    expires_at: float
    family: str
    is_used: bool = False


class DeviceCode(Struct):
    """
    What a device waits with (RFC 8628).

    Parameters
    ----------
    status : str
        ``authorization_pending``, ``authorized``, ``access_denied``, or ``used``.
    polled_at : float
        When it was last asked for, in seconds since 1970.
    """

    client_id: str
    user_code: str
    scopes: list[str]
    expires_at: float
    family: str
    status: str = "authorization_pending"
    email: str = ""
    auth_time: int = 0
    polled_at: float = 0.0


class Grant(Struct, frozen=True):
    """What an access or refresh token stands for."""

    client_id: str
    scopes: list[str]
    email: str | None
    auth_time: int
    family: str
    expires_at: float


class Ledger:
    """
    Codes, tokens and families; a family is all that came from one consent.

    Parameters
    ----------
    clock : callable
        Seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clients = {client.client_id: client for client in _clients()}
        self._clock = clock
        self._codes: dict[str, Code] = {}
        self._devices: dict[str, DeviceCode] = {}
        self._access: dict[str, Grant] = {}
        self._refresh: dict[str, Grant] = {}
        self._spent: dict[str, str] = {}
        self.consents: dict[tuple[str, str], set[str]] = {}
        self.token_requests = 0

    def keep_code(self, code: str, **bound: object) -> None:
        """Keep a code for a minute."""
        self._codes[code] = Code(
            expires_at=self._clock() + _CODE_LIFE,
            family=secrets.token_hex(8),
            **bound,  # type: ignore[arg-type]  # the fields of Code
        )

    def code(self, code: str) -> Code | None:
        """Give what a code is bound to; one that comes twice costs its family."""
        kept = self._codes.get(code)
        if kept is None or kept.expires_at < self._clock():
            return None
        if kept.is_used:
            self.end_family(kept.family)
            return None
        return kept

    def use_code(self, code: str) -> None:
        """Count a code as used."""
        self._codes[code].is_used = True

    def keep_device_code(
        self, *, client_id: str, user_code: str, scopes: list[str], life: float
    ) -> str:
        """Keep what a device waits with; give the code that it polls with."""
        ends, family = self._clock() + life, secrets.token_hex(8)
        device_code = mint("dc")
        self._devices[device_code] = DeviceCode(
            client_id, user_code, scopes, ends, family
        )
        return device_code

    def pending_device_code(self, user_code: str) -> DeviceCode | None:
        """Give what waits with this code; case and hyphen do not count (§6.1)."""
        wanted = _letters(user_code)
        for kept in self._devices.values():
            if _letters(kept.user_code) == wanted and kept.expires_at > self._clock():
                return kept if kept.status == "authorization_pending" else None
        return None

    def device_status(self, device_code: str, client_id: str) -> str | None:
        """Give the word of §3.5 for a poll; ``slow_down`` for one too soon."""
        kept, now = self._devices.get(device_code), self._clock()
        if kept is None or kept.client_id != client_id or kept.status == "used":
            return None
        too_soon = now - kept.polled_at < DEVICE_INTERVAL - _TOLERANCE
        kept.polled_at = now
        if kept.expires_at < now:
            return "expired_token"
        if kept.status == "authorization_pending" and too_soon:
            return "slow_down"
        return kept.status

    def use_device_code(self, device_code: str) -> DeviceCode:
        """Give what was granted to a device, once."""
        kept = self._devices[device_code]
        kept.status = "used"
        return kept

    def keep_access(self, token: str, grant: Grant) -> None:
        """Keep an access token; those that have died are dropped."""
        now = self._clock()
        if len(self._access) > _SWEEP_AT:
            self._access = {t: g for t, g in self._access.items() if g.expires_at > now}
        self._access[token] = grant

    def keep_refresh(self, token: str, grant: Grant) -> None:
        """Keep a refresh token."""
        self._refresh[token] = grant

    def access(self, token: str) -> Grant | None:
        """Give what an access token stands for, if it is alive."""
        grant = self._access.get(token)
        return grant if grant and grant.expires_at > self._clock() else None

    def refresh(self, token: str) -> Grant | None:
        """Give what a refresh token stands for; a spent one ends its family."""
        if family := self._spent.get(token):
            self.end_family(family)
            return None
        return self._refresh.get(token)

    def spend(self, token: str) -> None:
        """Count a refresh token as spent (RFC 9700 §4.14)."""
        if grant := self._refresh.pop(token, None):
            self._spent[token] = grant.family

    def owner(self, token: str) -> str | None:
        """Give the client that a token was issued to; None for one that is none."""
        grant = self._refresh.get(token) or self._access.get(token)
        return grant.client_id if grant else None

    def revoke(self, token: str) -> None:
        """End a token; a refresh token takes its family along (RFC 7009 §2.1)."""
        if grant := self._refresh.get(token):
            self.end_family(grant.family)
        self._access.pop(token, None)

    def end_family(self, family: str) -> None:
        """End all tokens that came from one consent."""
        for tokens in (self._access, self._refresh):
            for token in [t for t, g in tokens.items() if g.family == family]:
                del tokens[token]


def mint(kind: str) -> str:
    """Make a secret whose first letters tell what it is, as ``imz_at_…``."""
    return f"imz_{kind}_{secrets.token_urlsafe(32)}"


def user_code() -> str:
    """Make a code that is easy to read out and to type (RFC 8628 §6.1)."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


def _letters(user_code: str) -> str:
    return "".join(letter for letter in user_code.upper() if letter in _LETTERS)


def _clients() -> tuple[Client, ...]:
    by_person = ("authorization_code", "refresh_token")
    by_device = (*by_person, DEVICE_GRANT)
    return (
        Client("intermezzo-notebook", "Intermezzo for notebooks", by_device),
        Client("intermezzo-web", "Payroll dashboard", by_person, mint("cs")),
        Client(
            "intermezzo-machine", "Nightly export", ("client_credentials",), mint("cs")
        ),
    )
