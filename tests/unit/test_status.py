"""A status and a logout: what they show, wherever they are shown."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from intermezzo_nb.status import LoggedOut, Status

SCOPE = " ".join(f"read:{word}" for word in ("employees", "compensation", "documents"))
STATUS = Status(
    profile="acme",
    state="signed in",
    where="login.example",
    issuer="https://login.example",
    api_url="https://api.example/v1",
    client_id="notebooks",
    identity=None,
    scope=SCOPE,
    seconds_left=3540.0,
    is_machine=False,
    renews=True,
    kept="in memory until the kernel stops",
    ladder=(("saved session", "there is none"), ("loopback", "used")),
)
AGAIN = LoggedOut(("access token",), "", purged=True, is_machine=True)
OUT = LoggedOut(("refresh token", "access token"), "", purged=True)


@pytest.mark.parametrize("told", [STATUS, OUT])
def test_a_cell_that_ends_in_one_shows_what_the_magic_prints(told):
    assert repr(told) == str(told)
    assert "(" not in repr(told)


def test_a_machine_is_told_that_it_is_signed_in_again_by_itself():
    told = " ".join(str(AGAIN).split())
    assert "The session is deleted here; revoked there: access token." in told
    assert told.endswith("the next request signs in by them.")
    assert "next request" not in str(OUT)


def test_a_machine_that_is_signed_out_is_told_that_nobody_has_to_sign_in():
    out = replace(STATUS, state="signed out", is_machine=True)
    assert (
        dict(out.rows())["State"] == "signed out; the next request signs in by itself"
    )
    assert dict(replace(out, is_machine=False).rows())["State"] == "signed out"
    assert dict(replace(out, state="signed in").rows())["State"] == "signed in"


@pytest.mark.parametrize("columns", [20, 60, 80, 200])
def test_lines_end_between_words(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = str(STATUS).splitlines()
    assert max(map(len, lines)) <= max(columns, 50)
    assert [word for word in str(STATUS).split() if "read:" in word] == SCOPE.split()
    scope = next(n for n, line in enumerate(lines) if line.startswith("Scope"))
    if columns <= 60:
        assert lines[scope + 1].startswith(" " * 28 + "read:")
    assert str(OUT).split() == OUT._told().split()
    assert max(map(len, str(OUT).splitlines())) <= max(columns, 50)
