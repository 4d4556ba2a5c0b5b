"""Where products are made and delivered while the loop goes on looking for fields."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dtedask.products.delivery import DeliveryOptions
    from dtedask.products.finishing import Outcome
    from dtedask.products.ledger import Ledger
    from dtedask.products.making import Made
    from dtedask.products.planning.make import Make
    from dtedask.products.planning.plan import ProductPlan
    from dtedask.products.product import Part

__all__ = ["BatchEnded", "Finishes", "MakeBatch", "Maker", "MakesEnded"]


class Finishes(Protocol):
    """What finishes products: `dtedask.products.finishing.Finishing`."""

    ledger: Ledger
    output: DeliveryOptions | None

    def __call__(self, make: Make, parts: Sequence[Part]) -> list[Outcome]:
        """Finish what was made."""

    def is_staged(self, make: Make) -> bool:
        """Whether it was made before and waits for its delivery."""

    def finish_staged(self, make: Make) -> list[Outcome] | None:
        """Deliver what was made before."""


class MakeBatch(Protocol):
    """What makes products: `dtedask.products.making.make` with all of its other options."""

    def __call__(
        self,
        plan: ProductPlan,
        *,
        finish: Callable[[Make, Sequence[Part]], Sequence[Outcome] | None],
        stop: Callable[[], bool],
    ) -> Made:
        """Make what is planned."""


@dataclass(frozen=True, slots=True, eq=False)
class MakesEnded:
    """What became of some products at all of their places."""

    make: Make
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True, eq=False)
class BatchEnded:
    """All that was begun together has ended; `left` was not begun."""

    made: Made | None
    error: BaseException | None = None


class Maker:
    """Makes one plan at a time; what was made before and not delivered is delivered beside it.

    A place of delivery that does not answer so holds up nobody who goes elsewhere.

    Parameters
    ----------
    make : MakeBatch
        Makes plans.
    finishing : Finishes
        Finishes products.
    put : callable
        Hears what became of them, from several threads.
    """

    def __init__(self, make: MakeBatch, finishing: Finishes, put: Callable[[MakesEnded | BatchEnded], None]) -> None:
        self._make, self._finishing, self._put = make, finishing, put
        self._interrupted = threading.Event()
        self._stopped = threading.Event()
        self._batch: threading.Thread | None = None
        self._staged: queue.SimpleQueue[Make | None] = queue.SimpleQueue()
        self._deliverer = threading.Thread(target=self._deliver, name="deliver-staged", daemon=True)
        self._deliverer.start()

    @property
    def is_busy(self) -> bool:
        """Whether a plan is being made."""
        return self._batch is not None

    def start(self, plan: ProductPlan) -> None:
        """Begin with a plan; what is staged is delivered first, and beside it."""
        staged = [make for make in plan.makes if self._finishing.is_staged(make)]
        for make in staged:
            self._staged.put(make)
        elsewhere = {make.digest for make in staged}
        to_make = replace(plan, makes=tuple(make for make in plan.makes if make.digest not in elsewhere))
        if to_make.makes:
            self._interrupted.clear()
            context = contextvars.copy_context()
            self._batch = threading.Thread(target=context.run, args=(self._run, to_make), name="make", daemon=True)
            self._batch.start()

    def interrupt(self) -> None:
        """Begin nothing more of the plan under way; what has begun is finished."""
        self._interrupted.set()

    def ended(self) -> None:
        """Take notice that the plan under way has ended."""
        if self._batch is not None:
            self._batch.join()
            self._batch = None

    def close(self) -> None:
        """End: nothing more is begun, and what has begun is finished."""
        self._stopped.set()
        self._staged.put(None)
        if self._batch is not None:
            self._batch.join()
        self._deliverer.join()

    def _run(self, plan: ProductPlan) -> None:
        try:
            made = self._make(plan, finish=self._finish, stop=self._is_stopped)
        except BaseException as error:  # noqa: BLE001 - it is raised where the batch is waited for
            self._put(BatchEnded(None, error))
        else:
            self._put(BatchEnded(made))

    def _is_stopped(self) -> bool:
        return self._interrupted.is_set() or self._stopped.is_set()

    def _finish(self, make: Make, parts: Sequence[Part]) -> list[Outcome]:
        outcomes = self._finishing(make, parts)
        self._put(MakesEnded(make, tuple(outcomes)))
        return outcomes

    def _deliver(self) -> None:
        while (make := self._staged.get()) is not None and not self._stopped.is_set():
            try:
                outcomes = self._finishing.finish_staged(make)
            except Exception as error:  # noqa: BLE001 - as above
                self._put(BatchEnded(None, error))
                return
            self._put(MakesEnded(make, tuple(outcomes or ())))
