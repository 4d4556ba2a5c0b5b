"""Run the tasks of a transaction: threads of this process, or the workers of a Dask client."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from dtedask.core.cores import cores
from dtedask.core.settings import setting
from dtedask.core.stages import task_ended
from dtedask.store.attempts import Attempts, Failed, Piece, Work
from dtedask.store.runners import Graph, Threads, Workers

if TYPE_CHECKING:
    from distributed import Client

    from dtedask.store.layouts import Packs
    from dtedask.store.write import WriteItem, WriteResult

logger = logging.getLogger(__name__)
_PARTS_OF_MEMORY = 4  # a task may hold its fields in several forms

logger = logging.getLogger(__name__)


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
    retries : int, optional
        How often a task runs again that failed for a reason which may pass, such as a storage that did not answer;
        by default what the setting ``dtedask.jobs.retries`` says here.
    """

    client: Client | None = None
    threads: int | None = None
    on_done: Callable[[Any], None] | None = None
    retries: int | None = None

    @property
    def width(self) -> int:
        """Tasks that run side by side."""
        if self.client is not None:
            return Workers(self.client).room().threads
        return self.threads or cores()

    def run(
        self, fork: Any, batches: Sequence[Sequence[WriteItem]], packs: Packs, token: str, *, durable: bool
    ) -> list[WriteResult]:
        """Write fields, one task a batch, and return the results in the order of the fields.

        Workers of a client may be on other machines: what is durable they sync before they answer. Threads of this
        process write on while the disk takes what was written. A task for which memory is short is cut into halves.

        Raises
        ------
        TaskMemoryError
            If one field alone needs more memory than there is.
        WorkerLostError
            If the workers of a task died again and again.
        """
        from dtedask.store.syncing import Syncing
        from dtedask.store.task_memory import memory_of
        from dtedask.store.write import write_batch

        work = Work(
            "archive",
            partial(write_batch, packs=packs, syncs=durable and self.client is not None),
            shared=fork,
            memory=memory_of,
            about=lambda item: item.origin or item.key,
            # What was written into a session that is not a fork of it stays there.
            is_repeatable=isinstance(fork, bytes),
        )
        if self.client is not None or not durable or len(batches) == 1:
            return self.do(work, batches, token)
        with Syncing(packs.location) as syncing:
            results = self.do(work, batches, token, then=lambda items: syncing.wrote(sum(i.work_bytes for i in items)))
            syncing.wait()
        return results

    def map(
        self,
        function: Callable[[Any], Any],
        batches: Sequence[Any],
        name: str,
        *,
        memory: Callable[[Any], int] | None = None,
        about: Callable[[Any], str] | None = None,
    ) -> list[Any]:
        """Run a function once for each batch and return the results in the order of their items.

        A batch for which memory is short is cut into halves: there may be more results than batches. `memory` says how
        many bytes a batch takes, `about` what to call an item in an error.
        """
        return self.do(Work(name, function, memory=memory, about=about), batches)

    def at_most(self, batch_bytes: int) -> int:
        """Bytes of fields for one task: so many, or fewer where workers have little memory."""
        if self.client is None:
            return batch_bytes
        room = Workers(self.client).room()
        if room.memory_bytes is None:
            return batch_bytes
        a_thread = room.memory_bytes * room.places // room.threads
        return max(min(batch_bytes, a_thread // _PARTS_OF_MEMORY), 1)

    def do(
        self,
        work: Work,
        batches: Sequence[Sequence[Any]],
        token: str = "",
        *,
        then: Callable[[Sequence[Any]], None] | None = None,
    ) -> list[Any]:
        """Do some work, one task a batch; `on_done` hears of each result, `then` of the items that are done.

        Raises
        ------
        TaskMemoryError
            If one item alone needs more memory than there is.
        WorkerLostError
            If the workers of a task died again and again.
        Exception
            What a task raised.
        """
        runner = Threads(self.width) if self.client is None else Workers(self.client)
        retries = setting("jobs.retries") if self.retries is None else self.retries
        attempts = Attempts(work, batches, runner.room(), retries)
        graph = Graph(work, token or uuid.uuid4().hex[:8])

        def hear(piece: Piece, outcome: Any) -> None:
            if isinstance(outcome, Failed):
                attempts.failed(piece, outcome)
                task_ended(work.name, again=True)
                logger.warning("%s failed and runs again: %s", work.named(piece.items), outcome)
            else:
                attempts.done(piece, outcome)
                self._told(outcome)
                if then is not None:
                    then(piece.items)

        while (wave := attempts.wave()) is not None:
            if wave.pause_s:
                time.sleep(wave.pause_s)
            runner.run(graph, wave, hear)
        return attempts.results

    def _told(self, result: Any) -> None:
        if self.on_done is not None:
            self.on_done(result)
