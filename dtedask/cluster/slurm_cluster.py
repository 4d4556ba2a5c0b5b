"""A scheduler in this process whose workers run in jobs of SLURM, and are kept at the wanted number."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from dask_jobqueue.slurm import SLURMCluster
from distributed.security import Security

from dtedask.cluster.folder import ClusterFolder
from dtedask.cluster.keeper import Keeper
from dtedask.cluster.keeper_events import Limits
from dtedask.cluster.keeping import Keeping
from dtedask.core.errors import ClusterError

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
        super().__init__(security=security, **options)
        self._sync(self._begin, Keeper(stem, limits or Limits()))

    async def _begin(self, keeper: Keeper) -> None:
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
        self._keeping.start()

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
