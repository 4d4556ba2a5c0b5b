"""Opening in Dask chunks along the steps."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from dtedask.store.dataset import series_chunks

ALL = "class=rd,expver=test"
sizes = st.integers(1, 90)


def test_a_dataset_is_cut_along_the_steps_where_that_is_asked_for(store, archive_run):
    archive_run(store)
    store.rechunk(ALL)
    options = {"engine": "dtedask", "group": "rd/enfo/test/pf/pl", "chunks": {}}
    along, across = (xr.open_dataset(store.root, layout=layout, **options)["t"] for layout in ("series", "map"))
    assert along.chunksizes["step"] == (4,)
    assert along.chunksizes["latitude"] == (40,)
    assert np.array_equal(along.mean("step").to_numpy(), across.mean("step").to_numpy())


def test_without_time_series_it_is_cut_into_fields(store, archive_run):
    archive_run(store)
    options = {"engine": "dtedask", "group": "rd/enfo/test/pf/pl", "chunks": {}}
    assert xr.open_dataset(store.root, layout="series", **options)["t"].chunksizes["latitude"] == (40,)


@given(st.tuples(sizes, sizes, sizes, sizes), st.tuples(st.integers(1, 32), st.integers(1, 32)), st.integers(1, 10**5))
def test_chunks_hold_all_steps_of_whole_patches_within_the_limit(shape, patch, limit):
    dims = ("member", "step", "latitude", "longitude")
    found = series_chunks(dims, shape, patch, 4, limit)
    assert (found["member"], found["step"]) == (1, shape[1])
    for name, size, part in zip(dims[2:], shape[2:], patch, strict=True):
        assert found[name] == size or found[name] % part == 0
    one = 4 * shape[1] * patch[0] * patch[1]
    assert 4 * found["step"] * found["latitude"] * found["longitude"] <= max(limit, one)


@pytest.mark.parametrize("dims", [("time", "latitude", "longitude"), ("time", "values")])
def test_valid_times_are_cut_as_steps_are(dims):
    shape, patch = (7, 64, 64)[: len(dims)], (32, 32)[: len(dims) - 1]
    assert series_chunks(dims, shape, patch, 4) == dict(zip(dims, shape, strict=True))
