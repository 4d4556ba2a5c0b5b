"""The graph in threads of this process: each takes the most urgent task that can run, and does it."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from dtedask.core.stages import task_ended
from dtedask.products.finishing.outcome import Outcome
from dtedask.products.making.finisher import Finish, Finisher
from dtedask.products.making.report import Report
from dtedask.products.making.state import State
from dtedask.store.runners import Threads as Room

if TYPE_CHECKING:
    from dtedask.products.making.units import Unit
    from dtedask.products.planning.make import Make

__all__ = ["Threads"]


class Threads:
    """Makes products in threads of this process.

    Parameters
    ----------
    count : int
        Threads that compute.
    finishers : int
        Threads that finish products beside them.
    stop : callable
        Says whether nothing more is to begin.
    """

    def __init__(self, count: int, finishers: int, stop: Callable[[], bool]) -> None:
        self._count, self._finishers, self._stop = count, finishers, stop

    def memory_bytes(self) -> int | None:
        """What values may take: half of this machine, or of the control group; the rest is for working."""
        memory = Room(self._count).room().memory_bytes
        return None if memory is None else memory // 2

    def run(self, units: Sequence[Unit], makes: Sequence[Make], report: Report, finish: Finish, limit: int) -> int:
        """Make products, and say how much values took together at most.

        Raises
        ------
        KeyboardInterrupt
            If somebody interrupts: when tasks and products that have begun are done.
        """
        run = _Run(State(units, makes, limit), report, finish, self._finishers, self._stop)
        threads = [
            threading.Thread(target=contextvars.copy_context().run, args=(run.compute,), name=f"make-{n}", daemon=True)
            for n in range(self._count)
        ]
        for thread in threads:
            thread.start()
        try:
            run.wait()
        finally:
            run.end()
            for thread in threads:
                thread.join()
        run.raise_if_broken()
        return run.most_bytes


class _Run:
    """One run: a state that several threads use in turns."""

    def __init__(self, state: State, report: Report, finish: Finish, finishers: int, stop: Callable[[], bool]) -> None:
        self._state, self._report, self._stop = state, report, stop
        self._changed = threading.Condition()
        self._is_ended = False
        self._broken: BaseException | None = None
        self._finisher = Finisher(finish, self._finished, self._break, finishers)

    @property
    def most_bytes(self) -> int:
        return self._state.most_bytes

    def compute(self) -> None:
        """What a thread does: task after task."""
        try:
            while (unit := self._next()) is not None:
                self._do(unit)
        except BaseException as error:  # noqa: BLE001 - it must not be lost in a thread
            self._break(error)

    def wait(self) -> None:
        """Wait until all is made and finished, or nothing more is to begin."""
        with self._changed:
            while not (self._is_ended or self._state.is_over or self._stop()):
                self._changed.wait(0.2)

    def end(self) -> None:
        """Begin nothing more; wait for products that are being finished."""
        with self._changed:
            is_over = self._state.is_over
            self._is_ended = True
            self._changed.notify_all()
        self._finisher.close(drop=not is_over)

    def raise_if_broken(self) -> None:
        if self._broken is not None:
            raise self._broken

    def _next(self) -> Unit | None:
        with self._changed:
            while not self._is_ended:
                unit = self._state.take()
                if unit is not None:
                    return unit
                if self._state.is_made:
                    break
                self._changed.wait()
            self._changed.notify_all()
            return None

    def _do(self, unit: Unit) -> None:
        begin = time.perf_counter()
        values = unit.work(*self._state.inputs_of(unit))
        task_ended(unit.work.steps[0].operation.name, time.perf_counter() - begin)
        with self._changed:
            gathered = self._state.done(unit, values)
            held = self._state.held_bytes
            del values
            self._changed.notify_all()
        self._report.unit_done(unit, held)
        if gathered:
            self._finisher.put(gathered)

    def _finished(self, make: Make, outcomes: Sequence[Outcome]) -> None:
        self._report.product_done(make, outcomes)
        with self._changed:
            self._state.finished(make)
            self._changed.notify_all()

    def _break(self, error: BaseException) -> None:
        with self._changed:
            self._broken = self._broken or error
            self._is_ended = True
            self._changed.notify_all()
