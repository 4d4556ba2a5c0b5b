"""The script of a batch job."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.cluster.batch.job import BatchJob

_MIB = 2**20

# The shell outlives the driver, so that a driver that is killed still has somebody who says so.
_RUN = """\
{python} -m dtedask.cli.job {folder} &
driver=$!
trap 'kill -USR1 "$driver" 2>/dev/null' USR1 # SLURM sends it before the walltime
trap 'kill -TERM "$driver" 2>/dev/null' TERM
wait "$driver"
status=$?
while kill -0 "$driver" 2>/dev/null; do # a signal ended the wait
    wait "$driver"
    status=$?
done
if [ "$status" -ge 128 ]; then
    {python} -m dtedask.cli.job {folder} --ended "$status"
    status=$?
fi
exit "$status"
"""


def batch_script(job: BatchJob, folder: Path) -> str:
    """The script of a batch job, exactly as sbatch gets it.

    Parameters
    ----------
    job : BatchJob
        What to ask for.
    folder : Path
        Folder of the run.
    """
    directives = [line for line in _directives(job, folder) if not any(text in line for text in job.skipped)]
    return "\n".join(
        [
            job.shebang,
            *(f"#SBATCH {line}" for line in [*directives, *job.directives]),
            *job.prologue,
            _RUN.format(python=shlex.quote(job.python), folder=shlex.quote(str(folder))),
        ]
    )


def log_of(folder: Path) -> Path:
    """What the job prints."""
    return folder / "logs" / "job.log"


def _directives(job: BatchJob, folder: Path) -> Iterator[str]:
    yield f"--job-name={shlex.quote(job.name)}"
    if job.queue:
        yield f"--partition={job.queue}"
    if job.account:
        yield f"--account={job.account}"
    if job.dependency:
        yield f"--dependency={job.dependency}"
    if job.nodes:
        yield f"--nodes={job.nodes}"
    yield f"--ntasks={job.workers}"
    yield f"--cpus-per-task={job.cpus}"
    yield f"--mem-per-cpu={math.ceil(job.memory_bytes / job.cpus / _MIB)}M"
    if job.walltime:
        yield f"--time={job.walltime}"
    yield f"--output={shlex.quote(str(log_of(folder)))}"
    yield "--open-mode=append"
    yield "--requeue" if job.requeue else "--no-requeue"
    yield f"--signal=B:USR1@{math.ceil(job.grace_s)}"
