"""The cluster of a batch job, as the rest of dtedask sees clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from distributed.deploy.spec import SpecCluster

if TYPE_CHECKING:
    from dtedask.cluster.batch.allocation import Allocation
    from dtedask.cluster.folder import ClusterFolder
    from dtedask.core.errors import ClusterError


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

    @property
    def dashboard_link(self) -> str:
        """Link to Dask's dashboard; empty if there is none."""
        return str(super().dashboard_link) if self._allocation.has_dashboard else ""

    @property
    def failure(self) -> ClusterError | None:
        """Why the workers were given up, if they were."""
        return self._allocation.lost
