"""The report of a run on a real SLURM: a lost worker is in it with its job and the reason."""

import subprocess
import time
from dataclasses import replace
from pathlib import Path

import dask.config
import pytest

from dtedask.cluster import client_for, profile
from dtedask.cluster.watching.now import WorkersNow, workers_now
from dtedask.recipe import list_reports, load_recipe, run_recipe

DEMO = {"steps": [0, 6], "members": 1, "levels": [500], "degrees": 30}


def wait_until(fact, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not (found := fact()):
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.05)
    return found


def holds_until(file):
    wait_until(Path(file).exists)


@pytest.fixture
def jobs(slurm, tmp_path, monkeypatch):
    """Clusters have their folders in a place of the test's own, and nodes are reached on this machine."""
    monkeypatch.setenv("DASK_JOBQUEUE__SLURM__INTERFACE", "lo")
    with dask.config.set({"dtedask.jobs.folder": str(tmp_path / "jobs")}):
        yield tmp_path / "jobs"


@pytest.mark.slow
def test_a_worker_whose_job_is_cancelled_is_in_the_report_with_its_job_and_the_reason(jobs, tmp_path):
    clients, held = [], []

    def lose_a_worker(_unit):
        if held:
            return
        (client,) = clients[:1]
        client.wait_for_workers(2, timeout=60)
        address, worker = next(iter(client.scheduler_info(n_workers=-1)["workers"].items()))
        task = client.submit(
            holds_until, str(tmp_path / "go"), key="hold-1", workers=[address], allow_other_workers=True
        )
        held.append(task)
        wait_until(lambda: client.processing().get(address))
        job = client.run(_job_id, workers=[address])[address]
        subprocess.run(["scancel", job], check=True)
        wait_until(lambda: address not in client.nthreads())
        (tmp_path / "go").touch()
        task.result(timeout=60)
        held.extend([worker["name"], job])

    recipe = load_recipe({"name": "lossy", "input": {"demo": DEMO}, "root": str(tmp_path / "r"), "cluster": "slurm"})
    done = run_recipe(recipe, on_client=clients.append, on_unit=lose_a_worker)
    report = list_reports(tmp_path / "r" / "runs")[0].read()
    _, name, job = held
    lost = [worker for worker in report.cluster.workers if worker.lost]
    assert [(worker.name, worker.job) for worker in lost] == [(name, job)]
    assert f"job {job} is CANCELLED" in lost[0].reason
    assert job in Path(lost[0].log).name
    assert Path(lost[0].log).is_relative_to(jobs)
    assert (report.status, report.lost_workers, report.work.new) == ("done", 1, done.summary.new)
    assert {tasks.name: tasks.again for tasks in report.tasks}["hold"] == 1
    assert report.retries >= 1
    assert report.cluster.scheduler.startswith("tls://")
    assert all(worker.peak_memory_bytes > 10_000_000 for worker in report.cluster.workers)
    assert report.memory.worker_peak_bytes > 10_000_000
    assert any(name in line for line in report.warnings)
    assert f"job {job} is CANCELLED" in list_reports(tmp_path / "r" / "runs")[0].page.read_text()


def _job_id():
    import os

    return os.environ["SLURM_JOB_ID"]


@pytest.mark.slow
def test_while_workers_are_awaited_squeue_says_why(jobs):
    held = {**profile("slurm").job, "job-extra-directives": ["--hold"], "interface": "lo"}
    with client_for(replace(profile("slurm"), workers=1, job=held)) as client:
        now = wait_until(lambda: (now := workers_now(client)) and now.pending and now)
    assert now == WorkersNow(0, 1, now.pending)
    assert "PENDING (JobHeldUser)" in str(now)
    assert str(now).startswith("0 of 1, job ")
