"""The doctor: what it looks at, what it advises, and that it tells no secret."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from msgspec.structs import replace

from intermezzo_nb import doctor, session
from intermezzo_nb.connecting import connect
from intermezzo_nb.doctor import examine
from intermezzo_nb.errors import NetworkError
from intermezzo_nb.oauth.mailbox import Mailbox
from intermezzo_nb.profiles import profiles_path
from intermezzo_nb.settings import Settings
from intermezzo_nb.surroundings import Surroundings

_LONG = 5.0  # seconds
HERE = Surroundings("notebook", answers=True, silence="", elsewhere=())


def findings(settings, surroundings=HERE):
    return {f.subject: f for f in examine(settings, surroundings)}


@pytest.fixture
def practised(shared_practice):
    """Give the resolved settings of one of the practice server's clients."""

    def of(who, **changes):
        profile = shared_practice.settings(who, **changes)
        return Settings.resolve(profiles={"default": profile})

    return of


@pytest.mark.parametrize("who", ["person", "machine", "web"])
def test_where_all_is_well_nothing_is_wrong(practised, who, capsys):
    found = findings(practised(who))
    assert [f for f in found.values() if f.verdict == "wrong"] == []
    assert "device grant" in found["it offers"].told
    assert found["clock"].told.startswith("agrees")


def test_all_that_is_missing_is_named_once_with_its_places(monkeypatch):
    monkeypatch.setattr("intermezzo_nb.settings.look", lambda: HERE)
    wrong = [f for f in findings(Settings()).values() if f.verdict == "wrong"]
    (lacking,) = (f for f in wrong if f.subject != "certificates")
    assert "lacks: client_id, issuer or authorization_url, api_url" in lacking.told
    profile = f"under [default] in {profiles_path()}, or set INTERMEZZO_CLIENT_ID"
    assert lacking.advice.startswith("Write client_id, issuer, api_url " + profile)
    assert lacking.advice.endswith("%intermezzo_login --profile demo")


def test_a_variable_that_is_misspelt_is_told_by_the_right_one(practised, monkeypatch):
    monkeypatch.setenv("INTERMEZZO_API_URI", "https://api.example")
    found = findings(practised("person"))
    assert found["INTERMEZZO_API_URI"].advice == "Did you mean INTERMEZZO_API_URL?"


def test_who_does_not_answer_is_named(practised):
    dead = "http://127.0.0.1:9"
    found = findings(practised("person", issuer=dead, api_url=f"{dead}/v1"))
    assert found["authorization server"].verdict == "wrong"
    assert found["API"].verdict == "wrong"
    for name, subject in (("api_url", "API"), ("issuer", "authorization server")):
        assert f"Check {name} in the profile 'default'" in found[subject].advice
    refused = os.strerror(errno.ECONNREFUSED)
    assert refused in found["authorization server"].told
    assert refused in found["API"].told


def test_a_secret_that_cannot_be_read_is_told(practised):
    found = findings(practised("machine", client_secret_file="/nowhere/at/all"))
    assert found["credential"].verdict == "wrong"
    assert "/nowhere/at/all" in found["credential"].told


def test_a_missing_certificate_file_is_told_by_all(
    practised, monkeypatch, somebody_there
):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    settings = practised("person", issuer="https://127.0.0.1:9")
    found = findings(settings)
    assert found["certificates"].verdict == "wrong"
    assert "unset it" in found["certificates"].advice
    assert "/nowhere/ca.pem" in found["authorization server"].told
    made = connect(
        client_id="x", issuer="https://127.0.0.1:9", api_url="https://127.0.0.1:9"
    )
    with pytest.raises(NetworkError):
        made.login()


def test_a_password_in_a_proxy_is_not_shown(practised, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://user:pass-of-the-proxy@127.0.0.1:9")
    told = "".join(str(f) for f in examine(practised("person"), HERE))
    assert "HTTPS_PROXY" in told
    assert "pass-of-the-proxy" not in told


def test_the_clock_is_compared_with_the_server(practised, monkeypatch):
    ahead = doctor._clock(3600.0)
    assert "3600 s behind" in ahead.told
    assert "Set this machine" in ahead.advice
    assert "ahead of" in doctor._clock(-3600.0).told


def test_a_store_that_cannot_be_used_is_told(practised, monkeypatch, tmp_path):
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "taken"))
    found = findings(practised("person", store="file"))
    assert found["store"].verdict == "wrong"
    assert "--store memory" in found["store"].advice


def test_the_redirect_uri_to_register_is_printed(practised):
    uri = "http://127.0.0.1:8765/intermezzo/callback"
    found = findings(practised("person", redirect_uri=uri))
    assert found["to register"].told == uri
    told = findings(practised("person"))["to register"].told
    assert told.startswith("http://127.0.0.1/intermezzo/callback (with any port")


ELSEWHERE = replace(HERE, elsewhere=("JupyterHub (JUPYTERHUB_SERVICE_PREFIX)",))


@pytest.mark.parametrize(
    ("surroundings", "order"),
    [
        (HERE, ["loopback"]),
        (replace(ELSEWHERE, forwards="VS Code forwards"), ["loopback"]),
        (ELSEWHERE, ["device", "paste"]),
    ],
    ids=["here", "forwarded", "elsewhere"],
)
def test_the_order_of_ways_is_told_and_kept(
    practised, connection, monkeypatch, shared_practice, surroundings, order
):
    monkeypatch.setattr(session, "look", lambda: surroundings)
    found = findings(practised("person"), surroundings)
    told = found["ways of signing in"].told
    assert re.findall(r"(?<=then )\w+", told) == order
    made = connection(**shared_practice.settings("person"))
    made.login(wait=False, present=lambda login: None)
    ladder = dict(made.status().ladder)
    assert ladder.pop(order[0]) == "used"
    for subject, finding in found.items():
        if subject.startswith("way: ") and not subject.endswith(order[0]):
            assert ladder[subject.removeprefix("way: ")] == finding.told


def test_what_to_register_for_a_jupyter_server_is_told(
    practised, monkeypatch, tmp_path
):
    Mailbox.open(tmp_path, 42, "/user/ann/")
    place = replace(ELSEWHERE, runtime_dir=tmp_path, parent=42)
    told = to_register(practised, place)
    path = "/user/ann/intermezzo/callback"
    assert f"the Jupyter server's address + {path}" in told
    assert told.endswith(f"such as https://jupyter.example{path}")
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ann/")
    told = to_register(practised, place)
    path = "/hub/user-redirect/intermezzo/callback"
    assert f"the Hub's address + {path}" in told
    assert told.endswith(f"such as https://hub.example{path}")


def to_register(practised, place):
    """Give what is told of the Jupyter server's own way, which comes first."""
    found = examine(practised("person"), place)
    return next(f.told for f in found if f.subject == "to register")


@pytest.mark.parametrize(
    ("variables", "uri"),
    [
        (
            {"JUPYTERHUB_PUBLIC_HUB_URL": "https://pay.example/base/hub/"},
            "https://pay.example/base/hub/user-redirect/intermezzo/callback",
        ),
        (
            {"JUPYTERHUB_HOST": "https://pay.example:8443"},
            "https://pay.example:8443/base/hub/user-redirect/intermezzo/callback",
        ),
        (
            {
                "JUPYTERHUB_SERVER_NAME": "big",
                "JUPYTERHUB_PUBLIC_URL": "https://pay.example/base/user/ann/big/",
            },
            "https://pay.example/base/user/ann/big/intermezzo/callback",
        ),
    ],
    ids=["hub", "subdomains", "named"],
)
def test_what_to_register_for_a_hub_is_whole_where_its_address_is_known(
    practised, monkeypatch, tmp_path, variables, uri
):
    prefix = "/base/user/ann/" + ("big/" if "big" in uri else "")
    Mailbox.open(tmp_path, 42, prefix)
    place = replace(ELSEWHERE, runtime_dir=tmp_path, parent=42)
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", prefix)
    monkeypatch.setenv("JUPYTERHUB_BASE_URL", "/base/")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert to_register(practised, place) == uri


def test_a_refusal_without_a_token_is_said_to_be_usual(practised):
    found = findings(practised("person"))["API"]
    assert found.verdict == "ok"
    assert re.search(
        r"answers \(\d\.\d\d s\); HTTP 401 without a token, as is usual", found.told
    )


def test_an_address_without_the_api_is_noted(practised):
    settings = practised("person")
    found = findings(replace(settings, api_url=settings.api_url + "/v9"))["API"]
    assert found.verdict == "note"
    assert found.told.endswith("HTTP 404 without a token: no /organizations is there")
    assert "Check api_url in the profile 'default'" in found.advice


def test_what_the_api_says_to_a_token_is_certain(practised):
    settings = practised("machine")
    assert findings(settings)["API"].told.endswith("HTTP 200 with that token")
    found = findings(replace(settings, api_url=settings.api_url + "/v9"))["API"]
    assert found.verdict == "wrong"
    assert found.told.endswith("HTTP 404 with that token: no /organizations is there")


def test_an_organization_that_is_not_visible_is_wrong(practised):
    settings, subject = practised("machine"), "visible organization"
    assert subject not in findings(replace(settings, organization="all"))
    found = findings(replace(settings, organization="org_q"))[subject]
    assert found.verdict == "wrong"
    other = re.match(r"org_q is not visible; visible are: (\w+) \((.+?)\)", found.told)
    assert other is not None
    found = findings(replace(settings, organization=other[1]))[subject]
    assert (found.verdict, found.told) == ("ok", f"{other[1]} is visible: {other[2]}")


def test_a_token_that_the_api_does_not_take_is_wrong(practised, shared_practice):
    settings = practised("machine")
    server = shared_practice.settings("machine")["issuer"]
    found = findings(replace(settings, api_url=server))["API"]
    assert found.verdict == "wrong", found


def test_a_refusal_of_a_token_is_neither_read_nor_asked_for_again(practised):
    asked, is_over = [], threading.Event()

    class Refuses(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.headers["Authorization"])
            self.send_response(401)
            self.send_header("Content-Length", "9")
            self.end_headers()
            is_over.wait(_LONG)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Refuses) as server:
        threading.Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}"
        began = time.monotonic()
        found = findings(replace(practised("machine"), api_url=url))["API"]
        took = time.monotonic() - began
        is_over.set()
        server.shutdown()
    assert "HTTP 401 with that token" in found.told
    assert took < _LONG
    assert len(asked) == 1
    assert asked[0].startswith("Bearer ")


def test_where_nobody_can_be_asked_that_is_told(practised):
    found = findings(practised("person", no_input=True))
    assert found["a person"].told == "--no-input was given"


def test_a_way_that_cannot_be_taken_is_wrong(practised):
    found = findings(practised("person", via="server"))
    assert found["ways of signing in"].verdict == "wrong"


@pytest.mark.parametrize(("who", "status"), [("machine", 0), ("nobody", 1)])
def test_the_command_ends_with_a_status(shared_practice, monkeypatch, who, status):
    if who == "machine":
        for name, value in shared_practice.settings("machine").items():
            monkeypatch.setenv(f"INTERMEZZO_{name.upper()}", value)
    done = subprocess.run(
        [sys.executable, "-m", "intermezzo_nb", "doctor"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert "store" in done.stdout
    assert done.stderr == ""


def test_a_wrong_secret_is_found_out(practised, tmp_path, leaks):
    leaks.allow(tmp_path / "wrong")
    (tmp_path / "wrong").write_text("not-the-secret-of-this-client")
    found = findings(practised("machine", client_secret_file=str(tmp_path / "wrong")))
    assert found["client credentials"].verdict == "wrong"
    assert "invalid_client" in found["client credentials"].told


def test_credentials_that_are_good_are_said_to_be(practised):
    assert findings(practised("machine"))["client credentials"].verdict == "ok"


def test_a_misspelt_variable_is_named(monkeypatch):
    monkeypatch.setenv("INTERMEZZO_CLINET_ID", "x")
    found = findings(Settings())["INTERMEZZO_CLINET_ID"]
    assert found.verdict == "wrong"
    assert "INTERMEZZO_CLIENT_ID?" in found.advice


@pytest.mark.parametrize("columns", [20, 80, 200])
def test_what_is_told_wraps_between_words(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    told = f"no answer at https://{'host.' * 12}example, one-and-only, {'word ' * 30}."
    finding = doctor.Finding("wrong", "authorization_endpoint", told, told)
    lines = str(finding).splitlines()
    words = ["✗", "authorization_endpoint", *told.split(), "→", *told.split()]
    assert [word for line in lines for word in line.split()] == words
    assert all(line.startswith(" " * 24) for line in lines[1:])
    breakable = [line for line in lines if "host.host" not in line]
    assert max(map(len, breakable)) <= max(columns, 50)
