"""The line of a magic: what it takes, what of that is given, and its help."""

from __future__ import annotations

import argparse
import functools
import re
import shlex
from collections.abc import Callable
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics
from IPython.core.magic_arguments import (
    MagicArgumentParser,
    MagicHelpFormatter,
    argument,
    construct_parser,
    kwds,
)
from IPython.core.oinspect import getdoc

from ..errors import SettingsError


class _Once(argparse.Action):
    """Takes a value once: what was said first is not forgotten in silence."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        if getattr(namespace, self.dest) is not None:
            parser.error(f"{option_string} comes twice")
        setattr(namespace, self.dest, values)


once = functools.partial(argument, action=_Once)
"""An option of a magic that may come once."""


class _Help(MagicHelpFormatter):
    """IPython's, without the mark-up above the usage that also moves its lines."""

    def add_usage(
        self, usage: Any, actions: Any, groups: Any, prefix: str | None = "%"
    ) -> None:
        super().add_usage(usage, actions, groups, prefix)


def takes_options(magic: Callable[..., Any]) -> Callable[..., Any]:
    """Let a magic take the options above it, each by its whole name alone."""
    made: Any = kwds(formatter_class=_Help)(magic)
    # Where IPython looks for help. To write it is half of what loading would cost.
    made.getdoc = lambda: parser_of(made).format_help()
    taking: Callable[..., Any] = made
    return taking


@functools.cache
def parser_of(magic: Any) -> MagicArgumentParser:
    """Give what reads the options of a magic, made when it is needed first."""
    parser: MagicArgumentParser = construct_parser(magic)
    parser.allow_abbrev = False  # else --as would be --as-of
    return parser


def with_help(magic: Callable[..., Any]) -> Callable[..., Any]:
    """Let --help or -h tell what a magic takes, and do nothing else."""

    @functools.wraps(magic)
    def run(self: Magics, line: str, *cell: str | None) -> Any:
        if {"-h", "--help"}.isdisjoint(line.split()):
            return magic(self, line, *cell)
        print(getdoc(run) or "")  # noqa: T201 (that is what was asked for)
        return None

    return run


def parsed(magic: Any, line: str) -> dict[str, Any]:
    """
    Give the options of a line by their names; None for what is not given.

    Raises
    ------
    SettingsError
        ``bad_arguments``: the magic takes no such line.
    """
    if "\n" in line.strip():
        raise SettingsError(
            f"%{magic.__name__} was given a value of several lines",
            why="In braces, a Series or a frame becomes what is printed of it.",
            advice='Join ids by commas, as in --employee-id {",".join(df.id)}; or '
            "in Python: frame(…, employee_id=df.id).",
            code="bad_arguments",
        )
    from .words import with_commas

    line = with_commas(line)
    # shlex by ourselves: IPython keeps the quotes of name="two words".
    try:
        return dict(vars(parser_of(magic).parse_intermixed_args(shlex.split(line))))
    except (UsageError, ValueError) as fault:
        told = str(fault)
    raise _refusal(magic, line, told)


def _refusal(magic: Any, line: str, told: str) -> SettingsError:
    """Tell why argparse refused a line; no word of it is repeated but an option."""
    _, is_unknown, unknown = told.partition("unrecognized arguments: ")
    is_option = unknown.startswith("-")
    is_value = told.startswith("argument --paste") or (is_unknown and not is_option)
    is_pasted = "code=" in line or ("--paste" in line and is_value)
    if magic.__name__ == "intermezzo_login" and is_pasted:
        return _address_in_sight()
    if is_option:
        return _no_option(magic, re.split("[ =]", unknown)[0], shlex.split(line))
    if is_unknown:
        why = "It takes options alone, and a word is none."
    else:
        why = re.split(":? ['\"]", told)[0]  # before a word that argparse repeats
        why = why.replace("required: resource, filters", "required: resource")
    if why.endswith("invalid choice"):
        why += f", choose from {told.rpartition('(choose from ')[2].rstrip(')')}"
    return SettingsError(
        f"%{magic.__name__} does not understand this line",
        why=why,
        advice=f"See %{magic.__name__}? for what it takes.",
        code="bad_arguments",
    )


def _address_in_sight() -> SettingsError:
    return SettingsError(
        "the address on which the browser ended does not belong in a line",
        why="It holds a code for signing in, and is a part of the notebook now.",
        advice="Delete it from this cell, and run %intermezzo_login --paste alone: it "
        "asks for the address in a hidden field.",
        code="bad_arguments",
    )


def _no_option(magic: Any, option: str, line: list[str]) -> SettingsError:
    from ..api.arguments import closest
    from ..credentials import refuse_literals
    from .words import instead_of_option

    flags = re.findall(r"--([a-z-]+)", parser_of(magic).format_usage())
    word = option.strip("-")
    refuse_literals("this line", {word.replace("-", "_"): ""})
    hint = closest(word, flags) if len(word) > 1 else ""  # many hold any one letter
    advice = f"Did you mean --{hint}? " if hint else ""
    if magic.__name__ == "intermezzo" and word in _IN_PYTHON:
        keyword = _IN_PYTHON[word]
        advice += f"In Python: current_connection().frame(…, {keyword}=…). "
    if magic.__name__ == "intermezzo" and word == "profile":
        advice = "Sign in with it first: %intermezzo_login --profile NAME. "
    if magic.__name__ == "intermezzo" and (other := instead_of_option(line, option)):
        advice = f"{other} "
    shown = option if _OPTION.fullmatch(option) else "of that name"
    return SettingsError(
        f"%{magic.__name__} has no option {shown}",
        advice=f"{advice}See %{magic.__name__}? for what it takes.",
        code="bad_arguments",
    )


# Not what begins with a dash by chance, as a code or a token may.
_OPTION = re.compile("--?[a-z][a-z_-]{0,20}")
_IN_PYTHON = {"as": "as_", "params": "params", "progress": "progress"}


def insist_on_nothing(magic: str, line: str) -> None:
    """
    Refuse a line that is not empty.

    What is ignored here would end, or tell of, another session than was meant.

    Raises
    ------
    SettingsError
        ``bad_arguments``.
    """
    if line.strip():
        raise SettingsError(
            f"%{magic} takes nothing: it is about the session in use",
            advice="Switch with %intermezzo_login --profile NAME first.",
            code="bad_arguments",
        )
