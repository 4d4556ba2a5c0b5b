"""What is seen of a cluster: workers that come and go, tasks, retries and memory."""

import os
import pickle
import signal
import time

import pytest

from dtedask.cluster.slurm.commands import Job
from dtedask.cluster.watching.jobs import WatchedJobs
from dtedask.cluster.watching.plugins import Seen, SeenTasks, SeenWorker, WatchingScheduler, WatchingWorker
from dtedask.cluster.watching.watch import watched, watching
from dtedask.core.stages import task_ended

MEGABYTE = 1_000_000


def worker(**more):
    return SeenWorker("tcp://n1:1", "w-0", "n1", 2, 500 * MEGABYTE, joined=10.0, **more)


class Jobs:
    """Jobs that all stand alike."""

    def __init__(self, state=""):
        self._state = state

    def state(self, job):
        return self._state if job else ""

    def log(self, job):
        return f"/logs/{job}.err" if job else ""


def test_what_travels_to_scheduler_and_workers_can_be_pickled():
    assert pickle.loads(pickle.dumps(WatchingScheduler("a"))).seen == Seen()
    assert pickle.loads(pickle.dumps(WatchingWorker("a"))).name == "a"


@pytest.mark.parametrize(
    ("seen", "job", "reason"),
    [
        (
            {"killed_at": 490 * MEGABYTE, "stimulus": "handle-worker-cleanup-1"},
            "",
            "took 490 MB of its limit of 500 M",
        ),
        ({"closing": "worker-lifetime-reached", "stimulus": "handle-worker-cleanup-1"}, "", "its lifetime ended"),
        ({"stimulus": "handle-worker-cleanup-1.5"}, "", "its connection ended without a word"),
        ({"stimulus": "handle-worker-cleanup-1", "job": "7"}, "CANCELLED", "job 7 is CANCELLED; its connection ended"),
        ({"stimulus": "job-ended-w", "job": "7"}, "TIMEOUT on n1", "job 7 is TIMEOUT on n1; its job ended"),
        ({"stimulus": "something-new-1.5"}, "", "the scheduler removed it (something-new-1.5)"),
        ({"closing": "new-reason", "stimulus": "handle-worker-cleanup-1"}, "", "it closed (new-reason)"),
    ],
)
def test_why_a_worker_went_is_said_in_words(seen, job, reason):
    (found,) = watched(Seen([worker(left=12.0, lost=True, **seen)]), Jobs(job), {}).lost
    assert reason in found.reason
    assert (found.left - found.joined).total_seconds() == 2


def test_how_a_job_ended_is_asked_until_it_is_known(tmp_path):
    answers = [Job("7", "RUNNING"), Job("7", "COMPLETING"), Job("7", "CANCELLED", "", "n2"), Job("7", "FAILED")]
    (tmp_path / "job-7.err").touch()
    jobs = WatchedJobs(tmp_path, lambda _ids: [answers.pop(0)])
    jobs._settling.wait = lambda _s: None
    jobs.follow("7")
    jobs._threads["7"].join(10)
    assert jobs.state("7") == "CANCELLED on n2"
    jobs.settle()
    assert jobs.log("7") == str(tmp_path / "job-7.err")
    assert (jobs.state("8"), jobs.log("8"), jobs.log("")) == ("", "", "")


def test_figures_of_all_are_summed_up():
    seen = Seen(
        [worker(peak_memory=3, sent=5), worker(peak_memory=2, sent=6)],
        {"archive": SeenTasks(done=3, again=1), "read": SeenTasks(again=2)},
        most_workers=2,
    )
    found = watched(seen, Jobs(), {"archive": 1})
    assert (found.peak_memory_bytes, found.sent_bytes, found.retries, found.lost) == (3, 11, 4, ())


def fails_once(file):
    if not os.path.exists(file):  # noqa: PTH110
        open(file, "x").close()  # noqa: PTH123
        raise OSError("the first time")


def waits_for(file):
    end = time.monotonic() + 60
    while not os.path.exists(file):  # noqa: PTH110
        assert time.monotonic() < end, f"no {file}"
        time.sleep(0.01)


def takes_memory(size):
    return len(bytearray(b"x") * size)


@pytest.mark.slow
def test_a_killed_worker_a_failed_task_and_memory_are_seen(tmp_path):
    from distributed import Client, LocalCluster

    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "memory_limit": 0}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        with watching(client) as watch:
            (pid,) = client.run(os.getpid).values()
            (before,) = watch.result().workers
            task = client.submit(waits_for, str(tmp_path / "go"), key="waits-1")
            while not client.processing() or not any(client.processing().values()):
                pass
            os.kill(pid, signal.SIGKILL)
            (tmp_path / "go").touch()
            task.result(timeout=60)
            client.submit(fails_once, str(tmp_path / "once"), key="fails-1", retries=1).result(timeout=60)
            client.submit(takes_memory, 300 * MEGABYTE, key="takes-1").result(timeout=60)
        plugins = client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.plugins))
        metrics = client.run(lambda dask_worker: list(dask_worker.metrics))
    found = watch.result()
    lost, replaced = found.workers
    assert (lost.address, lost.lost, replaced.lost, found.most_workers) == (before.address, True, False, 1)
    assert "killed" in lost.reason
    assert replaced.peak_memory_bytes > 300 * MEGABYTE > lost.peak_memory_bytes > MEGABYTE
    counts = {tasks.name: (tasks.done, tasks.failed, tasks.again) for tasks in found.tasks}
    assert counts == {"waits": (1, 0, 1), "fails": (1, 1, 1), "takes": (1, 0, 0)}
    left = [*plugins, *(name for names in metrics.values() for name in names)]
    assert not [name for name in left if name.startswith("dtedask-watch")]


@pytest.mark.slow
def test_a_scheduler_that_is_gone_leaves_what_was_known_and_no_error(monkeypatch):
    from distributed import Client, LocalCluster

    monkeypatch.setattr("dtedask.cluster.watching.watch._LOOK_EVERY_S", 0.02)
    cluster = LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0", processes=False)
    with Client(cluster, timeout="1s") as client, watching(client) as watch:
        client.submit(len, "ab", key="len-1").result(timeout=60)
        end = time.monotonic() + 60
        while not (watch._latest and watch._latest.tasks):
            assert time.monotonic() < end
            time.sleep(0.01)
        cluster.close()
    found = watch.result()
    assert not found.is_complete
    assert [(tasks.name, tasks.done) for tasks in found.tasks] == [("len", 1)]
    assert len(found.workers) == found.most_workers == 1


def test_tasks_on_threads_are_counted():
    import dask
    from dask.delayed import delayed

    with watching(None) as watch:
        dask.compute(*[delayed(len)("ab", dask_key_name=f"archive-0-{n}") for n in range(3)], scheduler="threads")
        task_ended("archive", 2.0)
        task_ended("archive", again=True)
    dask.compute(delayed(len)("ab"), scheduler="threads")
    task_ended("archive")
    (tasks,) = watch.result().tasks
    assert (tasks.name, tasks.done, tasks.failed, tasks.again) == ("archive", 4, 0, 1)
    assert tasks.seconds >= 2.0
    assert watch.result().workers == ()
