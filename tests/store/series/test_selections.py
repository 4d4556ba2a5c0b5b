"""Any part that is asked for comes from time series as from the fields: grids, types, missing points, real GRIB."""

import itertools
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import dtedask
from dtedask.grib import decode, describe, encode, scan
from dtedask.store import Schema, fields
from dtedask.store.schema import Values

ALL = "class=rd,expver=test"
SHAPE = (70, 45)
_NAMES = itertools.count()


def always():
    """Whatever is no whole field comes from time series, as far as there are some."""
    true = fields.read_better
    return mock.patch.object(fields, "read_better", lambda *found: true(*found[:4], 2**40, found[5]))


def indexers(size):
    index = st.integers(-size, size - 1)
    return st.one_of(index, st.slices(size), st.lists(index, min_size=1, max_size=4).map(np.array))


@pytest.fixture(scope="module", params=["map", "messages"])
def forecast(make_field, request):
    """Two runs that arrive in disorder, one without its last step for a member, with missing points and steps."""
    store = dtedask.open(f"memory://selections-{next(_NAMES)}", schema=Schema(layout=request.param))
    for date, member, step in itertools.product(("20240102", "20240101"), "12", ("12", "0", "6", "18")):
        if (date, member, step) != ("20240101", "2", "18"):
            array, keys = make_field(int(step) * 7 + int(member), shape=SHAPE, date=date, number=member, step=step)
            array = array.assign_coords(latitude=90 - 2.0 * np.arange(SHAPE[0]), longitude=8.0 * np.arange(SHAPE[1]))
            known = array.latitude < 0 if step == "6" else array.longitude > 40
            store.archive(array.where(known), {**keys, "levelist": "500"})
    store.flush()
    assert store.rechunk(f"{ALL},step=0/6/12").fields == 15
    return store


@pytest.mark.slow
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.tuples(*(indexers(size) for size in (2, 2, 4, 1, *SHAPE))))
def test_any_selection_is_the_same_from_time_series_and_from_fields(forecast, parts):
    array = forecast.retrieve({})["t"]
    part = dict(zip(array.dims, parts, strict=True))
    with always():
        found = array.isel(part).to_numpy()
    assert np.array_equal(found, array.load().isel(part).to_numpy(), equal_nan=True)


def test_valid_times_are_read_from_time_series(forecast):
    array = dtedask.open_cube(f"{forecast.root}/rd/enfo/test", time="valid")["t"][..., 3, 40]
    with always():
        found = array.to_numpy()
    assert np.array_equal(found, array.load().to_numpy(), equal_nan=True)


def test_float64_stays_float64(memory_store, make_field):
    store = dtedask.open(memory_store.root, schema=Schema(values=Values(dtype="float64")))
    for step in ("0", "6"):
        array, keys = make_field(0, shape=SHAPE, step=step)
        store.archive(array.astype("float64") + 1e-12 * int(step), keys)
    store.flush()
    store.rechunk(ALL)
    with always():
        found = store.retrieve({})["t"][..., 5, 5].to_numpy()
    assert found.dtype == "float64"
    assert np.diff(found).item() == pytest.approx(6e-12, rel=1e-3)


@pytest.mark.slow
def test_hourly_steps_of_a_real_forecast_are_what_ecCodes_says(memory_store, grib_folder):  # noqa: N802
    messages = list(scan(grib_folder / "step-60m.grib"))
    store = memory_store
    store.archive(grib_folder / "step-60m.grib")
    store.flush()
    assert store.rechunk({}).fields == len(messages) == 73
    (array,) = store.retrieve({}).data_vars.values()
    with always():
        found = array.isel(latitude=1, longitude=2).to_numpy().ravel()
    values = [decode(one.read(), describe(one.read()).order)[1, 2] for one in messages]
    assert np.array_equal(found, np.float32(values))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["reduced-gg.grib", "lambert.grib", "spherical-harmonics.grib", "healpix-h8.grib2"])
def test_other_grids_have_patches_too(memory_store, grib_folder, name):
    message = next(iter(scan(grib_folder / name)))
    grid, own = message.field.grid, {"class": "rd", "stream": "oper", "expver": "test", "param": "130", "type": "fc"}
    store = memory_store
    for step in ("0", "6", "12"):
        values = np.arange(grid.size, dtype="float32").reshape(grid.shape) + float(step)
        store.archive(encode(values, {**message.field.keys, **own, "step": step}, grid))
    store.flush()
    store.rechunk(ALL)
    (array,) = store.retrieve({}).data_vars.values()
    point = {dim: size // 2 for dim, size in zip(grid.dims, grid.shape, strict=True)}
    with always():
        found = array.isel(point).to_numpy()
    assert np.array_equal(found, array.load().isel(point).to_numpy())
    assert np.ptp(found) == pytest.approx(12, abs=1)
