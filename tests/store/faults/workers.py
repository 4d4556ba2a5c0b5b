"""Writers in processes of their own, forked from one that has imported everything: a start takes milliseconds."""

import itertools
import multiprocessing
import os
import signal
from contextlib import ExitStack, contextmanager, suppress

import numpy as np
import xarray as xr

import dtedask

KEYS = {"class": "rd", "stream": "oper", "expver": "test", "type": "fc", "levtype": "pl", "param": "t"}
KEYS |= {"date": "20240101", "time": "0000"}
PRELOAD = [
    "xarray",
    "zarr",
    "zarr.codecs",
    "icechunk",
    "obstore",
    "obstore.store",
    "dask.array",
    "dask.threaded",
    "pint",
    "psutil",
]
PRELOAD += ["dtedask.store.store", "dtedask.store.writing", "dtedask.store.arrays", "dtedask.store.dataset", "filelock"]
PRELOAD += ["dtedask.catalog.plugin", "dtedask.catalog.update", "dtedask.notify.plugin", "dtedask.notify.active"]
PRELOAD += ["tests.store.faults.workers"]
LEVELS = ("500", "850", "1000")
SHAPE = (12, 18)


def values_of(step, level):
    """What a field holds; big enough for an object of its own."""
    return np.random.default_rng([int(step), int(level)]).random(SHAPE, dtype="float32")


def field(step, level, **keys):
    coordinates = {"latitude": np.linspace(55, 0, SHAPE[0]), "longitude": np.arange(SHAPE[1]) * 20.0}
    array = xr.DataArray(values_of(step, level), dims=("latitude", "longitude"), coords=coordinates)
    return array, {**KEYS, "step": str(step), "levelist": str(level), **keys}


def archive_step(store, step, **keys):
    for level in LEVELS:
        store.archive(*field(step, level, **keys))
    return store.flush()


def write_steps(connection, root, first, count=None):
    """Commit step after step and say so: "begin", then "done" when the commit was acknowledged."""
    store = dtedask.open(root)
    for step in itertools.count(first) if count is None else range(first, first + count):
        connection.send(("begin", step))
        archive_step(store, step)
        connection.send(("done", step))


def write_fields(connection, root, fields):
    """Wait for a start, then commit fields one by one: pairs of step and level."""
    store = dtedask.open(root)
    connection.send("ready")
    connection.recv()
    for step, level in fields:
        store.archive(*field(step, level))
        store.flush()
    connection.send("done")


def context():
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(PRELOAD)
    return found


@contextmanager
def running(target, *arguments):
    """A process and the connection to it; it is killed at the end."""
    here, there = context().Pipe()
    process = context().Process(target=target, args=(there, *arguments))
    process.start()
    there.close()
    try:
        yield process, here
    finally:
        with suppress(ProcessLookupError):  # it ended by itself a moment ago
            if process.is_alive():
                os.kill(process.pid, signal.SIGKILL)
        process.join(30)
        here.close()


def write_side_by_side(root, parts):
    """Run one writer for each part of the fields, all at once; return their exit codes."""
    with ExitStack() as stack:
        writers = [stack.enter_context(running(write_fields, root, part)) for part in parts]
        for _, connection in writers:
            assert connection.poll(60)
            assert connection.recv() == "ready"
        for _, connection in writers:
            connection.send("go")
        for process, _ in writers:
            process.join(60)
        return [process.exitcode for process, _ in writers]
