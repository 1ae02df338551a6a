"""Jupyter servers as people start them."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

_QUIET = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
_FRONT_ENDS = {
    "lab": (
        ("--LabApp.expose_app_in_browser=True", "--LabApp.collaborative=False"),
        "lab/workspaces/{0}/tree/{0}.ipynb",
    ),
    "notebook": (
        ("--JupyterNotebookApp.expose_app_in_browser=True",),
        "notebooks/{0}.ipynb",
    ),
}


class Jupyter:
    """
    A Jupyter as a browser sees it.

    Parameters
    ----------
    folder : Path
        All that it keeps is in there; notebooks are in ``root``.
    base : str
        Its address, to which paths are appended.
    path : str
        Where it shows a notebook, with ``{0}`` for that one's name.
    context : dict, optional
        What a browser is to know about it.
    script : str, optional
        What runs in each of its pages before all else.
    is_far : bool
        Nothing else on this machine is in the browser's reach.
    """

    def __init__(
        self,
        folder,
        base,
        path,
        log,
        *,
        root=None,
        context=None,
        script="",
        is_far=False,
    ):
        self.folder, self.log = Path(folder), Path(log)
        self.root = root or self.folder / "root"
        self.base, self.url = base, f"{base}/{path}"
        self.context, self.script = context or {}, script
        self.is_far = is_far

    def write(self, name, *cells):
        path = self.root / name
        path.write_text(json.dumps(notebook(*cells)))
        return path


class JupyterServer:
    """
    A started Jupyter server; it can be killed, and started again where it was.

    Parameters
    ----------
    front_end : {"lab", "notebook"}
        The program that is started.
    base_url : str
        The path under which it is.
    options : sequence of str
        More of its command line.
    environment : str
        Variables for it and its kernels.
    """

    def __init__(
        self, folder, front_end="lab", *, base_url="/", options=(), **environment
    ):
        self.folder, self.log = folder, folder / "server.log"
        self.port, self._token = free_port(), secrets.token_hex(16)
        for name in ("root", "home", "config/labconfig"):
            (folder / name).mkdir(parents=True)
        quiet = folder / "config" / "labconfig" / "page_config.json"
        quiet.write_text(json.dumps(_QUIET))
        shown, self._path = _FRONT_ENDS[front_end]
        self._command = [
            *(sys.executable, "-m", "jupyter", front_end, "--no-browser"),
            *("--allow-root", "--ServerApp.ip=127.0.0.1", *shown, *options),
            *(f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0"),
            f"--ServerApp.root_dir={folder / 'root'}",
            f"--ServerApp.base_url={base_url}",
            f"--IdentityProvider.token={self._token}",
        ]
        self._base_url = base_url.rstrip("/")
        self._environment = at_home(folder / "home") | {
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            **environment,
        }
        self.start()

    def start(self):
        """Start it, and wait until it answers."""
        with self.log.open("a") as output:
            self._process = subprocess.Popen(
                self._command,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                cwd=self.folder / "root",
            )
        status = f"http://127.0.0.1:{self.port}{self._base_url}/api/status"
        wait_for(f"{status}?token={self._token}", self._process, self.log)

    def kill(self):
        """End it without a word; its kernels end by themselves."""
        self._process.kill()
        self._process.wait(20)

    def stop(self):
        self._process.terminate()
        self._process.wait(20)

    def seen(self, origin="", **how):
        """Give what a browser sees of it, from an origin or from its own."""
        base = (origin or f"http://127.0.0.1:{self.port}") + self._base_url
        path = f"{self._path}?token={self._token}"
        return Jupyter(self.folder, base, path, self.log, **how)


@contextlib.contextmanager
def started(folder, front_end="lab", **how):
    server = JupyterServer(folder, front_end, **how)
    try:
        yield server
    finally:
        server.stop()


def at_home(home):
    """Give an environment with a home of its own, in which people can be asked."""
    kept = {name: value for name, value in os.environ.items() if name != "CI"}
    return {**kept, "HOME": str(home)}


def wait_for(url, process, log):
    """Wait until a server answers."""
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(url).close()  # noqa: S310 (our own server)
            return
        time.sleep(0.1)
    raise AssertionError(f"it did not start:\n{log.read_text()[-3000:]}")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def notebook(*cells):
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {
                "name": "python3",
                "display_name": "Python 3 (ipykernel)",
                "language": "python",
            }
        },
        "cells": [
            {
                "id": f"cell-{number}",
                "cell_type": "code",
                "metadata": {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for number, source in enumerate(cells)
        ],
    }
