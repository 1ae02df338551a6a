"""What a resource of the API is: its path, its parameters and its columns."""

from __future__ import annotations

from msgspec import Struct


class Column(Struct, frozen=True):
    """
    A column of a resource.

    Parameters
    ----------
    name : str
        The dotted path in the JSON record, and the column's name.
    kind : str
        ``text``, ``enum``, ``date``, ``instant``, ``integer``, ``boolean``,
        ``number``, ``money`` or ``json``.
    values : tuple of str
        The documented values of an ``enum``; others are kept all the same.
    scale : int
        Digits after the point of exact ``money``.
    also : tuple of str
        Other kinds that pages of the reference document for it. ``text`` takes them
        as text, and ``json`` takes any: neither is told as an odd value.
    example : str
        A value, where the kind alone does not tell how it is written.
    """

    name: str
    kind: str = "text"
    values: tuple[str, ...] = ()
    scale: int = 2
    also: tuple[str, ...] = ()
    example: str = ""


class Parameter(Struct, frozen=True):
    """
    A documented parameter.

    Parameters
    ----------
    where : {"query", "path"}
        Those of the path have to be given, unless there is a default.
    example : str
        A value to show in messages.
    default : str
        What is taken where it is left out, as far as that is documented.
    column : str
        The column of each row that takes the value from the path.
    """

    name: str
    kind: str = "text"
    where: str = "query"
    values: tuple[str, ...] = ()
    example: str = ""
    default: str = ""
    column: str = ""


class Resource(Struct, frozen=True):
    """
    A documented list, or list-like answer, of the API.

    Parameters
    ----------
    path : str
        Template of the path that is asked by default.
    page : str
        The page of the API reference that documents it.
    owner : {"account", "organization", "employee"}
        Whose records they are: asked once, per organization, or per employee.
    style : {"page", "cursor", "array", "object"} or None
        How pages follow one another; None where that is not documented.
    country : str
        The only country whose organizations have it; empty for all.
    history : str
        Template of the path that lists all versions; empty where there is none.
        Where it is the default path too, today's version is picked here.
    key : tuple of str
        The columns that say of what a row with ``validFrom`` and ``validTo`` is a
        version; empty where rows have no versions.
    version : str
        The column that tells the versions of one key apart. Lines of one version
        share it.
    may_be_absent : bool
        Whether a 404 is documented as "there is none yet".
    unwrap : str
        An object inside each record whose members are taken as the record's own.
    inside : str
        The list inside the answer that holds the records.
    lines : tuple of (str, str)
        Lists inside each record that become rows, each with the ``kind`` of its rows.
    nested : str
        A member of each record, one object or a list of them, whose objects are the
        rows; the rest of the record is another resource's.
    keep : tuple of (str, str)
        With ``lines`` or ``nested``: members of the record that each row keeps, and
        their columns. Dots lead into objects.
    """

    name: str
    path: str
    columns: tuple[Column, ...]
    page: str
    doc: str
    owner: str = "organization"
    style: str | None = None
    country: str = ""
    parameters: tuple[Parameter, ...] = ()
    history: str = ""
    key: tuple[str, ...] = ()
    version: str = ""
    may_be_absent: bool = False
    unwrap: str = ""
    inside: str = ""
    lines: tuple[tuple[str, str], ...] = ()
    nested: str = ""
    keep: tuple[tuple[str, str], ...] = ()

    def column(self, name: str) -> Column | None:
        """Give a documented column, or None."""
        return next((c for c in self.columns if c.name == name), None)

    def parameter(self, name: str) -> Parameter | None:
        """Give a documented parameter, or None."""
        return next((p for p in self.parameters if p.name == name), None)
