"""Rules of RFC 7636 and RFC 8628 that oauthlib's server side leaves to the server."""

from __future__ import annotations

import re
from typing import Any

from oauthlib.oauth2 import (
    DeviceAuthorizationEndpoint,
    InvalidClientError,
    InvalidRequestError,
    UnauthorizedClientError,
)
from oauthlib.oauth2.rfc6749.errors import InvalidClientIdError

from .grants import DEVICE_GRANT

_CHALLENGE = re.compile(r"[\w.~-]{43,128}", re.ASCII)  # RFC 7636 §4.2


def check_authorization(request: Any) -> dict[str, Any]:
    """
    Check what an authorization request holds, once it is known where to answer.

    Raises
    ------
    InvalidRequestError
        A parameter is repeated (RFC 6749 §3.1), or the challenge is none.
    """
    if request.duplicate_params:
        why = "a parameter is repeated"
        raise InvalidRequestError(description=why, request=request)
    challenge = request.code_challenge
    if challenge is not None and not _CHALLENGE.fullmatch(challenge):
        why = "code_challenge has to have 43 to 128 characters"
        raise InvalidRequestError(description=why, request=request)
    return {}


class DeviceEndpoint(DeviceAuthorizationEndpoint):
    """The device authorization endpoint, for clients that may use the grant alone."""

    def validate_device_authorization_request(self, request: Any) -> None:
        """
        Check who asks.

        Raises
        ------
        OAuth2Error
            With the word of RFC 6749 §5.2.
        """
        try:
            super().validate_device_authorization_request(request)
        except InvalidClientIdError:
            raise InvalidClientError(request=request) from None
        if DEVICE_GRANT not in request.client.grants:
            raise UnauthorizedClientError(request=request)
