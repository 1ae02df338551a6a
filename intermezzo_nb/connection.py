"""Connection: get, keep and spend a token, with or without a notebook."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import requests

from .api.client import Api, ApiSession, BearerAuth
from .api.reading import Progress, Query, Reading, provenance
from .api.schema import Parameter, spelled
from .api.shaping import check_columns
from .errors import ApiError, SettingsError
from .login import Login
from .session import Session, print_link, say
from .settings import Settings, read_profiles
from .status import LoggedOut, Status
from .surroundings import look

if TYPE_CHECKING:
    import pandas as pd

    from .api.frames import Framed


def connect(profile: str | None = None, **settings: Any) -> Connection:
    """
    Make a connection; nothing is sent yet.

    Parameters
    ----------
    profile : str, optional
        A named set of settings; ``demo`` is the practice server, which is started
        if none runs.
    **settings
        Any field of :class:`Settings`: ``client_id=``, ``issuer=``, ``api_url=`` …

    Raises
    ------
    SettingsError
        A setting is wrong; those that are missing are named when they are needed.
    """
    return connect_with(arguments={"profile": profile, **settings})


def connect_with(
    *, arguments: Mapping[str, Any], traits: Mapping[str, Any] | None = None
) -> Connection:
    """Make a connection from arguments and IPython configuration."""
    profiles: dict[str, Mapping[str, Any]] = dict(read_profiles())
    named = (arguments.get("profile"), (traits or {}).get("profile"))
    wanted = next(filter(None, named), os.environ.get("INTERMEZZO_PROFILE"))
    if wanted == "demo" and "demo" not in profiles:
        from .practice import demo_profile

        silent = arguments.get("no_input") or (traits or {}).get("no_input")
        someone = look().answers and not silent
        profiles["demo"] = demo_profile(os.environ, person=someone)
    return Connection(
        Settings.resolve(
            arguments=arguments, traits=traits, profiles=profiles, environ=os.environ
        )
    )


class Connection:
    """
    One authorization server, one API, one session.

    A pickled connection takes its settings along, and where credentials are found;
    never a token. The other side finds its own.

    Parameters
    ----------
    settings : Settings
        As :func:`connect` resolves them.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._session = Session(settings)
        self._api: Api | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.settings,))

    def __repr__(self) -> str:
        return f"<Connection {self.settings.profile!r} to {self.settings.api_url}>"

    def login(
        self,
        *,
        wait: bool = True,
        force: bool = False,
        present: Callable[[Login], None] = print_link,
    ) -> Status:
        """
        Sign in; do nothing where a session is kept or credentials are set.

        Parameters
        ----------
        wait : bool
            Wait for the person. Else return at once; the first request waits.
        force : bool
            Ask a person again, whatever is kept.
        present : callable
            Shows the sign-in; by default the link is printed.

        Raises
        ------
        LoginRequired
            Nobody is there to sign in.
        LoginError, SettingsError, AuthorizationServerError, NetworkError
            Why it did not work, and what to do.
        """
        self._session.login(wait=wait, force=force, present=present)
        return self.status()

    def takes_over(self, other: Connection) -> bool:
        """Go on with another connection's session, where only the rows differ."""
        mine, theirs = (
            replace(c.settings, organization=None, places={}) for c in (self, other)
        )
        if mine != theirs:
            return False
        self._session, self._api = other._session, other._api
        return True

    def cancel_login(self) -> None:
        """End a sign-in that is under way; harmless when there is none."""
        self._session.cancel_login()

    def paste(self, address: str) -> str:
        """
        Take the address on which the browser ended, for the sign-in under way.

        Parameters
        ----------
        address : str
            The whole of it. It holds a one-time code: do not write it into a cell.

        Returns
        -------
        str
            Why it is no answer; empty where it is one.
        """
        return self._session.paste(address)

    def status(self) -> Status:
        """Tell how this connection stands; nothing is asked or renewed."""
        return self._session.status()

    def logout(self) -> LoggedOut:
        """Revoke at the server (RFC 7009) and purge here; tell both halves."""
        return self._session.logout()

    @property
    def auth(self) -> BearerAuth:
        """A ``requests`` AuthBase that signs requests to the API's origin."""
        self.settings.require("api_url")
        return BearerAuth(self._session.token, self.settings.api_url or "")

    @property
    def session(self) -> requests.Session:
        """A ``requests.Session`` that signs requests to the API's origin only."""
        return self._client.session

    def get(self, path: str, /, **params: Any) -> Any:
        """
        Give the decoded JSON at a path of the API.

        Raises
        ------
        ApiError, LoginError, NetworkError
            What went wrong, and what to do.
        """
        return self._client.get(path, **params)

    def request(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """Send any request to the API; what is not a success is raised."""
        return self._client.request(method, path, **kwargs)

    def frame(
        self,
        resource: str,
        *,
        money: str = "float",
        columns: Sequence[str] | None = None,
        **more: Any,
    ) -> pd.DataFrame:
        """
        Give a resource of the catalogue, or any path, as a typed DataFrame.

        Parameters
        ----------
        resource : str
            A name of the catalogue (``employees``), or a path (``/anything``).
        money : {"float", "decimal"}
            Money as float64 or as exact decimal128; exact control totals come along
            in ``df.attrs["intermezzo"]`` either way.
        columns : sequence of str, optional
            Only these columns, in this order.
        organization : str, optional
            An id, or ``"all"``; the only one visible is taken by itself.
        employee_id : str, optional
            For resources that belong to an employee.
        limit : int, optional
            At most this many rows, counted after filtering.
        history : bool
            All versions of versioned records, not those of today.
        params : mapping, optional
            Query parameters, sent as they are.
        progress : callable, optional
            Told a :class:`Progress` before the first request, after each answer, and
            before each wait. By default waits are printed.
        filters : mapping, optional
            The same as ``**more``, for names that are options as well.
        **more
            A documented query parameter is sent; another column is compared here,
            after reading. For a path, all are sent.

        Returns
        -------
        pandas.DataFrame of shape (rows, columns)
            With dtypes as the catalogue documents them.

        Raises
        ------
        SettingsError, ApiError, LoginError, NetworkError
            What went wrong, and what to do.
        """
        from .api.frames import to_frame

        reading = self._reading(resource, columns, more)
        records = [record for batch in reading.batches() for record in batch]
        return self._framed(reading, to_frame, records, money, columns)

    def frames(
        self,
        resource: str,
        *,
        money: str = "float",
        columns: Sequence[str] | None = None,
        **options: Any,
    ) -> Iterator[pd.DataFrame]:
        """Give a frame a page, in bounded memory; the options are those of frame."""
        from .api.frames import to_frame

        reading = self._reading(resource, columns, options)
        for batch in reading.batches():
            yield self._framed(reading, to_frame, batch, money, columns, is_part=True)

    def records(self, resource: str, **options: Any) -> Iterator[dict[str, Any]]:
        """Give decoded records one by one; the options are those of frame."""
        reading = self._reading(resource, None, options)
        for batch in reading.batches():
            yield from batch

    @property
    def _client(self) -> Api:
        if self._api is None:
            self.settings.require("api_url")
            url = self.settings.api_url or ""
            self._api = Api(ApiSession(self.auth, url), url)
        return self._api

    def _reading(
        self, name: str, columns: Sequence[str] | None, options: dict[str, Any]
    ) -> Reading:
        known = {k: options.pop(k) for k in _OPTIONS if k in options}
        asked = known.pop("organization", None)
        progress = known.pop("progress", None) or _print_waits()
        filters = {**(known.pop("filters", None) or {}), **options}
        query = Query(
            name,
            filters={k: v for k, v in filters.items() if v is not None},
            valid_to=self.settings.valid_to,
            **{k: v for k, v in known.items() if v is not None},
        )
        if query.resource and columns:
            check_columns(query.resource, columns)
        plan = Reading(self._client, query, progress=progress)
        if query.resource and query.resource.owner != "account":
            wanted = asked or self.settings.organization
            plan.organizations = self._organizations(plan, wanted)
        elif asked:
            raise SettingsError(
                f"{query.label} belongs to no organization",
                advice="Leave organization out.",
                code="bad_arguments",
            )
        return plan

    def _organizations(self, plan: Reading, wanted: str | None) -> tuple[str, ...]:
        if wanted and wanted != "all":
            return (spelled(_ORGANIZATION, wanted),)
        resource = plan.query.resource
        country = resource.country if resource else ""

        def waits(now: Progress) -> None:
            if now.waiting:
                plan.tell_wait(0, now.waiting)

        look_up = Reading(self._client, Query("organizations"), progress=waits)
        found = [record for batch in look_up.batches() for record in batch]
        plan.requests += look_up.requests
        visible = [o for o in found if country in {"", o.get("registrationCountry")}]
        ids = [_id_of(organization) for organization in visible]
        if wanted == "all" or len(ids) == 1:
            return tuple(ids)
        pairs = zip(ids, visible, strict=True)
        listed = ", ".join(f"{i} ({o.get('legalName')})" for i, o in list(pairs)[:8])
        raise SettingsError(
            f"{plan.query.label} belong to an organization, and {len(ids)} are visible",
            why=f"They are: {listed or 'none'}.",
            advice="Add --organization ID, or --organization all for each of them "
            "(in Python: organization=…).",
            code="missing_setting",
        )

    def _framed(
        self,
        reading: Reading,
        to_frame: Callable[..., Framed],
        records: list[dict[str, Any]],
        money: str,
        columns: Sequence[str] | None,
        *,
        is_part: bool = False,
    ) -> pd.DataFrame:
        framed = to_frame(
            records, reading.resource, money=money, columns=columns, is_part=is_part
        )
        framed.frame.attrs["intermezzo"] = provenance(
            reading,
            profile=self.settings.profile,
            rows=len(framed.frame),
            columns=len(framed.frame.columns),
            totals=framed.control_totals,
            notes=framed.notes,
        )
        return framed.frame


def _id_of(organization: Mapping[str, Any]) -> str:
    # It becomes a part of paths, so it is as little trusted as one that was typed.
    found = organization.get("id")
    if found is None or isinstance(found, (dict, list)):
        raise ApiError(
            "the API lists an organization without an id",
            why=f"It has: {', '.join(map(str, list(organization)[:8])) or 'nothing'}.",
            advice="Check INTERMEZZO_API_URL, or name the organization yourself.",
        )
    return spelled(_ORGANIZATION, found)


def _print_waits() -> Callable[[Progress], None]:
    told: set[str] = set()

    def tell(progress: Progress) -> None:
        if progress.waiting and progress.waiting not in told:
            told.add(progress.waiting)
            say(f"Intermezzo: {progress.resource}: {progress.waiting} …")

    return tell


_ORGANIZATION = Parameter("organization", where="path", example="org_…")
_OPTIONS = ("organization", "limit", "history", "params", "progress", "filters")
