"""Finding out what became of products: what the plan says, what the ledger knows, and what a process does now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dtedask.core.errors import DtedaskError
from dtedask.core.settings import setting
from dtedask.products.deliveries.places import deliveries_of
from dtedask.products.ledger.known import Known
from dtedask.products.live.cycles import expected_cycles, expected_since
from dtedask.products.live.live_file import LiveRun, find_live_run
from dtedask.products.planning.plan import ProductPlan, plan
from dtedask.products.status.overview import Status
from dtedask.products.status.product_status import Place, ProductState, ProductStatus

if TYPE_CHECKING:
    from dtedask.products.delivery import DeliveryOptions
    from dtedask.products.ledger import DeliveryRow, Ledger, ProductRow
    from dtedask.products.planning.inventory import Inventory
    from dtedask.products.product import Product
    from dtedask.products.requirement import Cycle, Requirement

__all__ = ["status"]
_LOOK_BACK = timedelta(days=2)


def status(
    requirements: Iterable[Requirement],
    ledger: Ledger,
    inventory: Inventory,
    *,
    cycles: Iterable[Cycle] | None = None,
    states: Sequence[str] = (),
    owner: str = "",
    output: DeliveryOptions | None = None,
    now: datetime,
) -> Status:
    """Say of each product what became of it. Nothing is read but which fields exist.

    Parameters
    ----------
    requirements : iterable of Requirement
        What was ordered.
    ledger : Ledger
        What was made and delivered.
    inventory : Inventory
        What exists.
    cycles : iterable of Cycle, optional
        Of which runs; by default all that there are, and those whose time has come though nothing of them has.
    states : sequence of str
        Only products that are so far, or ``late``; all by default.
    owner : str
        Only products of an owner; of all by default.
    output : DeliveryOptions, optional
        Where products go whose requirement does not say it.
    now : datetime
        The time, UTC.
    """
    wanted = [one for one in requirements if not owner or one.owner == owner]
    run = find_live_run(ledger.folder)
    if run is not None:  # it waits for what a run before had, and so does what is told of it
        inventory = inventory.while_it_runs()
    runs = tuple(_cycles(wanted, inventory, now) if cycles is None else cycles)
    planned = plan(wanted, inventory, runs, ledger=Known(ledger), output=output, now=now)
    finding = _Finding(ledger, runs, run, output, now)
    found = sorted(finding.products(planned), key=lambda one: one.product.urgency)
    shown = tuple(one for one in found if not states or one.state in states or ("late" in states and one.is_late))
    broken = tuple(one for one in planned.broken if one.product is None)
    return Status(shown, broken, now, finding.live)


def _cycles(requirements: Sequence[Requirement], inventory: Inventory, now: datetime) -> list[Cycle]:
    """Cycles that there are, and those of which there is nothing yet though they should have begun."""
    open_for = setting("products.live.open-for")
    after = now - (_LOOK_BACK if open_for is None else timedelta(seconds=open_for))
    expected = expected_cycles(requirements, after=max(after, expected_since(inventory.cycles, now)), until=now)
    return sorted({*inventory.cycles, *expected})


class _Finding:
    def __init__(
        self,
        ledger: Ledger,
        cycles: Iterable[Cycle],
        run: LiveRun | None,
        output: DeliveryOptions | None,
        now: datetime,
    ) -> None:
        self._rows = {row.product: row for cycle in cycles for row in ledger.products(cycle=str(cycle))}
        self._run, self._output, self._now = run, output, now

    @property
    def live(self) -> str:
        return "" if self._run is None else self._run.state

    def products(self, planned: ProductPlan) -> Iterable[ProductStatus]:
        for product in planned.skipped:
            yield self._status(product, "delivered")
        for waiting in planned.waiting:
            # What was delivered is there, though its input may have been wiped since.
            state: ProductState = "delivered" if self._is_there(waiting.product) else "waiting"
            yield self._status(waiting.product, state, missing=waiting.missing if state == "waiting" else ())
        for make in planned.makes:
            yield from (self._to_make(product, make.digest) for product in make.products)
        for one in planned.broken:
            if one.product is not None:
                yield self._status(one.product, "failed", error=str(one.error))

    def _to_make(self, product: Product, digest: str) -> ProductStatus:
        """A product with all of its input that is not delivered as this input gives it."""
        row = self._rows.get(product.id)
        if self._run is not None and product.id in self._run.running:
            return self._status(product, "running")
        if row is not None and row.digest == digest:
            error = _error_of(row, digest)
            if row.state == "made":
                return self._status(product, "made", error=error)
            if row.state == "failed" or error:
                return self._status(product, "failed", error=row.error or error)
            if row.state == "running" and self._run is None:
                return self._status(product, "running")
        return self._status(product, "outdated" if self._is_there(product) else "ready")

    def _status(
        self, product: Product, state: ProductState, *, missing: Sequence[Mapping[str, str]] = (), error: str = ""
    ) -> ProductStatus:
        row = self._rows.get(product.id)
        places = self._places(product, row)
        since = None if row is None else row.time
        late_by = _late_by(product, state, places, self._now)
        return ProductStatus(product, state, tuple(missing), error, late_by, since, places, self.live)

    def _places(self, product: Product, row: ProductRow | None) -> tuple[Place, ...]:
        known = {one.target: one for one in (() if row is None else row.deliveries)}
        return tuple(_place(target, known.get(target)) for target in self._targets(product))

    def _targets(self, product: Product) -> list[str]:
        try:
            return [one.target for one in deliveries_of(product, self._output)]
        except DtedaskError:
            return []

    def _is_there(self, product: Product) -> bool:
        """Whether some content of a product lies at all of its places."""
        row = self._rows.get(product.id)
        known = {one.target for one in (() if row is None else row.deliveries) if one.delivered}
        targets = self._targets(product)
        return bool(targets) and known >= set(targets)


def _place(target: str, row: DeliveryRow | None) -> Place:
    if row is None:
        return Place(target)
    return Place(target, row.location, row.time, row.attempts, row.error)


def _error_of(row: ProductRow, digest: str) -> str:
    """Why a content is not at all places where it was tried."""
    errors = [f"{one.target}: {one.error}" for one in row.deliveries if one.digest == digest and one.error]
    return "; ".join(errors)


def _late_by(product: Product, state: ProductState, places: Sequence[Place], now: datetime) -> timedelta | None:
    if product.due is None:
        return None
    times = [one.time for one in places if one.time is not None]
    when = max(times, default=now) if state == "delivered" else now
    return None if when <= product.due or state == "outdated" else when - product.due
