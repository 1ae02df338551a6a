"""LoginPanel: the card of a sign-in, its text twin, and the widgets below it."""

from __future__ import annotations

import getpass
import threading
import time
from collections.abc import Callable
from typing import Any

import ipywidgets
from IPython.display import display

from ..connection import Connection
from ..errors import LoginMismatch
from ..login import Login, State
from ..oauth.models import Prompt
from ..status import Status
from ..surroundings import look
from . import card

_VIEW = "application/vnd.jupyter.widget-view+json"


def sign_in(connection: Connection, *, wait: bool, force: bool) -> None:
    """Sign in, and show how it goes: a live card, or at once who is signed in."""
    shown: list[LoginPanel] = []

    def present(login: Login) -> None:
        shown.append(LoginPanel(login, connection.status))
        shown[-1].show()

    status = connection.login(wait=wait, force=force, present=present)
    if not shown:
        bundle = {
            "text/html": card.signed_in(status),
            "text/plain": card.plain_signed_in(status),
        }
        display(bundle, raw=True)


def paste(connection: Connection) -> None:
    """Ask for the address on which the browser ended; unseen, and kept nowhere."""
    address = getpass.getpass("Intermezzo: the address of that page (hidden): ")
    if why := connection.paste(address):
        raise LoginMismatch(
            "that address does not finish the sign-in",
            why=why,
            advice="Copy it once more, and run %intermezzo_login --paste again.",
        )


class LoginPanel:
    """
    A card that follows a sign-in from the link to its end, and its controls.

    The card is HTML with a text twin, drawn anew at each change: it works where no
    widget does. The controls are widgets below it, and nothing depends on them. At
    the end both are replaced, so that a saved notebook keeps no link and no widget.

    Parameters
    ----------
    status : callable
        Tells how the connection stands once somebody has signed in.
    """

    def __init__(self, login: Login, status: Callable[[], Status]) -> None:
        self._login, self._status = login, status
        self._profile = status().profile
        self._has_widgets = look().front == "notebook"
        self._card: Any = None
        self._row: Any = None
        self._controls = Controls(login)

    def show(self) -> None:
        """Display card and controls, and follow the sign-in."""
        drawn = self._login.state
        self._card = display(self._drawing(), raw=True, display_id=True)
        if self._has_widgets:
            self._row = display(self._controls.view(), raw=True, display_id=True)
        self._login.watch(lambda _: self._follow())
        if self._login.state is not drawn:
            self._follow()  # it moved on before it was watched

    def _follow(self) -> None:
        self._card.update(self._drawing(), raw=True)
        self._controls.follow()
        if self._row and self._login.state is State.SIGNED_IN:
            self._row.update({"text/plain": ""}, raw=True)
            self._controls.close()

    def _drawing(self) -> dict[str, str]:
        login, state = self._login, self._login.state
        prompt, error = login.prompt, login.error
        if state is State.SIGNED_IN:
            status = self._status()
            plain, html = card.plain_signed_in(status), card.signed_in(status)
        elif state.is_final and error:
            plain = f"Intermezzo: {error.what}. {error.advice}"
            html = card.ended(error, state, self._profile)
        elif prompt and state is State.LINK_READY:
            left = prompt.deadline - time.monotonic()
            until = time.strftime("%H:%M", time.localtime(time.time() + left))
            draw = card.device_ready if prompt.user_code else card.link_ready
            html = draw(prompt, self._profile, until=until)
            plain = card.plain_link(prompt, until=until)
        else:
            plain = "The answer is here; finishing …"
            plain = plain if state is State.RECEIVED else "Asking the server …"
            html = card.working(plain, self._profile)
        return {"text/html": html, "text/plain": plain}


class Controls:
    """
    Cancel, try again, the time that is left, and a field for an address.

    What arrives from them may arrive late, never, or on another thread: each only
    tells the sign-in, and waits for nothing.
    """

    def __init__(self, login: Login) -> None:
        self._login = login
        self._cancel = ipywidgets.Button(description="Cancel")
        self._again = ipywidgets.Button(description="Try again")
        self._left, self._said = ipywidgets.HTML(), ipywidgets.HTML()
        # A password field: neither shown nor offered again by the browser.
        self._field = ipywidgets.Password(
            description="Page cannot be reached?",
            placeholder="paste its whole address",
            layout={"width": "34rem", "max_width": "100%"},
            style={"description_width": "initial"},
        )
        self._cancel.on_click(lambda _: login.cancel())
        self._again.on_click(lambda _: login.again())
        self._field.observe(self._take, "value")
        layout = {"align_items": "center", "flex_flow": "row wrap"}
        row = ipywidgets.HBox([self._cancel, self._again, self._left], layout=layout)
        self._box = ipywidgets.VBox([self._field, self._said, row])
        self._counted: Prompt | None = None
        self.follow()

    def view(self) -> dict[str, Any]:
        """Give the mime bundle that shows them; empty where widgets are unknown."""
        view = {"model_id": self._box.model_id, "version_major": 2, "version_minor": 0}
        return {_VIEW: view, "text/plain": ""}

    def follow(self) -> None:
        """Show what can be done now."""
        state, prompt = self._login.state, self._login.prompt
        _show(self._cancel, when=not state.is_final)
        _show(self._again, when=state.is_final)
        _show(self._field, when=bool(prompt and prompt.paste))
        if prompt is None:
            self._left.value = self._said.value = ""
        elif prompt is not self._counted:
            self._counted = prompt
            threading.Thread(
                target=self._count_down,
                args=(prompt,),
                name="intermezzo-countdown",
                daemon=True,
            ).start()

    def close(self) -> None:
        """Take them out of the notebook's widget state."""
        self._box.close()

    def _take(self, change: dict[str, Any]) -> None:
        if address := change["new"]:
            self._field.value = ""
            self._said.value = card.said(self._login.paste(address))

    def _count_down(self, prompt: Prompt) -> None:
        # The link is never redrawn for it: a redraw takes the focus and selection.
        while self._login.prompt is prompt:
            left = prompt.deadline - time.monotonic()
            self._left.value = _clock(max(0.0, left))
            time.sleep(1)
        self._left.value = ""


def _show(widget: Any, *, when: bool) -> None:
    widget.layout.display = "" if when else "none"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d} left"
