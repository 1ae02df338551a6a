"""Checks what can go wrong and says what to change; prints no secret."""

from __future__ import annotations

import contextlib
import difflib
import importlib.metadata
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import requests
from msgspec import Struct
from msgspec.structs import replace

from .advice import by_place, how_to_set
from .api.client import Api
from .api.owners import listed
from .api.query import Query
from .api.reading import Reading
from .api.signing import BearerAuth
from .credentials import CREDENTIALS
from .errors import IntermezzoError, SettingsError
from .ladder import ways_here, why_nobody
from .oauth.client import OAuthClient
from .oauth.models import ServerMetadata, Token
from .quoting import plain
from .reasons import reason_of
from .registering import to_register
from .secret import Secret
from .settings import NAMES, Settings
from .surroundings import Surroundings
from .tokens.choice import choose_store
from .tokens.keyring import why_no_keyring
from .tokens.store import FileStore
from .wrapping import hanging

_PACKAGES = ("intermezzo_nb", "pandas", "requests", "requests_oauthlib", "oauthlib")
_MOST_SKEW = 60.0  # seconds that ID tokens are granted anyway
_FOR_OTHERS = {"INTERMEZZO_DEMO_URL"}
_SECONDS = 10.0  # for the API's address to answer
_LISTED = "/organizations"
_VISIBLE = "visible organization"
_NOBODYS = frozenset({None, "all"})  # no organization's id
_OTHERS = "Set INTERMEZZO_ORGANIZATION to one of those, or to all for each of them."
_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class Finding(Struct, frozen=True):
    """
    One thing that was looked at.

    Parameters
    ----------
    verdict : {"ok", "note", "wrong"}
        ``note`` is no fault, but good to know.
    subject, told : str
        What was looked at, and what was seen.
    advice : str
        What to change; empty where nothing is to be done.
    """

    verdict: str
    subject: str
    told: str
    advice: str = ""

    def __str__(self) -> str:
        mark = {"ok": "✓", "note": "·", "wrong": "✗"}[self.verdict]
        lines = [hanging(f"{mark} {self.subject:<21} ", self.told)]
        lines += [hanging(f"{'':<24}→ ", self.advice)] if self.advice else []
        return "\n".join(lines)


def examine(settings: Settings, surroundings: Surroundings) -> Iterator[Finding]:
    """
    Look at everything that a sign-in and a request need, in that order.

    The authorization server is asked for its metadata and keys, and by a machine for
    a token; the API for its address, with that token if there is one. Nobody is signed
    in or out.
    """
    yield _versions()
    yield from _settings(settings)
    yield from _unknown()
    yield from _network()
    for finding in _by_settings(settings, surroundings):
        yield replace(finding, advice=by_place(finding.advice, settings.places))


def _by_settings(settings: Settings, surroundings: Surroundings) -> Iterator[Finding]:
    """Look at who is named by the settings, and at what they lead to."""
    oauth = OAuthClient(settings)
    metadata: ServerMetadata | None = None
    token: Token | None = None
    if settings.issuer or settings.token_url:
        try:
            metadata = oauth.metadata
        except IntermezzoError as error:
            yield _wrong("authorization server", error)
    if metadata:
        yield from _server(metadata, oauth, settings)
        if settings.is_machine:
            try:
                token = oauth.request_token().token
            except IntermezzoError as error:
                yield _wrong("client credentials", error)
            else:
                told = "the server gives a token for them"
                yield Finding("ok", "client credentials", told)
        yield _clock(oauth.skew.seconds)
    if settings.api_url:
        yield (found := _api(settings.api_url, token))
        if token and found.verdict == "ok" and settings.organization not in _NOBODYS:
            yield _organization(settings, token)
    yield from _place(settings, surroundings)
    yield from _ways(settings, surroundings, oauth)
    yield _store(settings, surroundings)


def _versions() -> Finding:
    told = [f"Python {platform.python_version()}", sys.platform]
    for name in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            told.append(f"{name} {importlib.metadata.version(name)}")
    return Finding("note", "versions", ", ".join(told))


def _settings(settings: Settings) -> Iterator[Finding]:
    yield Finding("note", "profile", settings.profile)
    for name, place in settings.places.items():
        if name != "profile":
            value = getattr(settings, name, None)
            told = f"{value} " if value is not None else ""
            yield Finding("ok", name, f"{told}(from {place})")
    try:
        settings.require(*settings.needed)
    except SettingsError as error:
        yield _wrong("settings", error)
    for secret in (settings.client_secret, settings.client_key, settings.access_token):
        if secret is not None:
            try:
                secret.read()
            except IntermezzoError as error:
                yield _wrong("credential", error)
            else:
                yield Finding("ok", "credential", f"found in {secret}")


def _unknown() -> Iterator[Finding]:
    known = {f"INTERMEZZO_{name.upper()}" for name in (*NAMES, *CREDENTIALS)}
    for name in sorted(os.environ):
        if name.startswith("INTERMEZZO_") and name not in known | _FOR_OTHERS:
            close = difflib.get_close_matches(name, known, 1)
            advice = f"Did you mean {close[0]}?" if close else "Take it out."
            yield Finding("wrong", name, "is no setting, and is ignored", advice)


def _network() -> Iterator[Finding]:
    names = [n for n in _PROXIES if os.environ.get(n) or os.environ.get(n.lower())]
    if names:
        # Not their values: they may hold a password.
        yield Finding("note", "proxy", f"{', '.join(names)} in the environment")
    # requests takes the first that is set.
    if name := next((n for n in _BUNDLES if os.environ.get(n)), None):
        path, told = os.environ[name], f"{name} is {os.environ[name]}"
        if Path(path).exists():
            yield Finding("ok", "certificates", told)
        else:
            advice = f"Correct {name}, or unset it."
            told += ", which does not exist"
            yield Finding("wrong", "certificates", told, advice)


def _server(
    metadata: ServerMetadata, oauth: OAuthClient, settings: Settings
) -> Iterator[Finding]:
    yield Finding("ok", "authorization server", f"{oauth.host} answers")
    needed = {"token_endpoint": "token_url"}
    if not settings.is_machine:
        needed["authorization_endpoint"] = "authorization_url"
    for member, setting in needed.items():
        if getattr(metadata, member) is None:
            yield Finding(
                "wrong", member, "is not published", f"Set {how_to_set(setting)}."
            )
    methods = metadata.code_challenge_methods_supported
    if methods and "S256" not in methods:
        told = f"the server offers {', '.join(methods)} only"
        yield Finding("wrong", "PKCE", told, "Tell those who run it: S256 is needed.")
    offered = {
        "device grant": metadata.device_authorization_endpoint,
        "pushed requests": metadata.pushed_authorization_request_endpoint,
        "revocation": metadata.revocation_endpoint,
    }
    told = ", ".join(name for name, url in offered.items() if url)
    yield Finding("note", "it offers", told or "none of device grant, PAR, revocation")
    if metadata.jwks_uri and metadata.issuer:
        yield _attempt("keys", oauth.keys, f"published at {metadata.jwks_uri}")
    else:
        told = "no issuer or keys are known, so nobody is named after a sign-in"
        yield Finding("note", "identity", told)


def _clock(ahead: float) -> Finding:
    if abs(ahead) < _MOST_SKEW:
        return Finding("ok", "clock", "agrees with the server's")
    side = "behind" if ahead > 0 else "ahead of"
    return Finding(
        "note",
        "clock",
        f"this machine's is {abs(ahead):.0f} s {side} the server's, which counts",
        "Set this machine's clock: other programs will stumble over it.",
    )


def _api(url: str, token: Token | None) -> Finding:
    auth = BearerAuth(lambda **_: token, url) if token else None

    # Without any auth, .netrc would be looked at.
    def signed(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if auth is not None:
            auth.sign_anew(request)  # alone: it would read a refusal, and ask again
        return request

    began = time.monotonic()
    try:
        # What every account has: a refusal of it is a sign of life, and of the place.
        response = requests.get(
            url.rstrip("/") + _LISTED,
            auth=signed,
            timeout=_SECONDS,
            allow_redirects=False,
            stream=True,  # the body is of no interest, however slow
        )
        response.close()
    except OSError as fault:
        host = urlsplit(url).netloc
        return Finding(
            "wrong",
            "API",
            f"{host} cannot be reached ({reason_of(fault)})",
            "Check INTERMEZZO_API_URL, the network, proxy and certificates.",
        )
    took = time.monotonic() - began
    status = response.status_code
    how = "with that token" if token else "without a token"
    told = f"{url} answers ({took:.2f} s); HTTP {status} {how}"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        advice = "Tell those who run it, or the proxy before it, if that stays."
        return Finding("note", "API", told, advice)
    if status == HTTPStatus.NOT_FOUND:
        # Some say so to whoever has no token.
        advice = "Check INTERMEZZO_API_URL, and the path in it."
        verdict = "wrong" if token else "note"
        return Finding(verdict, "API", f"{told}: no {_LISTED} is there", advice)
    if status == HTTPStatus.UNAUTHORIZED and token:
        advice = "Check INTERMEZZO_API_URL, INTERMEZZO_AUDIENCE and INTERMEZZO_SCOPE."
        return Finding("wrong", "API", f"{told}: it is not taken", advice)
    is_usual = status >= HTTPStatus.BAD_REQUEST and not token
    return Finding("ok", "API", f"{told}, as is usual" if is_usual else told)


def _organization(settings: Settings, token: Token) -> Finding:
    auth = BearerAuth(lambda **_: token, settings.api_url or "")
    look_up = Reading(Api.at(settings.api_url or "", auth), Query("organizations"))
    try:
        found = [one for batch in look_up.batches() for one in batch]
    except IntermezzoError as error:
        return _wrong(_VISIBLE, error)
    visible = {str(one.get("id")): plain(one.get("legalName"), 40) for one in found}
    wanted = str(settings.organization)
    if wanted in visible:
        return Finding("ok", _VISIBLE, f"{wanted} is visible: {visible[wanted]}")
    told = f"{plain(wanted)} is not visible; visible are: {listed(visible)}"
    return Finding("wrong", _VISIBLE, told, _OTHERS)


def _place(settings: Settings, surroundings: Surroundings) -> Iterator[Finding]:
    yield Finding("note", "front end", surroundings.front)
    someone = why_nobody(settings, surroundings) or "somebody can be asked"
    yield Finding("note", "a person", someone)
    if surroundings.forwards:
        yield Finding("note", "browser", surroundings.forwards)
    for sign in surroundings.elsewhere:
        yield Finding("note", "browser", f"is probably on another machine: {sign}")


def _ways(
    settings: Settings, surroundings: Surroundings, oauth: OAuthClient
) -> Iterator[Finding]:
    if settings.asks_nobody:
        told = str(settings.access_token or "client credentials")
        yield Finding("ok", "way of signing in", told)
        return
    notes: list[tuple[str, str]] = []
    try:
        ways = ways_here(settings, surroundings, oauth, lambda *n: notes.append(n))
    except IntermezzoError as error:
        if error.code != "missing_setting":  # told already
            yield _wrong("ways of signing in", error)
        return
    for way, why in notes:
        yield Finding("note", f"way: {way}", why)
    order = [way for way, _ in ways]
    told = ", then ".join(["a kept session", *order])
    yield Finding("ok", "ways of signing in", told)
    addresses = (to_register(way, settings, surroundings) for way in order)
    for address in dict.fromkeys(filter(None, addresses)):
        yield Finding("note", "to register", address)


def _store(settings: Settings, surroundings: Surroundings) -> Finding:
    key = "the doctor's own, written and deleted"
    token = Token(Secret("no token"), refresh_token=Secret("no token either"))
    try:
        store = choose_store(settings, surroundings)
        with store.lock(key):
            store.save(key, token)
            kept = store.load(key)
            store.delete(key)
    except IntermezzoError as error:
        return _wrong("store", error)
    if kept is None or kept.refresh_token != token.refresh_token:
        return Finding("wrong", "store", "does not keep what it is given")
    told = f"the session is kept {store.where}"
    if isinstance(store, FileStore) and (why := why_no_keyring()):
        told += f"; the keyring is not used: {why}"
    return Finding("ok", "store", told)


def _attempt(subject: str, act: Callable[[], object], told: str) -> Finding:
    try:
        act()
    except IntermezzoError as error:
        return _wrong(subject, error)
    return Finding("ok", subject, told)


def _wrong(subject: str, error: IntermezzoError) -> Finding:
    told = f"{error.what}. {error.why}".strip()
    return Finding("wrong", subject, told, error.advice)
