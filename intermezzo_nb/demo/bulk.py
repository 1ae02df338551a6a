"""Bulk creation: an array is sent, and each of its rows is created or refused."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Any

from .identifiers import type_id
from .people import Company
from .queries import Fault

LARGEST = 500  # rows of one request
Wrong = tuple[str, str, str]  # field, code and message
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_PHONE = re.compile(r"\+\d{7,15}", re.ASCII)
_PHONE_TYPES = ("mobile", "landline", "work")
_ROLES = ("payroll", "hr", "finance", "management")
_COUNTRIES = ("DE", "GB")
_LONGEST = 100

_LISTS = ("bankAccounts", "contacts", "taxIdentifiers", "workSites")  # none yet


class Desk:
    """
    What was created since the server began, by kind.

    Parameters
    ----------
    company : Company
        Whose organizations are there already.
    """

    def __init__(self, company: Company) -> None:
        self._company = company
        self.created: dict[str, list[dict[str, Any]]] = {}
        self._owned: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._taken: set[tuple[str, str]] = set()

    def listed(self, organizations: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Give organizations, new ones too, with what they got since."""
        return [
            {**one, **{kind: [*old, *new] for kind, old, new in self._members(one)}}
            for one in (*organizations, *self.created.get("organizations", ()))
        ]

    def is_new(self, organization_id: str) -> bool:
        """Tell whether an organization was created here."""
        made = self.created.get("organizations", ())
        return any(one["id"] == organization_id for one in made)

    def _members(self, one: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
        for kind, member in (("contacts", "contacts"), ("worksites", "workSites")):
            if new := self._owned.get((kind, one["id"])):
                yield member, one.get(member) or (), new

    def contacts(self, rows: Any, owner: str) -> dict[str, Any]:
        """Create contacts of an organization; an address of mail is there once."""

        def wrongs(row: dict[str, Any]) -> Iterator[Wrong]:
            yield from _contact_wrongs(row)
            if (owner, _folded(row.get("email"))) in self._taken:
                yield "email", "EMAIL_TAKEN", "Another contact has this address."

        def make(row: dict[str, Any], number: int) -> dict[str, Any]:
            if row.get("email"):
                self._taken.add((owner, _folded(row["email"])))
            known: dict[str, Any] = {"email": None, "phone": None, "roles": []}
            return {"id": self._id("con", number), **known, **row}

        return self._answer("contacts", rows, wrongs, make, owner)

    def organizations(self, rows: Any) -> dict[str, Any]:
        """Create organizations."""

        def wrongs(row: dict[str, Any]) -> Iterator[Wrong]:
            yield from _name_wrongs(row, "legalName")
            if row.get("registrationCountry", "DE") not in _COUNTRIES:
                message = "The country has to be DE or GB."
                yield "registrationCountry", "COUNTRY_UNKNOWN", message
            field = "address" if "address" in row else "legalAddress"
            yield from _address_wrongs(row, field)

        def make(row: dict[str, Any], number: int) -> dict[str, Any]:
            lists: dict[str, Any] = {name: [] for name in _LISTS}
            return {"id": self._id("org", 1000 + number), **lists, **row, **_times()}

        return self._answer("organizations", rows, wrongs, make)

    def worksites(self, rows: Any, owner: str) -> dict[str, Any]:
        """Create worksites of an organization."""

        def wrongs(row: dict[str, Any]) -> Iterator[Wrong]:
            yield from _name_wrongs(row, "name")
            yield from _address_wrongs(row, "address")
            for field in ("isActive", "isPrimary"):
                if not isinstance(row.get(field), bool):
                    yield field, "FIELD_REQUIRED", f"{field} has to be true or false."

        def make(row: dict[str, Any], number: int) -> dict[str, Any]:
            mine = {"id": self._id("wst", 1000 + number), "orgId": owner}
            return {**mine, **row, **_times()}

        return self._answer("worksites", rows, wrongs, make, owner)

    def _answer(
        self,
        kind: str,
        rows: Any,
        wrongs: Callable[[dict[str, Any]], Iterator[Wrong]],
        make: Callable[[dict[str, Any], int], dict[str, Any]],
        owner: str = "",
    ) -> dict[str, Any]:
        if not isinstance(rows, list) or not 1 <= len(rows) <= LARGEST:
            message = f"The body has to be an array of 1 to {LARGEST} objects."
            raise Fault(422, "validation_error", message, field="body")
        made, errors = self.created.setdefault(kind, []), []
        before = len(made)
        for index, row in enumerate(rows):
            is_object = isinstance(row, dict)
            found = list(wrongs(row)) if is_object else [_NO_OBJECT]
            if found:
                told = [
                    {"code": code, "message": message, "field": field, "params": {}}
                    for field, code, message in found
                ]
                errors.append({"inputIndex": index, "errors": told})
            else:
                made.append(make(row, len(made)))
        self._owned.setdefault((kind, owner), []).extend(made[before:])
        return {
            "total": len(rows),
            "succeeded": len(rows) - len(errors),
            "failed": len(errors),
            "unprocessed": 0,
            "data": made[before:],
            "errors": errors,
        }

    def _id(self, prefix: str, number: int) -> str:
        return type_id(prefix, self._company.seed, number)


_NO_OBJECT: Wrong = ("", "NOT_AN_OBJECT", "Each row has to be an object.")


def _contact_wrongs(row: dict[str, Any]) -> Iterator[Wrong]:
    yield from _name_wrongs(row, "name")
    email = row.get("email")
    if email is not None and not _EMAIL.fullmatch(str(email)):
        yield "email", "EMAIL_INVALID", "This is not an e-mail address."
    phone = row.get("phone")
    if phone is not None:
        told = phone if isinstance(phone, dict) else {}
        if not _PHONE.fullmatch(str(told.get("phoneNumber"))):
            message = "A number begins with + and the country's code."
            yield "phone.phoneNumber", "PHONE_INVALID", message
        if told.get("phoneType") not in _PHONE_TYPES:
            message = f"The type has to be one of {', '.join(_PHONE_TYPES)}."
            yield "phone.phoneType", "PHONE_TYPE_UNKNOWN", message
    roles = row.get("roles") or []
    if not isinstance(roles, list) or not {*map(str, roles)} <= {*_ROLES}:
        yield "roles", "ROLE_UNKNOWN", f"Roles are {', '.join(_ROLES)}."


def _name_wrongs(row: dict[str, Any], field: str) -> Iterator[Wrong]:
    name = row.get(field)
    if not isinstance(name, str) or not name.strip():
        yield field, "FIELD_REQUIRED", f"{field} is missing."
    elif len(name) > _LONGEST:
        yield field, "NAME_TOO_LONG", f"{field} has at most {_LONGEST} characters."


def _address_wrongs(row: dict[str, Any], field: str) -> Iterator[Wrong]:
    # A street has a number somewhere: enough to tell addresses from other words.
    told = row.get(field)
    line = told.get("address") if isinstance(told, dict) else told
    if not re.search(r"\d", str(line)):
        yield field, "ADDRESS_NOT_FOUND", "There is no such address."


def _times() -> dict[str, str]:
    now = dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
    stamp = now.replace("+00:00", "Z")
    return {"createdAt": stamp, "updatedAt": stamp}


def _folded(email: Any) -> str:
    return str(email or "").strip().casefold()
