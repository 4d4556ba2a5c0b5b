"""What a profile would start: the script of a worker job, or the call that makes its cluster."""

from __future__ import annotations

from dtedask.cluster.calls import constructor_call
from dtedask.cluster.documents.profiles import Profile, chosen_profile
from dtedask.cluster.job_scripts import has_jobs, job_script_of_class
from dtedask.cluster.slurm.start import job_script_of
from dtedask.core.errors import SettingError


def job_script(profile: str | Profile | None = None) -> str:
    """Return the script of one worker job exactly as dask-jobqueue would submit it.

    What is known only once the cluster runs stands as placeholders: the address of its scheduler, the name of the
    worker, and the folder of its certificates where the profile encrypts.

    Parameters
    ----------
    profile : str or Profile, optional
        A name, or a profile; without one the setting ``dtedask.cluster``.

    Raises
    ------
    SettingError
        If the profile has no jobs, or they cannot be made as it says.
    MissingExtraError
        If the package of its class is not installed.
    """
    chosen = chosen_profile(profile)
    if not has_jobs(chosen):
        raise SettingError(
            f"The profile {chosen.name!r} is of kind {chosen.kind!r} and submits no jobs.",
            hint="Name one of kind 'slurm', or of a class of dask-jobqueue.",
        )
    return job_script_of(chosen) if chosen.kind == "slurm" else job_script_of_class(chosen)


def start_script(profile: str | Profile | None = None) -> str:
    """Return the script of one worker job, or where there are no jobs the call that makes the cluster, as Python.

    Parameters
    ----------
    profile : str or Profile, optional
        A name, or a profile; without one the setting ``dtedask.cluster``.

    Raises
    ------
    SettingError
        If the profile starts nothing, or what it says cannot be done.
    MissingExtraError
        If the package of its class is not installed.
    """
    chosen = chosen_profile(profile)
    return job_script(chosen) if has_jobs(chosen) else constructor_call(chosen)
