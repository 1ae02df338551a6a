"""One session: begun by a person or by credentials, renewed, and ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .addresses import origin
from .advice import how_to_be_a_machine, how_to_leave_out
from .api.waits import tell_wait
from .errors import (
    IntermezzoError,
    Interrupted,
    LoginCancelled,
    LoginInterrupted,
    LoginRequired,
    SettingsError,
)
from .oauth.answers import is_bearer_token
from .oauth.client import OAuthClient
from .oauth.models import Token
from .oauth.renewal import renewed
from .secret import Secret
from .settings import Settings
from .surroundings import Surroundings, look
from .telling import say, telling
from .tokens.choice import choose_store
from .tokens.source import TokenSource
from .tokens.store import session_key
from .wrapping import wrapped

if TYPE_CHECKING:
    from .login import Login
    from .status import LoggedOut, Status

# What signs a person in is imported where it is used: machines have no use for it.


class Session:
    """
    Where a token comes from, and whether somebody has to be asked for it.

    Parameters
    ----------
    settings : Settings
        As :func:`intermezzo_nb.connect` resolves them.
    """

    def __init__(self, settings: Settings, source: TokenSource | None = None) -> None:
        self.settings = settings
        self._oauth = OAuthClient(settings)
        self._source = source or TokenSource(
            choose_store(settings, look()), _key(settings), self._renewed
        )
        self._login: Login | None = None
        self._ladder: list[tuple[str, str]] = []

    def with_settings(self, settings: Settings) -> Session:
        """Give the same session, whose next sign-in goes by other settings."""
        session = Session(settings, self._source)
        session._login = self._login
        return session

    def login(
        self,
        *,
        wait: bool = True,
        force: bool = False,
        present: Callable[[Login], None],
    ) -> None:
        """Sign in, as :meth:`Connection.login` tells."""
        self._ladder = []
        self.cancel_login(replaced=True)
        surroundings, login = look(), None
        try:
            if force or not self._has_session():
                with telling(_SIGNING_IN):
                    login = self._login = self._begun(surroundings)
            if login is None:
                return
            present(login)
            if wait:
                self._await(login, surroundings)
        except (Interrupted, LoginInterrupted):
            self._login = None
            raise
        except KeyboardInterrupt:
            self._login = None
            if login is None:
                raise
            login.stop()  # as one that comes a moment later
        except BaseException:
            self.cancel_login()
            raise
        if wait:
            self._login = None  # its end was told here

    @property
    def is_signing_in(self) -> bool:
        """Whether a sign-in is under way, for which the next token waits."""
        return self._login is not None

    def cancel_login(self, *, replaced: bool = False) -> None:
        """End a sign-in that is under way; harmless when there is none."""
        login, self._login = self._login, None
        if login is not None:
            login.cancel(replaced=replaced)
            login.settle()

    def status(self) -> Status:
        """Tell how this connection stands; nothing is asked or renewed."""
        try:
            token, kept = self._source.peek(), self._source.store.where
        except IntermezzoError as error:
            token, kept = None, f"unusable: {error.what}"
        from .status import Status

        settings = self.settings
        is_pending = self._login is not None and not self._login.state.is_final
        state = "signing in" if is_pending else "signed in" if token else "signed out"
        return Status(
            profile=settings.profile,
            state=state,
            where=self._oauth.host,
            issuer=settings.issuer or settings.token_url or "",
            api_url=settings.api_url or "",
            client_id=settings.client_id or "",
            identity=token.identity if token else None,
            scope=token.scope if token else None,
            seconds_left=self._source.seconds_left(),
            is_machine=settings.is_machine,
            renews=settings.is_machine or bool(token and token.refresh_token),
            kept=kept if token else "",
            ladder=tuple(self._ladder),
        )

    def logout(self) -> LoggedOut:
        """
        Revoke at the server, purge here (RFC 7009); the purge happens either way.

        Returns
        -------
        LoggedOut
            Both halves.
        """
        from .status import LoggedOut

        self.cancel_login()
        self._ladder = []
        token, fault = self._source.forget()
        if place := self.settings.access_token:
            why = f"the token in {place} was not given to this program to end"
            return LoggedOut((), why, purged=False, not_purged=f"it stays in {place}")
        kept = f"{fault.what} ({fault.advice})" if fault else ""
        with telling("signing out"):
            revoked, why = self._revoke(token) if token else ([], "no token is known")
        is_purged = token is not None and not fault
        return LoggedOut(
            tuple(revoked),
            why,
            purged=is_purged,
            not_purged=kept,
            is_machine=self.settings.is_machine,
        )

    def token(self, *, rejected: Secret | None = None) -> Token:
        """
        Give a token that is good now; wait for a sign-in that is under way.

        Raises
        ------
        LoginError, NetworkError, AuthorizationServerError, StoreError
            There is none.
        """
        if self._login is not None:
            self._finish(self._login)
        try:
            return self._source.token(rejected=rejected)
        except LoginRequired as error:
            if silence := self._why_nobody(look()):
                told = self._unattended(silence)
                error.why = f"{error.why} {told.why}".strip()
                error.advice = told.advice
            raise

    def paste(self, address: str) -> str:
        """Take an address for the sign-in under way, as :meth:`Login.paste` tells."""
        if self._login is None:
            return "No sign-in is under way."
        return self._login.paste(address)

    def _finish(self, login: Login) -> None:
        surroundings = look()
        try:
            if not login.state.is_final:
                self._tell_wait(login, surroundings)
        except KeyboardInterrupt:
            login.stop()  # as one that comes a moment later
        try:
            self._await(login, surroundings)
        except LoginInterrupted:
            raise
        except LoginCancelled:
            # Who cancels goes on with the session that is kept, if one is.
            if self._source.peek() is None:
                raise
        except IntermezzoError:
            # Told once, it does not stand in the way of a session that is kept.
            if self._source.peek() is not None:
                self._login = None
            raise
        self._login = None

    @staticmethod
    def _tell_wait(login: Login, surroundings: Surroundings) -> None:
        is_first = login.expect()
        # In a terminal, what the card says next would run into a line that moves.
        is_told = surroundings.front != "terminal" and tell_wait(0, _WAITING)
        if is_first and not is_told:
            say(wrapped(f"Intermezzo: {_WAITING} …"))

    @staticmethod
    def _await(login: Login, surroundings: Surroundings) -> None:
        login.expect()
        prompt = login.prompt
        if prompt and prompt.paste == "expected" and surroundings.answers:
            from .asking import wait_and_ask

            wait_and_ask(login, say)
        else:
            login.wait()

    def _renewed(self, token: Token | None, keep: Callable[[Token], None]) -> Token:
        if self.settings.access_token is None:
            return renewed(self._oauth, token, keep)
        secret = self.settings.access_token.read()
        if token is not None and secret == token.access_token:
            raise LoginRequired(
                f"the API refuses the token from {self.settings.access_token}",
                why="It cannot be renewed from here.",
                advice="Put a new one there.",
                code="session_ended",
            )
        if not is_bearer_token(secret):
            raise SettingsError(
                f"{self.settings.access_token} holds no bearer token",
                why="A token is one word of visible ASCII characters (RFC 6750 §2.1).",
                advice="Write the token there, and nothing else.",
            )
        return Token(secret)

    def _begun(self, surroundings: Surroundings) -> Login | None:
        """Begin a sign-in; None where credentials do, and nobody is asked."""
        if self.settings.asks_nobody:
            self._tell_why_no_person(surroundings)
            self.settings.require(*self.settings.needed)
            self._source.token()
            self._note("client credentials", "used")
            return None
        self._note("client credentials", "no secret is set, or a person was asked for")
        self._insist_on_a_person(surroundings)
        self.settings.require(*self.settings.needed)
        from .ladder import choose_way
        from .login import Login

        # Asked anew: since an earlier sign-in the server may be gone, or have moved.
        self._oauth = OAuthClient(self.settings)
        way = choose_way(self.settings, surroundings, self._oauth, self._note)
        login = Login(way, self._source.accept, self._revoke)
        login.start()
        return login

    def _has_session(self) -> bool:
        if self.settings.asks_nobody:
            return False
        if self._source.peek() is None:
            self._note("saved session", "there is none")
            return False
        try:
            with telling(_SIGNING_IN):
                self._source.token()
        except LoginRequired as error:
            self._note("saved session", error.what)
            return False
        self._note("saved session", "used")
        return True

    def _tell_why_no_person(self, surroundings: Surroundings) -> None:
        from .ladder import reaches_pages_here, why_nobody

        if silence := why_nobody(self.settings, surroundings):
            self._note("a person", silence)
        elif self.settings.is_practice and not reaches_pages_here(surroundings):
            signs = ", ".join(surroundings.elsewhere)
            why = f"no browser reaches the practice server's pages ({signs})"
            self._note("a person", why)

    def _why_nobody(self, surroundings: Surroundings) -> str:
        """Tell why nobody signs in, where a person would have to; else empty."""
        from .ladder import why_nobody

        if self.settings.asks_nobody:
            return ""
        return why_nobody(self.settings, surroundings)

    def _insist_on_a_person(self, surroundings: Surroundings) -> None:
        if silence := self._why_nobody(surroundings):
            self._note("a person", silence)
            raise self._unattended(silence)

    def _unattended(self, silence: str) -> LoginRequired:
        """Tell what is needed where nobody can be asked."""
        why = f"{silence[:1].upper()}{silence[1:]}; "
        if self.settings.client_secret or self.settings.client_key:
            return self._asks_a_person(why)
        needed = [
            n for n in ("client_id", "api_url") if not getattr(self.settings, n)
        ] + ["client_secret"]
        if not (self.settings.issuer or self.settings.token_url):
            needed.insert(1, "issuer")
        return LoginRequired(
            f"profile {self.settings.profile!r} has no credentials, and nobody can "
            "be asked",
            why=f"{why}unattended runs need client credentials.",
            advice=how_to_be_a_machine(needed, self.settings.places),
        )

    def _asks_a_person(self, why: str) -> LoginRequired:
        """Tell what keeps the credentials that are there from being used."""
        name = "grant" if self.settings.grant else "via"
        profile, value = self.settings.profile, getattr(self.settings, name)
        return LoginRequired(
            f"{name} is {value}, which asks a person, and nobody can be asked",
            why=f"{why}without it the credentials of profile {profile!r} do.",
            advice=how_to_leave_out(name, self.settings.places.get(name, "the call")),
        )

    def _revoke(self, token: Token) -> tuple[list[str], str]:
        done: list[str] = []
        faults: dict[str, None] = {}  # both fail in the same way, mostly
        for secret, hint in (
            (token.refresh_token, "refresh_token"),
            (token.access_token, "access_token"),
        ):
            if secret is None:
                continue
            try:
                if not self._oauth.revoke(secret, hint):
                    return done, "it offers no revocation"
            except IntermezzoError as error:
                faults[error.what] = None
            else:
                done.append(hint.replace("_", " "))
        return done, "; ".join(faults)

    def _note(self, way: str, came: str) -> None:
        self._ladder.append((way, came))


_SIGNING_IN = "signing in"
# "Run all" scrolls to where it stands still, and the link out of sight.
_WAITING = (
    "waiting for the sign-in: its link is in an output above (interrupt to cancel)"
)


def _key(settings: Settings) -> str:
    return session_key(
        issuer=settings.issuer or settings.token_url,
        client=settings.client_id,
        grant="authorization_code",
        audience=settings.audience,
        scope=settings.scope,
        api=str(origin(settings.api_url or "")),
        profile=settings.profile,
        # A session goes to no endpoint that was not set when it began.
        **{name: getattr(settings, name) for name in _SPENT_AT},
    )


_SPENT_AT = ("token_url", "revocation_url", "userinfo_url", "jwks_url")
