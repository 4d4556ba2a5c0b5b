"""Ask clusters how they stand: those that run, and what is left of those that died."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from dtedask.cluster.folder import ClusterFolder, cluster_folders
from dtedask.cluster.kept.control import ask, listens
from dtedask.cluster.kept.names import kept_folder, kept_names, standing_of
from dtedask.cluster.kept.order import LOG, SECRET
from dtedask.cluster.kept.records import Clusters, ClusterStatus, JobStatus, WorkerStatus
from dtedask.cluster.security import security_in
from dtedask.cluster.slurm.commands import Job, list_jobs
from dtedask.cluster.slurm.explain import reason_text, waiting_line
from dtedask.cluster.slurm.job_logs import find_logs
from dtedask.core.errors import ClusterError, NoMatchError
from dtedask.core.nearest import did_you_mean

if TYPE_CHECKING:
    pass

_ANSWER_S = 5.0
_OPEN = {"submitted", "pending", "running", "ending"}


def running() -> Clusters:
    """List the clusters of this user that run, and those that died.

    They are the ones that `dtedask cluster start` keeps, those of recipes that run at this moment, and batch jobs that
    have not ended.
    """
    with ThreadPoolExecutor(8) as pool:  # one that is silent holds up no other
        found = list(pool.map(status_of, _folders()))
    return Clusters(cluster for cluster in found if cluster.kind != "batch" or cluster.standing in _OPEN)


def status(name: str) -> ClusterStatus:
    """Say how one cluster stands.

    Parameters
    ----------
    name : str
        Name of a kept cluster, or the id of any.

    Raises
    ------
    NoMatchError
        If there is none.
    """
    return status_of(folder_named(name))


def folder_named(name: str) -> ClusterFolder:
    """The folder of a cluster, by its name or its id.

    Raises
    ------
    NoMatchError
        If there is none.
    """
    found = kept_folder(name)
    if found is not None:
        return found
    folders = {folder.id: folder for folder in cluster_folders()}
    if name in folders:
        return folders[name]
    known = [*kept_names(), *(folder.id for folder in _folders())]
    raise NoMatchError(f"There is no cluster {name!r}.", hint=did_you_mean(name, known) or "None runs.")


def status_of(folder: ClusterFolder) -> ClusterStatus:
    """Ask a cluster how it stands."""
    if folder.state().get("kind") == "batch":
        return _batch(folder)
    state, standing = folder.state(), standing_of(folder)
    facts: Mapping[str, Any] = {}
    if standing in {"running", "ending", "elsewhere"} and state.get("scheduler"):
        try:
            facts, standing = _facts(folder), "running" if standing == "elsewhere" else standing
        except (OSError, ClusterError):
            standing = "silent" if standing != "ending" else standing
    workers = {number: name for name, number in state.get("jobs", {}).items()}
    jobs, waiting = _jobs(folder, workers) if standing != "ended" else ((), [])
    return ClusterStatus(
        name=str(state.get("kept") or state.get("name", folder.id)),
        id=folder.id,
        is_kept=bool(state.get("kept")),
        standing=standing,
        advice=_advice(folder, standing) or "\n".join(waiting),
        jobs=jobs,
        **{key: str(state.get(key) or "") for key in ("profile", "kind", "host", "started", "scheduler", "dashboard")},
        pid=int(state.get("pid") or 0),
        wanted=str(facts.get("wanted") or state.get("wanted", "")),
        folder=folder.path,
        log=folder.logs / LOG,
        workers=tuple(WorkerStatus(**one) for one in facts.get("workers", ())),
        clients=tuple(facts.get("clients", ())),
        tasks=dict(facts.get("tasks", {})),
    )


def _batch(folder: ClusterFolder) -> ClusterStatus:
    """A batch job, as far as it is a cluster; `dtedask recipe status` knows it as a run."""
    from dtedask.cluster.batch.runs import run_in

    run, state = run_in(folder), folder.state()
    return ClusterStatus(
        name=run.recipe or folder.id,
        id=folder.id,
        is_kept=False,
        standing=run.status,  # type: ignore[arg-type]
        advice=run.reason or f"`dtedask recipe status {run.job_id}` says more of it.",
        profile=run.profile,
        kind="batch",
        host="",
        pid=0,
        started=str(state.get("started", "")),
        scheduler="",
        dashboard="",
        wanted="",
        folder=folder.path,
        log=run.log,
        jobs=_jobs(folder, {run.job_id: ""})[0],
    )


def ask_owner(folder: ClusterFolder, question: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    """Ask the process of a kept cluster.

    Raises
    ------
    OSError
        If it does not answer.
    """
    host, port = folder.state()["control"]
    return ask((host, port), (folder.path / SECRET).read_text("utf-8"), question, **options)


def _facts(folder: ClusterFolder) -> dict[str, Any]:
    import asyncio

    from dtedask.cluster.kept.facts import ask_scheduler

    state = folder.state()
    if state.get("control"):
        return ask_owner(folder, {"op": "status"}, timeout_s=_ANSWER_S)
    if not listens(state["scheduler"], _ANSWER_S):
        raise ConnectionRefusedError(f"nobody listens at {state['scheduler']}")
    security = security_in(folder.tls) if (folder.tls / "cert.pem").exists() else None
    return asyncio.run(ask_scheduler(state["scheduler"], security, _ANSWER_S))


def _jobs(folder: ClusterFolder, workers: Mapping[str, str]) -> tuple[tuple[JobStatus, ...], list[str]]:
    """Jobs that have not ended, and a line for each that waits; names of workers by numbers of jobs."""
    if not workers:
        return (), []
    try:
        found = [job for job in list_jobs(folder.path, workers) if not job.has_ended]
    except ClusterError as error:
        return (), [f"squeue says: {error}"]
    jobs = tuple(
        JobStatus(
            id=job.id,
            worker=workers.get(job.id, ""),
            state=job.state,
            node=job.nodes,
            reason=reason_text(job) if job.is_waiting else "",
            expected=job.expected if job.is_waiting else "",
            log=str(next(iter(find_logs(folder.logs, job.id)), "")),
        )
        for job in found
    )
    return jobs, _waiting_lines([job for job in found if job.is_waiting])


def _waiting_lines(jobs: Sequence[Job]) -> list[str]:
    """What jobs wait for: one line a reason."""
    by_reason: dict[str, list[Job]] = {}
    for job in jobs:
        by_reason.setdefault(job.reason, []).append(job)
    return [
        waiting_line(first)
        + (f" So do {len(others)} more." if len(others) > 1 else " So does one more." if others else "")
        for first, *others in by_reason.values()
    ]


def _folders() -> Iterable[ClusterFolder]:
    """Those that did not end in order, and of those that ended the ones whose name nobody has taken since."""
    named = [folder for name in kept_names() if (folder := kept_folder(name)) is not None]
    others = [folder for folder in cluster_folders() if not folder.state().get("ended")]
    return {folder.id: folder for folder in [*named, *others]}.values()


def _advice(folder: ClusterFolder, standing: str) -> str:
    state = folder.state()
    name = state.get("kept") or folder.id
    again = f" Start it again by `{state['command']}`." if state.get("command") else ""
    if standing == "dead":
        return f"Its process is gone; `dtedask cluster stop {name}` ends what is left of it.{again}"
    if standing == "silent":
        return f"It does not answer. Look at {state.get('host')} and {folder.logs / LOG}, or stop it with --force."
    if standing == "ended":
        return f"It ended because {state.get('how_ended', 'its process was gone')}.{again}"
    return ""
