"""
Every exception, sorted by what the person does next.

::

    IntermezzoError                code: a stable word; advice: what to do next
    ├── SettingsError              fix a setting
    │   └── BadTable               correct the rows, nothing of which was sent
    ├── LoginError                 sign in (again)
    │   ├── LoginRequired          there is no session, or it has ended
    │   ├── LoginDenied            somebody said no
    │   ├── LoginExpired           nobody answered in time
    │   ├── LoginCancelled         it was stopped here
    │   │   └── LoginInterrupted   by an interrupt, which this is as well
    │   └── LoginMismatch          the answer is not to our question
    ├── AuthorizationServerError   tell who runs it
    ├── StoreError                 the session could not be read, written or locked
    ├── ApiError                   look at the request
    │   ├── NotAllowed             a permission is missing
    │   ├── NotFound
    │   ├── ValidationFailed       the API names the field
    │   ├── RateLimited            ask again later
    │   └── PagingError            the pages do not fit together
    ├── SendFailed                 look at its report: nothing is lost
    └── NetworkError               nobody answered

A frame from which something is missing is no error: it comes with one
:class:`IncompleteWarning`. An interrupt is none either: it is raised as
:class:`Interrupted`, which is a KeyboardInterrupt.

No message holds a token, code, verifier, state, secret or a query string.
"""

from __future__ import annotations

from typing import Any, ClassVar

from .quoting import plain
from .wrapping import wrapped

__all__ = [
    "ApiError",
    "AuthorizationServerError",
    "BadTable",
    "IncompleteWarning",
    "IntermezzoError",
    "Interrupted",
    "LoginCancelled",
    "LoginDenied",
    "LoginError",
    "LoginExpired",
    "LoginInterrupted",
    "LoginMismatch",
    "LoginRequired",
    "NetworkError",
    "NotAllowed",
    "NotFound",
    "PagingError",
    "RateLimited",
    "SendFailed",
    "SettingsError",
    "StoreError",
    "ValidationFailed",
]


CLIENT_ERRORS = range(400, 500)
"""The statuses that say that the request was wrong (RFC 9110 §15.5)."""


class IntermezzoError(Exception):
    """
    What every error of this package is.

    Parameters
    ----------
    what : str
        What happened, in one sentence, naming the profile or endpoint.
    why : str, optional
        The reason, as far as it is known.
    advice : str, optional
        What to do next.
    code : str, optional
        A stable word for programs and schedulers; each class has its own default.
    """

    default_code: ClassVar[str] = "error"
    full_traceback: ClassVar[bool] = False
    """Set on this class to see the frames as well in IPython."""

    def __init__(
        self, what: str, *, why: str = "", advice: str = "", code: str = ""
    ) -> None:
        super().__init__(what)
        self.what, self.why, self.advice = what, why, advice
        self.code = code or self.default_code

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception would call the class with its positional arguments alone.
        return (type(self).__new__, (type(self), self.what), self.__dict__)

    def lines(self) -> list[str]:
        """Give what, why and what next, one line each."""
        lines = [f"Intermezzo: {self.what} [{self.code}]"]
        lines += [f"Why: {self.why}"] if self.why else []
        lines += [f"Next: {self.advice}"] if self.advice else []
        return [plain(line, limit=2500) for line in lines]

    def _render_traceback_(self) -> list[str]:
        # IPython asks for this instead of drawing the frames.
        return _rendered(self, self.lines())


def _rendered(error: BaseException, lines: list[str]) -> list[str]:
    if IntermezzoError.full_traceback:
        import traceback

        return traceback.format_exception(error)
    return [wrapped(line) for line in lines]


class SettingsError(IntermezzoError, ValueError):
    """A setting is missing, wrong, or in the wrong place."""

    default_code = "bad_setting"


class BadTable(SettingsError):
    """
    A table cannot be sent as it is, and nothing of it was.

    Parameters
    ----------
    problems : pandas.DataFrame of shape (problems, 3)
        All of them, with the columns ``label``, ``field`` and ``problem``; the label is
        None for what concerns the whole table, the field empty for a whole row.
    """

    default_code = "bad_table"

    def __init__(
        self,
        what: str,
        *,
        why: str = "",
        advice: str = "",
        code: str = "",
        problems: Any = None,
    ) -> None:
        super().__init__(what, why=why, advice=advice, code=code)
        self.problems = problems


class LoginError(IntermezzoError):
    """Signing in did not work, or is needed."""

    default_code = "login_failed"


class LoginRequired(LoginError):
    """There is no session, or the one there was has ended."""

    default_code = "login_required"


class LoginDenied(LoginError):
    """The person, or the server on their behalf, said no."""

    default_code = "login_denied"


class LoginExpired(LoginError):
    """Nobody finished the sign-in in time."""

    default_code = "login_expired"


class LoginCancelled(LoginError):
    """The sign-in was stopped in the notebook."""

    default_code = "login_cancelled"


class LoginInterrupted(LoginCancelled, KeyboardInterrupt):
    """The sign-in was stopped by an interrupt, and what waited for it as well."""


class LoginMismatch(LoginError):
    """The answer does not belong to our question, so nothing in it was used."""

    default_code = "login_mismatch"


class AuthorizationServerError(IntermezzoError):
    """
    The authorization server answered, but not as it should.

    Parameters
    ----------
    status : int or None
        The HTTP status, where there was one.
    """

    default_code = "server_error"

    def __init__(
        self,
        what: str,
        *,
        why: str = "",
        advice: str = "",
        code: str = "",
        status: int | None = None,
    ) -> None:
        super().__init__(what, why=why, advice=advice, code=code)
        self.status = status


class StoreError(IntermezzoError, OSError):
    """The session could not be read, written or locked."""

    default_code = "store_error"


class ApiError(IntermezzoError):
    """
    The API answered with an error.

    Parameters
    ----------
    status : int or None
        The HTTP status.
    request_id : str or None
        The server's own name of the request, for a support ticket.
    retry_after : float or None
        Seconds the server asked to wait.
    details : object
        The ``details`` of the error body, as decoded JSON.
    """

    default_code = "api_error"
    said: str = ""
    """What the API itself said; empty where that is no more than "not found"."""

    def __init__(
        self,
        what: str,
        *,
        why: str = "",
        advice: str = "",
        code: str = "",
        status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        details: object = None,
    ) -> None:
        super().__init__(what, why=why, advice=advice, code=code)
        self.status, self.request_id = status, request_id
        self.retry_after, self.details = retry_after, details


class NotAllowed(ApiError):
    """HTTP 403: the token lacks a permission."""

    default_code = "not_allowed"


class NotFound(ApiError):
    """HTTP 404: there is no such thing, or not for this account."""

    default_code = "not_found"
    in_doubt: bool = False
    """Whether it names another fault, is of a later page, or no answer of an API's."""


class ValidationFailed(ApiError):
    """HTTP 400 or 422: the API names what is wrong in ``details``."""

    default_code = "validation_failed"


class RateLimited(ApiError):
    """HTTP 429, still after waiting as the server asked."""

    default_code = "rate_limited"


class PagingError(ApiError):
    """The pages of a list do not fit together."""

    default_code = "paging_error"


class SendFailed(IntermezzoError):
    """
    Not all that was to be sent has arrived as it should, or what came back is not here.

    Parameters
    ----------
    report : SendReport
        What became of each row.
    """

    default_code = "send_failed"

    def __init__(
        self,
        what: str,
        *,
        why: str = "",
        advice: str = "",
        code: str = "",
        report: Any = None,
    ) -> None:
        super().__init__(what, why=why, advice=advice, code=code)
        self.report = report


class IncompleteWarning(UserWarning):
    """Something is missing from a frame that was asked for whole."""


class NetworkError(IntermezzoError, ConnectionError):
    """
    Nobody answered; the cause is told by name and text, without its frames.

    ``unanswered`` is true where a request may have arrived, and only its answer is
    missing.
    """

    default_code = "network_error"
    unanswered: bool = False


class Interrupted(KeyboardInterrupt):
    """Somebody interrupted: told in a line, not by the frames it fell into."""

    def _render_traceback_(self) -> list[str]:
        return _rendered(self, [f"Intermezzo: {self}"])
