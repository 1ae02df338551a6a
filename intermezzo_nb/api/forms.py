"""
What can be sent: the fields of each kind of row, as data.

A new kind is an entry here. Paths, fields and values are those of the public API
reference; what it leaves open is left open.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from ..errors import SettingsError
from ..quoting import plain
from .arguments import bad_argument
from .schema import Column, Resource

Body = dict[str, Any]
REFERENCE = "externalRef"  # the caller's own name of a record
Problem = tuple[Any, str, str]  # label, field and reason


class Form(Struct, frozen=True):
    """
    A kind of row that the API takes.

    Parameters
    ----------
    path : str
        Template of the path that rows are posted to.
    fields : tuple of Column
        All that a row may hold; a dotted name is a place inside an object. Of the
        kinds, ``texts`` is a list of text, ``address`` is text or an object, and
        ``any`` is what nobody documents. An ``enum`` is one of its values; ``text``
        with values has those that are documented, and is sent with others, too.
    required : tuple of tuples of str
        Of each of these groups a row needs one.
    created : Resource
        What comes back for a row.
    echoed : tuple of str
        Fields that come back as they were sent, and so tell rows apart.
    """

    name: str
    path: str
    fields: tuple[Column, ...]
    required: tuple[tuple[str, ...], ...]
    created: Resource
    echoed: tuple[str, ...] = ()

    @property
    def has_owner(self) -> bool:
        """Whether the rows belong to an organization."""
        return "{organization_id}" in self.path

    def field(self, name: str) -> Column | None:
        """Give a documented field, or None."""
        return next((f for f in self.fields if f.name == name), None)


def columns(kind: str, *names: str, prefix: str = "") -> tuple[Column, ...]:
    """Give columns of one kind."""
    return tuple(Column(prefix + name, kind) for name in names)


def _address(name: str) -> tuple[Column, ...]:
    # The older pages take text, the newer ones an object; both are accepted.
    inner = ("address", "content.countryCode", "content.addressType")
    return (Column(name, "address"), *columns("text", *inner, prefix=f"{name}."))


_VALID = columns("date", "validFrom", "validTo")
_TIMES = columns("instant", "createdAt", "updatedAt")
_INSURANCE = (
    *columns("date", "validFrom", "validTo", prefix="insuranceData."),
    Column("insuranceData.insuranceCountry", values=("DE", "GB")),
    *columns(
        "text",
        *("companyNumber", "unrs", "worksiteLocationNumber"),
        *("accidentInsuranceCompanyNumber", "accidentInsurancePin"),
        *("payrollServiceProviderNumber", "payrollProcessingLocationNumber"),
        *("agencyId", "alternateAgencyId", "contactId"),
        prefix="insuranceData.",
    ),
    Column("insuranceData.economicSector", "integer"),
    *columns(
        "boolean", "u1Selected", "u2Selected", "u3Selected", prefix="insuranceData."
    ),
)

_CONTACTS = Form(
    name="contacts",
    path="/organizations/{organization_id}/contacts/list",
    fields=(
        Column("name"),
        Column("email", "email"),
        Column("phone.phoneNumber", example="+4930123456"),
        Column("phone.phoneType", example="mobile"),
        Column("roles", "texts", example='["payroll"]'),
    ),
    required=(("name",),),
    created=Resource(
        name="contacts",
        path="",
        page="core/create-multiple-contacts-in-bulk",
        doc="Contacts that were created",
        columns=(
            *columns("text", "id", "name", "email"),
            *columns("text", "phone.phoneNumber", "phone.phoneType"),
            Column("roles", "json"),
        ),
    ),
    echoed=("name", "email"),
)
_ORGANIZATIONS = Form(
    name="organizations",
    path="/organizations/list",
    fields=(
        *columns("text", "legalName", "dbaName", "website", "externalRef"),
        Column("registrationCountry", "enum", ("DE", "GB")),
        *_address("legalAddress"),
        *_address("address"),
        *_address("correspondenceAddress"),
        *columns("date", "incorporationDate", "shutdownDate"),
        *_VALID,
        *columns("json", "workSites", "bankAccounts", "contacts", "taxIdentifiers"),
        *columns("json", "sepaMandates", "preferences", "insuranceData"),
        *_INSURANCE,
        Column("validateLegalNameAgainstBlacklist", "boolean"),
    ),
    required=(
        ("legalName",),
        ("legalAddress", "address", "legalAddress.address", "address.address"),
    ),
    created=Resource(
        name="organizations",
        path="",
        page="core/create-orgs-bulk",
        doc="Organizations that were created",
        columns=(
            *columns("text", "id", "legalName", "dbaName", "registrationCountry"),
            *columns("text", "externalRef", "website"),
            *columns("date", "incorporationDate", "shutdownDate"),
            *_VALID,
            *_TIMES,
        ),
    ),
    echoed=("legalName", "externalRef"),
)
_WORKSITES = Form(
    name="worksites",
    path="/organizations/{organization_id}/worksites/list",
    fields=(
        Column("name"),
        *_address("address"),
        *_address("correspondenceAddress"),
        *columns("boolean", "isActive", "isPrimary"),
        *_VALID,
        *columns("json", "contacts", "taxIdentifiers", "insuranceData"),
        *_INSURANCE,
    ),
    required=(("name",), ("address", "address.address"), ("isActive",), ("isPrimary",)),
    created=Resource(
        name="worksites",
        path="",
        page="core/create-worksites-bulk",
        doc="Worksites that were created",
        columns=(
            *columns("text", "id", "orgId", "name"),
            *columns("boolean", "isActive", "isPrimary"),
            *_VALID,
            *_TIMES,
        ),
    ),
    echoed=("name",),
)

FORMS: Mapping[str, Form] = {f.name: f for f in (_CONTACTS, _ORGANIZATIONS, _WORKSITES)}


def find_form(name: object) -> Form:
    """
    Give what can be sent under a name.

    Raises
    ------
    SettingsError
        ``unknown_resource``: nothing can; the advice names what is close.
    """
    if isinstance(name, str) and name in FORMS:
        return FORMS[name]
    if not isinstance(name, str):
        raise bad_argument("name", 'the name first, as in send("contacts", df)')
    shown = plain(name, 80)
    close = difflib.get_close_matches(shown, FORMS, 1)
    raise SettingsError(
        f"{shown} cannot be sent in bulk",
        why=f"The API documents bulk creation of {', '.join(FORMS)}.",
        advice=f"Did you mean {close[0]}?"
        if close
        else "Payroll runs go by run_payroll(…); for anything else use request(…).",
        code="unknown_resource",
    )
