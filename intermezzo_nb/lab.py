"""JupyterLab beside the practice server, with the quickstart open."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

_PACKAGE = Path(__file__).parent


def quickstart() -> Path:
    """Give the notebook that is opened; a copy of it where none is here."""
    name = "01-quickstart.ipynb"
    here = Path("notebooks") / name
    if here.exists():
        return here
    packaged = _PACKAGE / "demo" / name
    source = packaged if packaged.exists() else _PACKAGE.parent / "notebooks" / name
    target = Path("intermezzo-demo") / name
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        shutil.copy(source, target)
    return target


def run(notebook: Path, url: str, *, no_browser: bool) -> int:
    """Run JupyterLab until it ends; give its exit status."""
    command = [
        *(sys.executable, "-m", "jupyter", "lab"),
        f"--ServerApp.root_dir={notebook.parent.resolve()}",
        f"--LabApp.default_url=/lab/tree/{notebook.name}",
    ]
    command += ["--no-browser"] if no_browser else []
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command += ["--allow-root"]  # a container's usual user
    # Defaults of this Lab alone, below what its user has set: it asks about no news.
    config = [
        str(_PACKAGE / "demo"),
        *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")]),
    ]
    environ = {**os.environ, "INTERMEZZO_DEMO_URL": url}
    environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(config)
    with subprocess.Popen(command, env=environ) as process:
        try:
            while True:
                try:
                    return process.wait()
                except KeyboardInterrupt:
                    continue  # JupyterLab got it too, and asks whether it was meant
        finally:
            process.terminate()
