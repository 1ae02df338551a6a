"""What OAuth talks about, as frozen values."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from ..errors import AuthorizationServerError, LoginDenied, LoginMismatch
from ..quoting import plain
from ..secret import Secret

_LETTERS = "BCDFGHJKMNPQRSTVWXYZ23456789"  # none that is read as another

Paste = Literal["", "possible", "expected"]


class Token(Struct, frozen=True):
    """
    What a token endpoint gave (RFC 6749 §5.1).

    Parameters
    ----------
    access_token : Secret
        Opaque: never looked into (RFC 9068 §6).
    issued_at : float
        Wall clock before the request was sent, in seconds since 1970.
    expires_in : float or None
        Life in seconds. None where the server sent none, or 0: the token is then
        used until it is refused.
    refresh_token : Secret or None
        None for client credentials, or when ``offline_access`` was not granted.
    scope : str or None
        What was granted; None where the server said nothing.
    id_claims : mapping
        The claims of the verified ID token; empty without one.
    """

    access_token: Secret
    issued_at: float = field(default_factory=time.time)
    expires_in: float | None = None
    refresh_token: Secret | None = None
    scope: str | None = None
    id_claims: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> Identity | None:
        """Who signed in, by the verified ID token."""
        return Identity.from_claims(self.id_claims) if self.id_claims else None

    def renewed_by(self, newer: Token) -> Token:
        """
        Give the newer token with what a refresh may leave out (RFC 6749 §6).

        The refresh token, the scope and the identity stay where the server sent
        none.
        """
        return replace(
            newer,
            refresh_token=newer.refresh_token or self.refresh_token,
            scope=newer.scope or self.scope,
            id_claims=newer.id_claims or self.id_claims,
        )


class TokenResponse(Struct, frozen=True):
    """A token, and the ID token that came with it: not verified yet."""

    token: Token
    id_token: Secret | None = None


class Identity(Struct, frozen=True):
    """Who signed in; all of it is text to show, none of it a key to anything."""

    subject: str
    name: str | None = None
    email: str | None = None

    @classmethod
    def from_claims(cls, claims: Mapping[str, Any]) -> Identity:
        """Take the standard claims (OIDC Core §5.1)."""
        name, email = claims.get("name"), claims.get("email")
        return cls(
            subject=plain(claims.get("sub", "")),
            name=plain(name) if name else None,
            email=plain(email) if email else None,
        )

    def __str__(self) -> str:
        if self.name and self.email:
            return f"{self.name} ({self.email})"
        return self.name or self.email or self.subject


class ServerMetadata(Struct, frozen=True):
    """
    The authorization server's description of itself (RFC 8414 §2).

    A member is None, or empty, where neither discovery nor a setting names it.
    """

    issuer: str | None = None
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    device_authorization_endpoint: str | None = None
    revocation_endpoint: str | None = None
    userinfo_endpoint: str | None = None
    jwks_uri: str | None = None
    pushed_authorization_request_endpoint: str | None = None
    require_pushed_authorization_requests: bool = False
    token_endpoint_auth_methods_supported: tuple[str, ...] = ()
    token_endpoint_auth_signing_alg_values_supported: tuple[str, ...] = ()
    code_challenge_methods_supported: tuple[str, ...] = ()
    id_token_signing_alg_values_supported: tuple[str, ...] = ()
    authorization_response_iss_parameter_supported: bool = False


# A dataclass, as is Prompt: a Struct leaves no field out of its repr.
@dataclasses.dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """
    One question to the authorization endpoint, which knows its own answer.

    Parameters
    ----------
    url : str
        What the person opens. It holds ``state`` and ``nonce``: not to be kept.
    redirect_uri : str or None
        Where the answer is to arrive, repeated byte for byte in the exchange
        (RFC 6749 §4.1.3). None while only a Jupyter server knows.
    state, nonce, code_verifier : Secret
        Fresh for each request (RFC 9700 §2.1.1).
    metadata : ServerMetadata
        Whose answer is expected.
    question : mapping
        The parameters, for pushing them instead (RFC 9126), once more if need be.
    good_for : float or None
        Seconds until a pushed question is forgotten.
    name : str
        How people call the server, where its host tells them nothing.
    """

    url: str = dataclasses.field(repr=False)
    redirect_uri: str | None
    state: Secret
    nonce: Secret
    code_verifier: Secret
    metadata: ServerMetadata = dataclasses.field(repr=False)
    question: Mapping[str, str | Secret] = dataclasses.field(
        default_factory=dict, repr=False
    )
    good_for: float | None = None
    name: str = ""

    def is_answered_by(self, answer: Mapping[str, str]) -> bool:
        """Tell whether the answer carries our state (RFC 6749 §10.12)."""
        return Secret(answer.get("state", "")) == self.state

    def code_of(self, answer: Mapping[str, str]) -> Secret:
        """
        Check the answer and take the authorization code out of it.

        Raises
        ------
        LoginMismatch
            ``state`` or ``iss`` (RFC 9207 §2.4) is not ours, or there is no code.
        LoginDenied
            The person said no (RFC 6749 §4.1.2.1).
        AuthorizationServerError
            The server answered with another error.
        """
        if not self.is_answered_by(answer):
            raise LoginMismatch(
                "the answer does not belong to this sign-in",
                why="Its state is not the one that was sent.",
                advice="Start again with %intermezzo_login and use only its link.",
                code="state_mismatch",
            )
        self._check_issuer(answer.get("iss"))
        if error := answer.get("error"):
            raise _refusal(error, answer.get("error_description", ""), self.where)
        if not (code := answer.get("code")):
            raise LoginMismatch(
                f"{self.where} sent neither a code nor an error",
                advice="Start again with %intermezzo_login.",
            )
        return Secret(code)

    @property
    def where(self) -> str:
        """What to show to the person: where they sign in."""
        return self.name or _host(self.url)

    @property
    def match(self) -> str:
        """Four letters by which a person sees that page and notebook belong together.

        They follow from ``state`` and tell nothing of it.
        """
        digest = hashlib.sha256(b"match " + self.state.reveal().encode()).digest()
        return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:4])

    def _check_issuer(self, iss: str | None) -> None:
        announced = self.metadata.authorization_response_iss_parameter_supported
        if iss is None and not announced:
            return
        if iss != self.metadata.issuer:
            raise LoginMismatch(
                "the answer comes from another authorization server",
                why="It names no issuer, though the server announces one."
                if iss is None
                else f"It should name the issuer {self.metadata.issuer}.",
                advice="Start again with %intermezzo_login. If it happens again, tell "
                "those who run the authorization server.",
                code="issuer_mismatch",
            )


class DeviceRequest(Struct, frozen=True):
    """
    One question that is answered on another device (RFC 8628 §3.2).

    Parameters
    ----------
    device_code : Secret
        What the client polls with; never shown.
    user_code : str
        What the person enters, or compares.
    verification_uri, verification_uri_complete : str
        Where; the second knows the code already, and is empty where there is none.
    expires_in, interval : float
        Seconds that the codes live, and between two polls.
    name : str
        How people call the server, where its host tells them nothing.
    """

    device_code: Secret
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: float
    interval: float
    name: str = ""

    @property
    def where(self) -> str:
        """What to show to the person: where they sign in."""
        return self.name or _host(self.verification_uri)


def _host(url: str) -> str:
    return url.split("://", 1)[-1].split("/", 1)[0].split("?", 1)[0]


def _refusal(
    error: str, description: str, host: str
) -> LoginDenied | AuthorizationServerError:
    why = plain(description)
    if error == "access_denied":
        return LoginDenied(
            f"the sign-in at {host} was refused",
            why=why
            or "Access was not allowed there; nothing was given to this kernel.",
            advice="If that was not meant, run %intermezzo_login again and allow it.",
        )
    return AuthorizationServerError(
        f"{host} refused the sign-in: {plain(error)}",
        why=why,
        advice="Check client_id, scope and redirect URI with those who run it.",
        code=plain(error),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Prompt:
    """
    All that a person needs to see in order to sign in.

    Parameters
    ----------
    url : str
        The link to open.
    where : str
        Whose page it is, to be shown beside the link: a host, or a name.
    deadline : float
        When the wait ends, in seconds of ``time.monotonic()``.
    redirect_uri : str or None
        The address to register, should the server's page complain.
    user_code : str
        The code to enter there, or to compare; empty where there is none.
    enter_at : str
        With a code: the short address for another device.
    match : str
        Letters that the closing page shows as well; empty where there is none.
    paste : {"", "possible", "expected"}
        Whether the address on which the browser ends can be given to
        :meth:`Login.paste`; expected where that page will show an error.
    """

    url: str = dataclasses.field(repr=False)
    where: str
    deadline: float
    redirect_uri: str | None = None
    user_code: str = ""
    enter_at: str = ""
    match: str = ""
    paste: Paste = ""

    def __str__(self) -> str:
        # A Jupyter server alone knows at which address the browser sees it.
        is_path = self.url.startswith("/")
        how = " with this path, put after the host in Jupyter's address" * is_path
        lines = [f"Sign in at {self.where}{how}:", self.url]
        if self.user_code:
            # RFC 8628 §3.3.1: shown even where the address knows it already.
            there = f"or enter it at {self.enter_at}"
            lines.append(f"Compare the code {self.user_code} there, {there}")
        return "\n".join(lines)
