"""The device grant (RFC 8628): a code here, a browser anywhere."""

from __future__ import annotations

import threading

import pytest

from intermezzo_nb.errors import LoginDenied, LoginExpired, LoginRequired


@pytest.fixture(params=["practice", "foreign", "foreign_with_its_own_pages"])
def server(request):
    """Give the settings of a person's client, and a path that the token opens."""
    if request.param == "practice":
        practice = request.getfixturevalue("shared_practice")
        return practice.settings("person", via="device"), "/organizations"
    foreign = request.getfixturevalue(request.param)
    settings = {
        "issuer": foreign.issuer,
        "api_url": foreign.api,
        "client_id": "native",
        "scope": "openid profile email offline_access read:things",
        "via": "device",
    }
    return settings, "/things"


@pytest.fixture
def with_device(somebody_there, person):
    """Let a person enter the code that is shown; give what they were shown."""

    def go(connection, answer="allow", typed=lambda prompt: prompt.url):
        browser, prompts, threads = person(answer), [], []

        def present(login):
            prompts.append(login.prompt)
            url = typed(login.prompt)
            threads.append(threading.Thread(target=browser.enter_code, args=(url,)))
            threads[-1].start()

        try:
            status = connection.login(present=present)
        finally:
            for thread in threads:
                thread.join(20)
        return status, prompts[0]

    return go


def test_a_code_is_entered_and_the_api_is_read(server, connection, with_device):
    settings, path = server
    made = connection(**settings)
    status, prompt = with_device(made)
    assert status.state == "signed in"
    assert status.renews
    assert status.identity is not None
    assert prompt.user_code in str(prompt)
    assert prompt.enter_at in str(prompt)
    assert made.get(path)


def test_a_device_renews_and_signs_out(server, connection, with_device):
    settings, path = server
    made = connection(**settings)
    with_device(made)
    token = made._session.token()
    made._session.token(rejected=token.access_token)
    assert made.get(path)
    assert made.logout().revoked == ("refresh token", "access token")
    with pytest.raises(LoginRequired):
        made.get(path)


def test_who_says_no_is_heard(server, connection, with_device):
    settings, _ = server
    with pytest.raises(LoginDenied):
        with_device(connection(**settings), answer="deny")


def test_a_code_that_nobody_enters_ends_with_advice(server, connection, somebody_there):
    settings, _ = server
    made = connection(**settings, timeout=1.5)
    with pytest.raises(LoginExpired) as caught:
        made.login(present=lambda login: None)
    assert "%intermezzo_login again" in caught.value.advice


def test_the_short_address_takes_the_code_however_it_is_typed(
    shared_practice, connection, with_device
):
    made = connection(**shared_practice.settings("person", via="device"))

    def typed(prompt):
        code = prompt.user_code.replace("-", " ").lower()
        return f"{prompt.enter_at}?user_code={code}"

    status, _ = with_device(made, typed=typed)
    assert status.state == "signed in"


def test_a_code_works_once(shared_practice, connection, with_device, person):
    made = connection(**shared_practice.settings("person", via="device"))
    _, prompt = with_device(made)
    assert "No notebook waits" in person().open(prompt.url).text
