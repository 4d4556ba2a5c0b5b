"""What counts on the scheduler and on the workers, while a client watches; it travels there by pickling."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dask.utils import key_split
from distributed.diagnostics.plugin import SchedulerPlugin, WorkerPlugin

from dtedask.core.memory import peak_memory_bytes, reset_peak_memory

if TYPE_CHECKING:
    from distributed import Scheduler, Worker
    from distributed.scheduler import WorkerState

_SAMPLE_EVERY_MS = 1000


@dataclass
class SeenWorker:
    """A worker, as the scheduler saw it; times are those of its clock, in seconds since 1970."""

    address: str
    name: str
    host: str
    threads: int
    memory_limit: int
    joined: float
    left: float | None = None
    lost: bool = False
    job: str = ""
    peak_memory: int = 0
    sent: int = 0
    closing: str = ""
    killed_at: int = 0
    stimulus: str = ""


@dataclass
class SeenTasks:
    """Tasks of one prefix: how many ended well, how often one failed or had to be done again, and the time it took."""

    done: int = 0
    failed: int = 0
    again: int = 0
    seconds: float = 0.0
    transfer_seconds: float = 0.0


@dataclass
class Seen:
    """All that was counted."""

    workers: list[SeenWorker] = field(default_factory=list)
    tasks: dict[str, SeenTasks] = field(default_factory=dict)
    most_workers: int = 0


class WatchingScheduler(SchedulerPlugin):
    """Counts tasks and workers on the scheduler.

    Parameters
    ----------
    name : str
        Its name there, and that of the figures that `WatchingWorker` sends.
    client : str
        Who wants to know. When it is gone, nothing of it stays on a cluster that goes on.
    """

    def __init__(self, name: str, client: str = "") -> None:
        self.name = name
        self.client = client
        self.seen = Seen()
        self._now: dict[str, tuple[SeenWorker, WorkerState]] = {}
        self._scheduler: Scheduler | None = None

    async def start(self, scheduler: Scheduler) -> None:
        """Note the workers that are there, and look at their memory now and then."""
        from tornado.ioloop import PeriodicCallback

        self._scheduler = scheduler
        for address in scheduler.workers:
            self.add_worker(scheduler, address)
        sample = PeriodicCallback(self.sample, _SAMPLE_EVERY_MS)
        scheduler.periodic_callbacks[self.name] = sample
        sample.start()

    def stop(self) -> None:
        """Look no more."""
        if self._scheduler is not None and self.name in self._scheduler.periodic_callbacks:
            self._scheduler.periodic_callbacks.pop(self.name).stop()

    def remove_client(self, scheduler: Scheduler, client: str) -> None:
        """Whoever wanted to know may have been killed."""
        if client == self.client:
            self.stop()
            scheduler.remove_plugin(self.name)
            later = scheduler._ongoing_background_tasks  # noqa: SLF001 (there is no public way)
            later.call_soon(self._leave_workers, scheduler)

    async def _leave_workers(self, scheduler: Scheduler) -> None:
        with suppress(ValueError):  # it is gone already
            await scheduler.unregister_worker_plugin(None, self.name)

    def sample(self, figures: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """Take over what heartbeats brought, and newer figures by address."""
        for address, (worker, state) in self._now.items():
            _take(worker, state.metrics, self.name)
            _take(worker, {self.name: (figures or {}).get(address)}, self.name)

    def add_worker(self, scheduler: Scheduler, worker: str) -> None:
        """A worker came."""
        state = scheduler.workers[worker]
        found = SeenWorker(
            worker, str(state.name), state.host, int(state.nthreads), int(state.memory_limit or 0), time.time()
        )
        self._now[worker] = found, state
        self.seen.workers.append(found)
        self.seen.most_workers = max(self.seen.most_workers, len(self._now))

    def remove_worker(self, scheduler: Scheduler, worker: str, *, stimulus_id: str, **_: Any) -> None:
        """A worker went; `log_event` has heard why."""
        if worker not in self._now:
            return
        found, state = self._now.pop(worker)
        _take(found, state.metrics, self.name)
        found.left, found.stimulus = time.time(), stimulus_id
        if found.lost:
            told = {"name": found.name, "address": worker, "host": found.host, "job": found.job}
            limits = {"threads": found.threads, "memory_limit_bytes": found.memory_limit}
            scheduler.log_event(self.name, {**told, **limits, "peak_memory_bytes": found.peak_memory})

    def log_event(self, topic: str, msg: Any) -> None:
        """Hear how workers end, and which tasks have to be done again."""
        if not isinstance(msg, Mapping):
            return
        if topic == "worker-restart-memory" and (found := self._worker(msg.get("worker"))):
            found.killed_at = int(msg.get("rss") or 0)
        elif msg.get("action") == "closing-worker" and (found := self._worker(topic)):
            found.closing = str(msg.get("reason") or "")
        elif topic == "all" and msg.get("action") == "remove-worker":
            found = self._worker(msg.get("worker"))
            has_lost_its_job = str(msg.get("stimulus_id")).startswith("job-ended")
            if found is not None and (has_lost_its_job or not msg.get("expected")):
                found.lost = True
            for key in (*msg.get("processing-tasks", ()), *msg.get("lost-computed-tasks", ())):
                self._tasks(key).again += 1

    def transition(self, key: Any, start: str, finish: str, *_: Any, stimulus_id: str, **more: Any) -> None:
        """Count a task that ended, and the time that it took."""
        if start != "processing":
            return
        tasks = self._tasks(key)
        if finish == "memory":
            tasks.done += 1
            for part in more.get("startstops") or ():
                took = part["stop"] - part["start"]
                if part["action"] == "compute":
                    tasks.seconds += took
                elif part["action"] == "transfer":
                    tasks.transfer_seconds += took
        elif finish == "erred":
            tasks.failed += 1
        elif stimulus_id.startswith("task-erred"):  # it failed and may try again
            tasks.failed += 1
            tasks.again += 1

    def _tasks(self, key: Any) -> SeenTasks:
        return self.seen.tasks.setdefault(str(key_split(key)), SeenTasks())

    def _worker(self, address: Any) -> SeenWorker | None:
        """The newest worker of an address; a nanny may tell of one that is gone already."""
        return next((one for one in reversed(self.seen.workers) if one.address == address), None)


class WatchingWorker(WorkerPlugin):
    """Sends the peak of a worker's memory, what it sent to others, and its job with every heartbeat.

    Parameters
    ----------
    name : str
        Name of the figures.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def setup(self, worker: Worker) -> None:
        """Begin."""
        before = worker.transfer_outgoing_bytes_total
        job = os.environ.get("SLURM_JOB_ID", "")
        reset_peak_memory()

        def figures(worker: Worker) -> dict[str, Any]:
            return {
                "job": job,
                "peak_memory": peak_memory_bytes(),
                "sent": worker.transfer_outgoing_bytes_total - before,
            }

        worker.metrics[self.name] = figures

    def teardown(self, worker: Worker) -> None:
        """End."""
        with suppress(AttributeError):
            worker.metrics.pop(self.name, None)


def figures_now(name: str, dask_worker: Worker) -> dict[str, Any]:
    """What a worker would send with its next heartbeat."""
    metric = dask_worker.metrics.get(name)
    return {} if metric is None else dict(metric(dask_worker))


def seen_so_far(name: str, figures: Mapping[str, Mapping[str, Any]], dask_scheduler: Scheduler) -> Seen | None:
    """What a plug-in of a scheduler has counted, with the newest figures of workers; None if it has no such plug-in."""
    plugin = dask_scheduler.plugins.get(name)
    if not isinstance(plugin, WatchingScheduler):
        return None
    plugin.sample(figures)
    return plugin.seen


def stop_watching(name: str, dask_scheduler: Scheduler) -> None:
    """Take a plug-in away from a scheduler."""
    plugin = dask_scheduler.plugins.get(name)
    if isinstance(plugin, WatchingScheduler):
        plugin.stop()
        dask_scheduler.remove_plugin(name)


def _take(worker: SeenWorker, metrics: Mapping[str, Any], name: str) -> None:
    own = metrics.get(name) or {}
    worker.peak_memory = max(worker.peak_memory, int(own.get("peak_memory") or 0), int(metrics.get("memory") or 0))
    worker.sent = max(worker.sent, int(own.get("sent") or 0))
    worker.job = worker.job or str(own.get("job") or "")
