"""What a caller may give, by its kind: taken as Python's own, or refused; no pandas."""

from __future__ import annotations

import difflib
import operator
import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, SupportsIndex

from ..errors import SettingsError
from ..quoting import quoted

_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_LONGEST = 80  # characters of a name, which take longer to compare the more there are


def bad_argument(name: str, wanted: str) -> SettingsError:
    """Tell that an argument has no value that can be used, and what would be one."""
    return SettingsError(
        f"{name} cannot be used as it is given",
        advice=f"Give {wanted}.",
        code="bad_arguments",
    )


def unknown_argument(name: str, known: Sequence[str]) -> SettingsError:
    """Tell that there is no such argument, and what there is."""
    spelled = {bare(one): one for one in known}
    close = difflib.get_close_matches(bare(name), spelled, 1)
    hint = f"Did you mean {spelled[close[0]]}? " if close else ""
    return SettingsError(
        f"there is no option {quoted(name)}",
        advice=f"{hint}There are {', '.join(known)}.",
        code="bad_arguments",
    )


def closest(name: str, known: Iterable[str]) -> str:
    """
    Give the name that was meant, as far as can be seen; empty for none.

    ``postcode`` means ``address.postcode``, ``as-of`` means ``as_of``, ``taxyear`` of
    ``tax_year`` and ``taxYear`` the one that is listed first, and ``country`` the
    ``employmentCountry`` rather than the ``birthCountry``.
    """
    names, asked = [*known], bare(name[:_LONGEST])
    by_end = {bare(n.rsplit(".", maxsplit=1)[-1]): n for n in reversed(names)}
    spelled_so = {bare(n): n for n in reversed(names)} | by_end
    same = [spelled_so[asked]] if asked in spelled_so else []
    # Of those that end alike the first, as the catalogue begins with what is asked for.
    ends = [n for n in names if asked and bare(n).endswith(asked)]
    close = [spelled_so[n] for n in difflib.get_close_matches(asked, spelled_so, 1)]
    inside = [n for n in names if asked in bare(n)]
    return next(iter(same + ends + close + inside), "")


def bare(name: str) -> str:
    """Give a name without its case, dashes and underscores."""
    return name.lower().replace("-", "").replace("_", "")


def count(name: str, given: object, least: int, wanted: str) -> int:
    """
    Give a whole number, be it Python's or numpy's.

    Raises
    ------
    SettingsError
        ``bad_arguments``, as everywhere here.
    """
    if isinstance(given, SupportsIndex) and not isinstance(given, bool):
        with suppress(TypeError):  # an array of numpy has the method, and refuses
            if (number := operator.index(given)) >= least:
                # Beyond that it limits nothing, and may have too many digits to tell.
                return min(number, sys.maxsize)
    raise bad_argument(name, wanted)


def flag(name: str, given: object) -> bool:
    """Give what is true or false, and nothing else that might mean it."""
    if isinstance(given, bool):
        return given
    raise bad_argument(name, "True or False")


def path_of(name: str, given: object) -> Path:
    """Give a path that a file can have; ``~`` is the user's own folder."""
    if isinstance(given, (str, os.PathLike)) and _ELSEWHERE.match(str(given)):
        raise bad_argument(name, "a path here, and no address elsewhere")
    if isinstance(given, (str, os.PathLike)) and given != "":
        try:
            if b"\0" not in os.fsencode(made := Path(given).expanduser()):
                return made
        except (TypeError, ValueError, RuntimeError):
            pass  # a path of bytes, half a character, or of a user who is none
    raise bad_argument(name, "the path of a place in the file system")


def is_one_of(given: object, choices: Collection[str]) -> bool:
    """Tell whether it is one of some words; a Series is asked nothing."""
    return isinstance(given, str) and given in choices


def many(given: Any) -> list[Any] | None:
    """Give the members of a collection; None for what is one value, or a table."""
    is_many = isinstance(given, Iterable) and not isinstance(
        given, (str, bytes, Mapping)
    )
    return [*given] if is_many and getattr(given, "ndim", 1) == 1 else None


def names_of(name: str, given: Any) -> list[str]:
    """Give names, each once; none where there is None."""
    if given is None:
        return []
    found = [given] if isinstance(given, str) else many(given)
    if found is None or not all(isinstance(one, str) for one in found):
        raise bad_argument(name, 'names, such as ["id", "startDate"]')
    return list(dict.fromkeys(str.__str__(one) for one in found))


def several_in_one(asked: Iterable[str], known: Collection[str]) -> str:
    """Tell how known names are parted that stand in one text; empty where none do."""
    texts = [*asked]
    names = [name for text in texts for name in re.split(r"[,\s]+", text) if name]
    if len(names) <= len(texts) or not {*names} <= {*known}:
        return ""
    listed = ", ".join(f'"{name}"' for name in names)
    return f"Give a list in Python, columns=[{listed}]; in a magic, {','.join(names)}."


def settled(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give options that can be read more than once: a generator becomes a list."""
    return {
        name: [*value] if isinstance(value, Iterator) else value
        for name, value in options.items()
    }
