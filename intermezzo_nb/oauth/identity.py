"""The ID token verified; the only importer of the JWT library."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import jwt

from ..errors import AuthorizationServerError, LoginMismatch
from ..loading import begin
from ..quoting import plain
from ..secret import Secret
from ..tokens.forks import renew_in_child
from .models import ServerMetadata
from .wire import Skew

# Asymmetric only: never "none", and HS* would make a secret of the client a key.
_ALGORITHMS = frozenset(
    f"{family}{size}" for family in ("RS", "PS", "ES") for size in (256, 384, 512)
)
_LEEWAY = 60.0  # seconds between two clocks
_FAR = 1e11  # seconds since 1970: far beyond any sign-in, and no number to stumble on
_NONCE = "nonce_digest"  # what is kept of the nonce, for §12.2


class IdTokenVerifier:
    """
    The checks of OIDC Core §3.1.3.7 and, on a refresh, §12.2.

    Parameters
    ----------
    metadata : ServerMetadata
        Whose ID tokens are accepted.
    client_id : str
        For whom they have to be.
    keys : callable
        Fetches the JWK set; called once, and once more for an unknown ``kid`` or
        for a signature by none of those that were known.
    skew : Skew, optional
        By how much this machine's clock is wrong: the server's counts.
    """

    def __init__(
        self,
        metadata: ServerMetadata,
        client_id: str,
        keys: Callable[[], dict[str, Any]],
        *,
        skew: Skew | None = None,
    ) -> None:
        self._metadata, self._client_id, self._fetch = metadata, client_id, keys
        self._skew = skew or Skew()
        self._keys: list[tuple[Mapping[str, Any], jwt.PyJWK]] | None = None
        self.after_fork()
        renew_in_child(self)

    def after_fork(self) -> None:
        """Let go of keys that a thread of the parent waits for."""
        self._ahead: Future[object] | None = None

    def fetch_ahead(self) -> Future[object] | None:
        """
        Begin to fetch the server's keys (RFC 7517 §5), where none are known.

        Who comes again while they are on their way waits for the same ones: a server
        that leaves them unanswered is not asked at each attempt.

        Returns
        -------
        Future or None
            Its result raises what :meth:`fetch_keys` raises; None where they are known.
        """
        if self._keys is not None:
            return None
        if self._ahead is None or self._ahead.done():
            self._ahead = begin(self.fetch_keys, daemon=True)
        return self._ahead

    def fetch_keys(self) -> None:
        """
        Fetch the server's keys, where none are known.

        Raises
        ------
        NetworkError, AuthorizationServerError
            They could not be had.
        """
        if self._keys is None:
            self._keys = self._fetched()

    def verify(
        self, id_token: Secret, *, access_token: Secret, nonce: Secret | None
    ) -> dict[str, Any]:
        """
        Give the claims of a first ID token.

        Parameters
        ----------
        nonce : Secret or None
            What was sent; None where the grant has no place for one (RFC 8628).

        Raises
        ------
        LoginMismatch
            ``id_token_invalid``: nothing of the answer may be used.
        AuthorizationServerError
            The server does not publish the key: it cannot be verified.
        """
        claims = self._claims(id_token, access_token, clock=True)
        told = claims.pop("nonce", None)
        if nonce and (not isinstance(told, str) or Secret(told) != nonce):
            raise _invalid("its nonce is not the one that was sent")
        return {**claims, _NONCE: _digest(told)} if nonce else claims

    def verify_renewed(
        self, id_token: Secret, *, access_token: Secret, first: Mapping[str, Any]
    ) -> dict[str, Any]:
        """
        Give the claims of an ID token that came with a refresh (§12.2).

        Its times are not looked at: it only names the person once more, and a clock
        that was set meanwhile must not cost the sign-in.
        """
        claims = self._claims(id_token, access_token, clock=False)
        if (told := claims.pop("nonce", None)) is not None and _NONCE in first:
            claims[_NONCE] = _digest(told)
        for name in ("iss", "sub", "auth_time", _NONCE):
            told, known = claims.get(name), first.get(name)
            if None not in (told, known) and told != known:
                named = name.partition("_d")[0]
                raise _invalid(f"its {named} is not that of the sign-in")
        return claims

    def _claims(
        self, id_token: Secret, access_token: Secret, *, clock: bool
    ) -> dict[str, Any]:
        header = self._header(id_token)
        are_older = self._keys is not None
        try:
            try:
                claims = self._decoded(id_token, header, self._key(header))
            except jwt.InvalidSignatureError:
                if not are_older:
                    raise
                # Another may have taken the place of one without a name.
                self._keys = self._fetched()
                claims = self._decoded(id_token, header, self._key(header))
        except jwt.PyJWTError as fault:
            problem: str | None = plain(fault)
        except (ValueError, TypeError, RecursionError):
            problem = "it cannot be read"
        else:
            problem = self._problem(claims, header["alg"], access_token)
            if clock and not problem:
                problem = self._out_of_time(claims)
        if problem:
            raise _invalid(problem)
        return claims

    def _decoded(
        self, id_token: Secret, header: Mapping[str, Any], key: jwt.PyJWK
    ) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            id_token.reveal(),
            # The bare key: a JWK need not name the algorithm (RFC 7517 §4.4).
            key=key.key,
            algorithms=[header["alg"]],
            audience=self._client_id,
            issuer=self._metadata.issuer,
            # The times are compared elsewhere, by the server's clock.
            options={
                "require": ["iss", "sub", "aud", "exp", "iat"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
        return claims

    def _header(self, id_token: Secret) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(id_token.reveal())
        except (jwt.PyJWTError, ValueError):
            header = {}
        offered = self._metadata.id_token_signing_alg_values_supported
        allowed = _ALGORITHMS & set(offered) if offered else _ALGORITHMS
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in allowed:
            raise _invalid("it is not signed with an algorithm that is allowed")
        return header

    def _key(self, header: Mapping[str, Any]) -> jwt.PyJWK:
        self.fetch_keys()
        for attempt in ("known", "fetched anew"):
            if attempt == "fetched anew":
                self._keys = self._fetched()
            keys = [k for told, k in self._keys or () if self._fits(told, header)]
            if keys:
                return keys[0]
        raise AuthorizationServerError(
            "the ID token is signed with a key that the server does not publish",
            why="So it could not be verified.",
            advice="Try again in a while; if it stays, tell those who run the "
            "authorization server.",
            code="unknown_key",
        )

    def _fetched(self) -> list[tuple[Mapping[str, Any], jwt.PyJWK]]:
        document: Any = self._fetch()
        told = document.get("keys") if isinstance(document, dict) else None
        keys = []
        for jwk in told if isinstance(told, list) else []:
            with suppress(jwt.PyJWTError, AttributeError, TypeError, ValueError):
                keys.append((jwk, jwt.PyJWK(jwk)))
        return keys  # of a kind that is not known: passed by (RFC 7517 §5)

    @staticmethod
    def _fits(told: Mapping[str, Any], header: Mapping[str, Any]) -> bool:
        family = "EC" if header["alg"].startswith("ES") else "RSA"
        return (
            told.get("kty") == family
            and told.get("use") in {None, "sig"}
            and told.get("alg") in {None, header["alg"]}
            and header.get("kid") in {None, told.get("kid")}
        )

    def _problem(
        self, claims: Mapping[str, Any], algorithm: str, access_token: Secret
    ) -> str | None:
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if set(audience) != {self._client_id}:
            return "it is also for an audience that is not trusted"
        if claims.get("azp", self._client_id) != self._client_id:
            return "it was issued to another client"
        if "at_hash" in claims and not hmac.compare_digest(
            str(claims["at_hash"]).encode(errors="replace"),
            _at_hash(access_token, algorithm),
        ):
            return "it does not belong to the access token that came with it"
        return None

    def _out_of_time(self, claims: Mapping[str, Any]) -> str | None:
        times = [claims["exp"], claims["iat"], claims.get("nbf", claims["iat"])]
        if not all(type(t) in {int, float} and abs(t) < _FAR for t in times):
            return "its times are no numbers"
        now, (ends, issued, begins) = self._skew.now(), times
        told = _clock(self._skew.seconds)
        if now >= ends + _LEEWAY:
            return f"it ended {now - ends:.0f} s ago{told}"
        if now < max(issued, begins) - _LEEWAY:
            return f"it begins in {max(issued, begins) - now:.0f} s{told}"
        return None


def _clock(ahead: float) -> str:
    if not ahead:
        return ""
    side = "behind" if ahead > 0 else "ahead of"
    return f" by the server's clock (this machine's is {abs(ahead):.0f} s {side} it)"


def _digest(nonce: object) -> str:
    return hashlib.sha256(str(nonce).encode(errors="replace")).hexdigest()


def _at_hash(access_token: Secret, algorithm: str) -> bytes:
    # OIDC Core §3.1.3.6: the left half of the hash, base64url without padding. The
    # JWT library would have it made by cryptography, and load much for it.
    bits = algorithm[-3:]
    digest = hashlib.new(f"sha{bits}", access_token.reveal().encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")


def _invalid(problem: str) -> LoginMismatch:
    return LoginMismatch(
        "the ID token that came with the sign-in is not valid",
        why=f"{problem[:1].upper()}{problem[1:]}. Nothing of the answer was used.",
        advice="Start again with %intermezzo_login; check this machine's clock. If it "
        "happens again, tell those who run the authorization server.",
        code="id_token_invalid",
    )
