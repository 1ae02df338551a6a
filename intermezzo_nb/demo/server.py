"""The practice server's address, its routes, its start and its end."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from . import authorization, device, payroll
from .practice import Options, Practice
from .routes import ROUTES

__all__ = ["Options", "PracticeServer", "start"]


class PracticeServer:
    """A started server, on loopback only."""

    def __init__(self, options: Options) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="intermezzo-practice-"))
        self.practice = Practice(options, self._folder)
        self._http = HTTPServer(_application(self.practice))
        try:
            sockets = bind_sockets(options.port, "127.0.0.1")
        except OSError:
            self._clean_up()
            raise
        self.practice.open_at(f"http://127.0.0.1:{sockets[0].getsockname()[1]}")
        self._http.add_sockets(sockets)

    @property
    def url(self) -> str:
        """The server's origin."""
        return self.practice.url

    def settings(self) -> dict[str, Any]:
        """Give what a client has to know, for each of the registered ones."""
        return self.practice.settings()

    async def stop(self) -> None:
        """Close the port, and delete the secrets' files."""
        self._http.stop()
        await self._http.close_all_connections()
        self._clean_up()

    def _clean_up(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def start(options: Options) -> PracticeServer:
    """
    Start a server inside the running event loop.

    Raises
    ------
    OSError
        The port is taken.
    """
    return PracticeServer(options)


def _application(practice: Practice) -> Application:
    mine = {"practice": practice}
    names = "openid-configuration|oauth-authorization-server|intermezzo-demo"
    known = rf"/(?:jwks|\.well-known/(?:{names}))"
    token = r"/oauth/token" if practice.is_auth0 else r"/oauth2/token"
    return Application(
        [
            (r"/authorize", authorization.Authorize, mine),
            (token, authorization.TokenEndpoint, mine),
            (r"/device_authorization", device.DeviceAuthorization, mine),
            (r"/device", device.Device, mine),
            (r"/revoke", authorization.Revoke, mine),
            (r"/userinfo", authorization.UserInfo, mine),
            (known, authorization.Document, mine),
            (r"/v1/.*", payroll.Payroll, {**mine, "routes": ROUTES}),
        ],
        cookie_secret=secrets.token_hex(32),
        xsrf_cookies=True,
        # Cookies ignore ports: under its usual name it would replace Jupyter's.
        xsrf_cookie_name="intermezzo-practice-xsrf",
        xsrf_cookie_kwargs={"httponly": True, "samesite": "Lax"},
        log_function=lambda _: None,
    )
