"""A sign-in as it is seen from outside: clicks, seconds, and what the browser sent."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

_SEEN = """
(person) => {
  const seen = (window.seen = {});
  const notice = (name, elements, text) => {
    const found = [...document.querySelectorAll(elements)];
    if (!seen[name] && found.some((e) => e.textContent.includes(text)))
      seen[name] = Date.now() / 1000;
  };
  const look = () => {
    notice("signedIn", ".jp-OutputArea-output", person);
    notice("frame", ".jp-OutputArea-output table.dataframe", "");
  };
  const how = { childList: true, subtree: true, characterData: true };
  new MutationObserver(look).observe(document.body, how);
}
"""
# In this order: where a page has two of them, the first one settles the matter.
BUTTONS = "#allow, #continue, .login-submit, button[form='op.deviceConfirmForm']"
_END = re.compile("You can close this tab|you can now close this page")
_ONE_TIME = {"state", "nonce", "code", "code_challenge", "user_code"}
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_ID_TOKEN = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+")


@dataclass(frozen=True)
class Server:
    """
    Whom somebody signs in to.

    Parameters
    ----------
    login, read : str
        The cells that sign in, and that bring a first DataFrame.
    person : str
        Who is signed in then.
    secrets : callable
        Tells its secrets; those of the practice server bear a mark instead.
    """

    name: str
    login: str
    read: str
    person: str
    secrets: Callable[[], list[str]] = list


PRACTICE = Server(
    "practice",
    "%intermezzo_login --profile demo",
    "df = %intermezzo employees --organization all --limit 300\ndf.head(3)",
    "Maren Voss",
)


def provider(foreign, client_id="native", *, name="oidc-provider"):
    """Give the certified server as one to sign in to."""
    return Server(
        name,
        f"%intermezzo_login --profile default --issuer {foreign.issuer} "
        f"--api-url {foreign.api} --client-id {client_id} --store memory",
        "df = %intermezzo /things\ndf",
        "Foreign Person",
        foreign.secrets,
    )


class Journey:
    """
    One person's way from a cell to a DataFrame.

    Parameters
    ----------
    notebook : Page
        The sign-in is in its second cell, the first DataFrame in the third.
    """

    def __init__(self, notebook, server):
        self.notebook, self.server = notebook, server
        self.clicks, self.sent, self._challenges = 0, set(), set()
        self._begun = self._acted = 0.0
        notebook.context.on("request", self._note)

    def begin(self):
        """Run all cells."""
        self.notebook.page.evaluate(_SEEN, self.server.person)
        self._begun = time.time()
        self.notebook.run_all()

    def open_link(self):
        link = self.notebook.link(1)
        # The file, and the checkpoint beside it, are searched in the end.
        self.notebook.do("docmanager:save")
        with self.notebook.context.expect_page() as opened:
            self.click(link)
        return opened.value

    def sign_in(self, tab):
        """Press what there is to press, until there is nothing more."""
        button, end = tab.locator(BUTTONS).first, tab.get_by_text(_END)
        while True:
            button.or_(end).first.wait_for()
            if end.count():
                return
            self.press(tab, button)

    def use_another_application(self, url):
        """Be signed in at a server before the sign-in begins."""
        tab = self.notebook.context.new_page()
        tab.goto(url)
        self.press(tab, tab.locator(BUTTONS).first)
        tab.close()
        self.clicks = 0

    def press(self, tab, button):
        """Fill in what a page asks for, and leave it by its button."""
        for name in ("login", "password"):
            if (field := tab.locator(f"input[name={name}]")).count():
                field.fill("somebody")
        with tab.expect_event("framenavigated"):
            self.click(button)

    def click(self, what):
        self.clicks += 1
        self.act(what.click)

    def act(self, act):
        """Do the thing after which nothing more may be needed."""
        self._acted = time.time()
        act()

    def end(self):
        """Give the seconds until the DataFrame, and from the last act to the panel."""
        self.notebook.page.wait_for_function(
            "window.seen.signedIn && window.seen.frame", timeout=30_000
        )
        seen = self.notebook.page.evaluate("window.seen")
        return seen["frame"] - self._begun, seen["signedIn"] - self._acted

    def shows(self, text):
        """Tell whether a text holds the verifier, which nobody else has seen."""
        digests = {
            base64.urlsafe_b64encode(hashlib.sha256(word.encode()).digest())
            .decode()
            .rstrip("=")
            for word in set(_VERIFIER.findall(text))
        }
        return bool(digests & self._challenges or _ID_TOKEN.search(text))

    def _note(self, request):
        for name, value in parse_qsl(urlsplit(request.url).query):
            if name in _ONE_TIME:
                self.sent.add(value)
            if name == "code_challenge":
                self._challenges.add(value)
