"""The device grant (RFC 8628): codes for a device, and the page that takes them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from . import pages
from .authorization import Answer, ForForms, ForPeople
from .grants import SCOPES, DeviceCode


class DeviceAuthorization(ForForms):
    """Gives a pair of codes (§3.1, §3.2)."""

    def answer(self, asked: dict[str, str]) -> Answer:
        """Give the codes, and keep what waits with them."""
        endpoint: Any = self.practice.endpoints.device
        headers, told, status = endpoint.create_device_authorization_response(
            self.as_https, "POST", urlencode(asked), dict(self.request.headers)
        )
        device_code = self.practice.ledger.keep_device_code(
            client_id=asked["client_id"],
            user_code=told["user_code"],
            scopes=told["scope"].split(),
            life=told["expires_in"],
        )
        return headers, json.dumps({**told, "device_code": device_code}), status


class Device(ForPeople):
    """Where a person enters the code, signs in, and says yes or no (§3.3)."""

    def get(self) -> None:
        if (kept := self._pending()) is None:
            self.show(pages.enter_code(self.get_query_argument("user_code", "")))
            return
        who = self.who()
        page = pages.ask(
            self.xsrf_form_html(),
            client=self.practice.ledger.clients[kept.client_id].name,
            person=who[0] if who else None,
            asked=[SCOPES[scope] for scope in kept.scopes],
            note=f"Go on only if your notebook shows the code {kept.user_code}, "
            "and if it was you who asked for it.",
        )
        self.show(page)

    def post(self) -> None:
        is_allowed = self.get_body_argument("step", "") == "allow"
        kept, who = self._pending(), self.who()
        if kept is None or who is None:
            self.once_more()
            return
        person, kept.auth_time = who
        kept.status = "authorized" if is_allowed else "access_denied"
        kept.email = person.email
        self.show(pages.device_done(allowed=is_allowed))

    def _pending(self) -> DeviceCode | None:
        typed = self.get_query_argument("user_code", "")
        return self.practice.ledger.pending_device_code(typed)
