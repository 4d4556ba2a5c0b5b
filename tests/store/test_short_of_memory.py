"""Workers that have too little memory: tasks are cut, and what cannot be cut is said with both numbers."""

import time

import dask
import eccodes
import numpy as np
import pytest

import dtedask
from dtedask.core.errors import TaskMemoryError, WorkerLostError
from dtedask.ingest import ingest
from dtedask.store import Execution

pytestmark = pytest.mark.slow

distributed = pytest.importorskip("distributed")
LIMIT = 430_000_000


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    options = {"n_workers": 1, "threads_per_worker": 1, "memory_limit": LIMIT, "dashboard_address": "127.0.0.1:0"}
    options["local_directory"] = str(tmp_path_factory.mktemp("scratch"))
    with (
        # A worker that is starting again 15 s after another death would be taken for lost, and its nanny closed.
        # A nanny that looks ten times a second does not see the one moment in which a field is decoded.
        dask.config.set(
            {
                "distributed.scheduler.allowed-failures": 0,
                "distributed.deploy.lost-worker-timeout": "1 hour",
                "distributed.worker.memory.monitor-interval": "5ms",
            }
        ),
        distributed.LocalCluster(**options) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def _hold(items):
    """Hold 70 MB for each item, for as long as a nanny takes to see it."""
    held = [np.ones(70_000_000, np.uint8) for _ in items]
    deadline = time.monotonic() + (0.8 if len(held) > 2 else 0)
    while time.monotonic() < deadline:
        time.sleep(0.05)
    return list(items)


def _die(items):
    import os
    import signal

    if 3 in items:
        os.kill(os.getpid(), signal.SIGKILL)
    return list(items)


def test_a_task_that_a_nanny_ends_for_its_memory_is_cut_and_its_parts_are_run(client):
    heard = []
    results = Execution(client=client, on_done=heard.append).map(_hold, [range(2), range(2, 10)], "hold")
    assert [one for part in results for one in part] == list(range(10))
    assert sorted(heard) == sorted(results)
    assert 2 < len(results) < 10


def test_one_item_that_cannot_fit_is_given_up_with_what_a_worker_has(client):
    with pytest.raises(TaskMemoryError, match=r"(?s)and a worker has 430 MB.*exceeded 95% memory budget"):
        Execution(client=client).map(_hold_much, [[1]], "hold")


def _hold_much(items):
    return _hold(range(8))


def test_what_kills_workers_is_found_and_named_and_nothing_was_done_twice(client):
    heard = []
    execution = Execution(client=client, on_done=heard.append, retries=1)
    with pytest.raises(WorkerLostError, match=r"(?s)died while it ran, 2 times over.*tcp://.*signal 9"):
        execution.map(_die, [range(4), range(4, 8)], "die")
    done = [one for part in heard for one in part]
    assert len(done) == len(set(done))
    assert {0, 1, 2} <= set(done) <= {0, 1, 2, 4, 5, 6, 7}


def test_a_field_that_no_worker_can_decode_leaves_the_root_as_it_was(client, tmp_path, make_field):
    store = dtedask.open(tmp_path / "root")
    store.archive(*make_field(1.0, number="1", levelist="500"))
    store.flush()
    (tmp_path / "huge.grib").write_bytes(huge_message())
    with pytest.raises(TaskMemoryError, match=r"huge\.grib at offset 0 needs about 4\d\d MB, and a worker has 430 MB"):
        ingest(tmp_path / "huge.grib", store, client=client)
    again = dtedask.open(store.root)
    assert [record.keys["param"] for record in again.list()] == ["130"]
    assert again.verify().is_whole
    with dask.config.set({"dtedask.ingest.memory-limit": "1 GB"}):
        assert ingest(tmp_path / "huge.grib", store).new == 1  # this process has more


def huge_message():
    """A global field of 0.05 degrees, all points alike, in a few bytes."""
    handle = eccodes.codes_grib_new_from_samples("regular_ll_sfc_grib2")
    grid = {"Ni": 7200, "Nj": 3601, "iDirectionIncrementInDegrees": 0.05, "jDirectionIncrementInDegrees": 0.05}
    grid |= {"latitudeOfFirstGridPointInDegrees": 90, "latitudeOfLastGridPointInDegrees": -90}
    grid |= {"longitudeOfFirstGridPointInDegrees": 0, "longitudeOfLastGridPointInDegrees": 359.95, "bitsPerValue": 0}
    for key, value in grid.items():
        eccodes.codes_set(handle, key, value)
    eccodes.codes_set_values(handle, np.full(7200 * 3601, 280.0))
    message = eccodes.codes_get_message(handle)
    eccodes.codes_release(handle)
    return message
