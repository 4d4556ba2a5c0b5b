"""Small cubes for tests of the engine and of catalogs."""

import itertools

import numpy as np
import pytest
import xarray as xr

import dtedask

FORECAST = {"class": "od", "stream": "enfo", "expver": "0001", "type": "pf", "levtype": "pl"}
ANALYSIS = {"class": "ea", "stream": "oper", "expver": "0001", "type": "an", "levtype": "sfc"}
LATITUDE, LONGITUDE = np.array([20.0, 10.0, 0.0]), np.array([0.0, 10.0, 20.0, 30.0])


def make_field(value, keys=FORECAST, **more):
    """One field whose numbers follow from `value`, and its MARS keys."""
    values = np.float32(value) + np.arange(12, dtype=np.float32).reshape(3, 4) / 16
    array = xr.DataArray(
        values, dims=("latitude", "longitude"), coords={"latitude": LATITUDE, "longitude": LONGITUDE}, name="t"
    )
    return array, {**keys, "param": "t", "date": "20240601", "time": "0000", "step": "0", **more}


def archive(store, *fields):
    for array, keys in fields:
        store.archive(array, key=keys)
    return store.flush()


def forecast_fields(dates=(1, 2), members=(1, 2, 3), steps=(0, 6, 12), levels=(1000, 500)):
    """A forecast without gaps; each field has a number of its own."""
    combinations = list(itertools.product(dates, members, steps, levels))
    return [
        make_field(
            index, date=f"202406{date:02d}", number=str(member), step=str(step), levelist=str(level), param=param
        )
        for param, shift in (("t", 0), ("u", 1000))
        for index, (date, member, step, level) in enumerate(combinations, start=shift)
    ]


@pytest.fixture
def forecast(tmp_path):
    """A root with a forecast, archived in an order that is not sorted."""
    store = dtedask.open(tmp_path / "root")
    archive(store, *forecast_fields()[::-1])
    return store


@pytest.fixture
def analysis(tmp_path):
    """A root with analyses at four times."""
    store = dtedask.open(tmp_path / "root")
    times = ((2, "0000"), (1, "1200"), (1, "0000"), (2, "1200"))
    archive(store, *(make_field(n, ANALYSIS, date=f"2024060{day}", time=time) for n, (day, time) in enumerate(times)))
    return store


@pytest.fixture(name="make_field", scope="session")
def _make_field():
    return make_field


@pytest.fixture(name="archive", scope="session")
def _archive():
    return archive


@pytest.fixture(scope="session")
def analysis_keys():
    return ANALYSIS
