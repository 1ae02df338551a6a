"""Many pages from a server that is slow, refuses, breaks off, changes or hangs."""

from __future__ import annotations

import datetime as dt
import email.utils
import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from functools import partial
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel
from pages import Pages
from tqdm import tqdm

from intermezzo_nb.api.client import Api, ApiSession
from intermezzo_nb.api.query import Query
from intermezzo_nb.api.reading import Reading
from intermezzo_nb.api.signing import BearerAuth
from intermezzo_nb.api.tally import Tally
from intermezzo_nb.errors import IncompleteWarning, NotFound, SettingsError
from intermezzo_nb.login import Login
from intermezzo_nb.oauth.models import Token
from intermezzo_nb.secret import Secret
from intermezzo_nb.tokens.source import TokenSource
from intermezzo_nb.tokens.store import MemoryStore

HERE = Path(__file__).parent


@pytest.fixture
def serve():
    started = []

    def start(**options):
        started.append(Pages(**options))
        return started[-1]

    yield start
    for server in started:
        server.go_on()
        server.stop()


@pytest.fixture
def reader(shared_practice, connection):
    """Connect to the practice server's tokens, and to a server's pages."""

    def connect(server, **changes):
        settings = {**shared_practice.settings("machine"), **changes}
        return connection(**{**settings, "api_url": server.url})

    return connect


def until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


@pytest.mark.parametrize(("style", "together"), [("page", 8), ("cursor", 1)])
def test_all_rows_come_in_order(serve, reader, style, together):
    server = serve(rows=2345, style=style)
    server.odd["change"] = lambda number, _: server.hang() if number == 1 else None

    def go_on():
        until(lambda: len(server.seen) > 1 and server.under_way == together)
        server.go_on()

    helper = threading.Thread(target=go_on)
    helper.start()
    rows = [r["number"] for r in reader(server).records("/things")]
    helper.join()
    assert rows == list(range(2345))
    assert server.most_under_way == together
    assert len(server.seen) == 25  # the first fixes the style


def test_a_frame_is_whole_whatever_the_server_does(serve, reader):
    server = serve(rows=6000, refused=0.05, reset=0.01, retry_after="1", wide=True)
    told, threads = [], set()

    def progress(now):
        told.append(now)
        threads.add(threading.get_ident())

    frame = reader(server).frame("/things", progress=progress)
    about = frame.attrs["intermezzo"]
    assert list(frame["number"]) == list(range(6000))
    assert (about["complete"], about["notes"], about["requests"]) == (True, [], 61)
    answers = server.answers
    assert answers["refused"] + answers["broken"] == about["repeated"] > 0
    assert len(server.seen) == about["requests"] + about["repeated"]
    assert threads == {threading.get_ident()}
    assert any("asked to wait" in now.waiting for now in told)
    assert told[-1].planned == 61


@pytest.mark.parametrize("style", ["page", "cursor"])
def test_a_list_that_changes_is_read_once_more_and_told(serve, reader, style):
    def change(number, rows):
        if number >= 12 and rows[0]["id"] != "new":
            rows.insert(0, {"id": "new", "number": -1})
            del rows[1500]

    server = serve(rows=2000, style=style, change=change)
    with pytest.warns(IncompleteWarning, match="/things is not complete"):
        frame = reader(server).frame("/things")
    assert frame["id"].is_unique
    assert {"new", "t1498", "t1500", "t1999"} <= {*frame["id"]}
    about = frame.attrs["intermezzo"]
    assert (about["complete"], len(about["notes"]) > 0) == (False, True)
    assert 41 <= about["requests"] <= 60


def test_a_limit_of_a_server_is_learned_and_kept_by_all_readings(serve, reader):
    server = serve(rows=5000, rate=50)
    made = reader(server)
    told = []
    for _ in range(3):
        assert len(made.frame("/things", progress=told.append)) == 5000
    assert server.answers["refused"] <= 16
    assert told[-1].slowed_to > 0
    assert "slowed to" in str(told[-1])


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_all_wait_for_what_one_was_told(serve, reader, form):
    server = serve(rows=3000)
    made = reader(server)
    list(made.records("/things", limit=1))
    later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=4)
    date = email.utils.format_datetime(later.replace(microsecond=0), usegmt=True)
    server.odd |= {"refused": 1, "retry_after": "2" if form == "seconds" else date}
    moments = []
    server.odd["change"] = lambda *_: moments.append(time.monotonic())

    def take_again():
        until(lambda: server.answers["refused"])
        server.odd["refused"] = 0

    helper = threading.Thread(target=take_again)
    helper.start()
    begun = time.monotonic()
    assert len(made.frame("/things")) == 3000
    helper.join()
    assert moments[0] - begun > 1


@pytest.mark.parametrize("is_slow", [False, True])
def test_waits_longer_than_a_tokens_life_lead_to_no_refused_token(serve, is_slow):
    life, issued = 2.0, {}

    def renew(_token, _keep):
        name = f"token-number-{len(issued)}-of-many"
        issued[f"Bearer {name}"] = time.monotonic()
        return Token(Secret(name), expires_in=life)

    def is_good(header):
        return time.monotonic() - issued[header] < life + 0.5

    source = TokenSource(MemoryStore(), "key", renew)
    if is_slow:  # so that the last of eight waits for longer than a token lives
        server = serve(rows=1500, rate=2, latency=0.01, accepts=is_good)
    else:  # busy for a second; of a number of refusals, some might come much later
        server = serve(rows=1500, latency=0.1, accepts=is_good)
        busy = []

        def refusal():
            if len(server.seen) == 5:
                busy.append(time.monotonic())
            return "4" if busy and time.monotonic() - busy[0] < 1 else None

        server.refusal = refusal
    api = Api.at(server.url, BearerAuth(source.token, server.url))
    rows = sum(len(batch) for batch in Reading(api, Query("/things")).batches())
    assert rows == len(server.rows)
    assert server.answers["refused"] > 1
    assert len(issued) > 1
    assert server.answers["unauthorized"] == 0


def test_pages_that_nobody_takes_are_not_fetched(serve, reader):
    server = serve(rows=100_000)
    pages = reader(server).frames("/things")
    next(pages)
    until(lambda: server.under_way == 0 and len(server.seen) >= 1 + 16)
    for _ in range(5):
        next(pages)
    assert len(server.seen) <= 1 + 6 + 16
    pages.close()


def test_the_next_page_of_a_cursor_comes_while_the_last_is_looked_at(serve, reader):
    server = serve(rows=1000, style="cursor")
    pages = reader(server).frames("/things")
    next(pages)
    until(lambda: len(server.seen) == 3)
    assert server.seen[-1].endswith("cursor=100")
    pages.close()


@pytest.mark.parametrize("style", ["page", "cursor"])
def test_a_limit_stops_asking(serve, reader, style):
    server = serve(rows=5000, style=style)
    frame = reader(server).frame("/things", limit=230)
    assert (len(frame), len(server.seen)) == (230, 4)


def test_an_error_on_the_way_is_raised_and_leaves_nothing_behind(serve, reader):
    server = serve(rows=3000, latency=0.01)
    made = reader(server)

    def change(number, rows):
        if number >= 9:
            raise LookupError  # tornado answers 500

    server.odd["change"] = change
    with pytest.raises(Exception, match="HTTP 500"):
        made.frame("/things")
    server.odd["change"] = None
    until(lambda: server.under_way == 0)
    assert len(made.frame("/things")) == 3000
    with pytest.raises(NotFound):
        made.get("/nothing")


def test_tokens_are_renewed_once_for_all(serve, reader, practice_server, connection):
    practice = practice_server(token_lifetime=2)
    server = serve(rows=20_000, latency=0.15)
    settings = practice.settings("machine", api_url=server.url)
    begun = time.monotonic()
    assert len(connection(**settings).frame("/things")) == 20_000
    lives = (time.monotonic() - begun) / 1.5  # renewed in the last quarter of each
    assert 2 <= practice.ledger.token_requests <= lives + 2


def test_more_requests_than_allowed_are_refused_before_they_are_sent(serve, reader):
    server = serve(rows=30_000)
    with pytest.raises(SettingsError, match="takes 301 requests") as caught:
        reader(server).frame("/things", max_requests=100)
    assert caught.value.code == "too_many_requests"
    assert len(server.seen) == 1


def test_nobody_watching_bounds_what_is_sent(serve, reader, monkeypatch):
    monkeypatch.setattr("intermezzo_nb.api.plan._UNWATCHED", 10)
    server = serve(rows=2000)
    with pytest.raises(SettingsError, match="where nobody watches"):
        reader(server).frame("/things")
    assert len(reader(server).frame("/things", max_requests=30)) == 2000


def test_many_requests_that_take_long_are_announced_first(serve, reader, monkeypatch):
    server = serve(rows=25_000)
    told = []

    def progress(now):
        if now.waiting:
            told.append((now.waiting, len(server.seen)))

    reader(server).frame("/things", progress=progress)
    assert told == []
    before = len(server.seen)
    monkeypatch.setattr(Tally, "seconds_of_one", 1.0)
    reader(server).frame("/things", progress=progress)
    assert told == [("251 requests are needed, about 31 s", before + 1)]


def test_what_is_loaded_meanwhile_is_not_taken_for_a_slow_server(
    serve, reader, monkeypatch
):
    load = partial(time.sleep, 2)
    monkeypatch.setattr("intermezzo_nb.connection.loader", lambda _: load)
    # So an answer may take a second on a busy machine, and is not told of.
    monkeypatch.setattr("intermezzo_nb.api.tally._LONG", 40.0)
    told = []
    made = reader(serve(rows=25_000))
    made.frame("/things", progress=lambda now: told.append(now.waiting))
    assert {*told} == {""}


@pytest.mark.usefixtures("somebody_there")
def test_who_waits_for_a_sign_in_does_so_where_it_can_be_interrupted(
    shared_practice, connection, person, monkeypatch
):
    monkeypatch.setattr("intermezzo_nb.connection.loader", lambda _: int)
    made, links = connection(**shared_practice.settings("person")), []
    made.login(wait=False, present=lambda login: links.append(login.prompt.url))
    waited, wait = [], Login.wait

    def told(login, *given):
        waited.append(threading.current_thread())
        return wait(login, *given)

    monkeypatch.setattr(Login, "wait", told)
    threading.Timer(0.5, person().sign_in, links).start()
    assert len(made.frame("organizations"))
    assert waited == [threading.main_thread()]


@pytest.mark.parametrize("is_made", [True, False])
def test_a_bar_is_moved_and_closed(serve, reader, capsys, is_made):
    server = serve(rows=1234)
    bar = tqdm(file=sys.stderr, unit="row") if is_made else tqdm
    assert len(reader(server).frame("/things", progress=bar)) == 1234
    assert "1234/1234" in capsys.readouterr().err.splitlines()[-1]


# Tells who reads at the moment when pandas is first looked for.
_FIRST_FRAME = """
import json, sys, threading
from intermezzo_nb.connection import Connection
from intermezzo_nb.settings import Settings

class Told:
    def find_spec(self, name, path=None, target=None):
        if name == "pandas":
            print(len(readers()))

def readers():
    return [t for t in threading.enumerate() if t.name.startswith("intermezzo-reading")]

sys.meta_path.insert(0, Told())
settings = json.loads(sys.argv[1])
ours = Connection(Settings.resolve(profiles={"default": settings}))
print(len(ours.frame("/things", as_="records")))
for left in readers():
    left.join()
print(len(ours.frame("/things")))
print(len(ours.frame("/things")))
"""


def test_pandas_is_loaded_while_the_first_answer_is_on_its_way(serve, shared_practice):
    server = serve(rows=50)
    told = {**shared_practice.settings("machine"), "api_url": server.url}
    command = [sys.executable, "-c", _FIRST_FRAME, json.dumps(told)]
    lines = subprocess.check_output(command, text=True, timeout=60).splitlines()
    assert lines == ["50", "1", "50", "50"]


# Interrupts at a moment that leaves a half of numpy, where it is broken off there.
_INTERRUPTED = """
import intermezzo_nb, json, os, signal, sys, tempfile
from intermezzo_nb.connection import Connection
from intermezzo_nb.settings import Settings

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy.dtypes":
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
settings = json.loads(sys.argv[1])
ours = Connection(Settings.resolve(profiles={"default": settings}))
try:
    HOW
except KeyboardInterrupt as interrupt:
    print(interrupt)
print(len(ours.frame("/things")))
"""


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ('ours.frame("/things")', "interrupted"),
        ('[*ours.frames("/things")]', ""),
        # As after a sign-in that somebody waited for.
        ('ours._loader = lambda _: None; ours.frame("/things")', "interrupted"),
        ('ours.get("/things", size=50)', ""),
        ('ours.export("/things", tempfile.mkdtemp())', ""),
        ("ours.resources()", ""),
        ("intermezzo_nb.read_export", ""),
    ],
)
def test_an_interrupt_while_pandas_is_loaded_leaves_no_half_of_it(
    serve, shared_practice, how, told
):
    server = serve(rows=50, wide=True)  # a long answer needs numpy
    settings = {**shared_practice.settings("machine"), "api_url": server.url}
    script = _INTERRUPTED.replace("HOW", how)
    command = [sys.executable, "-c", script, json.dumps(settings)]
    lines = subprocess.check_output(command, text=True, timeout=60).splitlines()
    assert [line.partition(";")[0] for line in lines] == [told, "50"]


# Interrupts who starts the thread that loads, and keeps what it was doing then.
_INTERRUPTED_AT_ITS_START = """
import json, sys, threading
from intermezzo_nb.connection import Connection
from intermezzo_nb.settings import Settings

start = threading.Thread.start

def interrupted(thread):
    start(thread)
    if thread.name.startswith("intermezzo-loading"):
        threading.Thread.start = start
        raise KeyboardInterrupt

threading.Thread.start = interrupted
settings = json.loads(sys.argv[1])
ours = Connection(Settings.resolve(profiles={"default": settings}))
try:
    HOW
except KeyboardInterrupt as interrupt:
    sys.last_value = interrupt
print(len(ours.frame("/things")))
"""


@pytest.mark.parametrize(
    "how", ['ours.frame("/things")', 'ours.get("/things", size=50)']
)
def test_who_was_interrupted_while_pandas_was_loaded_can_leave(
    serve, shared_practice, how
):
    server = serve(rows=50, wide=True)  # a long answer needs numpy
    settings = {**shared_practice.settings("machine"), "api_url": server.url}
    script = _INTERRUPTED_AT_ITS_START.replace("HOW", how)
    command = [sys.executable, "-c", script, json.dumps(settings)]
    assert subprocess.check_output(command, text=True, timeout=20) == "50\n"


def test_an_interrupt_ends_what_hangs_and_the_connection_goes_on(serve):
    server = serve(rows=3000)
    command = [sys.executable, str(HERE / "interrupted.py"), server.url]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as child:
        assert child.stdout.readline() == "3000\n"
        hang_on_the_way(server)
        child.stdin.write("\n")
        child.stdin.flush()
        until(lambda: server.under_way == 8)
        child.send_signal(signal.SIGINT)
        assert child.stdout.readline() == "interrupted\n"
        until(lambda: server.answers["left"] == 8)  # none is left to be answered
        assert not server.goes_on.is_set()
        server.odd["change"] = None
        server.go_on()
        child.stdin.write("\n")
        child.stdin.flush()
        assert child.stdout.readline() == "3000\n"
        child.stdin.close()
        assert child.wait(10) == 0


def test_nothing_is_sent_for_who_was_interrupted_before_there_was_a_token(serve):
    server, asked, goes_on = serve(rows=50), [], threading.Event()

    def token(**_):
        asked.append(threading.current_thread())
        assert goes_on.wait(20)
        return Token(Secret("a-token-made-up-here"))

    def interrupt():
        until(lambda: asked)
        raise KeyboardInterrupt

    api = Api(ApiSession(BearerAuth(token, server.url), server.url), server.url)
    with pytest.raises(KeyboardInterrupt):
        list(Reading(api, Query("/things"), load=interrupt).batches())
    goes_on.set()
    asked[0].join(20)
    assert server.seen == []
    assert [len(b) for b in Reading(api, Query("/things")).batches()] == [50]


def hang_on_the_way(server):
    before = len(server.seen)

    def change(number, rows):
        if number - before > 4:
            server.hang()

    server.odd["change"] = change


def test_an_interrupt_of_a_kernel_does_the_same(serve, clean_environment):
    server = serve(rows=3000)
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        setup = f"import sys; sys.path.insert(0, {str(HERE)!r})\n"
        setup += f"from interrupted import api, rows; ours = api({server.url!r})"
        assert run(client, setup) == "ok"
        assert run(client, "assert rows(ours) == 3000") == "ok"
        hang_on_the_way(server)
        asked = client.execute("rows(ours)")
        until(lambda: server.under_way == 8)
        manager.interrupt_kernel()
        assert answer(client, asked) == "KeyboardInterrupt"
        assert not server.goes_on.is_set()
        server.odd["change"] = None
        server.go_on()
        assert run(client, "assert rows(ours) == 3000") == "ok"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def run(client, code):
    return answer(client, client.execute(code))


def answer(client, asked):
    while True:
        reply = client.get_shell_msg(timeout=20)
        if reply["parent_header"].get("msg_id") == asked:
            content = reply["content"]
            return content.get("ename", content["status"])


def test_a_server_in_another_process_serves_the_same(reader):
    options = json.dumps({"rows": 250})
    command = [sys.executable, str(HERE / "pages.py"), options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as child:
        server = type("Server", (), {"url": child.stdout.readline().strip()})
        assert len(reader(server).frame("/things")) == 250
        child.stdin.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_and_its_parent_get_their_own_answers(
    shared_practice, connection
):
    made = connection(**shared_practice.settings("machine"))
    owner = made.get("/organizations")[0]["id"]
    answers = {p: made.get(p) for p in ("/organizations", f"/organizations/{owner}")}

    def fits(path):
        return all(made.get(path) == answers[path] for _ in range(100))

    of_parent, of_child = answers
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that is what is tried
        child = os.fork()
    if child == 0:
        try:
            os._exit(0 if fits(of_child) else 1)
        finally:
            os._exit(2)
    is_well = fits(of_parent)
    assert (os.waitpid(child, 0)[1], is_well) == (0, True)
