"""Batch runs that were submitted: what their folders and SLURM say of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dtedask.cluster.batch.folder import JOB_ID
from dtedask.cluster.batch.script import log_of
from dtedask.cluster.folder import ClusterFolder, cluster_folders
from dtedask.core.errors import ClusterError, NoMatchError
from dtedask.core.settings import setting

if TYPE_CHECKING:
    from dtedask.cluster.slurm.commands import Job

_MONTH_S = 30 * 86400.0

# Of the states of SLURM in which a job will not run again.
_ENDS = {"CANCELLED": "cancelled", "TIMEOUT": "timed out", "COMPLETED": "done", "PREEMPTED": "preempted"}


@dataclass(frozen=True, slots=True)
class BatchRun:
    """A run that was submitted as a batch job.

    Parameters
    ----------
    job_id, recipe, root, profile : str
        Number of the job, what it runs, where to, and what its workers come from.
    folder : Path
        Its script, settings, log and state.
    status : str
        ``submitted``, ``pending``, ``running`` or ``ending``; ``done``, ``failed``, ``interrupted``, ``cancelled``,
        ``timed out``, ``preempted``, or ``lost`` where SLURM knows nothing of a job that has not told its end.
    reason : str
        Why it waits, or what SLURM says of its end.
    starts : int
        How often it was started.
    submitted, begun, ended : datetime, optional
        UTC.
    exit_status : int, optional
        That of the recipe, once it has ended.
    error : mapping, optional
        Code, message and hint of what made it fail.
    report : str
        Report of the run; empty if there is none.
    """

    job_id: str
    recipe: str
    root: str
    profile: str
    folder: Path
    status: str
    reason: str = ""
    starts: int = 0
    submitted: datetime | None = None
    begun: datetime | None = None
    ended: datetime | None = None
    exit_status: int | None = None
    error: Mapping[str, str] | None = None
    report: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether it will not go on."""
        return self.status not in ("submitted", "pending", "running", "ending")

    @property
    def log(self) -> Path:
        """What the run prints."""
        return log_of(self.folder)

    @property
    def seconds(self) -> float | None:
        """How long it ran, or has been running."""
        if self.begun is None:
            return None
        return ((self.ended or datetime.now(UTC)) - self.begun).total_seconds()


def batch_runs() -> list[BatchRun]:
    """All batch runs whose folders are still there, oldest first."""
    folders = [folder for folder in cluster_folders() if folder.state().get("kind") == "batch"]
    return _runs(folders)


def batch_run(job_id: str) -> BatchRun:
    """The batch run of a job.

    Raises
    ------
    NoMatchError
        If none of the runs here has this number.
    """
    for folder in reversed(cluster_folders()):
        if _job_id(folder) == job_id:
            return run_in(folder)
    raise NoMatchError(f"No batch run has the number {job_id!r}.", hint="`dtedask recipe status` lists them.")


def newest_run() -> BatchRun:
    """The batch run that was submitted last.

    Raises
    ------
    NoMatchError
        If there is none.
    """
    for folder in reversed(cluster_folders()):
        if folder.state().get("kind") == "batch":
            return run_in(folder)
    raise NoMatchError("No recipe was submitted.", hint="Submit one by `dtedask recipe submit`.")


def forget_old_runs() -> None:
    """Remove folders of runs that ended long ago: after the setting ``dtedask.jobs.keep-logs``, if they told their end.

    Those that did not are kept for a month more: SLURM may not know their jobs since they run on another cluster.
    """
    now, keep_s = datetime.now(UTC), setting("jobs.keep-logs")
    for folder in cluster_folders():
        state = folder.state()
        last = _moment(state.get("ended") or state.get("stopped") or state.get("begun") or state.get("started"))
        if state.get("kind") != "batch" or last is None:
            continue
        age_s = (now - last).total_seconds()
        if age_s > keep_s + (0.0 if state.get("ended") else _MONTH_S) and run_in(folder).has_ended:
            shutil.rmtree(folder.path, ignore_errors=True)


def run_in(folder: ClusterFolder) -> BatchRun:
    """The batch run of a folder."""
    return _runs([folder])[0]


def _runs(folders: Iterable[ClusterFolder]) -> list[BatchRun]:
    found = [(folder, folder.state(), _job_id(folder)) for folder in folders]
    open_ids = [job_id for _, state, job_id in found if not _is_told(state)]
    jobs = _jobs(open_ids) if open_ids else {}
    return [
        make_run(folder.path, state, job_id, None if jobs is None else jobs.get(job_id), asked=jobs is not None)
        for folder, state, job_id in found
    ]


def make_run(folder: Path, state: Mapping[str, Any], job_id: str, job: Job | None, *, asked: bool) -> BatchRun:
    """Put together what a folder and SLURM say.

    Parameters
    ----------
    folder : Path
        Of the run.
    state : mapping
        What the run has told itself.
    job_id : str
        Number of its job.
    job : Job, optional
        What SLURM says; None if it does not know the job.
    asked : bool
        Whether SLURM was asked and gave an answer.
    """
    status, reason = _status(state, job, asked=asked)
    has_begun = state.get("begun") is not None
    return BatchRun(
        job_id=job_id,
        recipe=str(state.get("recipe", "")),
        root=str(state.get("root", "")),
        profile=str(state.get("profile", "")),
        folder=folder,
        status=status,
        reason=reason,
        starts=int(state.get("attempt", 0)) + 1 if has_begun else 0,
        submitted=_moment(state.get("started")),
        begun=_moment(state.get("begun")),
        ended=_moment(state.get("ended") or state.get("stopped")),
        exit_status=state.get("exit_status"),
        error=state.get("error"),
        report=str(state.get("report") or ""),
    )


def _status(state: Mapping[str, Any], job: Job | None, *, asked: bool) -> tuple[str, str]:
    told = str(state.get("status", "submitted"))
    if _is_told(state) or not asked:
        return told, ""
    if job is None:
        return (told, "") if told == "interrupted" else ("lost", "SLURM does not know its job any more")
    if job.is_waiting:
        return "pending", reason_of(job, is_requeued=state.get("begun") is not None)
    if job.state == "COMPLETING":
        return "ending", ""
    if job.has_ended:
        ended = _ENDS.get(job.state, "failed")
        return (told, "") if told == "interrupted" and ended == "failed" else (ended, f"SLURM says {job.state}")
    return "running", ""


def reason_of(job: Job, *, is_requeued: bool = False) -> str:
    """Why a job waits, in words; empty where SLURM has not looked at it yet."""
    from dtedask.cluster.slurm.explain import waiting_line

    if is_requeued and job.reason == "BeginTime":
        start = f", expected at {job.expected}" if job.expected else ""
        return f"Job {job.id} was requeued; SLURM waits a while before it starts it again{start}."
    if job.reason == "DependencyNeverSatisfied":
        return f"Job {job.id} will never start: a job that it waits for has failed. Cancel it: scancel {job.id}."
    return waiting_line(job) if job.reason else ""


def _is_told(state: Mapping[str, Any]) -> bool:
    """Whether a run has told how it ended; one that was interrupted may be started again."""
    return state.get("status") in ("done", "failed", "refused")


def _jobs(job_ids: Iterable[str]) -> dict[str, Job] | None:
    from dtedask.cluster.slurm.commands import list_jobs

    try:
        return {job.id: job for job in list_jobs(ids=job_ids)}
    except ClusterError:  # SLURM does not answer now: what the folders say is what there is
        return None


def _job_id(folder: ClusterFolder) -> str:
    """Written by who submitted it, and by the job itself."""
    try:
        return (folder.path / JOB_ID).read_text("utf-8").strip()
    except OSError:
        return str(folder.state().get("job_id", ""))


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
