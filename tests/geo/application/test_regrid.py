"""Fields are brought to other grids, lazily, with what describes them."""

import pickle

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from scipy import stats
from scipy.sparse import csr_array
from xarray.backends import BackendArray
from xarray.core import indexing

import dtedask
from dtedask import geo
from dtedask.core.errors import GridError
from dtedask.geo.application.compact import compact
from dtedask.geo.application.reduce import reduce_rows
from dtedask.testing import raise_if_computes

SOURCE, TARGET = geo.Grid("O16"), geo.Grid("5/5")
AREA = (60.0, -20.0, 20.0, 40.0)
KEYS = {"class": "rd", "stream": "oper", "expver": "0001", "type": "fc", "levtype": "sfc"}


def fields(steps=3, grid=SOURCE, dtype="f4", seed=0):
    values = np.random.default_rng(seed).standard_normal((steps, *grid.shape)).astype(dtype)
    attrs = {"grid_spec": grid.spec, "grid": grid.label, "units": "K"}
    return xr.DataArray(values, {"step": np.arange(steps)}, ("step", *grid.dims), "2t", attrs)


def expected(values, method="linear", target=TARGET, source=SOURCE):
    matrix = geo.weights(source, target, method)
    flat = values.reshape(-1, source.size).astype("f8")
    return (matrix @ flat.T).T.reshape(*values.shape[: values.ndim - len(source.shape)], *target.shape)


class Counting(BackendArray):
    """An array that tells which part of it was read."""

    def __init__(self, values):
        self.values, self.shape, self.dtype, self.read = values, values.shape, values.dtype, []

    def __getitem__(self, key):
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key):
        self.read.append(key)
        return self.values[np.ix_(*(np.atleast_1d(np.arange(n)[k]) for n, k in zip(self.shape, key, strict=True)))]


def lazy(field):
    counted = Counting(field.to_numpy())
    variable = xr.Variable(field.dims, indexing.LazilyIndexedArray(counted), field.attrs)
    return xr.DataArray(variable, field.coords, name=field.name), counted


def test_values_are_those_of_the_weights_and_the_grid_is_described():
    field = fields()
    found = geo.regrid(field, "5/5")
    np.testing.assert_allclose(found, expected(field.to_numpy()), rtol=1e-5, atol=1e-6)
    assert found.dims == ("step", "latitude", "longitude")
    assert found.dtype == np.float32
    assert (found.attrs["grid_spec"], found.attrs["grid"], found.attrs["units"]) == (TARGET.spec, "5x5", "K")
    np.testing.assert_array_equal(found["latitude"], np.arange(90.0, -91.0, -5.0))


def test_chunks_stay_a_graph_whose_tasks_have_many_fields_and_no_weights():
    field = fields(steps=40)
    with raise_if_computes():
        found = geo.regrid(field.chunk(step=1, values=100), "5/5")
    assert found.data.name.startswith("regrid-")
    assert len(found.chunks[0]) == 2
    layer = dict(found.data.dask.layers[found.data.name])
    assert len(pickle.dumps(layer)) < 20_000
    np.testing.assert_allclose(found, expected(field.to_numpy()), rtol=1e-5, atol=1e-6)


def test_other_lazy_arrays_are_read_when_somebody_looks_and_no_more_than_that():
    field, counted = lazy(fields())
    found = geo.regrid(field, "5/5")
    assert not counted.read
    np.testing.assert_allclose(found.isel(step=1), expected(fields().to_numpy())[1], rtol=1e-5, atol=1e-6)
    ((steps, _),) = counted.read
    assert np.ravel(steps).tolist() == [1]
    whole = expected(fields().to_numpy())
    np.testing.assert_allclose(found[[2, 0], [3, 5], [1, 7, 9]], whole[[2, 0]][:, [3, 5]][:, :, [1, 7, 9]], rtol=1e-5)
    assert found.isel(step=slice(0, 0)).to_numpy().shape == (0, 37, 72)


def test_fields_that_are_read_one_by_one_are_made_many_at_a_time():
    field, counted = lazy(fields(steps=40))
    found = geo.regrid(field, "5/5")
    found = pickle.loads(pickle.dumps(found)) if not counted.read else found
    whole = expected(field.to_numpy())
    for step in [*range(40), 7, 8, 3]:
        np.testing.assert_allclose(found[step], whole[step], rtol=1e-5, atol=1e-6)


def test_fields_of_several_dimensions_are_read_ahead_along_the_last():
    values = np.random.default_rng(2).standard_normal((3, 1, 5, 1, SOURCE.size))
    made = xr.DataArray(values, dims=("a", "b", "c", "d", "values"), attrs={"grid_spec": SOURCE.spec})
    field, counted = lazy(made)
    found = geo.regrid(field, "5/5")
    whole = expected(values)
    for place in np.ndindex(3, 1, 5, 1):
        np.testing.assert_allclose(found[place], whole[place], rtol=1e-12, atol=1e-12)
    assert [len(np.ravel(np.arange(5)[key[2]])) for key in counted.read] == [1, 4, 5, 5]


@pytest.mark.parametrize("source", ["O16", "F16", "10/10"])
def test_an_area_is_part_of_the_whole_and_reads_only_rows_that_it_needs(source):
    grid = geo.Grid(source)
    field, counted = lazy(fields(grid=grid))
    found = geo.regrid(field, "5/5", area=AREA).load()
    whole = geo.regrid(fields(grid=grid), "5/5")
    longitude = np.round(found["longitude"].to_numpy()) % 360
    np.testing.assert_array_equal(found, whole.sel(latitude=found["latitude"].to_numpy(), longitude=longitude))
    inner = counted.read[0][1]
    assert len(range(*inner.indices(grid.shape[0]))) < 0.6 * grid.shape[0]


def test_an_area_computes_only_the_chunks_that_it_needs():
    computed = []
    grid = geo.Grid("2/2")
    rows = [dask.delayed(lambda n: computed.append(n) or np.full((10, 180), n, "f4"))(n) for n in range(9)]
    blocks = [da.from_delayed(row, (10, 180), "f4") for row in rows]
    values = da.concatenate([*blocks, da.zeros((1, 180), "f4")])
    field = xr.DataArray(values, dims=("latitude", "longitude"), attrs={"grid_spec": grid.spec})
    geo.regrid(field, "5/5", area=(88, 0, 60, 40)).compute()
    assert sorted(set(computed)) == [0, 1]


def test_arrays_without_names_say_their_grid_by_source():
    field = fields().to_numpy()
    found = geo.regrid(field, "5/5", source="O16")
    np.testing.assert_allclose(found, expected(field), rtol=1e-5, atol=1e-6)
    chunked = geo.regrid(da.from_array(field, chunks=(1, 100)), "5/5", source="O16")
    np.testing.assert_array_equal(chunked.compute(), found)
    flat = np.ones(geo.Grid("10/10").size)
    assert geo.regrid(flat, "5/5", source="10/10").shape == TARGET.shape
    with pytest.raises(GridError, match="a plain array are is not known"):
        geo.regrid(field, "5/5")
    with pytest.raises(GridError, match="does not end with the points of O32"):
        geo.regrid(field, "5/5", source="O32")
    with pytest.raises(GridError, match="no treatment of missing values"):
        geo.regrid(field, "5/5", source="O16", missing="missing-if-any")


def test_a_cube_is_brought_to_another_and_read_back(tmp_path):
    store = dtedask.open(tmp_path / "cube")
    field = geo.regrid(fields(steps=2), "10/10").drop_vars("step").drop_attrs()
    for step in range(2):
        key = {**KEYS, "param": "2t", "date": "20240603", "time": "0000", "step": str(step)}
        store.archive(field.isel(step=step), key)
    store.flush()
    whole = store.retrieve("param=2t")
    found = geo.regrid(whole, "O16")
    assert "latitude" not in found.dims
    assert "snapshot" not in found.attrs
    store.archive(found)
    store.flush()
    again = store.retrieve("param=2t,grid=O16")
    assert again.attrs["grid_spec"] == SOURCE.spec
    wanted = expected(whole["2t"].to_numpy(), target=SOURCE, source=geo.Grid("10/10"))
    np.testing.assert_allclose(again["2t"], wanted, rtol=1e-5, atol=1e-6)


def test_a_number_can_count_as_missing_and_stays_that_number():
    values = np.ones(SOURCE.size, "f4")
    values[:400] = 9999
    found = geo.regrid(values, "5/5", source=SOURCE, missing="simulated-missing-value")
    gaps = np.where(values == 9999, np.nan, values)
    wanted = geo.regrid(gaps, "5/5", source=SOURCE)
    np.testing.assert_array_equal(found == 9999, np.isnan(wanted))
    np.testing.assert_allclose(found[found != 9999], 1, rtol=1e-6)


@pytest.mark.slow
def test_a_limiter_keeps_values_between_those_around():
    values = (geo.Grid("10/10").points().latitude > 12).astype("f4")
    free = geo.regrid(values, "O16", "quasi-cubic", source="10/10", limiter=False)
    found = geo.regrid(values, "O16", "quasi-cubic", source="10/10", limiter=True)
    assert free.max() > 1.01
    assert (found.min(), found.max()) == (0, 1)


STATISTICS = {
    "count": len,
    "mean": np.mean,
    "minimum": np.min,
    "maximum": np.max,
    "variance": lambda row: np.var(row, ddof=1),
    "standard-deviation": lambda row: np.std(row, ddof=1),
    "skewness": stats.skew,
    "kurtosis": stats.kurtosis,
}


@pytest.mark.slow
@pytest.mark.parametrize("reduction", STATISTICS)
def test_statistics_are_those_of_the_points_that_are_there(reduction):
    random = np.random.default_rng(1)
    pattern = random.random((30, 60)) < 0.4
    pattern[3] = False
    values = random.standard_normal((4, 60)) + 100
    values[:, ::7] = np.nan
    found = reduce_rows(compact(csr_array(pattern.astype(float))), values, reduction)
    for row in range(30):
        for field in range(4):
            there = values[field][pattern[row] & ~np.isnan(values[field])]
            wanted = STATISTICS[reduction](there) if len(there) else np.nan
            np.testing.assert_allclose(found[field, row], wanted, rtol=1e-9, atol=1e-9)
