"""What is known of a run so far: counts, outcomes, and who wants to hear of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from dtedask.products.finishing.outcome import Outcome
from dtedask.products.making.made import Counts, Made
from dtedask.products.making.progress import Making

if TYPE_CHECKING:
    from dtedask.products.making.units import Unit
    from dtedask.products.planning.make import Make

__all__ = ["Report"]

_TELL_EVERY_S = 0.1


class Report:
    """Counts what is done, from any thread.

    Parameters
    ----------
    makes : sequence of Make
        All that is to be made.
    on_progress : callable, optional
        Hears of progress: whenever a product has ended, and otherwise ten times a second at most. One call at a time.
    clock : callable
        Gives seconds that never go back.
    """

    def __init__(
        self,
        makes: Sequence[Make],
        on_progress: Callable[[Making], None] | None = None,
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._on_progress = on_progress
        self._clock = clock
        self._begin = self._told = clock()
        self._lock = threading.RLock()
        self._outcomes: list[Outcome] = []
        self._left = {id(make): make for make in makes}
        self._totals = [sum(len(make.products) for make in makes), 0, 0]
        self._done = [0, 0]
        self._tasks = self._read = 0
        self._counts = Counts()

    def planned(self, units: Sequence[Unit]) -> None:
        """Hear of tasks that will be done."""
        with self._lock:
            self._totals[1] += len(units)
            self._totals[2] += sum(len(unit.nodes) for unit in units if unit.is_read)

    def unit_done(self, unit: Unit, held_bytes: int = 0) -> None:
        """Hear of a task that has ended."""
        with self._lock:
            self._tasks += 1
            if unit.is_read:
                self._read += len(unit.nodes)
            if self._clock() - self._told >= _TELL_EVERY_S:
                self._tell(held_bytes)

    def product_done(self, make: Make, outcomes: Sequence[Outcome]) -> None:
        """Hear what became of the products of a make."""
        with self._lock:
            self._left.pop(id(make), None)
            self._outcomes += outcomes
            failed = {id(one.product) for one in outcomes if not one.is_delivered}
            self._done[0] += len(make.products) - len(failed)
            self._done[1] += len(failed)
            self._tell(0)

    def counted(self, counts: Counts) -> None:
        """Take the counts of a part of the run."""
        with self._lock:
            self._counts += counts

    def made(self) -> Made:
        """What became of everything."""
        with self._lock:
            return Made(tuple(self._outcomes), tuple(self._left.values()), self._counts, self._clock() - self._begin)

    def _tell(self, held_bytes: int) -> None:
        self._told = self._clock()
        if self._on_progress is not None:
            products, tasks, fields = self._totals
            done, failed = self._done
            now = self._told - self._begin
            self._on_progress(Making(done, failed, products, self._tasks, tasks, self._read, fields, held_bytes, now))
