"""How clusters that run look in a terminal."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dtedask.cli.console import emit, emit_json, emit_mapping, emit_table, say, size

if TYPE_CHECKING:
    from dtedask.cluster.kept import ClusterStatus

WATCH_S = 2.0
_CLEAR = "\x1b[H\x1b[J"


def show(name: str | None, *, as_json: bool) -> None:
    """Show all clusters, or one with its workers and jobs."""
    from dtedask.cluster.kept import running, status

    found = running() if name is None else [status(name)]
    if as_json:
        for cluster in found:
            emit_json(as_object(cluster))
    elif name is not None:
        _one(found[0])
    else:
        _table(found)


def watch(name: str | None, *, as_json: bool) -> None:
    """Show it again and again, until Ctrl-C."""
    try:
        while True:
            if sys.stdout.isatty():
                sys.stdout.write(_CLEAR)
            show(name, as_json=as_json)
            sys.stdout.flush()
            _pause(WATCH_S)
    except KeyboardInterrupt:
        return


def as_object(cluster: ClusterStatus) -> dict[str, Any]:
    """A cluster as JSON has it."""
    sums = {"threads": cluster.threads, "memory": cluster.memory, "memory_limit": cluster.memory_limit}
    return asdict(cluster) | sums | {"unfinished": cluster.unfinished}


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)


def _table(found: Sequence[ClusterStatus]) -> None:
    if not found:
        say("No cluster runs. Start one by `dtedask cluster start`.")
        return
    rows = [cluster.row() for cluster in found]
    emit_table(tuple(rows[0]), (tuple(row.values()) for row in rows), right=("threads", "tasks", "clients"))
    for cluster in found:
        for line in cluster.advice.splitlines():
            say(f"{cluster.name}: {line}")


def _one(cluster: ClusterStatus) -> None:
    row = cluster.row()
    texts = {
        "profile": f"{cluster.profile} ({cluster.kind})",
        "process": f"{cluster.pid} on {cluster.host}",
        "scheduler": cluster.scheduler,
        "clients": "\n".join(cluster.clients) or "none",
        "tasks": ", ".join(f"{count} {state}" for state, count in cluster.tasks.items()) or "none",
        "log": cluster.log,
    }
    emit_mapping(row | texts | ({"advice": cluster.advice} if cluster.advice else {}))
    if cluster.jobs:
        emit()
        lines = ((j.id, j.worker, j.state, j.node, j.reason, j.log) for j in cluster.jobs)
        emit_table(("job", "worker", "state", "node", "waits because", "log"), lines)
    if cluster.workers:
        emit()
        columns = ("worker", "host", "threads", "memory", "limit", "tasks")
        rows = ((w.name, w.host, w.threads, size(w.memory), size(w.memory_limit), w.tasks) for w in cluster.workers)
        emit_table(columns, rows, right=("threads", "memory", "limit", "tasks"))
