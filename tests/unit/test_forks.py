"""A child that is forked while its parent renews does not wait for ever."""

from __future__ import annotations

import os
import threading
import warnings

import pytest

from intermezzo_nb.oauth.identity import IdTokenVerifier
from intermezzo_nb.oauth.models import ServerMetadata, Token
from intermezzo_nb.secret import Secret
from intermezzo_nb.tokens.source import TokenSource
from intermezzo_nb.tokens.store import MemoryStore

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="Windows does not fork, so there is no child"
)


def test_a_child_renews_for_itself():
    asked, goes_on = threading.Event(), threading.Event()
    parent = os.getpid()

    def renew(_, keep):
        if os.getpid() == parent:
            asked.set()
            assert goes_on.wait(10)
        return Token(Secret("fresh"), expires_in=100.0)

    source = TokenSource(MemoryStore(), "key", renew)
    thread = threading.Thread(target=source.token)
    thread.start()
    assert asked.wait(10)
    assert status_of_child(lambda: source.token().access_token == Secret("fresh")) == 0
    goes_on.set()
    thread.join(10)


def test_a_child_fetches_keys_for_itself():
    asked, goes_on = threading.Event(), threading.Event()
    parent = os.getpid()

    def keys():
        if os.getpid() == parent:
            asked.set()
            assert goes_on.wait(10)
        return {}

    verifier = IdTokenVerifier(ServerMetadata(), "notebook", keys)
    ahead = verifier.fetch_ahead()
    assert asked.wait(10)
    assert verifier.fetch_ahead() is ahead
    assert status_of_child(lambda: verifier.fetch_ahead().result() is None) == 0
    goes_on.set()
    ahead.result(10)


def status_of_child(is_well):
    """Fork, and give how the child ends; one that waits for ever is killed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that is what is tried
        child = os.fork()
    if child == 0:
        os._exit(0 if is_well() else 1)
    ended = threading.Event()
    watch = threading.Timer(10, lambda: ended.is_set() or os.kill(child, 9))
    watch.start()
    _, status = os.waitpid(child, 0)
    ended.set()
    watch.cancel()
    watch.join()
    return status
