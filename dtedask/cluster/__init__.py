"""Where work runs: threads of this process, a cluster on this machine, or jobs of a batch system.

The one home of dask-jobqueue. Its names are imported when they are first used: every worker process imports this
package, and few need what it offers.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.cluster.checks import CheckedProfile, Finding, check_profiles
    from dtedask.cluster.clients import client_for
    from dtedask.cluster.constants import content_key, shared
    from dtedask.cluster.kept.connect import connect, where_to_run
    from dtedask.cluster.kept.status import running
    from dtedask.cluster.profile_document import json_schema as profile_schema
    from dtedask.cluster.profile_values import Value, values_of
    from dtedask.cluster.profiles import Profile, profile, profiles
    from dtedask.cluster.scripts import job_script, start_script
    from dtedask.cluster.started import Started, started, wait_for_workers, workers_now

_HOMES = {
    "CheckedProfile": "checks",
    "Finding": "checks",
    "Profile": "profiles",
    "Started": "started",
    "Value": "profile_values",
    "check_profiles": "checks",
    "client_for": "clients",
    "connect": "kept.connect",
    "content_key": "constants",
    "job_script": "scripts",
    "profile": "profiles",
    "profile_schema": "profile_document",
    "profiles": "profiles",
    "running": "kept.status",
    "shared": "constants",
    "start_script": "scripts",
    "started": "started",
    "values_of": "profile_values",
    "wait_for_workers": "started",
    "where_to_run": "kept.connect",
    "workers_now": "started",
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


class _Package(ModuleType):
    """A package where a function may have the name of its module: the module does not take its place."""

    def __setattr__(self, name: str, value: object) -> None:
        if name not in _HOMES or not isinstance(value, ModuleType):
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), _NAMES.get(name, name))


_NAMES = {"profile_schema": "json_schema"}
sys.modules[__name__].__class__ = _Package
