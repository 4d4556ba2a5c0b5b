"""Where work runs: threads of this process, a cluster on this machine, or jobs of a batch system.

The one home of dask-jobqueue.
"""

from __future__ import annotations

from dtedask.cluster.checks import CheckedProfile, Finding, check_profiles
from dtedask.cluster.clients import client_for
from dtedask.cluster.constants import content_key, shared
from dtedask.cluster.kept import connect, running, where_to_run
from dtedask.cluster.profile_document import json_schema as profile_schema
from dtedask.cluster.profile_values import Value, values_of
from dtedask.cluster.profiles import Profile, profile, profiles
from dtedask.cluster.scripts import job_script, start_script
from dtedask.cluster.started import Started, started, wait_for_workers

__all__ = [
    "CheckedProfile",
    "Finding",
    "Profile",
    "Started",
    "Value",
    "check_profiles",
    "client_for",
    "connect",
    "content_key",
    "job_script",
    "profile",
    "profile_schema",
    "profiles",
    "running",
    "shared",
    "start_script",
    "started",
    "values_of",
    "wait_for_workers",
    "where_to_run",
]
