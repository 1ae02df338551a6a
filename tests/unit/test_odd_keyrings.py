"""Keyrings that are missing, hang, forget, or fail: passed by, and told."""

from __future__ import annotations

import sys
import threading

import keyring
import keyring.backend
import pytest
from msgspec.structs import replace
from store_contract import KEY, TOKEN, StoreContract

from intermezzo_nb.errors import StoreError
from intermezzo_nb.secret import Secret
from intermezzo_nb.settings import Settings
from intermezzo_nb.surroundings import Surroundings
from intermezzo_nb.tokens import keyring as ours
from intermezzo_nb.tokens.choice import choose_store
from intermezzo_nb.tokens.keyring import KeyringStore, why_no_keyring
from intermezzo_nb.tokens.store import FileStore

HERE = Surroundings("notebook", answers=True, silence="", elsewhere=())


class Backend(keyring.backend.KeyringBackend):
    """A keyring in memory that can be made to misbehave."""

    priority = -1  # never chosen by itself

    def __init__(self):
        self.kept = {}
        self.forgets = False
        self.fails = None
        self.goes_on = threading.Event()
        self.goes_on.set()

    def get_password(self, service, username):
        self._behave()
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self._behave()
        if not self.forgets:
            self.kept[service, username] = password

    def delete_password(self, service, username):
        self._behave()
        self.kept.pop((service, username), None)

    def _behave(self):
        assert self.goes_on.wait(10)
        if self.fails:
            raise self.fails


def wait_for_what_was_left_alone():
    for thread in threading.enumerate():
        if thread.name == "intermezzo-keyring":
            thread.join(10)


@pytest.fixture
def backend(monkeypatch):
    made = Backend()
    before = keyring.get_keyring()
    keyring.set_keyring(made)
    why_no_keyring.cache_clear()
    yield made
    made.goes_on.set()
    wait_for_what_was_left_alone()
    keyring.set_keyring(before)
    why_no_keyring.cache_clear()


@pytest.fixture
def soon_given_up(monkeypatch):
    monkeypatch.setattr(ours, "_PROBE", 1.0)
    monkeypatch.setattr(ours, "_UNLOCKING", 1.0)


@pytest.mark.usefixtures("backend")
class TestKeyring(StoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        return KeyringStore(tmp_path / "locks")


@pytest.fixture
def store(backend, tmp_path):
    return KeyringStore(tmp_path / "locks")


def test_the_probe_leaves_nothing(backend):
    assert why_no_keyring() == ""
    assert backend.kept == {}


@pytest.mark.usefixtures("soon_given_up")
def test_a_keyring_that_asks_somebody_is_passed_by(backend):
    backend.goes_on.clear()
    assert "may be locked" in why_no_keyring()
    assert isinstance(choose_store(Settings(), HERE), FileStore)


def test_a_keyring_that_forgets_is_passed_by(backend):
    backend.forgets = True
    assert "does not keep" in why_no_keyring()


def test_a_keyring_that_fails_is_passed_by(backend):
    backend.fails = RuntimeError("with a secret in its text")
    assert "RuntimeError" in why_no_keyring()
    assert "secret" not in why_no_keyring()


def test_without_the_package_the_file_is_taken(backend, monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert "not installed" in why_no_keyring()
    assert isinstance(choose_store(Settings(), HERE), FileStore)
    with pytest.raises(StoreError, match="cannot be used") as caught:
        KeyringStore().load(KEY)
    assert "pip install keyring)" in caught.value.advice
    assert "--store file" in caught.value.advice


@pytest.mark.usefixtures("soon_given_up")
def test_a_keyring_that_was_locked_meanwhile_is_told(store, backend):
    store.save(KEY, TOKEN)
    backend.goes_on.clear()
    with pytest.raises(StoreError, match="may be locked"):
        store.load(KEY)
    with pytest.raises(StoreError, match="cannot be used"):
        store.save(KEY, TOKEN)  # what is left alone may still write
    backend.goes_on.set()
    wait_for_what_was_left_alone()
    assert store.load(KEY).refresh_token == TOKEN.refresh_token


def test_a_keyring_that_breaks_meanwhile_is_told_without_its_words(store, backend):
    store.save(KEY, TOKEN)
    backend.fails = OSError("with a secret in its text")
    for act in (store.load, store.delete, lambda key: store.save(key, TOKEN)):
        with pytest.raises(StoreError) as caught:
            act(KEY)
        assert "OSError" in caught.value.why
        assert "secret" not in str(caught.value)


def test_a_session_that_cannot_be_renewed_is_not_kept(store, backend):
    store.save(KEY, TOKEN)
    store.save(KEY, replace(TOKEN, refresh_token=None))
    assert store.load(KEY) is None
    assert backend.kept == {}


@pytest.mark.parametrize("text", ["{", "[]", "5", '{"version": 2}', "[" * 10_000])
def test_what_is_damaged_is_told_and_stays(store, backend, text):
    store.save(KEY, TOKEN)
    (place,) = backend.kept
    backend.kept[place] = text
    with pytest.raises(StoreError) as caught:
        store.load(KEY)
    assert caught.value.code == "store_damaged"
    assert backend.kept[place] == text


@pytest.mark.usefixtures("soon_given_up")
def test_a_write_that_was_left_alone_does_not_undo_a_later_one(store, backend):
    newer = replace(TOKEN, refresh_token=Secret("refresh-token-that-came-later"))
    store.save(KEY, TOKEN)
    (place,) = backend.kept
    backend.goes_on.clear()
    with pytest.raises(StoreError):
        store.save(KEY, TOKEN)
    stuck, backend.goes_on = backend.goes_on, threading.Event()
    backend.goes_on.set()  # for all that come later
    with pytest.raises(StoreError):
        store.save(KEY, newer)
    stuck.set()
    wait_for_what_was_left_alone()
    store.save(KEY, newer)
    assert newer.refresh_token.reveal() in backend.kept[place]
