"""A person with a browser: reads pages, fills in forms, presses buttons."""

from __future__ import annotations

from contextvars import ContextVar
from functools import wraps
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import requests

# Said of a server in a name; so people are whose organization has one sign-in.
SIGNED_IN = "signed in there"
# What a browser and a server do in this process is not the client's own logging.
NOT_THE_CLIENT = ContextVar("not_the_client", default=False)


def in_the_browser(act):
    """Mark what happens inside as the browser's."""

    @wraps(act)
    def marked(*args, **kwargs):
        mark = NOT_THE_CLIENT.set(True)
        try:
            return act(*args, **kwargs)
        finally:
            NOT_THE_CLIENT.reset(mark)

    return marked


class Person:
    """
    Signs in, and says yes or no.

    Parameters
    ----------
    answer : {"allow", "deny"}
        What is pressed when an application asks for access.

    Attributes
    ----------
    clicks : int
        How many buttons were pressed so far.
    """

    def __init__(self, answer="allow"):
        self.answer, self.clicks = answer, 0
        self._browser = requests.Session()
        self._browser.trust_env = False

    def close(self):
        self._browser.close()

    @in_the_browser
    def open(self, url, **params):
        """Open an address as it is."""
        return self._browser.get(url, params=params, timeout=5)

    @in_the_browser
    def send(self, url, **form):
        """Post a form that may be on no page, and see what comes of it."""
        return self._browser.post(url, data=form, timeout=5)

    @in_the_browser
    def look(self, url):
        """Give the text of the first page on which there is something to press."""
        response = self._get(url)
        while "<noscript>" in response.text:
            response = self._press(response)
        return response.text

    @in_the_browser
    def answer_for(self, url):
        """Go through all pages; give the address that the browser is sent back to."""
        host = urlsplit(url).netloc
        response = self._get(url)
        for _ in range(20):
            if location := response.headers.get("Location"):
                target = urljoin(response.url, location)
                if urlsplit(target).netloc != host:
                    return target
                response = self._get(target)
                continue
            assert response.ok, (response.status_code, response.text[:500])
            response = self._press(response)
        raise AssertionError("the pages do not come to an end")

    @in_the_browser
    def sign_in(self, url):
        """Go through all pages, and follow the way back: what a browser does."""
        back = self.answer_for(url)
        return self._browser.get(back, timeout=10)

    def use_another_application(self, url):
        """Be signed in at a server before a sign-in begins."""
        self.answer_for(url)
        self.clicks = 0

    @in_the_browser
    def enter_code(self, url):
        """Go through the pages of a device's sign-in; give the last one's text."""
        response, is_refused = self._get(url), False
        for _ in range(20):
            if location := response.headers.get("Location"):
                response = self._get(urljoin(response.url, location))
            elif is_refused or "<form" not in response.text:
                return response.text
            else:
                is_refused = (
                    self.answer == "deny" and "deny" in _Page(response.text).buttons
                )
                response = self._press(response)
        raise AssertionError("the pages do not come to an end")

    def _get(self, url):
        return self._browser.get(url, allow_redirects=False, timeout=10)

    def _press(self, response):
        page = _Page(response.text)
        # Where scripts run, they press what is for those without.
        self.clicks += "<noscript>" not in response.text
        if self.answer == "deny" and page.abort and not page.is_sign_in:
            return self._get(urljoin(response.url, page.abort))
        fields = {**page.fields, **page.button(self.answer)}
        return self._browser.post(
            urljoin(response.url, page.action),
            data=fields,
            allow_redirects=False,
            timeout=10,
        )


class _Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.action, self.abort, self.fields, self.buttons = "", "", {}, {}
        self.is_sign_in = False
        self.feed(text)

    def button(self, wanted):
        return self.buttons.get(wanted) or next(iter(self.buttons.values()), {})

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        name, value = attrs.get("name"), attrs.get("value") or ""
        if tag == "form":
            self.action = attrs.get("action", "")
        elif tag == "a" and "abort" in attrs.get("href", ""):
            self.abort = attrs["href"]
        elif tag == "button":
            kind = "deny" if name == "abort" else attrs.get("id", "")
            self.buttons[kind] = {name: value} if name else {}
        elif tag == "input" and name:
            is_typed = attrs.get("type") in {"text", "password"}
            self.is_sign_in |= is_typed
            if attrs.get("type") == "radio" and "checked" not in attrs:
                return
            self.fields[name] = "somebody" if is_typed else value
