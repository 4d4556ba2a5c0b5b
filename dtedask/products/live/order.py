"""A product that is waited for, and the fields that it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.products.product import Product

__all__ = ["Need", "Order", "need_of"]

Need = tuple[tuple[str, str], ...]
"""Keys of one field as far as a product names them, in the order of their names: any field that has them answers."""


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
    grows : bool
        Whether the needs are those of which something exists (``all`` steps, all members): more may come, and nobody
        says when it was the last. Such a product waits until nothing has come for a while.
    """

    product: Product
    needs: tuple[Need, ...]
    grows: bool = False

    @property
    def id(self) -> str:
        """That of the product."""
        return self.product.id

    def __repr__(self) -> str:
        return f"<Order {self.id}: {len(self.needs)} inputs{', growing' if self.grows else ''}>"
