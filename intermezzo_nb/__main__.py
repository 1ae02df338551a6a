"""The ``intermezzo-nb`` command: ``demo``, ``sandbox`` and ``doctor``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from . import __version__
from .errors import IntermezzoError, SettingsError

if TYPE_CHECKING:
    from .demo.server import Options, PracticeServer

_SLOWEST = 0.01  # requests per second that a test can wait for


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; give its exit status."""
    arguments = _parser().parse_args(argv)
    # The end of a scheduler, a container or a terminal's window is an orderly one: what
    # was started is ended.
    for ending in _endings():
        signal.signal(ending, lambda number, _: sys.exit(128 + number))
    try:
        return int(arguments.run(arguments))
    except IntermezzoError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # "| head" has read enough; what is left must not fail again at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _endings() -> list[signal.Signals]:
    named = [getattr(signal, n, None) for n in ("SIGTERM", "SIGHUP")]  # none on Windows
    # Under nohup a closed window is no end.
    return [n for n in named if n and signal.getsignal(n) is not signal.SIG_IGN]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="intermezzo-nb",
        description="Intermezzo payroll data in notebooks: try it without an account.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(metavar="COMMAND")

    def helps(_: argparse.Namespace) -> int:
        parser.print_help(sys.stderr)
        return 2  # as for any other line that cannot be used

    parser.set_defaults(run=helps)
    demo = commands.add_parser(
        "demo", help="practice server, a table of its rows, and JupyterLab"
    )
    demo.add_argument("--check", action="store_true", help="end after the table")
    demo.add_argument("--no-browser", action="store_true", help="open no browser")
    demo.add_argument(
        "--port", type=_within(int, 0, 65_535), default=0, help="of the practice server"
    )
    demo.set_defaults(run=_demo)
    sandbox = commands.add_parser(
        "sandbox", help="the practice server alone, for scripts and papermill"
    )
    _add_options(sandbox)
    sandbox.set_defaults(run=_sandbox)
    doctor = commands.add_parser(
        "doctor", help="check settings, network, clock, server and store"
    )
    doctor.add_argument("--profile", help="a named set of settings")
    doctor.set_defaults(run=_doctor)
    return parser


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port", type=_within(int, 0, 65_535), default=0, help="0: any free one"
    )
    parser.add_argument(
        "--token-lifetime",
        type=_within(int, 1, 10_000_000),
        default=3600,
        metavar="S",
        help="seconds",
    )
    parser.add_argument(
        "--rows",
        type=_within(int, 0, 1_000_000),
        default=4000,
        metavar="N",
        help="employees",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the data")
    parser.add_argument(
        "--rate", type=_rate, default=0.0, metavar="N/s", help="requests per second"
    )
    parser.add_argument(
        "--latency",
        type=_within(float, 0, 60_000),
        default=0.0,
        metavar="MS",
        help="added to each answer",
    )
    parser.add_argument(
        "--shape", choices=["authkit", "auth0"], default="authkit", help="of the tokens"
    )
    parser.add_argument(
        "--paging",
        choices=["page", "cursor", "array"],
        default="page",
        help="of the employees",
    )
    _add_faults(parser.add_argument_group("what goes wrong"))
    # Owned: told as JSON, and ended by the end of standard input.
    parser.add_argument("--owned", action="store_true", help=argparse.SUPPRESS)


def _add_faults(group: argparse._ArgumentGroup) -> None:
    for name, what in (("refuse", "answered with a 429"), ("reset", "cut off")):
        group.add_argument(
            f"--{name}",
            type=_within(float, 0, 1),
            default=0.0,
            metavar="SHARE",
            help=f"of requests that are {what}",
        )
    group.add_argument(
        "--retry-after",
        type=_within(int, 0, 3600),
        default=1,
        metavar="S",
        help="seconds that a 429 asks to wait",
    )
    group.add_argument(
        "--drift",
        type=_within(int, 0, 1_000_000),
        default=0,
        metavar="N",
        help="changes of a list of employees while it is read",
    )
    for name, what in (
        ("older", "records have the shapes of older pages of the reference"),
        ("ragged", "histories have gaps and overlaps"),
        ("extra-fields", "records hold more than is documented"),
        ("missing-fields", "records hold less than is documented"),
    ):
        group.add_argument(f"--{name}", action="store_true", help=what)


def _rate(text: str) -> float:
    number = _within(float, 0, 10_000)(text.removesuffix("/s"))
    if 0 < number < _SLOWEST:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither 0 nor {_SLOWEST} or more"
        )
    return number


def _within(kind: type[float], least: int, most: int) -> Callable[[str], float]:
    """Take a number within bounds; what argparse says of another is in words."""

    def read(text: str) -> float:
        with contextlib.suppress(ValueError):
            if least <= (number := kind(text)) <= most:
                return number
        word = "whole number" if issubclass(kind, int) else "number"
        message = f"{text!r} is no {word} from {least:,} to {most:,}"
        raise argparse.ArgumentTypeError(message)

    return read


def _sandbox(arguments: argparse.Namespace) -> int:
    told = {k: v for k, v in vars(arguments).items() if k not in {"run", "owned"}}
    options = _options(**told)
    asyncio.run(_serve(options, owned=arguments.owned))
    return 0


async def _serve(options: Options, *, owned: bool) -> None:
    import json

    server = _started(options)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for ending in (signal.SIGINT, *_endings()):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(ending, ended.set)
    if owned:
        threading.Thread(
            target=_end_with_input, args=(loop, ended), daemon=True
        ).start()
        _say(json.dumps(server.settings()))
    else:
        _say("\n".join(_exports(server)))
    try:
        await ended.wait()
    finally:
        await server.stop()


def _end_with_input(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    while sys.stdin.buffer.read(1024):
        pass
    loop.call_soon_threadsafe(ended.set)


def _exports(server: PracticeServer) -> Iterator[str]:
    yield f"# The practice server listens on {server.url}; Ctrl+C ends it."
    yield "# For scheduled runs (client credentials), set in another terminal:"
    for name, value in server.settings()["machine"].items():
        yield f"export INTERMEZZO_{name.upper()}={value}"
    yield "# In a notebook, as a person: %intermezzo_login --profile demo, with"
    yield f"export INTERMEZZO_DEMO_URL={server.url}"
    person = server.settings()["person"]["client_id"]
    yield f"# or, without that profile, INTERMEZZO_CLIENT_ID={person} and no secret"


def _doctor(arguments: argparse.Namespace) -> int:
    from .connecting import connect
    from .doctor import examine
    from .surroundings import look

    is_well = True
    for finding in examine(connect(arguments.profile).settings, look()):
        _say(str(finding))
        is_well = is_well and finding.verdict != "wrong"
    return 0 if is_well else 1


def _demo(arguments: argparse.Namespace) -> int:
    if not arguments.check and importlib.util.find_spec("jupyterlab") is None:
        raise _lacking("JupyterLab is")
    with _in_background(_options(port=arguments.port)) as server:
        _say(f"Practice server: {server.url} (invented data)")
        _show_rows(server.url)
        if arguments.check:
            return 0
        from . import lab

        quickstart = lab.quickstart()
        _say(f"JupyterLab opens {quickstart}; Ctrl+C, twice, ends both.")
        return lab.run(quickstart, server.url, no_browser=arguments.no_browser)


@contextlib.contextmanager
def _in_background(options: Options) -> Iterator[PracticeServer]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="practice-server")
    thread.start()

    async def start() -> PracticeServer:
        return _started(options)

    try:
        server = asyncio.run_coroutine_threadsafe(start(), loop).result()
        try:
            yield server
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _options(**values: object) -> Options:
    try:
        from .demo.server import Options
    except ImportError:
        pass
    else:
        return Options(**values)  # type: ignore[arg-type]  # argparse typed them
    raise _lacking("the practice server's parts are")


def _lacking(what: str) -> SettingsError:
    return SettingsError(
        f"{what} not installed",
        advice="pip install 'intermezzo-nb[demo]'",
        code="missing_extra",
    )


def _started(options: Options) -> PracticeServer:
    from .demo.server import start

    try:
        return start(options)
    except OSError as fault:
        why = str(fault.strerror)
    raise SettingsError(
        f"port {options.port} cannot be opened",
        why=f"{why}.",
        advice="Choose another with --port, or leave it out for any free one.",
        code="port_taken",
    )


def _show_rows(url: str) -> None:
    from .api.provenance import summary
    from .connection import Connection
    from .practice import demo_profile
    from .settings import Settings

    machine = demo_profile({"INTERMEZZO_DEMO_URL": url}, person=False)
    settings = Settings.resolve(
        arguments={"profile": "demo"}, profiles={"demo": machine}
    )
    connection = Connection(settings)
    organization = connection.frame("organizations")["id"].iloc[0]
    columns = ["id", "personalData.employeeName.familyName"]
    columns += ["jobDetails.jobTitle", "startDate", "endDate"]
    frame = connection.frame(
        "employees", organization=organization, limit=8, columns=columns
    )
    _say(f"\n{frame.to_string(index=False)}\n")
    _say(summary(frame.attrs["intermezzo"]))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
