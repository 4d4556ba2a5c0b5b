"""Scripts of worker jobs, exactly as dask-jobqueue would submit them."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dtedask.cluster.documents.configured import configured
from dtedask.cluster.documents.places import place_of
from dtedask.cluster.folder import clusters_folder
from dtedask.cluster.named import arguments_of, class_of, job_class_of
from dtedask.cluster.security import security_in
from dtedask.core.errors import SettingError

if TYPE_CHECKING:
    from dtedask.cluster.documents.profiles import Profile

__all__ = ["has_jobs", "job_script_of_class", "script_of"]

_SCHEDULER, _WORKER = "<scheduler>", "<worker>"  # known only once a cluster runs


def has_jobs(profile: Profile) -> bool:
    """Whether a profile submits jobs."""
    return profile.kind == "slurm" or (profile.kind == "class" and job_class_of(class_of(profile)) is not None)


def script_of(profile: Profile, job_class: Any, arguments: Mapping[str, Any]) -> str:
    """Return the script of one worker job of a class of dask-jobqueue.

    Parameters
    ----------
    profile : Profile
        What the arguments are of.
    job_class : type
        Class of the job.
    arguments : mapping
        What the class of the cluster is called with.
    """
    taken = _parameters(job_class)
    options = {key: value for key, value in arguments.items() if key in taken and key not in {"name", "scheduler"}}
    protocol = "tls" if options.get("security") else "tcp"
    if options.get("security"):
        options.setdefault("protocol", "tls://")
    try:
        with configured(profile), _no_folder_made(options) as (options, real):
            job = job_class(f"{protocol}://{_SCHEDULER}:8786", name=_WORKER, **options)
            return str(job.job_script()).replace(*real) if real else str(job.job_script())
    except ValueError as error:
        where = place_of(profile)
        raise SettingError(f"{where}: the jobs of profile {profile.name!r} cannot be made: {error}") from error


def job_script_of_class(profile: Profile) -> str:
    """Return the script of one worker job of a profile of kind ``class``."""
    security = security_in(clusters_folder() / "<cluster>" / "tls") if profile.encrypt else None
    return script_of(profile, job_class_of(class_of(profile)), arguments_of(profile, security))


def _parameters(job_class: Any) -> set[str]:
    found = [vars(base)["__init__"] for base in job_class.__mro__ if "__init__" in vars(base) and base is not object]
    return {name for function in found for name in inspect.signature(function).parameters}


@contextmanager
def _no_folder_made(options: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], tuple[str, str] | None]]:
    """Keep dask-jobqueue from making the folder of the logs: who looks at a script starts nothing."""
    folder = options.get("log_directory")
    if not folder:
        yield dict(options), None
        return
    with tempfile.TemporaryDirectory(prefix="dtedask-") as stand_in:
        yield {**options, "log_directory": stand_in}, (stand_in, str(folder))
