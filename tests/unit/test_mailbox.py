"""The mailbox: private, one-shot, and only for answers to questions that were asked."""

from __future__ import annotations

import os
import platform
import shutil
import stat
import subprocess
import sys
import time

import pytest

from intermezzo_nb.errors import StoreError
from intermezzo_nb.oauth.mailbox import Mailbox

LOGIN, STATE = "login-0123456789abcdef", "state-Xr5mB2vQ9kLw7TzC"
BACK = "https://hub.example/hub/user-redirect/intermezzo/callback"


@pytest.fixture
def mailbox(tmp_path):
    return Mailbox.open(tmp_path, 42, "/user/ann/")


@pytest.fixture
def asked(mailbox):
    mailbox.ask(LOGIN, url="https://login.example/authorize?x=1", state=STATE)
    return mailbox


def test_an_answer_is_taken_once(asked):
    asked.note(LOGIN, BACK)
    assert asked.drop({"state": STATE, "code": "c", "iss": "i"})
    assert asked.take(LOGIN) == ({"state": STATE, "code": "c", "iss": "i"}, BACK)
    assert asked.take(LOGIN) is None


@pytest.mark.parametrize("answer", [{}, {"state": ""}, {"state": STATE + "x"}])
def test_an_answer_to_nothing_is_not_kept(asked, answer):
    asked.note(LOGIN, BACK)
    assert not asked.drop(answer)
    assert asked.take(LOGIN) is None


def test_an_answer_to_what_was_never_sent_is_not_kept(asked):
    assert not asked.drop({"state": STATE, "code": "c"})


def test_a_second_answer_is_not_kept(asked):
    asked.note(LOGIN, BACK)
    assert asked.drop({"state": STATE, "code": "first"})
    assert not asked.drop({"state": STATE, "code": "second"})
    assert asked.take(LOGIN)[0]["code"] == "first"


@pytest.mark.parametrize(
    "login", ["", "x", "../../etc/passwd", LOGIN + "/..", "a" * 99]
)
def test_an_odd_name_is_no_question(asked, login):
    assert asked.question(login) is None


def test_only_the_owner_can_read(asked, tmp_path):
    folder = tmp_path / "intermezzo"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()} == {0o600}


def test_what_nobody_takes_is_swept(asked, tmp_path):
    old = next((tmp_path / "intermezzo").glob("ask-*"))
    os.utime(old, (1, 1))
    asked.ask("another-0123456789abcdef", url="u", state="s")
    assert asked.question(LOGIN) is None


def test_a_folder_that_was_there_is_closed_to_others(tmp_path):
    folder = tmp_path / "intermezzo"
    folder.mkdir()
    folder.chmod(0o777)
    Mailbox.open(tmp_path, 42, "/")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_question_counts_as_long_as_somebody_waits(mailbox, tmp_path, monkeypatch):
    patient = Mailbox.find(tmp_path, 42, life=1800)
    patient.ask(LOGIN, url="u", state=STATE)
    mailbox.note(LOGIN, BACK)
    begun = time.time()
    monkeypatch.setattr(time, "time", lambda: begun + 1700)
    mailbox.ask("another-0123456789abcdef", url="u", state="s")
    assert mailbox.question(LOGIN)
    monkeypatch.setattr(time, "time", lambda: begun + 1900)
    assert mailbox.question(LOGIN) is None
    assert mailbox.drop({"state": STATE, "code": "c"}) is None


def test_a_server_that_starts_sweeps(asked, tmp_path):
    os.utime(next((tmp_path / "intermezzo").glob("ask-*")), (1, 1))
    Mailbox.open(tmp_path, 43, "/")
    assert not list((tmp_path / "intermezzo").glob("ask-*"))


def test_a_folder_that_cannot_be_written_is_told(mailbox, tmp_path):
    shutil.rmtree(tmp_path / "intermezzo")
    (tmp_path / "intermezzo").touch()
    with pytest.raises(StoreError, match="cannot be used"):
        mailbox.ask(LOGIN, url="u", state=STATE)
    mailbox.forget(LOGIN)


def test_the_closing_page_knows_the_letters_of_an_answer_that_arrived(mailbox):
    mailbox.ask(LOGIN, url="u", state=STATE, match="K7QF")
    mailbox.note(LOGIN, BACK)
    assert mailbox.done(LOGIN) is None
    assert mailbox.drop({"state": STATE, "code": "c"}) == LOGIN
    mailbox.take(LOGIN)
    assert mailbox.done(LOGIN) == ("K7QF", False)
    assert mailbox.done("../" + LOGIN) is None


@pytest.mark.parametrize("answer", [{"code": "c"}, {"error": "access_denied"}])
def test_the_closing_page_knows_a_refusal(mailbox, answer):
    mailbox.ask(LOGIN, url="u", state=STATE)
    mailbox.note(LOGIN, BACK)
    mailbox.drop({"state": STATE, **answer})
    assert mailbox.done(LOGIN) == ("", "error" in answer)


def test_a_registered_address_stays(mailbox):
    mailbox.ask(LOGIN, url="u", state=STATE, redirect_uri=BACK)
    assert mailbox.question(LOGIN)["fixed"] == BACK
    mailbox.drop({"state": STATE, "code": "c"})
    assert mailbox.take(LOGIN)[1] == BACK


def test_a_forgotten_sign_in_leaves_nothing(asked, tmp_path):
    asked.forget(LOGIN)
    left = [path.name for path in (tmp_path / "intermezzo").iterdir()]
    assert left == ["server-42.json"]


def test_a_server_is_announced_until_it_ends(mailbox, tmp_path):
    assert Mailbox.find(tmp_path, 42).base_url == "/user/ann/"
    mailbox.withdraw(42)
    assert Mailbox.find(tmp_path, 42) is None


@pytest.fixture
def killed(tmp_path):
    """Give the announcement of a server that could not take it back."""
    code = (
        "import os, sys, pathlib; from intermezzo_nb.oauth.mailbox import Mailbox\n"
        "Mailbox.open(pathlib.Path(sys.argv[1]), os.getpid(), '/')\n"
        "print(flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        process.stdout.readline()
        announced = tmp_path / "intermezzo" / f"server-{process.pid}.json"
        Mailbox.open(tmp_path, os.getpid(), "/")
        assert announced.exists()  # as long as it runs
        process.kill()
    return announced


def test_what_a_killed_server_announced_is_swept_by_the_next(killed, tmp_path):
    Mailbox.open(tmp_path, os.getpid(), "/")
    assert not killed.exists()
    assert Mailbox.find(tmp_path, os.getpid())


def test_a_pid_that_is_used_again_is_not_taken_for_the_server(killed, tmp_path):
    again = killed.rename(killed.with_name(f"server-{os.getppid()}.json"))
    Mailbox.open(tmp_path, os.getpid(), "/")
    assert not again.exists()


def test_the_servers_of_another_machine_are_left_to_it(killed, tmp_path):
    killed.write_text(killed.read_text().replace(platform.node(), "another"))
    Mailbox.open(tmp_path, os.getpid(), "/")
    assert killed.exists()


def test_a_server_that_was_started_anew_knows_nothing_of_before(asked, tmp_path):
    asked.lend(LOGIN, "http://127.0.0.1:1")
    asked.note(LOGIN, BACK)
    again = Mailbox.open(tmp_path, 42, "/user/ann/")  # in a container: the same pid
    assert again.question(LOGIN) is None
    assert again.practice(LOGIN) is None
    assert not again.drop({"state": STATE, "code": "c"})


def test_a_kernel_finds_the_mailbox_of_its_server(mailbox, tmp_path):
    kernels = Mailbox.find(tmp_path, 42)
    kernels.ask(LOGIN, url="u", state=STATE)
    assert mailbox.question(LOGIN)["url"] == "u"


def test_practice_pages_are_lent_and_taken_back(mailbox):
    mailbox.lend(LOGIN, "http://127.0.0.1:1")
    assert mailbox.practice(LOGIN) == "http://127.0.0.1:1"
    assert mailbox.practice("../" + LOGIN) is None
    mailbox.take_back(LOGIN)
    assert mailbox.practice(LOGIN) is None


@pytest.mark.parametrize("content", ["", "[]", "{", "5"])
def test_a_damaged_file_is_no_question(asked, tmp_path, content):
    next((tmp_path / "intermezzo").glob("ask-*")).write_text(content)
    assert asked.question(LOGIN) is None
    assert not asked.drop({"state": STATE})
