"""What a reading asks, and of whom."""

from __future__ import annotations

from msgspec.structs import replace

from .failures import Owner
from .query import Query
from .schema import Column, Resource
from .tally import Question

_ORGANIZATION = Column("organizationId")
_EMPLOYEE = "employee_id"


class Extent:
    """
    The lists that a query is answered by, and what their owners add to each row.

    Attributes
    ----------
    organizations : tuple of str
        Who is asked, one after the other; none for what has no such owner.
    is_of_all : bool
        Whether all organizations are asked for, however many there are.
    elsewhere : tuple of str
        Those among all that are not asked, as they are of another country.
    in_path, sent, here : dict of str to str
        The filters: in the path, in the query of the address, and those for which the
        rows are looked through here.
    """

    def __init__(self, query: Query) -> None:
        self._query, self._resource = query, query.resource
        self.organizations: tuple[str, ...] = ()
        self.is_of_all = False
        self.elsewhere: tuple[str, ...] = ()
        self.in_path, self.sent, self.here = query.sorted_filters()

    @property
    def resource(self) -> Resource | None:
        """The resource as it is read here, with the column that tells owners apart."""
        resource = self._resource
        if resource is None or not self.is_told_apart:
            return resource
        if resource.column(_ORGANIZATION.name):
            return resource
        return replace(resource, columns=(_ORGANIZATION, *resource.columns))

    @property
    def is_told_apart(self) -> bool:
        """Whether each row tells its organization."""
        return self.is_of_all or len(self.organizations) > 1

    @property
    def filters(self) -> dict[str, str]:
        """All of them, wherever they are applied."""
        return {**self.in_path, **self.sent, **self.here}

    @property
    def country(self) -> str:
        """The only country whose organizations have it; empty for all."""
        return self._resource.country if self._resource else ""

    @property
    def has_owner(self) -> bool:
        """Whether it is asked of each organization."""
        return self._resource is not None and self._resource.owner != "account"

    @property
    def owners(self) -> list[Owner]:
        """Whose lists are read, where that is not one of each employee."""
        return [Owner(o) for o in self.organizations] if self.has_owner else [Owner()]

    @property
    def only_employee(self) -> str:
        """Who is asked, where that is one alone."""
        is_one = self._resource is not None and self._resource.owner == "employee"
        return self.in_path.get(_EMPLOYEE, "") if is_one else ""

    def inside(self, owner: Owner) -> dict[str, str]:
        """Give what the path of an owner holds."""
        whose = {"organization_id": owner.organization, _EMPLOYEE: owner.employee}
        return {**whose, **self.in_path}

    def question(self, owner: Owner) -> Question:
        """Give the path of an owner's list, and what is sent to it."""
        template, _, _ = self._query.address()
        path = template.format(**self.inside(owner)) if self._resource else template
        return path, {**self.sent, **self._query.sent_as_it_is}

    def added(self, owner: Owner) -> dict[str, str]:
        """Give what each row of an owner says beside what the API sends."""
        resource = self._resource
        if resource is None:
            return {}
        is_own = self.has_owner and resource.column(_ORGANIZATION.name)
        is_told = self.is_told_apart or is_own
        of = {_ORGANIZATION.name: owner.organization} if is_told else {}
        inside = self.inside(owner)
        return of | {p.column: inside[p.name] for p in resource.parameters if p.column}
