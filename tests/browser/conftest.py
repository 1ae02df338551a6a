"""A real JupyterLab, a real browser, and the practice server beside them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import sync_playwright

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


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


_NEWS = "@jupyterlab/apputils-extension:announcements"


class Lab:
    """A started JupyterLab; its root folder is ``folder``."""

    def __init__(self, folder, url, log):
        self.folder, self.url, self.log = Path(folder), url, Path(log)

    def write(self, name, *cells):
        path = self.folder / name
        path.write_text(json.dumps(notebook(*cells)))
        return path


def notebook(*cells):
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {
                "name": "python3",
                "display_name": "Python 3 (ipykernel)",
                "language": "python",
            }
        },
        "cells": [
            {
                "id": f"cell-{number}",
                "cell_type": "code",
                "metadata": {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for number, source in enumerate(cells)
        ],
    }


@contextlib.contextmanager
def started_lab(folder, **environment):
    token, log = secrets.token_hex(16), folder / "server.log"
    root = folder / "root"
    root.mkdir()
    quiet = {"disabledExtensions": {_NEWS: True}}
    (folder / "config" / "labconfig").mkdir(parents=True)
    (folder / "config" / "labconfig" / "page_config.json").write_text(json.dumps(quiet))
    command = [
        *(sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"),
        *("--ServerApp.port=0", "--ServerApp.ip=127.0.0.1"),
        *(f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={root}"),
        *("--LabApp.expose_app_in_browser=True", "--LabApp.collaborative=False"),
    ]
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={
                # With CI set, nobody would be asked to sign in.
                **{name: v for name, v in os.environ.items() if name != "CI"},
                "JUPYTER_CONFIG_DIR": str(folder / "config"),
                **environment,
            },
            cwd=root,
        )
        try:
            yield Lab(root, _address(log, process, token), log)
        finally:
            process.terminate()
            process.wait(20)


def _address(log, process, token):
    import time

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r"http://127\.0\.0\.1:(\d+)/", log.read_text()):
            url = f"http://127.0.0.1:{found[1]}"
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                urllib.request.urlopen(f"{url}/api/status?token={token}").close()  # noqa: S310
                return f"{url}/lab/workspaces/{{0}}/tree/{{0}}.ipynb?token={token}"
        time.sleep(0.2)
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")


class Page:
    """A notebook in a browser tab."""

    def __init__(self, context, lab, path):
        self.context, self.path = context, path
        self.page = context.new_page()
        self.page.goto(lab.url.format(path.stem))
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=30_000)
        self.page.wait_for_function(
            "async () => { const panel = window.jupyterapp?.shell.currentWidget;"
            " await panel.context.ready; await panel.sessionContext.ready;"
            " await panel.sessionContext.session.kernel.info;"
            " return panel.sessionContext.session.kernel.status === 'idle' }",
            timeout=30_000,
        )

    def do(self, command, **arguments):
        return self.page.evaluate(
            "([name, args]) => { void window.jupyterapp.commands.execute(name, args) }",
            [command, arguments],
        )

    def wear(self, theme):
        """Change the theme, which the Lab then keeps for all."""
        self.page.evaluate(
            "theme => window.jupyterapp.commands"
            ".execute('apputils:change-theme', { theme }).then(() => null)",
            theme,
        )

    def run(self, number, *, wait=True):
        """Run one cell, and wait until it has run."""
        self.page.evaluate(
            "([number, wait]) => { const app = window.jupyterapp;"
            " app.shell.currentWidget.content.activeCellIndex = number;"
            " const done = app.commands.execute('notebook:run-cell');"
            " return wait ? done.then(() => null) : null }",
            [number, wait],
        )

    def run_all(self):
        self.do("notebook:run-all-cells")

    def output(self, number):
        return (
            self.page.locator(".jp-Notebook .jp-Cell")
            .nth(number)
            .locator(".jp-Cell-outputArea")
        )

    def wait_for(self, number, text, timeout=20_000):
        try:
            self.output(number).get_by_text(text).first.wait_for(timeout=timeout)
        except PlaywrightError:
            self.shot(f"missing-{self.path.stem}")
            raise

    def saved(self):
        self.page.evaluate(
            "window.jupyterapp.commands.execute('docmanager:save').then(() => null)"
        )
        return self.path.read_text()

    def shot(self, name, area=None):
        """Keep a picture where ``SCREENSHOTS`` names a folder."""
        if folder := os.environ.get("SCREENSHOTS"):
            self.page.wait_for_timeout(400)
            picture = str(Path(folder) / f"{name}.png")
            shown = self.page.locator(area).first if area else self.page
            shown.screenshot(path=picture)

    def sign_in(self, number, *, answer="allow"):
        """Click the panel's link and do as a person would in the new tab."""
        link = self.output(number).locator("a.intermezzo-sign-in")
        link.first.wait_for(timeout=30_000)
        with self.context.expect_page() as opened:
            link.first.click()
        tab = opened.value
        if tab.locator("#continue").count():
            tab.locator("#continue").click()
        tab.locator(f"#{answer}").click()
        tab.get_by_text("You can close this tab").wait_for(timeout=20_000)
        return tab


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    with started_lab(tmp_path_factory.mktemp("lab")) as started:
        yield started


@pytest.fixture
def open_notebook(chromium, lab):
    contexts = []

    def open_it(name, *cells, color_scheme="light", before=None, **options):
        path = lab.write(name, *cells)
        options = {"viewport": {"width": 1180, "height": 900}, **options}
        context = chromium.new_context(color_scheme=color_scheme, **options)
        contexts.append(context)
        if before:
            before(context)
        page = Page(context, lab, path)
        theme = "JupyterLab Dark" if color_scheme == "dark" else "JupyterLab Light"
        page.wear(theme)
        return page

    yield open_it
    for context in contexts:
        context.close()
