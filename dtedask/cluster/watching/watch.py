"""Watch a cluster while something runs on it: workers that come, go and are lost, tasks, retries, memory."""

from __future__ import annotations

import logging
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dtedask.cluster.watching.jobs import WatchedJobs
from dtedask.core.sizes import size_text
from dtedask.core.stages import StageListener, listening_to_stages

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.cluster.watching.plugins import Seen, SeenWorker
    from dtedask.cluster.watching.threads import ThreadsWatch

logger = logging.getLogger(__name__)
_ASK_TIMEOUT_S = 10.0
_FIGURES_TIMEOUT_S = 2.0
_LOOK_EVERY_S = 15.0


@dataclass(frozen=True, slots=True)
class WatchedWorker:
    """A worker that was there while a client watched.

    Parameters
    ----------
    name, address, host, job : str
        Its name, where it listened, and the batch job that it ran in; no job is an empty text.
    threads : int
        Tasks at once.
    memory_limit_bytes, peak_memory_bytes, sent_bytes : int
        What it might take (0: no limit), the most that it took, and what it sent to other workers.
    joined : datetime
        When it came, or the watch began.
    left : datetime, optional
        When it went; None if it was there at the end.
    lost : bool
        Whether it went without having been asked to.
    reason : str
        Why it went, as far as that is known.
    log : str
        File with what its job printed; empty if there is none.
    """

    name: str
    address: str
    host: str
    threads: int
    memory_limit_bytes: int
    joined: datetime
    job: str = ""
    peak_memory_bytes: int = 0
    sent_bytes: int = 0
    left: datetime | None = None
    lost: bool = False
    reason: str = ""
    log: str = ""


@dataclass(frozen=True, slots=True)
class WatchedTasks:
    """Tasks of one kind.

    Parameters
    ----------
    name : str
        What their names begin with.
    done, failed, again : int
        Tasks that ended well, that raised, and that had to be done once more.
    seconds, transfer_seconds : float
        Time that they computed, and that they waited for data from other workers.
    """

    name: str
    done: int
    failed: int = 0
    again: int = 0
    seconds: float = 0.0
    transfer_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen.

    Parameters
    ----------
    workers : tuple of WatchedWorker
        In the order in which they came.
    tasks : tuple of WatchedTasks
        By kind.
    most_workers : int
        How many there were at once.
    is_complete : bool
        False if the scheduler could not be asked at the end: then only what it told on the way is known.
    """

    workers: tuple[WatchedWorker, ...] = ()
    tasks: tuple[WatchedTasks, ...] = ()
    most_workers: int = 0
    is_complete: bool = True

    @property
    def lost(self) -> tuple[WatchedWorker, ...]:
        """Workers that were lost."""
        return tuple(worker for worker in self.workers if worker.lost)

    @property
    def retries(self) -> int:
        """Tasks that had to be done once more."""
        return sum(tasks.again for tasks in self.tasks)

    @property
    def peak_memory_bytes(self) -> int:
        """The most that one worker took."""
        return max((worker.peak_memory_bytes for worker in self.workers), default=0)

    @property
    def sent_bytes(self) -> int:
        """What workers sent to each other."""
        return sum(worker.sent_bytes for worker in self.workers)


class ClusterWatch(StageListener):
    """Watches the cluster of a client, in whatever process its scheduler lives.

    Parameters
    ----------
    client : distributed.Client
        Connected; scheduler and workers must be able to import dtedask.
    jobs : WatchedJobs
        Finds out how the jobs of lost workers stand.
    """

    def __init__(self, client: Client, jobs: WatchedJobs) -> None:
        self._client = client
        self._jobs = jobs
        self._name = f"dtedask-watch-{uuid.uuid4().hex[:8]}"
        self._told: list[WatchedWorker] = []
        self._again: Counter[str] = Counter()
        self._latest: Seen | None = None
        self._ending = threading.Event()
        self._looking = threading.Thread(target=self._look, name="watch-cluster", daemon=True)
        self._result: Watched | None = None

    def begin(self) -> None:
        """Begin to count."""
        from dtedask.cluster.watching.plugins import WatchingScheduler, WatchingWorker

        self._client.register_plugin(WatchingScheduler(self._name, self._client.id))
        self._client.register_plugin(WatchingWorker(self._name))
        self._client.subscribe_topic(self._name, self._lost)
        self._looking.start()

    def result(self) -> Watched:
        """What was counted until now, or until the end once it has ended."""
        if self._result is not None:
            return self._result
        from dtedask.cluster.watching.plugins import seen_so_far

        seen = self._ask(seen_so_far, self._name, self._figures())
        if seen is not None:
            return watched(seen, self._jobs, self._again)
        if self._latest is not None:
            return replace(watched(self._latest, self._jobs, self._again), is_complete=False)
        tasks = tuple(WatchedTasks(name, 0, again=again) for name, again in self._again.items())
        return Watched(tuple(self._told), tasks, is_complete=False)

    def task_ended(self, name: str, seconds: float, *, again: bool) -> None:  # noqa: ARG002 - the scheduler knows it
        """Hear of tasks that gave back why they failed, and are done again."""
        self._again[name] += again

    def end(self) -> None:
        """Count no more, and leave nothing behind on the cluster."""
        from dtedask.cluster.watching.plugins import stop_watching

        self._ending.set()
        self._jobs.settle()
        self._result = self.result()
        if self._result.is_complete:
            self._ask(stop_watching, self._name)
        if self._client.status != "running":
            return
        with suppress(Exception):  # the cluster may be gone
            self._client.unsubscribe_topic(self._name)
            self._client.unregister_worker_plugin(self._name)

    def _look(self) -> None:
        """Know something even if the scheduler dies."""
        from dtedask.cluster.watching.plugins import seen_so_far

        while not self._ending.wait(_LOOK_EVERY_S):
            self._latest = self._ask(seen_so_far, self._name, {}) or self._latest

    def _ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function on the scheduler; None if it does not answer."""
        if self._client.status != "running":  # its scheduler is gone: it would wait for another in vain
            return None
        try:
            return self._client.run_on_scheduler(function, *arguments, callback_timeout=_ASK_TIMEOUT_S)
        except Exception as error:  # noqa: BLE001 - whatever it is: what is told of a run must not fail the run
            logger.info("the scheduler was asked in vain: %s", error)
            return None

    def _figures(self) -> dict[str, Any]:
        """The newest figures of all workers; none if one of them is too busy to answer."""
        from dtedask.cluster.watching.plugins import figures_now

        if self._client.status != "running":
            return {}
        try:
            return dict(
                self._client.run(figures_now, self._name, on_error="ignore", callback_timeout=_FIGURES_TIMEOUT_S)
            )
        except Exception as error:  # noqa: BLE001 - as above: heartbeats have brought older ones
            logger.info("workers were asked for figures in vain: %s", error)
            return {}

    def _lost(self, event: tuple[float, Mapping[str, Any]]) -> None:
        """Hear at once of a worker that was lost: how its job ended is known for a short time only."""
        when, told = event
        worker = WatchedWorker(**told, joined=_time(when), left=_time(when), lost=True)
        self._told.append(worker)
        logger.warning("Lost the worker %s%s.", worker.name, f" of job {worker.job}" if worker.job else "")
        self._jobs.follow(worker.job)


@contextmanager
def watching(client: Client | None) -> Iterator[ClusterWatch | ThreadsWatch]:
    """Watch what runs on a client, or on threads of this process (None), until the end.

    Parameters
    ----------
    client : distributed.Client, optional
        As `client_for` gives it.

    Yields
    ------
    ClusterWatch or ThreadsWatch
        Its `result` says what was seen, after the end too, and however that came.
    """
    from dtedask.cluster.watching.threads import ThreadsWatch

    watch = ThreadsWatch() if client is None else ClusterWatch(client, _jobs_of(client))
    watch.begin()
    try:
        with listening_to_stages(watch):
            yield watch
    finally:
        watch.end()


def _jobs_of(client: Client) -> WatchedJobs:
    from dtedask.cluster.behind import started

    behind = started(client)
    folder = behind.folder.logs if behind is not None and behind.folder is not None else None
    return WatchedJobs(getattr(behind and behind.cluster, "log_folder", folder))


def watched(seen: Seen, jobs: WatchedJobs, again: Mapping[str, int]) -> Watched:
    """Put what the scheduler counted into words, with what is known of jobs, and of tasks that were done again."""
    workers = tuple(_worker(one, jobs) for one in seen.workers)
    tasks = tuple(
        WatchedTasks(name, one.done, one.failed, one.again + again.get(name, 0), one.seconds, one.transfer_seconds)
        for name, one in seen.tasks.items()
    )
    return Watched(workers, tasks, seen.most_workers)


def _worker(seen: SeenWorker, jobs: WatchedJobs) -> WatchedWorker:
    return WatchedWorker(
        name=seen.name,
        address=seen.address,
        host=seen.host,
        threads=seen.threads,
        memory_limit_bytes=seen.memory_limit,
        joined=_time(seen.joined),
        job=seen.job,
        peak_memory_bytes=seen.peak_memory,
        sent_bytes=seen.sent,
        left=None if seen.left is None else _time(seen.left),
        lost=seen.lost,
        reason="" if seen.left is None else _reason(seen, jobs.state(seen.job)),
        log=jobs.log(seen.job),
    )


def _reason(seen: SeenWorker, job_state: str) -> str:
    """Why a worker went, the most telling first."""
    if seen.killed_at:
        limit = f" of its limit of {size_text(seen.memory_limit)}" if seen.memory_limit else ""
        return f"its nanny ended it: it took {size_text(seen.killed_at)}{limit}"
    how = _CLOSINGS.get(seen.closing, f"it closed ({seen.closing})" if seen.closing else "")
    if not how:
        how = next((text for begin, text in _STIMULI.items() if seen.stimulus.startswith(begin)), "")
    if seen.stimulus.startswith("job-ended"):
        how = "its job ended"
    how = how or f"the scheduler removed it ({seen.stimulus})"
    return f"job {seen.job} is {job_state}; {how}" if job_state else how


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


_CLOSINGS = {
    "worker-lifetime-reached": "its lifetime ended",
    "worker-heartbeat-missing": "it had not told of itself for too long",
    "scheduler-close": "the cluster stopped",
    "nanny-close": "its nanny was closed",
}
_STIMULI = {
    "handle-worker-cleanup": "its connection ended without a word, as when its process is killed",
    "worker-send-comm-fail": "it could not be reached any more",
    "send-all-comm-fail": "it could not be reached any more",
    "check-worker-ttl": "it had not told of itself for too long",
    "retire-workers": "it was asked to go",
}
