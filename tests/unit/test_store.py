"""One contract for every store; what the private file has to withstand."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
import threading

import pytest

from intermezzo_nb.credentials import Credential
from intermezzo_nb.errors import StoreError
from intermezzo_nb.oauth.models import Token
from intermezzo_nb.secret import Secret
from intermezzo_nb.settings import Settings
from intermezzo_nb.tokens.store import (
    FileStore,
    MemoryStore,
    choose_store,
    session_key,
)

TOKEN = Token(
    access_token=Secret("imz_at_9fXk2LmQ8rTz5WvB1nYc4HsD"),
    issued_at=1_900_000_000.25,
    expires_in=3600.0,
    refresh_token=Secret("imz_rt_7gYp3NnR6sUa0XwC2oZd5JtE"),
    scope="openid offline_access",
    id_claims={"sub": "p1", "name": "Anne-Zoë"},
)
KEY = session_key(issuer="https://login.example", client="c", profile="p")


class StoreContract:
    """What every store has to do; its classes say which store."""

    def test_what_is_saved_is_loaded(self, store):
        store.save(KEY, TOKEN)
        assert store.load(KEY) == TOKEN

    def test_nothing_saved_is_none(self, store):
        assert store.load(KEY) is None

    def test_a_save_replaces(self, store):
        store.save(KEY, TOKEN)
        newer = Token(Secret("other"), issued_at=2.0)
        store.save(KEY, newer)
        assert store.load(KEY) == newer

    def test_a_delete_is_for_good_and_may_be_repeated(self, store):
        store.save(KEY, TOKEN)
        store.delete(KEY)
        store.delete(KEY)
        assert store.load(KEY) is None

    def test_keys_do_not_meet(self, store):
        store.save(KEY, TOKEN)
        assert store.load(session_key(issuer="https://other.example")) is None

    def test_the_lock_lets_one_in_at_a_time(self, store):
        inside, most = [], []

        def work():
            with store.lock(KEY):
                inside.append(1)
                most.append(len(inside))
                threading.Event().wait(0.005)
                inside.pop()

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert max(most) == 1

    def test_it_says_where_it_keeps(self, store):
        assert store.where


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


@pytest.mark.parametrize(
    ("settings", "elsewhere", "kind"),
    [
        (Settings(), (), FileStore),
        (Settings(store="memory"), (), MemoryStore),
        (Settings(profile="demo"), (), MemoryStore),
        (Settings(profile="demo", store="file"), (), FileStore),
        (Settings(), ("Binder (BINDER_SERVICE_HOST)",), MemoryStore),
        (Settings(), ("Google Colab (COLAB_RELEASE_TAG)",), MemoryStore),
        (Settings(), ("an SSH session (SSH_CONNECTION)",), FileStore),
        (MACHINE, (), MemoryStore),
    ],
)
def test_where_a_session_is_kept(settings, elsewhere, kind):
    assert isinstance(choose_store(settings, elsewhere), kind)
