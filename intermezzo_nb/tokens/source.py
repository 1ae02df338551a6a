"""The one judge of whether a token is good now, and the one that renews it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace

from ..errors import (
    AuthorizationServerError,
    LoginMismatch,
    LoginRequired,
    NetworkError,
    StoreError,
)
from ..oauth.models import Token
from ..secret import Secret
from .store import TokenStore

Renew = Callable[[Token | None, Callable[[Token], None]], Token]


@dataclass(frozen=True, slots=True)
class _Held:
    token: Token
    since: float  # of the monotonic clock, at ``token.issued_at``
    unsaved: bool
    advisory: float  # windows before the end of its life, in seconds
    mandatory: float

    @classmethod
    def of(cls, token: Token, since: float, *, unsaved: bool) -> _Held:
        life = token.expires_in or 0.0
        return cls(
            token, since, unsaved, min(300.0, 0.25 * life), min(30.0, 0.1 * life)
        )


@dataclass(frozen=True, slots=True)
class _Flight:
    outcome: Future[Token]
    rejected: Secret | None


class TokenSource:
    """
    A token that is good now.

    Two windows before the end of its life: in the *advisory* one (the last quarter,
    300 s at most) one thread renews in the background while others go on; in the
    *mandatory* one (the last tenth, 30 s at most) all wait for one renewal and share
    its outcome. A renewal happens under the store's lock and is saved before the
    token is handed out, so that a rotating refresh token is spent once.

    Parameters
    ----------
    renew : callable
        Gives the next token from the last one, or from nothing. What it receives it
        hands to its second argument at once, before it looks at anything else.
    clock, monotonic : callable
        Wall clock and monotonic clock, in seconds.
    """

    def __init__(
        self,
        store: TokenStore,
        key: str,
        renew: Renew,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store, self._key, self._renew = store, key, renew
        self._clock, self._monotonic = clock, monotonic
        self._held: _Held | None = None
        self._mutex = threading.Lock()
        self._flight: _Flight | None = None

    def token(self, *, rejected: Secret | None = None) -> Token:
        """
        Give a token that is good now; renew it first if it is not.

        Parameters
        ----------
        rejected : Secret or None
            An access token that the API has refused: it counts as dead.

        Raises
        ------
        LoginRequired
            Nobody is signed in, or the session has ended.
        NetworkError, AuthorizationServerError, StoreError
            It could not be renewed now; the session is kept.
        """
        held = self._held
        if held is None or held.unsaved or held.token.access_token == rejected:
            return self._after_renewal(rejected)
        if (left := self._left(held)) < held.advisory:
            if left < held.mandatory:
                return self._after_renewal(rejected)
            self._renewal(held.token.access_token)
        return held.token

    def peek(self) -> Token | None:
        """Give the token that is held or saved, good or not; renew nothing."""
        if self._held is None and (kept := self.store.load(self._key)):
            self._hold(kept)
        return self._held.token if self._held else None

    def accept(self, token: Token) -> None:
        """Take the token of a new sign-in, save it and use it from now on."""
        with self.store.lock(self._key):
            self._keep(token)

    def forget(self) -> Token | None:
        """Purge the session here; give what was purged, for its revocation."""
        with self.store.lock(self._key):
            with suppress(StoreError):
                self._adopt()
            purged = self._held.token if self._held else None
            self._end()
            return purged

    def seconds_left(self) -> float | None:
        """Give the life that the held token has left; None where that is unknown."""
        held = self._held
        if held is None or held.token.expires_in is None:
            return None
        return max(0.0, self._left(held))

    def _after_renewal(self, rejected: Secret | None) -> Token:
        while True:
            flight = self._renewal(rejected)
            token = flight.outcome.result()
            # One that was under way may not have known what was rejected.
            if token.access_token != rejected or flight.rejected == rejected:
                return token

    def _renewal(self, rejected: Secret | None) -> _Flight:
        # In a thread of its own: an interrupt ends the wait for it, but cannot come
        # between the server's answer and its saving.
        with self._mutex:
            if self._flight is None:
                self._flight = _Flight(Future(), rejected)
                threading.Thread(
                    target=self._fly, args=(self._flight,), name="intermezzo-renewal"
                ).start()
            return self._flight

    def _fly(self, flight: _Flight) -> None:
        try:
            outcome: Token | Exception = self._renewed(flight.rejected)
        except Exception as error:  # noqa: BLE001 (told to those who wait)
            outcome = error.with_traceback(None)
        with self._mutex:
            self._flight = None
        if isinstance(outcome, Token):
            flight.outcome.set_result(outcome)
        else:
            flight.outcome.set_exception(outcome)

    def _renewed(self, rejected: Secret | None) -> Token:
        with self.store.lock(self._key):
            if self._held and self._held.unsaved:
                self._save()
            self._adopt()
            held = self._held
            if held and not self._is_dead(held, rejected):
                return held.token
            try:
                newer = self._renew(held.token if held else None, self._keep)
            except LoginMismatch:
                self._end()
                raise
            except LoginRequired:
                if other := self._instead(held, rejected):
                    return other
                self._end()
                raise
            except (NetworkError, AuthorizationServerError):
                if held and self._is_still_alive(held, rejected):
                    return held.token
                raise
            if self._held is None or self._held.token != newer:
                self._keep(newer)
            return newer

    def _instead(self, held: _Held | None, rejected: Secret | None) -> Token | None:
        """Give what is good although nothing was renewed."""
        if held and not held.token.refresh_token:
            # Not renewable, but good until it ends.
            return held.token if self._is_still_alive(held, rejected) else None
        # Where locks do not reach every sibling, one may have been quicker.
        self._adopt()
        newer = self._held
        return newer.token if newer and not self._is_dead(newer, rejected) else None

    def _adopt(self) -> None:
        # A sibling may have renewed, or signed out, since we looked.
        kept, held = self.store.load(self._key), self._held
        if kept is None:
            # What has no refresh token is not kept by every store.
            self._held = held if held and not held.token.refresh_token else None
        elif held is None or _is_news(kept, held.token):
            self._hold(kept)

    def _keep(self, token: Token) -> None:
        # Held first: should saving fail, what was received is not lost.
        self._hold(token, unsaved=True)
        self._save()

    def _end(self) -> None:
        self._held = None
        self.store.delete(self._key)

    def _hold(self, token: Token, *, unsaved: bool = False) -> None:
        age = max(0.0, self._clock() - token.issued_at)
        self._held = _Held.of(token, self._monotonic() - age, unsaved=unsaved)

    def _save(self) -> None:
        if held := self._held:
            self.store.save(self._key, held.token)
            self._held = replace(held, unsaved=False)

    def _is_dead(self, held: _Held, rejected: Secret | None) -> bool:
        if held.unsaved or held.token.access_token == rejected:
            return True
        return self._left(held) < held.mandatory

    def _is_still_alive(self, held: _Held, rejected: Secret | None) -> bool:
        return held.token.access_token != rejected and self._left(held) > 0

    def _left(self, held: _Held) -> float:
        # The sooner of the two: the wall clock may be set back, the monotonic one
        # may stand still while the machine sleeps.
        token = held.token
        if token.expires_in is None:
            return float("inf")
        by_wall = token.issued_at + token.expires_in - self._clock()
        by_monotonic = held.since + token.expires_in - self._monotonic()
        return min(by_wall, by_monotonic)


def _is_news(kept: Token, held: Token) -> bool:
    if kept.refresh_token != held.refresh_token:
        return True
    # A keyring keeps the refresh token only.
    return bool(kept.access_token) and kept.access_token != held.access_token
