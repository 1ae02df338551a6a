"""LoginPanel: the widget card of a sign-in and its HTML and text twins."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import ipywidgets
from IPython.display import display

from ..connection import Connection
from ..login import Login, State
from ..oauth.models import Prompt
from ..status import Status
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


class LoginPanel:
    """
    A card that follows a sign-in from the link to its end.

    It is one display output with three drawings; the front end takes the best that
    it knows. At the end the widget is emptied and the output replaced, so that a
    saved notebook keeps a card or a line, and no link.

    Parameters
    ----------
    status : callable
        Tells how the connection stands once somebody has signed in.
    """

    def __init__(self, login: Login, status: Callable[[], Status]) -> None:
        self._login, self._status = login, status
        self._profile = status().profile
        self._card = ipywidgets.HTML()
        self._left = ipywidgets.HTML()
        self._cancel = ipywidgets.Button(description="Cancel")
        self._again = ipywidgets.Button(description="Try again")
        self._cancel.on_click(lambda _: login.cancel())
        self._again.on_click(lambda _: login.again())
        buttons = ipywidgets.HBox([self._cancel, self._again, self._left])
        buttons.layout.align_items = "center"
        self._box = ipywidgets.VBox([self._card, buttons])
        self._shown: Any = None

    def show(self) -> None:
        """Display the card and follow the sign-in."""
        drawn = self._login.state
        self._shown = display(self._bundle(), raw=True, display_id=True)
        self._login.watch(lambda _: self._follow())
        if self._login.state is drawn:
            self._watch_clock()
        else:
            self._follow()  # it moved on before it was watched

    def _follow(self) -> None:
        self._shown.update(self._bundle(), raw=True)
        if self._login.state is State.SIGNED_IN:
            self._card.value = ""
            self._box.close()
        else:
            self._watch_clock()

    def _watch_clock(self) -> None:
        if prompt := self._login.prompt:
            threading.Thread(
                target=self._count_down,
                args=(prompt,),
                name="intermezzo-countdown",
                daemon=True,
            ).start()

    def _bundle(self) -> dict[str, Any]:
        login, state = self._login, self._login.state
        prompt, error = login.prompt, login.error
        self._cancel.layout.display = "none" if state.is_final else ""
        self._again.layout.display = "" if state.is_final else "none"
        self._left.value = "" if state.is_final else self._left.value
        if state is State.SIGNED_IN:
            status = self._status()
            plain = card.plain_signed_in(status)
            return {"text/html": card.signed_in(status), "text/plain": plain}
        if state.is_final and error:
            html = card.ended(error, state, self._profile)
            plain = f"Intermezzo: {error.what}. {error.advice}"
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
        self._card.value = html
        view = {"model_id": self._box.model_id, "version_major": 2, "version_minor": 0}
        return {_VIEW: view, "text/html": html, "text/plain": plain}

    def _count_down(self, prompt: Prompt) -> None:
        # The link is never redrawn for it: a redraw takes the focus and selection.
        while self._login.prompt is prompt:
            left = prompt.deadline - time.monotonic()
            self._left.value = _clock(max(0.0, left))
            time.sleep(1)
        self._left.value = ""


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d} left"
