"""What became of one product at one place of delivery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.core.errors import DtedaskError
    from dtedask.products.delivery import Receipt
    from dtedask.products.product import Product

__all__ = ["Outcome"]


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What became of one product at one place.

    Parameters
    ----------
    product : Product
        What was to be delivered.
    target : str
        Where, as `DeliveryOptions.target` says; "" where it could not be made.
    receipt : Receipt, optional
        What the delivery said; None where it failed.
    error : DtedaskError, optional
        Why it failed.
    attempts : int
        How often it was tried.
    """

    product: Product
    target: str
    receipt: Receipt | None = None
    error: DtedaskError | None = None
    attempts: int = 1

    @property
    def is_delivered(self) -> bool:
        """Whether it is there."""
        return self.receipt is not None
