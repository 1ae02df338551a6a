"""The question that a person takes to the authorization endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from oauthlib.oauth2 import WebApplicationClient

from ..secret import Secret
from .models import AuthorizationRequest, ServerMetadata

_LETTERS = 86  # of a verifier: 64 random bytes (RFC 7636 §4.1 allows 128)


def ask(
    endpoint: str,
    metadata: ServerMetadata,
    *,
    client_id: str,
    redirect_uri: str | None,
    scope: str | None,
    audience: str | None,
    name: str = "",
) -> AuthorizationRequest:
    """
    Form a question with a state, nonce and verifier of its own.

    Parameters
    ----------
    redirect_uri : str or None
        None where only a Jupyter server knows it.
    name : str
        What people are told where they sign in; by default the endpoint's host.
    """
    application = WebApplicationClient(client_id)
    state, nonce, verifier = (
        Secret(application.create_code_verifier(_LETTERS)) for _ in range(3)
    )
    challenge = application.create_code_challenge(verifier.reveal(), "S256")
    is_offline = "offline_access" in (scope or "").split()
    asked: dict[str, Secret | str | None] = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": scope,
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "audience": audience,
        "prompt": "consent" if is_offline else None,
    }
    question = {name: value for name, value in asked.items() if value}
    url = with_query(endpoint, question)
    return AuthorizationRequest(
        url, redirect_uri, state, nonce, verifier, metadata, question, name=name
    )


def with_query(endpoint: str, question: Mapping[str, str | Secret]) -> str:
    """Add to an endpoint's own query, which stays (RFC 6749 §3.1); none twice."""
    parts = urlsplit(endpoint)
    own = [
        pair
        for pair in parse_qsl(parts.query, keep_blank_values=True)
        if pair[0] not in question
    ]
    told = [
        (name, value.reveal() if isinstance(value, Secret) else value)
        for name, value in question.items()
    ]
    return parts._replace(query=urlencode([*own, *told])).geturl()
