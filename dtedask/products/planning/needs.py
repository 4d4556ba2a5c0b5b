"""What a product needs: which fields that exist or will, by their keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dtedask.products.planning.canonical import canonical

if TYPE_CHECKING:
    from dtedask.products.planning.available import Available
    from dtedask.products.planning.inventory import CycleFields, Inventory
    from dtedask.products.product import Product

__all__ = ["Need", "inputs_of_product", "needs_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Need:
    """One field of a product, and what it is made of.

    Parameters
    ----------
    keys : mapping
        Its keys.
    available : Available, optional
        The field itself, where it exists.
    inputs : tuple of Need
        What it is made of, where it is derived.
    """

    keys: Mapping[str, str]
    available: Available | None = None
    inputs: tuple[Need, ...] = field(default=())

    @property
    def missing(self) -> tuple[Mapping[str, str], ...]:
        """Canonical keys of the fields that do not exist."""
        if self.inputs:
            return tuple(keys for one in self.inputs for keys in one.missing)
        return () if self.available is not None else (canonical(self.keys),)

    @property
    def fields(self) -> tuple[Mapping[str, str], ...]:
        """Canonical keys of all fields that are read for it, whether they exist or not."""
        if self.inputs:
            return tuple(keys for one in self.inputs for keys in one.fields)
        return (canonical(self.keys),)


def needs_of(product: Product, known: CycleFields) -> tuple[Need, ...]:
    """What each field of a product is made of; nothing is read."""
    return tuple(Need(keys, known.find(keys)) for keys in product.fields)


def inputs_of_product(product: Product, inventory: Inventory) -> tuple[Mapping[str, str], ...]:
    """Canonical keys of every field that is read for a product, each once, whether it exists or not."""
    found: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {}
    for need in needs_of(product, inventory.at(product.cycle)):
        for keys in need.fields:
            found[tuple(sorted(keys.items()))] = keys
    return tuple(found.values())
