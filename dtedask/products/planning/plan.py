"""The plan: all products of all requirements as one set of values, each of them made once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from dtedask.core.errors import DtedaskError
from dtedask.products.deliveries.places import check_places
from dtedask.products.node import Nodes
from dtedask.products.operations.sharing import share_areas
from dtedask.products.planning.building import Building
from dtedask.products.planning.expansion import Expansion, named_cycles
from dtedask.products.planning.garbage import kept_objects
from dtedask.products.planning.make import Make
from dtedask.products.planning.makes import Makes
from dtedask.products.planning.ordered import Ordered, Ordering

if TYPE_CHECKING:
    from dtedask.products.delivery import DeliveryOptions
    from dtedask.products.node import Node
    from dtedask.products.planning.inventory import Inventory
    from dtedask.products.product import Product
    from dtedask.products.requirement import Cycle, PostProcessing, Requirement

__all__ = ["Delivered", "ProductPlan", "Unmakeable", "Waiting", "plan"]

_FEW = 100


class Delivered(Protocol):
    """What knows which products lie where: a ledger."""

    def delivered(self, product: str, target: str) -> str | None:
        """The digest of what was delivered to a place; None where nothing was."""
        ...


@runtime_checkable
class AllDelivered(Protocol):
    """What can say it of all products together."""

    def delivered_all(self) -> Mapping[tuple[str, str], str]:
        """The digests of all that was delivered, by product and place."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """A product that cannot be made yet.

    Parameters
    ----------
    product : Product
        Which.
    missing : tuple of mapping
        Canonical keys of the fields that do not exist.
    """

    product: Product
    missing: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Unmakeable:
    """What cannot be made as it was ordered; all else is.

    Parameters
    ----------
    requirement : Requirement
        What was ordered.
    product : Product, optional
        Which of its products; None where none can be named.
    error : DtedaskError
        Why.
    """

    requirement: Requirement
    product: Product | None
    error: DtedaskError


@dataclass(frozen=True, slots=True, eq=False)
class ProductPlan:
    """What is made, for whom, in which order; nothing is read yet.

    Parameters
    ----------
    makes : tuple of Make
        What is made once, the most urgent first.
    waiting : tuple of Waiting
        Products whose inputs do not all exist.
    broken : tuple of Unmakeable
        What cannot be made.
    skipped : tuple of Product
        What was delivered already, made of the same.
    nodes : Nodes
        All values on the way.
    now : datetime, optional
        When it was planned, UTC.
    alone : mapping of str to tuple of Node
        By the digests of makes whose areas are cut out of larger ones: their nodes without that.
    """

    makes: tuple[Make, ...]
    waiting: tuple[Waiting, ...] = ()
    broken: tuple[Unmakeable, ...] = ()
    skipped: tuple[Product, ...] = ()
    nodes: Nodes = field(default_factory=Nodes)
    now: datetime | None = None
    alone: Mapping[str, tuple[Node, ...]] = field(default_factory=dict)

    @property
    def products(self) -> tuple[Product, ...]:
        """Products that are made."""
        return tuple(product for make in self.makes for product in make.products)

    @property
    def named(self) -> tuple[Product, ...]:
        """All products that can be named, made or not, the most urgent first."""
        waiting = (one.product for one in self.waiting)
        broken = (one.product for one in self.broken if one.product is not None)
        return tuple(sorted((*self.products, *self.skipped, *waiting, *broken), key=lambda product: product.urgency))

    def __repr__(self) -> str:
        counts = {
            "products": len(self.products),
            "made": len(self.makes),
            "waiting": len(self.waiting),
            "broken": len(self.broken),
            "skipped": len(self.skipped),
        }
        return f"<ProductPlan: {', '.join(f'{count} {name}' for name, count in counts.items())}>"


def plan(
    requirements: Iterable[Requirement],
    inventory: Inventory,
    cycles: Iterable[Cycle] | None = None,
    *,
    products: Iterable[Product] | None = None,
    ledger: Delivered | None = None,
    output: DeliveryOptions | None = None,
    now: datetime | None = None,
) -> ProductPlan:
    """Plan what is made: each value once, equal products once, the most urgent first.

    Parameters
    ----------
    requirements : iterable of Requirement
        What was ordered.
    inventory : Inventory
        What exists.
    cycles : iterable of Cycle, optional
        Of which runs; by default all that there are, and those whose dates a requirement names.
    products : iterable of Product, optional
        Plan these, and expand no requirement.
    ledger : Delivered, optional
        What was delivered already is skipped.
    output : DeliveryOptions, optional
        Where products go whose requirement does not say it.
    now : datetime, optional
        The time, UTC.

    Returns
    -------
    ProductPlan
        Nothing is read; what cannot be made stands in it and stops nothing else.
    """
    planning = _Planning(inventory, ledger, output)
    with kept_objects():
        if products is not None:
            for product in products:
                planning.add(product)
        else:
            there = inventory.cycles if cycles is None else tuple(cycles)
            for requirement in requirements:
                for cycle in there if cycles is not None else named_cycles(requirement, there):
                    planning.expand(requirement, cycle)
        return planning.result(now)


class _Planning:
    """What is known while a plan is made: first what products need, then, of those that lack nothing, how."""

    def __init__(self, inventory: Inventory, ledger: Delivered | None, output: DeliveryOptions | None) -> None:
        self._ledger, self._output = ledger, output
        self._all_delivered: Mapping[tuple[str, str], str] | None = None
        self._expansion = Expansion(inventory)
        self._ordering = Ordering(inventory)
        self._building = Building(Nodes())
        self._makes = Makes(self._building.nodes)
        self._hows: dict[PostProcessing, PostProcessing] = {}
        self._ready: list[tuple[Product, PostProcessing, tuple[Ordered, ...]]] = []
        self._made: dict[str, Make] = {}
        self._products: dict[str, list[Product]] = {}
        self._waiting: list[Waiting] = []
        self._broken: list[Unmakeable] = []
        self._skipped: list[Product] = []

    def expand(self, requirement: Requirement, cycle: Cycle) -> None:
        """Plan the products of a requirement for a cycle."""
        try:
            if self._output is not None and not requirement.delivery:
                check_places(requirement.format, (self._output,))
            found = list(self._expansion.products(requirement, cycle))
        except DtedaskError as error:
            self._broken.append(Unmakeable(requirement, None, error))
            return
        for product in found:
            self.add(product)

    def add(self, product: Product) -> None:
        """See what a product needs."""
        own = product.requirement.how
        how = self._hows.setdefault(own, own)
        try:
            ordered = self._ordering.of(product, how)
        except DtedaskError as error:
            self._broken.append(Unmakeable(product.requirement, product, error))
            return
        missing = tuple(keys for one in ordered for keys in one.missing)
        if missing:
            self._waiting.append(Waiting(product, missing))
        else:
            self._ready.append((product, how, ordered))

    def _make(self, product: Product, how: PostProcessing, ordered: Sequence[Ordered]) -> None:
        try:
            make = self._makes.of(product, [self._building.processed(one, how) for one in ordered])
        except DtedaskError as error:
            self._broken.append(Unmakeable(product.requirement, product, error))
            return
        if self._is_delivered(product, make.digest):
            self._skipped.append(product)
            return
        self._made.setdefault(make.digest, make)
        self._products.setdefault(make.digest, []).append(product)

    def _is_delivered(self, product: Product, digest: str) -> bool:
        if self._ledger is None:
            return False
        places = product.requirement.delivery or ((self._output,) if self._output is not None else ())
        return bool(places) and all(self._delivered(product.id, place.target) == digest for place in places)

    def _delivered(self, product: str, target: str) -> str | None:
        """Digest of what lies at a place; of many products all are asked for together."""
        assert self._ledger is not None
        if self._all_delivered is None:
            if len(self._ready) < _FEW or not isinstance(self._ledger, AllDelivered):
                return self._ledger.delivered(product, target)
            self._all_delivered = self._ledger.delivered_all()
        return self._all_delivered.get((product, target))

    def result(self, now: datetime | None) -> ProductPlan:
        """The plan."""
        for one in self._ready:
            self._make(*one)
        shared = share_areas(self._building.nodes, [node for make in self._made.values() for node in make.nodes])
        alone: dict[str, tuple[Node, ...]] = {}
        makes = []
        for digest, make in self._made.items():
            nodes = tuple(shared.get(node, node) for node in make.nodes) if shared else make.nodes
            if nodes != make.nodes:
                alone[digest] = make.nodes
            makes.append(_for(make, nodes, self._products[digest]))
        return ProductPlan(
            makes=tuple(sorted(makes, key=lambda make: make.urgency)),
            waiting=tuple(self._waiting),
            broken=tuple(self._broken),
            skipped=tuple(self._skipped),
            nodes=self._building.nodes,
            now=now,
            alone=alone,
        )


def _for(make: Make, nodes: tuple[Node, ...], products: Sequence[Product]) -> Make:
    """What is made for some products, the most urgent of them first, of some nodes."""
    if len(products) == 1 and nodes is make.nodes:
        return make
    return replace(make, nodes=nodes, products=tuple(sorted(products, key=lambda one: one.urgency)))
