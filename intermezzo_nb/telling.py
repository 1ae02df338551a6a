"""What is told as lines of text: a link, and that somebody is waited for."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from .api.progress import Progress, seldom
from .api.waits import telling_silence, telling_waits
from .surroundings import look

if TYPE_CHECKING:
    from .login import Login
    from .oauth.models import Prompt


def print_link(login: Login) -> None:
    """Show a sign-in as text, and again when its link had to be replaced."""
    shown: list[Prompt] = []

    def show(_: Login) -> None:
        if (prompt := login.prompt) and prompt not in shown:
            shown.append(prompt)
            say(str(prompt))

    login.watch(show)
    show(login)


def say(text: str) -> None:
    """Print a line where no notebook draws."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say_beside(text: str) -> None:
    """
    Print a line where it does not become a part of what a program gives.

    To a person in a notebook it is shown as an output of its own: front ends paint what
    is written to stderr in red, like an error.
    """
    around = look()
    is_seen = around.front == "notebook" and around.answers
    if is_seen and (drawing := sys.modules.get("IPython.display")):
        drawing.display({"text/plain": text}, raw=True)
        return
    stream: TextIO | None = sys.stderr
    # There may be none, closed, or on a full disk: no reason for a request to fail.
    if stream is not None:
        with contextlib.suppress(OSError, ValueError):
            stream.write(text + "\n")
            stream.flush()


@contextlib.contextmanager
def telling(what: str) -> Iterator[None]:
    """
    Tell of waits meanwhile, each once, and that nobody answers.

    Parameters
    ----------
    what : str
        What goes on.
    """
    listen = seldom(say_beside, watched=False)

    def tell(_seconds: float, reason: str) -> None:
        listen(Progress(what, waiting=reason))

    with telling_waits(tell), telling_silence(tell):
        yield
