"""What a scheduler knows of its workers and tasks, counted where it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distributed import Client
    from distributed.scheduler import Scheduler
    from distributed.security import Security

_UNFINISHED = ("processing", "queued", "waiting", "no-worker")


def facts(dask_scheduler: Scheduler) -> dict[str, Any]:
    """Count workers, threads, memory, clients and tasks; runs in the process of the scheduler."""
    workers = [
        {
            "name": str(worker.name),
            "host": worker.host,
            "threads": worker.nthreads,
            "memory": int(worker.metrics.get("memory") or 0),
            "memory_limit": int(worker.memory_limit or 0),
            "tasks": len(worker.processing),
        }
        for worker in dask_scheduler.workers.values()
    ]
    return {"workers": workers, "clients": _clients(dask_scheduler), "tasks": _tasks(dask_scheduler)}


def unfinished(dask_scheduler: Scheduler) -> int:
    """Count the tasks that somebody waits for."""
    return sum(_tasks(dask_scheduler).get(state, 0) for state in _UNFINISHED)


def ask_client(client: Client) -> dict[str, Any]:
    """The facts of a client's scheduler; the client itself is not counted."""
    found: dict[str, Any] = client.run_on_scheduler(facts)
    return {**found, "clients": [one for one in found["clients"] if one != client.id]}


async def ask_scheduler(address: str, security: Security | None, timeout_s: float) -> dict[str, Any]:
    """The facts of a scheduler by its address, without becoming a client of it.

    Raises
    ------
    OSError
        If it does not answer.
    """
    import pickle

    from distributed.core import rpc

    arguments = security.get_connection_args("client") if security is not None else {}
    async with rpc(address, timeout=timeout_s, connection_args=arguments) as remote:
        answer = await remote.run_function(
            function=pickle.dumps(facts), args=pickle.dumps(()), kwargs=pickle.dumps({}), wait=True
        )
    return dict(answer["result"])


def _clients(scheduler: Scheduler) -> list[str]:
    return [name for name in scheduler.clients if name != "fire-and-forget"]


def _tasks(scheduler: Scheduler) -> dict[str, int]:
    counts: dict[str, int] = {}
    for group in scheduler.task_groups.values():
        for state, count in group.states.items():
            counts[str(state)] = counts.get(str(state), 0) + int(count)
    return {state: count for state, count in counts.items() if count}
