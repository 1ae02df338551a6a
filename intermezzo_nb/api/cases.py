"""A row as a journal knows it, however often it was sent and corrected."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct, field

from .outcomes import CREATED, Outcome


class Row(NamedTuple):
    """
    A row that is sent: in words outside of a journal, in hashes of them inside.

    Parameters
    ----------
    mark : str
        What it says.
    whose : str
        Who is paid, or the caller's label.
    before : tuple of str
        What it said before, and is corrected by this.
    """

    mark: str
    whose: str
    before: tuple[str, ...] = ()


class Case(Struct, eq=False):
    """
    One row that is to be created once, whatever it said each time that it was sent.

    Parameters
    ----------
    mark, whose : str
        What it said when it was sent last, and whose it was.
    outcome : Outcome
        What became of it then.
    turn : int
        The number of that request.
    said : set of str
        All that it has ever said.
    planned : set of str
        Corrections of which nothing has reached the API yet.
    was_open : bool
        An attempt was not answered.
    """

    mark: str
    whose: str
    outcome: Outcome
    turn: int = 0
    said: set[str] = field(default_factory=set)
    planned: set[str] = field(default_factory=set)
    was_open: bool = False

    @property
    def is_created(self) -> bool:
        """Whether nothing is to be done about it any more."""
        return self.outcome.state == CREATED
