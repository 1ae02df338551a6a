"""What failed for some of many, while the reading goes on for the others."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..errors import CLIENT_ERRORS, ApiError, IntermezzoError, NetworkError, NotFound

ABOUT_SOME = (ApiError, NetworkError)
_ALIKE = 5  # failures in a row, after which the others are not expected to do better
_MISSING = 25  # the same, of who is not there: ids may come in any order
_SHOWN = 3  # in a note; the rest is counted
_TOO_MANY = 429


class Owner(NamedTuple):
    """Whose records they are; empty text where that is nobody's business."""

    organization: str = ""
    employee: str = ""


class Failures:
    """
    The owners whose records could not be read, and why.

    What concerns everybody is raised instead. That is so where five in a row fail
    alike, and either none has succeeded before, or it is no answer about them: nobody
    answered, the server is not well, it wants fewer requests, or something else than
    the API answers. It is so too where all fail alike, few as they are. Of those who
    are not there, it takes 25.

    Parameters
    ----------
    of : {"employee", "organization"}
    strict : bool
        Raise the first.
    """

    def __init__(self, of: str, *, strict: bool) -> None:
        self._of, self.strict = of, strict
        self.listed: list[dict[str, Any]] = []
        """One object each, as ``df.attrs`` tells them."""
        self._last: IntermezzoError | None = None
        self._alike = 0
        self._has_good = False

    def insist(self) -> None:
        """
        Bear none from now on.

        Raises
        ------
        ApiError, NetworkError
            One has failed already; it is the last.
        """
        self.strict = True
        if self._last is not None:
            raise self._last

    def good(self) -> None:
        """Count one that has not failed."""
        self._has_good, self._alike = True, 0

    def add(
        self, owner: Owner, error: IntermezzoError, *, is_its_own: bool = False
    ) -> None:
        """
        Count one that has failed.

        Parameters
        ----------
        is_its_own : bool
            Whether it says nothing of the others, before they are asked.

        Raises
        ------
        ApiError, NetworkError
            It concerns everybody, or is not to be borne.
        """
        is_alike = self._last is not None and _kind(self._last) == _kind(error)
        self._alike = self._alike + 1 if is_alike else 1
        self._last = error
        self.listed.append(
            {
                "employee": owner.employee or None,
                "organization": owner.organization or None,
                "status": getattr(error, "status", None),
                "what": error.what,
            }
        )
        concerns_all = not self._has_good or not _is_about_one(error)
        is_of_one = isinstance(error, NotFound) and not error.in_doubt
        most = _MISSING if is_of_one else _ALIKE
        is_enough = self._alike >= most and not is_its_own
        if self.strict or (concerns_all and is_enough):
            raise error

    def end(self) -> None:
        """
        Judge all of them.

        Raises
        ------
        ApiError, NetworkError
            Each has failed, and in the same way.
        """
        error, count = self._last, len(self.listed)
        if error and not self._has_good and self._alike == count:
            if count > 1:
                all_of_them = (
                    f"Each of {count:,} {self._of}s failed so; it is the last."
                )
                error.why = f"{error.why} {all_of_them}".strip()
            raise error

    def notes(self, count: int) -> list[str]:
        """Tell what failed, of so many."""
        if not self.listed:
            return []
        told = [f"{one[self._of]}: {one['what']}" for one in self.listed[:_SHOWN]]
        rest = len(self.listed) - _SHOWN
        more = [f"and {rest:,} more"] if rest > 0 else []
        return [
            f"{len(self.listed):,} of {count:,} {self._of}s failed: "
            + "; ".join([*told, *more])
        ]


def _kind(error: IntermezzoError) -> tuple[type, Any]:
    return type(error), getattr(error, "status", None)


def _is_about_one(error: IntermezzoError) -> bool:
    if not isinstance(error, ApiError):
        return False
    status = error.status
    return status is None or (status in CLIENT_ERRORS and status != _TOO_MANY)
