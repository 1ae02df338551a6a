"""A token in the hand: since when it is there, and how long it is good."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from ..oauth.models import Token


class Clocks(Struct, frozen=True):
    """Wall clock and monotonic clock, in seconds."""

    wall: Callable[[], float]
    monotonic: Callable[[], float]


class Held(Struct, frozen=True):
    """
    A token, and what this process knows of it.

    Parameters
    ----------
    since : float
        The monotonic clock when it was issued.
    advisory, mandatory : float
        Windows before the end of its life, in seconds.
    unsaved : bool
        It is not in the store yet, which has ``instead``.
    refused : bool
        By the API, however young it is.
    """

    token: Token
    clocks: Clocks
    since: float
    advisory: float
    mandatory: float
    unsaved: bool = False
    instead: Token | None = None
    refused: bool = False

    @classmethod
    def begun(
        cls,
        token: Token,
        clocks: Clocks,
        *,
        unsaved: bool = False,
        instead: Token | None = None,
    ) -> Held:
        """Take a token into the hand."""
        life = token.expires_in or 0.0
        return cls(
            token,
            clocks,
            since=clocks.monotonic() - max(0.0, clocks.wall() - token.issued_at),
            advisory=min(300.0, 0.25 * life),
            mandatory=min(30.0, 0.1 * life),
            unsaved=unsaved,
            instead=instead,
        )

    @property
    def left(self) -> float:
        """The life that is left, in seconds; infinite where it is unknown."""
        # The sooner of the two: the wall clock may be set back, the monotonic one
        # may stand still while the machine sleeps.
        token = self.token
        if token.expires_in is None:
            return float("inf")
        by_wall = token.issued_at + token.expires_in - self.clocks.wall()
        by_monotonic = self.since + token.expires_in - self.clocks.monotonic()
        return min(by_wall, by_monotonic)

    @property
    def is_alive(self) -> bool:
        """Whether it can be used at all: saved, not refused, not at its end."""
        return not (self.unsaved or self.refused) and self.left > 0

    @property
    def is_dead(self) -> bool:
        """Whether a renewal has to be waited for."""
        return self.unsaved or self.refused or self.left < self.mandatory


def is_same(one: Token | None, other: Token | None) -> bool:
    """Tell whether two are of one renewal; a keyring keeps the refresh token only."""
    if one is None or other is None:
        return one is other
    if one.refresh_token != other.refresh_token:
        return False
    is_known = bool(one.access_token) and bool(other.access_token)
    return not is_known or one.access_token == other.access_token
