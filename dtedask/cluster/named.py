"""Clusters of any class that a profile names by its dotted path."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import MissingExtraError, SettingError

if TYPE_CHECKING:
    from distributed.deploy.cluster import Cluster

    from dtedask.cluster.profiles import Profile


def named_cluster(profile: Profile) -> Cluster:
    """Start the cluster of a profile of kind ``class`` and ask it for the workers of the profile.

    Raises
    ------
    SettingError
        If there is no such class, or it cannot be made with the options of the profile.
    MissingExtraError
        If its package is not installed.
    """
    try:
        cluster: Cluster = class_of(profile)(**profile.options)
    except (TypeError, ValueError) as error:
        raise SettingError(f"{profile.path}: {profile.class_path} of profile {profile.name!r}: {error}") from error
    if profile.workers_maximum is None:
        cluster.scale(profile.workers)
    else:
        cluster.adapt(minimum=profile.workers, maximum=profile.workers_maximum)
    return cluster


def class_of(profile: Profile) -> Any:
    """Import the class of a profile of kind ``class``."""
    module, _, name = profile.class_path.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except ImportError as error:
        package = module.partition(".")[0].replace("_", "-")
        raise MissingExtraError(
            f"The profile {profile.name!r} needs {profile.class_path}, which cannot be imported: {error}.",
            hint=f"Install it by: pip install {package}",
        ) from error
    except (AttributeError, ValueError) as error:
        raise SettingError(f"{profile.path}: there is no class {profile.class_path!r}.") from error
