"""The interactive driver on a real SLURM: workers in jobs that are kept, encrypted, explained and cancelled."""

import logging
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import dask.config
import pytest
from dask.delayed import delayed
from distributed import Client

from dtedask.cluster import client_for, job_script, profile, running, started, wait_for_workers
from dtedask.cluster.folder import ClusterFolder, cluster_folders
from dtedask.cluster.slurm.commands import list_jobs
from dtedask.core.errors import ClusterError, WorkersMissingError

HOLD = ["--hold"]


def small(workers=2, **options):
    """The shipped profile with jobs of one core; options of the profile, and of its jobs under `job`."""
    job = {**profile("slurm").job, "cores": 1, "memory": "600MB", "interface": "lo", **options.pop("job", {})}
    return replace(profile("slurm"), **{"workers": workers, "start_timeout_s": 90.0, "job": job} | options)


def wait_until(fact, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not (found := fact()):
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.05)
    return found


def live_jobs(folder):
    return [job for job in list_jobs(folder.path) if not job.has_ended]


def job_number():
    return os.environ["SLURM_JOB_ID"]


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    """A folder for clusters, an empty one to work in, and short waits."""
    place = tmp_path_factory.mktemp("driver")
    before = Path.cwd()
    (place / "work").mkdir()
    os.chdir(place / "work")
    with dask.config.set({"dtedask.jobs.folder": str(place / "jobs"), "distributed.adaptive.interval": "200ms"}):
        yield place
    os.chdir(before)
    assert list((place / "work").iterdir()) == []


@pytest.fixture(scope="module")
def two(slurm, jobs):
    """A client with two workers in two jobs."""
    with client_for(small()) as client:
        client.wait_for_workers(2, timeout=90)
        folder = started(client).folder
        yield client
    assert live_jobs(folder) == []
    assert not folder.tls.exists()
    assert folder.state()["ended"]


@pytest.mark.slow
def test_it_is_shown_among_the_clusters_while_it_runs(two):
    shown = {cluster.id: cluster for cluster in running()}[started(two).folder.id]
    assert (shown.standing, shown.is_kept, shown.clients) == ("running", False, (two.id,))
    assert {worker.name for worker in shown.workers} <= {job.worker for job in shown.jobs}
    assert all(job.state == "RUNNING" and job.node for job in shown.jobs)


@pytest.mark.slow
def test_a_cancelled_job_is_replaced_and_its_work_is_done_by_others(two):
    lost = two.submit(job_number, pure=False).result()
    work = two.map(lambda n: time.sleep(0.1) or n, range(40), pure=False)
    subprocess.run(["scancel", lost], check=True)
    assert two.gather(work) == list(range(40))
    there = wait_until(lambda: (ids := set(two.run(job_number, on_error="ignore").values())) and len(ids) == 2 and ids)
    assert lost not in there
    wait_until(lambda: len(live_jobs(started(two).folder)) == 2)


@pytest.mark.slow
def test_who_has_no_certificate_is_refused(two):
    address = two.scheduler.address
    assert address.startswith("tls://")
    for stranger in (address.replace("tls://", "tcp://"), address):
        with pytest.raises((OSError, TypeError)):
            Client(stranger, timeout=2)


@pytest.mark.slow
def test_the_key_stands_in_no_script_log_description_or_graph(two):
    folder = started(two).folder
    key = (folder.tls / "key.pem").read_text()
    assert (folder.tls / "key.pem").stat().st_mode & 0o777 == 0o600
    secret = key.splitlines()[1]
    number = wait_until(lambda: live_jobs(folder))[0].id
    said = [
        subprocess.run(["scontrol", *what], check=True, capture_output=True, text=True).stdout
        for what in (["show", "job", number], ["write", "batch_script", number, "-"])
    ]
    said += [path.read_text() for path in folder.logs.iterdir()]
    said += [repr(two), two._repr_html_(), repr(two.security), repr(started(two)), repr(two.cluster)]
    said += [str(pickle.dumps(delayed(job_number)())), (folder.path / "state.json").read_text()]
    assert not [text for text in said if secret in text or "PRIVATE KEY" in text]


@pytest.mark.slow
def test_the_script_that_is_shown_is_the_one_that_was_submitted(two):
    folder = started(two).folder
    job = wait_until(lambda: live_jobs(folder))[0]
    name = Path(job.command).stem
    command = ["scontrol", "write", "batch_script", job.id, "-"]
    submitted = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    submitted = submitted.replace(str(folder.path), f"{folder.path.parent}/<cluster>").replace(name, "<worker>")
    assert submitted.replace(two.scheduler.address, "tls://<scheduler>:8786").strip() == job_script(small()).strip()


@pytest.mark.slow
def test_the_dashboard_answers_at_its_link(two):
    with urllib.request.urlopen(started(two).dashboard, timeout=20) as answer:
        assert answer.status == 200


@pytest.mark.slow
def test_workers_come_with_the_work_and_go_without_it(slurm, jobs, caplog):
    with caplog.at_level(logging.INFO, "dtedask"), client_for(small(0, workers_maximum=2)) as client:
        folder = started(client).folder
        assert live_jobs(folder) == []
        wait_for_workers(client)  # one comes without work, since somebody waits
        work = client.map(lambda n: time.sleep(0.3) or n, range(40))
        wait_until(lambda: len(live_jobs(folder)) == 2)
        assert client.gather(work) == list(range(40))
        del work
        wait_until(lambda: live_jobs(folder) == [])
    assert "is let go" in caplog.text


@pytest.mark.slow
def test_jobs_that_die_at_once_are_given_up_with_the_end_of_their_log(slurm, jobs):
    broken = small(1, job={"python": "/nowhere/python"})
    with pytest.raises(ClusterError, match=r"3 jobs in a row ended") as caught, client_for(broken) as client:
        client.submit(job_number).result()
    assert "FAILED on node" in str(caught.value)
    assert "/nowhere/python: No such file or directory" in str(caught.value)
    assert "slurm.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ({"job-extra-directives": HOLD}, r"partition debug \(JobHeldUser: .*\. Release it: scontrol release \1\."),
        ({"queue": "short"}, r"partition short \(Partition(TimeLimit|Config): .*\. Ask for less"),
    ],
)
def test_a_job_that_waits_for_ever_is_explained_and_cancelled(slurm, jobs, job, said):
    late = rf"within 0.5 s\.\nJob (\d+) is PENDING in {said}.*slurm\.yaml"
    with pytest.raises(WorkersMissingError, match=late), client_for(small(1, start_timeout_s=0.5, job=job)) as client:
        wait_for_workers(client)
    folder = cluster_folders()[-1]
    assert live_jobs(folder) == []
    assert not folder.tls.exists()


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ({"queue": "nowhere"}, "invalid partition specified: nowhere"),
        ({"memory": "9TB"}, "Memory specification can not be satisfied"),
    ],
)
def test_what_sbatch_says_of_a_job_that_it_refuses_is_quoted_with_the_file(slurm, jobs, job, said):
    refused = rf"SLURM refuses the jobs: .*{said}.*slurm\.yaml"
    with pytest.raises(ClusterError, match=refused), client_for(small(job=job)):
        pass
    assert cluster_folders()[-1].state()["ended"]


def test_a_slurm_that_does_not_answer_at_first_is_asked_again(slurm, jobs, tmp_path, monkeypatch):
    away = "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)"
    script = f'[ -e {tmp_path}/2 ] && exec {shutil.which("sbatch")} "$@"\n'
    script += f"[ -e {tmp_path}/1 ] && touch {tmp_path}/2; touch {tmp_path}/1; echo '{away}' >&2; exit 1"
    (tmp_path / "sbatch").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with client_for(small(1, job={"job-extra-directives": HOLD})) as client:
        assert len(live_jobs(started(client).folder)) == 1
    assert (tmp_path / "2").exists()


def test_jobs_that_would_look_for_the_scheduler_where_it_is_not_are_taken_back(slurm, jobs, monkeypatch):
    from dtedask.cluster.slurm import cluster as slurm_cluster

    elsewhere = SimpleNamespace(address="tls://127.0.0.1:1", release=lambda: None)
    monkeypatch.setattr(slurm_cluster, "keep_port", lambda *_, **__: elsewhere)
    with client_for(small(1, job={"job-extra-directives": HOLD})) as client:
        folder = started(client).folder
        (job,) = wait_until(lambda: live_jobs(folder))
        command = ["scontrol", "write", "batch_script", job.id, "-"]
        script = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        assert client.scheduler.address in script
        assert len(list_jobs(folder.path)) == 2


DRIVER = """
import logging, pickle, sys, time
import dask.config
from dtedask.cluster import client_for, started
logging.basicConfig(level=logging.INFO)
profile, folder = pickle.loads(bytes.fromhex(sys.argv[1]))
if __name__ == "__main__":
    with dask.config.set({"dtedask.jobs.folder": folder}), client_for(profile) as client:
        print(started(client).folder.path, flush=True)
        time.sleep(600)
"""


@pytest.fixture(scope="module")
def drivers(slurm, jobs):
    """Two processes with a cluster of one job that waits; gives each and the folder of its cluster."""
    held = small(1, job={"job-extra-directives": HOLD})
    command = [sys.executable, "-c", DRIVER, pickle.dumps((held, str(jobs / "jobs"))).hex()]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    children = [subprocess.Popen(command, **pipes) for _ in range(2)]
    folders = [ClusterFolder(Path(child.stdout.readline().strip())) for child in children]
    assert [len(live_jobs(folder)) for folder in folders] == [1, 1]
    yield list(zip(children, folders, strict=True))
    for child in children:
        child.kill()
        child.communicate()


@pytest.mark.slow
def test_an_interrupt_cancels_the_jobs(drivers):
    child, folder = drivers[0]
    child.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in child.communicate(timeout=30)[1]
    assert live_jobs(folder) == []
    assert folder.state()["ended"]


@pytest.mark.slow
def test_jobs_of_a_driver_that_was_killed_are_cancelled_by_the_next_cluster(drivers, caplog):
    child, folder = drivers[1]
    child.kill()
    child.wait()
    (left,) = live_jobs(folder)
    with client_for(small(1, job={"job-extra-directives": HOLD})):
        assert live_jobs(folder) == []
    assert f"lost its process {child.pid}; its jobs {left.id} are cancelled" in caplog.text
    assert not folder.tls.exists()
