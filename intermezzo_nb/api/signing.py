"""The token on a request: for one origin only, and taken as late as can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self, cast
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from ..addresses import origin
from ..oauth.models import Token
from ..secret import Secret

_HEADER = "Authorization"
_UNAUTHORIZED = requests.codes.unauthorized
_MOST_ENDED = 5  # tokens in a row that end while one request is on its way


class TokenGiver(Protocol):
    """Gives a token that is good now; ``rejected`` is one that the API refused."""

    def __call__(self, *, rejected: Secret | None = None) -> Token: ...


class BearerAuth(AuthBase):
    """
    Sign requests to the API's origin, and only to it (RFC 6750 §2.1).

    Each request takes its token anew, so a run of any length goes on. A 401 is
    answered by one renewal and one repetition; by more where tokens end on the way.

    Parameters
    ----------
    token : callable
        Gives the token to use.
    api_url : str
        Whose origin, scheme and port included, gets the token.
    """

    def __init__(self, token: TokenGiver, api_url: str) -> None:
        self._token, self._origin = token, origin(api_url)
        # What begins so needs no parsing; the slash ends the host.
        self._start = "{0.scheme}://{0.netloc}/".format(urlsplit(api_url))

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._is_for(request):
            self._sign(request, self._token())
            request.hooks["response"].append(self._again_if_refused)
        return request

    def get_ready(self) -> None:
        """See to it that there is a token, before the time of a request counts."""
        self._token()

    def sign_anew(self, request: requests.PreparedRequest) -> None:
        """Take the token once more, for a request that has waited since."""
        if self._is_for(request):
            self._sign(request, self._token())

    def _is_for(self, request: requests.PreparedRequest) -> bool:
        url = request.url or ""
        return url.startswith(self._start) or origin(url) == self._origin

    def _sign(self, request: requests.PreparedRequest, token: Token) -> None:
        request.headers[_HEADER] = _Signature(token.access_token, self)

    def _again_if_refused(
        self, response: requests.Response, **kwargs: Any
    ) -> requests.Response:
        if response.status_code != _UNAUTHORIZED:
            return response
        request, used = response.request, _used(response.request)
        if used is None or not _can_repeat(request):
            return response
        if origin(request.url or "") != self._origin:
            return response
        _free(response)
        token, answer = self._token(rejected=used), response
        for _ in range(_MOST_ENDED):
            answer = self._sent_again(answer, token, kwargs)
            if answer.status_code != _UNAUTHORIZED:
                break
            _free(answer)
            newer = self._token()
            if newer.access_token == _used(answer.request):
                break
            token = newer  # it ended on the way
        return answer

    def _sent_again(
        self, response: requests.Response, token: Token, kwargs: Mapping[str, Any]
    ) -> requests.Response:
        repeated = response.request.copy()
        self._sign(repeated, token)
        answer: requests.Response = _adapter_of(response).send(repeated, **kwargs)
        answer.history.append(response)
        answer.request = repeated
        return answer


def sign_anew(request: requests.PreparedRequest) -> None:
    """Let who signed a request sign it once more; leave others as they are."""
    signature = request.headers.get(_HEADER)
    if isinstance(signature, _Signature):
        signature.by.sign_anew(request)


def unsigned(told: Any, request: requests.PreparedRequest) -> Any:
    """Give decoded JSON, or a text, without the token that the request had."""
    used = _used(request)
    return told if used is None else _without(told, used.reveal())


class _Signature(str):
    """A header's value that prints as a mask; requests needs real text."""

    __slots__ = ("by", "token")

    token: Secret
    by: BearerAuth

    def __new__(cls, token: Secret, by: BearerAuth) -> Self:
        made = super().__new__(cls, f"Bearer {token.reveal()}")
        made.token, made.by = token, by
        return made

    def __repr__(self) -> str:
        return "'Bearer …'"

    def __reduce__(self) -> Any:
        raise TypeError("a signed request does not leave this process")


def _used(request: requests.PreparedRequest) -> Secret | None:
    signature = request.headers.get(_HEADER)
    return signature.token if isinstance(signature, _Signature) else None


def _without(told: Any, token: str) -> Any:
    if isinstance(told, str):
        return told.replace(token, "…")
    if isinstance(told, list):
        return [_without(one, token) for one in told]
    if isinstance(told, dict):
        return {_without(n, token): _without(one, token) for n, one in told.items()}
    return told


def _free(response: requests.Response) -> None:
    """Let others use the connection, whatever becomes of the repetition."""
    _ = response.content
    response.close()


def _can_repeat(request: requests.PreparedRequest) -> bool:
    return request.body is None or isinstance(request.body, (bytes, str))


def _adapter_of(response: requests.Response) -> Any:
    return cast(Any, response).connection  # set by HTTPAdapter, not in the stubs
