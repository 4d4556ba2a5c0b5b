"""Functions of actions on several threads, with the results of one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, cast

import numpy as np

from dtedask.pipeline.compute import Fold, FoldOfMany
from dtedask.pipeline.runs.undo import rebuilt

__all__ = ["Pending", "Threads", "is_pending", "settled"]

_TOGETHER = 8  # folds of one state that are done at once


class Pending:
    """What a function will give. It stands for values wherever an action hands them on."""

    stands_for_values: ClassVar[bool] = True
    __slots__ = (
        "_arguments",
        "_function",
        "_missing",
        "_waiting",
        "error",
        "fold",
        "is_done",
        "name",
        "readers",
        "size_bytes",
        "value",
    )

    def __init__(
        self, name: str, function: Callable[..., Any], arguments: tuple[Any, ...], fold: Fold | None = None
    ) -> None:
        self.name = name
        self.fold = fold
        self.value: Any = None
        self.error: Exception | None = None
        self.is_done = False
        self.readers: list[Pending] = []
        self._function: Callable[..., Any] | None = function
        self._arguments = arguments
        self.size_bytes = sum(one.nbytes for one in arguments if isinstance(one, np.ndarray))
        self._missing = 0
        self._waiting: list[Pending] = []

    def read_by(self, reader: Pending) -> None:
        """Remember who reads it, until they have."""
        self.readers = [*(one for one in self.readers if not one.is_done), reader]

    def following(self) -> Pending | None:
        """Return the fold that takes the next values into this state, if it waits for nothing else."""
        for one in self._waiting:
            if one.fold is not None and one._missing == 1 and one._arguments[0] is self:  # noqa: SLF001 - our own
                return one
        return None

    def run_with(self, others: Sequence[Pending]) -> None:
        """Take several values into a state at once; `others` are the folds that follow, in order."""
        state, values = self._arguments
        following = [one._arguments[1] for one in others]  # noqa: SLF001 - our own
        self._function = cast("FoldOfMany", self.fold).update_all
        self._arguments = (state, [values, *following])
        self.run()
        for one in others:
            one.value, one.error = self.value, self.error
            one._function, one._arguments = None, ()  # noqa: SLF001 - our own

    def run(self) -> None:
        """Call the function, unless one that it needs failed."""
        failed = next((one.error for one in pending_in(self._arguments) if one.error is not None), None)
        try:
            if failed is not None:
                raise failed
            assert self._function is not None
            self.value = self._function(*map(_value, self._arguments))
        except Exception as error:  # noqa: BLE001 - whatever a function raises, where its result is wanted
            self.error = error
        self._function, self._arguments = None, ()


class Threads:
    """Calls functions on threads, each as soon as what it needs is there.

    What changes a state waits for all that read it before, so that every function sees what it would see on one
    thread. Only so many functions wait at a time: whoever brings more is held up, and memory stays flat.

    Parameters
    ----------
    threads : int
        How many.
    waiting : int, optional
        How many functions may wait; by default eight a thread.
    """

    def __init__(self, threads: int, *, waiting: int | None = None) -> None:
        self._limit = waiting or 8 * threads
        self._changed = threading.Condition()
        self._ready: deque[Pending] = deque()
        self._unfinished = 0
        self._bytes = 0
        self._is_open = True
        self._threads = [
            threading.Thread(target=self._work, name=f"pipeline-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def unfinished(self) -> int:
        """How many functions wait or run."""
        return self._unfinished

    @property
    def unfinished_bytes(self) -> int:
        """How much memory the arrays take that wait for a function."""
        return self._bytes

    def call(self, name: str, function: Callable[..., Any], *arguments: Any) -> Pending:
        """See `Compute`."""
        needed = list(pending_in(arguments))
        made = Pending(name, function, arguments)
        for one in needed:
            one.read_by(made)
        return self._submit(made, needed)

    def fold(self, name: str, fold: Fold, state: Any | None, values: Any) -> Pending:
        """See `Compute`."""
        if state is None:
            return self.call(name, fold.begin, values)
        made = Pending(name, fold.update, (state, values), fold)
        needed = list(pending_in((state, values)))
        if isinstance(state, Pending):
            needed += state.readers
        else:  # a state that was loaded: who reads it is not known
            self.wait()
        if isinstance(values, Pending):
            values.read_by(made)
        return self._submit(made, needed)

    def wait(self) -> None:
        """Wait for all that was called."""
        with self._changed:
            self._changed.wait_for(lambda: not self._unfinished)

    def result(self, value: Any) -> Any:
        """Wait for a value.

        Raises
        ------
        Exception
            Whatever the function raised.
        """
        if not isinstance(value, Pending):
            return value
        with self._changed:
            self._changed.wait_for(lambda: value.is_done)
        if value.error is not None:
            raise value.error
        return value.value

    def close(self) -> None:
        """Let the threads end; what has not begun is not done."""
        with self._changed:
            self._is_open = False
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _submit(self, made: Pending, needed: Iterable[Pending]) -> Pending:
        with self._changed:
            self._changed.wait_for(lambda: self._unfinished < self._limit)
            self._unfinished += 1
            self._bytes += made.size_bytes
            for one in needed:
                if not one.is_done:
                    one._waiting.append(made)  # noqa: SLF001 - our own
                    made._missing += 1  # noqa: SLF001 - our own
            if not made._missing:  # noqa: SLF001 - our own
                self._ready.append(made)
                self._changed.notify_all()
        return made

    def _work(self) -> None:
        while tasks := self._next():
            first, *others = tasks
            if others:
                first.run_with(others)
            else:
                first.run()
            self._finished(tasks)

    def _next(self) -> list[Pending]:
        """Take the next function; a fold with those that follow it, where they can be done at once."""
        with self._changed:
            self._changed.wait_for(lambda: self._ready or not self._is_open)
            if not self._is_open:
                return []
            tasks = [self._ready.popleft()]
            if hasattr(tasks[0].fold, "update_all"):
                while len(tasks) < _TOGETHER and (following := tasks[-1].following()) is not None:
                    tasks.append(following)
            return tasks

    def _finished(self, tasks: Sequence[Pending]) -> None:
        with self._changed:
            for task in tasks:
                task.is_done = True
                self._unfinished -= 1
                self._bytes -= task.size_bytes
                for one in task._waiting:  # noqa: SLF001 - our own
                    one._missing -= 1  # noqa: SLF001 - our own
                    if not one._missing and one not in tasks:  # noqa: SLF001 - our own
                        self._ready.append(one)
                task._waiting.clear()  # noqa: SLF001 - our own
            self._changed.notify_all()


def is_pending(value: Any) -> bool:
    """Whether something stands for values that are not there yet."""
    return isinstance(value, Pending)


def pending_in(values: Iterable[Any]) -> Iterable[Pending]:
    """What is awaited among arguments, lists of values among them."""
    for one in values:
        if isinstance(one, Pending):
            yield one
        elif isinstance(one, list | tuple):
            yield from pending_in(one)


def settled(state: Any, threads: Threads) -> Any:
    """A state in which values stand where they were awaited; the state itself is left as it is."""
    return rebuilt(state, lambda one: threads.result(one) if isinstance(one, Pending) else one)


def _value(argument: Any) -> Any:
    if isinstance(argument, Pending):
        return argument.value
    if isinstance(argument, list | tuple):
        return type(argument)(_value(one) for one in argument)
    return argument
