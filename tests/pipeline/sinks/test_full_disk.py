"""A disk that is full is a clear error; nothing half is seen, and the same flush completes it later."""

import resource
from contextlib import contextmanager

import pytest

from dtedask.core.errors import SinkError
from dtedask.pipeline import Context, Message
from dtedask.pipeline.sink import make_sink
from dtedask.pipeline.sinks.file import FileOptions
from dtedask.pipeline.sinks.netcdf import NetcdfOptions
from dtedask.pipeline.sinks.zarr import ZarrOptions
from dtedask.testing import make_message

OPTIONS = {
    "file": FileOptions(type="file", path="all.grib2"),
    "netcdf": NetcdfOptions(type="netcdf", path="all.nc"),
    "zarr": ZarrOptions(type="zarr", path="all.zarr"),
}


@contextmanager
def no_file_larger_than(size_bytes):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def contents(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(("kind", "room_bytes"), [("file", 1500), ("netcdf", 9000), ("zarr", 1000)])
def test_a_full_disk_is_an_error_that_leaves_what_was_there_and_is_made_good(tmp_path, kind, room_bytes):
    sink = make_sink(OPTIONS[kind], Context("daily", 0, tmp_path))
    sink.take(make_message(1, shape=(14, 36)))
    list(sink.flush(Message.flush(step="0")))
    before = contents(tmp_path)
    sink.take(make_message(2, shape=(14, 36), step="6"))
    with (
        no_file_larger_than(room_bytes),
        pytest.raises(SinkError, match=r"cannot be written.*the same flush|flush again"),
    ):
        list(sink.flush(Message.flush(step="6")))
    assert contents(tmp_path) == before
    (written,) = sink.flush(Message.flush(step="6"))
    assert written.is_new
    assert contents(tmp_path) != before
