"""The same cells wherever Jupyter runs, on two servers: ours, and a certified one."""

from __future__ import annotations

import re

import pytest
from figures import Figure
from journey import BUTTONS, PRACTICE, Journey, provider

LOAD = "%load_ext intermezzo_nb"
STATUS = "%intermezzo_status"
WIDGETS = "import ipywidgets\nipywidgets.Widget.get_manager_state()"
# Each environment is a fixture; the way is the one that is found without being named.
ENVIRONMENTS = {
    "Lab": ("lab", "loopback"),
    "Notebook 7": ("notebook_7", "loopback"),
    "Lab behind TLS": ("lab_behind_tls", "server"),
    "Hub, user ann": ("hub_of_ann", "server"),
    "Hub, user bob": ("hub_of_bob", "server"),
    "Lab, comms blocked": ("lab_without_comms", "loopback"),
}
MOST_CLICKS = 2


@pytest.fixture(params=["practice", "oidc-provider"])
def server(request):
    """Give whom to sign in to, where the address of the answer is registered."""
    if request.param == "practice":
        return PRACTICE
    is_proxied = "Lab behind TLS" in request.node.callspec.params.values()
    client_id = "behind-proxy" if is_proxied else "native"
    return provider(request.getfixturevalue("openid_provider"), client_id)


@pytest.fixture
def signed_in(open_in, leaks, measured):
    """Sign in by a way; nothing of that may be left anywhere."""

    def go(environment, jupyter, server, way, login, how=Journey.sign_in):
        picture = re.sub(r"\W+", "-", f"{environment}-{way}-{server.name}".lower())
        cells = (LOAD, login, server.read, STATUS, WIDGETS)
        notebook = open_in(jupyter, f"{picture}.ipynb", *cells)
        journey = Journey(notebook, server)
        journey.begin()
        how(journey, journey.open_link())
        frame, signed_in = journey.end()
        notebook.wait_for(3, f"Tried: {way}")
        notebook.shot(picture)
        measured(
            Figure(
                environment,
                way,
                server.name,
                frame,
                journey.clicks,
                signed_in,
                f"{picture}.png",
            )
        )
        notebook.wait_for(4, "{")
        for secret in {*journey.sent, *server.secrets()}:
            leaks.record(secret)
        saved, log = notebook.saved(), jupyter.log.read_text()
        assert not leaks.in_text(saved)
        assert not leaks.in_text(without_the_hub(log))
        assert not leaks.in_files(jupyter.folder)
        assert not journey.shows(saved + log)
        return journey

    return go


def without_the_hub(log):
    """Leave out the Hub's own lines: it logs where it leads the browser."""
    lines = log.splitlines()
    return "\n".join(x for x in lines if not re.match(r"\[. .* JupyterHub log:", x))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_person_signs_in_by_two_clicks(environment, server, request, signed_in):
    fixture, way = ENVIRONMENTS[environment]
    jupyter = request.getfixturevalue(fixture)
    journey = signed_in(environment, jupyter, server, way, server.login)
    if server is not PRACTICE:  # whose sign-in and consent are two pages
        assert journey.clicks <= MOST_CLICKS


@pytest.mark.parametrize("way", ["server", "device"])
def test_a_way_that_is_asked_for_is_taken(way, server, lab, signed_in):
    signed_in("Lab", lab, server, way, f"{server.login} --via {way}")


def test_an_address_that_leads_nowhere_is_brought_by_hand(server, lab, signed_in):
    signed_in("Lab", lab, server, "paste", f"{server.login} --via paste", by_hand)


def by_hand(journey, tab):
    """Sign in where the browser cannot reach the kernel, and paste the address."""
    dead = []
    chrome = journey.notebook.context.new_cdp_session(tab)

    def fail(paused):
        dead.append(paused["request"]["url"])
        request, why = paused["requestId"], "ConnectionRefused"
        chrome.send("Fetch.failRequest", {"requestId": request, "errorReason": why})

    chrome.on("Fetch.requestPaused", fail)
    chrome.send(
        "Fetch.enable", {"patterns": [{"urlPattern": "*/intermezzo/callback*"}]}
    )
    while not dead:
        journey.press(tab, tab.locator(BUTTONS).first)
    typed = journey.notebook.page.locator(".jp-Stdin-input")
    typed.fill(dead[0])
    journey.act(lambda: typed.press("Enter"))
