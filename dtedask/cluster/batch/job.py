"""What a batch job asks for: derived from a profile of worker jobs, so that nobody has to write it twice."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dtedask.cluster.slurm.node_lines import processes_of
from dtedask.core.errors import SettingError
from dtedask.core.settings import setting

if TYPE_CHECKING:
    from dtedask.cluster.documents.profiles import Profile

GRACE_S = 60.0
_DRIVER_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class BatchJob:
    """A batch job: one task for each worker process; scheduler and driver share the first node with its workers.

    Parameters
    ----------
    name, profile : str
        Name of the job, and of the profile that it comes from.
    python, shebang : str
        What runs dtedask, and the script.
    workers, threads, cpus : int
        Worker processes in all, threads of each, and processors that each asks for.
    memory_bytes, driver_bytes : int
        Memory of a worker, and what scheduler and driver take from the workers of the first node.
    start_timeout_s, death_timeout_s, grace_s : float
        How long the run waits for its first worker, a worker for the scheduler, and how long before the walltime the
        run is told to end.
    nodes : int, optional
        How many nodes the workers are spread over; None leaves it to SLURM.
    walltime, queue, account, dependency : str, optional
        As SLURM writes them; None leaves them to SLURM.
    interface, local_directory : str, optional
        Network interface, and folder for what workers spill.
    requeue, encrypt, dashboard : bool
        Whether SLURM may start the job again, its processes talk by TLS, and there is Dask's dashboard.
    prologue, directives, skipped : tuple of str
        Lines before the run, more directives, and texts of directives that are left out.
    """

    name: str
    profile: str
    python: str
    shebang: str
    workers: int
    threads: int
    cpus: int
    memory_bytes: int
    driver_bytes: int
    start_timeout_s: float
    death_timeout_s: float
    grace_s: float
    nodes: int | None = None
    walltime: str | None = None
    queue: str | None = None
    account: str | None = None
    dependency: str | None = None
    interface: str | None = None
    local_directory: str | None = None
    requeue: bool = True
    encrypt: bool = True
    dashboard: bool = False
    prologue: tuple[str, ...] = ()
    directives: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


def profile_for_batch(named: str | None, wished: str | None = None) -> Profile:
    """Return the profile that a batch job comes from.

    Parameters
    ----------
    named : str, optional
        What the user named: it must be of kind ``slurm``. A kept cluster stands for the profile it was started from.
    wished : str, optional
        What a recipe names. That, or else the setting ``dtedask.cluster``, is taken if it is of kind ``slurm``;
        otherwise the profile ``slurm``.

    Raises
    ------
    SettingError
        If there is no such profile, or it has no jobs.
    """
    if named is None:
        usual = _profile(wished or str(setting("cluster")))
        return usual if usual.kind == "slurm" else _profile("slurm")
    chosen = _profile(named)
    if chosen.kind != "slurm":
        raise SettingError(
            f"The profile {chosen.name!r} is of kind {chosen.kind!r} and submits no jobs.",
            hint="Name one of kind 'slurm'; `dtedask cluster list` shows them.",
        )
    return chosen


def _profile(name: str) -> Profile:
    from dtedask.cluster.documents.profiles import profile
    from dtedask.cluster.kept.connect import profile_of
    from dtedask.cluster.kept.names import kept_folder

    kept = kept_folder(name)
    return profile(name) if kept is None else profile_of(kept)


def batch_job(profile: Profile, *, name: str, **asked: Any) -> BatchJob:
    """Derive a batch job from a profile of kind ``slurm``.

    Parameters
    ----------
    profile : Profile
        Its section `batch` wins over what its worker jobs say.
    name : str
        Name of the job.
    **asked
        `workers`, `nodes`, `walltime`, `queue`, `account`, `dependency`, `requeue`: they win over the profile where
        they are not None.

    Raises
    ------
    SettingError
        If the profile says neither how many cores nor how much memory a job has.
    """
    options = {**profile.job, **profile.batch} | {key: value for key, value in asked.items() if value is not None}
    processes = processes_of(options) or 1
    cores, memory = options.get("cores"), options.get("memory")
    if not cores or not memory:
        raise SettingError(
            f"{profile.path}: the jobs of profile {profile.name!r} need 'cores' and 'memory'.",
            hint=f"Write them below 'jobqueue: {profile.section}:'.",
        )
    threads = max(cores // processes, 1)
    memory_bytes = _size(memory) // processes
    asked_bytes = _size(options["job-mem"]) // processes if options.get("job-mem") else memory_bytes
    return BatchJob(
        name=name,
        profile=profile.name,
        python=options.get("python") or sys.executable,
        shebang=options.get("shebang") or "#!/usr/bin/env bash",
        workers=options.get("workers") or profile.workers_maximum or profile.workers,
        threads=threads,
        cpus=max(math.ceil((options.get("job-cpu") or 0) / processes), threads),
        memory_bytes=min(memory_bytes, asked_bytes),
        driver_bytes=_driver_bytes(options, min(memory_bytes, asked_bytes)),
        start_timeout_s=profile.start_timeout_s,
        death_timeout_s=_seconds(options.get("death-timeout") or 60),
        grace_s=_grace(options),
        encrypt=profile.encrypt,
        prologue=tuple(options.get("job-script-prologue") or ()),
        directives=tuple(options.get("job-extra-directives") or ()),
        skipped=tuple(options.get("job-directives-skip") or ()),
        requeue=bool(options.get("requeue", True)),
        dashboard=bool(options.get("dashboard")),
        **{key: options.get(key) for key in ("nodes", "walltime", "queue", "account", "dependency", "interface")},
        local_directory=options.get("local-directory"),
    )


def _driver_bytes(options: Mapping[str, Any], worker_bytes: int) -> int:
    asked = options.get("driver-memory")
    return min(_size(asked) if asked else _DRIVER_BYTES, worker_bytes // (2 if asked else 4))


def _grace(options: Mapping[str, Any]) -> float:
    """A minute, or a quarter of a short walltime."""
    from dtedask.cluster.slurm.walltime import walltime_s

    asked = options.get("grace")
    if asked is not None:
        return _seconds(asked)
    try:
        walltime = walltime_s(options.get("walltime") or "UNLIMITED")
    except ValueError:  # SLURM says what is wrong with it
        walltime = None
    return GRACE_S if walltime is None else min(GRACE_S, walltime / 4)


def _size(value: str | int) -> int:
    from dask.utils import parse_bytes

    return int(parse_bytes(value))


def _seconds(value: str | float) -> float:
    from dask.utils import parse_timedelta

    return float(parse_timedelta(value))
