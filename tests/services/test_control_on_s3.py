"""Locks and numbers of a root in a real object store: the conditional put keeps what others write."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from uuid import uuid4

import numpy as np
import pytest
import xarray as xr

import dtedask
from dtedask.core.errors import ControlledError

KEYS = {"class": "rd", "stream": "enfo", "expver": "test", "type": "pf", "levtype": "pl"}
KEYS |= {"levelist": "500", "param": "t", "date": "20240101", "time": "0000", "number": "1"}


@pytest.fixture
def root(s3):
    root = f"s3://{s3['S3_BUCKET']}/control/{uuid4().hex}"
    archive(root, 0)
    return root


def archive(root, step):
    coordinates = {"latitude": [10.0, 0.0], "longitude": [0.0, 10.0, 20.0]}
    array = xr.DataArray(np.full((2, 3), step, "f4"), dims=("latitude", "longitude"), coords=coordinates)
    store = dtedask.open(root)
    store.archive(array, {**KEYS, "step": step})
    return store.flush()


def lock_some(root, number):
    store = dtedask.open(root)
    return [store.lock({"number": 10 * number + one}, reason=str(number)).id for one in range(5)]


def test_locks_set_by_several_processes_at_once_are_all_kept(root):
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn")) as pool:
        set_ = [one for found in pool.map(lock_some, [root] * 3, (1, 2, 3)) for one in found]
    assert {lock.id for lock in dtedask.open(root).locks()} == set(set_)


def test_a_lock_is_honoured_until_it_is_taken_away(root):
    store = dtedask.open(root)
    lock = store.lock("step=6", reason="not yet")
    with pytest.raises(ControlledError, match="not yet"):
        archive(root, 6)
    archive(root, 12)
    store.unlock(lock.id)
    archive(root, 6)
    assert store.axes()["step"] == ["0", "6", "12"]


def test_numbers_status_and_contents_are_read_from_the_store(root):
    archive(root, 0)
    archive(root, 6)
    store = dtedask.open(root)
    (cube,) = store.stats().cubes
    assert (cube.fields, cube.commits, cube.replaced) == (2, 2, 0)
    assert cube.stored_bytes > 1000
    assert store.info().kind == "object store"
    assert store.where("step=6") == [f"{root}/rd/enfo/test"]
    assert store.status().cubes[0].sequence == 2
    assert [axis.name for axis in store.dump("rd/enfo/test").groups[0].axes if len(axis.labels) == 2] == ["step"]
    assert root in store._repr_html_()
