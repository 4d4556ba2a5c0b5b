"""One batch job on a real SLURM: what it runs, how it ends, and what is left when it is ended from outside."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import dask.config
import pytest

import dtedask
from dtedask.cluster.batch import batch_run
from dtedask.recipe import DemoForecast, load_recipe, recipe_job

pytestmark = pytest.mark.slow

FORECAST = DemoForecast(steps=(0, 6, 12), members=1, levels=(500,), degrees=30)
PAUSE = "touch {0}/paused; while [ ! -e {0}/go ]; do sleep 0.05; done"


def wait_until(condition, what, timeout_s=60.0):
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"after {timeout_s:g} s: no {what}"
        time.sleep(0.05)
    return found


@pytest.fixture
def site(slurm, tmp_path, monkeypatch):
    """A folder with a forecast of three files; jobs are small and their folders are here."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"INTERFACE": "lo", "CORES": "1", "MEMORY": "1GB", "WALLTIME": "00:10:00"}.items():
        monkeypatch.setenv(f"DASK_JOBQUEUE__SLURM__{name}", value)
    (tmp_path / "input").mkdir()
    for arrival in FORECAST.arrivals():
        (tmp_path / "input" / arrival.name).write_bytes(arrival.data)
    jobs = {"dtedask.jobs.folder": str(tmp_path / "jobs"), "dtedask.ingest.settle-time": "0.1 s"}
    with dask.config.set(jobs):
        yield tmp_path
    subprocess.run(["scancel", "--full", *[path.read_text() for path in tmp_path.glob("jobs/clusters/*/job-id")]])


def submit(site, *, pauses=False, **changes):
    document = {"name": "forecast", "root": str(site / "data"), "input": {"files": str(site / "input"), "unit": "file"}}
    if pauses:  # after the first commit, until there is a file `go`
        trigger = {"type": "command", "command": PAUSE.format(site), "shell": True}
        document["listeners"] = [{"name": "pause", "request": {"step": "0", "param": "2t"}, "triggers": [trigger]}]
    job = {key: changes.pop(key) for key in ("dependency", "workers") if key in changes}
    return recipe_job(load_recipe(document | changes), **job).submit()


def paused(site):
    wait_until((site / "paused").exists, "first commit")
    assert len(commits(site)) == 1


def commits(site):
    return dtedask.open(site / "data").history()


def steps(site):
    return sorted({field.keys["step"] for field in dtedask.open(site / "data").list("class=rd")}, key=int)


def ended(run, timeout_s=60.0):
    return wait_until(lambda: now if (now := batch_run(run.job_id)).has_ended else None, "end", timeout_s)


def processes(module, folder):
    """Numbers of the Python processes that run a module for a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[1:3] == [b"-m", module.encode()] and str(folder).encode() in words:
            found.append(int(path.name))
    return found


def test_a_recipe_runs_on_the_workers_of_its_job_by_tls_and_replaces_one_that_is_killed(site):
    run = submit(site, pauses=True)
    keys = list((run.folder / "tls").iterdir())
    assert keys
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
    paused(site)
    assert batch_run(run.job_id).status == "running"
    log = run.folder / "logs" / "worker-1.log"
    wait_until(lambda: log.exists() and "tls://" in log.read_text(), "worker")
    for pid in processes("dtedask.cluster.batch.rank", run.folder):
        os.kill(pid, signal.SIGKILL)
    (site / "go").touch()
    done = ended(run)
    assert (done.status, done.exit_status, done.starts) == ("done", 0, 1)
    assert steps(site) == ["0", "6", "12"]
    assert "ended with status 137" in log.read_text()
    assert not (run.folder / "tls").exists()
    assert "3 commits from 3 files" in run.log.read_text().splitlines()[-1]


def test_a_requeued_job_goes_on_with_its_number_and_writes_nothing_twice(site):
    run = submit(site, pauses=True, workers=1, input={"demo": FORECAST.model_dump()})
    paused(site)
    subprocess.run(["scontrol", "requeue", run.job_id], check=True)
    waiting = wait_until(lambda: now if (now := batch_run(run.job_id)).status == "pending" else None, "requeued job")
    assert "was requeued" in waiting.reason
    assert not waiting.has_ended
    (site / "go").touch()
    release = ["scontrol", "update", f"JobId={run.job_id}", "StartTime=now"]
    wait_until(lambda: subprocess.run(release, capture_output=True).returncode == 0, "leave to start")
    done = ended(run)
    assert (done.status, done.starts) == ("done", 2)
    assert "the run is given up" not in run.log.read_text()
    assert steps(site) == ["0", "6", "12"]
    assert [commit.new for commit in commits(site)] == [10, 10, 10]


def test_a_job_whose_driver_is_killed_says_so_and_the_next_does_the_rest(site):
    run = submit(site, pauses=True, workers=1)
    paused(site)
    (driver,) = processes("dtedask.cli.job", run.folder)
    os.kill(driver, signal.SIGKILL)
    failed = ended(run)
    assert (failed.status, failed.exit_status) == ("failed", 137)
    assert "was ended by SIGKILL" in failed.error["message"]
    assert "was ended by SIGKILL" in run.log.read_text()
    (site / "go").touch()
    done = ended(submit(site, workers=1))
    assert done.status == "done", done.error
    assert [commit.new for commit in commits(site)] == [10, 10, 10]


def test_a_cancelled_job_leaves_what_it_committed_and_no_process(site):
    run = submit(site, pauses=True, workers=1)
    paused(site)
    subprocess.run(["scancel", run.job_id], check=True)
    found = wait_until(lambda: now if (now := batch_run(run.job_id)).has_ended else None, "end of the job")
    assert found.status in ("cancelled", "interrupted")
    wait_until(lambda: not processes("dtedask.cluster.batch.rank", run.folder), "end of the workers")
    assert len(commits(site)) == 1


def test_a_watch_ends_before_the_walltime_with_all_that_came(site):
    run = submit(site, workers=1, input={"files": str(site / "input"), "watch": True})
    wait_until(lambda: (site / "data").exists() and len(commits(site)) == 3, "commits")
    # As SLURM does it when the walltime is near: to the script alone.
    subprocess.run(["scontrol", "update", f"JobId={run.job_id}", "TimeLimit=1"], check=True)
    subprocess.run(["scancel", "--batch", "--signal=USR1", run.job_id], check=True)
    done = ended(run)
    assert (done.status, done.exit_status) == ("done", 0)
    assert "The walltime ends in" in run.log.read_text()


def test_the_status_of_the_recipe_is_that_of_the_job_and_of_who_waits_for_it(site):
    (site / "input" / "bad.grib").write_bytes(b"GRIB, but not really")
    (site / "bad.yaml").write_text("name: bad\nroot: data\ninput: input/bad.grib\n")
    command = [sys.executable, "-m", "dtedask", "recipe", "submit", "bad.yaml", "--workers", "1", "--wait"]
    environment = {**os.environ, "DASK_DTEDASK__JOBS__FOLDER": str(site / "jobs")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == 1
    job_id = done.stdout.strip()
    assert job_id.isdigit()
    assert f"Job {job_id} failed with exit status 1" in done.stderr
    assert "bad.grib" in done.stderr
    show = ["scontrol", "show", "job", job_id]
    wait_until(lambda: b"ExitCode=1:0" in subprocess.run(show, capture_output=True).stdout, "exit status of the job")
    after = submit(site, workers=1, dependency=f"afterok:{job_id}", input=str(site / "to-come"))
    wait_until(lambda: "will never start" in batch_run(after.job_id).reason, "reason")
    follow = [sys.executable, "-m", "dtedask", "recipe", "follow", after.job_id]
    with subprocess.Popen(follow, stderr=subprocess.PIPE, text=True, env=environment) as following:
        assert "will never start" in following.stderr.readline()
        following.send_signal(signal.SIGINT)
        said = following.stderr.read()
    assert following.returncode == 130
    assert f"The job goes on. Follow it again by: dtedask recipe follow {after.job_id}" in said
    assert batch_run(after.job_id).status == "pending"
