"""LoginPanel: the card of a sign-in, its text twin, and the widgets below it."""

from __future__ import annotations

import getpass
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import ipywidgets
from IPython.display import display

from ..connection import Connection
from ..errors import LoginMismatch, LoginRequired
from ..login import Login, State
from ..status import Status
from ..surroundings import look
from ..wrapping import wrapped
from . import card
from .saving import saved_as

_VIEW = "application/vnd.jupyter.widget-view+json"
_NOTHING = {"text/plain": "", "text/html": ""}  # one without data makes nbconvert warn


def sign_in(connection: Connection, *, wait: bool, force: bool) -> None:
    """Sign in, and show how it goes: a live card, or at once who is signed in."""
    panel = LoginPanel(connection.status)
    try:
        connection.login(wait=wait, force=force, present=panel.follow)
    except BaseException:
        panel.give_up()
        raise
    panel.settle()


def paste(connection: Connection) -> None:
    """Ask for the address on which the browser ended; unseen, and kept nowhere."""
    if connection.status().state != "signing in":
        raise LoginRequired(
            "no sign-in is under way that an address could finish",
            advice="Run %intermezzo_login first, and follow its link.",
            code="no_sign_in",
        )
    address = getpass.getpass("Intermezzo: the address of that page (hidden): ")
    if why := connection.paste(address):
        raise LoginMismatch(
            "that address does not finish the sign-in",
            why=why,
            advice="Copy it once more, and run %intermezzo_login --paste again.",
        )


class LoginPanel:
    """
    A card that follows a sign-in from its first question to its end, and its controls.

    The card is HTML with a text twin, drawn anew at each change: it works where no
    widget does. The controls are widgets below it, and nothing depends on them. At
    any end both are replaced, so that a saved notebook keeps no link and no widget.

    Parameters
    ----------
    status : callable
        Tells how the connection stands.
    """

    def __init__(self, status: Callable[[], Status]) -> None:
        self._status, self._profile = status, status().profile
        self._front = look().front
        self._mutex = threading.Lock()
        self._login: Login | None = None
        self._controls: Controls | None = None
        self._row: Any = None
        self._card = display(
            self._drawing(), raw=True, display_id=True, metadata=saved_as(_UNDER_WAY)
        )

    def follow(self, login: Login) -> None:
        """Draw a sign-in that waits for a person, now and at each change."""
        self._login = login
        # Watched first: an interrupt of the drawing ends the sign-in, and is drawn.
        login.watch(lambda _: self._draw())
        self._draw()
        if self._front == "notebook":
            with self._mutex:
                self._controls = Controls(login)
                self._row = display(
                    self._controls.view(),
                    raw=True,
                    display_id=True,
                    metadata=saved_as(""),
                )
        if login.state is not State.LINK_READY:
            self._draw()  # it moved on before there were controls

    def settle(self) -> None:
        """Draw who is signed in, where nobody had to be asked."""
        if self._login is None:
            self._card.update(_signed_in(self._status()), raw=True)

    def give_up(self) -> None:
        """Leave an error to tell why nobody could even be asked."""
        if self._login is None:
            self._card.update(_NOTHING, raw=True)

    def _draw(self) -> None:
        # Whoever draws last, from whichever thread, draws the latest state.
        with self._mutex:
            is_over = bool(self._login and self._login.state.is_final)
            if not self._is_told_anyway():
                kept = {} if is_over else saved_as(_UNDER_WAY)
                self._card.update(self._drawing(), raw=True, metadata=kept)
            if is_over:
                if self._row:
                    self._row.update(_NOTHING, raw=True)
                if self._controls:
                    self._controls.close()
                self._row = self._controls = None

    def _is_told_anyway(self) -> bool:
        # A terminal takes nothing back: who waits there reads the error alone.
        login, is_terminal = self._login, self._front == "terminal"
        return is_terminal and bool(login and login.is_awaited and login.error)

    def _drawing(self) -> dict[str, str]:
        login = self._login
        if login is None or login.state is State.CHOOSING:
            return _working("Preparing the sign-in …", self._profile)
        prompt, error = login.prompt, login.error
        if login.state is State.SIGNED_IN:
            return _signed_in(self._status())
        if error:
            html = card.ended(error, login.state, self._profile)
            return _bundle(f"Intermezzo: {error.what}. {error.advice}", html)
        if prompt is None or login.state is State.RECEIVED:
            return _working("The answer is here; finishing …", self._profile)
        left = prompt.deadline - time.monotonic()
        until = _clock(left)
        draw = card.device_ready if prompt.user_code else card.link_ready
        plain = card.plain_link(prompt, until=until)
        if prompt.user_code and self._front == "terminal":
            plain += card.terminal_qr(prompt.url, sys.stdout)
        return _bundle(plain, draw(prompt, self._profile, until=until))


class Controls:
    """
    Cancel, the time that is left, and a field for an address.

    What arrives from them may arrive late, never, or on another thread: each only
    tells the sign-in, and waits for nothing.
    """

    def __init__(self, login: Login) -> None:
        self._login = login
        # The border shows where a high-contrast theme takes the background away.
        layout = {"border": "1px solid transparent", "width": "7rem"}
        self._cancel = ipywidgets.Button(description="Cancel", layout=layout)
        self._left, self._said = ipywidgets.HTML(), ipywidgets.HTML()
        # A password field: neither shown nor offered again by the browser.
        self._field = ipywidgets.Password(
            description="Page cannot be reached?",
            placeholder="paste its whole address",
            layout={"width": "calc(100% - 4px)", "flex_flow": "row wrap"},
            style={"description_width": "initial"},
        )
        self._cancel.on_click(self._stop)
        self._field.observe(self._take, "value")
        layout = {"align_items": "center", "flex_flow": "row wrap"}
        row = ipywidgets.HBox([self._cancel, self._left], layout=layout)
        can_paste = login.prompt is not None and login.prompt.paste
        above = [self._field, self._said] if can_paste else []
        self._box = ipywidgets.VBox([*above, row], layout=_BELOW_THE_CARD)
        self._all = [self._box, row, self._cancel, self._left, self._said, self._field]
        threading.Thread(
            target=self._count_down, name="intermezzo-countdown", daemon=True
        ).start()

    def view(self) -> dict[str, Any]:
        """Give the mime bundle that shows them; empty where widgets are unknown."""
        view = {"model_id": self._box.model_id, "version_major": 2, "version_minor": 0}
        return {_VIEW: view, "text/plain": ""}

    def close(self) -> None:
        """Take them out of the notebook's widget state."""
        for widget in self._all:
            for part in (widget, widget.layout, getattr(widget, "style", None)):
                if part is not None:
                    part.close()

    def _stop(self, _: Any) -> None:
        # A call that hangs is not waited for, but the click is seen to have arrived.
        self._cancel.description, self._cancel.disabled = "Cancelling …", True
        self._login.cancel()

    def _take(self, change: dict[str, Any]) -> None:
        if address := change["new"]:
            self._field.value = ""
            self._said.value = card.said(self._login.paste(address))

    def _count_down(self) -> None:
        # The link is never redrawn for it: a redraw takes the focus and selection.
        while prompt := self._login.prompt:
            left = max(0.0, prompt.deadline - time.monotonic())
            self._left.value = card.left(left)
            time.sleep(1)


_UNDER_WAY = (
    "Intermezzo: a sign-in was under way when this was saved; %intermezzo_login again."
)
# Its text and its edge: with its padding and border, but for the margin of widgets;
# beside HTML, JupyterLab keeps 20 pixels free.
_BELOW_THE_CARD = {
    "max_width": "min(34rem, calc(100% - 20px))",
    "padding": "0 19px 0 22px",
}


def _clock(left: float) -> str:
    """Give a moment as clocks here show it, with its offset from UTC."""
    # The kernel may be far from who reads it, and names of zones mean several.
    moment = (datetime.now(UTC) + timedelta(seconds=left)).astimezone()
    return f"{moment:%H:%M} {timezone(moment.utcoffset() or timedelta())}"


def _working(text: str, profile: str) -> dict[str, str]:
    return _bundle(f"Intermezzo: {text}", card.working(text, profile))


def _signed_in(status: Status) -> dict[str, str]:
    return _bundle(card.plain_signed_in(status), card.signed_in(status))


def _bundle(plain: str, html: str) -> dict[str, str]:
    text = "\n".join(map(wrapped, plain.splitlines()))
    return {"text/plain": text, "text/html": html}
