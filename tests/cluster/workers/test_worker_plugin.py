"""What workers do as they start."""

import logging
import os
import threading
from functools import partial

import pytest

from dtedask.cluster.workers import versions
from dtedask.core.errors import ClusterError
from dtedask.plugins import hookimpl, register, unregister

distributed = pytest.importorskip("distributed")
from dtedask.cluster.workers.plugin import DtedaskWorker, prepare_workers  # noqa: E402 - it imports distributed


def _touch(path):
    import pathlib

    pathlib.Path(path, str(os.getpid())).touch()


def _break():
    raise OSError("no such model")


class Plugin:
    def __init__(self, *functions):
        self.functions = functions

    @hookimpl
    def worker_starts(self):
        return self.functions


def _state():
    import sys

    from dtedask.core.cores import cores

    tokio = [name for name in _thread_names() if name.startswith("tokio")]
    environment = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    return {"loaded": {"icechunk", "eccodes"} <= set(sys.modules), "cores": cores(), "tokio": len(tokio)} | environment


def _thread_names():
    from pathlib import Path

    return [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]


def _waits_for(condition):
    """Whether it becomes true in time; waits on a worker."""
    import time

    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def _has_loaded():
    return not any(thread.name == "dtedask-loads" for thread in threading.enumerate())


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    """A client of a worker process of one thread, and the folder in which each process leaves a mark."""
    folder = tmp_path_factory.mktemp("loaded")
    plugin = Plugin(_break, partial(_touch, str(folder)))
    register(plugin)
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        for _ in range(2):
            prepare_workers(client)
        client.run(_waits_for, _has_loaded)
        yield client, folder
    unregister(plugin)


@pytest.mark.slow
def test_libraries_are_loaded_before_the_first_task_and_pools_are_bounded(workers):
    client, _ = workers
    (state,) = client.run(_state).values()
    assert state == {"loaded": True, "cores": 1, "tokio": 1, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@pytest.mark.slow
def test_plug_ins_say_what_is_loaded_and_one_that_fails_stops_no_other(workers):
    client, folder = workers
    (pid,) = client.run(os.getpid).values()
    assert [path.name for path in folder.iterdir()] == [str(pid)]


@pytest.mark.slow
def test_a_worker_that_comes_later_is_prepared_too(workers):
    client, folder = workers
    client.cluster.scale(2)
    client.wait_for_workers(2, timeout=60)
    client.run(_waits_for, _has_loaded)
    assert {path.name for path in folder.iterdir()} == {str(pid) for pid in client.run(os.getpid).values()}


@pytest.mark.slow
def test_other_versions_are_told_of_once_or_refuse_all_tasks(workers, caplog, monkeypatch):
    client, _ = workers
    monkeypatch.setattr(
        DtedaskWorker, "__init__", _with_versions({"zarr": "1.0", "icechunk": "99.1"}, DtedaskWorker.__init__)
    )
    heard = threading.Event()
    monkeypatch.setattr("dtedask.cluster.workers.plugin.logger.warning", lambda *_: heard.set())
    from dtedask.store import Execution

    with caplog.at_level(logging.WARNING):
        prepare_workers(client)
        assert heard.wait(30)
    with pytest.raises(ClusterError, match=r"icechunk 1\.\S+ where the client has 99\.1"):
        Execution(client=client).map(len, [[1]], "count")


def _with_versions(found, original):
    def init(self, functions):
        original(self, functions)
        self.versions, self.name = found, "another"

    return init


@pytest.mark.parametrize(
    ("client", "worker", "forbidden", "known"),
    [
        ({"icechunk": "1.1.2"}, {"icechunk": "1.1.9"}, [], []),
        ({"icechunk": "1.1.2"}, {"icechunk": "1.2.0"}, [], ["icechunk 1.2.0 where the client has 1.1.2"]),
        ({"icechunk": "1.1.2"}, {"icechunk": "2.0.0"}, ["icechunk 2.0.0 where the client has 1.1.2"], []),
        ({"dtedask": "1.0"}, {}, ["dtedask none where the client has 1.0"], []),
        ({"zarr": "3.1"}, {"zarr": "4.0"}, [], ["zarr 4.0 where the client has 3.1"]),
    ],
)
def test_versions_that_write_other_stores_forbid_and_others_are_told(client, worker, forbidden, known):
    assert versions.differences(client, worker) == (forbidden, known)


@pytest.mark.slow
def test_the_versions_of_python_and_of_what_writes_stores_are_known():
    assert {"Python", "icechunk", "zarr", "eccodes"} <= set(versions.versions())
