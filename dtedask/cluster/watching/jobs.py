"""How the jobs of lost workers stand: SLURM knows it for a short time only, so it is asked at once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from dtedask.cluster.slurm.commands import Job, list_jobs
from dtedask.cluster.slurm.job_logs import find_logs
from dtedask.core.errors import ClusterError

logger = logging.getLogger(__name__)
_UNSETTLED = {"RUNNING", "COMPLETING"}
_PAUSE_S = 1.0
_LONGEST_S = 120.0
_LAST_S = 10.0


class WatchedJobs:
    """Asks how jobs ended, each until it has ended, for two minutes at most.

    Parameters
    ----------
    log_folder : Path, optional
        Where jobs write their logs.
    ask : callable
        Lists jobs by their numbers.
    """

    def __init__(
        self,
        log_folder: Path | None = None,
        ask: Callable[[Sequence[str]], Sequence[Job]] = lambda ids: list_jobs(ids=ids),
    ) -> None:
        self._log_folder = log_folder
        self._ask = ask
        self._threads: dict[str, threading.Thread] = {}
        self._states: dict[str, str] = {}
        self._settling = threading.Event()

    def follow(self, job: str) -> None:
        """Find out how a job ends, in the background."""
        if job and job not in self._threads:
            self._threads[job] = threading.Thread(target=self._look, args=(job,), name=f"job-{job}", daemon=True)
            self._threads[job].start()

    def settle(self) -> None:
        """Ask once more for those that have not ended, and no longer."""
        self._settling.set()
        for thread in self._threads.values():
            thread.join(_LAST_S)

    def state(self, job: str) -> str:
        """How a job stands, such as ``"CANCELLED on node2"``; empty if that is not known."""
        return self._states.get(job, "")

    def log(self, job: str) -> str:
        """File with what a job printed; empty if there is none."""
        if not job or self._log_folder is None:
            return ""
        return next((str(path) for path in find_logs(self._log_folder, job)), "")

    def _look(self, job: str) -> None:
        for _ in range(int(_LONGEST_S / _PAUSE_S)):
            is_last = self._settling.is_set()
            try:
                found = next((one for one in self._ask([job]) if one.id == job), None)
            except ClusterError as error:
                logger.info("how job %s stands cannot be found out: %s", job, error)
                return
            if found is not None:
                self._states[job] = _text(found)
            if is_last or found is None or found.state not in _UNSETTLED:
                return
            self._settling.wait(_PAUSE_S)


def _text(job: Job) -> str:
    reason = f" ({job.reason})" if job.reason and job.reason != job.state else ""
    return f"{job.state}{reason}" + (f" on {job.nodes}" if job.nodes else "")
