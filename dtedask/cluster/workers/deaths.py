"""How the workers of a task died, as far as scheduler, nannies and logs of jobs know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dtedask.cluster.behind import started
from dtedask.cluster.slurm.explain import explain_end
from dtedask.core.sizes import size_text

if TYPE_CHECKING:
    from distributed import Client, KilledWorker

_MEMORY_EVENTS = "worker-restart-memory"  # what a nanny tells the scheduler before it ends a worker
_LOG_LINES = 200
_QUOTED_LINES = 4
_ANSWER_S = 5.0
_OUT_OF_MEMORY = re.compile(r"\bOUT_OF_MEMORY\b|oom[-_ ]kill|out of memory", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Death:
    """How the workers of a task died.

    Parameters
    ----------
    workers : tuple of str
        Their addresses, or the names of their jobs.
    is_of_memory : bool
        Whether it is known that memory was short.
    log : tuple of str
        What their logs say of it.
    """

    workers: tuple[str, ...]
    is_of_memory: bool
    log: tuple[str, ...] = ()

    def __str__(self) -> str:
        names = ", ".join(self.workers)
        said = "".join(f"\n    {line}" for line in self.log)
        why = " of too little memory" if self.is_of_memory else ""
        return f"Died{why}: {names}." + (f" Their logs say:{said}\n" if said else "")


def death_of(client: Client, error: KilledWorker) -> Death:
    """Find out how the workers of a task died.

    Parameters
    ----------
    client : distributed.Client
        Its client.
    error : distributed.KilledWorker
        What the scheduler says of the task.
    """
    last = error.last_worker
    workers = tuple(dict.fromkeys([*_removed(client, str(error.task)), last.address]))
    short = [event for event in _events(client, _MEMORY_EVENTS) if event["worker"] in workers]
    said = [f"{event['worker']} held {size_text(event['rss'])} when its nanny ended it" for event in short]
    signs = (*workers, f"process {last.pid} ", f"pid={last.pid})")
    log = [line for line in _nanny_log(client, last.nanny) if any(sign in line for sign in signs)][-_QUOTED_LINES:]
    if not log:  # the nanny died, too
        log = _job_log(client, str(last.name))
    is_of_memory = bool(short) or any(_OUT_OF_MEMORY.search(line) for line in log)
    return Death(workers, is_of_memory, (*said[-1:], *log))


def _job_log(client: Client, name: str) -> list[str]:
    """How the job of a worker ended, in the words of the batch system, and the end of its log."""
    behind = started(client)
    if behind is None or behind.folder is None:
        return []
    jobs: dict[str, str] = behind.folder.state().get("jobs", {})
    # A job of several processes has workers of its name with a number.
    ids = {job: number for job, number in jobs.items() if name == job or name.startswith(f"{job}-")}
    return explain_end(behind.folder, ids, behind.folder.logs) if ids else []


def _removed(client: Client, key: str) -> Iterator[str]:
    """Workers that went away unexpectedly while they had a task."""
    for event in _events(client, "all"):
        if event.get("action") == "remove-worker" and not event["expected"] and key in event["processing-tasks"]:
            yield event["worker"]


def _events(client: Client, topic: str) -> Iterator[dict[str, Any]]:
    for _, event in client.get_events(topic):
        if isinstance(event, dict):
            yield event


def _nanny_log(client: Client, nanny: str | None) -> list[str]:
    """What the nanny of a dead worker says, oldest first; nothing where it died, too."""
    if nanny is None or client.scheduler is None:
        return []
    # Its worker is not known to the scheduler any more; the nanny itself can be asked all the same.
    ask = {"msg": {"op": "get_logs", "n": _LOG_LINES}, "workers": [nanny], "on_error": "ignore"}
    try:
        logs = client.sync(client.scheduler.broadcast, callback_timeout=_ANSWER_S, **ask)
    except TimeoutError:
        return []
    return [line for lines in logs.values() for _, line in reversed(lines)]
