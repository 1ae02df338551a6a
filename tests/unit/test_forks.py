"""A child that is forked while its parent renews does not wait for ever."""

from __future__ import annotations

import os
import threading
import warnings

import pytest

from intermezzo_nb.oauth.models import Token
from intermezzo_nb.secret import Secret
from intermezzo_nb.tokens.source import TokenSource
from intermezzo_nb.tokens.store import MemoryStore


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that is what is tried
        child = os.fork()
    if child == 0:
        os._exit(0 if source.token().access_token == Secret("fresh") else 1)
    ended = threading.Event()
    watch = threading.Timer(10, lambda: ended.is_set() or os.kill(child, 9))
    watch.start()
    _, status = os.waitpid(child, 0)
    ended.set()
    watch.cancel()
    watch.join()
    goes_on.set()
    thread.join(10)
    assert status == 0
