"""A scheduler in this process whose workers run in jobs of SLURM, and are kept at the wanted number."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from contextlib import suppress
from pathlib import Path
from typing import Any

from dask_jobqueue.slurm import SLURMCluster, SLURMJob
from distributed.security import Security

from dtedask.cluster.early import keep_port, submit_early
from dtedask.cluster.folder import ClusterFolder
from dtedask.cluster.slurm.keeper import Keeper
from dtedask.cluster.slurm.keeper_events import Instruction, Limits, Refused, Submit, Submitted, Wanted
from dtedask.cluster.slurm.keeping import Keeping, end_jobs
from dtedask.core.errors import ClusterError

logger = logging.getLogger(__name__)
_FIRST_ANSWER_S = 10.0


class KeptSLURMCluster(SLURMCluster):
    """A `dask_jobqueue.SLURMCluster` whose jobs a keeper submits, replaces and cancels.

    Scheduler, certificates and job scripts are those of dask-jobqueue; `scale` and `adapt` tell the keeper.

    Parameters
    ----------
    folder : ClusterFolder
        For scripts and state; its certificates are taken away at the end.
    stem : str
        What names of workers begin with.
    workers : int
        Workers that there are to be at first.
    hint : str
        What errors say at their end.
    limits : Limits, optional
        When a job is taken for lost.
    security : distributed.security.Security, optional
        Certificates; None for connections that are not encrypted.
    **options
        As for `dask_jobqueue.SLURMCluster`; `log_directory` among them.

    Attributes
    ----------
    failure : ClusterError or None
        Why all was given up; the cluster is closed then.
    """

    def __init__(
        self,
        folder: ClusterFolder,
        *,
        stem: str,
        workers: int = 0,
        hint: str = "",
        limits: Limits | None = None,
        security: Security | None = None,
        **options: Any,
    ) -> None:
        self.folder = folder
        self.failure: ClusterError | None = None
        self.log_folder = Path(options["log_directory"])
        self._hint = hint
        self._keeping: Keeping | None = None
        keeper = Keeper(stem, limits or Limits())
        port = keep_port(options, is_encrypted=security is not None)
        early: list[Instruction] = []
        begun: dict[str, Future[Submitted | Refused]] = {}
        if port is not None:
            early, begun = self._begin_early(keeper, port.address, workers, security, options)
        try:
            super().__init__(security=security, **options)
            if port is not None and self.scheduler_address != port.address:
                logger.warning("the scheduler listens at %s, not at %s", self.scheduler_address, port.address)
                _take_back(folder, begun)
                keeper, early, begun = Keeper(stem, limits or Limits()), [], {}
            self._sync(self._begin, keeper, early, begun)
        except BaseException:
            _take_back(folder, begun)
            raise
        finally:
            if port is not None:
                port.release()
        if workers and not begun:
            self.scale(workers)

    def _begin_early(
        self, keeper: Keeper, address: str, workers: int, security: Security | None, options: dict[str, Any]
    ) -> tuple[list[Instruction], dict[str, Future[Submitted | Refused]]]:
        """Submit jobs whose workers look for the scheduler where it is going to be."""
        job = {key: value for key, value in options.items() if key != "scheduler_options"}
        if security is not None:
            job |= {"security": security, "protocol": "tls://"}

        def script_of(name: str) -> str:
            return str(SLURMJob(address, name=name, **job).job_script())

        processes: int = SLURMJob(address, name="any", **job).worker_processes
        early = keeper.handle(Wanted(-(-workers // processes)), time.monotonic())
        names = [one.name for one in early if isinstance(one, Submit)]
        return early, submit_early(names, self.folder, script_of)

    async def _begin(
        self, keeper: Keeper, early: list[Instruction], begun: dict[str, Future[Submitted | Refused]]
    ) -> None:
        scheduler: Any = self.scheduler
        self._keeping = Keeping(
            scheduler,
            keeper,
            self.folder,
            script_of=lambda name: str(self._job(name).job_script()),
            processes=self._job("any").worker_processes,
            log_folder=self.log_folder,
            on_failure=self._fail,
        )
        self._keeping.start(early, begun)

    def _job(self, name: str) -> Any:
        return self.new_spec["cls"](self.scheduler_address, name=name, **self.new_spec["options"])

    def _call(self, function: Callable[..., None], *values: Any) -> None:
        """Call a function in the event loop, soon."""
        if self.loop is not None:
            self.loop.add_callback(function, *values)

    def _sync(self, function: Callable[..., Coroutine[Any, Any, None]], *values: Any) -> None:
        """Run a coroutine in the event loop, until it is done."""
        self.sync(function, *values)  # type: ignore[no-untyped-call]

    async def _fail(self, error: ClusterError) -> None:
        self.failure = ClusterError(error.message, hint=self._hint)
        self.folder.update(failure=str(self.failure))
        await self.close()

    def scale(  # type: ignore[override]
        self, n: int | None = None, jobs: int = 0, memory: Any = None, cores: int | None = None
    ) -> None:
        """Keep so many workers (`n`) or jobs from now on."""
        if memory is not None or cores is not None:
            raise NotImplementedError("the number of workers, or of jobs, is what can be chosen")
        keeping = self._keeping
        if keeping is not None:  # else it is being closed, or is not yet there
            self._call(keeping.want, jobs * keeping.processes if n is None else n)

    def adapt(self, *, minimum: int = 0, maximum: int) -> None:  # type: ignore[override]
        """Let the number of workers follow the work from now on, within these bounds."""
        if self._keeping is not None:
            self._call(self._keeping.adapt, minimum, maximum)

    def wait_for_one(self, is_waiting: bool) -> None:
        """Say that somebody waits for a worker, or does not any more: there is one then even without work."""
        if self._keeping is not None:
            self._call(self._keeping.wait_for_one, is_waiting)

    def wait_until_submitted(self) -> None:
        """Wait, for a moment at most, until SLURM has taken a job.

        Raises
        ------
        ClusterError
            If it refuses.
        """
        if self._keeping is not None:
            self._sync(self._answered, self._keeping)
        if self.failure is not None:
            raise self.failure

    async def _answered(self, keeping: Keeping) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(keeping.has_answer.wait(), _FIRST_ANSWER_S)

    def close(self, timeout: float | None = None) -> Any:
        """Cancel all jobs, stop the scheduler and take the certificates away."""
        keeping, self._keeping = self._keeping, None
        if self.asynchronous:
            return self._close_all(keeping, timeout)
        if keeping is not None:
            self._sync(keeping.stop)
        closed = super().close(timeout)
        if keeping is not None:
            self.folder.end()
        return closed

    async def _close_all(self, keeping: Keeping | None, timeout: float | None) -> None:
        if keeping is not None:
            await keeping.stop()
        closing = super().close(timeout)
        if closing is not None:
            await closing
        if keeping is not None:
            self.folder.end()


def _take_back(folder: ClusterFolder, begun: dict[str, Future[Submitted | Refused]]) -> None:
    """Cancel jobs that were submitted early."""
    if begun:
        wait(begun.values())
        end_jobs(folder)
