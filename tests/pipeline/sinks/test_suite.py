"""Every sink passes the suite."""

from pathlib import Path
from typing import ClassVar

import netCDF4
import numpy as np
import pytest
import xarray as xr

import dtedask
from dtedask.grib import decode, scan
from dtedask.pipeline.sinks import memory
from dtedask.testing import SinkSuite


def read_at(written):
    with Path(written.location).open("rb") as file:
        file.seek(written.offset or 0)
        return file.read(written.size_bytes)


def seen_in(paths):
    """Steps and values of the messages of files; two of a step would be found out."""
    found = [message for path in paths for message in scan(path)]
    steps = [message.field.keys["step"] for message in found]
    assert len(set(steps)) == len(steps)
    values = [decode(message.read(), message.field.order, dtype="float64") for message in found]
    return dict(zip(steps, values, strict=True))


class TestCube(SinkSuite):
    document: ClassVar = {"type": "cube"}

    def stored(self, written):
        cube, _, chunk = written.location.partition("/rd/oper/test/")
        root = Path(cube)
        keys = {**dict(written.keys)}
        ((record, values),) = dtedask.open(root).values(keys)
        assert record.chunk == chunk
        return values.astype("<f4").tobytes()

    def seen(self, folder):
        store = dtedask.open(folder / "output")
        if not (folder / "output").exists():
            return {}
        return {record.keys["step"]: values for record, values in store.values({})} if list(store.list()) else {}


class TestMemory(SinkSuite):
    document: ClassVar = {"type": "memory", "name": "suite"}
    knows_what_is_there = False
    survives = False

    @pytest.fixture(autouse=True)
    def _empty(self):
        memory.forget("suite")
        yield
        memory.forget("suite")

    def stored(self, written):
        message = memory.kept("suite")[int(written.location.rpartition("/")[2])]
        return message.data or message.values.astype("<f8").tobytes()

    def seen(self, folder):  # noqa: ARG002 - it is in no folder
        return {one.keys["step"]: values(one) for one in memory.kept("suite")}


def values(message):
    if message.data is None:
        return message.values
    return decode(message.data, message.description.order, dtype="float64")


class FileSuite(SinkSuite):
    bits = 16

    def stored(self, written):
        return read_at(written)

    def seen(self, folder):
        assert not list(folder.glob("*.part"))
        return seen_in(sorted(folder.glob("*.grib2")))


class TestOneFile(FileSuite):
    document: ClassVar = {"type": "file", "path": "all.grib2"}


class TestAppend(FileSuite):
    document: ClassVar = {"type": "file", "path": "all.grib2", "append": True}


class TestNamedByKeys(FileSuite):
    document: ClassVar = {"type": "file", "path": "{date}_{time}_{step}_{shortName}.grib2"}


class TestCutBySize(FileSuite):
    document: ClassVar = {"type": "file", "path": "all.grib2", "rotate": 1}


class TestCutByStep(FileSuite):
    document: ClassVar = {"type": "file", "path": "all.grib2", "rotate": "step"}


class XarraySuite(SinkSuite):
    """Readers open what stands there by xarray, which knows nothing of us."""

    engine: str
    place: str

    def seen(self, folder):
        assert not list(folder.rglob("*.part"))
        if not (folder / self.place).exists():
            return {}
        with xr.open_dataset(folder / self.place, engine=self.engine, decode_timedelta=False) as found:
            start = np.datetime64("2024-01-01", "s")
            steps = (found["time"].to_numpy().astype("datetime64[s]") - start).astype(int) // 3600
            values = found["t"].sel(level=500).transpose("time", "latitude", "longitude").to_numpy()
        return {str(step): one for step, one in zip(steps, values, strict=True)}


class TestNetcdf(XarraySuite):
    document: ClassVar = {"type": "netcdf", "path": "all.nc"}
    engine, place = "h5netcdf", "all.nc"

    def stored(self, written):
        path, _, place = written.location.partition("#")
        name, _, slot = place.removesuffix("]").partition("[")
        with netCDF4.Dataset(path) as file:
            file.set_auto_mask(False)
            return file[name][tuple(map(int, slot.split(",")))].astype("<f4").tobytes()


class TestCompressedNetcdf(TestNetcdf):
    document: ClassVar = {"type": "netcdf", "path": "all.nc", "compression": 2}


class TestZarr(XarraySuite):
    document: ClassVar = {"type": "zarr", "path": "all.zarr"}
    engine, place = "zarr", "all.zarr"

    def stored(self, written):
        return Path(written.location).read_bytes()


class TestPlainZarr(TestZarr):
    document: ClassVar = {"type": "zarr", "path": "all.zarr", "level": 0}
