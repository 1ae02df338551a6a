"""Asking for the address on which the browser ended, where a cell or script waits."""

from __future__ import annotations

import getpass
import signal
import threading
from collections.abc import Callable

from .login import Login, State

_LINE = "Intermezzo: the address of that page (hidden): "


def wait_and_ask(login: Login, say: Callable[[str], None]) -> None:
    """
    Wait for the end of a sign-in, and take an address meanwhile.

    The address holds a one-time code: it is typed unseen and kept nowhere. When the
    sign-in ends in another way, the question ends as well.

    Parameters
    ----------
    say : callable
        Tells the person why an address was not the right one.

    Raises
    ------
    LoginError, IntermezzoError
        It did not end in a session; an interrupt cancels it, as in :meth:`Login.wait`.
    """
    question = _Question(login)
    if threading.current_thread() is threading.main_thread():
        login.watch(question.end)
        try:
            while (address := question.ask()) is not None:
                if not (why := login.paste(address)):
                    break
                say(f"Intermezzo: {why}")
        except KeyboardInterrupt:
            if not question.was_ended:
                login.stop()
    login.wait()


class _Question:
    """One line that is asked for, until somebody types it or the sign-in ends."""

    def __init__(self, login: Login) -> None:
        self._login, self._mutex = login, threading.Lock()
        self._is_open = self.was_ended = False

    def ask(self) -> str | None:
        """Give what was typed; None where nobody can type, or the sign-in is over."""
        with self._mutex:
            if self._login.state is not State.LINK_READY:
                return None
            self._is_open = True
        try:
            return getpass.getpass(_LINE)
        except EOFError:
            return None
        finally:
            # A signal that is on its way arrives here at the latest.
            with self._mutex:
                self._is_open = False

    def end(self, login: Login) -> None:
        """End the question: reading a line cannot time out, but a signal ends it."""
        with self._mutex:
            if not self._is_open or login.state is State.LINK_READY:
                return
            self._is_open, self.was_ended = False, True
            if hasattr(signal, "pthread_kill"):
                main = threading.main_thread()
                signal.pthread_kill(main.ident or 0, signal.SIGINT)
