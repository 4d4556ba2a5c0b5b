"""The loop around the state machine: commits in, products out, until it is told to stop."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dtedask.core.commit import Commit
from dtedask.core.errors import DtedaskError, StoreError
from dtedask.products.deliveries.places import deliveries_of
from dtedask.products.finishing.outcome import Outcome
from dtedask.products.live.cycles import expected_since
from dtedask.products.live.ends import ends_of
from dtedask.products.live.events import (
    Close,
    Committed,
    Delivered,
    Event,
    Expand,
    Failed,
    Found,
    Instruction,
    Lacking,
    Late,
    Old,
    Opened,
    Required,
    Start,
    Tick,
)
from dtedask.products.live.expanding import Expanding, net_fields, present_of
from dtedask.products.live.maker import BatchEnded, Maker, MakesEnded
from dtedask.products.live.notes import Broken, Happening, Note, log_note, note_of
from dtedask.products.live.order import Order, need_of
from dtedask.products.live.orders import Orders
from dtedask.products.live.pacing import Pacing
from dtedask.products.planning.plan import plan

if TYPE_CHECKING:
    from dtedask.products.live.maker import Finishes, MakeBatch
    from dtedask.products.planning.inventory import Inventory
    from dtedask.products.planning.plan import Unmakeable, Waiting
    from dtedask.products.product import Product
    from dtedask.products.requirement import Requirement

__all__ = ["Following", "Item"]

Item = Commit | MakesEnded | BatchEnded | Exception
_LOOK_AT_STOP_S = 0.1
_AGAIN_S = 1.0

logger = logging.getLogger(__name__)


class Following:
    """Makes products as fields come.

    Parameters
    ----------
    requirements : sequence of Requirement
        What was ordered.
    inventory : Inventory
        What exists; commits are added to it.
    items : queue
        Where commits come from; ends of products come through it too.
    finishing : Finishes
        Finishes products; knows the ledger and the output.
    make : MakeBatch
        Makes plans.
    pacing : Pacing, optional
        How long things are waited for.
    on_event : callable
        Hears of everything that people may want to know, in the thread of the loop; by default it is logged.
    now : callable
        Gives the time, UTC.
    """

    def __init__(
        self,
        requirements: Sequence[Requirement],
        inventory: Inventory,
        items: queue.SimpleQueue[Item],
        *,
        finishing: Finishes,
        make: MakeBatch,
        pacing: Pacing | None = None,
        on_event: Callable[[Note], None] = log_note,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._inventory, self._items = inventory, items
        self._ledger, self._output = finishing.ledger, finishing.output
        self._on_event, self._now = on_event, now
        self._orders = Orders(pacing, since=expected_since(inventory.cycles, now()))
        self._maker = Maker(make, finishing, items.put)
        self._ready: dict[str, Product] = {}
        self._making: dict[str, tuple[Product, str]] = {}
        self._again: list[tuple[float, Expand]] = []
        self._broken: set[tuple[str, str, str]] = set()
        self._busy_at = time.monotonic()
        self.counts: Counter[str] = Counter()
        self.failed: set[str] = set()  # and not delivered since
        self.require(requirements)

    def require(self, requirements: Sequence[Requirement]) -> None:
        """Take these requirements from now on."""
        self._tell(Required(tuple(requirements)))
        self._tell(Found(self._inventory.cycles))

    def run(
        self, *, stop: threading.Event, idle_s: float | None = None, on_turn: Callable[[], None] = lambda: None
    ) -> None:
        """Go on until told to stop, or until nothing has come and nothing was done for a while.

        Parameters
        ----------
        stop : threading.Event
            Ends it: what is being finished is finished, nothing more is begun.
        idle_s : float, optional
            Ends it after so many seconds without a commit and without anything to do.
        on_turn : callable
            Called again and again, several times a second.
        """
        try:
            while not stop.is_set() and not self._is_idle(idle_s):
                self.turn(_LOOK_AT_STOP_S)
                on_turn()
        finally:
            self._maker.close()
            while not self._items.empty():
                self._take(self._items.get())

    def turn(self, wait_s: float) -> None:
        """Do all there is to do; wait for something to come if there is nothing."""
        found = self._come(wait_s)
        commits = [one for one in found if isinstance(one, Commit)]
        if commits:
            self._committed(commits)
        for one in found:
            if not isinstance(one, Commit):
                self._take(one)
        self._look_again()
        self._begin()  # what was delivered before is found to be, and not told to be late
        self._tell(Tick())
        self._begin()

    def status(self) -> dict[str, Any]:
        """How it stands, for those who look from outside."""
        return {
            "cycles": [str(cycle) for cycle in self._orders.cycles],
            "orders": len(self._orders),
            "running": sorted({*self._making, *self._ready}),
            "counts": dict(self.counts),
            "updated": f"{self._now():%Y-%m-%dT%H:%M:%SZ}",
        }

    # What comes

    def _come(self, wait_s: float) -> list[Item]:
        """All that has come, so that what comes together is planned together."""
        found: list[Item] = []
        try:
            found.append(self._items.get(timeout=wait_s))
            while True:
                found.append(self._items.get_nowait())
        except queue.Empty:
            return found

    def _committed(self, commits: Sequence[Commit]) -> None:
        for commit in commits:
            self._inventory.add(commit)
            self.counts["commits"] += 1
            self._happened(commit)
        written, wiped = net_fields(commits)
        self._busy_at = time.monotonic()
        self._tell(Committed(written, wiped))

    def _take(self, item: Item) -> None:
        match item:
            case MakesEnded():
                self._ended(item.outcomes, item.make.products)
            case BatchEnded():
                self._batch_ended(item)
            case Exception():
                raise item

    def _batch_ended(self, batch: BatchEnded) -> None:
        self._maker.ended()
        if batch.error is not None:
            raise batch.error
        assert batch.made is not None
        failed = [one for one in batch.made.outcomes if one.product.id in self._making]
        self._ended(failed, [one.product for one in failed])
        for make in batch.made.left:
            for product in make.products:
                self._making.pop(product.id, None)
                self._ready[product.id] = product

    def _ended(self, outcomes: Sequence[Outcome], products: Iterable[Product]) -> None:
        self._busy_at = time.monotonic()
        for outcome in outcomes:
            if outcome.error is not None and not outcome.target:
                _, digest = self._making.get(outcome.product.id, (None, ""))
                self._ledger.failed(outcome.product, outcome.error, digest=digest, now=self._now())
            if outcome.attempts:  # else it was there already
                self.counts["delivered" if outcome.is_delivered else "failed"] += 1
                self._happened(outcome)
        for event in ends_of(products, outcomes):
            self._making.pop(event.product, None)
            (self.failed.add if isinstance(event, Failed) else self.failed.discard)(event.product)
            self._tell(event)

    # What is to be done

    def _tell(self, event: Event) -> None:
        events = deque([event])
        while events:
            for instruction in self._orders.handle(events.popleft(), self._now()):
                events.extend(self._do(instruction))

    def _do(self, instruction: Instruction) -> list[Event]:
        match instruction:
            case Expand():
                return self._expand(instruction)
            case Start():
                self._ready.update({product.id: product for product in instruction.products})
            case Late():
                self.counts["late"] += 1
                self._happened(instruction)
            case Close():
                self._inventory.let_go(instruction.cycle)
                self._happened(instruction)
            case Old():
                self._happened(instruction)
        return []

    def _expand(self, expand: Expand) -> list[Event]:
        orders: list[Order] = []
        try:
            expanding = Expanding(self._inventory, expand.cycle)
            for requirement in expand.requirements:
                orders += self._orders_of(requirement, expanding)
            present = present_of(orders, self._inventory)
        except StoreError as error:  # a storage that is away for a moment is asked again
            logger.warning("Cannot look at cycle %s, trying again: %s", expand.cycle, error)
            self._again.append((time.monotonic() + _AGAIN_S, expand))
            return []
        new = (order.product for order in orders if order.id not in self._orders)
        delivered = frozenset(product.id for product in new if self._was_delivered(product))
        opened = Opened(expand.cycle, expand.requirements, tuple(orders), present, delivered)
        self._note_waiting(opened)
        self._happened(opened)
        return [opened]

    def _orders_of(self, requirement: Requirement, expanding: Expanding) -> list[Order]:
        try:
            return expanding.orders(requirement)
        except StoreError:
            raise
        except DtedaskError as error:
            self._break(Broken(requirement, expanding.cycle, error))
            return []

    def _look_again(self) -> None:
        due = [expand for when, expand in self._again if when <= time.monotonic()]
        self._again = [one for one in self._again if one[1] not in due]
        for expand in due:
            for event in self._expand(expand):
                self._tell(event)

    def _break(self, broken: Broken) -> None:
        """Tell of a broken requirement, once for each cycle."""
        place = (broken.requirement.name, str(broken.cycle), str(broken.error))
        if place not in self._broken:
            self._broken.add(place)
            self._happened(broken)

    def _begin(self) -> None:
        """Make what is ready, all of it as one plan; what is more urgent than all that is being made does not wait."""
        while self._ready and not self._maker.is_busy:
            self._plan(self._take_ready())
        if (
            self._ready
            and self._making
            and _first(self._ready.values()) < _first(one for one, _ in self._making.values())
        ):
            self._maker.interrupt()

    def _take_ready(self) -> list[Product]:
        """What is ready, as it is ordered now, the most urgent first."""
        names, self._ready = list(self._ready), {}
        found = []
        for name in names:
            product = self._orders.current(name)
            if product is None:
                self._tell(Failed(name, "Nobody orders it any more.", is_lasting=True))
            else:
                found.append(product)
        return sorted(found, key=lambda product: product.urgency)

    def _plan(self, products: Sequence[Product]) -> None:
        planned = plan(
            (), self._inventory, products=products, ledger=self._ledger, output=self._output, now=self._now()
        )
        for product in planned.skipped:
            self._tell(Delivered(product.id))
        for waiting in planned.waiting:
            self._lacks(waiting)
        for one in planned.broken:
            self._cannot_be_made(one)
        if planned.makes:
            digests = [(product, make.digest) for make in planned.makes for product in make.products]
            self._making.update({product.id: (product, digest) for product, digest in digests})
            self._ledger.running(digests, now=self._now())
            self._happened(planned)
            self._maker.start(planned)

    def _lacks(self, waiting: Waiting) -> None:
        """A product was started and lacks inputs: some are gone, or it is made of others than was thought."""
        product, missing = waiting.product, tuple(map(need_of, waiting.missing))
        is_known = set(missing) <= set(self._orders.needs(product.id))
        self._tell(Lacking(product.id, missing))
        if not is_known:
            for event in self._expand(Expand(product.cycle, (product.requirement,))):
                self._tell(event)

    def _cannot_be_made(self, unmakeable: Unmakeable) -> None:
        product, error = unmakeable.product, unmakeable.error
        assert product is not None
        if not isinstance(error, StoreError):
            self._ledger.failed(product, error, now=self._now())
        self.counts["failed"] += 1
        self.failed.add(product.id)
        self._happened(Outcome(product, "", error=error))
        self._tell(Failed(product.id, str(error), is_lasting=not isinstance(error, StoreError)))

    def _was_delivered(self, product: Product) -> bool:
        """Whether some content of a product is at all of its places."""
        try:
            places = deliveries_of(product, self._output)
        except DtedaskError:
            return False
        return all(self._ledger.delivered(product.id, place.target) is not None for place in places)

    def _note_waiting(self, opened: Opened) -> None:
        missing = {
            order.product: [dict(need) for need in order.needs if need not in opened.present]
            for order in opened.orders
            if order.id not in opened.delivered
        }
        known = {product: keys for product, keys in missing.items() if keys and product.id not in self._orders}
        self._ledger.waiting(known, now=self._now())

    def _is_idle(self, idle_s: float | None) -> bool:
        if idle_s is None or self._making or self._ready or self._again or not self._items.empty():
            return False
        return time.monotonic() - self._busy_at >= idle_s

    def _happened(self, happening: Happening) -> None:
        self._on_event(note_of(happening))


def _first(products: Iterable[Product]) -> tuple[float, int]:
    """Deadline and priority of the most urgent one; names do not count."""
    return min(product.urgency[:2] for product in products)
