"""Where work runs: threads of this process, a cluster on this machine, or jobs of a batch system.

The one home of dask-jobqueue. Its names are imported when they are first used: every worker process imports this
package, and few need what it offers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.cluster.behind import Started, started, wait_for_workers, workers_now
    from dtedask.cluster.checks import CheckedProfile, Finding, check_profiles
    from dtedask.cluster.clients import client_for
    from dtedask.cluster.documents.file import json_schema as profile_schema
    from dtedask.cluster.documents.profiles import Profile, profile, profiles
    from dtedask.cluster.documents.values import Value, values_of
    from dtedask.cluster.kept.connect import connect, where_to_run
    from dtedask.cluster.kept.status import running
    from dtedask.cluster.scripts import job_script, start_script
    from dtedask.cluster.workers.constants import content_key, shared

_HOMES = {
    "CheckedProfile": "checks",
    "Finding": "checks",
    "Profile": "documents.profiles",
    "Started": "behind",
    "Value": "documents.values",
    "check_profiles": "checks",
    "client_for": "clients",
    "connect": "kept.connect",
    "content_key": "workers.constants",
    "job_script": "scripts",
    "profile": "documents.profiles",
    "profile_schema": "documents.file",
    "profiles": "documents.profiles",
    "running": "kept.status",
    "shared": "workers.constants",
    "start_script": "scripts",
    "started": "behind",
    "values_of": "documents.values",
    "wait_for_workers": "behind",
    "where_to_run": "kept.connect",
    "workers_now": "behind",
}

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
    "workers_now",
]

_NAMES = {"profile_schema": "json_schema"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), _NAMES.get(name, name))
