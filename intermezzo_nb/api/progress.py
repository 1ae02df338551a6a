"""How far a reading is, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Progress:
    """
    How far a reading is; as text it is one line.

    Parameters
    ----------
    requests, rows : int
        Done so far.
    total : int or None
        Rows of the whole list, where the server tells.
    seconds : float
        Since the reading began.
    waiting : str
        What is waited for, else empty.
    planned : int or None
        Requests that the whole takes, where that is known.
    slowed_to : float
        Requests a second that the server bears; 0 where it has refused none.
    """

    resource: str
    requests: int = 0
    rows: int = 0
    total: int | None = None
    seconds: float = 0.0
    waiting: str = ""
    planned: int | None = None
    slowed_to: float = 0.0

    def __str__(self) -> str:
        of = f" of {self.total:,}" if self.total is not None else ""
        asked = plural(self.requests, "request")
        if self.planned and self.planned > 1:
            asked = f"{self.requests:,} of {self.planned:,} requests"
        parts = [self.resource, f"{self.rows:,}{of} rows", asked]
        if self.rows and self.seconds > 1:
            parts.append(f"{self.rows / self.seconds:,.0f} rows/s")
        parts.append(f"{self.seconds:.1f} s")
        if self.slowed_to:
            parts.append(f"slowed to {self.slowed_to:.0f} requests/s")
        return " · ".join([*parts, self.waiting] if self.waiting else parts)


def as_listener(progress: Any) -> Callable[[Progress], None]:
    """Give who is told of a progress; a bar such as tqdm's is moved by it."""
    made = getattr(progress, "func", progress)  # of a functools.partial
    is_bar = all(hasattr(made, name) for name in ("update", "close"))
    return _Bar(progress) if is_bar else progress


def finish(progress: Callable[[Progress], None]) -> None:
    """Tell that nothing more comes."""
    if isinstance(progress, _Bar):
        progress.close()


def waits_alone(tell: Callable[[str], None]) -> Callable[[Progress], None]:
    """Tell of waits, each once, and of nothing else."""
    told: set[str] = set()

    def listen(progress: Progress) -> None:
        if progress.waiting and progress.waiting not in told:
            told.add(progress.waiting)
            tell(f"Intermezzo: {progress.resource}: {progress.waiting} …")

    return listen


class _Bar:
    """A bar that counts rows: a class such as ``tqdm``, or one that was made by it."""

    def __init__(self, bar: Any) -> None:
        self._make = bar if callable(bar) else lambda **_: bar
        self._bar: Any = None

    def __call__(self, now: Progress) -> None:
        if self._bar is None:
            if not now.requests:
                return  # the first answer tells how many rows there are
            self._bar = self._make(total=now.total, desc=now.resource, unit="row")
        self._bar.total = now.total
        if hasattr(self._bar, "set_postfix_str"):
            self._bar.set_postfix_str(now.waiting, refresh=bool(now.waiting))
        self._bar.update(now.rows - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def plural(count: int, word: str) -> str:
    """Give a count and its word."""
    return f"{count:,} {word}" + ("" if count == 1 else "s")
