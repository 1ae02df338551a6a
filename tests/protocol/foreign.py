"""A certified OpenID provider that we did not write, as a child process."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

from filelock import FileLock

HERE = Path(__file__).parent / "openid_provider"
CACHE = Path(__file__).parents[2] / ".cache" / "openid_provider"


def install() -> Path:
    """Install the provider by package name, once; give its folder."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / "install.lock"):  # tests run in several processes
        _install()
    return CACHE


def _install() -> None:
    for name in ("package.json", "server.mjs", "pages.mjs"):
        shutil.copy(HERE / name, CACHE / name)
    wanted = (HERE / "package.json").read_bytes()
    done = CACHE / "installed.json"
    if not done.exists() or done.read_bytes() != wanted:
        npm = shutil.which("npm")
        assert npm, "npm is needed for the foreign OpenID provider"
        install = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock"]
        if not _is_new_enough("node"):
            install += ["--no-save", "node@22"]
        subprocess.run(install, cwd=CACHE, check=True, stdout=subprocess.DEVNULL)
        done.write_bytes(wanted)


def node() -> str:
    """Give the program that runs the provider: the system's, if it is new enough."""
    own = CACHE / "node_modules" / ".bin" / "node"
    return str(own) if own.exists() else "node"


def _is_new_enough(program: str) -> bool:
    told = subprocess.check_output([program, "--version"], text=True)
    return int(told.removeprefix("v").split(".")[0]) >= 20


class ForeignServer:
    """The provider, from construction to :meth:`stop`."""

    def __init__(self, **options: object) -> None:
        words = [f"--{name.replace('_', '-')}" for name in options]
        pairs = [
            str(x) for pair in zip(words, options.values(), strict=True) for x in pair
        ]
        folder = install()
        self._process = subprocess.Popen(
            [node(), "server.mjs", *pairs],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        line = self._process.stdout.readline()
        assert line, "the OpenID provider did not start"
        told = json.loads(line)
        self.issuer, self.api, self.clients = (
            told["issuer"],
            told["api"],
            told["clients"],
        )

    @property
    def another_sign_in(self) -> str:
        """The link by which some other application signs a person in."""
        asked = {
            "client_id": "native",
            "redirect_uri": "http://127.0.0.1/intermezzo/callback",
            "response_type": "code",
            "scope": "openid",
            "code_challenge": "E" * 43,
            "code_challenge_method": "S256",
        }
        return f"{self.issuer}/auth?{urlencode(asked)}"

    def secrets(self) -> list[str]:
        """Give tokens, codes and verifiers so far; with ``tell_secrets`` only."""
        url = f"{self.issuer}/secrets"
        with urllib.request.urlopen(url) as answer:  # noqa: S310 (our own child)
            return list(json.load(answer))

    def stop(self) -> None:
        """End it, by its standard input."""
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)
