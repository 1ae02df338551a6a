"""Tables to send, good rows and bad ones."""

from __future__ import annotations

import pandas as pd

ROWS, BAD = 5000, 137
BAD_KINDS = {
    "EMAIL_INVALID": {"email": "somebody@nowhere"},
    "EMAIL_TAKEN": {"email": "person0@firm.example"},
    "PHONE_INVALID": {"phone.phoneNumber": "0049 123"},
    "PHONE_TYPE_UNKNOWN": {"phone.phoneType": "fax"},
    "ROLE_UNKNOWN": {"roles": ["payroll", "wizard"]},
    "NAME_TOO_LONG": {"name": "x" * 101},
}


def contacts(count, first=0):
    """Invent contacts, labelled as a caller might label them."""
    numbers = range(first, first + count)
    return pd.DataFrame(
        {
            "name": [f"Person {n}" for n in numbers],
            "email": [f"person{n}@firm.example" for n in numbers],
            "phone.phoneNumber": [f"+49{10**8 + n}" for n in numbers],
            "phone.phoneType": "mobile",
            "roles": [["payroll"] for _ in numbers],
        },
        index=[f"c-{n}" for n in numbers],
    )


def with_bad_rows(frame, every=36):
    """Spoil rows, each in one of six ways; give also which and how."""
    rows, bad = frame.to_dict("index"), {}
    for number in range(BAD):
        label = frame.index[every * (number + 1)]
        code = [*BAD_KINDS][number % len(BAD_KINDS)]
        for field, value in BAD_KINDS[code].items():
            rows[label][field] = value
        bad[label] = code
    return pd.DataFrame.from_dict(rows, orient="index"), bad
