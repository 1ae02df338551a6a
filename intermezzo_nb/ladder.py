"""Which way a sign-in goes: each rung taken or passed by, with its reason."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from .errors import AuthorizationServerError, SettingsError
from .oauth.client import OAuthClient
from .oauth.flows import CodeFlow, DeviceFlow, Flow, Receiver, Tell
from .oauth.mailbox import Mailbox
from .oauth.models import Paste, Prompt, Token
from .oauth.receivers import LoopbackReceiver, PasteReceiver, ServerReceiver
from .settings import Settings
from .surroundings import Surroundings

Note = Callable[[str, str], None]
Way = tuple[str, Callable[[], Flow]]


def choose_way(
    settings: Settings, surroundings: Surroundings, oauth: OAuthClient, note: Note
) -> Callable[[], Flow]:
    """Choose how a person's answer comes back: by the first way that begins."""
    ways = ways_here(settings, surroundings, oauth, note)
    return lambda: _FirstThatBegins(ways, note)


def ways_here(
    settings: Settings, surroundings: Surroundings, oauth: OAuthClient, note: Note
) -> list[Way]:
    """
    Give the ways by which an answer can come back, in the order of trying.

    Loopback, unless the evidence says that the browser cannot reach it; then the
    Jupyter server, the device grant and a pasted address.

    Parameters
    ----------
    note : callable
        Told of each way that is passed by, or is a guess, and why.

    Raises
    ------
    SettingsError
        ``no_server``: ``--via server``, and no Jupyter server takes answers.
    """
    code = _Codes(settings, surroundings, oauth)
    device: Way = ("device", lambda: DeviceFlow(oauth, timeout=settings.timeout))
    signs = ", ".join(surroundings.elsewhere)
    match settings.via:
        case "loopback":
            ways = [("loopback", code.over_loopback)]
        case "server":
            ways = [("server", code.over(code.insist_on_server()))]
        case "device":
            ways = [device]
        case "paste":
            ways = [("paste", code.by_paste)]
        case _ if not signs or surroundings.forwards:
            if signs:
                note("loopback", f"likely: {surroundings.forwards}, though {signs}")
            ways = [("loopback", code.over_loopback)]
        case _:
            note("loopback", signs)
            ways = [("paste", code.by_paste)]
            if _offers_device(oauth, note):
                ways.insert(0, device)
            if server := code.server:
                ways.insert(0, ("server", code.over(server)))
            else:
                note("server", _NO_SERVER)
    return ways


def why_nobody(settings: Settings, surroundings: Surroundings) -> str:
    """Tell why no person can be asked; empty where one can."""
    return "--no-input was given" if settings.no_input else surroundings.silence


class _Codes:
    """The ways of the authorization code: one question, several ways back."""

    def __init__(
        self, settings: Settings, surroundings: Surroundings, oauth: OAuthClient
    ) -> None:
        self._settings, self._oauth = settings, oauth
        self.server = _server(settings, surroundings)

    def insist_on_server(self) -> Callable[[], Receiver]:
        if self.server is None:
            raise SettingsError(
                "no Jupyter server takes the answer for this kernel",
                why=f"{_NO_SERVER[:1].upper()}{_NO_SERVER[1:]}.",
                advice="Install intermezzo-nb beside Jupyter and restart it, or use "
                "--via paste.",
                code="no_server",
            )
        return self.server

    def over(self, receiver: Callable[[], Receiver]) -> Callable[[], Flow]:
        return lambda: self._flow(receiver(), "possible")

    def over_loopback(self) -> Flow:
        return self._flow(LoopbackReceiver(self._settings.redirect_uri), "possible")

    def by_paste(self) -> Flow:
        uri = self._settings.redirect_uri
        is_ours = uri is None or uri.startswith("http:")
        # It listens all the same: a tunnel may lead there.
        receiver = LoopbackReceiver(uri) if is_ours else PasteReceiver(str(uri))
        return self._flow(receiver, "expected")

    def _flow(self, receiver: Receiver, paste: Paste) -> Flow:
        timeout = self._settings.timeout
        return CodeFlow(self._oauth, receiver, timeout=timeout, paste=paste)


class _FirstThatBegins:
    """The first of some ways at which the authorization server does not balk."""

    def __init__(self, ways: Sequence[Way], note: Note) -> None:
        self._ways, self._note = ways, note
        self._flow: Flow  # from begin on

    def begin(self) -> Prompt:
        *first, (last, make) = self._ways
        for way, attempt in first:
            try:
                return self._begun(way, attempt())
            except AuthorizationServerError as error:
                self._note(way, error.what)
        return self._begun(last, make())

    def wait(self, cancelled: threading.Event, tell: Tell) -> Token:
        return self._flow.wait(cancelled, tell)

    def take(self, address: str) -> str:
        return self._flow.take(address)

    def close(self) -> None:
        if hasattr(self, "_flow"):
            self._flow.close()

    def _begun(self, way: str, flow: Flow) -> Prompt:
        try:
            prompt = flow.begin()
        except BaseException:
            flow.close()
            raise
        self._flow = flow
        self._note(way, "taken")
        return prompt


_NO_SERVER = "the Jupyter server of this kernel, if any, has not loaded intermezzo_nb"


def _server(
    settings: Settings, surroundings: Surroundings
) -> Callable[[], Receiver] | None:
    if surroundings.runtime_dir is None or surroundings.parent is None:
        return None
    mailbox = Mailbox(surroundings.runtime_dir)
    if (base_url := mailbox.base_url(surroundings.parent)) is None:
        return None
    uri = settings.redirect_uri
    registered = uri if uri and uri.startswith("https:") else None
    return lambda: ServerReceiver(mailbox, base_url, registered)


def _offers_device(oauth: OAuthClient, note: Note) -> bool:
    if oauth.metadata.device_authorization_endpoint is None:
        note("device", f"{oauth.host} does not offer it")
        return False
    return True
