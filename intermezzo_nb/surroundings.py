"""Where kernel and browser are: evidence, no decisions."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

_ELSEWHERE = {
    "JUPYTERHUB_SERVICE_PREFIX": "JupyterHub",
    "BINDER_SERVICE_HOST": "Binder",
    "BINDER_LAUNCH_HOST": "Binder",
    "COLAB_RELEASE_TAG": "Google Colab",
    "KAGGLE_KERNEL_RUN_TYPE": "Kaggle",
    "DATABRICKS_RUNTIME_VERSION": "Databricks",
    "SAGEMAKER_INTERNAL_IMAGE_URI": "SageMaker",
    "SAGEMAKER_APP_TYPE": "SageMaker Studio",
    "DEEPNOTE_PROJECT_ID": "Deepnote",
    "CODESPACES": "GitHub Codespaces",
    "GITPOD_WORKSPACE_ID": "Gitpod",
    "REMOTE_CONTAINERS": "a development container",
    "KERNEL_GATEWAY": "a kernel gateway",
    "SSH_CONNECTION": "an SSH session",
}
# VS Code starts kernels itself; one of a Jupyter server has that for a parent.
_VS_CODE = ("VSCODE_PID", "VSCODE_CWD", "VSCODE_IPC_HOOK_CLI")


class Surroundings(Struct, frozen=True):
    """
    What can be seen from here.

    Parameters
    ----------
    front : {"notebook", "terminal", "script"}
        What runs the code: a Jupyter kernel, IPython in a terminal, plain Python.
    answers : bool
        Whether somebody can be asked; see :attr:`silence` for why not.
    silence : str
        Why nobody can be asked, else empty.
    elsewhere : tuple of str
        Signs that the browser is on another machine than the kernel.
    forwards : str
        Who leads the browser to this machine's loopback all the same, else empty.
    runtime_dir : Path or None
        The Jupyter runtime folder that holds the kernel's connection file.
    parent : int or None
        The process id of the Jupyter server that started the kernel.
    """

    front: str
    answers: bool
    silence: str
    elsewhere: tuple[str, ...]
    forwards: str = ""
    runtime_dir: Path | None = None
    parent: int | None = None


def look(
    environ: Mapping[str, str] = os.environ, modules: Mapping[str, Any] = sys.modules
) -> Surroundings:
    """Collect the evidence; nothing is imported and no request is made."""
    shell = _shell(modules)
    kernel = getattr(shell, "kernel", None)
    front = "notebook" if kernel else "terminal" if shell else "script"
    silence = "CI is set" if environ.get("CI") else _why_silent(kernel)
    parent = environ.get("JPY_PARENT_PID", "")
    return Surroundings(
        front,
        not silence,
        silence,
        _elsewhere(environ, modules),
        forwards=_forwards(environ, front),
        runtime_dir=_runtime_dir(kernel),
        parent=int(parent) if parent.isdecimal() else None,
    )


def _shell(modules: Mapping[str, Any]) -> Any:
    ipython = modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _why_silent(kernel: Any) -> str:
    if kernel is None:
        alive = sys.stdin is not None and sys.stdin.isatty()
        return "" if alive else "there is no terminal to answer from"
    # papermill, nbclient, nbconvert and nbval send allow_stdin=False; people's
    # front ends send True. It is part of every execute request.
    request = kernel.get_parent("shell")
    if request.get("content", {}).get("allow_stdin", True):
        return ""
    return "the notebook runs unattended (allow_stdin is false)"


def _runtime_dir(kernel: Any) -> Path | None:
    # Where the connection file is, the server that wrote it keeps its own files.
    connection_file = getattr(
        getattr(kernel, "parent", None), "abs_connection_file", ""
    )
    return Path(connection_file).parent if connection_file else None


def _elsewhere(
    environ: Mapping[str, str], modules: Mapping[str, Any]
) -> tuple[str, ...]:
    signs = [f"{name} ({key})" for key, name in _ELSEWHERE.items() if environ.get(key)]
    if "google.colab" in modules and "COLAB_RELEASE_TAG" not in environ:
        signs.append("Google Colab (google.colab is loaded)")
    signs += [f"a container ({p})" for p in _CONTAINER_FILES if Path(p).exists()]
    return tuple(signs)


def _forwards(environ: Mapping[str, str], front: str) -> str:
    if front != "notebook" or environ.get("JPY_PARENT_PID"):
        return ""
    sign = next((name for name in _VS_CODE if environ.get(name)), "")
    return f"VS Code forwards the ports that its links name ({sign})" if sign else ""


_CONTAINER_FILES = ("/.dockerenv", "/run/.containerenv")
