"""What to do about rows that were not created: said beside a report."""

from __future__ import annotations

import pandas as pd

from ..errors import NotFound
from .countries import EMPLOYEE_ID
from .forms import REFERENCE
from .outcomes import REJECTED, UNCERTAIN, UNSENT
from .posting import Delivery
from .resources import CATALOGUE

THERE = "probably created by the attempt whose answer was lost"
_TELLING = (REFERENCE, "email")  # the columns that may tell rows apart


def next_steps(
    name: str, owner: str, frame: pd.DataFrame, delivery: Delivery, at: str
) -> list[str]:
    """
    Say what to do next.

    Parameters
    ----------
    name : str
        Of what was sent.
    owner : str
        The organization whose it is; empty where there is none.
    frame : pandas.DataFrame of shape (rows, columns)
        As it was sent.
    at : str
        Where the reader finds the report.
    """
    states = {outcome.state for outcome in delivery.outcomes}
    told = _about_uncertain(_look_up(name, owner), delivery, at)
    told += [_by_index(frame, at)] if told else []
    if REJECTED in states:
        told.append(f"Correct those in {at}.rejected; hand them to {at}.retry(…).")
    if UNSENT in states and isinstance(delivery.stopped, NotFound):
        told.append(
            f"{delivery.stopped.advice} {at}.retry(…) sends to the same place; for "
            "another, send anew."
        )
    elif UNSENT in states:
        told.append(f"Hand {at}.unsent to {at}.retry(…) once the reason is gone.")
    return told


def _about_uncertain(look_up: str, delivery: Delivery, at: str) -> list[str]:
    uncertain = [o for o in delivery.outcomes if o.state == UNCERTAIN]
    told = []
    if there := {e.code for o in uncertain if o.is_there for e in o.errors}:
        codes = ", ".join(sorted(there))
        told.append(
            f"Those answered with {codes} in {at}.uncertain were {THERE}: look them up "
            f"{look_up}, and hand them to {at}.confirm(…)."
        )
    if not all(outcome.is_there for outcome in uncertain):
        told.append(
            f"Look up those in {at}.uncertain {look_up}; then hand those of its rows "
            f"that are there to {at}.confirm(…), the others to {at}.retry(…)."
        )
    return told


def _look_up(name: str, owner: str) -> str:
    if name not in CATALOGUE:
        return "in Intermezzo"
    where = f', organization="{owner}"' if owner else ""
    return f'by found = frame("{name}"{where})'


def _by_index(frame: pd.DataFrame, at: str) -> str:
    told = "Rows go by your index: hand them over as they are"
    rows = f"{at}.uncertain[lambda rows: rows"
    if EMPLOYEE_ID in frame:
        return f'{told}, such as {rows}["{EMPLOYEE_ID}"].isin([…])].'
    for name in (n for n in _TELLING if n in frame):
        # Nothing is no sign of a row, and what two rows have is none of either.
        if frame[name].notna().all() and frame[name].is_unique:
            return (
                f'{told}, such as {rows}["{name}"].isin(found["{name}"])], where no '
                f"such {name} was there before."
            )
    return f"{told}; of rows that are alike, count how many are there."
