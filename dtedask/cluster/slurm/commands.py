"""The commands of SLURM: sbatch, squeue and scancel, and what they say."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dtedask.core.errors import ClusterError

_TIMEOUT_S = 30.0
_FORMAT = "%i|%T|%r|%N|%P|%S|%o"
_AWAY = re.compile(
    r"unable to contact slurm|socket timed out|communication connection failure|connection refused|"
    r"temporarily unable|resource temporarily unavailable|zero bytes were transmitted|transport endpoint|"
    r"slurm_persist_conn|in a state of transition|slurm backup controller",
    re.IGNORECASE,
)
_ENDED = frozenset(
    [
        "BOOT_FAIL",
        "CANCELLED",
        "COMPLETED",
        "COMPLETING",
        "DEADLINE",
        "FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "REVOKED",
        "TIMEOUT",
    ]
)
_WAITING = frozenset(
    ["PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT"]
)


class SlurmAwayError(ClusterError):
    """SLURM does not answer now; it may soon."""


class RefusedError(ClusterError):
    """SLURM says no to what was asked; asking again gives the same answer."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job as squeue shows it.

    Parameters
    ----------
    id : str
        Its number.
    state : str
        In the words of SLURM, such as ``PENDING`` or ``NODE_FAIL``.
    reason : str
        Why it waits or ended, in the words of SLURM; empty if it says none.
    nodes : str
        Where it runs or ran.
    partition : str
        Partition.
    expected : str
        When it began, or is expected to; empty if SLURM does not know.
    command : str
        The script that was submitted.
    """

    id: str
    state: str
    reason: str = ""
    nodes: str = ""
    partition: str = ""
    expected: str = ""
    command: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether it will never run again."""
        return self.state in _ENDED

    @property
    def is_waiting(self) -> bool:
        """Whether it has yet to run."""
        return self.state in _WAITING


def submit(script: Path, *options: str) -> str:
    """Submit a script and return the number of its job.

    Raises
    ------
    SlurmAwayError
        If SLURM does not answer: the job may have been taken all the same.
    RefusedError
        If it says no, in its words.
    """
    said = _run("sbatch", "--parsable", *options, str(script))
    number = said.strip().splitlines()[-1].partition(";")[0] if said.strip() else ""
    if not number.isdigit():
        raise RefusedError(f"sbatch gave no number of a job but {said.strip()!r}.")
    return number


def list_jobs(folder: Path | None = None, ids: Iterable[str] = ()) -> list[Job]:
    """Jobs of this user that SLURM still knows, ended ones for a while too, by one call of squeue.

    Parameters
    ----------
    folder : Path, optional
        Only those whose script is in this folder.
    ids : iterable of str
        And those of these numbers.

    Raises
    ------
    SlurmAwayError, RefusedError
        If there is no answer, or no permission to ask.
    """
    said = _run("squeue", "--noheader", "--all", "--states=all", f"--user={_user()}", f"--format={_FORMAT}")
    wanted = set(ids)
    place = f"{folder}/" if folder is not None else None
    found = (_job(line) for line in said.splitlines() if line.count("|") >= _FORMAT.count("|"))
    return [job for job in found if job.id in wanted or (place is not None and job.command.startswith(place))]


def seconds_left(job_id: str) -> float | None:
    """How long a job that runs may still do so; None if there is no end.

    Raises
    ------
    SlurmAwayError, RefusedError
        If there is no answer, or the job is not known.
    """
    from dtedask.cluster.slurm.walltime import walltime_s

    said = _run("squeue", "--noheader", f"--jobs={job_id}", "--format=%L").strip()
    try:
        return 0.0 if said in {"0:00", "INVALID"} else walltime_s(said)
    except ValueError:
        return None


def cancel(ids: Sequence[str]) -> None:
    """Cancel jobs, in one call; those that have ended already do no harm.

    Raises
    ------
    SlurmAwayError
        If SLURM does not answer.
    """
    try:
        _run("scancel", *ids)
    except RefusedError as error:  # one of them was gone: the others are cancelled
        if "permission" in str(error).lower():
            raise


def require_commands(*names: str) -> None:
    """See to it that commands of SLURM are there.

    Raises
    ------
    ClusterError
        If one is not.
    """
    for name in names:
        if shutil.which(name) is None:
            raise ClusterError(
                f"There is no command {name!r} on this host.",
                hint="Run on a host that submits to SLURM, or put its folder on PATH; `local` needs no cluster.",
            )


def _run(*command: str) -> str:
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            # What a user has set for squeue would hide jobs, which would be taken for lost.
            env={name: value for name, value in os.environ.items() if not name.startswith("SQUEUE_")},
        )
    except FileNotFoundError:
        require_commands(command[0])
        raise
    except subprocess.TimeoutExpired as error:
        raise SlurmAwayError(f"{command[0]} has not answered for {_TIMEOUT_S:g} s.") from error
    if done.returncode:
        words = [line.removeprefix(f"{command[0]}: error: ").strip() for line in done.stderr.splitlines()]
        said = "; ".join(filter(None, words)) or f"exit status {done.returncode}, without a word"
        raise (SlurmAwayError if _AWAY.search(said) else RefusedError)(said)
    return done.stdout


def _job(line: str) -> Job:
    number, state, reason, nodes, partition, expected, command = line.split("|", _FORMAT.count("|"))
    reason = "" if reason in {"None", "(null)"} else reason
    expected = "" if expected in {"N/A", "Unknown"} else expected
    return Job(number.strip(), state, reason, nodes, partition, expected, command.strip())


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name is known for the number
        return str(os.getuid())
