"""What is to be started, what is told of it, and what the files of a kept cluster are called."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dtedask.cluster.kept.machine import duration_text

if TYPE_CHECKING:
    from dtedask.cluster.documents.profiles import Profile
    from dtedask.core.errors import DtedaskError

LOG, SECRET, PROFILE = "cluster.log", "control.key", "profile.json"


@dataclass(frozen=True, slots=True)
class Order:
    """What to start.

    Parameters
    ----------
    name : str
        Name of the cluster.
    profile : Profile
        What it consists of.
    idle_s : float, optional
        How long it lives unused; None for ever.
    configuration : dict
        All of Dask's configuration, in which the settings of dtedask are.
    """

    name: str
    profile: Profile
    idle_s: float | None
    configuration: dict[str, Any]

    @property
    def command(self) -> str:
        """Command line that starts the same again."""
        profile = self.profile
        words = ["dtedask", "cluster", "start", profile.name, "--name", self.name]
        if profile.workers_maximum is None:
            words += ["--workers", str(profile.workers)]
        else:
            words += ["--minimum", str(profile.workers), "--maximum", str(profile.workers_maximum)]
        if self.idle_s is not None:
            words += ["--idle-timeout", duration_text(self.idle_s).replace(" ", "")]
        return shlex.join(words)


def with_workers(profile: Profile, minimum: int, maximum: int) -> Profile:
    """The same profile with another number of workers."""
    return replace(profile, workers=minimum, workers_maximum=None if minimum == maximum else maximum)


@dataclass(frozen=True, slots=True)
class Report:
    """How a start went: id of the cluster's folder, or what was raised."""

    folder: str = ""
    error: DtedaskError | None = None
