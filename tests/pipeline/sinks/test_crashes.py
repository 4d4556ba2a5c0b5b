"""A process that is killed between any two steps of a flush leaves nothing half, and who goes on completes it."""

import json
import subprocess
import sys
from pathlib import Path

import eccodes
import numpy as np
import pytest
import xarray as xr

import dtedask
from dtedask.pipeline import Context, Message
from dtedask.pipeline.sink import make_sink
from dtedask.pipeline.sinks.cube import CubeOptions
from dtedask.pipeline.sinks.file import FileOptions
from dtedask.pipeline.sinks.netcdf import NetcdfOptions
from dtedask.pipeline.sinks.zarr import ZarrOptions
from dtedask.testing import make_message

OPTIONS = {
    "one-file": FileOptions(type="file", path="all.grib2"),
    "named": FileOptions(type="file", path="{step}-{level}.grib2"),
    "netcdf": NetcdfOptions(type="netcdf", path="all.nc"),
    "zarr": ZarrOptions(type="zarr", path="all.zarr"),
    "cube": CubeOptions(type="cube"),
}
# Every call by which a sink changes what is on disk. Forks of one process that has imported all die at one of them,
# before it or in the middle of it, each in a folder of its own, until one comes to the end.
CHILD = """
import json, os, pathlib, shutil, signal, sys
from tests.pipeline.sinks.test_crashes import made, fields, flush

kind, place, halves = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3] == "within"
count = 0


def dies_at(owner, name, limit):
    original = getattr(owner, name)

    def call(*arguments, **options):
        global count
        count += 1
        if count == limit:
            if halves and name == "pwrite":
                original(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2], arguments[2])
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **options)

    setattr(owner, name, call)


def begun(folder):
    folder.mkdir()
    sink = made(kind, folder)
    for message in fields("0"):
        sink.take(message)
    list(sink.flush(flush("0")))
    return sink


def write(folder, limit):
    sink = begun(folder)
    (folder / "saved.json").write_text(json.dumps(sink.save()))
    calls = [(os, "pwrite"), (os, "fsync"), (pathlib.Path, "replace"), (shutil, "copyfile")]
    if kind == "cube":
        from dtedask.store import archive, transaction
        calls = [(transaction.Transaction, "_publish"), (transaction.Transaction, "_move"),
                 (transaction, "sync_branch"), (archive, "run_after_commit")]
    for owner, name in calls:
        dies_at(owner, name, limit)
    for message in fields("6"):
        sink.take(message)
    list(sink.flush(flush("6")))


# Once here, so that the forks have all that is imported; a store's threads would not come along.
fields("0") if kind == "cube" else begun(place.with_name("imported"))
for limit in range(1, 100):
    child = os.fork()
    if child == 0:
        write(place / str(limit), limit)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if not os.WIFSIGNALED(status):
        sys.exit(os.waitstatus_to_exitcode(status))
"""


def made(kind, folder):
    return make_sink(OPTIONS[kind], Context("daily", 0, Path(folder), str(Path(folder, "data")), "f" * 64))


def fields(step):
    return [make_message(int(step) + place, step=step, levelist=level) for place, level in enumerate(("500", "850"))]


def flush(step):
    return Message.flush("step", date="20240101", time="0000", step=step)


def seen(kind, folder):
    """What readers find, by step and level, with the first number of each field, by ecCodes and xarray."""
    if kind in ("one-file", "named"):
        return dict(entry for path in sorted(folder.glob("*.grib2")) for entry in messages_of(path))
    if kind == "cube":
        found = dtedask.open(folder / "data").values({})
        return {(r.keys["step"], r.keys["levelist"]): float(values.ravel()[0]) for r, values in found}
    engine, path = ("h5netcdf", "all.nc") if kind == "netcdf" else ("zarr", "all.zarr")
    with xr.open_dataset(folder / path, engine=engine, decode_timedelta=False) as data:
        hours = (data["time"].to_numpy() - np.datetime64("2024-01-01")).astype("timedelta64[h]").astype(int)
        return {
            (str(hour), f"{level:g}"): float(data["t"].to_numpy()[i, j].ravel()[0])
            for i, hour in enumerate(hours)
            for j, level in enumerate(data["level"].to_numpy())
        }


def messages_of(path):
    with path.open("rb") as file:
        while (handle := eccodes.codes_grib_new_from_file(file)) is not None:
            step, level = (eccodes.codes_get(handle, key) for key in ("step", "level"))
            values = eccodes.codes_get_values(handle)
            eccodes.codes_release(handle)
            yield (str(step), str(level)), float(values[0])


def check(kind, folder, *, is_killed):
    first = {("0", "500"): 0.0, ("0", "850"): 1.0}
    both = {**first, ("6", "500"): 6.0, ("6", "850"): 7.0}
    found = {key: round(value, 3) for key, value in seen(kind, folder).items()}
    assert found.items() >= first.items()
    assert found.items() <= both.items()
    if kind in ("netcdf", "zarr", "cube"):
        assert found in (first, both)
    after = made(kind, folder)
    after.load(json.loads((folder / "saved.json").read_text()))
    for message in fields("6"):
        after.take(message)
    written = list(after.flush(flush("6")))
    after.close()
    assert len(written) == 2
    assert {key: round(value, 3) for key, value in seen(kind, folder).items()} == both
    assert not list(folder.rglob("*.part")) or kind == "cube"
    if not is_killed:
        assert not any(one.is_new for one in written)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "where"), [*((kind, "before") for kind in OPTIONS), ("one-file", "within")], ids=lambda text: text
)
def test_a_sink_killed_at_any_step_leaves_nothing_half_and_is_completed(tmp_path, kind, where):
    (tmp_path / "killed").mkdir()
    arguments = [sys.executable, "-c", CHILD, kind, str(tmp_path / "killed"), where]
    done = subprocess.run(arguments, check=False, capture_output=True, text=True, cwd=Path(__file__).parents[3])
    assert done.returncode == 0, done.stderr
    folders = sorted((tmp_path / "killed").iterdir(), key=lambda folder: int(folder.name))
    assert len(folders) > 2
    for folder in folders:
        check(kind, folder, is_killed=folder is not folders[-1])
