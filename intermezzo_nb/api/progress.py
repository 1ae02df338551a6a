"""How far a reading is, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

_FIRST_WORD, _LONGEST_SILENCE = 10.0, 300.0  # seconds


class Progress(Struct, frozen=True):
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
    employees : int
        Done so far, where each of many is asked.
    of_employees : int or None
        How many are asked; None where that is not how the reading goes.
    step : str
        A list that is needed first; the figures are those of that list then.
    """

    resource: str
    requests: int = 0
    rows: int = 0
    total: int | None = None
    seconds: float = 0.0
    waiting: str = ""
    planned: int | None = None
    slowed_to: float = 0.0
    employees: int = 0
    of_employees: int | None = None
    step: str = ""

    def __str__(self) -> str:
        of = f" of {self.total:,}" if self.total is not None else ""
        asked = plural(self.requests, "request")
        if self.planned and self.planned > 1:
            asked = f"{self.requests:,} of {self.planned:,} requests"
        parts = [self.resource]
        if self.step:
            parts.append(f"{self.step} first")
        if self.of_employees is not None:
            parts.append(f"{self.employees:,} of {self.of_employees:,} employees")
        parts += [f"{self.rows:,}{of} rows", asked]
        if self.rows and self.seconds > 1:
            parts.append(f"{self.rows / self.seconds:,.0f} rows/s")
        parts.append(f"{self.seconds:.1f} s")
        if self.slowed_to:
            rate = self.slowed_to
            each = f"{rate:.0f} requests/s" if rate >= 1 else f"one in {1 / rate:.0f} s"
            parts.append(f"slowed to {each}")
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


def seldom(tell: Callable[[str], None], *, watched: bool) -> Callable[[Progress], None]:
    """
    Tell of waits, each once; and of what takes long, at ever longer intervals.

    Parameters
    ----------
    watched : bool
        Whether somebody is there to be told how far it is; else waits alone are told.
    """
    told: set[str] = set()
    due = _FIRST_WORD

    def listen(progress: Progress) -> None:
        nonlocal due
        if progress.waiting and progress.waiting not in told:
            told.add(progress.waiting)
            tell(f"Intermezzo: {progress.resource}: {progress.waiting} …")
        elif watched and progress.seconds >= due:
            while due <= progress.seconds:
                due += min(due, _LONGEST_SILENCE)
            tell(f"Intermezzo: {progress} …")

    return listen


class _Bar:
    """
    A bar that counts rows, or the employees that are asked.

    Parameters
    ----------
    bar : type or object
        A class such as ``tqdm``, or one that was made by it.
    """

    def __init__(self, bar: Any) -> None:
        self._make = bar if callable(bar) else lambda **_: bar
        self._bar: Any = None

    def __call__(self, now: Progress) -> None:
        if now.step:
            return
        is_of_rows = now.of_employees is None
        done, total = (
            (now.rows, now.total) if is_of_rows else (now.employees, now.of_employees)
        )
        if self._bar is None:
            if not now.requests:
                return  # the first answer tells how many rows there are
            unit = "row" if is_of_rows else "employee"
            self._bar = self._make(total=total, desc=now.resource, unit=unit)
        self._bar.total = total
        if hasattr(self._bar, "set_postfix_str"):
            self._bar.set_postfix_str(now.waiting, refresh=bool(now.waiting))
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def plural(count: int, word: str) -> str:
    """Give a count and its word."""
    return f"{count:,} {word}" + ("" if count == 1 else "s")
