"""Where a secret could show, and whether one does."""

from __future__ import annotations

import base64
import logging
import re
import sys
from pathlib import Path
from urllib.parse import quote

from person import NOT_THE_CLIENT

MARKED = re.compile(r"imz_(?:at|rt|ac|cs)_[A-Za-z0-9_-]{24,}")
_PREFIX = re.compile(r"imz_[a-z]{2}_")
_LONG = 16  # characters: only of such are parts looked for
# It is shown to be opened, with state and nonce in it; no file may keep it.
_AUTHORIZATION_URL = re.compile(r"https?://\S*[?&]code_challenge=\S*")


class Leaks:
    """
    Records secrets, and finds them where they must not be.

    ``allow`` names files and folders whose business it is to hold them.
    """

    def __init__(self):
        self.values = set()
        self._allowed = []
        self._heard = []
        self.is_told = False
        self.log = _Log()

    def record(self, value):
        if len(value) >= 8:
            self.values.add(value)

    def allow(self, path):
        self._allowed.append(Path(path))

    def hear(self, place, text):
        """Note what was said where it is soon forgotten: output, a widget, an error."""
        self._heard.append((place, text))

    def hear_output(self, text):
        """Note what a test has read of its own output."""
        text = _AUTHORIZATION_URL.sub("", text)
        self.hear("output that the test has read", text)

    def look_around(self):
        """Note what a notebook would save now, before a fixture closes it."""
        self.hear("widget state", _widget_state())
        self.hear("the history", _history())

    def in_output(self, text):
        """Give what shows in what a person sees, masked."""
        return self.in_text(_AUTHORIZATION_URL.sub("", text))

    def in_text(self, text):
        """Give what shows in a text, masked."""
        found = {_masked(m) for m in MARKED.findall(text)}
        needles = {n: v for v in self.values for n in needles_of(v)}
        return sorted(found | {_masked(v) for n, v in needles.items() if n in text})

    def in_files(self, folder):
        found = {}
        for path in sorted(p for p in Path(folder).rglob("*") if p.is_file()):
            if any(path == a or a in path.parents for a in self._allowed):
                continue
            text = path.read_bytes().decode("utf-8", "replace")
            if shown := self.in_text(text):
                found[f"the file {path.name}"] = shown
            if shown := self.in_text(path.name):
                found["the name of a file"] = shown
        return found

    def everywhere(self, *folders):
        """Give place → what shows there, for all places but captured output."""
        places = [
            *self._heard,
            ("the log", self.log.text()),
            ("widget state", _widget_state()),
            ("the history", _history()),
        ]
        found = {place: shown for place, t in places if (shown := self.in_text(t))}
        for folder in folders:
            found |= self.in_files(folder)
        return found


def needles_of(value):
    """Give the texts by which a value would be recognized."""
    yield value
    yield quote(value, safe="")
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + value.encode()).decode()
        stable = encoded[4 if shift else 0 : -4]
        yield stable
        yield stable.replace("+", "-").replace("/", "_")
    if len(value) >= _LONG:
        for part in _parts(value):
            yield part
            yield quote(part, safe="")
            yield base64.b64encode(part.encode()).decode().rstrip("=")[:-1]


def _parts(value):
    # Every JWT starts alike, and words are everywhere: neither tells a value.
    own = value.rsplit(".", 1)[-1] if value.startswith("eyJ") else value
    own = _PREFIX.sub("", own)
    for part in (own[:8], own[-8:]):
        sorts = sum(bool(re.search(s, part)) for s in ("[a-z]", "[A-Z]", "[0-9]"))
        if sorts > 1 and len(set(part)) > 4:
            yield part


def _masked(value):
    return f"{value[:3]}… of {len(value)} characters"


class _Log(logging.Handler):
    """Everything that any logger says, from DEBUG up, as text."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.lines = []

    def emit(self, record):
        if NOT_THE_CLIENT.get() or record.threadName == "practice-server":
            return
        self.lines.append(self.format(record))

    def text(self):
        return "\n".join(self.lines)


def _widget_state():
    widgets = sys.modules.get("ipywidgets")
    return str(widgets.Widget.get_manager_state()) if widgets else ""


def _history():
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None:
        return ""
    return "\n".join(
        map(
            str,
            [
                *shell.history_manager.input_hist_raw,
                *shell.user_ns.get("Out", {}).values(),
            ],
        )
    )
