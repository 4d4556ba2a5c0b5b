"""Clusters of any class that a profile names by its dotted path."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from dtedask.cluster.arguments import parameters_of
from dtedask.cluster.documents.places import place_of
from dtedask.cluster.imports import import_undisturbed
from dtedask.core.errors import ClusterError, MissingExtraError, SettingError
from dtedask.core.nearest import did_you_mean

if TYPE_CHECKING:
    from distributed.deploy.cluster import Cluster
    from distributed.security import Security

    from dtedask.cluster.documents.profiles import Profile

__all__ = ["arguments_of", "class_of", "job_class_of", "named_cluster"]

_PIP = {"dask_jobqueue": '"dtedask[slurm]"'}


def named_cluster(profile: Profile, security: Security | None = None) -> Cluster:
    """Start the cluster of a profile of kind ``class`` and ask it for the workers of the profile.

    Parameters
    ----------
    profile : Profile
        Names the class.
    security : distributed.security.Security, optional
        With certificates its processes talk by TLS.

    Raises
    ------
    SettingError
        If there is no such class, or it does not take the options of the profile.
    MissingExtraError
        If its package is not installed.
    ClusterError
        If it cannot be started.
    """
    kind = class_of(profile)
    arguments = arguments_of(profile, security)
    try:
        cluster: Cluster = kind(**arguments)
        ask_for_workers(cluster, profile)
    except (TypeError, ValueError) as error:
        where = place_of(profile, "class")
        raise SettingError(f"{where}: {profile.class_path} cannot be made with these options: {error}") from error
    except Exception as error:
        said = " ".join(str(error).split()) or type(error).__name__
        message = f"The cluster {profile.class_path} of profile {profile.name!r} did not start: {said}."
        raise ClusterError(message) from error
    return cluster


def ask_for_workers(cluster: Cluster, profile: Profile) -> None:
    """Ask for the workers of a profile; where it names none, there are as many as the class has by itself."""
    if profile.workers_maximum is not None:
        cluster.adapt(minimum=profile.workers, maximum=profile.workers_maximum)
    elif profile.workers:
        cluster.scale(profile.workers)


def class_of(profile: Profile) -> Any:
    """Import the class of a profile of kind ``class``, or a function that makes a cluster.

    Raises
    ------
    SettingError
        If there is none of that name, or it is no cluster that could be made.
    MissingExtraError
        If its package is not installed.
    """
    module, _, name = profile.class_path.rpartition(".")
    where = place_of(profile, "class")
    if not module:
        raise SettingError(
            f"{where}: {profile.class_path!r} is no dotted path of a class.",
            hint="Write one such as dask_jobqueue.PBSCluster.",
        )
    holder = _imported(profile, module, where)
    found = getattr(holder, name, None)
    if found is None:
        raise SettingError(
            f"{where}: there is no {name!r} in {module}.",
            hint=did_you_mean(name, [known for known in dir(holder) if known.endswith("Cluster")]),
        )
    problem = _why_no_cluster(found)
    if problem:
        raise SettingError(f"{where}: {profile.class_path} {problem}.", hint="Name a class of a cluster.")
    return found


def job_class_of(kind: Any) -> Any:
    """Class of the jobs of a cluster class of dask-jobqueue; None for other classes."""
    return getattr(kind, "job_cls", None)


def arguments_of(profile: Profile, security: Security | None = None) -> dict[str, Any]:
    """Arguments with which the class of a profile is called, as the profile gives them.

    Raises
    ------
    SettingError
        If the class does not take one of the options: file, line and nearest name.
    """
    kind = class_of(profile)
    check_options(profile, kind)
    arguments = {**keywords(profile.job), **profile.options}
    if security is not None:
        arguments.setdefault("security", security)
    if job_class_of(kind) is None:
        return arguments
    if profile.section:
        arguments.setdefault("config_name", profile.section)
    # A second cluster on the same host finds the usual port of the dashboard taken.
    options = {"dashboard_address": ":0", **(arguments.get("scheduler_options") or {})}
    return {**arguments, "scheduler_options": options}


def check_options(profile: Profile, kind: Any) -> None:
    """Check the options of a profile against the constructor of its class; as `arguments_of`."""
    known, is_open = parameters_of(kind)
    for option in profile.options:
        if option not in known and not is_open:
            raise SettingError(
                f"{place_of(profile, 'options', option)}: {profile.class_path} takes no argument {option!r}.",
                hint=did_you_mean(option, known, listed=30),
            )
    if profile.encrypt and "security" not in known:
        raise SettingError(
            f"{place_of(profile, 'encrypt')}: {profile.class_path} takes no argument 'security'.",
            hint="Set `encrypt: false`, and see how the class encrypts by itself.",
        )
    needed = [name for name, parameter in known.items() if _is_needed(parameter) and name not in profile.options]
    if needed:
        raise SettingError(
            f"{place_of(profile, 'options')}: {profile.class_path} needs the arguments {', '.join(needed)}.",
            hint="Give them under 'options'.",
        )


def keywords(options: Mapping[str, Any]) -> dict[str, Any]:
    """Turn names of dask-jobqueue's configuration into those of its classes."""
    return {"job_name" if key == "name" else key.replace("-", "_"): value for key, value in options.items()}


def _is_needed(parameter: inspect.Parameter) -> bool:
    return parameter.default is inspect.Parameter.empty


def _imported(profile: Profile, module: str, where: str) -> ModuleType:
    try:
        return import_undisturbed(module)
    except ModuleNotFoundError as error:
        package = (error.name or module).partition(".")[0]
        if find_spec(package) is not None:  # the package is there, a module of it is not
            raise SettingError(f"{where}: {error}, which is to hold the class {profile.class_path}.") from error
        pip = _PIP.get(package, package.replace("_", "-"))
        raise MissingExtraError(
            f"The profile {profile.name!r} needs {package}, which is not installed.",
            hint=f"Install it by: pip install {pip}; a module of your own must be on PYTHONPATH.",
        ) from error


def _why_no_cluster(found: Any) -> str:
    from distributed.deploy.cluster import Cluster

    if inspect.isfunction(found):
        made = str(inspect.signature(found).return_annotation)
        return "" if "Cluster" in made else "is a function that does not say that it makes a cluster"
    if not isinstance(found, type):
        return f"is {type(found).__name__}, no class"
    without_jobs = any(base.__name__ == "JobQueueCluster" for base in found.__mro__) and job_class_of(found) is None
    if inspect.isabstract(found) or found is Cluster or without_jobs:
        return "is abstract: it has no workers of its own"
    is_cluster = issubclass(found, Cluster) or all(hasattr(found, name) for name in ("scale", "close", "get_client"))
    return "" if is_cluster else "is no cluster"
