"""The browser that tests drive, and pictures of what has no page of its own."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
# As root and without a network, Chromium needs to be told to stay calm.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@contextmanager
def started_chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def keep_picture():
    """
    Keep a picture of some HTML where ``SCREENSHOTS`` names a folder.

    All are taken at the end: a browser would slow down what is measured.
    """
    drawn = {}
    yield drawn.__setitem__
    folder = os.environ.get("SCREENSHOTS")
    if not (folder and drawn):
        return
    with started_chromium() as browser:
        size = {"width": 1000, "height": 200}
        page = browser.new_page(viewport=size, device_scale_factor=2)
        for name, html in drawn.items():
            page.set_content(html)
            page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
