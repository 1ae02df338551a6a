"""Why nobody answered, in the system's own words."""

from __future__ import annotations

import requests

from .quoting import plain


def reason_of(fault: OSError) -> str:
    """Name a fault of the network and its cause, without the address asked for."""
    inner = inner_of(fault)
    if inner is not None:
        # What urllib3 wraps has the address in front and the system's words last.
        cause = next((a for a in inner.args if isinstance(a, Exception)), inner)
        last = str(cause).rsplit(": ", maxsplit=1)[-1]
        return f"{type(fault).__name__}: {plain(last).rstrip('.')}"
    # Of the system, or of a missing certificate file.
    is_theirs = isinstance(fault, requests.RequestException)
    return type(fault).__name__ if is_theirs else str(fault)


def inner_of(fault: OSError) -> Exception | None:
    """Give what a fault of requests wraps, if anything."""
    first = next(iter(fault.args), None)
    inner = getattr(first, "reason", None) or first
    return inner if isinstance(inner, Exception) else None
