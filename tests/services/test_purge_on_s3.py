"""Purge in an object store, where no lock keeps writers, readers and other purges away."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import timedelta
from time import monotonic
from uuid import uuid4

import dask
import numpy as np
import pytest
import xarray as xr

import dtedask
from dtedask.core.errors import NotFoundError
from dtedask.store.location import Location
from dtedask.store.transaction import Transaction
from dtedask.store.upkeep.registry import registered, registrations

CUBE = "rd/enfo/test"
KEYS = {"class": "rd", "stream": "enfo", "expver": "test", "type": "pf", "levtype": "pl", "param": "t"}
KEYS |= {"levelist": "500", "date": "20240101", "time": "0000", "number": "1", "step": "0"}


@pytest.fixture(autouse=True)
def _no_time_to_wait():
    with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
        yield


@pytest.fixture
def root(s3):
    return f"s3://{s3['S3_BUCKET']}/purge/{uuid4().hex}"


def contents(value):
    values = np.random.default_rng(value).random((15, 30), dtype="float32")
    values[0, 0] = value
    return values


def commit(store, value, **keys):
    coordinates = {"latitude": 70.0 - 10 * np.arange(15), "longitude": 10.0 * np.arange(30)}
    array = xr.DataArray(contents(value), dims=("latitude", "longitude"), coords=coordinates)
    store.archive(array, {**KEYS, **keys})
    (done,) = store.flush()
    return done


def value_of(store, **keys):
    return float(store.retrieve(keys)["t"].to_numpy().ravel()[0])


def test_the_past_goes_and_the_numbers_go_on(root):
    store = dtedask.open(root)
    commits = [commit(store, value) for value in range(1, 6)]
    # This storage tells times in whole seconds: purge keeps what was replaced in the last one.
    deadline = monotonic() + 30
    while store.purge(keep_commits=2, dry_run=True).cubes[0].expired != (1, 2, 3):
        assert monotonic() < deadline
    (cube,) = store.purge(keep_commits=2).cubes
    assert (cube.expired, cube.removed.chunks, cube.removed.snapshots) == ((1, 2, 3), 3, 3)
    assert [value_of(store), value_of(store.at(commits[3].snapshot))] == [5.0, 4.0]
    with pytest.raises(NotFoundError, match="has been purged"):
        list(store.at(commits[0].snapshot).list())
    assert commit(store, 6).sequence == 6
    assert registrations(Location.parse(root), CUBE) == []


def test_limits_are_of_the_clock_of_the_storage(root):
    store = dtedask.open(root)
    first = commit(store, 1)
    with registered(Location.parse(root), CUBE):
        (one,) = registrations(Location.parse(root), CUBE)
        (cube,) = store.purge(keep_commits=1).cubes
    assert cube.collected_before == one.since
    assert abs(one.since - first.time) < timedelta(minutes=1)


def test_a_transaction_that_is_open_beside_purges_commits_with_its_data_whole(root, monkeypatch):
    store, other = dtedask.open(root), dtedask.open(root)
    commit(store, 1)
    publish, seen = Transaction.publish, []

    def purged_before(self, prepared):
        seen.append(other.purge(keep_commits=1).cubes[0])
        return publish(self, prepared)

    monkeypatch.setattr(Transaction, "publish", purged_before)
    commit(store, 2, step="6")
    assert seen[0].removed.objects == 0
    assert np.array_equal(store.retrieve("step=6")["t"].to_numpy().reshape(15, 30), contents(2))


def _purge(root):
    with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
        return dtedask.open(root).purge(keep_commits=2).objects


def test_purges_at_once_beside_a_writer_lose_nothing(root):
    store = dtedask.open(root)
    commit(store, 1)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        for value in range(2, 10):
            purges = [pool.submit(_purge, root) for _ in range(2)]
            assert commit(store, value).sequence == value
            for purge in purges:
                purge.result()
            assert np.array_equal(store.retrieve({})["t"].to_numpy().reshape(15, 30), contents(value))
    deadline = monotonic() + 30
    while [done.sequence for done in store.history()] != [9]:  # whole seconds, as above
        assert monotonic() < deadline
        store.purge(keep_commits=1)


def test_a_reader_in_mid_read_is_not_disturbed(root):
    store = dtedask.open(root)
    commit(store, 1)
    with ThreadPoolExecutor(1) as pool:
        for value in range(2, 6):
            with store.reading():
                before = store.retrieve({})
                commit(store, value)
                purge = pool.submit(_purge, root)
                assert np.array_equal(before["t"].to_numpy().reshape(15, 30), contents(value - 1))
                purge.result()
                assert np.array_equal(before["t"].to_numpy().reshape(15, 30), contents(value - 1))
