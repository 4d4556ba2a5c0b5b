"""Where work runs: threads of this process, a cluster on this machine, or jobs of a batch system.

The one home of dask-jobqueue.
"""

from __future__ import annotations

from dtedask.cluster.clients import client_for, job_script
from dtedask.cluster.profiles import Profile, profile, profiles

__all__ = ["Profile", "client_for", "job_script", "profile", "profiles"]
