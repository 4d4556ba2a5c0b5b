"""Where tasks run: threads of this process, or the workers of a Dask client. Each runs a wave and tells what came."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

from dtedask.cluster import workers_now
from dtedask.cluster.workers.deaths import death_of
from dtedask.cluster.workers.versions import check_worker
from dtedask.core.errors import ClusterError, WorkersMissingError
from dtedask.core.stages import task_ended
from dtedask.store.attempts import Failed, Piece, Room, Wave, Work
from dtedask.store.failures import is_passing

if TYPE_CHECKING:
    from distributed import Client, Future

_ROOM_HOLDS_S = 1.0
Hear = Callable[[Piece, Any], None]
_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


class Runner(Protocol):
    """Runs tasks."""

    def room(self) -> Room:
        """What there is to run them in."""

    def run(self, graph: Graph, wave: Wave, hear: Hear) -> None:
        """Run pieces, and say of each what its result is or why it failed, as they come.

        Raises
        ------
        Exception
            What a task raised that no second run would help, or `hear`.
        """


@dataclass(frozen=True)
class Graph:
    """Builds the Dask graphs of some work.

    Parameters
    ----------
    work : Work
        What is done.
    token : str
        What makes the names of its tasks its own.
    """

    work: Work
    token: str

    def shared(self) -> list[Any]:
        """What all tasks take, if there is something."""
        from dask.delayed import delayed

        if self.work.shared is None:
            return []
        return [delayed(self.work.shared, name=f"{self.work.name}-with-{self.token}", traverse=False)]

    def arguments(self, piece: Piece) -> list[Any]:
        """Arguments of the function for a piece."""
        return [piece.items] if self.work.shared is None else [self.work.shared, piece.items]

    def tasks(self, pieces: Sequence[Piece]) -> list[Any]:
        """One task for each piece."""
        from dask.delayed import delayed

        task, shared, name = delayed(attempt, pure=False, traverse=False), self.shared(), self.work.name
        return [
            task(
                self.work.function,
                *shared,
                _Items(tuple(piece.items)),
                dask_key_name=f"{name}-{self.token}-{_name(piece)}",
            )
            for piece in pieces
        ]


class _Items:
    """Items of a task: Dask, which would look for collections in every field of every item, does not look into it."""

    __slots__ = ("items",)

    def __init__(self, items: tuple[Any, ...]) -> None:
        self.items = items


def _name(piece: Piece) -> str:
    """What tells a piece from all others, and its second try from the first."""
    again = ["again", str(piece.tries)] if piece.tries else []
    return "-".join([*map(str, piece.place), *again, *["alone"] * piece.is_alone])


def attempt(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function; a failure that a second run may help is what it gives back."""
    check_worker()
    try:
        return function(*(one.items if isinstance(one, _Items) else one for one in arguments))
    except MemoryError as error:
        return Failed("memory", MemoryError(str(error)))  # without the frames that hold what there is no room for
    except RecursionError as error:
        said = str(error)
    except Exception as error:
        if is_passing(error):
            return Failed("passing", error)
        raise
    # Out here the error has nothing of the many frames, which cannot be pickled: the client would wait for ever.
    raise RecursionError(said)


@dataclass(frozen=True)
class Threads:
    """Threads of this process.

    Parameters
    ----------
    width : int
        How many.
    """

    width: int

    def room(self) -> Room:
        """The memory of this machine, or of the control group that this process is in."""
        return Room("this process", 1, self.width, _memory_of_this_process())

    def run(self, graph: Graph, wave: Wave, hear: Hear) -> None:
        """See `Runner`."""
        width = min(wave.most or self.width, len(wave.pieces))
        if width == 1:  # Dask would take longer to import than a small task takes
            for piece in wave.pieces:
                begin = time.perf_counter()
                outcome = attempt(graph.work.function, *graph.arguments(piece))
                task_ended(graph.work.name, time.perf_counter() - begin)
                hear(piece, outcome)
            return
        from dask.base import compute
        from dask.callbacks import Callback
        from dask.threaded import get  # the name "threads" would import distributed

        tasks = graph.tasks(wave.pieces)
        ours = {task.key: piece for task, piece in zip(tasks, wave.pieces, strict=True)}

        def after_task(key: str, value: Any, *_rest: Any) -> None:
            if key in ours:
                hear(ours[key], value)

        with Callback(posttask=after_task):
            compute(*tasks, scheduler=get, num_workers=width, optimize_graph=False)


_rooms: WeakKeyDictionary[Client, tuple[Room, float]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Workers:
    """The workers of a client.

    Parameters
    ----------
    client : Client
        Their client.
    """

    client: Client

    def room(self) -> Room:
        """The least memory that a worker has; what was found a moment ago still holds."""
        found, when = _rooms.get(self.client, (None, -math.inf))
        if found is None or time.monotonic() - when > _ROOM_HOLDS_S:
            found = self._room()
            _rooms[self.client] = found, time.monotonic()
        return found

    def _room(self) -> Room:
        # The answer of the scheduler is long where there are many workers.
        workers = workers_now(self.client).values()
        limits = [worker["memory_limit"] for worker in workers if worker.get("memory_limit")]
        threads = sum(worker["nthreads"] for worker in workers)
        return Room("a worker", max(len(workers), 1), max(threads, 1), min(limits, default=None))

    def run(self, graph: Graph, wave: Wave, hear: Hear) -> None:
        """See `Runner`."""
        from distributed import as_completed

        first = wave.pieces[: wave.most]
        rest = wave.pieces[len(first) :][::-1]
        # What all tasks share is held here: else it would travel again whenever no task that needs it is left.
        shared = self.client.compute(graph.shared(), optimize_graph=False) if rest else []
        running = self._submit(graph, first)
        # By default the loop is that of the newest client, which need not be this one.
        done = as_completed(running, loop=self.client.loop, raise_errors=False)
        for batch in done.batches():
            pieces = [running.pop(future) for future in batch]
            if rest:
                more = self._submit(graph, [rest.pop() for _ in batch[: len(rest)]])
                running |= more
                done.update(more)
            for piece, outcome in zip(pieces, self._outcomes(batch), strict=True):
                hear(piece, outcome)
        del shared

    def _submit(self, graph: Graph, pieces: Sequence[Piece]) -> dict[Future[Any], Piece]:
        if self.client.status != "running":  # what is sent while it looks for its scheduler is never answered
            raise self._gone()
        futures = self.client.compute(graph.tasks(pieces), optimize_graph=False)
        return dict(zip(futures, pieces, strict=True))

    def _outcomes(self, futures: Sequence[Future[Any]]) -> Iterator[Any]:
        """The results of tasks that have ended, or why they have none. One by one it would take longer to ask."""
        try:
            results = self.client.gather({future.key: future for future in futures}, errors="skip")
        except OSError as error:
            raise self._gone() from error
        for future in futures:
            if future.status == "error":
                yield self._failure(future)
            elif future.status == "finished":
                yield results[future.key]
            else:
                raise self._gone()

    def _gone(self) -> ClusterError:
        scheduler = self.client.scheduler.address if self.client.scheduler else "?"
        return ClusterError(
            f"The scheduler at {scheduler} is gone, and the tasks with it.",
            hint="The same again does only what is missing.",
        )

    def _failure(self, future: Future[Any]) -> Failed:
        """Why a task has no result; raises what no second run would help."""
        from distributed import KilledWorker
        from distributed.scheduler import NoValidWorkerError, NoWorkerError

        error, trace = future.exception(), future.traceback()
        if isinstance(error, NoValidWorkerError | NoWorkerError):
            raise WorkersMissingError(
                "All workers are gone, and no other came in time.",
                hint="Look at the logs of the jobs; the same again does only what is missing.",
            ) from error
        if not isinstance(error, KilledWorker):
            raise error.with_traceback(trace)
        death = death_of(self.client, error)
        return Failed("memory" if death.is_of_memory else "lost", error, str(death))


@lru_cache(maxsize=1)
def _memory_of_this_process() -> int | None:
    """Bytes of memory of this machine, or of the control group where that has less."""
    found = []
    if hasattr(os, "sysconf"):
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for path in map(Path, _CGROUP_LIMITS):
        with suppress(OSError, ValueError):  # "max", or no such group
            found.append(int(path.read_text()))
    return min(found, default=None)
