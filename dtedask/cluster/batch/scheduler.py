"""The cluster of a batch job, as the rest of dtedask sees clusters."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from distributed.deploy.spec import SpecCluster

if TYPE_CHECKING:
    from dtedask.cluster.batch.allocation import Allocation
    from dtedask.cluster.folder import ClusterFolder
    from dtedask.core.errors import ClusterError


_TOLD_S, _TOLD_EACH_S = 0.3, 0.01


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Log nothing: a nanny that has ended gives no answer."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


class AllocationCluster(SpecCluster):
    """A scheduler in this process, whose workers are the ranks of its job.

    Parameters
    ----------
    allocation : Allocation
        The job.
    **options
        As for `distributed.SpecCluster`.
    """

    def __init__(self, allocation: Allocation, **options: Any) -> None:
        self._allocation = allocation
        super().__init__(**options)  # type: ignore[no-untyped-call]

    @property
    def folder(self) -> ClusterFolder:
        """Folder of the run."""
        return self._allocation.folder

    async def _close(self) -> None:
        # Workers that the scheduler ends wait two seconds for their nannies; nannies that are told end them at once.
        # They answer when that is done, which need not be waited for.
        scheduler: Any = self.scheduler
        with _quiet("distributed.scheduler"):
            if scheduler is not None:
                with suppress(TimeoutError, OSError):
                    async with asyncio.timeout(_TOLD_S + _TOLD_EACH_S * len(scheduler.workers)):
                        await scheduler.broadcast(msg={"op": "terminate"}, nanny=True, on_error="ignore")
            await super()._close()  # type: ignore[no-untyped-call]

    @property
    def dashboard_link(self) -> str:
        """Link to Dask's dashboard; empty if there is none."""
        return str(super().dashboard_link) if self._allocation.has_dashboard else ""

    @property
    def failure(self) -> ClusterError | None:
        """Why the workers were given up, if they were."""
        return self._allocation.lost
