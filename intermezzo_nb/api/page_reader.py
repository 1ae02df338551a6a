"""
From the bytes of a page to its records, in slots where they are alike.

What the records of a list have in common is learned from its pages. By that, the next
page is decoded and taken apart in half the time that objects would take. A page with
anything else in it is read as any JSON is, and learned from; so nothing is lost or
guessed, whatever comes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import chain
from types import GenericAlias
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from .alike import Alike
from .answers import insist_on_depth, number_of, read_json
from .schema import Resource
from .shaping import DEEPEST, Path

_ITEMS = "items"  # the documented name of the list in a page
_LESSONS = 10  # pages that are learned from, at most: each costs as much as reading one
_MOST = 50  # members of an object in slots: each is looked for one by one


class PageReader:
    """
    Reads the pages of a list, one after the other.

    Parameters
    ----------
    resource : Resource or None
        Of the records; objects that it documents as JSON text stay objects.
    filled : collection of str, optional
        Members that are filled in later; records that lack one stay objects.
    """

    def __init__(self, resource: Resource | None, filled: Collection[str] = ()) -> None:
        columns = resource.columns if resource else ()
        whole = {tuple(c.name.split(".")) for c in columns if c.kind == "json"}
        self._form = _Form((), whole, resource.unwrap if resource else "")
        self._filled = filled
        self._beside = dict[str, Any]()
        """The members that pages have beside the list."""
        self._decoder: msgspec.json.Decoder[Any] | None = None
        self._lessons = _LESSONS
        self._lesson: Any = None
        """The page before, where it was not as learned: a list may end with it."""

    def read(self, content: bytes) -> Any:
        """
        Give the value of a JSON text; its records are :class:`Alike`, or objects.

        Raises
        ------
        ValueError, RecursionError
            It is no JSON, or none that can be read.
        """
        if self._lesson is not None:
            self._learn(self._lesson)
            self._lesson = None
        if self._decoder is not None:
            try:
                page = self._decoder.decode(content)
            except (msgspec.DecodeError, UnicodeDecodeError):
                if not self._lessons:
                    self._decoder = None
            else:
                insist_on_depth(content, page)
                return page if isinstance(page, list) else _members(page)
        page = read_json(content)
        if self._lessons:
            self._lessons -= 1
            self._lesson = page
        return page

    def _learn(self, page: Any) -> None:
        records = page.get(_ITEMS) if isinstance(page, dict) else page
        if not isinstance(records, list) or {*map(type, records)} != {dict}:
            return
        self._form.widen(records)
        self._beside |= dict.fromkeys(page if isinstance(page, dict) else ())
        self._decoder = None
        lacks = any(r.get(name) is None for name in self._filled for r in records)
        if not lacks and self._form.is_usable and _are_usable(self._beside):
            kind: Any = GenericAlias(list, self._form.struct())
            if isinstance(page, dict):
                others = [(name, Any, UNSET) for name in self._beside if name != _ITEMS]
                kind = _made("Envelope", (msgspec.Struct,), [(_ITEMS, kind), *others])
            self._decoder = msgspec.json.Decoder(kind, float_hook=number_of)
        else:
            self._lessons = 0  # more pages make it no better


class _Form:
    """
    What the objects at one path have in common.

    Parameters
    ----------
    path : tuple of str
        As columns are named.
    whole : collection of tuple of str
        Paths at which objects stay objects.
    unwrap : str
        The member whose own members count as those of the object around it.
    """

    def __init__(self, path: Path, whole: Collection[Path], unwrap: str = "") -> None:
        self._path, self._whole, self._unwrap = path, whole, unwrap
        self._members: dict[str, _Form | None] = {}
        """With None for what may be anything."""
        self._always: set[str] = set()

    def widen(self, objects: Sequence[dict[str, Any]]) -> None:
        """Take in what these have."""
        names = {*objects[0]}.intersection(*objects[1:])
        self._always = self._always & names if self._members else names
        for name in dict.fromkeys(chain.from_iterable(objects)):
            values = [o[name] for o in objects if o.get(name) is not None]
            are_open = all(type(value) is dict for value in values)
            if name not in self._members:
                is_form = bool(values) and self._opens(name)
                self._members[name] = self._inside(name) if is_form else None
            if not are_open:
                self._members[name] = None
            elif values and (form := self._members[name]):
                form.widen(values)
                # Else an object without members would be taken for one that lacks them.
                if not form.is_usable:
                    self._members[name] = None

    @property
    def is_usable(self) -> bool:
        """Whether objects of it can be told from others, and from each other."""
        if not (self._always and _are_usable(self._members)):
            return False
        if not self._unwrap:
            return True
        inner = self._members.get(self._unwrap)
        return inner is not None and self.names.isdisjoint(inner.names)

    @property
    def names(self) -> set[str]:
        """The members that any of them has."""
        return {*self._members}

    def struct(self) -> type[Alike]:
        """Give the class of records of this form."""
        fields = list[Any]()
        for name, form in sorted(self._members.items()):
            kind: Any = Any if form is None else form.struct()
            if name == self._unwrap:
                fields.append((name, kind))
                continue
            if form is not None:
                kind = kind | None if name in self._always else kind | None | UnsetType
            fields.append((name, kind) if name in self._always else (name, kind, UNSET))
        about = {
            "__alike_order__": (*self._members,),
            "__alike_always__": frozenset(self._always),
            "__alike_inside__": frozenset(n for n, f in self._members.items() if f),
        }
        made: type[Alike] = _made("Record", (Alike,), fields, about)
        return made

    def _opens(self, name: str) -> bool:
        path = self._path_of(name)
        return path not in self._whole and len(path) < DEEPEST

    def _inside(self, name: str) -> _Form:
        return _Form(self._path_of(name), self._whole)

    def _path_of(self, name: str) -> Path:
        return self._path if name == self._unwrap else (*self._path, name)


def _are_usable(names: Collection[str]) -> bool:
    # Others are no attributes, or may be Python's own.
    are_attributes = all(n.isidentifier() and not n.startswith("_") for n in names)
    return are_attributes and len(names) <= _MOST


def _made(
    name: str,
    bases: tuple[type, ...],
    fields: Sequence[Any],
    namespace: dict[str, Any] | None = None,
) -> Any:
    return msgspec.defstruct(
        name,
        fields,
        bases=bases,
        namespace=namespace,
        kw_only=True,
        forbid_unknown_fields=True,
        gc=False,
        eq=False,
    )


def _members(page: msgspec.Struct) -> dict[str, Any]:
    """Give the members of a page, apart from those that it lacks."""
    members = msgspec.structs.asdict(page)
    return {name: value for name, value in members.items() if value is not UNSET}
