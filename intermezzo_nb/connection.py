"""Connection: get, keep and spend a token, with or without a notebook."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import requests

from .advice import named_by_place
from .api.arguments import bad_argument, settled
from .api.client import Api
from .api.plan import plan
from .api.reading import Reading
from .api.shaping import check_form
from .api.signing import BearerAuth
from .api.tables import loader, table, tables
from .interrupts import NOTHING_ASSIGNED, told_of_interrupt
from .loading import load
from .quoting import plain
from .session import Session
from .settings import OF_ROWS, OF_SIGN_IN, Settings, differing
from .telling import print_link, say, say_beside, telling
from .tokens.forks import renew_in_child

if TYPE_CHECKING:
    import dask.dataframe as dd
    import pandas as pd

    from .api.export import Exported
    from .api.manner import Manner
    from .api.payslips import PayrollReport
    from .api.posting import Delivery, Job
    from .api.report import SendReport
    from .login import Login
    from .status import LoggedOut, Status


class Connection:
    """
    One authorization server, one API, one session.

    A pickled connection takes its settings along, and where credentials are found;
    never a token. The other side finds its own.

    Parameters
    ----------
    settings : Settings
        As :func:`connect` resolves them.
    show : callable, optional
        Shows a sign-in of this connection; by default the link is printed.
    """

    def __init__(
        self,
        settings: Settings,
        show: Callable[[Connection, Login], None] | None = None,
    ) -> None:
        self.settings, self._show = settings, show
        self._session = Session(settings)
        self._api: Api | None = None
        self.last_report: SendReport | None = None
        self._runs: list[tuple[Job, Delivery]] = []
        self.after_fork()
        renew_in_child(self)

    def after_fork(self) -> None:
        """Forget who was making the first request in the parent."""
        self._mutex = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.settings,))

    def __copy__(self) -> Connection:
        made = type(self)(self.settings, self._show)
        made.take_over(self)  # whom this one has paid, that one has paid, too
        return made

    def __repr__(self) -> str:
        return f"<Connection {self.settings.profile!r} to {self.settings.api_url}>"

    def login(
        self,
        *,
        wait: bool = True,
        force: bool = False,
        present: Callable[[Login], None] | None = None,
    ) -> Status:
        """
        Sign in; do nothing where a session is kept or credentials are set.

        Parameters
        ----------
        wait : bool
            Wait for the person. Else return at once; the first request waits.
        force : bool
            Ask a person again, whatever is kept.
        present : callable, optional
            Shows the sign-in; by default as a panel in a notebook, else as text.

        Raises
        ------
        LoginRequired
            Nobody is there to sign in.
        LoginError, SettingsError, AuthorizationServerError, NetworkError
            Why it did not work, and what to do.
        """
        usual = partial(self._show, self) if self._show else print_link
        with named_by_place(self.settings.places):
            self._session.login(wait=wait, force=force, present=present or usual)
        return self.status()

    def take_over(self, other: Connection) -> bool:
        """
        Go on with another connection's session, where who asks whom is the same.

        So whom that one has paid, this one has paid, too.

        Where only the rows differ, a sign-in under way goes on too.
        """
        unlike = differing(self.settings, other.settings)
        if unlike <= OF_ROWS:
            self._session, self._api = other._session, other._api
            self._runs = other._runs
            return True
        is_same = self.settings.is_machine == other.settings.is_machine
        if not (is_same and unlike <= OF_ROWS | OF_SIGN_IN):
            return False
        self._session = other._session.with_settings(self.settings)
        self._runs = other._runs
        return True

    def cancel_login(self, *, replaced: bool = False) -> None:
        """
        End a sign-in that is under way; harmless when there is none.

        Parameters
        ----------
        replaced : bool
            A newer sign-in takes its place, and who waits for this one is told so.
        """
        self._session.cancel_login(replaced=replaced)

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
        Give the decoded JSON at a path of the API: one answer, so one page of a list.

        Raises
        ------
        ApiError, LoginError, NetworkError
            What went wrong, and what to do.
        """
        with self._telling("GET", path):
            return self._client.get(path, **params)

    def request(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """Send any request to the API; what is not a success is raised."""
        with self._telling(method, path):
            return self._client.request(method, path, **kwargs)

    def frame(
        self,
        resource: str,
        *,
        money: str = "float",
        columns: Sequence[str] | None = None,
        as_: str = "pandas",
        **more: Any,
    ) -> Any:
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
        as_ : {"pandas", "arrow", "polars", "records"}
            In Arrow dates are ``date32``, and the metadata of the schema holds what
            ``df.attrs`` holds; polars (an extra) takes its frame from there. Records
            are those of :meth:`records`, in a list.
        organization : str, optional
            An id, or ``"all"``; the only one visible is taken by itself.
        employee_id : str or iterable of str, optional
            For resources that belong to an employee: one id, or several such as
            ``frame.id``; all employees where it is left out. What fails for one of
            several is listed in the summary and in ``df.attrs``.
        limit : int, optional
            At most this many rows, counted after filtering.
        as_of : date-like, optional
            The day whose versions of versioned records are given; today by default.
        history : bool
            All versions instead.
        strict : bool
            Raise the first failure for one of several employees or organizations.
        params : mapping, optional
            Query parameters, sent as they are.
        progress : callable, optional
            Told a :class:`Progress` before the first request, after each answer, and
            of each wait; a bar such as ``tqdm`` does as well. By default waits are
            printed, and to who watches after 10, 20, 40 … seconds how far it is.
        max_requests : int, optional
            Where more are needed, it is an error, before they are sent; 20,000 where
            nobody watches.
        filters : mapping, optional
            The same as ``**more``, for names that are options as well.
        **more
            A documented query parameter is sent; another column is compared here,
            after reading. For a path, all are sent.

        Returns
        -------
        pandas.DataFrame of shape (rows, columns), or what ``as_`` says
            With dtypes as the catalogue documents them. What is told of the reading
            is in ``df.attrs["intermezzo"]``, as
            :func:`~intermezzo_nb.api.provenance.provenance` lists it.

        Raises
        ------
        SettingsError, ApiError, LoginError, NetworkError
            What went wrong, and what to do.

        Warns
        -----
        IncompleteWarning
            Something failed for one of several, or the list does not add up.
        """
        check_form(as_, columns)
        is_told = more.get("progress") is not None
        tell = None if is_told else partial(_say, by=say_beside)
        with told_of_interrupt(NOTHING_ASSIGNED):
            reading = self._reading(
                resource, more, self._loader(as_), money=money, columns=columns
            )
            return table(reading, profile=self.settings.profile, as_=as_, tell=tell)

    def resources(self, name: str | None = None) -> pd.DataFrame:
        """
        List the resources; nothing is asked.

        Parameters
        ----------
        name : str, optional
            Instead, tell of one its parameters, columns and versions, and in rows of
            the role ``send`` the fields that :meth:`send` takes; of ``payroll-gb`` and
            ``payroll-de`` what :meth:`run_payroll` takes, lines by their kind.

        Raises
        ------
        SettingsError
            ``unknown_resource``.
        """
        load("api.describing")
        from .api.describing import describe

        return describe(name)

    def frames(
        self,
        resource: str,
        *,
        money: str = "float",
        columns: Sequence[str] | None = None,
        as_: str = "pandas",
        **options: Any,
    ) -> Iterator[Any]:
        """
        Give a frame a page, in bounded memory; the options are those of frame.

        Their rows are numbered through, so that ``pd.concat`` gives that of frame.
        """
        check_form(as_, columns)
        reading = self._reading(
            resource, options, self._loader(as_), money=money, columns=columns
        )
        yield from tables(reading, profile=self.settings.profile, as_=as_)

    def records(self, resource: str, **options: Any) -> Iterator[dict[str, Any]]:
        """
        Give decoded records one by one, whole, as the API sends them.

        The options are those of frame, but for ``columns``, ``money`` and ``as_``.
        """
        for name in ("columns", "money"):
            if options.get(name) is not None:
                raise bad_argument(name, "it to frame or frames; records come whole")
        reading = self._reading(resource, options)
        for page in tables(reading, profile=self.settings.profile, as_="records"):
            yield from page

    def export(
        self,
        resource: str,
        folder: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        part_rows: int = 20_000,
        **options: Any,
    ) -> Exported:
        """
        Write a resource into a folder of Parquet files, in bounded memory.

        Money is exact decimal128 on disk and dates are ``date32``, so that DuckDB,
        polars and others read ``folder/*.parquet`` as it is; :func:`read_export` gives
        the frame back. What was stopped, by whatever, is finished by the same call: it
        goes on where it was, or says that the list changed and starts over. An
        organization that fails is raised, to be read by the next call. An employee who
        fails is told, and left out; the next call asks for them again.

        Parameters
        ----------
        resource : str
            A name of the catalogue, or a path.
        folder : path
            An empty one, one that is not there yet, or that of the same export. For
            one file, use :meth:`frame` and what pandas writes.
        overwrite : bool
            Replace the export that is there, finished or not, as soon as the first
            part of the new one is; else one that is finished and lacks nothing stays
            as it is.
        part_rows : int
            Rows of a file, about, or those of a thousand employees where each is
            asked, or of 15 seconds; so many at most are read again after a kill.
        **options
            Those of :meth:`frame`, but for ``money`` and ``as_``.

        Returns
        -------
        Exported
            Its text is the summary line; ``complete`` tells whether all is there.

        Raises
        ------
        StoreError
            The folder holds something else, or cannot be written.
        SettingsError, ApiError, LoginError, NetworkError
            What went wrong, and what to do; the parts that are there stay.

        Warns
        -----
        IncompleteWarning
            Something failed for one of several, or the list does not add up.
        """
        load("api.export")
        from .api.export import Order, export

        for name in ("money", "as_"):
            if name in options:
                raise bad_argument(name, "it to read_export; a file holds exact money")
        options = settled(options)
        if not isinstance(resource, str):
            raise bad_argument("resource", "a name such as employees, or a path")
        order = Order(
            lambda: self._reading(resource, options),
            api_url=self.settings.api_url or "",
            profile=self.settings.profile,
            overwrite=overwrite,
            part_rows=part_rows,
            tell=_say,
        )
        name = plain(resource).partition("?")[0]
        left = "the same call finishes the export."
        if overwrite:
            left = (
                "if a part of the new export is there, the same call without overwrite "
                "finishes it; else the old one is as it was."
            )
        with told_of_interrupt(left):
            order.tell(f"{name}: exporting to {plain(folder, 400)} …")
            return export(folder, order)

    def dask_frame(
        self, resource: str, *, part_rows: int = 10_000, **options: Any
    ) -> dd.DataFrame:
        """
        Give a resource of the catalogue as a Dask DataFrame.

        Nothing but the first page of each list is asked here; each part is read by
        the worker that needs it, with credentials that it finds itself. Columns that
        nobody documents are left out. Where employees are asked, their list is read
        here. What fails is raised, as by ``strict``, and so is a part of which rows are
        missing; of other doubts the worker warns. Exact decimals Dask cannot sum as a
        whole column: let each part sum its own, and sum those.

        Parameters
        ----------
        resource : str
        part_rows : int
            Rows of a part, where the pages of a list are numbered; else a list is one.
            A part takes as many requests where each employee is asked.
        **options
            Those of :meth:`frame`, but for ``limit`` and ``as_``.

        Returns
        -------
        dask.dataframe.DataFrame

        Raises
        ------
        LoginRequired
            ``machine_required``: a person's session does not reach the workers.
        SettingsError, ApiError, LoginError, NetworkError
            What went wrong, and what to do.

        Warns
        -----
        IncompleteWarning
            The list of organizations or employees does not add up.
        """
        load("api.dask")
        from .api.dask import dask_frame, insist_on_machine

        insist_on_machine(self)
        options = settled(options) | {"strict": True}
        reading = self._reading(resource, options)
        return dask_frame(self, reading, options, part_rows=part_rows, tell=_say)

    def send(
        self,
        resource: str,
        frame: pd.DataFrame,
        *,
        organization: str | None = None,
        chunk_size: int = 100,
        extra: Sequence[str] = (),
        **how: Any,
    ) -> SendReport:
        """
        Create the rows of a DataFrame at the API; no row is sent twice.

        All rows are checked before the first is sent. Columns are the API's own
        fields, dotted where they are inside an object, as ``resources("contacts")``
        lists them in its rows of the role ``send``; missing values are left out.

        Parameters
        ----------
        resource : {"contacts", "organizations", "worksites"}
        frame : pandas.DataFrame
            Its index names the rows in the report, so it has to be unique.
        organization : str, optional
            Whose the rows will be; the only one visible is taken by itself.
        chunk_size : int
            Rows of one request.
        extra : sequence of str, optional
            Columns that the API's documentation does not know; sent as they are.
        on_error : {"raise", "report"}
            Raise where not all rows were created, after all were sent; or only report.
        journal : path, optional
            A file that notes what was sent, by hashes and without data: after a kill,
            the same call with the same file sends only what is unsent.
            Rows are known by their labels and by what they say: correct them by
            ``retry``, keep their labels, and give another table another file.
        progress : callable, optional
            Told a :class:`Progress` after each answer, and before each wait.

        Returns
        -------
        SendReport
            What became of each row: ``counts``, ``succeeded``, ``errors``,
            ``rejected``, ``uncertain``, ``unsent``, ``retry(frame)``; also in
            ``last_report``, whatever happens.

        Raises
        ------
        BadTable
            The table cannot be sent; nothing was. Its ``problems`` are a DataFrame:
            label, field and problem.
        SendFailed
            Not all rows were created; its ``report`` tells which.
        SettingsError, ApiError, LoginError, NetworkError, StoreError
            Nothing was sent, and why.
        """
        from .api.sending import send

        return send(
            self._manner(how, "organization", "chunk_size", "extra"),
            resource,
            frame,
            organization,
            usual=self.settings.organization,
            chunk_size=chunk_size,
            extra=extra,
        )

    def run_payroll(
        self,
        country: str,
        frame: pd.DataFrame,
        *,
        pay_date: Any,
        pay_cycle: str = "month",
        external_ref: str | None = None,
        money: str = "float",
        **how: Any,
    ) -> PayrollReport:
        """
        Run payroll for the employees of a DataFrame: one request, one run.

        A row is one line of pay: ``employeeId``, ``kind`` (``earning`` where it is left
        out, ``benefit``, ``deduction``, ``reimbursement``), and the fields of such a
        line, as ``earningType``, ``amount`` and ``earningFrequency``, or ``name`` and
        ``amount``. In the British run ``employeeId`` is an id of
        ``frame("employees")``; in the German one a whole number that you choose, with
        the employee's attributes beside it, such as ``taxAttributes.taxClass``. A
        column that is not taken is told with all those that are.

        Parameters
        ----------
        country : {"DE", "GB"}
        pay_date : date or str
        pay_cycle : {"month", "year"}
        external_ref : str, optional
            Your own name of the run.
        money : {"float", "decimal"}
            The type of money in the frames that come back.
        on_error, journal, progress
            As for :meth:`send`.

        Returns
        -------
        PayrollReport
            As :meth:`send` does, but by employee: ``payslips`` (the amounts of each),
            ``lines`` (employeeId, kind, name, amount: as far as the answer lists
            them), ``errors`` (label, employeeId, message), ``run`` (its id and status,
            where the country has them).

        Raises
        ------
        BadTable, SendFailed, SettingsError, ApiError, LoginError, NetworkError
            As :meth:`send` does; the first also for an employee whom this connection
            has paid for that day, or may have, if the journal does not know.
        StoreError
            ``run_uncertain``: the journal holds another run that was not answered;
            ``run_paid``: another one with payslips of these employees for that day.
        """
        from .api.sending import run_payroll

        if "organization" in how:
            of_whom = "none: a run is of the employees in its frame, wherever they work"
            raise bad_argument("organization", of_whom)
        return run_payroll(
            self._manner(how, "pay_date", "pay_cycle", "external_ref", "money"),
            country,
            frame,
            pay_date=pay_date,
            pay_cycle=pay_cycle,
            external_ref=external_ref,
            money=money,
        )

    def _manner(self, how: dict[str, Any], *others: str) -> Manner:
        from .api.manner import Manner

        return Manner.of(
            self._client,
            self.settings.api_url or "",
            self._keep_report,
            how,
            others=others,
            tell=say,
            runs=self._runs,
        )

    def _keep_report(self, report: SendReport) -> None:
        self.last_report = report

    @property
    def _client(self) -> Api:
        with self._mutex:  # one gate for all, also for those who come first together
            if self._api is None:
                self.settings.require("api_url")
                url, places = self.settings.api_url or "", self.settings.places
                self._api = Api.at(url, self.auth, places)
            return self._api

    def _reading(
        self,
        name: str,
        options: dict[str, Any],
        load: Callable[[], object] | None = None,
        **more: Any,
    ) -> Reading:
        if "as_" in options:
            elsewhere = "it to frame or frames; Dask gives pandas frames only"
            raise bad_argument("as_", elsewhere)
        both = {**options, **more}
        with named_by_place(self.settings.places):
            return plan(
                self._client, self.settings, name, both, tell=say_beside, load=load
            )

    @contextmanager
    def _telling(self, method: str, path: str) -> Iterator[None]:
        if self._session.is_signing_in:
            self._client.get_ready()  # who signs in has the time that it takes
        # What is asked for may say more than who looks on should read.
        shown = plain(path).partition("?")[0].partition("#")[0]
        with telling(f"{plain(method)} {shown}"):
            yield

    def _loader(self, as_: str) -> Callable[[], object] | None:
        # Who waits for a sign-in, in the thread that can be interrupted, needs none.
        return None if self._session.is_signing_in else loader(as_)


def _say(told: str, by: Callable[[str], None] = say) -> None:
    by(f"Intermezzo: {told}")
