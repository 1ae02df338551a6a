"""One contract for every store; what the private file has to withstand."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import stat

import pytest
from store_contract import KEY, TOKEN, StoreContract

from intermezzo_nb.credentials import Credential
from intermezzo_nb.errors import StoreError
from intermezzo_nb.oauth.models import Token
from intermezzo_nb.secret import Secret
from intermezzo_nb.settings import Settings
from intermezzo_nb.surroundings import Surroundings
from intermezzo_nb.tokens import choice
from intermezzo_nb.tokens.choice import choose_store
from intermezzo_nb.tokens.keyring import KeyringStore, why_no_keyring
from intermezzo_nb.tokens.store import FileStore, MemoryStore


class TestMemory(StoreContract):
    @pytest.fixture
    def store(self):
        return MemoryStore()


class TestFile(StoreContract):
    @pytest.fixture
    def store(self, tmp_path, leaks):
        leaks.allow(tmp_path / "sessions")
        return FileStore(tmp_path / "sessions")

    def test_only_the_owner_can_read(self, store, tmp_path):
        store.save(KEY, TOKEN)
        folder = tmp_path / "sessions"
        files = list(folder.iterdir())
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}
        assert [f.suffix for f in files] == [".json"]

    def test_a_file_open_to_others_is_refused(self, store, tmp_path):
        store.save(KEY, TOKEN)
        path = next((tmp_path / "sessions").glob("*.json"))
        path.chmod(0o640)
        with pytest.raises(StoreError) as caught:
            store.load(KEY)
        assert caught.value.code == "store_exposed"
        assert str(path) in caught.value.advice

    @pytest.mark.skipif(os.geteuid() != 0, reason="giving files away takes root")
    def test_a_foreign_file_is_refused(self, store, tmp_path):
        store.save(KEY, TOKEN)
        os.chown(next((tmp_path / "sessions").glob("*.json")), 12345, -1)
        with pytest.raises(StoreError):
            store.load(KEY)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b'{"version": 1}',
            b"\xff\xfe",
            b"[" * 100_000,
            json.dumps({"version": 1, "key": "another"}).encode(),
            json.dumps(
                {
                    "version": 1,
                    "key": KEY,
                    "access_token": 5,
                    "issued_at": 1,
                    "expires_in": None,
                    "refresh_token": None,
                    "scope": None,
                    "id_claims": {},
                }
            ).encode(),
        ],
    )
    def test_a_damaged_file_is_told_and_can_be_replaced(self, store, tmp_path, content):
        store.save(KEY, TOKEN)
        next((tmp_path / "sessions").glob("*.json")).write_bytes(content)
        with pytest.raises(StoreError) as caught:
            store.load(KEY)
        assert caught.value.code == "store_damaged"
        store.save(KEY, TOKEN)
        assert store.load(KEY) == TOKEN

    def test_a_link_is_not_followed(self, store, tmp_path):
        store.save(KEY, TOKEN)
        path = next((tmp_path / "sessions").glob("*.json"))
        path.rename(tmp_path / "sessions" / "elsewhere")
        path.symlink_to(tmp_path / "sessions" / "elsewhere")
        with pytest.raises(StoreError):
            store.load(KEY)

    def test_a_folder_that_cannot_be_used_is_told(self, tmp_path):
        (tmp_path / "sessions").write_text("a file is in the way")
        store = FileStore(tmp_path / "sessions")
        for act in (lambda: store.load(KEY), lambda: store.save(KEY, TOKEN)):
            with pytest.raises(StoreError) as caught:
                act()
            assert str(tmp_path / "sessions") in str(caught.value)

    @pytest.mark.parametrize("fault", [errno.ETIMEDOUT, errno.EIO])
    def test_a_disk_that_does_not_answer_is_not_held_by_others(
        self, store, monkeypatch, fault
    ):
        def silent(*_, **__):
            raise OSError(fault, os.strerror(fault))

        store.save(KEY, TOKEN)
        monkeypatch.setattr(os, "open", silent)
        with pytest.raises(StoreError) as caught, store.lock(KEY):
            pass
        assert caught.value.code == "store_error"
        assert os.strerror(fault) in caught.value.why

    def test_a_failed_write_leaves_the_old_session(self, store, tmp_path, monkeypatch):
        store.save(KEY, TOKEN)

        def full(_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StoreError):
            store.save(KEY, Token(Secret("other"), issued_at=2.0))
        monkeypatch.undo()
        assert store.load(KEY) == TOKEN
        assert len(list((tmp_path / "sessions").iterdir())) == 1

    def test_two_processes_share_the_lock(self, store, tmp_path):
        context = multiprocessing.get_context("spawn")
        count = tmp_path / "count"
        count.write_text("0")
        workers = [
            context.Process(target=_count_up, args=(tmp_path / "sessions", count))
            for _ in range(3)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(30)
        assert count.read_text() == "60"


def _count_up(folder, count):
    store = FileStore(folder)
    for _ in range(20):
        with store.lock(KEY):
            count.write_text(str(int(count.read_text()) + 1))


MACHINE = Settings(client_secret=Credential("environment", "X"))


def here(*elsewhere, answers=True):
    return Surroundings("notebook", answers, "", elsewhere)


@pytest.mark.parametrize(
    ("settings", "surroundings", "kind"),
    [
        (Settings(), here(), FileStore),
        (Settings(store="memory"), here(), MemoryStore),
        (Settings(store="keyring"), here(), KeyringStore),
        (Settings(profile="demo"), here(), MemoryStore),
        (Settings(profile="demo", store="file"), here(), FileStore),
        (Settings(), here("Binder (BINDER_SERVICE_HOST)"), MemoryStore),
        (Settings(), here("Google Colab (COLAB_RELEASE_TAG)"), MemoryStore),
        (Settings(), here("an SSH session (SSH_CONNECTION)"), FileStore),
        (MACHINE, here(), MemoryStore),
    ],
)
def test_where_a_session_is_kept(settings, surroundings, kind):
    assert isinstance(choose_store(settings, surroundings), kind)


def test_a_keyring_that_works_is_taken_where_somebody_can_unlock_it(monkeypatch):
    monkeypatch.setattr(choice, "why_no_keyring", lambda: "")
    assert isinstance(choose_store(Settings(), here()), KeyringStore)
    for settings, surroundings in (
        (Settings(), here(answers=False)),
        (Settings(no_input=True), here()),
    ):
        assert isinstance(choose_store(settings, surroundings), FileStore)


def test_a_keyring_that_does_not_encrypt_is_refused():
    why_no_keyring.cache_clear()
    assert "keyrings.alt" in why_no_keyring()
    with pytest.raises(StoreError) as caught:
        KeyringStore().load(KEY)
    assert "--store file" in caught.value.advice
