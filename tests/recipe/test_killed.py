"""Workers and drivers killed at random moments, again and again: the cube is that of a run without faults."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

import dask.config
import numpy as np
import pytest

import dtedask
from dtedask.cluster import Profile, client_for
from dtedask.cluster.kept import order_for, start, status, stop
from dtedask.core.errors import ClusterError, NotFoundError
from dtedask.core.processes import is_alive, process_start
from dtedask.ingest import ingest
from dtedask.recipe import DemoForecast

pytestmark = pytest.mark.slow

distributed = pytest.importorskip("distributed")

STEPS = (0, 6, 12, 18)
FORECAST = DemoForecast(steps=STEPS, members=2, levels=(500, 850), degrees=10)
KILLS = 4
FIELDS = 30 * len(STEPS)
SMALL_TASKS = {"dtedask.ingest.batch-bytes": 6000}


@pytest.fixture
def chance():
    """Random numbers; a failure shows their seed."""
    seed = random.SystemRandom().randrange(10**6)
    print("seed", seed)
    return random.Random(seed)


@pytest.fixture
def files(tmp_path):
    """A forecast, one file a step."""
    place = tmp_path / "input"
    place.mkdir()
    for arrival in FORECAST.arrivals():
        (place / arrival.name).write_bytes(arrival.data)
    return place


@pytest.fixture
def expected(files, tmp_path):
    """What threads make of it."""
    store = dtedask.open(tmp_path / "expected")
    ingest(files, store, unit="step")
    return contents(store)


def contents(store):
    """Fields, bit by bit, and commits."""
    found = {}
    for record in store.list():
        (array,) = store.retrieve(dict(record.keys)).data_vars.values()
        found[tuple(sorted(record.keys.items()))] = np.asarray(array).tobytes()
    return found, [(commit.new, commit.changes) for commit in store.history()]


def check_whole(store, expected):
    assert contents(store) == expected
    assert store.verify().findings == ()
    store.purge(keep_commits=100)  # what was written and never acknowledged
    assert contents(store) == expected


def test_workers_that_are_killed_at_random_leave_no_trace(files, expected, tmp_path, chance):
    store, is_over, task_done = dtedask.open(tmp_path / "root"), threading.Event(), threading.Event()
    killed = []

    def kill(cluster):
        """A moment after a task was done, so that the work comes to an end."""
        while len(killed) < KILLS and task_done.wait(60) and not is_over.wait(chance.uniform(0, 0.3)):
            task_done.clear()
            working = [one for one in cluster.workers.values() if one.worker_address in cluster.scheduler.workers]
            for nanny in working[: chance.randint(1, 2)]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(nanny.process.pid, signal.SIGKILL)
                    killed.append(nanny.process.pid)

    options = {"dashboard_address": "127.0.0.1:0", "local_directory": str(tmp_path / "workers")}
    settings = {**SMALL_TASKS, "distributed.scheduler.allowed-failures": 30}
    with (
        dask.config.set(settings),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, **options) as cluster,
        distributed.Client(cluster) as client,
    ):
        killer = threading.Thread(target=kill, args=(cluster,))
        killer.start()
        try:
            summary = ingest(files, store, unit="step", client=client, on_progress=lambda _: task_done.set())
        finally:
            is_over.set()
            task_done.set()
            killer.join()
    assert len(killed) >= KILLS
    assert summary.new == FIELDS
    check_whole(store, expected)
    again = ingest(files, store, unit="step")
    assert (again.known, again.commits) == (FIELDS, ())


def seen(root):
    try:
        return len(list(dtedask.open(root).list()))
    except NotFoundError:
        return 0


RECIPE = """
name: killed
input: {files: input, unit: step}
root: root
catalog: false
listeners:
  - name: all
    triggers: [{type: log, path: heard.jsonl, format: json}]
"""


@pytest.mark.parametrize(("cluster", "most"), [("local", 4), ("local-cluster", 2)])
def test_a_driver_that_is_killed_at_random_goes_on_where_it_was(files, expected, tmp_path, chance, cluster, most):
    root, recipe = tmp_path / "root", tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE)
    environment = os.environ | {"DASK_DTEDASK__INGEST__BATCH_BYTES": "6000"}
    command = [sys.executable, "-m", "dtedask", "recipe", "run", str(recipe), "--cluster", cluster, "--json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "env": environment, "cwd": tmp_path}
    before, kills = 0, 0
    while True:
        with subprocess.Popen(command, **pipes) as child:
            commits = len(list(root.glob("rd/enfo/demo/snapshots/*")))
            deadline = time.monotonic() + 60
            while child.poll() is None and len(list(root.glob("rd/enfo/demo/snapshots/*"))) <= commits:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            if kills < most:  # a moment after something happened: in a commit, or in the step that follows
                time.sleep(chance.uniform(0, 0.2))
                child.kill()
            said = child.communicate()[0]
        kills += 1
        now = seen(root)
        assert now in range(before, FIELDS + 1, 30)
        if child.returncode == 0:
            break
        before = now
    summary = json.loads(said)
    assert (summary["known"], summary["fields"]) == (before, FIELDS)
    store = dtedask.open(root)
    check_whole(store, expected)
    heard = dict.fromkeys(json.loads(line)["id"] for line in (tmp_path / "heard.jsonl").read_text().splitlines())
    told = [(commit.sequence, place) for commit in store.history() for place in range(len(commit.changes))]
    assert list(heard) == [f"rd/enfo/demo@{sequence}.{place}" for sequence, place in told]


def test_a_kept_cluster_that_is_killed_in_mid_write_is_an_error_that_names_the_step(files, expected, tmp_path):
    store = dtedask.open(tmp_path / "root")
    one = Profile(name="one", kind="local-cluster", workers=1, threads=1, memory="1GB", start_timeout_s=60)
    with dask.config.set({**SMALL_TASKS, "dtedask.jobs.folder": str(tmp_path / "jobs")}):
        start(order_for(one, name="night"))
        owner = status("night").pid

        def kill(progress):
            if progress.fields_done > 40 and is_alive(owner, birth):
                os.kill(owner, signal.SIGKILL)

        birth = process_start(owner)
        try:
            dead = r"(?s)'night' is dead.* The end of its log"
            with pytest.raises(ClusterError, match=dead) as caught, client_for("night") as client:
                ingest(files, store, unit="step", client=client, on_progress=kill)
        finally:
            stop("night")
    assert "while '20240603 0000 step 6' (30 fields) was written" in str(caught.value.__cause__)
    assert len(store.history()) == 1
    summary = ingest(files, store, unit="step")
    assert (summary.known, summary.new) == (30, 90)
    check_whole(store, expected)
