"""From an old token to the next one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from msgspec.structs import replace

from ..errors import AuthorizationServerError, LoginRequired, NetworkError
from ..secret import Secret
from .client import OAuthClient
from .flows import ClientCredentialsFlow
from .models import Token


def renewed(
    client: OAuthClient, token: Token | None, keep: Callable[[Token], None]
) -> Token:
    """
    Give the next token: by the refresh token, or by the client's own credentials.

    Parameters
    ----------
    keep : callable
        Saves what was received, before its ID token is looked at: that may take a
        while, and a rotated refresh token must not be lost meanwhile.

    Raises
    ------
    LoginRequired
        There is nothing to renew with, or the server will not renew.
    """
    if client.settings.is_machine:
        return ClientCredentialsFlow(client).wait()
    if token is None or token.refresh_token is None:
        raise LoginRequired(
            f"the session at {client.host} is over"
            if token
            else f"nobody is signed in at {client.host}",
            why="Its access token has expired, and no refresh token was granted."
            if token
            else "",
            advice="Sign in: %intermezzo_login (in Python: .login())",
            code="session_ended" if token else "login_required",
        )
    keys: Future[object] | None = None
    if token.id_claims and client.can_verify:  # its next one needs them, too
        keys = client.verifier.fetch_ahead()
    response = client.refresh(token.refresh_token)
    newer = token.renewed_by(response.token)
    if response.id_token is None or not client.can_verify:
        return newer
    # Not to be used before its ID token is judged, also not after a kill: its life
    # counts as over till then.
    keep(replace(newer, issued_at=0.0, expires_in=1.0))
    return _still_identified(client, newer, response.id_token, token, keys)


def _still_identified(
    client: OAuthClient,
    newer: Token,
    id_token: Secret,
    before: Token,
    keys: Future[object] | None,
) -> Token:
    try:
        if keys:
            keys.result()
        claims = client.verifier.verify_renewed(
            id_token, access_token=newer.access_token, first=before.id_claims
        )
    except (NetworkError, AuthorizationServerError):
        # The keys were out of reach; the rotated token must not be lost for that.
        return newer
    # auth_time and the like may be left out on a refresh; the first are kept.
    return replace(newer, id_claims={**before.id_claims, **claims})
