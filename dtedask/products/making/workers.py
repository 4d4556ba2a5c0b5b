"""The graph on the workers of a client: what products are made of comes back, and they are finished here."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dtedask.cluster.workers.deaths import death_of
from dtedask.cluster.workers.versions import check_worker
from dtedask.core.errors import ClusterError, DtedaskError, ProductError, WorkerLostError, WorkersMissingError
from dtedask.products.finishing.outcome import Outcome
from dtedask.products.making.coming import Coming
from dtedask.products.making.finisher import Finish
from dtedask.products.making.report import Report
from dtedask.products.making.state import Gathered
from dtedask.products.making.work import Failed, Work
from dtedask.store.runners import Threads as Here
from dtedask.store.runners import Workers as Room

if TYPE_CHECKING:
    from distributed import Client, Future

    from dtedask.products.making.units import Unit
    from dtedask.products.planning.make import Make

__all__ = ["Workers", "graph_of"]

_ASK_EVERY_S = 0.2
_NO_LIMIT = 2**62
_LARGE_GRAPH = "1 GiB"  # it is names, not data, which is what the warning is about


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
        self._blamed: set[str] = set()

    def memory_bytes(self) -> int | None:
        """What values may take: half of what all workers have; the rest is for working."""
        room = Room(self._client).room()
        return None if room.memory_bytes is None else room.memory_bytes * room.places // 2

    def run(self, units: Sequence[Unit], makes: Sequence[Make], report: Report, finish: Finish, limit: int) -> int:
        """Make products; what waits here to be finished takes no more than `limit` bytes or half of this machine.

        Raises
        ------
        ClusterError
            If the scheduler or all workers are gone.
        """
        limit = min(limit, (Here(1).room().memory_bytes or _NO_LIMIT) // 2)
        lost = self._once(units, makes, report, finish, limit, keeps_lost=True)
        if lost and not self._stop():
            again = self._innocent(units, lost, report)
            self._once(behind(units, again), again, report, finish, limit, keeps_lost=False)
        return 0

    def _once(
        self,
        units: Sequence[Unit],
        makes: Sequence[Make],
        report: Report,
        finish: Finish,
        limit: int,
        *,
        keeps_lost: bool,
    ) -> list[Gathered]:
        """Make products, and give those whose workers died."""
        if not units:
            return []
        coming = Coming(units, makes, report, finish, self._finishers, keeps_lost=keeps_lost)
        futures = self._submitted(units, coming.wanted)
        try:
            for batch in self._completed(futures, coming.is_ended):
                coming.wait_for_room(limit, self._stop)
                if self._stop():
                    break
                coming.came(self._values(batch, coming.wanted))
                for future in batch:
                    del futures[future.key]
                    future.release()
        except BaseException:
            self._let_go(futures)
            coming.end(drop=True)
            raise
        self._let_go(futures)
        coming.end(drop=self._stop())
        return coming.lost

    def _innocent(self, units: Sequence[Unit], lost: Sequence[Gathered], report: Report) -> list[Make]:
        """Products that are made of no task of which workers die; the others have failed.

        A task is blamed that was on the worker of another which killed it: each is tried by itself.
        """
        guilty = {key for key in self._blamed if not self._lives(units, key)}
        self._blamed.clear()
        found = []
        for one in lost:
            if guilty & {unit.key for unit in behind(units, [one.make])}:
                report.product_done(one.make, [Outcome(product, "", error=one.error) for product in one.make.products])
            else:
                found.append(one.make)
        return found

    def _lives(self, units: Sequence[Unit], key: str) -> bool:
        """Whether a task is done without a worker that dies."""
        (unit,) = (unit for unit in units if unit.key == key)
        (future,) = self._submitted(upstream(units, {key}), {key: unit}).values()
        return future.exception() is None

    def _submitted(self, units: Sequence[Unit], wanted: Mapping[str, Unit]) -> dict[str, Future[Any]]:
        import dask
        from dask.delayed import Delayed

        graph = graph_of(units)
        lazy = [Delayed(key, graph, layer="products") for key in wanted]
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": _LARGE_GRAPH}):
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
        try:
            found = self._client.gather({future.key: future for future in batch}, errors="skip")
        except Exception as error:
            if self._client.status == "running":
                raise
            raise self._gone() from error
        for future in batch:
            if found.get(future.key) is None:
                failed = Failed(self._failure(future))
                found[future.key] = [failed] * len(wanted[str(future.key)].nodes)
        return dict(found)

    def _failure(self, future: Future[Any]) -> DtedaskError:
        """Why a task has no values: its workers died, for fields that fail are values."""
        from distributed import KilledWorker
        from distributed.scheduler import NoValidWorkerError, NoWorkerError

        if future.status != "error":
            raise self._gone()
        error = future.exception()
        if isinstance(error, NoValidWorkerError | NoWorkerError):
            raise WorkersMissingError("All workers are gone, and no other came in time.") from error
        if isinstance(error, KilledWorker):
            self._blamed.add(str(error.task))
            return WorkerLostError(f"Every worker of the task {future.key!r} died. {death_of(self._client, error)}")
        if isinstance(error, DtedaskError):
            return error
        return ProductError(f"The task {future.key!r} failed: {type(error).__name__}: {error}")

    def _gone(self) -> ClusterError:
        return ClusterError("The scheduler is gone, and the tasks with it.", hint="The same again makes the rest.")

    @staticmethod
    def _let_go(futures: Mapping[str, Future[Any]]) -> None:
        """Tasks that nobody else wants are forgotten, those under way too; another run may want the same."""
        for future in futures.values():
            future.release()


def graph_of(units: Sequence[Unit]) -> Any:
    """The tasks as a graph of Dask, the most urgent with the greatest priority."""
    from dask._task_spec import Task, TaskRef
    from dask.highlevelgraph import HighLevelGraph, MaterializedLayer

    tasks: dict[str, Any] = {}
    priorities: dict[str, int] = {}
    for rank, unit in enumerate(units):
        prepared = preparations_of(unit.work)
        for name, prepare in prepared.items():
            tasks.setdefault(name, Task(name, on_worker, prepare))
            priorities.setdefault(name, -rank)
        # What was prepared is on disk: it is waited for, and nothing of it is given.
        needs = (*unit.needs, *prepared)
        tasks[unit.key] = Task(unit.key, on_worker, unit.work, *map(TaskRef, needs))
        priorities[unit.key] = -rank
    layer = MaterializedLayer(tasks, annotations={"priority": priorities.__getitem__})
    return HighLevelGraph({"products": layer}, {"products": set()})


def behind(units: Sequence[Unit], makes: Sequence[Make]) -> list[Unit]:
    """The tasks of which some products are made."""
    ends = {id(node) for make in makes for node in make.nodes}
    return upstream(units, {unit.key for unit in units if any(id(node) in ends for node in unit.nodes)})


def upstream(units: Sequence[Unit], keys: set[str]) -> list[Unit]:
    """Some tasks, and those that they take values from."""
    needed = set(keys)
    for unit in reversed(units):
        if unit.key in needed:
            needed.update(unit.needs)
    return [unit for unit in units if unit.key in needed]


def preparations_of(work: Work) -> dict[str, Callable[[], object]]:
    """What must be done before some work, by name."""
    found = (step.operation.preparation() for step in work.steps)
    return dict(one for one in found if one is not None)


def on_worker(work: Callable[..., Any], *inputs: Any) -> Any:
    """Do the work of a task, on a worker that has the same code as we have."""
    check_worker()
    return work(*inputs)
