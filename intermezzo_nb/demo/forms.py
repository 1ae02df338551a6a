"""The parameters of a client's request: read strictly, each of them once."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

from oauthlib.oauth2 import InvalidRequestError
from tornado.httputil import HTTPServerRequest

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


def parameters(request: HTTPServerRequest, content_type: str) -> dict[str, str]:
    """
    Read the body; what has no value counts as left out (RFC 6749 §3.2).

    Raises
    ------
    InvalidRequestError
        The body is of another type, cannot be read, or repeats a parameter; or there
        are parameters in the address.
    """
    if request.query:
        raise InvalidRequestError(description="parameters belong into the body")
    sent = request.headers.get("Content-Type", "").partition(";")[0]
    if sent.strip().lower() != content_type:
        raise InvalidRequestError(description=f"this server takes {content_type}")
    try:
        text = request.body.decode()
        pairs = _of_json(text) if content_type == JSON else _of_form(text)
    except (ValueError, RecursionError):
        why = f"the body cannot be read as {content_type}"
        raise InvalidRequestError(description=why) from None
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InvalidRequestError(description="a parameter is repeated")
    return {name: value for name, value in found.items() if value}


def _of_form(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True, errors="strict")


def _of_json(text: str) -> list[tuple[str, str]]:
    # A dict would keep one of two; as a tuple, an object still is no list.
    document = json.loads(text, object_pairs_hook=tuple)
    is_object = isinstance(document, tuple)
    if is_object and all(isinstance(value, str) for _, value in document):
        return list(document)
    raise ValueError("no object of texts")
