"""An area of a cube whose fields are stored in tiles reads only those that hold its source points."""

import numpy as np
import pytest
import xarray as xr
from scipy.sparse import csr_array

import dtedask
from dtedask import geo
from dtedask.geo.application.apply import apply
from dtedask.geo.application.compact import compact
from dtedask.geo.fields import on_grid
from dtedask.store import fields as stored

KEYS = {"class": "rd", "stream": "oper", "expver": "0001", "type": "fc", "levtype": "sfc", "param": "2t"}
KEYS |= {"date": "20240603", "time": "0000"}


@pytest.fixture
def tiles_read(monkeypatch):
    """Numbers of the tiles that are read, and how many a field has."""
    read = []

    def counted(snapshot, keys, codec, tiling, window, place):
        found = read_tiles(snapshot, keys, codec, tiling, window, place)
        read.extend((sorted(field), tiling.count) for field in found)
        return found

    read_tiles = stored.read_tiles
    monkeypatch.setattr(stored, "read_tiles", counted)
    return read


@pytest.mark.parametrize("name", ["2/2", "O48"])
def test_an_area_reads_the_tiles_of_its_rows(name, tmp_path, tiles_read):
    grid = geo.Grid(name)
    store = dtedask.open(tmp_path, schema="values: {tiles: 1000}")
    latitude = grid.points().latitude.reshape(grid.shape).astype("f4")
    for step in range(2):
        field = on_grid(xr.DataArray(latitude, dims=grid.dims), grid)
        store.archive(field, {**KEYS, "step": str(step)})
    store.flush()
    area = (80, 10, 70, 40)
    found = geo.regrid(store.retrieve("param=2t"), "5/5", area=area)
    assert not tiles_read
    np.testing.assert_allclose(found["2t"].squeeze(), found["latitude"].broadcast_like(found["2t"].squeeze()), atol=0.1)
    assert tiles_read
    assert all(count >= 8 and len(numbers) <= count // 3 for numbers, count in tiles_read)


@pytest.mark.slow
def test_results_larger_than_caches_are_the_same():
    rows, source = 140_000, 3000
    columns = np.arange(rows) * source // rows
    weights = compact(csr_array((np.ones(rows), columns, np.arange(rows + 1)), (rows, source)))
    values = np.random.default_rng(1).standard_normal((64, source)).astype("f4")
    np.testing.assert_array_equal(apply(weights, values), values[:, columns])
