"""The command line: what it prints, and that it leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import intermezzo_nb
from intermezzo_nb import lab, practice
from intermezzo_nb.__main__ import main
from intermezzo_nb.errors import NetworkError, SettingsError

COMMAND = [sys.executable, "-m", "intermezzo_nb"]


def started(*arguments, **options):
    return subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, text=True, **options
    )


def document(url):
    with urllib.request.urlopen(f"{url}/.well-known/intermezzo-demo") as answer:  # noqa: S310
        return json.load(answer)


def test_demo_check_prints_rows_and_ends(tmp_path):
    run = subprocess.run(
        [*COMMAND, "demo", "--check"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    assert re.search(r"^ *emp_\w+ ", run.stdout, re.MULTILINE)
    assert "8 of 1,800 rows" in run.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_demo_without_jupyterlab_names_the_extra_first(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jupyterlab", None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(lab, "run", lambda *_, **__: 0)
    assert main(["demo"]) == 1
    told = capsys.readouterr()
    assert "JupyterLab is not installed [missing_extra]" in told.err
    assert told.out == ""


def test_the_version_and_the_commands_are_told():
    none = subprocess.run(COMMAND, check=False, capture_output=True, text=True)
    assert none.returncode == 2
    assert {"demo", "sandbox", "doctor"} < {*none.stderr.split()}
    told = subprocess.check_output([*COMMAND, "--version"], text=True)
    assert told.strip() == intermezzo_nb.__version__


@pytest.fixture
def demo_lab(tmp_path):
    """Start the demo; give address and token of its Lab once that answers."""
    process = started("demo", "--no-browser", cwd=tmp_path, stderr=subprocess.STDOUT)
    address = re.compile(r"(http://127\.0\.0\.1:\d+)/lab/tree/\S+\?token=(\w+)")
    with process:
        try:
            base, token = next(
                filter(None, map(address.search, process.stdout))
            ).groups()
            until = time.monotonic() + 30
            while time.monotonic() < until:
                with contextlib.suppress(urllib.error.URLError):
                    urllib.request.urlopen(f"{base}/api").close()  # noqa: S310
                    break
            yield base, token
        finally:
            process.terminate()
            process.stdout.read()


@pytest.fixture
def window():
    """Be started from a terminal's window, whose end is told by SIGHUP."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def practice_folders(temporary):
    return [*temporary.glob("intermezzo-practice-*")]


def test_a_terminal_that_is_closed_takes_the_demo_with_it(tmp_path, window):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = started(
        *("demo", "--no-browser"),
        cwd=tmp_path,
        stderr=subprocess.STDOUT,
        env={**os.environ, "TMPDIR": str(temporary)},
        start_new_session=True,
    )
    with process:
        told = next(line for line in process.stdout if "Ctrl+C" in line)
        assert practice_folders(temporary)
        os.killpg(process.pid, signal.SIGHUP)
        assert process.wait(20) == 128 + signal.SIGHUP
        process.stdout.close()
    assert not practice_folders(temporary)
    assert told.endswith("; Ctrl+C, twice, ends both.\n")


def test_nohup_keeps_a_sandbox_when_its_terminal_is_closed(window):
    command = ["nohup", *COMMAND, "sandbox", "--rows", "30"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = re.search(r"http://\S+(?=;)", process.stdout.readline())[0]
        for _ in range(8):
            process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        assert document(url)
        process.terminate()


def test_the_demos_lab_asks_about_no_news(demo_lab):
    base, token = demo_lab
    name = "@jupyterlab/apputils-extension:notification"
    url = f"{base}/lab/api/settings/{name}?token={token}"
    with urllib.request.urlopen(url) as answer:  # noqa: S310
        told = json.load(answer)
    assert told["schema"]["properties"]["fetchNews"]["default"] == "false"
    assert told["settings"] == {}  # who has chosen otherwise keeps that


def test_a_reader_that_has_enough_ends_a_command_quietly():
    reader, writer = os.pipe()
    os.close(reader)  # as head does
    run = subprocess.run(
        [*COMMAND, "doctor"],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert run.stderr == ""
    assert run.returncode == 128 + signal.SIGPIPE


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_sandbox_tells_its_settings_and_cleans_up(ending, window):
    process = started("sandbox", "--rows", "30")
    lines = [process.stdout.readline() for _ in range(9)]
    assert "INTERMEZZO_CLIENT_ID=intermezzo-notebook and no secret" in lines[-1]
    exports = dict(re.findall(r"export (\w+)=(.*)\n", "".join(lines)))
    secret = Path(exports["INTERMEZZO_CLIENT_SECRET_FILE"])
    assert secret.stat().st_mode & 0o077 == 0
    assert document(exports["INTERMEZZO_DEMO_URL"])["machine"]["client_id"]
    process.send_signal(ending)
    process.stdout.close()
    assert process.wait(10) == 0
    assert not secret.parent.exists()


def test_a_taken_port_is_told_in_words(shared_practice):
    port = shared_practice.url.rpartition(":")[2]
    run = subprocess.run(
        [*COMMAND, "sandbox", "--port", port],
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert "port_taken" in run.stderr
    assert "Traceback" not in run.stderr


def test_the_demo_profile_starts_one_server_and_ends_with_us():
    first = practice.demo_profile({}, person=True)
    assert practice.demo_profile({}, person=False)["issuer"] == first["issuer"]
    assert document(first["issuer"])
    practice.stop()
    with pytest.raises(OSError, match="refused"):
        document(first["issuer"])


def test_the_demo_profile_takes_a_server_that_runs(shared_practice):
    environ = {"INTERMEZZO_DEMO_URL": shared_practice.url}
    assert practice.demo_profile(environ, person=True) == shared_practice.settings(
        "person"
    )


@pytest.mark.parametrize(
    ("url", "kind"),
    [("https://far.example", SettingsError), ("http://127.0.0.1:9", NetworkError)],
)
def test_a_demo_address_that_is_none_is_told(url, kind):
    with pytest.raises(kind):
        practice.demo_profile({"INTERMEZZO_DEMO_URL": url}, person=True)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("exit 3", "with exit status 3."),
        ("echo not JSON", "It said 'not JSON\\n'."),
        ("exec sleep 60", "It said nothing for 1 s."),
    ],
)
def test_why_a_demo_does_not_start_is_told(tmp_path, monkeypatch, script, why):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(practice, "_START", 1.0)
    with pytest.raises(NetworkError, match="did not start") as caught:
        practice.demo_profile({}, person=True)
    assert caught.value.why.endswith(why)


def test_an_owned_server_ends_with_its_standard_input():
    process = started("sandbox", "--owned", "--rows", "30", stdin=subprocess.PIPE)
    told = json.loads(process.stdout.readline())
    process.stdin.close()
    assert process.wait(10) == 0
    process.stdout.close()
    assert not Path(told["machine"]["client_secret_file"]).exists()


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="no /proc here")
def test_the_practice_server_is_told_no_secret(monkeypatch):
    monkeypatch.setenv("INTERMEZZO_CLIENT_SECRET", "of-a-real-client-and-no-business")
    practice.demo_profile({}, person=False)
    try:
        process = practice._CHILD._process
        environ = Path(f"/proc/{process.pid}/environ").read_bytes()
    finally:
        practice.stop()
    assert b"PATH=" in environ
    assert b"INTERMEZZO_" not in environ
