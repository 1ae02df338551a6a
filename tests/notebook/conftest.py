"""A certified server beside the practice server, for kernels and terminals."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "protocol"))

from foreign import ForeignServer


@pytest.fixture(scope="session")
def openid_provider():
    """As in an organization: its own pages, and no question for consent."""
    server = ForeignServer(pages="own", trusted=1, tell_secrets=1, interval=1)
    yield server
    server.stop()


@pytest.fixture
def browser(person):
    """Somebody's browser, before and during a sign-in."""
    return person()
