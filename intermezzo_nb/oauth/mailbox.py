"""The private files by which a Jupyter server hands a browser's answer to a kernel."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import platform
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from ..errors import StoreError

_FOLDER = "intermezzo"
_LIFE = 600.0  # seconds after which a file is swept, where none are given
_BEGAN = 19  # the place of starttime after the name, in /proc/PID/stat (proc(5))
_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")


class Mailbox:
    """
    Questions that kernels ask, and answers that the server drops.

    Both sides are the same user's processes; nobody else can read the files. An answer
    is taken once, and what nobody takes is swept. Until when a file counts is the time
    of its change, so that no sweep has to read it.

    Parameters
    ----------
    runtime_dir : Path
        The Jupyter runtime folder, which server and kernel share.
    server : str
        Which server it is: one that was started anew knows no question of before,
        as the kernels that asked have ended with the last one.
    base_url : str
        The path under which that server takes answers.
    life : float
        Seconds that a question counts.
    """

    def __init__(
        self, runtime_dir: Path, server: str, base_url: str, life: float = _LIFE
    ) -> None:
        self._folder = Path(runtime_dir) / _FOLDER
        self._server, self.base_url, self._life = server, base_url, life

    @classmethod
    def open(cls, runtime_dir: Path, pid: int, base_url: str) -> Self:
        """Say that this server takes answers, and under which path."""
        mailbox = cls(runtime_dir, secrets.token_urlsafe(16), base_url)
        told = {"server": mailbox._server, "base_url": base_url}
        process = {"host": platform.node(), "began": _began(pid)}
        mailbox._write(f"server-{pid}", told | process)
        mailbox._sweep()
        mailbox._sweep_servers()
        return mailbox

    @classmethod
    def find(cls, runtime_dir: Path, pid: int, life: float = _LIFE) -> Self | None:
        """Give the mailbox of a server; None where it takes no answers."""
        told = _content(Path(runtime_dir) / _FOLDER / f"server-{pid}.json")
        if told is None or not {"server", "base_url"} <= {*told}:
            return None
        return cls(runtime_dir, str(told["server"]), str(told["base_url"]), life)

    def withdraw(self, pid: int) -> None:
        """Take the announcement back."""
        _delete(self._path(f"server-{pid}"))

    def lend(self, name: str, practice: str) -> None:
        """Let the server lead browsers to a practice server's pages, for a while."""
        self._sweep()
        content = {"origin": practice, "server": self._server}
        self._write(f"practice-{name}", content)

    def practice(self, name: str) -> str | None:
        """Give the origin of a practice server that was lent."""
        lent = self._addressed(f"practice-{name}") if _ID.fullmatch(name) else None
        return str(lent["origin"]) if lent and "origin" in lent else None

    def take_back(self, name: str) -> None:
        """Lead no browser there any more."""
        _delete(self._path(f"practice-{name}"))

    def ask(
        self,
        login: str,
        *,
        url: str,
        state: str,
        match: str = "",
        redirect_uri: str | None = None,
    ) -> None:
        """
        Leave a question for the server.

        Parameters
        ----------
        login : str
            The name of the sign-in, unguessable.
        url : str
            The authorization request; without a redirect URI where none is given.
        state : str
            What the answer has to carry; only its digest is kept for looking it up.
        match : str
            The letters that the closing page shows.
        redirect_uri : str, optional
            Where the answer will arrive; else the server notes where.
        """
        self._sweep()
        content = {
            "url": url,
            "digest": _digest(state),
            "match": match,
            "server": self._server,
        }
        if redirect_uri:
            content |= {"fixed": redirect_uri, "redirect_uri": redirect_uri}
        self._write(f"ask-{login}", content)

    def question(self, login: str) -> dict[str, Any] | None:
        """Give a question that nobody has answered yet."""
        return self._addressed(f"ask-{login}") if _ID.fullmatch(login) else None

    def note(self, login: str, redirect_uri: str) -> None:
        """Note where the answer was asked to arrive."""
        if question := self.question(login):
            name = f"ask-{login}"
            until = self._path(name).stat().st_mtime
            self._write(name, {**question, "redirect_uri": redirect_uri}, until=until)

    def drop(self, answer: Mapping[str, str]) -> str | None:
        """Drop an answer; give the name of its sign-in, None where nothing waits."""
        digest = _digest(answer.get("state", ""))
        for login, question in self._questions():
            if "redirect_uri" not in question:
                continue  # never sent to the browser, so this is no answer to it
            if hmac.compare_digest(str(question.get("digest")), digest):
                content = {**answer, "": question["redirect_uri"]}
                done = {
                    "match": question.get("match", ""),
                    "refused": "error" in answer,
                }
                self._write(f"done-{login}", done)
                self._write(f"answer-{login}", content)
                _delete(self._path(f"ask-{login}"))
                return login
        return None

    def done(self, login: str) -> tuple[str, bool] | None:
        """Give the letters of an answer that arrived, and whether it is a refusal."""
        told = _content(self._path(f"done-{login}")) if _ID.fullmatch(login) else None
        if told is None:
            return None
        return str(told.get("match")), bool(told.get("refused"))

    def take(self, login: str) -> tuple[dict[str, str], str] | None:
        """Take an answer, and the redirect URI by which it came; once."""
        content = _content(self._path(f"answer-{login}"))
        if content is None:
            return None
        self.forget(login)
        redirect_uri = str(content.pop(""))
        return {name: str(value) for name, value in content.items()}, redirect_uri

    def forget(self, login: str) -> None:
        """Delete what there is of a sign-in, but for what the closing page shows."""
        for kind in ("ask", "answer"):
            _delete(self._path(f"{kind}-{login}"))

    def _questions(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for path in self._folder.glob("ask-*.json"):
            login = path.stem.removeprefix("ask-")
            if question := self._addressed(path.stem):
                yield login, question

    def _sweep(self) -> None:
        for kind in ("ask", "answer", "done", "practice"):
            for path in self._folder.glob(f"{kind}-*"):
                if not _counts(path):
                    _delete(path)

    def _sweep_servers(self) -> None:
        """Delete the announcements of servers that were killed."""
        for path in self._folder.glob("server-*.json"):
            told = _content(path) or {}
            # The folder may be shared with other machines, and a pid is used again.
            if told.get("began") and told.get("host") == platform.node():
                pid = path.stem.removeprefix("server-")
                if _began(pid) != told["began"]:
                    _delete(path)

    def _addressed(self, name: str) -> dict[str, Any] | None:
        path = self._path(name)
        content = _content(path) if _counts(path) else None
        is_ours = content is not None and content.get("server") == self._server
        return content if is_ours else None

    def _write(
        self, name: str, content: Mapping[str, Any], *, until: float | None = None
    ) -> None:
        until = until or time.time() + self._life
        fresh = self._path(f"{name}.{os.getpid()}")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.chmod(0o700)  # it may have been there, open to others
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123 (a descriptor)
                json.dump(content, file)
            os.utime(fresh, (until, until))
            fresh.replace(self._path(name))
        except OSError as fault:
            raise StoreError(
                f"the Jupyter runtime folder {self._folder.parent} cannot be used",
                why=f"{type(fault).__name__}: {fault.strerror}.",
                advice="Mend its permissions or free space, or take another way: "
                "%intermezzo_login --via paste",
            ) from None

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def _began(pid: int | str) -> str:
    """Tell when a process began, as Linux counts; empty where that is not known."""
    with suppress(OSError, IndexError):
        _, _, told = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")
        return told.split()[_BEGAN]
    return ""


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


def _counts(path: Path) -> bool:
    with suppress(OSError):
        return path.stat().st_mtime > time.time()
    return False


def _delete(path: Path) -> None:
    with suppress(OSError):  # there is no other way to be rid of it
        path.unlink()


def _content(path: Path) -> dict[str, Any] | None:
    with suppress(OSError, ValueError):
        content = json.loads(path.read_text("utf-8"))
        return content if isinstance(content, dict) else None
    return None
