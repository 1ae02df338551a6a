"""The practice server behind the demo profile: the one that runs, or our own child."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from .addresses import is_loopback, origin
from .errors import NetworkError, SettingsError
from .quoting import quoted

_OURS = "INTERMEZZO_"
_START = 20.0  # seconds until a child that says nothing counts as failed


def demo_profile(environ: Mapping[str, str], *, person: bool) -> dict[str, Any]:
    """
    Give the settings of the demo profile.

    ``INTERMEZZO_DEMO_URL`` names a server that runs already; without it, one is
    started on a free port, owned by this process, and ends with it.

    Parameters
    ----------
    person : bool
        Somebody signs in; else the practice server's machine client is used.

    Raises
    ------
    SettingsError
        The variable names no server on this machine.
    NetworkError
        No practice server answered.
    """
    url = environ.get("INTERMEZZO_DEMO_URL", "").strip()
    document = _running(url) if url else _CHILD.document()
    settings = document.get("person" if person else "machine")
    if not isinstance(settings, dict):
        raise SettingsError(
            "INTERMEZZO_DEMO_URL leads to no practice server",
            why="What answers there does not know the demo profile.",
            advice="Unset it, and the demo profile starts a server of its own.",
        )
    return dict(settings)


def _running(url: str) -> dict[str, Any]:
    import requests

    _, host, _ = origin(url)
    if not is_loopback(host):
        raise SettingsError(
            f"INTERMEZZO_DEMO_URL is not on this machine: {host}",
            advice="Unset it, and the demo profile starts a server of its own.",
        )
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(
                url.rstrip("/") + "/.well-known/intermezzo-demo", timeout=5
            )
            return dict(answer.json())
    except (requests.RequestException, ValueError, TypeError):
        pass
    raise NetworkError(
        f"no practice server answers at {urlsplit(url).netloc}",
        why="INTERMEZZO_DEMO_URL points there.",
        advice="Start it again (intermezzo-nb demo), or unset the variable.",
    )


class _Child:
    """One practice server for this process; it ends when its standard input does."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._document: dict[str, Any] = {}

    def document(self) -> dict[str, Any]:
        with self._mutex:
            if self._process is None or self._process.poll() is not None:
                self._start()
            return self._document

    def _start(self) -> None:
        self.stop()
        self._process = process = subprocess.Popen(
            [sys.executable, "-m", "intermezzo_nb", "sandbox", "--owned"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            # An interrupt of this kernel, or Ctrl-C in a terminal, is not meant for it.
            start_new_session=True,
            # It needs no setting of ours, and least of all a secret.
            env={k: v for k, v in os.environ.items() if not k.startswith(_OURS)},
        )
        atexit.register(self.stop)
        begun = time.monotonic()
        line = _first_line(process)
        try:
            self._document = json.loads(line)
        except ValueError:
            self.stop()
            raise NetworkError(
                "the practice server did not start",
                why=_why(line, time.monotonic() - begun, process.returncode),
                advice="Run `intermezzo-nb sandbox` in a terminal to see why; it needs "
                "the demo extra: pip install 'intermezzo-nb[demo]'",
                code="demo_not_started",
            ) from None

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        atexit.unregister(self.stop)
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _why(line: str, seconds: float, status: int) -> str:
    if line:
        return f"It said {quoted(line)}."
    if seconds >= _START:
        return f"It said nothing for {_START:.0f} s."
    return f"It ended after {seconds:.1f} s, with exit status {status}."


def _first_line(process: subprocess.Popen[str]) -> str:
    timer = threading.Timer(_START, process.kill)
    timer.start()
    try:
        return process.stdout.readline() if process.stdout else ""
    finally:
        timer.cancel()


_CHILD = _Child()
stop = _CHILD.stop
