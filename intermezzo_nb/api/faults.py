"""What an answer of the API that is no success means, by what to do next."""

from __future__ import annotations

import datetime as dt
import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from ..errors import (
    CLIENT_ERRORS,
    ApiError,
    IntermezzoError,
    LoginRequired,
    NetworkError,
    NotAllowed,
    NotFound,
    RateLimited,
    SettingsError,
    ValidationFailed,
)
from ..quoting import plain
from ..reasons import inner_of, reason_of
from .answers import decoded
from .connections import Overdue, Unconnected
from .signing import unsigned

_BY_STATUS: Mapping[int, type[ApiError]] = {
    400: ValidationFailed,
    403: NotAllowed,
    404: NotFound,
    422: ValidationFailed,
    429: RateLimited,
}
_ADVICE: Mapping[type[ApiError], str] = {
    ValidationFailed: "Change what the API names; details are in .details.",
    NotFound: "Check the path and what it names: ids, a year, the organization.",
    RateLimited: "Wait, then run it again; ask for less at once.",
}
# What a 404 is about where it is not what was asked for. An API's own codes for that
# are not documented, so any other may be one.
_ELSEWHERE = re.compile(
    r"(?i)\broute|\bcannot get\b|endpoint|gateway|upstream|backend|internal"
    r"|unavailable|time.?out|unknown.?error|unauthori[sz]ed|forbidden"
    r"|missing.scope|insufficient.scope"
    r"|^(the |no )?(organi[sz]ation|tenant|org)\b[^.]{0,40}\bnot[ -]"
    r"|^(organi[sz]ation|tenant|org)_not"
)
_WORDS = ("error", "code", "type", "title", "message", "detail")
_PASSING = frozenset({408, 425, 429})  # of 4xx, what another time may mend
_BY_ROW = frozenset({"data", "payslips", "errors"})
_BEGINNINGS = (b"{", b"[")
_CUT = (
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
    urllib3.exceptions.ReadTimeoutError,
)
# Raised before anything of a request is on its way.
_UNCONNECTED = (
    requests.exceptions.ConnectTimeout,
    requests.exceptions.ProxyError,
    urllib3.exceptions.ProxyError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.NewConnectionError,
    Unconnected,
)
_LONGEST = 300  # characters of the API's words


def api_error(response: requests.Response, path: str) -> IntermezzoError:
    """
    Turn an unsuccessful answer into an error.

    All documented bodies are understood (``{error, message, details}``, FastAPI's
    ``detail``), and plain text and HTML as well.

    Parameters
    ----------
    path : str
        The path to show; the query may hold personal data.
    """
    status, body = response.status_code, _body(response)
    message = _message(body)
    if status == requests.codes.unauthorized:
        return LoginRequired(
            f"the API refused the token for {path}",
            why=message or "A renewed one was refused as well.",
            advice="Sign in again: %intermezzo_login --force",
            code="session_ended",
        )
    kind = _BY_STATUS.get(status, ApiError)
    advice = _ADVICE.get(kind) or _usual_advice(response)
    says_more = message.lower().rstrip(".") not in {"", "not found"}
    is_other = kind is NotFound and _is_of_another(body)
    # What names nothing that is missing need not come from the API.
    if kind is NotFound and (is_other or not says_more):
        advice = f"Check INTERMEZZO_API_URL; c{advice[1:]}"
    retry_after = seconds_of(response.headers)
    error = kind(
        f"{response.request.method} {path} was answered with HTTP {status}",
        why=(message or _unsaid(response)) + _request_name(response),
        advice=_permission_advice(response)
        if kind is NotAllowed
        else _wait_advice(retry_after) or advice,
        status=status,
        request_id=_header(response, "X-Request-Id") or None,
        retry_after=retry_after,
        details=_details(body),
    )
    error.said = message if says_more else ""
    if isinstance(error, NotFound):
        error.in_doubt = bool(response.content.strip()) and is_other
    return error


def led_away(response: requests.Response, path: str) -> ApiError:
    """Tell that the API answered with a redirect that was not followed."""
    target = _host_of(_header(response, "Location", ""))
    return ApiError(
        f"the API answered {path} with a redirect (HTTP {response.status_code})",
        why=f"It leads to {plain(target)}, where nothing was sent."
        if target
        else "It names no place to go to.",
        advice="Check INTERMEZZO_API_URL; set the new address there if you trust it.",
        code="redirected",
        status=response.status_code,
    )


def led_in_circles(url: str) -> ApiError:
    """Tell that redirects within the API have no end."""
    return ApiError(
        f"the API answers {urlsplit(url).path} with redirects that have no end",
        why="Each leads to another, on the API's own host.",
        advice="Check the path and INTERMEZZO_API_URL.",
        code="redirected",
    )


def not_json(response: requests.Response, path: str, fault: Exception) -> ApiError:
    """Tell that an answer which should be JSON is something else, or damaged."""
    kind = _kind_of(response)
    host = urlsplit(response.url).netloc
    is_damaged = response.content.lstrip()[:1] in _BEGINNINGS
    return ApiError(
        f"GET {path} was not answered in JSON (HTTP {response.status_code}, {kind})",
        why=_damage(response, fault)
        or "Often that is the page of a proxy, a login wall, or a wrong address.",
        advice="Try again; tell Intermezzo if it happens again."
        if is_damaged
        else f"Check INTERMEZZO_API_URL: it leads to {host}.",
        code="not_json",
        status=response.status_code,
        request_id=_header(response, "X-Request-Id") or None,
    )


def unwritable(fault: Exception, url: str) -> SettingsError:
    """
    Tell that a request cannot be written.

    The fault's own text repeats what could not be, and that may be a token.
    """
    return SettingsError(
        f"a request to {urlsplit(url).netloc} cannot be written",
        why=f"{type(fault).__name__}: something in it is not allowed there, such as "
        "a line break.",
        advice="Check what you send; and the token, if it comes from a file.",
        code="bad_request",
    )


def unreachable(fault: OSError, url: str) -> NetworkError:
    """Tell that nobody answered, or not to the end, in the system's own words."""
    host = urlsplit(url).netloc
    what = f"the API at {host} cannot be reached"
    if isinstance(fault, _CUT) or isinstance(inner_of(fault), _CUT):
        what = f"the answer of the API at {host} cannot be read to its end"
    elif _is_of_files(fault):
        what = f"nothing was sent to the API at {host}"
    error = NetworkError(
        what,
        why=f"{reason_of(fault)}. The session is kept.",
        advice="Check INTERMEZZO_API_URL, the network, the proxy and the certificates, "
        "and try again.",
    )
    error.unanswered = not _is_before_sending(fault)
    return error


def overdue(fault: Overdue, url: str, *, may_change: bool) -> NetworkError:
    """
    Tell that an answer came bit by bit, and was not whole in its time.

    Parameters
    ----------
    may_change : bool
        Whether the request may have changed something, and is not simply sent again.
    """
    host, seconds = urlsplit(url).netloc, f"{fault.seconds:,.0f} s"
    advice = "Try again; ask for less at once, or for smaller pages;"
    if may_change:
        advice = "Look up what became of it before it is sent again;"
    error = NetworkError(
        f"the answer of the API at {host} was not there after {seconds}",
        why=f"It came bit by bit, {fault.received:,} bytes until then, and was given "
        "up. The session is kept.",
        advice=f"{advice} and look at the network and the proxy.",
        code="overdue",
    )
    error.unanswered = True
    return error


def _is_before_sending(fault: OSError) -> bool:
    inner = inner_of(fault)
    faults = (fault, inner, *(inner.args if inner else ()))
    return _is_of_files(fault) or any(isinstance(one, _UNCONNECTED) for one in faults)


def _is_of_files(fault: OSError) -> bool:
    """Tell whether a file is missing: what breaks on the way, requests wraps."""
    return not isinstance(fault, requests.RequestException)


def _body(response: requests.Response) -> Any:
    """Give what came, but for our token: who is told of headers may repeat them."""
    try:
        return unsigned(decoded(response), response.request)
    except (ValueError, RecursionError):
        # The charset that the header names may be none, or none for text.
        is_text = _kind_of(response) == "text/plain"
        text = response.content.decode("utf-8", "replace") if is_text else None
        return unsigned(text, response.request)


def _header(response: requests.Response, name: str, otherwise: str = "") -> str:
    told: str = unsigned(response.headers.get(name, otherwise), response.request)
    return told


def _message(body: Any) -> str:
    if isinstance(body, dict):
        told = body.get("message") or body.get("detail") or body.get("error")
        field = body.get("details")
        named = field.get("field") if isinstance(field, dict) else None
        text = told if isinstance(told, str) else json.dumps(told) if told else ""
        if named and str(named) not in text:
            text += f" (field {named})"
    else:
        text = body if isinstance(body, str) else ""
    return plain(text, _LONGEST)


def _is_of_another(body: Any) -> bool:
    """Tell whether a 404 is about something else than what was asked for."""
    if not isinstance(body, dict):
        return True  # a page of a proxy's or a gateway's
    inner = body.get("error")
    both = (body, inner) if isinstance(inner, dict) else (body,)
    told = [words.get(name) for words in both for name in _WORDS]
    return any(_ELSEWHERE.search(text) for text in told if isinstance(text, str))


def _details(body: Any) -> Any:
    if not isinstance(body, dict):
        return None
    told = body.get("details", body.get("detail"))
    # What became of some rows is told beside, or instead, or one object deeper.
    parts = (body, *(value for value in body.values() if isinstance(value, dict)))
    by_row = (part for part in parts if not _BY_ROW.isdisjoint(part))
    return told or next(by_row, told)


def _unsaid(response: requests.Response) -> str:
    return (
        f"The answer says no more (HTTP {response.status_code}, {_kind_of(response)})."
    )


def _kind_of(response: requests.Response) -> str:
    return _header(response, "Content-Type", "no content type").split(";")[0]


def _damage(response: requests.Response, fault: Exception) -> str:
    beginning = response.content.lstrip()[:1]
    if beginning not in _BEGINNINGS:
        return "" if beginning else "It is empty."
    if isinstance(fault, RecursionError):
        return "It is nested too deeply to be read."
    # Of the digits of a number, Python says more than anybody wants to know.
    told = plain(str(fault).partition(";")[0])
    return f"It begins as JSON does, but cannot be read: {told}."


def _host_of(location: str) -> str:
    try:
        return urlsplit(location).netloc
    except ValueError:
        return location.partition("?")[0]


def _request_name(response: requests.Response) -> str:
    name = plain(_header(response, "X-Request-Id", ""), 80)
    return f" (request {name})" if name else ""


def _usual_advice(response: requests.Response) -> str:
    status = response.status_code
    if status not in CLIENT_ERRORS or status in _PASSING:
        return "Try again later."
    allowed = plain(_header(response, "Allow", ""), 80)
    if status == requests.codes.method_not_allowed and allowed:
        return f"The API allows {allowed} there: check the method and the path."
    return "Check the method, the path and the body."


def _permission_advice(response: requests.Response) -> str:
    challenge = _header(response, "WWW-Authenticate", "")
    scope = re.search(r'scope="([^"]*)"', challenge)
    if scope is None:
        return "Ask those who manage your account for the permission."
    return (
        f"The scope {scope[1]} is missing: add it to INTERMEZZO_SCOPE and sign in "
        "again, or ask those who manage your account."
    )


def _wait_advice(seconds: float | None) -> str:
    return f"Wait {seconds:.0f} s, then run it again." if seconds else ""


def seconds_of(headers: Mapping[str, str]) -> float | None:
    """
    Read a ``Retry-After`` (RFC 9110 §10.2.3); None for what is none.

    A date is one of the server's clock, by which its ``Date`` tells the time.
    """
    told = headers.get("Retry-After", "").strip()
    try:
        if told.isascii() and told.isdigit():
            seconds = float(int(told))
        else:
            seconds = _moment(told) - _now_by(headers)
    except (ValueError, OverflowError):
        return None
    return seconds if seconds > 0 else None


def _now_by(headers: Mapping[str, str]) -> float:
    try:
        return _moment(headers.get("Date", ""))
    except (ValueError, OverflowError):
        return time.time()


def _moment(told: str) -> float:
    moment = parsedate_to_datetime(told)
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()
