"""The magics: parse a line, call the connection, hand over what it gives."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, cast

from IPython.core.magic import (
    Magics,
    line_cell_magic,
    line_magic,
    magics_class,
)
from IPython.core.magic_arguments import argument
from IPython.utils.text import DollarFormatter
from traitlets import Bool, Enum, Float, Unicode, observe

from .. import configured
from ..errors import IncompleteWarning, IntermezzoError, SettingsError
from ..interrupts import NOTHING_ASSIGNED, told_of_interrupt
from . import completion
from .lines import (
    insist_on_nothing,
    once,
    parsed,
    takes_options,
    with_help,
)

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..connection import Connection


@magics_class
class IntermezzoMagics(Magics):
    """Intermezzo payroll data in this notebook."""

    profile = Unicode(None, allow_none=True, help="The profile to use.").tag(
        config=True
    )
    organization = Unicode(
        None, allow_none=True, help="The organization's id, or 'all'."
    ).tag(config=True)
    client_id = Unicode(None, allow_none=True, help="The client id.").tag(config=True)
    issuer = Unicode(
        None, allow_none=True, help="The authorization server's issuer."
    ).tag(config=True)
    api_url = Unicode(None, allow_none=True, help="The API's address.").tag(config=True)
    scope = Unicode(None, allow_none=True, help="The scope to ask for.").tag(
        config=True
    )
    store = Unicode(
        None, allow_none=True, help="Where the session is: auto, memory, file, keyring."
    ).tag(config=True)
    via = Unicode(None, allow_none=True, help="The way of a sign-in.").tag(config=True)
    timeout = Float(
        None, allow_none=True, help="Seconds that a person has to sign in."
    ).tag(config=True)
    no_input = Bool(None, allow_none=True, help="Never ask a person.").tag(config=True)
    money = Enum(
        ["float", "decimal"], "float", help="float64, or exact decimal128 columns."
    ).tag(config=True)
    full_traceback = Bool(
        default_value=False,
        help="Show the frames of our errors as well, not just three lines.",
    ).tag(config=True)

    @takes_options
    @once("--profile", help="A named set of settings; 'demo' needs no account.")
    @once(
        "--via",
        metavar="WAY",
        help="The way of signing in: auto, loopback, server, device, paste, "
        "client-credentials.",
    )
    @argument(
        "--paste",
        action="store_true",
        help="Enter the address on which the browser ended.",
    )
    @argument("--wait", action="store_true", help="Wait here for the person.")
    @argument("--no-wait", action="store_true", help="Return at once (the default).")
    @argument(
        "--no-input", action="store_const", const=True, help="Never ask a person."
    )
    @once("--timeout", metavar="SECONDS", help="How long a person has (300).")
    @argument("--force", action="store_true", help="Ask again, whatever is kept.")
    @once("--store", help="Keep the session: auto, memory, file, keyring.")
    @once("--client-id", metavar="ID", help="The client id.")
    @once("--issuer", metavar="URL", help="The authorization server's issuer.")
    @once("--api-url", metavar="URL", help="The API's address.")
    @once("--scope", metavar="SCOPES", help="What to ask for, in quotes.")
    @once("--organization", metavar="ID", help="Whose rows to read: an id, or all.")
    @line_magic
    @with_help
    @told_of_interrupt("%intermezzo_status tells whether somebody is signed in.")
    def intermezzo_login(self, line: str) -> None:
        """
        Sign in to Intermezzo.

        Example: %intermezzo_login --profile demo
        """
        options = parsed(IntermezzoMagics.intermezzo_login, line)
        wait, no_wait = options.pop("wait"), options.pop("no_wait")
        if wait and no_wait:
            raise SettingsError(
                "--wait and --no-wait exclude each other",
                advice="Give one of them.",
                code="bad_arguments",
            )
        force = options.pop("force")
        if options.pop("paste"):
            from .panel import paste

            paste(self._connection())
            return
        from .. import current

        with current.told_of_switch():
            connection = self._connect(options)
            from .panel import sign_in

            sign_in(connection, wait=wait, force=force)

    @takes_options
    @argument("resource", help="A resource of %%intermezzo_resources, or a /path.")
    @argument("filters", nargs="*", help="name=value: columns or query parameters.")
    @once("-o", "--output", metavar="NAME", help="Assign to NAME, show nothing.")
    @once("--limit", metavar="N", help="At most N rows.")
    @once("--organization", metavar="ID", help="An organization's id, or all.")
    @once(
        "--employee-id",
        metavar="ID",
        help="An employee's id, or several with commas; all where it is left out.",
    )
    @once("--columns", metavar="NAMES", help="Only these, such as id,startDate.")
    @argument(
        "--history",
        action="store_const",
        const=True,
        help="All versions, not today's.",
    )
    @once("--as-of", metavar="DATE", help="The versions of a day, not today's.")
    @argument(
        "--strict",
        action="store_const",
        const=True,
        help="Fail where one employee or organization fails, instead of listing it.",
    )
    @once("--max-requests", metavar="N", help="Ask no more than N times.")
    @once(
        "--money",
        choices=["float", "decimal"],
        metavar="TYPE",
        help="Of money columns: float, or decimal, which is exact.",
    )
    @line_cell_magic
    @with_help
    @told_of_interrupt(NOTHING_ASSIGNED)
    def intermezzo(self, line: str, cell: str | None = None) -> Any:
        """
        Give a resource of the payroll API, or any path, as a DataFrame.

        For example:
          df = %intermezzo employees employmentCountry=DE --limit 500
          %intermezzo wage-types -o types

        The cell form takes filters and options in its body: one "name: value" a line,
        or a JSON object.
        """
        from . import words

        options = parsed(IntermezzoMagics.intermezzo, line)
        name, resource = words.variable(options.pop("output")), options.pop("resource")
        filters = words.filters(options.pop("filters"), resource)
        given = [option for option, value in options.items() if value is not None]
        read = words.body(cell) if cell else {}
        body = {k: self._filled_in(v) for k, v in read.items()}
        words.insist_on_once([*given, *filters, *body])
        options |= {k: body.pop(k) for k in words.OPTIONS if k in body}
        filters |= body
        words.insist_on_values({**filters, **options})
        money = options.pop("money")
        asked = {
            "limit": words.count(options.pop("limit")),
            "max_requests": words.count(options.pop("max_requests"), "--max-requests"),
            "columns": words.names(options.pop("columns")),
            "money": self.money if money is None else money,
            "history": words.flag(options.pop("history"), "history"),
            "strict": words.flag(options.pop("strict"), "strict"),
            **{k: v for k, v in options.items() if v is not None},
        }
        from .progress import status_line

        with status_line() as line_shown, warnings.catch_warnings():
            # The line that stays tells the same; whoever made it an error, gets that.
            warnings.simplefilter("ignore", IncompleteWarning, append=True)
            frame = self._connection().frame(
                resource, progress=line_shown, filters=filters, **asked
            )
            line_shown.finish(frame.attrs["intermezzo"])
        if name is None:
            return frame
        cast("InteractiveShell", self.shell).push({name: frame})
        return None

    def _filled_in(self, value: Any) -> Any:
        """Put Python's values in for {names}, as IPython does in a line."""
        if not isinstance(value, str):
            return value
        names = cast("InteractiveShell", self.shell).user_ns
        try:
            return DollarFormatter().vformat(value, (), names)
        except Exception:  # noqa: BLE001 (whatever an expression of theirs raises)
            return value

    @line_magic
    @with_help
    def intermezzo_status(self, line: str) -> None:
        """Tell who is signed in, where the session is, and how it got there."""
        insist_on_nothing("intermezzo_status", line)
        print(self._connection().status())  # noqa: T201 (that is what it is for)

    @line_magic
    @with_help
    @told_of_interrupt("nothing was changed.")
    def intermezzo_doctor(self, line: str) -> None:
        """Check settings, network, clock, server and store; say what to change."""
        insist_on_nothing("intermezzo_doctor", line)
        from ..doctor import examine
        from ..surroundings import look

        for finding in examine(self._connection().settings, look()):
            print(finding)  # noqa: T201 (that is what it is for)

    @line_magic
    @with_help
    @told_of_interrupt("%intermezzo_status tells whether somebody is signed in.")
    def intermezzo_logout(self, line: str) -> None:
        """Revoke the session at the server, and delete it here."""
        insist_on_nothing("intermezzo_logout", line)
        print(self._connection().logout())  # noqa: T201 (that is what it is for)

    @line_magic
    @with_help
    def intermezzo_resources(self, line: str) -> Any:
        """List the resources, or with a NAME its columns, parameters, what is sent."""
        from ..loading import load as load_room

        load_room("api.describing")
        from ..api.describing import describe
        from .listing import Listing

        told = describe(line.strip() or None)
        listing = Listing(told)
        listing.attrs = told.attrs
        return listing

    @observe("full_traceback")
    def _traceback_changed(self, change: Any) -> None:
        IntermezzoError.full_traceback = change["new"]

    def _connect(self, options: dict[str, Any]) -> Connection:
        from .. import current

        self._refuse_parameters()
        return current.use(options, traits=self.settings())

    def _connection(self) -> Connection:
        from .. import current

        self._refuse_parameters()
        return current.current_connection(traits=self.settings())

    def _refuse_parameters(self) -> None:
        # papermill saves its parameters twice in the notebook; a person's variables
        # are their own business.
        from ..credentials import refuse_literals
        from ..surroundings import look

        if not look().answers:
            names = cast("InteractiveShell", self.shell).user_ns
            texts = {n: value for n, value in names.items() if isinstance(value, str)}
            refuse_literals("the notebook's parameters", dict.fromkeys(texts, ""))

    def settings(self) -> dict[str, Any]:
        """Give what is configured now, by name; None where nothing is."""
        return {name: getattr(self, name) for name in _SETTINGS}


_SETTINGS = (
    "profile",
    "organization",
    "client_id",
    "issuer",
    "api_url",
    "scope",
    "store",
    "via",
    "timeout",
    "no_input",
)


def load(shell: InteractiveShell) -> None:
    """Register the magics; loading twice is harmless."""
    shell.register_magics(IntermezzoMagics)
    registered = shell.magics_manager.registry[IntermezzoMagics.__name__]
    configured.give_by(registered.settings)
    completion.load(shell)


def unload(shell: InteractiveShell) -> None:
    """Take the magics, and their configuration, out of the shell again."""
    completion.unload(shell)
    configured.give_by(None)
    manager = shell.magics_manager
    for kind, names in IntermezzoMagics.magics.items():
        for name in names:
            manager.magics[kind].pop(name, None)
    if magics := manager.registry.pop(IntermezzoMagics.__name__, None):
        shell.configurables.remove(magics)
    IntermezzoError.full_traceback = False
