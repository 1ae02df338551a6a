"""The same cells wherever Jupyter runs, on two servers: ours, and a certified one."""

from __future__ import annotations

import re

import pytest
from figures import Figure
from journey import BUTTONS, PRACTICE, Journey, provider
from person import SIGNED_IN

LOAD = "%load_ext intermezzo_nb"
STATUS = "%intermezzo_status"
TAKEN = re.compile(r"Tried: (\w+) +used")
WIDGETS = "import ipywidgets\nipywidgets.Widget.get_manager_state()"
# Each is a fixture. A machine that is a container itself passes loopback by.
HERE, ELSEWHERE = {"loopback", "server"}, {"server"}
ENVIRONMENTS = {
    "Lab": ("lab", HERE),
    "Notebook 7": ("notebook_7", HERE),
    "Lab behind TLS": ("lab_behind_tls", ELSEWHERE),
    "Hub, user ann": ("hub_of_ann", ELSEWHERE),
    "Hub, user bob": ("hub_of_bob", ELSEWHERE),
    "Binder-like start": ("binder", ELSEWHERE),
    "Lab, comms blocked": ("lab_without_comms", HERE),
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
    """Sign in; nothing of that may be left anywhere."""

    def go(environment, jupyter, server, *, via="", how=Journey.sign_in, before=""):
        name = re.sub(r"\W+", "-", f"{environment} {via} {server.name}").lower()
        login = f"{server.login} --via {via}" if via else server.login
        notebook = open_in(
            jupyter, f"{name}.ipynb", LOAD, login, server.read, STATUS, WIDGETS
        )
        journey = Journey(notebook, server)
        if before:
            journey.use_another_application(before)
        journey.begin()
        how(journey, journey.open_link())
        frame, signed_in = journey.end()
        notebook.wait_for(3, TAKEN)
        way = TAKEN.search(notebook.output(3).text_content())[1]
        notebook.shot(name)
        clicks, picture = journey.clicks, f"{name}.png"
        measured(
            Figure(environment, way, server.name, frame, clicks, signed_in, picture)
        )
        notebook.wait_for(4, "{")
        assert journey.sent
        for secret in {*journey.sent, *server.secrets()}:
            leaks.record(secret)
        saved, log = notebook.saved(), jupyter.log.read_text()
        assert not leaks.in_text(log)
        assert not leaks.in_files(jupyter.folder)
        assert not journey.shows(saved + log)
        return journey, way

    return go


@pytest.mark.timeout(120)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_person_signs_in_by_two_clicks(environment, server, request, signed_in):
    fixture, ways = ENVIRONMENTS[environment]
    jupyter = request.getfixturevalue(fixture)
    # A real Binder's address is registered nowhere: there it has to be asked for.
    is_asked_for = (environment, server.name) == ("Binder-like start", "oidc-provider")
    via = "server" if is_asked_for else ""
    journey, way = signed_in(environment, jupyter, server, via=via)
    assert way in ways
    assert journey.clicks <= MOST_CLICKS


@pytest.mark.timeout(120)
@pytest.mark.parametrize("is_signed_in", [False, True])
def test_on_binder_ones_own_server_is_reached_by_a_code(
    is_signed_in, openid_provider, binder, signed_in
):
    name = f"oidc-provider, {SIGNED_IN}" if is_signed_in else "oidc-provider"
    before = openid_provider.another_sign_in if is_signed_in else ""
    server = provider(openid_provider, name=name)
    journey, way = signed_in("Binder-like start", binder, server, before=before)
    assert way == "device"
    assert journey.clicks <= MOST_CLICKS


@pytest.mark.timeout(120)
def test_pages_for_development_confirm_the_code_apart(
    development_provider, lab, signed_in
):
    server = provider(development_provider, name="oidc-provider, development pages")
    journey, _ = signed_in("Lab", lab, server, via="device")
    assert journey.clicks <= MOST_CLICKS + 1


@pytest.mark.timeout(120)
@pytest.mark.parametrize("via", ["loopback", "server", "device"])
def test_a_way_that_is_asked_for_is_taken(via, server, lab, signed_in):
    journey, way = signed_in("Lab", lab, server, via=via)
    assert way == via
    assert journey.clicks <= MOST_CLICKS


@pytest.mark.timeout(120)
def test_an_address_that_leads_nowhere_is_brought_by_hand(server, lab, signed_in):
    _, way = signed_in("Lab", lab, server, via="paste", how=by_hand)
    assert way == "paste"


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
