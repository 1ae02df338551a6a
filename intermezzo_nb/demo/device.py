"""The device grant (RFC 8628): codes for a device, and the page that takes them."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import urlencode

from . import pages
from .authorization import Answer, ForForms, ForPeople
from .grants import SCOPES, DeviceCode, Person


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
        kept = self._pending()
        if kept is None:
            typed = self.get_query_argument("user_code", "")
            self.show(pages.enter_code(typed))
        elif (person := self.person()) is None:
            name = self.practice.ledger.clients[kept.client_id].name
            self.show(pages.sign_in(self.here, self.hidden, name))
        else:
            self._ask(kept, person)

    def post(self) -> None:
        step, kept = self.get_body_argument("step", ""), self._pending()
        if step == "sign-in":
            self.remember(self.get_body_argument("email", ""))
            self.redirect(self.here, status=303)
        elif kept is None or (person := self.person()) is None:
            self.redirect(self.here, status=303)
        else:
            kept.status = "authorized" if step == "allow" else "access_denied"
            kept.email, kept.auth_time = person.email, int(time.time())
            self.show(pages.device_done(allowed=step == "allow"))

    def _ask(self, kept: DeviceCode, person: Person) -> None:
        self.show(
            pages.consent(
                self.here,
                self.hidden,
                client=self.practice.ledger.clients[kept.client_id].name,
                person=person,
                asked=[SCOPES[scope] for scope in kept.scopes],
                note=f"Go on only if your notebook shows the code {kept.user_code}, "
                "and if it was you who asked for it.",
            )
        )

    def _pending(self) -> DeviceCode | None:
        typed = self.get_query_argument("user_code", "")
        return self.practice.ledger.pending_device_code(typed)
