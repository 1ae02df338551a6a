"""All that the practice server is apart from its sockets: options, memory, data."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from msgspec import Struct
from oauthlib.oauth2 import InvalidRequestError

from .bulk import Desk
from .employers import organizations
from .endpoints import Endpoints, Validator
from .forms import FORM, JSON
from .grants import DEVICE_GRANT, SCOPES, Grant, Ledger
from .oddities import Drift, Faults, Fields
from .pay import p32, wage_types
from .people import Company
from .rate import Rate
from .runs import Runs


class Options(Struct, frozen=True):
    """
    How the practice server behaves.

    Parameters
    ----------
    port : int
        0: any free one.
    token_lifetime : int
        Seconds that an access token lives.
    rows : int
        Employees over all organizations.
    seed : int
        Of the invented data: the same seed, the same data on the same day.
    rate : float
        Requests per second that the payroll API takes; 0 for any number.
    latency : float
        Milliseconds added to each answer to a program.
    shape : {"authkit", "auth0"}
        Which of the two documented token endpoints it plays (/auth).
    paging : {"page", "cursor", "array"}
        How a list of employees is paged: the reference leaves it open.
    refuse, reset : float
        Shares of requests that are refused with a 429, and whose connection is reset.
    retry_after : int
        Seconds that a refusal asks to wait.
    drift : int
        How often a list of employees changes while it is read.
    older : bool
        Whether records have the shapes of older pages of the reference.
    ragged : bool
        Whether histories have gaps and overlaps.
    extra_fields, missing_fields : bool
        Whether records hold more than is documented, or less.
    """

    port: int = 0
    token_lifetime: int = 3600
    rows: int = 4000
    seed: int = 1
    rate: float = 0.0
    latency: float = 0.0
    shape: str = "authkit"
    paging: str = "page"
    refuse: float = 0.0
    reset: float = 0.0
    retry_after: int = 1
    drift: int = 0
    older: bool = False
    ragged: bool = False
    extra_fields: bool = False
    missing_fields: bool = False


class Practice:
    """
    What the handlers answer from.

    Parameters
    ----------
    folder : Path
        A private folder, where the confidential clients' secrets are left.
    """

    def __init__(self, options: Options, folder: Path) -> None:
        self.options, self._folder = options, folder
        self.ledger = Ledger()
        self.validator = Validator(self.ledger, lambda: self.issuer)
        self.fields = Fields(extra=options.extra_fields, missing=options.missing_fields)
        self.company = Company(
            options.rows,
            options.seed,
            older=options.older,
            ragged=options.ragged,
            fields=self.fields,
        )
        self.organizations = organizations(self.company)
        self.faults = Faults(options.refuse, options.reset, options.seed)
        self.drift = Drift(options.drift)
        self.wage_types = wage_types(self.company)
        # A large year takes long to add up, and nothing else is answered meanwhile.
        self.p32 = lru_cache(maxsize=256)(partial(p32, self.company))
        self.rate = Rate(options.rate)
        self.desk, self.runs = Desk(self.company), Runs(self.company)
        self.url = ""
        self.endpoints: Endpoints

    def open_at(self, url: str) -> None:
        """Learn the server's origin, once the port is known."""
        self.url = url
        lifetime = self.options.token_lifetime
        self.endpoints = Endpoints(self.validator, lifetime, url)
        self._leave_secrets()

    async def delay(self) -> None:
        """Wait for as long as an answer to a program takes."""
        if seconds := self.options.latency / 1000:
            await asyncio.sleep(seconds)

    @property
    def is_auth0(self) -> bool:
        """Whether the token endpoint is of the second documented shape."""
        return self.options.shape == "auth0"

    @property
    def issuer(self) -> str:
        """The issuer; one of the shapes ends in a slash."""
        return self.url + ("/" if self.is_auth0 else "")

    @property
    def content_type(self) -> str:
        """What the token endpoint takes."""
        return JSON if self.is_auth0 else FORM

    def _leave_secrets(self) -> None:
        """Write each confidential client's secret into a private file."""
        for client in self.ledger.clients.values():
            if client.secret:
                self._secret_file(client.client_id).touch(0o600)
                self._secret_file(client.client_id).write_text(client.secret)

    def settings(self) -> dict[str, Any]:
        """Give what a client has to know, for each of the registered ones."""
        common = {"issuer": self.issuer, "api_url": f"{self.url}/v1"}
        if self.is_auth0:
            common |= {"audience": f"{self.url}/v1", "token_encoding": "json"}
        machine, web = "intermezzo-machine", "intermezzo-web"
        return {
            "person": {**common, "client_id": "intermezzo-notebook"},
            "machine": {
                **common,
                "client_id": machine,
                "client_secret_file": str(self._secret_file(machine)),
            },
            "web": {
                **common,
                "client_id": web,
                "client_secret_file": str(self._secret_file(web)),
                "grant": "authorization_code",
            },
        }

    def metadata(self) -> dict[str, Any]:
        """Give the server's metadata (RFC 8414 §2, OpenID Connect Discovery §3)."""
        token = "/oauth/token" if self.is_auth0 else "/oauth2/token"
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": self.url + token,
            "jwks_uri": f"{self.url}/jwks",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "device_authorization_endpoint": f"{self.url}/device_authorization",
            "revocation_endpoint": f"{self.url}/revoke",
            "scopes_supported": list(SCOPES),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": [
                "authorization_code",
                "refresh_token",
                "client_credentials",
                DEVICE_GRANT,
            ],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": [
                "none",
                "client_secret_basic",
                "client_secret_post",
            ],
            "authorization_response_iss_parameter_supported": True,
        }

    def grant_of(self, headers: Mapping[str, str]) -> Grant | None:
        """Give what a request's bearer token stands for; the header alone counts."""
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        return self.ledger.access(token) if scheme.lower() == "bearer" else None

    def insist_on_audience(self, audience: str) -> None:
        """
        Refuse a request without the audience, where this shape wants one.

        Raises
        ------
        InvalidRequestError
            It is missing, or another.
        """
        if self.is_auth0 and audience != f"{self.url}/v1":
            raise InvalidRequestError(description=f"audience has to be {self.url}/v1")

    def _secret_file(self, client_id: str) -> Path:
        return self._folder / client_id
