"""Time series in a real object store: packs, reads of parts, packs that are sent in parts, and their collection."""

from uuid import uuid4

import dask
import numpy as np
import pytest
import xarray as xr

import dtedask
from dtedask.store.layouts import packs
from dtedask.store.location import Location
from dtedask.store.root_files import RootFiles

KEYS = {"class": "rd", "stream": "oper", "expver": "test", "type": "fc", "levtype": "pl", "levelist": "500"}
KEYS |= {"param": "t", "date": "20240101", "time": "0000"}
SHAPE = (181, 360)
CUBE = "rd/oper/test"


@pytest.fixture
def store(s3):
    store = dtedask.open(f"s3://{s3['S3_BUCKET']}/series/{uuid4().hex}")
    for step in range(24):
        store.archive(field(step), {**KEYS, "step": str(step)})
    store.flush()
    return store


def field(step):
    values = np.random.default_rng(step).random(SHAPE, dtype="float32")
    coordinates = {"latitude": np.arange(90.0, -91, -1), "longitude": np.arange(360.0)}
    return xr.DataArray(values, coordinates, ("latitude", "longitude"))


def packs_of(store):
    return RootFiles(Location.parse(store.root)).files(f"{CUBE}/packs")


@pytest.mark.parametrize("most", [packs.MOST_IN_MEMORY, 2**20], ids=["at once", "in parts"])
def test_a_point_is_read_from_the_pack(store, monkeypatch, most):
    monkeypatch.setattr(packs, "MOST_IN_MEMORY", most)
    assert store.rechunk("class=rd").fields == 24
    (pack,) = packs_of(store)
    assert pack.size_bytes > 5 * 2**20
    array = dtedask.open(store.root).retrieve({})["t"]
    assert all(one.from_series == 24 for one in store.explain({}).layouts if one.part == "a point")
    expected = [field(step).to_numpy()[100, 200] for step in range(24)]
    assert array[..., 100, 200].to_numpy().ravel().tolist() == expected
    assert store.verify().is_whole


def test_purge_takes_the_packs_of_fields_that_changed(store):
    store.rechunk("class=rd")
    store.archive(field(99), {**KEYS, "step": "3"})
    store.flush()
    with dask.config.set({"dtedask.store.longest-reader": 0, "dtedask.store.clock-slack": 0}):
        while packs_of(store):  # the clock of the storage counts seconds
            store.purge(keep_commits=1)
    assert store.rechunk("class=rd").fields == 24
    assert len(packs_of(store)) == 1
