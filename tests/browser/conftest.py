"""Jupyter servers, a real browser, and whom people sign in to."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hub import Hub
from jupyters import started
from pictures import started_chromium
from sharing import ByServers
from tab import Page
from tls_proxy import TlsProxy

from binder import started_binder

sys.path.insert(0, str(Path(__file__).parents[1] / "protocol"))

from foreign import ForeignServer

WITHOUT_COMMS = (Path(__file__).parent / "without_comms.js").read_text()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return ByServers(config, log)


@pytest.fixture(scope="session")
def chromium():
    with started_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def lab_server(tmp_path_factory):
    with started(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture(scope="session")
def lab(lab_server):
    return lab_server.seen()


@pytest.fixture(scope="session")
def lab_without_comms(lab_server):
    """The same Lab, by a browser in which nothing between widgets gets through."""
    return lab_server.seen(script=WITHOUT_COMMS)


@pytest.fixture(scope="session")
def notebook_7(tmp_path_factory):
    with started(tmp_path_factory.mktemp("notebook"), "notebook") as server:
        yield server.seen()


@pytest.fixture(scope="session")
def tls_proxy(tmp_path_factory):
    return TlsProxy(tmp_path_factory.mktemp("nginx"), "/team/one/")


@pytest.fixture(scope="session")
def lab_behind_tls(tmp_path_factory, tls_proxy):
    """A Lab on what seems to be another machine, behind a proxy that ends TLS."""
    folder = tmp_path_factory.mktemp("proxied")
    with started(
        folder,
        base_url=tls_proxy.base_url,
        options=["--ServerApp.trust_xheaders=True"],
        SSH_CONNECTION="192.0.2.1 50000 192.0.2.2 22",
    ) as server:
        tls_proxy.start(server.port)
        yield server.seen(tls_proxy.origin, context={"ignore_https_errors": True})
        tls_proxy.stop()


@pytest.fixture(scope="session")
def hub(tmp_path_factory):
    made = Hub(tmp_path_factory.mktemp("hub"))
    yield made
    made.stop()


@pytest.fixture(scope="session")
def hub_of_ann(hub, chromium):
    return hub.of("ann", chromium)


@pytest.fixture(scope="session")
def hub_of_bob(hub, chromium):
    return hub.of("bob", chromium)


@pytest.fixture(scope="session")
def binder(tmp_path_factory):
    with started_binder(tmp_path_factory.mktemp("binder")) as started_one:
        yield started_one


@pytest.fixture(scope="session")
def openid_provider(hub, binder, tls_proxy):
    """The certified server as in an organization: its own pages, and no consent."""
    server = ForeignServer(
        pages="own",
        trusted=1,
        tell_secrets=1,
        interval=1,
        redirect_uri=f"{hub.callback} {binder.base}/intermezzo/callback",
        https_redirect_uri=tls_proxy.callback,
    )
    yield server
    server.stop()


@pytest.fixture
def distant_provider():
    """A certified server that knows none of the Jupyters."""
    server = ForeignServer(pages="own", trusted=1, interval=1)
    yield server
    server.stop()


@pytest.fixture
def development_provider():
    """The same as its library brings it along, with pages for development."""
    server = ForeignServer(trusted=1, tell_secrets=1, interval=1)
    yield server
    server.stop()


@pytest.fixture
def open_in(request, chromium):
    """Open a notebook in one of the Jupyters; its kernel ends with the test."""
    opened = []

    def open_it(jupyter, name, *cells, before=None, **context):
        how = {"viewport": {"width": 1180, "height": 900}, **jupyter.context, **context}
        window = chromium.new_context(**how)
        opened.append((window, None))
        if jupyter.script:
            window.add_init_script(jupyter.script)
        if before:
            before(window)
        if jupyter.is_far:
            keep_far(window, jupyter, request)
        page = Page(window, jupyter, jupyter.write(name, *cells))
        opened[-1] = (window, page)
        return page

    yield open_it
    for window, page in opened:
        if page:
            page.end_kernel()
        window.close()


def keep_far(window, jupyter, request):
    """Let a browser reach the Jupyter alone, and who is on the internet otherwise."""
    near = {urlsplit(jupyter.base).netloc}
    if "openid_provider" in request.fixturenames:
        near.add(urlsplit(request.getfixturevalue("openid_provider").issuer).netloc)

    def lead(route):
        is_near = urlsplit(route.request.url).netloc in near
        route.continue_() if is_near else route.abort()

    window.route("**/*", lead)


@pytest.fixture
def open_notebook(open_in, lab):
    def open_it(name, *cells, color_scheme="light", **options):
        page = open_in(lab, name, *cells, color_scheme=color_scheme, **options)
        page.wear("JupyterLab Dark" if color_scheme == "dark" else "JupyterLab Light")
        return page

    return open_it
