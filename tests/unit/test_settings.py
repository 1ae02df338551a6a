"""Which value wins, and what is refused."""

from __future__ import annotations

import inspect
import pickle
import re

import pytest

from intermezzo_nb.addresses import check_url
from intermezzo_nb.advice import named_by_place
from intermezzo_nb.connection import Connection
from intermezzo_nb.credentials import HOW_TO_SET, Credential
from intermezzo_nb.errors import LoginRequired, SettingsError
from intermezzo_nb.profiles import profiles_path, read_profiles
from intermezzo_nb.settings import Settings
from intermezzo_nb.surroundings import Surroundings

UNIT = {
    "INTERMEZZO_ISSUER": "https://login.example",
    "INTERMEZZO_API_URL": "https://api.example/v1",
    "INTERMEZZO_CLIENT_ID": "machine",
    "INTERMEZZO_CLIENT_SECRET": "imz_cs_q7Rk2mX9vB4tL8wZ1cN6yH3sD5fJ0gPa",
}
PROFILES = {
    "default": {"organization": "by-default-profile", "scope": "by-default-profile"},
    "acme": {"organization": "by-acme"},
    "demo": {"issuer": "http://127.0.0.1:9", "client_id": "person"},
}


def code_of(**places):
    with pytest.raises(SettingsError) as caught:
        Settings.resolve(**places)
    return caught.value.code


@pytest.mark.parametrize(
    ("places", "winner", "place"),
    [
        ({"arguments": {"organization": "a"}}, "a", "the call"),
        ({"traits": {"organization": "t"}}, "t", "%config IntermezzoMagics"),
        ({"arguments": {"profile": "acme"}}, "by-acme", "the profile 'acme'"),
        ({}, "by-env", "the environment"),
        ({"environ": {}}, "by-default-profile", "the profile 'default'"),
        (
            {"environ": {"INTERMEZZO_PROFILE": "acme"}},
            "by-acme",
            "the profile 'acme'",
        ),
    ],
)
def test_the_first_place_that_names_a_value_wins(places, winner, place):
    settings = Settings.resolve(
        **{
            "profiles": PROFILES,
            "environ": {"INTERMEZZO_ORGANIZATION": "by-env"},
            **places,
        }
    )
    assert (settings.organization, settings.places["organization"]) == (winner, place)


def test_every_setting_is_described():
    # Python 3.13 takes the indentation off, which getdoc does everywhere.
    described = inspect.getdoc(Settings) or ""
    names = re.findall(
        r"[a-z_]+", "\n".join(re.findall("^([a-z].*) : ", described, re.MULTILINE))
    )
    assert {*names} == {*Settings.__struct_fields__}


def test_arguments_win_over_traits_over_profiles():
    places = {
        "arguments": {"organization": "a", "profile": "acme"},
        "traits": {"organization": "t"},
    }
    assert Settings.resolve(**places, profiles=PROFILES).organization == "a"
    del places["arguments"]["organization"]
    assert Settings.resolve(**places, profiles=PROFILES).organization == "t"


@pytest.mark.parametrize(
    ("issuer", "is_practice"),
    [("http://127.0.0.1:9", True), ("https://login.example", False)],
)
def test_a_profile_called_demo_is_practice_on_this_machine_alone(issuer, is_practice):
    profiles = {"demo": {"issuer": issuer}}
    found = Settings.resolve(arguments={"profile": "demo"}, profiles=profiles)
    assert found.is_practice is is_practice
    assert not Settings(issuer=issuer).is_practice


def test_a_complete_unit_from_one_place_is_a_machine():
    settings = Settings.resolve(environ=UNIT)
    assert settings.is_machine
    assert settings.client_secret == Credential(
        "environment", "INTERMEZZO_CLIENT_SECRET"
    )


@pytest.mark.parametrize(
    "others",
    [
        {"arguments": {"issuer": "https://evil.example"}},
        {"arguments": {"client_id": "other"}},
        {"arguments": {"api_url": "https://evil.example"}},
        {"traits": {"issuer": "https://evil.example"}},
        {"arguments": {"profile": "demo"}},
    ],
)
def test_a_secret_goes_only_where_its_own_place_says(others):
    places = {"environ": UNIT, "profiles": PROFILES, **others}
    assert code_of(**places) == "mixed_credentials"


def test_a_revocation_endpoint_from_elsewhere_gets_no_secret():
    profiles = {"default": {"revocation_url": "https://evil.example/revoke"}}
    assert code_of(environ=UNIT, profiles=profiles) == "mixed_credentials"


def test_the_same_value_in_two_places_is_no_mixture():
    settings = Settings.resolve(
        arguments={"client_id": "machine"}, environ=UNIT, profiles={}
    )
    assert settings.is_machine


def test_both_places_are_named():
    with pytest.raises(SettingsError) as caught:
        Settings.resolve(arguments={"client_id": "x"}, environ=UNIT)
    assert "the environment" in str(caught.value)
    assert "the call" in str(caught.value)


@pytest.mark.parametrize("place", ["arguments", "traits"])
def test_a_literal_secret_is_refused(place):
    assert code_of(**{place: {"client_secret": "x"}}) == "secret_in_plain_sight"


def test_a_literal_secret_in_a_profile_is_refused():
    profiles = {"default": {"client_secret": "x"}}
    assert code_of(profiles=profiles) == "secret_in_plain_sight"


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://[::1%25evil]:80",
    ],
)
def test_plain_http_is_refused_off_loopback(url):
    assert code_of(arguments={"issuer": url}) in {"insecure_url", "bad_setting"}


@pytest.mark.parametrize(
    "url",
    ["", "login.example", "ftp://x", "https://", "https://u:p@x", "https://x:y/"],
)
def test_what_is_no_web_address_is_refused(url):
    with pytest.raises(SettingsError):
        check_url("issuer", url, "the call")


@pytest.mark.parametrize(
    "host", ["127.0.0.1:80", "localhost:1", "[::1]:2", "127.9.9.9"]
)
def test_plain_http_is_fine_on_loopback(host):
    url = f"http://{host}/x"
    assert check_url("issuer", url, "the call") == url


def test_all_missing_settings_are_named_at_once():
    with pytest.raises(SettingsError) as caught:
        Settings.resolve().require("client_id", "issuer|token_url", "api_url")
    for variable in ("CLIENT_ID", "ISSUER", "TOKEN_URL", "API_URL"):
        assert f"INTERMEZZO_{variable}" in caught.value.advice


@pytest.fixture
def person(monkeypatch):
    """Let somebody be there, in whichever way the tests are run."""
    here = Surroundings("notebook", answers=True, silence="", elsewhere=())
    monkeypatch.setattr("intermezzo_nb.settings.look", lambda: here)


def lacking(settings, *names):
    with pytest.raises(SettingsError) as caught:
        settings.require(*names)
    assert caught.value.code == "missing_setting"
    return caught.value


def write_profiles(text):
    path = profiles_path()
    path.parent.mkdir(parents=True)
    path.write_text(text)


def test_who_lacks_one_is_told_all_that_will_be_needed(person):
    error = lacking(Settings(), "api_url")
    for name in ("client_id", "issuer", "api_url"):
        assert name in error.what
        assert f"INTERMEZZO_{name.upper()}" in error.advice
    assert "%intermezzo_login --client-id, --issuer, --api-url" in error.advice
    place = f"under [default] in {profiles_path()}"
    assert error.advice.startswith(f"Write client_id, issuer, api_url {place}, or set")
    assert "%intermezzo_login --profile demo" in error.advice


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[acme]", "There are the profiles: acme. %intermezzo_login --profile acme."),
        ("[a]\n[b]", "There are the profiles: a, b. %intermezzo_login --profile NAME."),
    ],
)
def test_the_profiles_that_are_there_are_named_before_the_demo(person, text, told):
    write_profiles(text)
    error = lacking(Settings(), "api_url")
    assert error.advice.startswith(told)
    assert "demo" not in error.advice


def test_a_profile_that_was_named_is_not_exchanged_for_another(person):
    write_profiles("[acme]\n[other]")
    advice = lacking(
        Settings("acme", "o", "id", issuer="https://i.x"), "api_url"
    ).advice
    place = f"the profile 'acme' ({profiles_path()})"
    assert advice.startswith(f"Set api_url in {place}, or INTERMEZZO_API_URL, or give")
    assert "other" not in advice
    assert "demo" not in advice


def test_where_nobody_is_there_variables_are_named_first():
    error = lacking(Settings(no_input=True), "api_url")
    assert "%intermezzo_login" not in error.advice
    assert error.advice.startswith("Set INTERMEZZO_CLIENT_ID; ")
    assert error.advice.endswith(f"under [default] in {profiles_path()}.")
    write_profiles("[acme]")
    error = lacking(Settings(no_input=True), "api_url")
    assert "INTERMEZZO_PROFILE to one of acme" in error.advice


def unattended(**sources):
    """Sign in where nobody is, with nothing to prove who this client is."""
    settings = Settings.resolve(**sources).replace(no_input=True, store="memory")
    with pytest.raises(LoginRequired, match="nobody can be asked") as caught:
        Connection(settings).login()
    return caught.value.advice


def test_a_token_that_was_given_and_is_refused_is_to_be_put_there_anew(
    monkeypatch, tmp_path
):
    why = "the notebook runs unattended"
    here = Surroundings("notebook", answers=False, silence=why, elsewhere=())
    monkeypatch.setattr("intermezzo_nb.session.look", lambda: here)
    path = tmp_path / "token"
    path.write_text("a-token-of-no-use")
    path.chmod(0o600)
    environ = {
        "INTERMEZZO_ACCESS_TOKEN_FILE": str(path),
        "INTERMEZZO_API_URL": "https://a.x",
    }
    session = Connection(Settings.resolve(environ=environ))._session
    with pytest.raises(LoginRequired) as caught:
        session.token(rejected=session.token().access_token)
    path.unlink()
    assert caught.value.advice == "Put a new one there."


def test_a_secret_is_asked_for_where_the_client_is_named():
    acme = {"client_id": "c", "issuer": "https://i.x", "api_url": "https://a.x"}
    where = {"arguments": {"profile": "acme"}, "profiles": {"acme": acme}}
    told = unattended(**where)
    assert told == (
        f"Set client_secret_file in the profile 'acme' ({profiles_path()})."
    )
    with pytest.raises(SettingsError, match="mixed_credentials"):
        Settings.resolve(**where, environ={"INTERMEZZO_CLIENT_SECRET": "s"})
    acme["client_secret_file"] = "f"
    assert Settings.resolve(**where).is_machine


def test_a_secret_belongs_to_the_environment_beside_its_client():
    environ = {f"INTERMEZZO_{n}": "https://x.x" for n in ("ISSUER", "API_URL")}
    told = unattended(environ={**environ, "INTERMEZZO_CLIENT_ID": "c"})
    assert told.startswith("Set the variable INTERMEZZO_CLIENT_SECRET or ")


@pytest.mark.parametrize(
    ("silence", "told"),
    [
        ("", "Sign in: %intermezzo_login (in Python: .login())"),
        (
            "the notebook runs unattended",
            f"Set {HOW_TO_SET}.",
        ),
    ],
)
def test_who_only_reads_is_told_how_to_sign_in_here(monkeypatch, silence, told):
    here = Surroundings("script", not silence, silence, ())
    monkeypatch.setattr("intermezzo_nb.session.look", lambda: here)
    settings = Settings(client_id="c", issuer="https://i.x", api_url="https://a.x")
    with pytest.raises(LoginRequired, match="nobody is signed in") as caught:
        Connection(settings.replace(store="memory")).get("/organizations")
    assert caught.value.advice == told
    assert silence in caught.value.why.casefold()


def test_what_is_missing_belongs_beside_the_credentials(person, tmp_path):
    environ = {"INTERMEZZO_CLIENT_ID": "c", "INTERMEZZO_CLIENT_SECRET": "s"}
    settings = Settings.resolve(environ=environ)
    assert lacking(settings, *settings.needed).advice == (
        "Set INTERMEZZO_ISSUER or INTERMEZZO_TOKEN_URL; INTERMEZZO_API_URL."
    )
    profile = {"client_id": "c", "client_secret_file": "f", "issuer": "https://i.x"}
    settings = Settings.resolve(arguments={"profile": "p"}, profiles={"p": profile})
    advice = lacking(settings, *settings.needed).advice
    assert advice == f"Set api_url in the profile 'p' ({profiles_path()})."


@pytest.mark.parametrize("name", ["client_secret", "client_key", "access_token"])
def test_the_setting_that_names_a_missing_file_is_told(name, tmp_path):
    setting, missing = f"{name}_file", str(tmp_path / "none")
    in_environment = {"environ": {f"INTERMEZZO_{setting.upper()}": missing}}
    in_a_profile = {"profiles": {"default": {setting: missing}}}
    for places, told in (
        (in_environment, f"INTERMEZZO_{setting.upper()}."),
        (in_a_profile, f"{setting} in the profile 'default'."),
    ):
        with pytest.raises(SettingsError) as caught:
            getattr(Settings.resolve(**places), name).read()
        assert caught.value.advice.endswith(f"or change {told}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timeout", "soon"),
        ("timeout", "-1"),
        ("timeout", "nan"),
        ("timeout", "1e20"),
        ("store", "cloud"),
    ],
)
def test_a_wrong_value_is_told_with_its_place(name, value):
    with pytest.raises(SettingsError) as caught:
        Settings.resolve(environ={f"INTERMEZZO_{name.upper()}": value})
    assert "the environment" in str(caught.value)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("the environment", "INTERMEZZO_API_URL"),
        ("the call", "--api-url (in Python: api_url=…)"),
        ("%config IntermezzoMagics", "%config IntermezzoMagics.api_url"),
        ("the profile 'acme'", "api_url in the profile 'acme' ({})"),
        ("the profile 'demo'", "api_url in the profile 'demo'"),
    ],
)
def test_an_error_names_a_setting_by_the_place_where_it_was_found(place, told):
    advice = "Check INTERMEZZO_API_URL, or set INTERMEZZO_TOKEN_URL."
    with (
        pytest.raises(SettingsError) as caught,
        named_by_place({"api_url": place}),
    ):
        raise SettingsError("no", advice=advice)
    named = told.format(profiles_path())
    assert caught.value.advice == f"Check {named}, or set INTERMEZZO_TOKEN_URL."


def test_no_profile_is_told_to_name_another_one():
    with (
        pytest.raises(SettingsError) as caught,
        named_by_place({"profile": "the profile 'default'"}),
    ):
        raise SettingsError("no", advice="Set INTERMEZZO_PROFILE to one of acme.")
    assert caught.value.advice == "Set INTERMEZZO_PROFILE to one of acme."


def test_an_unknown_profile_gets_a_suggestion():
    with pytest.raises(SettingsError) as caught:
        Settings.resolve(arguments={"profile": "akme"}, profiles=PROFILES)
    assert caught.value.code == "unknown_profile"
    assert "'acme'" in caught.value.advice


def test_an_unknown_setting_in_a_profile_gets_a_suggestion():
    with pytest.raises(SettingsError) as caught:
        Settings.resolve(profiles={"default": {"isuer": "https://x.example"}})
    assert "issuer" in caught.value.advice


def test_settings_travel_without_a_secret():
    settings = Settings.resolve(environ=UNIT)
    packed = pickle.dumps(settings)
    assert UNIT["INTERMEZZO_CLIENT_SECRET"].encode() not in packed
    assert pickle.loads(packed) == settings  # noqa: S301 (our own bytes)


def test_a_secret_file_is_read_again_at_each_use(tmp_path):
    path = tmp_path / "secret"
    place = Credential("file", str(path))
    path.write_text("first-of-two-secrets\n")
    assert place.read().reveal() == "first-of-two-secrets"
    path.write_text("second-of-two-secrets\n")
    assert place.read().reveal() == "second-of-two-secrets"
    path.unlink()
    with pytest.raises(SettingsError):
        place.read()


@pytest.mark.parametrize("text", ["not = [toml", "loose = 1", "\udce4"])
def test_a_broken_profile_file_is_told_by_path(tmp_path, text):
    path = tmp_path / "profiles.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError) as caught:
        read_profiles(path)
    assert str(path) in str(caught.value)


def test_no_profile_file_means_no_profiles(tmp_path):
    assert read_profiles(tmp_path / "none.toml") == {}


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ({"arguments": {"via": "bogus"}}, "--via"),
        ({"traits": {"via": "bogus"}}, "%config IntermezzoMagics.via"),
        ({"environ": {"INTERMEZZO_VIA": "bogus"}}, "INTERMEZZO_VIA"),
        ({"profiles": {"default": {"via": "bogus"}}}, "the profile 'default'"),
    ],
)
def test_what_is_wrong_is_changed_where_it_stands(where, told):
    with pytest.raises(SettingsError) as caught:
        Settings.resolve(**where)
    assert told in caught.value.advice
