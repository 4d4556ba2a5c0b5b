"""The graph on the workers of a client: what products are made of comes back, and they are finished here."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dtedask.cluster.workers.deaths import death_of
from dtedask.cluster.workers.versions import check_worker
from dtedask.core.errors import ClusterError, DtedaskError, ProductError, WorkerLostError, WorkersMissingError
from dtedask.products.finishing.outcome import Outcome
from dtedask.products.making.finisher import Finish, Finisher
from dtedask.products.making.report import Report
from dtedask.products.making.state import State
from dtedask.products.making.work import Failed, Work
from dtedask.store.runners import Workers as Room

if TYPE_CHECKING:
    from distributed import Client, Future

    from dtedask.products.making.units import Unit
    from dtedask.products.planning.make import Make

__all__ = ["Workers", "graph_of"]

_ASK_EVERY_S = 0.2


class Workers:
    """Makes products on the workers of a client.

    Parameters
    ----------
    client : distributed.Client
        Their client.
    finishers : int
        Threads of this process that finish products.
    stop : callable
        Says whether nothing more is to begin.
    """

    def __init__(self, client: Client, finishers: int, stop: Callable[[], bool]) -> None:
        self._client, self._finishers, self._stop = client, finishers, stop

    def memory_bytes(self) -> int | None:
        """What values may take: half of what all workers have; the rest is for working."""
        room = Room(self._client).room()
        return None if room.memory_bytes is None else room.memory_bytes * room.places // 2

    def run(self, units: Sequence[Unit], makes: Sequence[Make], report: Report, finish: Finish, limit: int) -> int:
        """Make products; what waits here to be finished takes no more than `limit` bytes.

        Raises
        ------
        ClusterError
            If the scheduler or all workers are gone.
        """
        if not units:
            return 0
        run = _Run(units, makes, report, finish, self._finishers)
        futures = self._submitted(units, run.wanted)
        try:
            for batch in self._completed(futures, run.is_ended):
                run.wait_for_room(limit, self._stop)
                if self._stop():
                    break
                run.came(self._values(batch, run.wanted))
                for future in batch:
                    del futures[future.key]
                    future.release()
        except BaseException:
            self._cancel(futures)
            run.end(drop=True)
            raise
        self._cancel(futures)
        run.end(drop=self._stop())
        return 0

    def _submitted(self, units: Sequence[Unit], wanted: Mapping[str, Unit]) -> dict[str, Future[Any]]:
        from dask.delayed import Delayed

        graph = graph_of(units)
        lazy = [Delayed(key, graph, layer="products") for key in wanted]
        futures = self._client.compute(lazy, optimize_graph=False)
        return {future.key: future for future in futures}

    def _completed(self, futures: Mapping[str, Future[Any]], is_ended: Callable[[], bool]) -> Iterator[list[Any]]:
        done: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
        for future in futures.values():
            future.add_done_callback(done.put)
        while futures and not (is_ended() or self._stop()):
            with suppress(queue.Empty):
                batch = [done.get(timeout=_ASK_EVERY_S)]
                while not done.empty():
                    batch.append(done.get())
                yield batch

    def _values(self, batch: Sequence[Future[Any]], wanted: Mapping[str, Unit]) -> dict[str, Sequence[Any]]:
        found = self._client.gather({future.key: future for future in batch}, errors="skip")
        for future in batch:
            if future.key not in found:
                failed = Failed(self._failure(future))
                found[future.key] = [failed] * len(wanted[str(future.key)].nodes)
        return dict(found)

    def _failure(self, future: Future[Any]) -> DtedaskError:
        """Why a task has no values: its workers died, for fields that fail are values."""
        from distributed import KilledWorker
        from distributed.scheduler import NoValidWorkerError, NoWorkerError

        if future.status != "error":
            raise ClusterError("The scheduler is gone, and the tasks with it.", hint="The same again makes the rest.")
        error = future.exception()
        if isinstance(error, NoValidWorkerError | NoWorkerError):
            raise WorkersMissingError("All workers are gone, and no other came in time.") from error
        if isinstance(error, KilledWorker):
            return WorkerLostError(f"Every worker of the task {future.key!r} died. {death_of(self._client, error)}")
        if isinstance(error, DtedaskError):
            return error
        return ProductError(f"The task {future.key!r} failed: {type(error).__name__}: {error}")

    def _cancel(self, futures: Mapping[str, Future[Any]]) -> None:
        if futures and self._client.status == "running":
            self._client.cancel(list(futures.values()))


class _Run:
    """One run: the tasks whose values come here, and the products that they complete."""

    def __init__(
        self, units: Sequence[Unit], makes: Sequence[Make], report: Report, finish: Finish, finishers: int
    ) -> None:
        ends = {id(node) for make in makes for node in make.nodes}
        self._units = {unit.key: unit for unit in units}
        self.wanted = {unit.key: unit for unit in units if any(id(node) in ends for node in unit.nodes)}
        self._alone = {key: replace(unit, needs=(), uses=()) for key, unit in self.wanted.items()}
        self._state = State(list(self._alone.values()), makes)
        while self._state.take() is not None:
            pass  # Dask says which is next
        self._known: set[str] = set()
        self._report = report
        self._changed = threading.Condition()
        self._broken: BaseException | None = None
        self._finisher = Finisher(finish, self._finished, self._break, finishers)

    def is_ended(self) -> bool:
        """Whether nothing that comes helps."""
        return self._broken is not None

    def came(self, values: Mapping[str, Sequence[Any]]) -> None:
        """Take the values of tasks."""
        for key, found in values.items():
            with self._changed:
                gathered = self._state.done(self._alone[key], found)
            self._tell(key)
            self._finisher.put(gathered)

    def wait_for_room(self, limit: int, stop: Callable[[], bool]) -> None:
        """Wait until enough of what came is finished."""
        with self._changed:
            while self._state.is_finishing and self._state.held_bytes > limit and self._broken is None and not stop():
                self._changed.wait(_ASK_EVERY_S)

    def end(self, *, drop: bool) -> None:
        """Wait until all that came is finished; with `drop` only what has begun."""
        self._finisher.close(drop=drop or self._broken is not None)
        if self._broken is not None and not drop:
            raise self._broken

    def _tell(self, key: str) -> None:
        """All that a task needs was done before it."""
        waiting = [key]
        while waiting:
            found = waiting.pop()
            if found not in self._known:
                self._known.add(found)
                self._report.unit_done(self._units[found])
                waiting += self._units[found].needs

    def _finished(self, make: Make, outcomes: Sequence[Outcome]) -> None:
        self._report.product_done(make, outcomes)
        with self._changed:
            self._state.finished(make)
            self._changed.notify_all()

    def _break(self, error: BaseException) -> None:
        with self._changed:
            self._broken = self._broken or error
            self._changed.notify_all()


def graph_of(units: Sequence[Unit]) -> Any:
    """The tasks as a graph of Dask, the most urgent with the greatest priority."""
    from dask._task_spec import Task, TaskRef
    from dask.highlevelgraph import HighLevelGraph, MaterializedLayer

    tasks = {unit.key: Task(unit.key, on_worker, unit.work, *map(TaskRef, unit.needs)) for unit in units}
    priorities = {unit.key: -rank for rank, unit in enumerate(units)}
    layer = MaterializedLayer(tasks, annotations={"priority": priorities.__getitem__})
    return HighLevelGraph({"products": layer}, {"products": set()})


def on_worker(work: Work, *inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Do the work of a task, on a worker that has the same code as we have."""
    check_worker()
    return work(*inputs)
