"""How many workers a cluster has now, of how many, and what its jobs wait for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dtedask.cluster.behind import Started, started
from dtedask.cluster.slurm.commands import Job, list_jobs
from dtedask.core.errors import ClusterError

if TYPE_CHECKING:
    from distributed import Client

_ANSWER_S = 2.0


@dataclass(frozen=True, slots=True)
class WorkersNow:
    """Workers at one moment.

    Parameters
    ----------
    running : int
        Workers that are connected.
    wanted : int, optional
        How many there shall be; None if nobody knows. Where their number follows the work, the fewest.
    pending : tuple of str
        Jobs that wait, such as ``"job 123 PENDING (Resources)"``.
    """

    running: int
    wanted: int | None = None
    pending: tuple[str, ...] = ()

    @property
    def are_awaited(self) -> bool:
        """Whether some are wanted and not there."""
        return self.running < (self.wanted or 1)

    def __str__(self) -> str:
        count = f"{self.running} of {self.wanted}" if self.wanted is not None else f"{self.running}"
        return ", ".join([count, *self.pending])


def workers_now(client: Client) -> WorkersNow | None:
    """Ask scheduler and SLURM; None if the scheduler does not answer at once."""
    scheduler: Any = client.scheduler
    try:
        running = len(client.sync(scheduler.ncores, callback_timeout=_ANSWER_S))
    except Exception:  # noqa: BLE001 - a cluster that ends, is not there or is too busy: nothing can be said
        return None
    behind = started(client)
    if behind is None:
        return WorkersNow(running)
    now = WorkersNow(running, behind.profile.workers)
    return WorkersNow(running, now.wanted, pending_jobs(behind)) if now.are_awaited else now


def pending_jobs(behind: Started, most: int = 3) -> tuple[str, ...]:
    """Jobs of a cluster that wait, as SLURM says it, the first few of them."""
    if behind.profile.kind != "slurm" or behind.folder is None:
        return ()
    try:
        jobs = list_jobs(behind.folder.path, behind.folder.state().get("jobs", {}).values())
    except ClusterError:
        return ()
    waiting = [_text(job) for job in jobs if job.is_waiting]
    more = (f"{len(waiting) - most} more jobs",) if len(waiting) > most else ()
    return (*waiting[:most], *more)


def _text(job: Job) -> str:
    return f"job {job.id} {job.state}" + (f" ({job.reason})" if job.reason else "")
