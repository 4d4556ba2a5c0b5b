"""Faults on a real SLURM, each while chunks are written that nobody has acknowledged: the cube stays whole."""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread

import dask.config
import numpy as np
import pytest

import dtedask
from dtedask.cluster import client_for, profile, started
from dtedask.cluster.folder import cluster_folders
from dtedask.cluster.slurm.commands import list_jobs
from dtedask.ingest import ingest
from dtedask.notify import Listener, Listeners, listening
from dtedask.recipe import DemoForecast

pytestmark = pytest.mark.slow

STEPS = (0, 6, 12)
FORECAST = DemoForecast(steps=STEPS, members=2, levels=(500, 850), degrees=10)
SETTINGS = {"dtedask.ingest.batch-bytes": 8000}  # three fields a task, ten tasks a commit

# Loaded by every worker: after the first chunk of a task of the step that `shut` names, it waits.
GATE = """
import os, time
from pathlib import Path
from dtedask.store import write
place, real = Path({place!r}), write._write_part
write.HELD_BYTES = 1  # each chunk is written as soon as it is made
def gated(part, writer, result, real=real):
    real(part, writer, result)
    shut, deadline = place / "shut", time.monotonic() + 90
    try:
        step = shut.read_text()
    except FileNotFoundError:
        return
    if step in part[0][0].origin:
        (place / "held-{{}}-{{}}".format(os.environ["SLURM_JOB_ID"], os.getpid())).touch()
        while shut.exists() and shut.read_text() == step and time.monotonic() < deadline:
            time.sleep(0.02)
if not hasattr(write, "gated"):  # Dask loads it more than once
    write.gated = write._write_part = gated
"""


class Gate:
    """Keeps tasks of one step from going on, after they have written their first chunk."""

    def __init__(self, place):
        self.place = place
        place.mkdir()
        (place / "gate.py").write_text(GATE.format(place=str(place)))
        self.options = ["--no-dashboard", "--preload", str(place / "gate.py")]

    @contextmanager
    def shut(self, step):
        """Shut it, and open it at the end of the block."""
        for path in self.place.glob("held-*"):
            path.unlink()
        (self.place / "shut").write_text(f"-{step:03d}.grib2")
        try:
            yield
        finally:
            (self.place / "shut").unlink()

    def held(self):
        """Job and process of a worker that waits."""
        return wait_until(lambda: [tuple(path.name.split("-")[1:]) for path in self.place.glob("held-*")])[0]


def wait_until(fact, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not (found := fact()):
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.05)
    return found


def live_jobs(folder):
    return [job.id for job in list_jobs(folder.path) if not job.has_ended]


def values(store):
    """The fields, bit by bit."""
    found = {}
    for record in store.list():
        (array,) = store.retrieve(dict(record.keys)).data_vars.values()
        found[tuple(sorted(record.keys.items()))] = np.asarray(array).tobytes()
    return found


def commits(store):
    return [(commit.message, commit.new, commit.changes) for commit in store.history()]


@pytest.fixture(scope="module")
def place(slurm, tmp_path_factory):
    """A folder with a forecast of one file a step."""
    place = tmp_path_factory.mktemp("faults")
    (place / "input").mkdir()
    for arrival in FORECAST.arrivals():
        (place / "input" / arrival.name).write_bytes(arrival.data)
    with dask.config.set({"dtedask.jobs.folder": str(place / "jobs"), **SETTINGS}):
        yield place


@pytest.fixture(scope="module")
def expected(place):
    """What the cube must be, from threads."""
    store = dtedask.open(place / "expected")
    ingest(place / "input", store, unit="step")
    return values(store), commits(store)


@pytest.fixture(scope="module")
def gate(place):
    return Gate(place / "gate")


@pytest.fixture(scope="module")
def client(place, gate, walltime):
    """Two workers of one thread in two jobs."""
    job = {"cores": 1, "memory": "600MB", "interface": "lo", "worker-extra-args": gate.options}
    job["job-extra-directives"] = ["--exclude=node4"]
    two = replace(profile("slurm"), workers=2, start_timeout_s=90.0, job={**profile("slurm").job, **job})
    with client_for(two) as client:
        yield client


class Ingest(Thread):
    """An ingest on workers, with a listener; what it did, and what was heard."""

    def __init__(self, place, root, client):
        super().__init__()
        self.place, self.store, self.client = place, dtedask.open(root), client
        self.heard, self.summary, self.error = [], None, None

    def run(self):
        told = {"name": "heard", "triggers": [{"type": "function", "function": self.heard.append}]}
        try:
            with listening(Listeners(listeners=[Listener.model_validate(told)])):
                self.summary = ingest(self.place / "input", self.store, unit="step", client=self.client)
        except BaseException as error:
            self.error = error
            raise

    def wait(self):
        self.join(90)
        assert self.summary is not None, self.error
        return self.summary


def check_whole(store, expected):
    """Every field and commit is there as without faults, nothing is damaged, and nothing is written twice."""
    assert (values(store), commits(store)) == expected
    assert store.verify().findings == ()
    store.purge(keep_commits=100)  # what was written and never acknowledged goes
    assert (values(store), commits(store)) == expected
    assert store.verify().findings == ()


def check_rerun(place, store, client=None):
    again = ingest(place / "input", store, unit="step", client=client)
    assert (again.known, again.commits) == (len(STEPS) * 30, ())


def cancel_job(job, _pid, _client):
    subprocess.run(["scancel", "--signal=KILL", "--full", job], check=True)


def kill_worker(_job, pid, _client):
    os.kill(int(pid), signal.SIGKILL)


def kill_nanny(_job, pid, _client):
    """The nanny first: it would start another worker."""
    parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(parent, signal.SIGKILL)
    os.kill(int(pid), signal.SIGKILL)


def retire_worker(job, _pid, client):
    """As at the end of its lifetime, or when fewer are wanted."""
    names = {number: name for name, number in started(client).folder.state()["jobs"].items()}
    workers = client.scheduler_info(n_workers=-1)["workers"]
    (address,) = [address for address, worker in workers.items() if worker["name"] == names[job]]
    client.retire_workers([address])


def down_node(job, _pid, client):
    (node,) = [found.nodes for found in list_jobs(started(client).folder.path) if found.id == job]
    subprocess.run(["scontrol", "update", f"nodename={node}", "state=down", "reason=test"], check=True)
    wait_until(lambda: job not in live_jobs(started(client).folder))
    subprocess.run(["scontrol", "update", f"nodename={node}", "state=resume"], check=False)  # it may be back by itself


@pytest.mark.parametrize("fault", [kill_worker, cancel_job, down_node, retire_worker, kill_nanny])
def test_a_worker_that_is_lost_in_mid_write_leaves_no_trace(place, gate, client, expected, fault, caplog):
    wait_until(lambda: len(client.nthreads()) == 2)
    caplog.set_level(logging.INFO, "dtedask")
    root = place / fault.__name__
    work = Ingest(place, root, client)
    with gate.shut(step=6):
        work.start()
        job, pid = gate.held()
        assert len(work.store.history()) == 1
        fault(job, pid, client)
        if fault is not retire_worker:  # which lets its task come to an end that nobody waits for
            wait_until(lambda: not Path(f"/proc/{pid}").exists())
    assert work.wait().new == len(STEPS) * 30
    assert re.search(rf"job {job} \(slurm-\d+\) (went|ended)", caplog.text)
    check_whole(work.store, expected)
    assert [event.keys["step"] for event in work.heard] == sorted((event.keys["step"] for event in work.heard), key=int)
    assert {event.keys["step"] for event in work.heard} == {"0", "6", "12"}
    check_rerun(place, work.store, client)
    assert wait_until(lambda: len(live_jobs(started(client).folder)) == 2)


@contextmanager
def driver(place, gate, root, **environment):
    """`dtedask recipe run` on workers in jobs, as a process."""
    recipe = place / f"{root}.yaml"
    recipe.write_text(f"name: {root}\ninput: {{files: input, unit: step}}\nroot: {root}\ncatalog: false\n")
    settings = {
        "DASK_DTEDASK__JOBS__FOLDER": str(place / "jobs"),
        "DASK_DTEDASK__INGEST__BATCH_BYTES": str(SETTINGS["dtedask.ingest.batch-bytes"]),
        "DASK_DTEDASK__PROFILES__SLURM__WORKERS": "1",
        "DASK_JOBQUEUE__SLURM__CORES": "1",
        "DASK_JOBQUEUE__SLURM__MEMORY": "600MB",
        "DASK_JOBQUEUE__SLURM__INTERFACE": "lo",
        "DASK_JOBQUEUE__SLURM__WORKER_EXTRA_ARGS": repr(gate.options),
        **environment,
    }
    command = [sys.executable, "-m", "dtedask", "recipe", "run", str(recipe), "--cluster", "slurm", "--json"]
    pipes = {"stdout": subprocess.PIPE, "env": os.environ | settings, "cwd": place}
    with (place / f"{root}.log").open("ab") as log, subprocess.Popen(command, stderr=log, **pipes) as child:
        try:
            yield child
        finally:
            child.kill()


def summary_of(child):
    """What a driver prints at its end."""
    said = child.communicate(timeout=90)[0]
    assert child.returncode == 0
    return json.loads(said)


def folder_of(child):
    """Folder of the cluster of a driver."""
    return wait_until(lambda: [one for one in cluster_folders() if one.state().get("pid") == child.pid])[0]


NODE_4 = {"DASK_JOBQUEUE__SLURM__JOB_EXTRA_DIRECTIVES": "['--nodelist=node4']"}  # which no other test sets down


@pytest.fixture(scope="module")
def walltime(place):
    """A driver whose only job comes to the end of its time in mid-write; SLURM looks every 30 s for such jobs."""
    gate = Gate(place / "walltime-gate")
    lost = []

    def end_time():
        lost[:] = gate.held()
        wait_until(lambda: ends_now(lost[0]), timeout_s=60)
        wait_until(lambda: not Path(f"/proc/{lost[1]}").exists(), timeout_s=120)

    thread = Thread(target=end_time)
    with gate.shut(step=6), driver(place, gate, "walltime", **NODE_4) as child:
        thread.start()
        yield lambda: (child, gate, thread.join(), lost[0])
        thread.join()


def ends_now(job_id):
    """Whether SLURM took it that a job's walltime is over; it refuses a moment that is past when it hears of it."""
    now = time.strftime("%Y-%m-%dT%H:%M:%S")
    return subprocess.run(["scontrol", "update", f"JobId={job_id}", f"EndTime={now}"]).returncode == 0


def test_a_driver_that_is_killed_leaves_no_jobs_and_the_recipe_goes_on(place, gate, expected):
    with gate.shut(step=6), driver(place, gate, "driver") as child:
        gate.held()
        left = live_jobs(folder_of(child))
        child.send_signal(signal.SIGKILL)
        child.wait()
    store = dtedask.open(place / "driver")
    assert len(store.history()) == 1
    with driver(place, gate, "driver") as again:
        said = summary_of(again)
    assert (said["new"], said["known"]) == (2 * 30, 30)
    check_whole(store, expected)
    check_rerun(place, store)
    assert left
    assert not set(left) & {job.id for job in list_jobs(place, tuple(left)) if not job.has_ended}


def test_a_job_whose_walltime_ends_is_replaced(place, expected, walltime):
    child, gate, _, job = walltime()
    (gate.place / "shut").write_text("nothing")
    said = summary_of(child)
    assert said["new"] == 3 * 30
    shown = subprocess.run(["scontrol", "show", "job", job], check=True, capture_output=True, text=True).stdout
    assert re.search("JobState=(TIMEOUT|CANCELLED|COMPLETED)", shown)  # the keeper may have let it go a moment before
    store = dtedask.open(place / "walltime")
    check_whole(store, expected)
    check_rerun(place, store)
