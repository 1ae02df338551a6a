"""What is to be read, checked before anything is asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from msgspec import Struct, field
from msgspec.structs import force_setattr

from ..errors import SettingsError
from .arguments import bad_argument, count, flag
from .days import day_of
from .filters import as_sent, split_filters
from .resources import CATALOGUE, find
from .schema import Resource
from .shaping import check_columns, check_money

_PLACES = frozenset({"page", "cursor"})
_COUNTS = (
    ("limit", 0, "a whole number of rows, 0 or more, like 500"),
    ("max_requests", 1, "a whole number, 1 or more, like 20000"),
)


class Query(Struct, frozen=True):
    """
    What is to be read.

    Parameters
    ----------
    name : str
        A resource of the catalogue, or a path that begins with ``/``.
    filters : mapping
        Sent where the API documents them, else compared here.
    params : mapping
        Query parameters that are sent as they are.
    limit : int or None
        Rows after filtering; reading stops there.
    columns : sequence of str or None
        Only these, in this order; None for all.
    money : {"float", "decimal"}
        The type of money columns.
    as_of : date-like or None
        The day whose versions are meant; None for today.
    history : bool
        All versions instead.
    today : date
        That of the kernel's clock.
    valid_to : {"inclusive", "exclusive"}
        Whether ``validTo`` is the last valid day, or the first that is not.
    strict : bool
        Raise the first failure, where others could be read all the same.
    max_requests : int or None
        Where more would be needed, it is an error.

    Raises
    ------
    SettingsError
        It cannot be asked so.
    """

    name: str
    filters: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    limit: int | None = None
    as_of: Any = None
    history: bool = False
    columns: Sequence[str] | None = None
    money: str = "float"
    today: dt.date = field(
        default_factory=lambda: dt.datetime.now().astimezone().date()
    )
    valid_to: str = "inclusive"
    strict: bool = False
    max_requests: int | None = None

    def __post_init__(self) -> None:
        for name, least, wanted in _COUNTS:
            if (given := getattr(self, name)) is not None:
                # numpy's become Python's, which JSON can hold.
                force_setattr(self, name, count(name, given, least, wanted))
        if type(self.name) is not str or not self.name:
            raise bad_argument("resource", "a name such as employees, or a path")
        for name in ("history", "strict"):
            flag(name, getattr(self, name))
        _ = self.day  # which may be none
        if self.history and self.as_of is not None:
            raise SettingsError(
                "as_of and history exclude each other",
                advice="Give one of them; as_of() of this package picks days from a "
                "history that was read.",
                code="bad_arguments",
            )
        for name in ("filters", "params"):
            check_names(name, getattr(self, name))
        check_money(self.money)
        check_columns(self.resource, self.columns)

    @property
    def label(self) -> str:
        """The name to show: a path without its query, which may be personal."""
        return self.name.partition("?")[0]

    @property
    def resource(self) -> Resource | None:
        """The catalogue's entry; None for a path."""
        return None if self.name.startswith("/") else find(self.name)

    @property
    def day(self) -> dt.date:
        """The day whose versions are meant."""
        return self.today if self.as_of is None else day_of(self.as_of, "as_of")

    @property
    def is_of_day(self) -> bool:
        """Whether the records are the versions of one day."""
        resource = self.resource
        return bool(resource and resource.history and not self.history)

    @property
    def label_of_day(self) -> str:
        """What messages call it where it may be that of one day alone."""
        return self.label + (f" on {self.day}" if self.is_of_day else "")

    @property
    def takes_all_versions(self) -> bool:
        """Whether all versions are asked for, be it to pick those of a day."""
        resource = self.resource
        return bool(resource and self.address()[0] == resource.history)

    @property
    def sent_as_it_is(self) -> dict[str, Any]:
        """The query parameters that nobody documents, a path's own among them."""
        written = parse_qs(self.name.partition("?")[2], keep_blank_values=True)
        own = {k: v if len(v) > 1 else v[0] for k, v in written.items()}
        return {**own, **self.params}

    def address(self) -> tuple[str, str | None, str]:
        """Give the path's template, how its pages follow, and where its records are."""
        resource = self.resource
        if resource is None:
            return self.label, None, ""
        if self.history or self.as_of is not None:
            return resource.history, "array", ""
        return resource.path, resource.style, resource.inside

    def sorted_filters(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
        """
        Sort the filters, as :func:`split_filters` does; for a path, all are sent.

        Raises
        ------
        SettingsError
            One of them cannot be a filter of this.
        """
        resource = self.resource
        if both := _PLACES & {*self.sent_as_it_is, *self.filters}:
            raise SettingsError(
                f"{min(both)} is set by the reading itself, which follows all pages",
                advice=f"Leave {min(both)} out; for one page alone, use "
                f"get({self.label!r}, …) of the connection."
                if resource is None
                else f"Leave {min(both)} out; limit cuts the rows.",
                code="bad_filter",
            )
        is_of_time = self.history or self.as_of is not None
        if is_of_time and not (resource and resource.history):
            raise self._no_history()
        if resource is None:
            sent = {name: as_sent(name, value) for name, value in self.filters.items()}
            return {}, sent, {}
        return split_filters(resource, self.filters)

    def odd_values(self) -> Iterator[str]:
        """Tell of filters whose values nobody documents."""
        resource, (_, sent, here) = self.resource, self.sorted_filters()
        for name, value in {**sent, **here}.items():
            known = resource and (resource.parameter(name) or resource.column(name))
            if known and known.values and value and value not in known.values:
                yield f"{name} is documented as {', '.join(known.values)}"

    def _no_history(self) -> SettingsError:
        option = "history" if self.history else "as_of"
        has_own = self.resource and self.resource.parameter("effective_date")
        other = f"; {self.label} takes effective_date=DATE" if has_own else ""
        if not self.history and self.resource and self.resource.column("endDate"):
            other += (
                "; who was there on a day: as_of(df, DAY, start='startDate', "
                "end='endDate') of this package"
            )
        return SettingsError(
            f"no history of {self.label} is documented",
            why="There is one of "
            + ", ".join(name for name, r in CATALOGUE.items() if r.history)
            + ".",
            advice=f"Leave {option} out{other}.",
            code="no_history",
        )


def check_names(name: str, given: object) -> None:
    """Refuse what is no mapping of names to values."""
    if not (isinstance(given, Mapping) and all(isinstance(key, str) for key in given)):
        raise bad_argument(name, 'a mapping of names to values, such as {"a": 1}')
