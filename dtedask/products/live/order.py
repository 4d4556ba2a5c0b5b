"""A product that is waited for, and the fields that it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from dtedask.products.product import Product

__all__ = ["LeftOpen", "Need", "Order", "need_of"]

Need = tuple[tuple[str, str], ...]
"""Keys of one field as far as a product names them, in the order of their names: any field that has them answers."""

LeftOpen = Literal["nothing", "keys", "products", "ways", "fields"]
"""What a requirement leaves to what exists: nothing; keys that its fields will tell, such as their class; which
products there are, such as one for each step; of which fields they are made, as long as none of them has come; or which
fields a product holds, such as all members."""


def need_of(keys: Mapping[str, str]) -> Need:
    """Keys in canonical form as a need."""
    return tuple(sorted(keys.items()))


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """A product and its inputs.

    Parameters
    ----------
    product : Product
        What is to be made.
    needs : tuple of Need
        Fields that it is made of, whether they exist or not, each once.
    left_open : LeftOpen
        What its requirement leaves to what exists. Where that is anything, it is looked at again when fields come;
        where it is the fields of the product, nobody says when the last has come, and the product waits until nothing
        has come for a while.
    """

    product: Product
    needs: tuple[Need, ...]
    left_open: LeftOpen = "nothing"

    @property
    def id(self) -> str:
        """That of the product."""
        return self.product.id

    def __repr__(self) -> str:
        return f"<Order {self.id}: {len(self.needs)} inputs, {self.left_open} left open>"
