"""A cluster that is kept running on a real SLURM: by name, over TLS, seen from everywhere, and ended with its jobs."""

import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import dask.config
import pytest

from dtedask.cli import main
from dtedask.cluster import client_for, connect, profile, running, started
from dtedask.cluster.folder import cluster_folders
from dtedask.cluster.kept import order_for, scale, start, status, stop, wait_for_number
from dtedask.cluster.kept.names import kept_folder
from dtedask.cluster.slurm.commands import list_jobs
from dtedask.core.errors import ClusterError

pytestmark = pytest.mark.slow


def small(**job):
    """The shipped profile with jobs of one core."""
    shipped = profile("slurm")
    options = {**shipped.job, "cores": 1, "memory": "600MB", "interface": "lo", **job}
    return replace(shipped, workers=1, start_timeout_s=90.0, job=options)


def until(fact, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not (found := fact()):
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.05)
    return found


def live_jobs(name):
    return [job.id for job in list_jobs(kept_folder(name).path) if not job.has_ended]


def job_number():
    return os.environ["SLURM_JOB_ID"]


@pytest.fixture(scope="module")
def jobs(slurm, tmp_path_factory):
    """A folder for clusters that only this module uses; nothing is left in it."""
    folder = tmp_path_factory.mktemp("kept")
    with dask.config.set({"dtedask.jobs.folder": str(folder)}):
        yield folder
        for cluster in running():
            if cluster.standing == "running":
                stop(cluster.id, force=True)
        assert [job for one in cluster_folders() for job in list_jobs(one.path) if not job.has_ended] == []


@pytest.fixture(scope="module")
def night(jobs):
    """A cluster with one worker in one job."""
    start(order_for(small(), name="night"))
    wait_for_number("night", 1)
    return "night"


def test_its_status_shows_worker_and_job_as_slurm_has_them(night):
    found = status(night)
    (job,), (worker,) = found.jobs, found.workers
    assert (found.standing, job.state, job.worker) == ("running", "RUNNING", worker.name)
    assert job.node.startswith("node")
    assert found.scheduler.startswith("tls://")


def test_one_run_after_the_other_works_on_the_same_job(night):
    seen = set()
    for _ in range(2):
        with client_for(night) as client:
            seen.add(client.submit(job_number, pure=False).result())
            assert started(client).certificates is not None
    assert len(seen) == 1


def test_a_job_that_is_cancelled_while_nobody_is_connected_is_replaced(night):
    (before,) = status(night).jobs
    subprocess.run(["scancel", before.id], check=True)
    after = until(lambda: [job for job in status(night).jobs if job.id != before.id and status(night).workers])
    assert after[0].worker != before.worker


def test_another_login_node_that_sees_the_folder_connects_scales_and_looks(night):
    folder = kept_folder(night)
    host = folder.state()["host"]
    folder.update(host="login2")
    try:
        assert status(night).standing == "running"
        scale(night, 2)
        wait_for_number(night, 2)
        with connect(night) as client:
            assert len(set(client.run(job_number).values())) == 2
        scale(night, 1)
        until(lambda: len(status(night).jobs) == len(status(night).workers) == 1)
    finally:
        folder.update(host=host)


HELD = {"job-extra-directives": ["--hold"]}


def test_when_its_process_is_killed_its_jobs_are_cancelled_with_what_is_left(jobs):
    start(order_for(small(**HELD), name="dusk"))
    os.kill(status("dusk").pid, signal.SIGKILL)
    until(lambda: status("dusk").standing == "dead")
    with pytest.raises(ClusterError, match="'dusk' is dead.*Start it again: `dtedask cluster start slurm --name dusk"):
        connect("dusk")
    folder, ids = kept_folder("dusk"), live_jobs("dusk")
    assert len(ids) == 1
    stop("dusk")
    assert not folder.path.exists()
    assert [job for job in list_jobs(None, ids) if not job.has_ended] == []


def test_what_slurm_refuses_is_told_by_the_start_and_nothing_stays(jobs):
    before = list((jobs / "clusters").glob("refused-*"))
    with pytest.raises(ClusterError, match=r"(?s)invalid partition.*slurm\.yaml"):
        start(order_for(small(queue="nowhere"), name="refused"))
    assert kept_folder("refused") is None
    assert list((jobs / "clusters").glob("refused-*")) == before == []


def test_a_start_that_waits_in_vain_quotes_squeue_and_leaves_no_job(jobs, tmp_path, monkeypatch, capsys):
    profiles = Path(profile("slurm").path).read_text().replace("    slurm:\n      kind", "    held:\n      kind")
    for old, new in {
        "start-timeout: 10 minutes": "start-timeout: 2 s",
        "memory: 4GB": "memory: 600MB",
        "interface: null": "interface: lo",
        "job-extra-directives: []": "job-extra-directives: [--hold, --comment=in-vain]",
    }.items():
        profiles = profiles.replace(old, new)
    (tmp_path / "held.yaml").write_text(profiles)
    monkeypatch.setattr(dask.config, "paths", [str(tmp_path)])
    assert main(["cluster", "start", "held", "--workers", "1", "--wait"]) == 1
    assert "JobHeldUser: the user holds it" in capsys.readouterr().err
    assert kept_folder("held") is None
    left = subprocess.run(["squeue", "--noheader", "--format=%k"], check=True, capture_output=True, text=True).stdout
    assert "in-vain" not in left


def test_it_starts_without_waiting_says_what_its_job_waits_for_and_ends_unused(jobs):
    start(order_for(small(**HELD), name="idle", idle_s=4))
    found = status("idle")
    assert (found.standing, found.workers, [job.state for job in found.jobs]) == ("running", (), ["PENDING"])
    assert "JobHeldUser: the user holds it" in found.jobs[0].reason
    assert "Release it: scontrol release" in found.advice
    until(lambda: status("idle").standing == "ended")
    assert live_jobs("idle") == []
