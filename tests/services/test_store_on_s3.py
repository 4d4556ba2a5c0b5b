"""A root in a real object store: the same transactions, decided by conditional puts instead of a lock."""

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from uuid import uuid4

import numpy as np
import pytest
import xarray as xr

import dtedask
from dtedask.core.errors import NoMatchError
from dtedask.store.layouts import tile_reader
from dtedask.store.location import Location
from dtedask.store.root_files import RootFiles
from dtedask.testing import StoreSuite

KEYS = {"class": "rd", "stream": "enfo", "expver": "test", "type": "pf", "levtype": "pl"}
KEYS |= {"levelist": "500", "param": "t"}


@pytest.fixture
def root(s3):
    return f"s3://{s3['S3_BUCKET']}/store/{uuid4().hex}"


class TestS3(StoreSuite):
    @pytest.fixture
    def root(self, s3):
        return f"s3://{s3['S3_BUCKET']}/suite/{uuid4().hex}"


def field(value):
    coordinates = {"latitude": [10.0, 0.0], "longitude": [0.0, 10.0, 20.0]}
    return xr.DataArray(np.full((2, 3), value, "float32"), dims=("latitude", "longitude"), coords=coordinates)


def archive(root, member, steps):
    store = dtedask.open(root)
    for step in range(steps):
        keys = {**KEYS, "date": "20240101", "time": "0000", "number": str(member), "step": str(step)}
        store.archive(field(100 * member + step), keys)
        store.flush()
    return member


def test_what_was_archived_is_listed_and_retrieved(root):
    archive(root, 1, 2)
    store = pickle.loads(pickle.dumps(dtedask.open(root)))
    assert store.cubes() == ["rd/enfo/test"]
    assert [record.keys["step"] for record in store.list()] == ["0", "1"]
    assert store.retrieve("step=1")["t"].to_numpy().ravel().tolist() == [101.0] * 6
    assert [commit.sequence for commit in store.history()] == [1, 2]


def test_a_root_without_fields_says_so(root):
    with pytest.raises(NoMatchError, match="holds no fields"):
        dtedask.open(root).retrieve({})


def test_a_cube_opens_by_its_url(root):
    archive(root, 1, 1)
    dataset = xr.open_dataset(f"{root}/rd/enfo/test", engine="dtedask", group="pf/pl")
    assert dataset["t"].shape == (1, 1, 1, 1, 2, 3)


@pytest.fixture
def fetched(monkeypatch):
    """Sizes of the parts of fields that were fetched."""
    found, before = [], tile_reader._get

    async def get(*args):
        found.append(data := await before(*args))
        return data

    monkeypatch.setattr(tile_reader, "_get", get)
    return found


def test_a_point_of_fields_in_tiles_is_read_by_ranges(root, fetched):
    values = np.random.default_rng(1).normal(size=(4, 900, 600)).astype("float32")
    coordinates = {"latitude": np.linspace(80, -80, 900), "longitude": np.arange(600) * 0.5}
    store = dtedask.open(root)
    for step, part in enumerate(values):
        array = xr.DataArray(part, dims=("latitude", "longitude"), coords=coordinates)
        store.archive(array, {**KEYS, "date": "20240101", "time": "0000", "number": "1", "step": str(step)})
    store.flush()
    found = dtedask.open(root).retrieve("")["t"].squeeze(drop=True)
    np.testing.assert_array_equal(found.isel(latitude=500, longitude=[3, 599]), values[:, 500, [3, 599]])
    assert len(fetched) == 2 * len(values)
    assert sum(map(len, fetched)) < values.nbytes / 5
    np.testing.assert_array_equal(found.isel(latitude=slice(100, 300)), values[:, 100:300])
    np.testing.assert_array_equal(found, values)


def test_writers_without_a_lock_lose_nothing_of_each_other(root):
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert list(pool.map(archive, [root] * 3, (1, 2, 3), [4] * 3)) == [1, 2, 3]
    store = dtedask.open(root)
    values = store.retrieve({})["t"].to_numpy()[0, :, :, 0, 0, 0]
    assert values.tolist() == [[100 * member + step for step in range(4)] for member in (1, 2, 3)]
    assert [commit.sequence for commit in store.history()] == list(range(1, 13))


def test_fields_are_wiped_tagged_compared_and_brought_back(root):
    archive(root, 1, 3)
    store = dtedask.open(root)
    store.tag("whole")
    assert store.wipe("class=rd,expver=test,step=1", doit=True).fields == 1
    archive(root, 1, 1)
    assert [change.keys["step"] for change in store.diff("whole").removed] == ["1"]
    done = store.rollback("whole", doit=True)
    assert (done.restored, done.wiped) == (1, 0)
    assert [record.keys["step"] for record in store.list()] == ["0", "1", "2"]
    bad = dtedask.open(root).rollback(commit=store.history()[2].snapshot, doit=True)
    assert (bad.wiped, bad.left) == (1, 0)
    assert store.untag("whole").snapshots.keys() == {"rd/enfo/test"}
    assert store.tags() == ()


def test_wipes_beside_a_writer_without_a_lock_lose_nothing(root):
    archive(root, 1, 4)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        writer = pool.submit(archive, root, 2, 6)
        for step in range(4):
            done = dtedask.open(root).wipe(f"class=rd,expver=test,number=1,step={step}", doit=True)
            assert done.fields == 1
        assert writer.result(120) == 2
    store = dtedask.open(root)
    assert [(record.keys["number"], record.keys["step"]) for record in store.list()] == [
        ("2", str(step)) for step in range(6)
    ]
    assert [commit.sequence for commit in store.history()] == list(range(1, 15))


def test_small_fields_of_a_task_are_one_object_and_are_read_by_one_request(root, monkeypatch):
    store = dtedask.open(root)
    coordinates = {"latitude": np.arange(80.0, -80, -4), "longitude": np.arange(0.0, 80, 2)}
    values = np.random.default_rng(1).normal(size=(8, 40, 40)).astype("float32")
    for step in range(8):
        array = xr.DataArray(values[step], dims=("latitude", "longitude"), coords=coordinates)
        store.archive(array, {**KEYS, "date": "20240101", "time": "0000", "number": "1", "step": str(step)})
    store.flush()
    (pack,) = RootFiles(Location(root)).files("rd/enfo/test/packs")
    assert pack.name.endswith(".chunks")
    requests = []
    read_parts = RootFiles.read_parts
    monkeypatch.setattr(RootFiles, "read_parts", lambda *given: requests.append(given) or read_parts(*given))
    assert np.array_equal(dtedask.open(root).retrieve("param=t")["t"].to_numpy().squeeze(), values)
    assert len(requests) == 1
    assert len(requests[0][2]) == 8
