"""Within a batch job: its allocation becomes scheduler, driver and workers of one run."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from dtedask.cluster.batch.folder import read_job, take_environment, take_settings
from dtedask.cluster.batch.ranks import reserve, start_ranks
from dtedask.cluster.slurm.job_logs import quote_logs
from dtedask.core.errors import ClusterError

if TYPE_CHECKING:
    from distributed.deploy.cluster import Cluster

    from dtedask.cluster.documents.profiles import Profile
    from dtedask.cluster.folder import ClusterFolder

logger = logging.getLogger(__name__)
_RESTARTS = 3
_YOUNG_S = 20.0
_END_S = 5.0


class Allocation:
    """The workers of this job, from its begin to its end; a context manager.

    Workers are started before anything else, since they take longest; they look for the scheduler at a port that this
    process has taken for it. If their step ends while the run goes on it is started anew, a few times.

    Parameters
    ----------
    folder : ClusterFolder
        Folder of the run.
    """

    current: Allocation | None = None

    def __init__(self, folder: ClusterFolder) -> None:
        self.folder = folder
        self.lost: ClusterError | None = None
        self.restarts = 0
        self._job = read_job(folder.path)
        self._closing = threading.Event()

    def __enter__(self) -> Self:
        take_environment(self.folder.path)
        if self._job["encrypt"] and not any(self.folder.tls.glob("*.pem")):  # the run has ended before
            from dtedask.cluster.security import make_certificates

            make_certificates(self.folder.tls)
        self._port: socket.socket = reserve(self._job["interface"])
        self._step = self._start()
        self._watch = threading.Thread(target=self._watch_step, name="watch-step", daemon=True)
        self._watch.start()
        take_settings(self.folder.path)
        Allocation.current = self
        return self

    def __exit__(self, *_: object) -> None:
        Allocation.current = None
        self._closing.set()
        self._port.close()
        try:
            self._step.wait(_END_S)  # the scheduler has told them to end
        except subprocess.TimeoutExpired:
            self._step.send_signal(signal.SIGKILL)

    @property
    def has_dashboard(self) -> bool:
        """Whether the scheduler shows Dask's dashboard."""
        return bool(self._job["dashboard"])

    @property
    def address(self) -> str:
        """Where the scheduler listens."""
        host, port = self._port.getsockname()
        return f"{'tls' if self._job['encrypt'] else 'tcp'}://{host}:{port}"

    def cluster(self) -> Cluster:
        """Start the scheduler in this process."""
        from distributed import Scheduler

        from dtedask.cluster.batch.scheduler import AllocationCluster
        from dtedask.cluster.security import security_in

        security = security_in(self.folder.tls) if self._job["encrypt"] else None
        host, port = self._port.getsockname()
        options: dict[str, Any] = {"host": host, "port": port, "protocol": self.address.partition(":")[0]}
        options |= {"security": security, "dashboard": self.has_dashboard, "dashboard_address": ":0"}
        return AllocationCluster(
            self,
            workers={},
            scheduler={"cls": Scheduler, "options": options},
            security=security,
            name=self._job["name"],
            silence_logs=logging.WARNING,
        )

    def _start(self) -> subprocess.Popen[bytes]:
        return start_ranks(self._job, self.folder.path, self.address, generation=self.restarts)

    def _watch_step(self) -> None:
        while True:
            begin = time.monotonic()
            status = self._step.wait()
            if self._closing.is_set():
                return
            # Ranks replace their workers themselves: a step that ends young has given up, unless srun was killed.
            gave_up = status > 0 and time.monotonic() - begin < _YOUNG_S
            if gave_up or self.restarts == _RESTARTS:
                said = quote_logs(sorted(self.folder.logs.glob("worker-*.log")))
                job_id = os.environ.get("SLURM_JOB_ID", "")
                self.lost = ClusterError(
                    "\n  ".join([f"The workers of job {job_id} ended with status {status}:", *said]),
                    hint=f"Their logs are in {self.folder.logs}.",
                )
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
                return
            self.restarts += 1
            logger.warning("the step of the workers ended with status %s and is started again", status)
            self._step = self._start()


def allocation_cluster(_profile: Profile) -> Cluster:
    """The cluster of a profile of kind ``allocation``: that of the job in which this process runs.

    Raises
    ------
    ClusterError
        If it runs in none.
    """
    if Allocation.current is None:
        raise ClusterError(
            "A profile of kind 'allocation' is that of a batch job, and this process runs in none.",
            hint="Submit a recipe by `dtedask recipe submit`.",
        )
    return Allocation.current.cluster()
