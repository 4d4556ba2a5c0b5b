"""Writing: what waits is collected and written at once, durably, before anyone is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dtedask.core.errors import DtedaskError

if TYPE_CHECKING:
    from dtedask.notify.event_log import EventLog
    from dtedask.notify.notification import Draft, Notification

_MOST = 2000


@dataclass(slots=True)
class _Waiting:
    drafts: Sequence[Draft]
    done: asyncio.Future[Sequence[Notification]]


class Writer:
    """The one who writes to the log of a server.

    Parameters
    ----------
    log : EventLog
        The log.
    on_written : callable
        Told of everything that was written, in the event loop.
    """

    def __init__(self, log: EventLog, on_written: Callable[[Sequence[Notification]], None]) -> None:
        self._log = log
        self._on_written = on_written
        self._queue: list[_Waiting] = []
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="notices-write")
        self._task: asyncio.Task[None] | None = None

    async def append(self, drafts: Sequence[Draft]) -> Sequence[Notification]:
        """Write notifications, all or none; durable when it returns."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(drafts, loop.create_future())
        self._queue.append(waiting)
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._run())
        return await waiting.done

    def close(self) -> None:
        """Let go of the thread."""
        self._pool.shutdown()

    async def _run(self) -> None:
        while self._queue:
            batch, self._queue = self._queue[:_MOST], self._queue[_MOST:]
            await self._write(batch)

    async def _write(self, batch: list[_Waiting]) -> None:
        drafts = [draft for waiting in batch for draft in waiting.drafts]
        try:
            written = await asyncio.get_running_loop().run_in_executor(self._pool, self._log.append, drafts)
        except DtedaskError as error:
            await self._write_apart(batch, error)
            return
        except BaseException as error:
            for waiting in batch:
                _fail(waiting, error)
            raise
        self._on_written(written)
        begin = 0
        for waiting in batch:
            end = begin + len(waiting.drafts)
            if not waiting.done.done():
                waiting.done.set_result(written[begin:end])
            begin = end

    async def _write_apart(self, batch: list[_Waiting], error: DtedaskError) -> None:
        """Let one that cannot be written not fail the others."""
        if len(batch) == 1:
            _fail(batch[0], error)
            return
        for waiting in batch:
            await self._write([waiting])


def _fail(waiting: _Waiting, error: BaseException) -> None:
    if not waiting.done.done():
        waiting.done.set_exception(error)
