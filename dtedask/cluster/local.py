"""Worker processes on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distributed import LocalCluster

    from dtedask.cluster.profiles import Profile


def local_cluster(profile: Profile) -> LocalCluster:
    """Start the workers of a profile of kind ``local-cluster``."""
    from dask.system import CPU_COUNT
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=profile.workers,
        threads_per_worker=profile.threads or max(1, CPU_COUNT // profile.workers),
        memory_limit="auto" if profile.memory is None else profile.memory,
        dashboard_address="127.0.0.1:0",
    )
