"""A resource shared out among processes: the same frame, and no token on the way."""

from __future__ import annotations

import datetime as dt
import sys
from types import SimpleNamespace

import cloudpickle
import pandas as pd
import pytest
from distributed import Client, LocalCluster
from leaks import MARKED

from intermezzo_nb.errors import LoginRequired, NotFound, PagingError, SettingsError

ALL = {"organization": "all"}


@pytest.fixture(scope="module")
def cluster():
    with (
        LocalCluster(n_workers=2, processes=True, dashboard_address=":0") as made,
        Client(made) as client,
    ):
        yield client


@pytest.fixture
def practice(shared_practice, connection):
    return connection(**shared_practice.settings("machine"))


def whole(frame):
    return frame.compute().reset_index(drop=True)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("money", ["float", "decimal"])
@pytest.mark.parametrize(
    ("resource", "options"),
    [
        ("employees", ALL),
        ("employees", ALL | {"employmentCountry": "GB"}),
        ("employees", ALL | {"columns": ["startDate", "id"]}),
        ("employees", ALL | {"params": {"size": 50}}),
        ("p32", ALL | {"tax_year": 2026}),
        ("wage-types", {}),
        ("worksites", {}),
        ("job-details", ALL | {"as_of": "2026-01-01"}),
        ("compensation", ALL),
    ],
)
def test_processes_give_the_frame_of_one(cluster, practice, resource, options, money):
    shared = practice.dask_frame(resource, part_rows=100, money=money, **options)
    wanted = practice.frame(resource, money=money, **options)
    pd.testing.assert_frame_equal(whole(shared), wanted)
    assert dict(shared.dtypes) == dict(wanted.dtypes)


def test_who_lacks_dask_is_told_what_to_install(practice, monkeypatch):
    monkeypatch.setitem(sys.modules, "dask.dataframe", None)
    with pytest.raises(SettingsError) as caught:
        practice.dask_frame("organizations")
    assert caught.value.code == "not_installed"
    assert "pip install 'dask[dataframe]'" in caught.value.advice


@pytest.mark.timeout(120)
def test_no_token_is_in_what_travels_nor_in_what_workers_log(cluster, practice):
    shared = practice.dask_frame("employees", part_rows=100, **ALL)
    assert shared.npartitions > 4
    shared.compute()
    logs = [cluster.get_worker_logs(), cluster.get_scheduler_logs()]
    for text in (*map(str, logs), cloudpickle.dumps(shared).decode("latin-1")):
        assert not MARKED.search(text)


def test_nothing_but_first_pages_is_asked_before_it_is_computed(
    practice_server, connection
):
    server = practice_server(rows=2000)
    made = connection(**server.settings("machine"))
    reading = made.dask_frame("employees", part_rows=500, **ALL)
    tokens = server.ledger.token_requests
    assert tokens == 1
    assert reading.npartitions >= 4
    assert len(reading.head(3)) == 3


@pytest.mark.timeout(120)
def test_refusals_are_borne_by_each_worker(cluster, practice_server, connection):
    server = practice_server(rows=2000, refuse=0.1, reset=0.02)
    made = connection(**server.settings("machine"))
    frame = whole(made.dask_frame("employees", part_rows=300, **ALL))
    pd.testing.assert_frame_equal(frame, made.frame("employees", **ALL))


def test_a_list_that_changed_since_it_was_shared_out_is_an_error(
    practice_server, connection
):
    server = practice_server(rows=800, drift=1)
    made = connection(**server.settings("machine"))
    shared = made.dask_frame("employees", part_rows=100, **ALL)
    with pytest.raises(PagingError, match="changed since its pages were shared out"):
        shared.compute(scheduler="sync")


def test_what_nobody_documents_is_left_out_and_told(
    practice_server, connection, capsys
):
    server = practice_server(extra_fields=True)
    made = connection(**server.settings("machine"))
    shared = made.dask_frame("employees", **ALL)
    told = capsys.readouterr().out
    assert "employees: not documented, and left out: " in told
    wanted = made.frame("employees", **ALL)[[*shared.columns]]
    frame = shared.compute(scheduler="sync").reset_index(drop=True)
    pd.testing.assert_frame_equal(frame, wanted)


def test_a_part_raises_what_fails_for_one_employee(practice):
    organization = practice.frame("organizations").id[0]
    asked = {"organization": organization, "employee_id": ["emp_nobody"]}
    shared = practice.dask_frame("documents", **asked)
    with pytest.raises(NotFound):
        shared.compute(scheduler="sync")


def test_a_session_of_a_person_is_refused_before_anything_is_sent(
    practice_server, connection
):
    server = practice_server()
    made = connection(**server.settings("person"))
    with pytest.raises(LoginRequired) as caught:
        made.dask_frame("employees")
    assert caught.value.code == "machine_required"
    assert server.ledger.token_requests == 0


@pytest.mark.parametrize(
    ("resource", "options"), [("/things", {}), ("employees", ALL | {"limit": 5})]
)
def test_what_cannot_be_shared_out_is_refused(practice, resource, options):
    with pytest.raises(SettingsError):
        practice.dask_frame(resource, **options)


def test_a_form_is_no_option_of_what_has_one_form_alone(practice):
    for take in (practice.dask_frame, lambda *a, **k: next(practice.records(*a, **k))):
        with pytest.raises(SettingsError) as caught:
            take("employees", as_="arrow", **ALL)
        assert caught.value.what.startswith("as_ cannot be used")
        assert "Dask gives pandas frames only" in caught.value.advice


def test_parts_are_of_the_day_on_which_they_were_shared_out(practice, monkeypatch):
    class Earlier(dt.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2024, 6, 1, tzinfo=tz)

    wanted = practice.frame("job-details", **ALL, as_of="2024-06-01")
    with monkeypatch.context() as patch:
        clock = SimpleNamespace(datetime=Earlier)
        patch.setattr("intermezzo_nb.api.query.dt", clock)
        shared = practice.dask_frame("job-details", **ALL)
    frame = shared.compute(scheduler="sync").reset_index(drop=True)
    pd.testing.assert_frame_equal(frame, wanted)
    assert not frame.equals(practice.frame("job-details", **ALL))
