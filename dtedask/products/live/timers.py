"""What is to be looked at when: a queue of moments."""

from __future__ import annotations

import heapq
from datetime import datetime
from typing import Generic, TypeVar

__all__ = ["Timers"]
What = TypeVar("What")


class Timers(Generic[What]):
    """Things to look at, each at its moment; whoever looks finds out whether there is anything to do."""

    def __init__(self) -> None:
        self._queue: list[tuple[datetime, int, What]] = []
        self._count = 0

    def add(self, when: datetime, what: What) -> None:
        """Look at something when it is time."""
        self._count += 1
        heapq.heappush(self._queue, (when, self._count, what))

    def due(self, now: datetime) -> list[What]:
        """Take out all whose time has come, in the order of their times."""
        found = []
        while self._queue and self._queue[0][0] <= now:
            found.append(heapq.heappop(self._queue)[2])
        return found

    @property
    def next(self) -> datetime | None:
        """When there is something to look at."""
        return self._queue[0][0] if self._queue else None
