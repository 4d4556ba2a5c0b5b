"""Out of memory on a real SLURM: tasks are cut, what cannot fit is said with both numbers, and scratch is the job's."""

import os
import time
from dataclasses import replace

import dask.config
import numpy as np
import pytest

from dtedask.cluster import client_for, profile
from dtedask.core.errors import ClusterError, TaskMemoryError, WorkerLostError
from dtedask.store import Execution

pytestmark = pytest.mark.slow


def small(**job):
    shipped = profile("slurm")
    job = {**shipped.job, "cores": 1, "memory": "450MB", "interface": "lo", **job}
    return replace(shipped, workers=1, start_timeout_s=90.0, job=job)


@pytest.fixture(scope="module")
def client(slurm, tmp_path_factory):
    place = tmp_path_factory.mktemp("memory")
    os.environ["FAST"] = str(place)
    settings = {"dtedask.jobs.folder": str(place / "jobs"), "distributed.scheduler.allowed-failures": 0}
    with dask.config.set(settings), client_for(small(**{"local-directory": "$FAST"})) as client:
        yield client
    del os.environ["FAST"]
    deadline = time.monotonic() + 30
    while list(place.glob("dtedask-*")):  # scratch goes with the job
        assert time.monotonic() < deadline, "scratch was left"
        time.sleep(0.05)


def _hold(items):
    """Hold 60 MB for each item, for as long as a nanny takes to see it."""
    held = [np.ones(60_000_000, np.uint8) for _ in items]
    deadline = time.monotonic() + (2 if len(held) > 2 else 0)
    while time.monotonic() < deadline:
        time.sleep(0.05)
    return list(items)


def _hold_much(items):
    return _hold(range(9))


def _die(items):
    import signal

    os.kill(os.getppid(), signal.SIGKILL)  # the nanny: nobody is left to say anything
    os.kill(os.getpid(), signal.SIGKILL)
    return list(items)


def _look(_items):
    import distributed

    worker = distributed.get_worker()
    memory = worker.memory_manager
    return [
        [worker.local_directory, os.environ["SLURM_JOB_ID"], os.environ["OMP_NUM_THREADS"]],
        [memory.memory_target_fraction, memory.memory_spill_fraction, memory.memory_pause_fraction],
    ]


def test_a_worker_on_a_node_is_what_its_profile_says(client):
    [[(folder, job, threads), memory]] = Execution(client=client).map(_look, [[0]], "look")
    assert folder.startswith(f"{os.environ['FAST']}/dtedask-{job}/")
    assert (threads, memory) == ("1", [False, False, 0.85])


def test_a_task_that_runs_out_of_memory_is_cut_and_its_parts_are_run(client):
    results = Execution(client=client).map(_hold, [range(2), range(2, 10)], "hold")
    assert [one for part in results for one in part] == list(range(10))


def test_one_item_that_cannot_fit_is_given_up_with_both_numbers(client):
    with pytest.raises(TaskMemoryError, match=r"(?s)and a worker has 45\d MB\..*held \d+ MB when its nanny ended it"):
        Execution(client=client).map(_hold_much, [[1]], "hold")


def test_a_worker_that_dies_with_its_nanny_is_quoted_from_the_log_of_its_job(client):
    with pytest.raises(WorkerLostError, match=r"(?s)died while it ran, 1 times over.*Job \d+"):
        Execution(client=client, retries=0).map(_die, [[1]], "die")


def test_missing_scratch_is_said_in_the_log_of_the_job(slurm, tmp_path):
    wrong = replace(small(**{"local-directory": "/no/such"}), start_timeout_s=20.0)
    with (
        dask.config.set({"dtedask.jobs.folder": str(tmp_path)}),
        pytest.raises(ClusterError, match=r"(?s)local-directory '/no/such' of the profile 'slurm' .*not exist"),
        client_for(wrong) as client,
    ):
        Execution(client=client).map(len, [[1]], "count")
