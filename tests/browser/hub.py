"""A JupyterHub behind its proxy: each user has a server, and all have one address."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nbformat
from jupyters import Jupyter, at_home, free_port, wait_for

_PROXY = Path(__file__).parent / "hub_proxy"
_ADVICE = Path(__file__).parents[2] / "notebooks" / "04-for-administrators.ipynb"


class Hub:
    """A started JupyterHub; each user's notebooks are in a folder of their own."""

    def __init__(self, folder):
        self.folder, self.log = folder, folder / "hub.log"
        self.url = f"http://127.0.0.1:{free_port()}"
        self.callback = f"{self.url}/hub/user-redirect/intermezzo/callback"
        config = folder / "config.py"
        config.write_text(
            f"""
c.JupyterHub.bind_url = {self.url!r}
c.JupyterHub.hub_port = {free_port()}
c.ConfigurableHTTPProxy.api_url = 'http://127.0.0.1:{free_port()}'
c.ConfigurableHTTPProxy.command = [{_proxy_command()!r}]
c.ConfigurableHTTPProxy.auth_token = 'only-for-this-test'
c.JupyterHub.authenticator_class = 'dummy'
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = 'simple'
c.SimpleLocalProcessSpawner.home_dir_template = {str(folder)!r} + '/home/{{username}}'
c.Spawner.cmd = [{sys.executable!r}, '-m', 'jupyterhub.singleuser']
c.Spawner.args = [
    '--allow-root', '--LabApp.expose_app_in_browser=True',
    '--LabApp.collaborative=False',
]
c.Spawner.environment = {{'JUPYTER_CONFIG_DIR': {str(folder / "jupyter")!r}}}
c.JupyterHub.db_url = 'sqlite://'
c.JupyterHub.cookie_secret_file = {str(folder / "cookie")!r}
c.JupyterHub.pid_file = ''
{_advised()}
"""
        )
        with self.log.open("w") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", str(config)],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=at_home(folder),
            )
        wait_for(f"{self.url}/hub/api", self._process, self.log)

    def of(self, user, chromium):
        """Sign a user in to the Hub; give what a browser sees that knows the user."""
        home = self.folder / "home" / user
        home.mkdir(parents=True, exist_ok=True)
        with chromium.new_context() as context:
            tab = context.new_page()
            tab.goto(f"{self.url}/hub/login")
            tab.fill("#username_input", user)
            tab.fill("#password_input", "anything")
            tab.click("#login_submit")
            tab.wait_for_url(re.compile(f"/user/{user}/"), timeout=60_000)
            known = {"storage_state": context.storage_state()}
        base, path = f"{self.url}/user/{user}", "lab/workspaces/{0}/tree/{0}.ipynb"
        return Jupyter(home, base, path, self.log, root=home, context=known)

    def stop(self):
        self._process.terminate()
        self._process.wait(30)


def _advised():
    """Give what administrators are told to put into this file to keep a log clean."""
    cells = nbformat.read(_ADVICE, 4).cells
    (told,) = re.findall(
        "(?s)```python\n(import logging.*?)```", "".join(c.source for c in cells)
    )
    return told


def _proxy_command():
    if not (_PROXY / "node_modules").exists():
        install = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"]
        subprocess.run([*install, "--silent"], cwd=_PROXY, check=True)
    return str(_PROXY / "node_modules" / ".bin" / "configurable-http-proxy")
