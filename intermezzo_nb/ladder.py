"""Which way a sign-in goes: each rung taken or passed by, with its reason."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from .addresses import origin
from .advice import named_by_place
from .errors import AuthorizationServerError, SettingsError, StoreError
from .oauth.client import OAuthClient
from .oauth.flows import CodeFlow, DeviceFlow, Flow, Receiver, Tell
from .oauth.forwarding import Forwarding
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
    return lambda: _FirstThatBegins(ways, note, settings.places)


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
    flows = _Flows(settings, surroundings, oauth)
    device: Way = ("device", flows.on_any_device)
    signs = ", ".join(surroundings.elsewhere)
    match settings.via:
        case "loopback":
            ways = [("loopback", flows.over_loopback)]
        case "server":
            ways = [("server", flows.over(flows.insist_on_server()))]
        case "device":
            ways = [device]
        case "paste":
            ways = [("paste", flows.by_paste)]
        case _ if not signs or surroundings.forwards:
            if signs:
                note("loopback", f"likely: {surroundings.forwards}, though {signs}")
            ways = [("loopback", flows.over_loopback)]
        case _:
            note("loopback", f"the browser is probably elsewhere: {signs}")
            ways = [("paste", flows.by_paste)]
            if _offers_device(oauth, note):
                ways.insert(0, device)
            if not (server := flows.server):
                note("server", _NO_SERVER)
            elif "Binder" in signs and not flows.is_registered:
                note("server", "each Binder has another address: none is registered")
            else:
                ways.insert(0, ("server", flows.over(server)))
    return ways


def why_nobody(settings: Settings, surroundings: Surroundings) -> str:
    """Tell why no person can be asked; empty where one can."""
    return "--no-input was given" if settings.no_input else surroundings.silence


def reaches_pages_here(surroundings: Surroundings) -> bool:
    """Tell whether a browser reaches what this machine serves on its loopback."""
    is_near = not surroundings.elsewhere or bool(surroundings.forwards)
    return is_near or jupyter_of(surroundings) is not None


def jupyter_of(surroundings: Surroundings, life: float = 0.0) -> Mailbox | None:
    """Give the mailbox of the Jupyter server that takes answers, for that long."""
    if surroundings.runtime_dir is None or surroundings.parent is None:
        return None
    return Mailbox.find(surroundings.runtime_dir, surroundings.parent, life)


class _Flows:
    """Makes the flow of each way; those of the code have one question in common."""

    def __init__(
        self, settings: Settings, surroundings: Surroundings, oauth: OAuthClient
    ) -> None:
        self._settings, self._oauth = settings, oauth
        self._is_far = bool(surroundings.elsewhere)
        self._jupyter = jupyter_of(surroundings, settings.timeout)

    @property
    def server(self) -> Callable[[], Receiver] | None:
        """Make a receiver of the Jupyter server's, if one takes answers."""
        if self._jupyter is None:
            return None
        mailbox = self._jupyter
        uri = self._settings.redirect_uri
        registered = uri if uri and uri.startswith("https:") else None
        pages = self._forwarding()
        return lambda: ServerReceiver(mailbox, registered, pages)

    @property
    def is_registered(self) -> bool:
        """Whether the address of a server that changes its own is known to somebody."""
        return self._settings.is_practice or self._settings.redirect_uri is not None

    def insist_on_server(self) -> Callable[[], Receiver]:
        if (server := self.server) is None:
            raise SettingsError(
                "no Jupyter server takes the answer for this kernel",
                why=f"{_NO_SERVER[:1].upper()}{_NO_SERVER[1:]}.",
                advice="Install intermezzo-nb beside Jupyter and restart it, or use "
                "--via paste.",
                code="no_server",
            )
        return server

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

    def on_any_device(self) -> Flow:
        pages = self._forwarding() if self._is_far else None
        return DeviceFlow(self._oauth, timeout=self._settings.timeout, pages=pages)

    def _forwarding(self) -> Forwarding | None:
        """Lend the practice server's pages: its loopback is the kernel's alone."""
        if self._jupyter is None or not self._settings.is_practice:
            return None
        _, host, port = origin(self._settings.issuer or "")
        return Forwarding(self._jupyter, f"http://{host}:{port}")

    def _flow(self, receiver: Receiver, paste: Paste) -> Flow:
        timeout = self._settings.timeout
        return CodeFlow(self._oauth, receiver, timeout=timeout, paste=paste)


class _FirstThatBegins:
    """The first of some ways that server and disk let begin."""

    def __init__(
        self, ways: Sequence[Way], note: Note, places: Mapping[str, str]
    ) -> None:
        self._ways, self._note, self._places = ways, note, places
        self._flow: Flow  # from begin on

    def begin(self) -> Prompt:
        *first, (last, make) = self._ways
        for way, attempt in first:
            try:
                return self._begun(way, attempt())
            except (AuthorizationServerError, StoreError) as error:
                self._note(way, error.what)
        return self._begun(last, make())

    def wait(self, cancelled: threading.Event, tell: Tell) -> Token:
        with named_by_place(self._places):
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
        self._note(way, "used")
        return prompt


_NO_SERVER = "the Jupyter server of this kernel, if any, has not loaded intermezzo_nb"


def _offers_device(oauth: OAuthClient, note: Note) -> bool:
    if oauth.metadata.device_authorization_endpoint is None:
        note("device", f"{oauth.host} does not offer it")
        return False
    return True
