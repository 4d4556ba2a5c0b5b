"""What dtedask does in every worker process as it starts: it looks at versions, bounds pools, and loads libraries."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from distributed.diagnostics.plugin import WorkerPlugin

from dtedask.cluster.workers.constants import content_key, limit_shared
from dtedask.cluster.workers.versions import differences, refuse, versions
from dtedask.core.cores import limit_cores
from dtedask.plugins import run_worker_starts

if TYPE_CHECKING:
    from distributed import Client, Worker

TOPIC = "dtedask-worker"  # of the events that workers send
_PART_OF_CONSTANTS = 0.2  # of the memory of a worker

logger = logging.getLogger(__name__)
_begun: set[str] = set()  # what this process has loaded, or is loading: several clients may ask


class DtedaskWorker(WorkerPlugin):
    """Prepares a worker process.

    Parameters
    ----------
    functions : sequence of callable
        What it loads, in a thread beside the worker.
    """

    idempotent = True

    def __init__(self, functions: Sequence[Callable[[], object]]) -> None:
        self.functions = tuple(functions)
        self.versions = versions()
        self.client = _process()
        # Another client of the same scheduler may have other versions, and other plug-ins.
        self.name = f"dtedask-{content_key(str(self.versions), *map(_name, functions))[:8]}"

    def setup(self, worker: Worker) -> None:
        """Bound pools and compare versions, which takes no time; the rest goes on in a thread."""
        if _process() != self.client:  # a worker that is a thread of the client shares all with it
            _bound(worker)
            self._compare(worker)
        thread = threading.Thread(target=self._load, args=(worker,), name="dtedask-loads", daemon=True)
        thread.start()

    def _compare(self, worker: Worker) -> None:
        forbidden, known = differences(self.versions, versions())
        if forbidden:
            refuse(f"The worker {worker.name} on {socket.gethostname()} has {', '.join(forbidden)}")
        if forbidden or known:
            said = ", ".join((*forbidden, *known))
            logger.warning("this worker has %s", said)
            worker.log_event(TOPIC, {"worker": str(worker.name), "differs": said})

    def _load(self, worker: Worker) -> None:
        begin = time.perf_counter()
        for function in self.functions:
            name = _name(function)
            if name in _begun:
                continue
            _begun.add(name)
            try:
                function()
            except Exception:
                logger.exception("%s failed; tasks load themselves what they need", name)
        logger.info("worker %s has loaded its libraries in %.2f s", worker.name, time.perf_counter() - begin)


def prepare_workers(client: Client) -> None:
    """Let all workers of a client be prepared, also those that come later; the second call does nothing.

    Workers whose libraries differ from ours are told of in the log.
    """
    told: set[str] = set()

    def hear(event: tuple[float, Any]) -> None:
        _, message = event
        said = message.get("differs") if isinstance(message, dict) else None
        if said and said not in told:  # thousands of workers have the same
            told.add(said)
            logger.warning("Worker %s has %s.", message["worker"], said)

    client.subscribe_topic(TOPIC, hear)
    client.register_plugin(DtedaskWorker(run_worker_starts()))


def _bound(worker: Worker) -> None:
    """Let no pool of this process have more threads than the worker."""
    threads = worker.state.nthreads
    limit_cores(threads)
    os.environ.setdefault("TOKIO_WORKER_THREADS", str(threads))  # of Icechunk, which is not loaded yet
    limit = worker.memory_manager.memory_limit
    if limit:
        limit_shared(int(limit * _PART_OF_CONSTANTS))


def _process() -> tuple[str, int]:
    return socket.gethostname(), os.getpid()


def _name(function: Any) -> str:
    inner = getattr(function, "func", function)
    more = getattr(function, "args", ())
    return f"{inner.__module__}.{inner.__qualname__}{more or ''}"
