"""Writers that come at once share one transaction: whoever writes takes along what waits."""

from __future__ import annotations

import copy
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Generic, TypeVar

from dtedask.core.errors import NoticeError

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Waiting(Generic[Item, Result]):
    __slots__ = ("error", "is_done", "item", "result", "woken")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.is_done = False
        self.result: Result | None = None
        self.error: Exception | None = None
        self.woken: SimpleQueue[None] = SimpleQueue()


class GroupCommit(Generic[Item, Result]):
    """Hands items of many threads to a function that writes several as fast as one.

    There is no thread of its own and no delay: a single item is written at once by who brings it, and while it is
    written, the others gather.

    Parameters
    ----------
    write : callable (sequence of items) -> sequence of results
        Writes all or none. It is never called twice at once.
    """

    def __init__(self, write: Callable[[Sequence[Item]], Sequence[Result]]) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._waiting: deque[_Waiting[Item, Result]] = deque()

    def __call__(self, item: Item) -> Result:
        """Write an item; return, or raise, what came of it when that is certain."""
        mine: _Waiting[Item, Result] = _Waiting(item)
        # First it waits, then it looks for the lock; who gives the lock back looks afterwards for one that waits. So
        # one of both sees the other.
        self._waiting.append(mine)
        try:
            if not self._lock.acquire(blocking=False):
                mine.woken.get()
            else:
                self._lead(mine)
            while not mine.is_done:
                self._lock.acquire()
                self._lead(mine)
        except BaseException:
            with suppress(ValueError):
                self._waiting.remove(mine)
            self._wake_next()
            raise
        if mine.error is not None:
            # Each thread raises one of its own: tracebacks are written into the error.
            raise copy.copy(mine.error) from mine.error
        return mine.result  # type: ignore[return-value]  # it is set where there is no error

    def _lead(self, mine: _Waiting[Item, Result]) -> None:
        try:
            if not mine.is_done:
                self._write_all()
        finally:
            self._lock.release()
        self._wake_next()

    def _write_all(self) -> None:
        group = [self._waiting.popleft() for _ in range(len(self._waiting))]
        error: Exception | None = NoticeError("Another thread's writing was broken off, and this one with it.")
        results: Sequence[Result | None] = [None] * len(group)
        try:
            results, error = self._write([one.item for one in group]), None
        except Exception as failure:  # noqa: BLE001  # each of those who wait raises it
            error = failure
        finally:
            for one, result in zip(group, results, strict=True):
                one.result, one.error, one.is_done = result, error, True
                one.woken.put(None)

    def _wake_next(self) -> None:
        """Give the turn to the first that waits; waking one that looks for the lock itself does no harm."""
        with suppress(IndexError):
            self._waiting[0].woken.put(None)
