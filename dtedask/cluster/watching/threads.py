"""Watch the tasks that run on threads of this process."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from dtedask.core.memory import reset_peak_memory
from dtedask.core.stages import StageListener

if TYPE_CHECKING:
    from dtedask.cluster.watching.watch import Watched


class ThreadsWatch(StageListener):
    """Counts the tasks of Dask's schedulers in this process, and the time that they take."""

    def __init__(self) -> None:
        from dask.callbacks import Callback

        self._callback = Callback(pretask=self._began, posttask=self._ended)
        self._lock = threading.Lock()
        self._begun: dict[Any, float] = {}
        self._tasks: dict[str, tuple[int, float]] = {}
        self._again: Counter[str] = Counter()

    def begin(self) -> None:
        """Begin to count."""
        reset_peak_memory()
        self._callback.register()

    def end(self) -> None:
        """Count no more."""
        self._callback.unregister()

    def result(self) -> Watched:
        """What was counted."""
        from dtedask.cluster.watching.watch import Watched, WatchedTasks

        with self._lock:
            tasks = [
                WatchedTasks(name, done, again=self._again[name], seconds=seconds)
                for name, (done, seconds) in self._tasks.items()
            ]
        return Watched(tasks=tuple(tasks))

    def _began(self, key: Any, _graph: Any, _state: Any) -> None:
        self._begun[key] = time.perf_counter()

    def _ended(self, key: Any, _result: Any, _graph: Any, _state: Any, _worker: Any) -> None:
        from dask.utils import key_split

        now = time.perf_counter()
        self.task_ended(str(key_split(key)), now - self._begun.pop(key, now), again=False)

    def task_ended(self, name: str, seconds: float, *, again: bool) -> None:
        """Hear of a task that ran without Dask, and of those that are done again."""
        with self._lock:
            done, took = self._tasks.get(name, (0, 0.0))
            self._tasks[name] = done + (not again), took + seconds
            self._again[name] += again
