"""Where work runs: threads of this process, a cluster on this machine, or jobs of a batch system.

The one home of dask-jobqueue.
"""

from __future__ import annotations

from dtedask.cluster.clients import client_for, job_script
from dtedask.cluster.kept import connect, running, where_to_run
from dtedask.cluster.profiles import Profile, profile, profiles
from dtedask.cluster.started import Started, started, wait_for_workers

__all__ = [
    "Profile",
    "Started",
    "client_for",
    "connect",
    "job_script",
    "profile",
    "profiles",
    "running",
    "started",
    "wait_for_workers",
    "where_to_run",
]
