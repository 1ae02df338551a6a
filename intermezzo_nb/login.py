"""One sign-in under way: its state, which anybody may watch, and its thread."""

from __future__ import annotations

import atexit
import contextlib
import enum
import threading
from collections.abc import Callable
from typing import NoReturn

from .errors import (
    IntermezzoError,
    Interrupted,
    LoginCancelled,
    LoginDenied,
    LoginError,
    LoginExpired,
    LoginInterrupted,
)
from .oauth.flows import Flow, Tell, insist_on_not
from .oauth.models import Prompt, Token


class State(enum.StrEnum):
    """Where a sign-in stands."""

    CHOOSING = "choosing"
    LINK_READY = "link ready"
    RECEIVED = "received"
    SIGNED_IN = "signed in"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed out"
    DENIED = "denied"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self not in {State.CHOOSING, State.LINK_READY, State.RECEIVED}


class Login:
    """
    A sign-in that a thread of its own brings to its end.

    Parameters
    ----------
    flow : callable
        Makes the flow that is to be followed.
    accept : callable
        Takes the token of a sign-in that worked, and keeps it.
    reject : callable
        Takes one that came after somebody had cancelled, and revokes it.
    """

    def __init__(
        self,
        flow: Callable[[], Flow],
        accept: Callable[[Token], None],
        reject: Callable[[Token], object],
    ) -> None:
        self._make_flow, self._accept, self._reject = flow, accept, reject
        self._watchers: list[Callable[[Login], None]] = []
        self._mutex = threading.Lock()
        self._cancelled = threading.Event()
        self._is_replaced = False
        self.is_awaited = False  # then an error tells somebody how it ended
        self._is_accepted = False  # from then on it cannot be cancelled
        self._done = threading.Event()
        self._flow: Flow | None = None
        self.state = State.CHOOSING
        self.prompt: Prompt | None = None
        self.error: IntermezzoError | None = None

    def watch(self, watcher: Callable[[Login], None]) -> None:
        """Call it after each change of state, from whichever thread made it."""
        self._watchers.append(watcher)

    def start(self) -> None:
        """
        Ask the question now, and let a thread wait for the answer.

        Raises
        ------
        IntermezzoError
            The question cannot even be asked.
        """
        flow = self._begin()
        atexit.register(self._leave)
        threading.Thread(
            target=self._finish, args=(flow,), name="intermezzo-login", daemon=True
        ).start()

    def paste(self, address: str) -> str:
        """
        Take the address on which the browser ended, from whichever thread.

        Parameters
        ----------
        address : str
            The whole of it; it holds the code, so it is kept nowhere.

        Returns
        -------
        str
            Why it is no answer, for the person; empty where it is one.
        """
        flow = self._flow
        if flow is None or self.state is not State.LINK_READY:
            return "Nothing waits for an address now."
        return flow.take(address)

    def cancel(self, *, replaced: bool = False) -> None:
        """
        End the wait; harmless when it is over.

        Parameters
        ----------
        replaced : bool
            A newer sign-in takes its place, which is then told as the reason.
        """
        with self._mutex:
            if not self._cancelled.is_set():
                self._is_replaced = replaced
                self._cancelled.set()

    def expect(self) -> bool:
        """Note that somebody waits for the end; tell whether nobody did before."""
        with self._mutex:
            is_first, self.is_awaited = not self.is_awaited, True
        return is_first

    def settle(self) -> None:
        """Wait until a token that has been accepted is kept, or could not be."""
        if self._is_accepted:
            self._done.wait()

    def wait(self) -> None:
        """
        Wait for the end; an interrupt cancels.

        Raises
        ------
        LoginError, IntermezzoError
            It did not end in a session.
        LoginInterrupted, Interrupted
            As :meth:`stop` tells.
        """
        try:
            # With a timeout, as an endless wait cannot be interrupted on Windows.
            while not self._done.wait(0.5):
                pass
        except KeyboardInterrupt:
            self.stop()
        if self.error is not None:
            raise self.error.with_traceback(None)

    def stop(self) -> NoReturn:
        """
        Cancel at an interrupt of who waits, and pass it on in words.

        Raises
        ------
        LoginInterrupted
            It is cancelled.
        Interrupted
            It was too late to cancel.
        """
        self.is_awaited = True
        self.cancel()
        # A call that hangs is not waited for: what it brings is not accepted.
        self._done.wait(1)
        if self._is_accepted:
            self.settle()
            raise Interrupted("interrupted; the sign-in was finished before.") from None
        raise LoginInterrupted(
            "the sign-in was cancelled by an interrupt",
            advice="Run %intermezzo_login when you want to sign in.",
        ) from None

    def _leave(self) -> None:
        # The process ends: who still opens the link is told that nothing waits.
        self.cancel()
        self._done.wait(1)

    def _begin(self) -> Flow:
        flow = self._flow = self._make_flow()
        try:
            self.prompt = flow.begin()
        except BaseException:
            flow.close()
            raise
        self._become(State.LINK_READY)
        return flow

    def _finish(self, flow: Flow) -> None:
        try:
            token = flow.wait(self._cancelled, self._told())
            with self._mutex:
                self._is_accepted = not self._cancelled.is_set()
            if not self._is_accepted:
                self._reject(token)
                insist_on_not(self._cancelled)
            self._accept(token)
        except IntermezzoError as error:
            self._end(error)
        except Exception as fault:  # noqa: BLE001 (nobody else would hear of it)
            self._end(_unforeseen(fault))
        else:
            self._end(None)

    def _told(self) -> Tell:
        def replaced(prompt: Prompt) -> None:
            self.prompt = prompt
            self._become(State.LINK_READY)

        return Tell(lambda: self._become(State.RECEIVED), replaced)

    def _end(self, error: IntermezzoError | None) -> None:
        if self._is_replaced and isinstance(error, LoginCancelled):
            error = _replaced()
        # The link holds state and nonce: it goes when it has served.
        self.prompt, self._flow, self.error = None, None, error
        self._become(_final_state(error))
        self._done.set()
        atexit.unregister(self._leave)

    def _become(self, state: State) -> None:
        self.state = state
        for watcher in self._watchers:
            # A drawing that fails must not cost the sign-in.
            with contextlib.suppress(Exception):
                watcher(self)


def _final_state(error: IntermezzoError | None) -> State:
    if error is None:
        return State.SIGNED_IN
    for kind, state in (
        (LoginCancelled, State.CANCELLED),
        (LoginExpired, State.TIMED_OUT),
        (LoginDenied, State.DENIED),
    ):
        if isinstance(error, kind):
            return state
    return State.FAILED


def _replaced() -> LoginCancelled:
    return LoginCancelled(
        "this sign-in was replaced by a newer one",
        advice="Use the link of the newest sign-in.",
        code="login_replaced",
    )


def _unforeseen(fault: Exception) -> LoginError:
    return LoginError(
        "the sign-in ended in a fault of this program",
        why=f"{type(fault).__name__}, without its text: it might hold a secret.",
        advice="Try %intermezzo_login again, and report it.",
        code="internal_error",
    )
