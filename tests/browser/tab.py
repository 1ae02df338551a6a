"""A notebook in a browser tab, whichever of Jupyter's front ends draws it."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Error as PlaywrightError


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
            timeout=90_000,  # the front end's own, on a machine that does much else
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

    def is_running(self, number):
        cell = self.page.locator(".jp-Notebook .jp-Cell").nth(number)
        return cell.locator(".jp-InputPrompt").first.text_content() == "[*]:"

    def end_kernel(self):
        if self.page.is_closed():
            return
        self.page.evaluate(
            "() => { const { sessionContext } = window.jupyterapp.shell.currentWidget;"
            " if (sessionContext.session) return sessionContext.shutdown() }"
        )

    def shot(self, name, area=None):
        """Keep a picture where ``SCREENSHOTS`` names a folder."""
        if folder := os.environ.get("SCREENSHOTS"):
            self.page.wait_for_timeout(400)
            picture = str(Path(folder) / f"{name}.png")
            shown = self.page.locator(area).first if area else self.page
            shown.screenshot(path=picture)

    def link(self, number):
        """Give the panel's link."""
        link = self.output(number).locator("a.intermezzo-sign-in").first
        link.wait_for(timeout=30_000)
        return link

    def open_link(self, number):
        """Click the panel's link; give the new tab."""
        link = self.link(number)
        with self.context.expect_page() as opened:
            link.click()
        return opened.value

    def sign_in(self, number, *, answer="allow"):
        """Click the panel's link and do as a person would in the new tab."""
        tab = self.open_link(number)
        further, answers = tab.locator("#continue"), tab.locator(f"#{answer}")
        further.or_(answers).first.wait_for()
        if further.count():
            further.click()
        answers.click()
        tab.get_by_text("You can close this tab").wait_for(timeout=20_000)
        return tab
