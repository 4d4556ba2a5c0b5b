"""One batch job of SLURM whose allocation becomes scheduler, driver and workers of one run."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.cluster.batch.follow import Follower, LogLine
    from dtedask.cluster.batch.job import BatchJob, batch_job, profile_for_batch
    from dtedask.cluster.batch.runs import BatchRun, batch_run, batch_runs, newest_run
    from dtedask.cluster.batch.script import batch_script
    from dtedask.cluster.batch.submission import submit

_HOMES = {
    "BatchJob": "job",
    "BatchRun": "runs",
    "Follower": "follow",
    "LogLine": "follow",
    "batch_job": "job",
    "batch_run": "runs",
    "batch_runs": "runs",
    "batch_script": "script",
    "newest_run": "runs",
    "profile_for_batch": "job",
    "submit": "submission",
}

__all__ = [
    "BatchJob",
    "BatchRun",
    "Follower",
    "LogLine",
    "batch_job",
    "batch_run",
    "batch_runs",
    "batch_script",
    "newest_run",
    "profile_for_batch",
    "submit",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
