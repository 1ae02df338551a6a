"""Binder's steps by hand, with the environment that is there already."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

from jupyters import Jupyter, at_home, free_port, wait_for

REPOSITORY = Path(__file__).parents[2]
_BASE_URL = "/user/intermezzo-nb-x7k2"


@contextlib.contextmanager
def started_binder(folder):
    """Give what a browser sees of it that reaches nothing else on that machine."""
    repository, log = folder / "repository", folder / "server.log"
    repository.mkdir()
    for name in ("binder", "notebooks"):
        shutil.copytree(REPOSITORY / name, repository / name)
    token, port = secrets.token_hex(16), free_port()
    environment = at_home(folder) | {
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "BINDER_SERVICE_HOST": "hub.binder.example",
        "BINDER_LAUNCH_HOST": "https://binder.example/",
    }
    steps = {"cwd": repository, "env": environment}
    subprocess.run([repository / "binder" / "postBuild"], check=True, **steps)
    command = [
        *(repository / "binder" / "start", "jupyter", "notebook", "--no-browser"),
        *("--allow-root", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"),
        *(f"--ServerApp.base_url={_BASE_URL}/", f"--IdentityProvider.token={token}"),
        *("--LabApp.expose_app_in_browser=True", "--LabApp.collaborative=False"),
    ]
    base = f"http://127.0.0.1:{port}{_BASE_URL}"
    path = f"lab/workspaces/{{0}}/tree/{{0}}.ipynb?token={token}"
    with log.open("w") as output:
        # Its own group: a container's end takes the practice server along.
        process = subprocess.Popen(
            command, stdout=output, stderr=output, start_new_session=True, **steps
        )
        try:
            wait_for(f"{base}/api/status?token={token}", process, log)
            yield Jupyter(folder, base, path, log, root=repository, is_far=True)
        finally:
            os.killpg(process.pid, 15)
            process.wait(20)
