"""What is known of clusters that run, and of those that died: for people, in a terminal or a notebook."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from dtedask.cluster.explain import reason_text, waiting_line
from dtedask.cluster.folder import ClusterFolder, cluster_folders
from dtedask.cluster.job_logs import find_logs
from dtedask.cluster.kept.control import ask, listens
from dtedask.cluster.kept.names import Standing, kept_folder, kept_names, standing_of
from dtedask.cluster.kept.process import LOG, SECRET
from dtedask.cluster.security import security_in
from dtedask.cluster.slurm_commands import Job, list_jobs
from dtedask.core.errors import ClusterError, NoMatchError
from dtedask.core.nearest import did_you_mean
from dtedask.core.sizes import size_text

if TYPE_CHECKING:
    from pathlib import Path

_ANSWER_S = 5.0


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """One worker of a cluster: its threads, memory in bytes, and the tasks that it has."""

    name: str
    host: str
    threads: int
    memory: int
    memory_limit: int
    tasks: int


@dataclass(frozen=True, slots=True)
class JobStatus:
    """One job of a cluster as SLURM shows it: its worker, its state, its node, why it waits, and its log."""

    id: str
    worker: str
    state: str
    node: str
    reason: str
    expected: str
    log: str


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """One cluster at one moment.

    Parameters
    ----------
    name : str
        The name under which it is kept; that of its profile for the cluster of a run.
    id : str
        Name of its folder, which no other has.
    is_kept : bool
        Whether `dtedask cluster start` started it.
    standing : str
        ``running``, ``starting``, ``ending``, ``ended``, ``dead`` or ``silent`` (it does not answer).
    advice : str
        What to do where something is wrong; empty where nothing is.
    profile, kind, host, started, scheduler, dashboard, wanted : str
        As its state says; times are UTC.
    pid : int
        Its process.
    workers : tuple of WorkerStatus
        Workers that are there.
    jobs : tuple of JobStatus
        Jobs that have not ended.
    clients : tuple of str
        Who is connected.
    tasks : mapping
        Number of tasks by Dask's state.
    folder, log : Path
        Its folder, and the log of its process.
    """

    name: str
    id: str
    is_kept: bool
    standing: Standing
    advice: str
    profile: str
    kind: str
    host: str
    pid: int
    started: str
    scheduler: str
    dashboard: str
    wanted: str
    folder: Path
    log: Path
    workers: tuple[WorkerStatus, ...] = ()
    jobs: tuple[JobStatus, ...] = ()
    clients: tuple[str, ...] = ()
    tasks: Mapping[str, int] = field(default_factory=dict)

    @property
    def threads(self) -> int:
        """Threads of all workers."""
        return sum(worker.threads for worker in self.workers)

    @property
    def memory(self) -> int:
        """Memory that all workers use, in bytes."""
        return sum(worker.memory for worker in self.workers)

    @property
    def memory_limit(self) -> int:
        """Memory that all workers may use, in bytes."""
        return sum(worker.memory_limit for worker in self.workers)

    @property
    def unfinished(self) -> int:
        """Tasks that somebody waits for."""
        return sum(self.tasks.get(state, 0) for state in ("processing", "queued", "waiting", "no-worker"))

    def row(self) -> dict[str, object]:
        """What a table shows of it."""
        states = Counter(job.state for job in self.jobs)
        return {
            "name": self.name,
            "state": self.standing,
            "workers": f"{len(self.workers)} of {self.wanted}" if self.wanted else len(self.workers),
            "jobs": ", ".join(f"{count} {state.lower()}" for state, count in states.items()),
            "threads": self.threads,
            "memory": f"{size_text(self.memory)} of {size_text(self.memory_limit)}" if self.workers else "",
            "tasks": self.unfinished,
            "clients": len(self.clients),
            "since": self.started,
            "dashboard": self.dashboard,
        }

    def __repr__(self) -> str:
        row = self.row()
        counts = f"workers {row['workers']}, threads {row['threads']}, tasks {row['tasks']}"
        return f"<cluster {self.name!r} of {self.profile}, {self.standing}: {counts}, {self.dashboard}>"

    def _repr_html_(self) -> str:
        return Clusters([self])._repr_html_()


class Clusters(list[ClusterStatus]):
    """Clusters, which a notebook shows as a table."""

    def _repr_html_(self) -> str:
        if not self:
            return "<p>No cluster runs.</p>"
        names = list(self[0].row())
        head = "".join(f"<th>{escape(name)}</th>" for name in names)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(map(_html_row, self))}</tbody></table>"


def running() -> Clusters:
    """List the clusters of this user that run, and those that died.

    They are the ones that `dtedask cluster start` keeps and those of recipes that run at this moment.
    """
    with ThreadPoolExecutor(8) as pool:  # one that is silent holds up no other
        return Clusters(pool.map(status_of, _folders()))


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
    state, standing = folder.state(), standing_of(folder)
    facts: Mapping[str, Any] = {}
    if standing in {"running", "ending", "elsewhere"} and state.get("scheduler"):
        try:
            facts, standing = _facts(folder), "running" if standing == "elsewhere" else standing
        except (OSError, ClusterError):
            standing = "silent" if standing != "ending" else standing
    jobs, waiting = _jobs(folder) if standing != "ended" else ((), [])
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


def _jobs(folder: ClusterFolder) -> tuple[tuple[JobStatus, ...], list[str]]:
    """Jobs that have not ended, and a line for each that waits."""
    state = folder.state()
    workers = {number: name for name, number in state.get("jobs", {}).items()}
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
        waiting_line(first) + (f" So do jobs {', '.join(job.id for job in others)}." if others else "")
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


def _html_row(cluster: ClusterStatus) -> str:
    cells = {name: escape(str(value)) for name, value in cluster.row().items()}
    if cluster.dashboard:
        cells["dashboard"] = f'<a href="{cells["dashboard"]}">{cells["dashboard"]}</a>'
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells.values())}</tr>"
