"""What comes back from workers: the values of tasks, and the products that they complete."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import WorkerLostError
from dtedask.products.finishing.outcome import Outcome
from dtedask.products.making.finisher import Finish, Finisher
from dtedask.products.making.report import Report
from dtedask.products.making.state import Gathered, State

if TYPE_CHECKING:
    from dtedask.products.making.units import Unit
    from dtedask.products.planning.make import Make

__all__ = ["Coming"]

_ASK_EVERY_S = 0.2


class Coming:
    """The tasks whose values come here, and the products that they complete.

    Parameters
    ----------
    units : sequence of Unit
        All tasks.
    makes : sequence of Make
        What is made of them.
    report : Report
        Hears of tasks and products.
    finish : callable
        Finishes products.
    finishers : int
        How many side by side.
    keeps_lost : bool
        Whether products whose workers died are kept for another try; else they have failed.
    """

    def __init__(
        self,
        units: Sequence[Unit],
        makes: Sequence[Make],
        report: Report,
        finish: Finish,
        finishers: int,
        *,
        keeps_lost: bool = False,
    ) -> None:
        ends = {id(node) for make in makes for node in make.nodes}
        self._units = {unit.key: unit for unit in units}
        self.wanted = {unit.key: unit for unit in units if any(id(node) in ends for node in unit.nodes)}
        self._alone = {key: replace(unit, needs=(), uses=()) for key, unit in self.wanted.items()}
        self._state = State(list(self._alone.values()), makes)
        while self._state.take() is not None:
            pass  # Dask says which is next
        self._known: set[str] = set()
        self._keeps_lost = keeps_lost
        self.lost: list[Gathered] = []
        """Products whose workers died."""
        self._report = report
        self._changed = threading.Condition()
        self._broken: BaseException | None = None
        self._finisher = Finisher(finish, self._finished, self._break, finishers)

    def is_ended(self) -> bool:
        """Whether nothing that comes helps."""
        return self._broken is not None

    def came(self, values: Mapping[str, Sequence[Any]]) -> None:
        """Take the values of tasks."""
        for key, found in values.items():
            with self._changed:
                gathered = self._state.done(self._alone[key], found)
            self._tell(key)
            self._finisher.put([one for one in gathered if not self._is_kept(one)])

    def wait_for_room(self, limit: int, stop: Callable[[], bool]) -> None:
        """Wait until enough of what came is finished."""
        with self._changed:
            while self._state.is_finishing and self._state.held_bytes > limit and self._broken is None and not stop():
                self._changed.wait(_ASK_EVERY_S)

    def end(self, *, drop: bool) -> None:
        """Wait until all that came is finished; with `drop` only what has begun."""
        self._finisher.close(drop=drop or self._broken is not None)
        if self._broken is not None and not drop:
            raise self._broken

    def _is_kept(self, one: Gathered) -> bool:
        if not (self._keeps_lost and isinstance(one.error, WorkerLostError)):
            return False
        self.lost.append(one)
        with self._changed:
            self._state.finished(one.make)
        return True

    def _tell(self, key: str) -> None:
        """All that a task needs was done before it."""
        waiting = [key]
        while waiting:
            found = waiting.pop()
            if found not in self._known:
                self._known.add(found)
                self._report.unit_done(self._units[found])
                waiting += self._units[found].needs

    def _finished(self, make: Make, outcomes: Sequence[Outcome]) -> None:
        self._report.product_done(make, outcomes)
        with self._changed:
            self._state.finished(make)
            self._changed.notify_all()

    def _break(self, error: BaseException) -> None:
        with self._changed:
            self._broken = self._broken or error
            self._changed.notify_all()
