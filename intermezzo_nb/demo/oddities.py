"""How the practice server misbehaves when it is asked to, and odd shapes of records."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

# Nobody documents them, so a client cannot expect them.
_EXTRA = {"costCenter": "4711", "audit": {"source": "import", "revision": 3}}
_LEFT_OUT = frozenset(
    {"createdAt", "updatedAt", "createdBy", "externalRef", "description", "mimeType"}
)
# Records inside an organization, which a client may read by themselves.
_RECORDS = frozenset({"workSites", "bankAccounts", "contacts", "insuranceData"})


class Faults:
    """
    Which requests fail: the same share with every seed, others with each.

    Parameters
    ----------
    refuse, reset : float
        The shares of requests that are refused with a 429, and whose connection is
        reset in place of an answer.
    """

    def __init__(self, refuse: float, reset: float, seed: int) -> None:
        self._refuse, self._reset = refuse, reset
        self._dice = random.Random(f"faults/{seed}")  # noqa: S311 (not secret)
        self.refused = self.resets = 0

    def next(self) -> str:
        """Give what becomes of one request: ``refuse``, ``reset``, or nothing."""
        number = self._dice.random()
        if number < self._refuse:
            self.refused += 1
            return "refuse"
        if number < self._refuse + self._reset:
            self.resets += 1
            return "reset"
        return ""


class Drift:
    """
    Lists of employees that change while they are read.

    Before the second page of a list is given, its first employee leaves it; before the
    next one they are back; and so on.

    Parameters
    ----------
    changes : int
        How many changes each list sees.
    """

    def __init__(self, changes: int) -> None:
        self._most = changes
        self._made: Counter[int] = Counter()

    def there(
        self, numbers: Sequence[int], organization: int, *, is_first: bool
    ) -> Sequence[int]:
        """Give who is in a list when a page of it is asked for."""
        if not is_first and self._made[organization] < self._most:
            self._made[organization] += 1
        return numbers[1:] if self._made[organization] % 2 else numbers


class Fields:
    """
    Records with more members than are documented, or without some that are.

    Parameters
    ----------
    extra, missing : bool
    """

    def __init__(self, *, extra: bool = False, missing: bool = False) -> None:
        self._extra, self._missing = extra, missing

    def answered(self, answer: Any) -> Any:
        """Give an answer whose records have other members; a list's own ones stay."""
        for name in ("items", "months"):
            if isinstance(answer, dict) and name in answer:
                return {**answer, name: self.changed(answer[name])}
        return self.changed(answer)

    def changed(self, record: Any) -> Any:
        """Give a record, or each of a list of them, with other members."""
        if isinstance(record, list):
            return [self.changed(item) for item in record]
        if not isinstance(record, dict) or not (self._extra or self._missing):
            return record
        kept = {
            name: self._inner(name, value)
            for name, value in record.items()
            if not (self._missing and name in _LEFT_OUT)
        }
        return kept | _EXTRA if self._extra else kept

    def _inner(self, name: str, value: Any) -> Any:
        if name in _RECORDS:
            return self.changed(value)
        is_bare = self._missing and isinstance(value, (dict, list))
        return Fields(missing=True).changed(value) if is_bare else value
