"""A JupyterHub with two users behind its proxy: one registered address for both."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from conftest import Lab, Page

PROXY = Path(__file__).parent / "hub_proxy"
LOAD = "%load_ext intermezzo_nb"
LOGIN = "%intermezzo_login --profile demo"
READ = "df = %intermezzo employees --organization all --limit 300\ndf.dtypes"
STATUS = "%intermezzo_status"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def proxy_command():
    if not (PROXY / "node_modules").exists():
        install = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"]
        subprocess.run([*install, "--silent"], cwd=PROXY, check=True)
    return str(PROXY / "node_modules" / ".bin" / "configurable-http-proxy")


class Hub:
    """A started JupyterHub; each user's notebooks are in a folder of their own."""

    def __init__(self, folder):
        self.folder, self.log = folder, folder / "hub.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = folder / "config.py"
        config.write_text(
            f"""
c.JupyterHub.bind_url = {self.url!r}
c.JupyterHub.hub_port = {free_port()}
c.ConfigurableHTTPProxy.api_url = 'http://127.0.0.1:{free_port()}'
c.ConfigurableHTTPProxy.command = [{proxy_command()!r}]
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
"""
        )
        with self.log.open("w") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", str(config)],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={name: v for name, v in os.environ.items() if name != "CI"},
            )
        self._wait()

    def _wait(self):
        until = time.monotonic() + 60
        while time.monotonic() < until and self._process.poll() is None:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                urllib.request.urlopen(  # noqa: S310 (our own Hub)
                    f"{self.url}/hub/api"
                ).close()
                return
            time.sleep(0.2)
        raise AssertionError(self.log.read_text()[-3000:])

    def stop(self):
        self._process.terminate()
        self._process.wait(30)


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    started = Hub(tmp_path_factory.mktemp("hub"))
    yield started
    started.stop()


@pytest.fixture
def at_hub(hub, chromium):
    """Sign a user in to the Hub, and open a notebook there."""
    contexts = []

    def open_it(user, *cells):
        root = hub.folder / "home" / user
        root.mkdir(parents=True, exist_ok=True)
        address = hub.url + f"/user/{user}/lab/workspaces/{{0}}/tree/{{0}}.ipynb"
        lab = Lab(root, address, hub.log)
        path = lab.write("hub.ipynb", *cells)
        context = chromium.new_context(viewport={"width": 1180, "height": 900})
        contexts.append(context)
        tab = context.new_page()
        tab.goto(f"{hub.url}/hub/login")
        tab.fill("#username_input", user)
        tab.fill("#password_input", "anything")
        tab.click("#login_submit")
        tab.wait_for_url(re.compile(f"/user/{user}/"), timeout=60_000)
        tab.close()
        return Page(context, lab, path)

    yield open_it
    for context in contexts:
        context.close()


@pytest.mark.timeout(180)
def test_two_users_come_back_by_one_address(hub, at_hub):
    for user in ("ann", "bob"):
        notebook = at_hub(user, LOAD, LOGIN, READ, STATUS)
        notebook.run_all()
        notebook.wait_for(1, "The last page shows")
        tab = notebook.sign_in(1)
        assert f"/user/{user}/intermezzo/done?login=" in tab.url
        letters = tab.locator(".match strong").text_content()
        assert re.fullmatch("[B-Z2-9]{4}", letters)
        notebook.wait_for(2, "datetime64[us, UTC]")
        notebook.wait_for(3, "Tried: server")
        saved = notebook.saved()
        assert "state=" not in saved
        assert "code=" not in saved
    log = hub.log.read_text()
    assert "/hub/user-redirect/intermezzo/callback" in log
    # The Hub itself logs where it leads the browser, and so a code that is spent.
    told = [line for line in log.splitlines() if "imz_ac_" in line]
    assert all(re.match(r"\[. .* JupyterHub log:", line) for line in told)
    assert not re.search("imz_(at|rt|cs)_", log)


@pytest.mark.timeout(180)
def test_one_users_address_is_nothing_to_another(hub, at_hub):
    ann = at_hub("ann", LOAD, f"{LOGIN} --force", READ)
    ann.run(0)
    ann.run(1)
    link = ann.output(1).locator("a.intermezzo-sign-in").first
    link.wait_for(timeout=30_000)
    start = link.get_attribute("href")
    bob = at_hub("bob", LOAD)
    tab = bob.context.new_page()
    assert tab.goto(hub.url + start).status in {403, 404}
    mine = start.replace("/user/ann/", "/user/bob/")
    assert tab.goto(hub.url + mine).status == 404
    forged = "/hub/user-redirect/intermezzo/callback?code=x&state=y"
    assert tab.goto(hub.url + forged).status == 404
    tab.close()
    ann.sign_in(1)
    ann.wait_for(1, "Maren Voss")
