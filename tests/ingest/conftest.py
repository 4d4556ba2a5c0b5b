"""Small GRIB files for tests of ingest."""

import numpy as np
import pytest

import dtedask
from dtedask.grib.library import eccodes

POINTS = (5, 8)


def grib_bytes(*, steps=(0, 6), params=(130, 131), levels=(850, 500), date=20240603, value=0.0, stream="oper"):
    """Messages of a deterministic forecast, steps first; every field has other values."""
    handle = eccodes.codes_grib_new_from_samples("regular_ll_pl_grib2")
    rows, columns = POINTS
    for key, setting in {
        "Ni": columns, "Nj": rows, "iDirectionIncrementInDegrees": 10, "jDirectionIncrementInDegrees": 10,
        "latitudeOfFirstGridPointInDegrees": 60, "latitudeOfLastGridPointInDegrees": 20,
        "longitudeOfFirstGridPointInDegrees": 0, "longitudeOfLastGridPointInDegrees": 70, "tablesVersion": 32,
        "setLocalDefinition": 1, "class": "od", "stream": stream, "type": "fc", "expver": "0001", "dataDate": date,
        "dataTime": 0, "bitsPerValue": 16,
    }.items():  # fmt: skip
        eccodes.codes_set(handle, key, setting)
    messages = []
    for step in steps:
        for param in params:
            for level in levels:
                for key, setting in {"step": step, "paramId": param, "level": level}.items():
                    eccodes.codes_set(handle, key, setting)
                eccodes.codes_set_values(handle, value + step + param + level + np.arange(rows * columns) / 8)
                messages.append(eccodes.codes_get_message(handle))
    eccodes.codes_release(handle)
    return b"".join(messages)


def undecodable(data):
    """The first message with a packing of values that does not exist: its sections are whole all the same."""
    position = 16
    while data[position + 4] != 5:
        position += int.from_bytes(data[position : position + 4], "big")
    return data[: position + 9] + (4095).to_bytes(2, "big") + data[position + 11 :]


@pytest.fixture(name="grib_bytes", scope="session")
def _grib_bytes():
    return grib_bytes


@pytest.fixture(name="undecodable", scope="session")
def _undecodable():
    return undecodable


@pytest.fixture
def store(tmp_path):
    """A root on local disk that does not exist yet."""
    return dtedask.open(tmp_path / "root")


@pytest.fixture
def folder(tmp_path):
    """An empty folder for input."""
    path = tmp_path / "input"
    path.mkdir()
    return path
