"""Clients of the clusters that profiles describe, and the scripts of their jobs."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from dtedask.cluster.profiles import Profile
from dtedask.cluster.profiles import profile as profile_named
from dtedask.core.errors import MissingExtraError, PlanError, SettingError

if TYPE_CHECKING:
    from distributed import Client
    from distributed.deploy.cluster import Cluster

logger = logging.getLogger(__name__)

_OF_THE_CLUSTER = {"scheduler-options", "shared-temp-directory"}


@contextmanager
def client_for(profile: str | Profile | None = None) -> Iterator[Client | None]:
    """Start what a profile describes and stop it at the end.

    Parameters
    ----------
    profile : str or Profile, optional
        A name, or a profile; without one the setting ``dtedask.cluster``.

    Yields
    ------
    distributed.Client or None
        Connected, with at least one worker; None for threads of this process.

    Raises
    ------
    SettingError
        If there is no such profile, or its cluster cannot be made as it says.
    PlanError
        If no worker starts in time.
    MissingExtraError
        If the profile needs dask-jobqueue and it is not installed.
    """
    import dask.config

    chosen = _profile(profile)
    if chosen.kind == "threads":
        yield None
        return
    from distributed import Client

    with (
        dask.config.set(_over_the_current(chosen.configuration)),
        _cluster(chosen) as cluster,
        Client(cluster) as client,
    ):
        _wait_for_a_worker(client, chosen)
        yield client


def job_script(profile: str | Profile | None = None) -> str:
    """Return the script of one worker job exactly as dask-jobqueue would submit it.

    The address of the scheduler and the name of the worker stand as placeholders: they are known once it runs.

    Raises
    ------
    SettingError
        If the profile has no jobs.
    """
    chosen = _profile(profile)
    if chosen.kind != "slurm":
        raise SettingError(
            f"The profile {chosen.name!r} is of kind {chosen.kind!r} and submits no jobs.",
            hint="Name one of kind 'slurm'.",
        )
    job = _jobqueue().slurm.SLURMJob
    options = {key: value for key, value in _job_options(chosen).items() if key not in _OF_THE_CLUSTER}
    try:
        return str(job("tcp://<scheduler>:8786", name="<worker>", **_keywords(options)).job_script())
    except ValueError as error:
        raise _cannot_make(chosen, error) from error


def _profile(profile: str | Profile | None) -> Profile:
    return profile if isinstance(profile, Profile) else profile_named(profile)


@contextmanager
def _cluster(profile: Profile) -> Iterator[Cluster]:
    cluster: Cluster = _slurm_cluster(profile) if profile.kind == "slurm" else _local_cluster(profile)
    logger.info("cluster %s started: scheduler %s", profile.name, cluster.scheduler_address)
    with cluster:
        yield cluster


def _local_cluster(profile: Profile) -> Cluster:
    from dask.system import CPU_COUNT
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=profile.workers,
        threads_per_worker=profile.threads or max(1, CPU_COUNT // profile.workers),
        memory_limit="auto" if profile.memory is None else profile.memory,
        dashboard_address="127.0.0.1:0",
    )


def _slurm_cluster(profile: Profile) -> Cluster:
    options = _job_options(profile)
    options["scheduler-options"] = {"dashboard_address": ":0", **(options.get("scheduler-options") or {})}
    try:
        cluster: Cluster = _jobqueue().SLURMCluster(**_keywords(options))
    except ValueError as error:
        raise _cannot_make(profile, error) from error
    cluster.scale(profile.workers)
    return cluster


def _job_options(profile: Profile) -> dict[str, Any]:
    """Options of the profile, over which the environment wins as it does everywhere in Dask."""
    import dask.config

    _jobqueue()
    environment: Mapping[str, Any] = dask.config.get(
        f"jobqueue.{profile.section}", {}, config=dask.config.collect_env()
    )
    return {**profile.job, **{key.replace("_", "-"): value for key, value in environment.items()}}


def _keywords(options: Mapping[str, Any]) -> dict[str, Any]:
    """Turn names of dask-jobqueue's configuration into those of its classes."""
    return {"job_name" if key == "name" else key.replace("-", "_"): value for key, value in options.items()}


def _over_the_current(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Merge a configuration into the current one, so that setting it replaces no sister keys."""
    import dask.config

    current = {key: dask.config.get(key, {}) for key in configuration}
    return {
        key: dask.config.merge(current[key], value) if isinstance(value, Mapping) else value
        for key, value in configuration.items()
    }


def _wait_for_a_worker(client: Client, profile: Profile) -> None:
    try:
        client.wait_for_workers(1, timeout=profile.start_timeout_s)
    except TimeoutError as error:
        look = "Look at `squeue` and at the logs of the jobs." if profile.kind == "slurm" else "Look at the log above."
        raise PlanError(
            f"No worker of the profile {profile.name!r} started within {profile.start_timeout_s:g} s.", hint=look
        ) from error


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
