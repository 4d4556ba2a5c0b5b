"""Worker processes on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distributed import LocalCluster
    from distributed.security import Security

    from dtedask.cluster.documents.profiles import Profile


def local_cluster(profile: Profile, security: Security | None = None) -> LocalCluster:
    """Start the workers of a profile of kind ``local-cluster``; with certificates they talk by TLS."""
    from distributed import LocalCluster

    cluster = LocalCluster(**local_arguments(profile), security=security)
    if profile.workers_maximum is not None:
        cluster.adapt(minimum=profile.workers, maximum=profile.workers_maximum)
    return cluster


def local_arguments(profile: Profile) -> dict[str, Any]:
    """Arguments of `distributed.LocalCluster`."""
    from dask.system import CPU_COUNT

    most = profile.workers_maximum or profile.workers
    return {
        "n_workers": profile.workers,
        "threads_per_worker": profile.threads or max(1, CPU_COUNT // max(most, 1)),
        "memory_limit": "auto" if profile.memory is None else profile.memory,
        "dashboard_address": "127.0.0.1:0",
    }
