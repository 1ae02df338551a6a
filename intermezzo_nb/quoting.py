"""What can be shown of a text or a value that came from elsewhere, in one line."""

from __future__ import annotations

import re

# What addresses have in them, or a long word of letters and digits.
_MAY_BE_SECRET = re.compile(
    r"[?=]|://|(?=[\w+/~.-]*\d)(?=[\w+/~.-]*[^\W\d])[\w+/~.-]{16}"
)


def plain(text: object, limit: int = 200) -> str:
    """
    Cut words that came from elsewhere down to what can safely be shown in one line.

    Control characters, which a terminal would obey, and those that turn the
    direction of text become spaces. Of a table, which was given where a name should be,
    only the kind is shown: its rows may be anybody's data.

    Parameters
    ----------
    limit : int
        Characters, after which the rest is cut off.
    """
    try:
        written = f"a {type(text).__name__}" if _is_table(text) else str(text)
    except (ValueError, RecursionError):  # an integer of 4,300 digits, or too deep
        written = f"a {type(text).__name__}"
    shown = "".join(c if c.isprintable() else " " for c in written)
    return " ".join(shown.split())[:limit]


def quoted(value: object, limit: int = 60) -> str:
    """
    Give a value as Python writes it, for a message; whatever it is.

    What might be a secret, or an address with one in it, is not repeated.

    Parameters
    ----------
    limit : int
        Characters, of which the last says that more were cut off.
    """
    try:
        written = plain(value if _is_table(value) else repr(value), limit + 1)
    except (ValueError, RecursionError):
        return plain(value, limit)
    if _MAY_BE_SECRET.search(written):
        return "'…'"
    return written if len(written) <= limit else f"{written[: limit - 1]}…"


def _is_table(value: object) -> bool:
    # Its kind is looked at alone: what reads lazily would begin to read.
    kind, is_text = type(value), isinstance(value, (str, bytes))
    has_many = hasattr(kind, "__len__") and (
        hasattr(kind, "dtype") or hasattr(kind, "type")
    )
    return hasattr(kind, "columns") or (has_many and not is_text)
