"""The keyring store on a real keyring: GNOME's, over a bus of its own."""

from __future__ import annotations

import gc
import subprocess
import time

import keyring
import keyring.backend
import keyring.core
import pytest
import secretstorage
from store_contract import KEY, TOKEN, StoreContract

from intermezzo_nb.errors import StoreError
from intermezzo_nb.settings import Settings
from intermezzo_nb.surroundings import Surroundings
from intermezzo_nb.tokens.choice import choose_store
from intermezzo_nb.tokens.keyring import KeyringStore, why_no_keyring
from intermezzo_nb.tokens.store import FileStore

# The library leaves its connections to the bus to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
HERE = Surroundings("notebook", answers=True, silence="", elsewhere=())


# A bus that starts nothing of the machine: a second keyring, locked, might come first.
_BUS = """<busconfig>
<type>session</type>
<listen>unix:tmpdir=/tmp</listen>
<servicedir>{services}</servicedir>
<policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy>
</busconfig>"""


_BROKEN = "[D-BUS Service]\nName=org.freedesktop.secrets\nExec=/bin/false\n"


@pytest.fixture
def services(tmp_path):
    """What the bus starts when it is asked for: nothing, to begin with."""
    folder = tmp_path / "services"
    folder.mkdir()
    return folder


@pytest.fixture
def bus(monkeypatch, tmp_path, services):
    """A session bus with nothing on it."""
    configuration = tmp_path / "bus.conf"
    configuration.write_text(_BUS.format(services=services))
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    process = subprocess.Popen(
        [
            *("dbus-daemon", f"--config-file={configuration}"),
            *("--print-address", "--nofork", "--nosyslog"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", process.stdout.readline().strip())
    look_anew()
    yield
    process.terminate()
    process.wait(10)
    process.stdout.close()
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    look_anew()
    gc.collect()  # here, where what it warns of is known


@pytest.fixture
def unlocked(bus):
    """GNOME's keyring, unlocked with a password as a sign-in to the desktop does."""
    daemon = started("--unlock", told="a password")
    yield
    daemon.terminate()
    daemon.wait(10)


@pytest.fixture
def locked(bus):
    """GNOME's keyring before anybody has signed in to the desktop."""
    daemon = started()
    yield
    daemon.terminate()
    daemon.wait(10)


def is_there():
    connection = secretstorage.dbus_init()
    try:
        return secretstorage.check_service_availability(connection)
    finally:
        connection.close()


def started(*options, told=""):
    process = subprocess.Popen(
        ["gnome-keyring-daemon", "--components=secrets", "--foreground", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    process.stdin.write(told)
    process.stdin.close()
    until = time.monotonic() + 10
    while not is_there() and time.monotonic() < until:
        time.sleep(0.05)
    look_anew()
    return process


def look_anew():
    keyring.core._keyring_backend = None
    vars(keyring.backend.get_all_keyring).pop("saved_result", None)
    why_no_keyring.cache_clear()


@pytest.mark.usefixtures("unlocked")
class TestKeyring(StoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        return KeyringStore(tmp_path / "locks")

    def test_it_is_the_keyring_that_keeps(self, store, tmp_path):
        assert why_no_keyring() == ""
        store.save(KEY, TOKEN)
        again = KeyringStore(tmp_path / "elsewhere")
        assert again.load(KEY).refresh_token == TOKEN.refresh_token

    def test_no_access_token_is_kept(self, store):
        store.save(KEY, TOKEN)
        kept = store.load(KEY)
        assert not kept.access_token
        assert (kept.issued_at, kept.expires_in) == (0.0, 1.0)

    def test_what_is_damaged_is_told(self, store):
        store.save(KEY, TOKEN)
        keyring.set_password("intermezzo-nb", *entry(), "{")
        with pytest.raises(StoreError) as caught:
            store.load(KEY)
        assert caught.value.code == "store_damaged"

    def test_auto_takes_it(self):
        assert isinstance(choose_store(Settings(), HERE), KeyringStore)


def entry():
    connection = secretstorage.dbus_init()
    try:
        items = secretstorage.search_items(connection, {"service": "intermezzo-nb"})
        return [item.get_attributes()["username"] for item in items]
    finally:
        connection.close()


@pytest.mark.usefixtures("locked")
def test_a_locked_keyring_is_passed_by_and_told():
    assert isinstance(choose_store(Settings(), HERE), FileStore)
    assert why_no_keyring()
    with pytest.raises(StoreError) as caught:
        KeyringStore().load(KEY)
    assert "Unlock it" in caught.value.advice


@pytest.fixture
def broken(services):
    (services / "secrets.service").write_text(_BROKEN)


@pytest.mark.usefixtures("broken", "bus")
def test_a_keyring_that_does_not_start_is_passed_by():
    assert "does not work" in why_no_keyring()
    assert isinstance(choose_store(Settings(), HERE), FileStore)
