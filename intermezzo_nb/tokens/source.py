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
from .forks import renew_in_child
from .store import TokenStore

Renew = Callable[[Token | None, Callable[[Token], None]], Token]


@dataclass(frozen=True, slots=True)
class _Held:
    token: Token
    since: float  # of the monotonic clock, at ``token.issued_at``
    advisory: float  # windows before the end of its life, in seconds
    mandatory: float
    unsaved: bool = False
    instead: Token | None = None  # what the store had when this came, while unsaved
    refused: bool = False  # by the API, however young it is


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
        self._flight: Future[Token] | None = None
        renew_in_child(self)

    def after_fork(self) -> None:
        """Let go of a renewal that goes on in the parent only."""
        self._mutex, self._flight = threading.Lock(), None

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
        token = self._good(rejected)
        if rejected is not None and token.access_token == rejected:
            # The renewal that was joined had begun before anybody knew of this.
            token = self._good(rejected)
        return token

    def peek(self) -> Token | None:
        """Give the token that is held or saved, good or not; renew nothing."""
        if self._held is None and (kept := self.store.load(self._key)):
            with self._mutex:
                # A renewal may have been faster; what it received is worth more.
                if self._held is None:
                    self._held = self._begun(kept)
        held = self._held
        return held.token if held else None

    def accept(self, token: Token) -> None:
        """Take the token of a new sign-in, save it and use it from now on."""
        kept = None
        with suppress(StoreError):
            kept = self.store.load(self._key)
        # Held also where locking or saving fails: what was received is not lost.
        try:
            with self.store.lock(self._key):
                self._hold(token, unsaved=True, instead=kept)
                self._save()
        except StoreError:
            self._hold(token, unsaved=True, instead=kept)
            raise

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

    def _good(self, rejected: Secret | None) -> Token:
        held = self._held if rejected is None else self._refused(rejected)
        if held is None or held.unsaved or held.refused:
            return self._renewal(None).result()
        if (left := self._left(held)) < held.advisory:
            if left < held.mandatory:
                return self._renewal(None).result()
            self._renewal(held.token.access_token)
        return held.token

    def _renewal(self, stale: Secret | None) -> Future[Token]:
        # In a thread of its own: an interrupt ends the wait for it, but cannot come
        # between the server's answer and its saving.
        with self._mutex:
            if self._flight is not None:
                return self._flight
            flight = self._flight = Future()
        thread = threading.Thread(
            target=self._fly, args=(flight, stale), name="intermezzo-renewal"
        )
        try:
            thread.start()
        except RuntimeError:
            self._fly(flight, stale)  # there are no threads left, or Python is ending
        return flight

    def _fly(self, flight: Future[Token], stale: Secret | None) -> None:
        try:
            outcome: Token | BaseException = self._renewed(stale)
        except BaseException as error:  # noqa: BLE001 (told to those who wait)
            outcome = error.with_traceback(None)
        with self._mutex:
            self._flight = None
        if isinstance(outcome, Token):
            flight.set_result(outcome)
        else:
            flight.set_exception(outcome)

    def _renewed(self, stale: Secret | None) -> Token:
        with self.store.lock(self._key):
            self._adopt()
            self._save()
            held = self._held
            if held and held.token.access_token != stale and not self._is_dead(held):
                return held.token
            sent = held.token if held else None
            try:
                newer = self._renew(sent, self._keep)
            except LoginRequired:
                if other := self._instead_of(sent):
                    return other
                raise
            except LoginMismatch:
                self._end()
                raise
            except (NetworkError, AuthorizationServerError):
                if alive := self._alive():
                    return alive
                raise
            if self._held is None or self._held.token != newer:
                self._keep(newer)
            return newer

    def _alive(self) -> Token | None:
        # The API may have refused it while we asked.
        held = self._held
        is_alive = held and not held.refused and self._left(held) > 0
        return held.token if held and is_alive else None

    def _instead_of(self, sent: Token | None) -> Token | None:
        """Look once more before a session is dropped for what the server says."""
        if sent and sent.refresh_token is None and (alive := self._alive()):
            return alive  # not renewable, but good until it ends
        # Where the lock does not reach, on some network disks, a sibling was faster.
        self._adopt()
        held = self._held
        if held is None or _is_same(held.token, sent):
            self._end()
            return None
        return None if self._is_dead(held) else held.token

    def _adopt(self) -> None:
        # A sibling may have renewed, or signed out, since we looked.
        held = self._held
        try:
            kept = self.store.load(self._key)
        except StoreError:
            if held and held.unsaved:
                return  # saving may mend it
            raise
        if held and held.unsaved and _is_same(kept, held.instead):
            return
        if kept is None:
            # What has no refresh token is not kept by every store.
            self._held = held if held and not held.token.refresh_token else None
        elif held is None or not _is_same(kept, held.token):
            self._hold(kept)

    def _keep(self, token: Token) -> None:
        # Held first: should saving fail, what was received is not lost.
        instead = self._held.token if self._held else None
        self._hold(token, unsaved=True, instead=instead)
        self._save()

    def _end(self) -> None:
        self._held = None
        self.store.delete(self._key)

    def _hold(
        self, token: Token, *, unsaved: bool = False, instead: Token | None = None
    ) -> None:
        with self._mutex:
            self._held = self._begun(token, unsaved=unsaved, instead=instead)

    def _begun(
        self, token: Token, *, unsaved: bool = False, instead: Token | None = None
    ) -> _Held:
        life = token.expires_in or 0.0
        return _Held(
            token,
            since=self._monotonic() - max(0.0, self._clock() - token.issued_at),
            advisory=min(300.0, 0.25 * life),
            mandatory=min(30.0, 0.1 * life),
            unsaved=unsaved,
            instead=instead,
        )

    def _refused(self, rejected: Secret) -> _Held | None:
        with self._mutex:
            held = self._held
            if held and held.token.access_token == rejected:
                held = self._held = replace(held, refused=True)
            return held

    def _save(self) -> None:
        held = self._held
        if held is None or not held.unsaved:
            return
        self.store.save(self._key, held.token)
        with self._mutex:
            if self._held and self._held.token is held.token:
                self._held = replace(self._held, unsaved=False, instead=None)

    def _is_dead(self, held: _Held) -> bool:
        is_withheld = held.unsaved or held.refused
        return is_withheld or self._left(held) < held.mandatory

    def _left(self, held: _Held) -> float:
        # The sooner of the two: the wall clock may be set back, the monotonic one
        # may stand still while the machine sleeps.
        token = held.token
        if token.expires_in is None:
            return float("inf")
        by_wall = token.issued_at + token.expires_in - self._clock()
        by_monotonic = held.since + token.expires_in - self._monotonic()
        return min(by_wall, by_monotonic)


def _is_same(one: Token | None, other: Token | None) -> bool:
    if one is None or other is None:
        return one is other
    if one.refresh_token != other.refresh_token:
        return False
    # A keyring keeps the refresh token only.
    is_known = bool(one.access_token) and bool(other.access_token)
    return not is_known or one.access_token == other.access_token
