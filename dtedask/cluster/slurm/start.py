"""Workers in jobs of SLURM, by dask-jobqueue."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dtedask.cluster.folder import ClusterFolder, clusters_folder
from dtedask.cluster.imports import import_undisturbed
from dtedask.cluster.job_scripts import script_of
from dtedask.cluster.named import keywords
from dtedask.cluster.security import make_certificates, security_in
from dtedask.cluster.slurm.commands import require_commands
from dtedask.cluster.slurm.keeper_events import Limits
from dtedask.cluster.slurm.node_lines import with_node_lines
from dtedask.cluster.slurm.orphans import ENDS, end_orphans
from dtedask.cluster.slurm.walltime import lifetime_options, successor_s
from dtedask.core.errors import ClusterError, MissingExtraError, SettingError

if TYPE_CHECKING:
    from dtedask.cluster.documents.profiles import Profile
    from dtedask.cluster.slurm.cluster import KeptSLURMCluster


def slurm_cluster(profile: Profile, folder: ClusterFolder | None = None) -> KeptSLURMCluster:
    """Start a scheduler in this process and submit the worker jobs of a profile of kind ``slurm``.

    What it needs stands in a folder of its own, unless it is given one.

    Raises
    ------
    SettingError
        If dask-jobqueue cannot make jobs of what the profile says.
    ClusterError
        If there are no commands of SLURM, or it refuses the jobs.
    MissingExtraError
        If dask-jobqueue is not installed.
    """
    jobqueue()
    require_commands("sbatch", "squeue", "scancel")
    _check_place()
    end_orphans()
    if folder is None:
        folder = ClusterFolder.make(profile.name, kind=profile.kind, profile=profile.name)
    folder.update(jobs={}, **ENDS)
    try:
        return _start(profile, folder)
    except BaseException as error:
        folder.end()
        if isinstance(error, ValueError) and not isinstance(error, SettingError):
            raise _cannot_make(profile, error) from error
        if isinstance(error, RuntimeError):
            raise ClusterError(f"{profile.path}: the cluster of profile {profile.name!r}: {error}") from error
        raise


def _check_place() -> None:
    """Paths of the folder stand in job scripts, whose directives know no quotes."""
    place = str(clusters_folder())
    if re.search(r"[^\w./@+:,=~-]", place):
        raise SettingError(
            f"Jobs cannot use the folder {place!r}: its path has a space or a character that scripts take otherwise.",
            hint="Name another one by the setting dtedask.jobs.folder.",
        )


def _start(profile: Profile, folder: ClusterFolder) -> KeptSLURMCluster:
    from dtedask.cluster.slurm.cluster import KeptSLURMCluster

    if profile.encrypt:
        make_certificates(folder.tls)
    options = with_node_lines(profile.name, profile.job, profile.configuration)
    scheduler = {"dashboard_address": ":0", **(options.pop("scheduler-options", None) or {})}
    options.pop("shared-temp-directory", None)  # certificates stand in the folder
    job: dict[str, Any] = {**keywords(_in_folder(options, folder)), **_section(profile)}
    cluster = KeptSLURMCluster(
        folder,
        workers=profile.workers,
        stem=re.sub(r"[^\w.-]+", "-", profile.name),
        hint=f"Profile {profile.name!r} describes the jobs: {profile.path}.",
        limits=Limits(succeeded_s=successor_s(job["worker_extra_args"])),
        security=security_in(folder.tls) if profile.encrypt else None,
        scheduler_options=scheduler,
        **job,
    )
    try:
        folder.update(scheduler=cluster.scheduler_address, dashboard=cluster.dashboard_link)
        if profile.workers_maximum is not None:
            cluster.adapt(minimum=profile.workers, maximum=profile.workers_maximum)
        if profile.workers:
            cluster.wait_until_submitted()
    except BaseException:
        cluster.close()
        raise
    return cluster


def job_script_of(profile: Profile) -> str:
    """The script of one worker job; see `dtedask.cluster.job_script`."""
    folder = ClusterFolder(clusters_folder() / "<cluster>")
    options = with_node_lines(profile.name, profile.job, profile.configuration)
    arguments = {**keywords(_in_folder(options, folder)), **_section(profile)}
    if profile.encrypt:
        arguments["security"] = security_in(folder.tls)
    return script_of(profile, jobqueue().slurm.SLURMJob, arguments)


def _in_folder(options: Mapping[str, Any], folder: ClusterFolder) -> dict[str, Any]:
    """Options of a job that writes its logs into the folder, ends in time, and is not run again by SLURM."""
    extra = list(options.get("worker-extra-args") or [])
    if not any(str(word).partition("=")[0] == "--lifetime" for word in extra):
        extra += lifetime_options(options.get("walltime"))
    directives = list(options.get("job-extra-directives") or [])
    if not any("requeue" in str(directive) for directive in directives):
        directives.append("--no-requeue")  # a lost job is replaced by one of another name
    own = {"worker-extra-args": extra, "job-extra-directives": directives}
    return {"log-directory": str(folder.logs), **options, **own}


def _section(profile: Profile) -> dict[str, str]:
    """Name the section that holds what the profile leaves as null, while its configuration holds."""
    return {"config_name": profile.section} if "jobqueue" in profile.configuration else {}


def jobqueue() -> Any:
    """Import dask-jobqueue."""
    try:
        return import_undisturbed("dask_jobqueue")
    except ImportError as error:
        raise MissingExtraError(
            "A profile of kind 'slurm' needs dask-jobqueue, which is not installed.",
            hint='Install it by: pip install "dtedask[slurm]"',
        ) from error


def _cannot_make(profile: Profile, error: ValueError) -> SettingError:
    return SettingError(f"{profile.path}: the jobs of profile {profile.name!r} cannot be made: {error}")
