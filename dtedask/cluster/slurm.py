"""Workers in jobs of SLURM, by dask-jobqueue."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from dtedask.cluster.configured import configured
from dtedask.core.errors import MissingExtraError, SettingError

if TYPE_CHECKING:
    from distributed.deploy.cluster import Cluster

    from dtedask.cluster.profiles import Profile

_OF_THE_CLUSTER = {"scheduler-options", "shared-temp-directory"}


def slurm_cluster(profile: Profile) -> Cluster:
    """Start a scheduler in this process and submit the worker jobs of a profile of kind ``slurm``.

    Raises
    ------
    SettingError
        If dask-jobqueue cannot make jobs of what the profile says.
    MissingExtraError
        If dask-jobqueue is not installed.
    """
    options = dict(profile.job)
    options["scheduler-options"] = {"dashboard_address": ":0", **(options.get("scheduler-options") or {})}
    try:
        cluster: Cluster = _jobqueue().SLURMCluster(**_keywords(options), **_section(profile))
    except ValueError as error:
        raise _cannot_make(profile, error) from error
    cluster.scale(profile.workers)
    return cluster


def job_script_of(profile: Profile) -> str:
    """The script of one worker job; see `dtedask.cluster.job_script`."""
    job = _jobqueue().slurm.SLURMJob
    options = {key: value for key, value in profile.job.items() if key not in _OF_THE_CLUSTER}
    try:
        with configured(profile):
            made = job("tcp://<scheduler>:8786", name="<worker>", **_keywords(options), **_section(profile))
        return str(made.job_script())
    except ValueError as error:
        raise _cannot_make(profile, error) from error


def _section(profile: Profile) -> dict[str, str]:
    """Name the section that holds what the profile leaves as null, while its configuration holds."""
    return {"config_name": profile.section} if "jobqueue" in profile.configuration else {}


def _keywords(options: Mapping[str, Any]) -> dict[str, Any]:
    """Turn names of dask-jobqueue's configuration into those of its classes."""
    return {"job_name" if key == "name" else key.replace("-", "_"): value for key, value in options.items()}


def _jobqueue() -> Any:
    try:
        return import_module("dask_jobqueue")
    except ImportError as error:
        raise MissingExtraError(
            "A profile of kind 'slurm' needs dask-jobqueue, which is not installed.",
            hint='Install it by: pip install "dtedask[slurm]"',
        ) from error


def _cannot_make(profile: Profile, error: ValueError) -> SettingError:
    return SettingError(f"{profile.path}: the jobs of profile {profile.name!r} cannot be made: {error}")
