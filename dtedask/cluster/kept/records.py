"""Clusters as they are shown: in a terminal, a notebook, or as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from dtedask.cluster.kept.names import Standing
from dtedask.core.sizes import size_text


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


def _html_row(cluster: ClusterStatus) -> str:
    cells = {name: escape(str(value)) for name, value in cluster.row().items()}
    if cluster.dashboard:
        cells["dashboard"] = f'<a href="{cells["dashboard"]}">{cells["dashboard"]}</a>'
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells.values())}</tr>"
