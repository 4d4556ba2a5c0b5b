"""Small fields for tests of the store."""

import itertools

import numpy as np
import pytest
import xarray as xr

import dtedask

KEYS = {"class": "rd", "stream": "enfo", "expver": "test", "type": "pf", "levtype": "pl"}


def make_field(value=0.0, *, shape=(3, 4), param="t", date="20240101", time="0000", **keys):
    """One field on a regular grid; `value` and the place in the field make every number different."""
    latitude = np.linspace(10, 10 - 10 * (shape[0] - 1), shape[0])
    longitude = np.arange(shape[1]) * 10.0
    values = np.float32(value) + np.arange(np.prod(shape), dtype=np.float32).reshape(shape) / 128
    array = xr.DataArray(values, dims=("latitude", "longitude"), coords={"latitude": latitude, "longitude": longitude})
    return array, {**KEYS, "param": param, "date": date, "time": time, "step": "0", **keys}


@pytest.fixture(name="make_field", scope="session")
def _make_field():
    return make_field


@pytest.fixture
def store(tmp_path):
    """A root on local disk that does not exist yet."""
    return dtedask.open(tmp_path / "root")


@pytest.fixture
def memory_store():
    """A root in memory of its own."""
    return dtedask.open(f"memory://{next(_NAMES)}")


_NAMES = (f"test-{number}" for number in itertools.count())
