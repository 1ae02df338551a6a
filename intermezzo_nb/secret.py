"""A string that shows itself to nobody who does not ask for it by name."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import NoReturn

_MASK = "Secret(…)"


class Secret:
    """
    A token, secret, code or verifier.

    It has no ``__dict__``, prints as a mask in every form, compares in constant
    time and refuses to be pickled or copied out of the process.

    Parameters
    ----------
    value : str
        The text to keep; :meth:`reveal` gives it back.
    """

    __slots__ = ("_reveal",)

    def __init__(self, value: str) -> None:
        # A closure, not an attribute: debuggers and inspectors print attributes.
        def reveal() -> str:
            return value

        self._reveal: Callable[[], str] = reveal

    def reveal(self) -> str:
        """Give the text; call it only where it goes straight to its receiver."""
        return self._reveal()

    def __repr__(self) -> str:
        return _MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return _MASK

    def __bool__(self) -> bool:
        return bool(self._reveal())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        one, two = (s.reveal().encode(errors="surrogatepass") for s in (self, other))
        return hmac.compare_digest(one, two)

    def __hash__(self) -> int:
        return hash(self._reveal())

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret does not leave this process")
