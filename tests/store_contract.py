"""What every store of sessions has to do; test classes say which store."""

from __future__ import annotations

import threading

from msgspec.structs import replace

from intermezzo_nb.oauth.models import Token
from intermezzo_nb.secret import Secret
from intermezzo_nb.tokens.store import session_key

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
        kept = store.load(KEY)
        assert kept.refresh_token == TOKEN.refresh_token
        assert (kept.scope, kept.id_claims) == (TOKEN.scope, TOKEN.id_claims)
        # Some keep no access token; none keeps another.
        assert kept == TOKEN or not kept.access_token

    def test_nothing_saved_is_none(self, store):
        assert store.load(KEY) is None

    def test_a_save_replaces(self, store):
        store.save(KEY, TOKEN)
        newer = Secret("imz_rt_another_one_that_came_later")
        store.save(KEY, replace(TOKEN, refresh_token=newer))
        assert store.load(KEY).refresh_token == newer

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
