"""What a keeper of worker jobs hears and says: its limits, events and instructions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from dtedask.cluster.slurm.commands import Job


@dataclass(frozen=True, slots=True)
class Limits:
    """When something is taken for lost or hopeless, in seconds and numbers.

    Parameters
    ----------
    lost_s : float
        A running job that has had workers and has none for so long is replaced.
    silent_s : float
        A running job from which no worker ever came for so long is replaced.
    away_s : float
        SLURM may refuse to answer for so long, if there is no worker, before all is given up.
    failures : int
        So many jobs may end in a row before a worker of any came; then all is given up, if there is no worker.
    shortest_pause_s, longest_pause_s : float
        Between two questions to SLURM: short after something happened, doubling while nothing does.
    longest_backoff_s : float
        Before a job that ended too soon is replaced: doubling with each from 1 s.
    succeeded_s : float
        A job that has run for so long gets a successor, since its workers will end soon.
    """

    lost_s: float = 30.0
    silent_s: float = 300.0
    away_s: float = 120.0
    failures: int = 3
    shortest_pause_s: float = 1.0
    longest_pause_s: float = 30.0
    longest_backoff_s: float = 120.0
    succeeded_s: float = math.inf


# Events


@dataclass(frozen=True, slots=True)
class Wanted:
    """So many jobs are wanted from now on; those in `leaving` may go first."""

    number: int
    leaving: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Submitted:
    """SLURM took a job."""

    name: str
    id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """SLURM did not take a job; without `is_final` asking again may help, and it may even have taken it."""

    name: str
    said: str
    is_final: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """The jobs that SLURM knows, by their names here; it was asked at `asked_at`."""

    asked_at: float
    jobs: Mapping[str, Job]


@dataclass(frozen=True, slots=True)
class NotListed:
    """SLURM did not say what jobs there are."""

    said: str


@dataclass(frozen=True, slots=True)
class Came:
    """A worker of a job connected."""

    name: str


@dataclass(frozen=True, slots=True)
class Went:
    """The scheduler lost a worker of a job."""

    name: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed."""


Event = Wanted | Submitted | Refused | Listed | NotListed | Came | Went | Tick


# Instructions


@dataclass(frozen=True, slots=True)
class Submit:
    """Submit a job of this name, which no job had before."""

    name: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """End jobs; where `retire`, after their workers have moved what they hold."""

    names: tuple[str, ...]
    retire: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask SLURM what jobs there are."""


@dataclass(frozen=True, slots=True)
class Forget:
    """Tell the scheduler that the workers of this job are gone."""

    name: str


@dataclass(frozen=True, slots=True)
class Note:
    """Say something in the log."""

    text: str
    is_warning: bool = False


@dataclass(frozen=True, slots=True)
class GiveUp:
    """All is given up: why, and the jobs that tell more."""

    why: str
    names: tuple[str, ...] = ()


Instruction = Submit | Cancel | Ask | Forget | Note | GiveUp
