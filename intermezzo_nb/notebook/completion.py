"""Tab completion inside our magics: from the catalogue and the options, no network."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)

from ..errors import IntermezzoError
from .lines import parser_of

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..api.schema import Column, Parameter, Resource

_ID = "intermezzo"
_FIRST = 200  # before IPython's own matchers, which know files and names of Python
# Compiled at the first use: the extension loads them, whether they are used or not.
_LINE = r"\s*(?:[^%'\"#]*=\s*)?%%?(?P<magic>intermezzo\w*)\s+(?P<rest>.*)"
_WORD = r"(?:[^\s'\"]|'[^']*(?:'|$)|\"[^\"]*(?:\"|$))+"


class Offer(NamedTuple):
    """
    What can stand in place of the word before the cursor.

    Parameters
    ----------
    fragment : str
        The part of it that is replaced.
    kind : str
        ``resource``, ``filter``, ``value`` or ``option``.
    """

    fragment: str = ""
    kind: str = "value"
    texts: tuple[str, ...] = ()


def load(shell: InteractiveShell) -> None:
    """Complete our magics; loading twice is harmless."""
    unload(shell)

    @context_matcher(identifier=_ID, priority=_FIRST)
    def complete(context: CompletionContext) -> SimpleMatcherResult:
        offers = [o for o in _offers(shell, context) if o.texts]
        return {
            "completions": [
                SimpleCompletion(t, type=o.kind) for o in offers for t in o.texts
            ],
            "matched_fragment": offers[0].fragment if offers else context.token,
            "suppress": bool(offers),
            "ordered": True,
        }

    shell.Completer.custom_matchers.append(complete)


def unload(shell: InteractiveShell) -> None:
    """Complete them no longer."""
    matchers = shell.Completer.custom_matchers
    matchers[:] = [m for m in matchers if getattr(m, "matcher_identifier", "") != _ID]


def _offers(shell: InteractiveShell, context: CompletionContext) -> list[Offer]:
    first = context.full_text.lstrip().partition("\n")[0]
    if (found := re.fullmatch(_LINE, context.text_until_cursor)) is not None:
        return _of_line(shell, found["magic"], found["rest"])
    if (
        first.startswith("%%")
        and (found := re.fullmatch(_LINE, first + " ")) is not None
    ):
        plain, _ = _parted(
            re.findall(_WORD, found["rest"]), _options(shell, found["magic"])
        )
        return _of_body(_resource(plain), context.text_until_cursor)
    return []


def _of_line(shell: InteractiveShell, magic: str, rest: str) -> list[Offer]:
    words = re.findall(_WORD, rest)
    last = words.pop() if words and rest.endswith(words[-1]) else ""
    options = _options(shell, magic)
    plain, awaiting = _parted(words, options)
    name, equals, value = last.partition("=")
    if awaiting is None and equals and name in options:
        awaiting, last = options[name], value
    if awaiting is not None:
        return [_of_option(awaiting, last, _resource(plain))]
    if last.startswith("-"):
        return [_offer(last, "option", _unused(options, words))]
    if not plain and magic in {"intermezzo", "intermezzo_resources"}:
        return [_offer(last, "resource", _names(magic))]
    resource = _resource(plain) if magic == "intermezzo" else None
    if resource is None:
        return [] if last else [_offer(last, "option", _unused(options, words))]
    if equals:
        return [_of_filter(resource, name, value)]
    given = {word.partition("=")[0] for word in plain}
    filters = [f"{n}=" for n in _filters(resource) if n not in given]
    more = () if last else _unused(options, words)
    return [_offer(last, "filter", filters), Offer(last, "option", tuple(more))]


def _of_body(resource: Resource | None, line: str) -> list[Offer]:
    if resource is None:
        return []
    name, colon, value = line.partition(":")
    if colon:
        target = _target(resource, name.strip())
        return [_offer(value.lstrip(), "value", _values(target))] if target else []
    from .words import OPTIONS

    names = [f"{n}: " for n in (*_filters(resource), *OPTIONS)]
    return [_offer(line.lstrip(), "filter", names)]


def _parted(
    words: Iterable[str], options: dict[str, argparse.Action]
) -> tuple[list[str], argparse.Action | None]:
    """Give the words that are no options, and the option that awaits its value."""
    plain: list[str] = []
    awaiting: argparse.Action | None = None
    for word in words:
        if awaiting is not None:
            awaiting = None
        elif word.startswith("-"):
            action = options.get(word)
            awaiting = action if action and action.nargs != 0 else None
        else:
            plain.append(word)
    return plain, awaiting


def _options(shell: InteractiveShell, magic: str) -> dict[str, argparse.Action]:
    found: Any = getattr(shell.find_line_magic(magic), "__func__", None)
    if not hasattr(found, "has_arguments"):
        return {}
    return dict(parser_of(found)._option_string_actions)  # noqa: SLF001 (no public list)


def _unused(options: dict[str, argparse.Action], words: list[str]) -> list[str]:
    given = {options[word].dest for word in words if word in options}
    return [
        name
        for name, action in options.items()
        if name.startswith("--") and action.dest not in given
    ]


def _of_option(action: argparse.Action, last: str, resource: Resource | None) -> Offer:
    from ..settings import CHOICES

    if action.dest == "columns":
        before, _, begun = last.rpartition(",")
        given = before.split(",")
        names = (
            [c.name for c in resource.columns if c.name not in given]
            if resource
            else []
        )
        return _offer(begun, "filter", names)
    if action.dest == "profile":
        return _offer(last, "value", _profiles())
    if action.dest == "organization":
        return _offer(last, "value", ["all"])
    return _offer(last, "value", action.choices or CHOICES.get(action.dest, ()))


def _of_filter(resource: Resource, name: str, value: str) -> Offer:
    target = _target(resource, name)
    begun = value.lstrip("'\"")
    values = _values(target) if target else ()
    fits = [v for v in values if v.casefold().startswith(begun.casefold())]
    return Offer(value, "value", tuple(f'"{v}"' if " " in v else v for v in fits))


def _offer(fragment: str, kind: str, texts: Iterable[str]) -> Offer:
    begun = fragment.casefold()
    folded = [(text, text.casefold()) for text in texts]
    fits = [text for text, folded_text in folded if folded_text.startswith(begun)]
    # Who types jobTitle means jobDetails.jobTitle.
    ends = [
        text for text, folded_text in folded if begun and f".{begun}" in folded_text
    ]
    return Offer(fragment, kind, tuple(dict.fromkeys(fits + ends)))


def _names(magic: str) -> Iterable[str]:
    from ..api.countries import COUNTRIES
    from ..api.resources import CATALOGUE

    is_read = magic == "intermezzo"
    runs = () if is_read else (country.run for country in COUNTRIES.values())
    return [*CATALOGUE, *runs]


def _resource(plain: list[str]) -> Resource | None:
    from ..api.resources import CATALOGUE

    return CATALOGUE.get(plain[0]) if plain else None


def _filters(resource: Resource) -> list[str]:
    asked = [p.name for p in resource.parameters]
    # What the path fills is asked for by the name that the path has for it.
    filled = {p.column for p in resource.parameters if p.where == "path"}
    columns = [c.name for c in resource.columns if c.name not in filled]
    return list(dict.fromkeys(asked + columns))


def _target(resource: Resource, name: str) -> Column | Parameter | None:
    return resource.parameter(name) or resource.column(name)


def _values(target: Column | Parameter) -> tuple[str, ...]:
    return target.values or (("true", "false") if target.kind == "boolean" else ())


def _profiles() -> list[str]:
    from ..profiles import read_profiles

    try:
        return list(dict.fromkeys(["demo", *read_profiles()]))
    except IntermezzoError:
        return ["demo"]  # what is wrong with the file is told where it is used
