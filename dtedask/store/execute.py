"""Run the tasks of a transaction: threads of this process, or the workers of a Dask client."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dtedask.cluster import wait_for_workers

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.store.layouts import Packs
    from dtedask.store.write import WriteItem, WriteResult


@dataclass(frozen=True)
class Execution:
    """Where tasks run and who hears of their progress.

    Parameters
    ----------
    client : distributed.Client, optional
        Run on its workers; None for threads of this process.
    threads : int, optional
        Threads in this process; None for as many as cores.
    on_done : callable, optional
        Called in this process with the result of each task.
    """

    client: Client | None = None
    threads: int | None = None
    on_done: Callable[[Any], None] | None = None

    @property
    def width(self) -> int:
        """Tasks that run side by side."""
        import os

        if self.client is not None:
            wait_for_workers(self.client)
            return max(sum(int(n) for n in self.client.nthreads().values()), 1)
        return self.threads or os.cpu_count() or 1

    def run(
        self, fork: Any, batches: Sequence[Sequence[WriteItem]], packs: Packs, token: str, *, durable: bool
    ) -> list[WriteResult]:
        """Run one task a batch and return their results in the order of the batches.

        Workers of a client may be on other machines: what is durable they sync before they answer.
        """
        from dtedask.store.write import write_batch

        if len(batches) == 1 and self.client is None:
            return [self._told(write_batch(fork, batches[0], packs))]
        from dask.delayed import delayed

        task = delayed(write_batch, pure=False, traverse=False)
        shared = delayed(fork, name=f"fork-{token}", traverse=False)
        syncs = durable and self.client is not None
        graph = []
        for number, items in enumerate(batches):
            # A leaf of its own: Dask would look for collections in every field of every item.
            leaf = delayed(tuple(items), name=f"fields-{token}-{number}", traverse=False)
            graph.append(task(shared, leaf, packs, syncs=syncs, dask_key_name=f"archive-{token}-{number}"))
        return self._distributed(graph) if self.client is not None else self._threaded(graph)

    def map(self, function: Callable[[Any], Any], batches: Sequence[Any], name: str) -> list[Any]:
        """Run a function once for each batch and return the results in their order; `on_done` hears of each."""
        if len(batches) == 1 and self.client is None:
            return [self._told(function(batches[0]))]
        from dask.delayed import delayed

        token = uuid.uuid4().hex[:8]
        task = delayed(function, pure=False, traverse=False)
        graph = [
            task(delayed(batch, name=f"{name}-of-{token}-{n}", traverse=False), dask_key_name=f"{name}-{token}-{n}")
            for n, batch in enumerate(batches)
        ]
        return self._distributed(graph) if self.client is not None else self._threaded(graph)

    def _told(self, result: Any) -> Any:
        if self.on_done is not None:
            self.on_done(result)
        return result

    def _threaded(self, graph: list[Any]) -> list[Any]:
        from dask.base import compute
        from dask.callbacks import Callback
        from dask.threaded import get  # the name "threads" would import distributed

        ours = {task.key for task in graph}

        def after_task(key: str, value: Any, *_rest: Any) -> None:
            if key in ours:
                self._told(value)

        with Callback(posttask=after_task):
            return list(compute(*graph, scheduler=get, num_workers=self.width, optimize_graph=False))

    def _distributed(self, graph: list[Any]) -> list[Any]:
        from distributed import as_completed

        assert self.client is not None
        wait_for_workers(self.client)
        futures = self.client.compute(graph, optimize_graph=False)
        results: dict[str, Any] = {}
        # By default the loop is that of the newest client, which need not be this one.
        for future, result in as_completed(futures, loop=self.client.loop, with_results=True):
            results[future.key] = self._told(result)
        return [results[future.key] for future in futures]
