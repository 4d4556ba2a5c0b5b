"""What deliveries are given: the file or folder of a product."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dtedask.core.errors import DeliveryError

if TYPE_CHECKING:
    from dtedask.products.delivery import Content

__all__ = ["path_of"]


def path_of(content: Content) -> Path:
    """The file or folder of a product.

    Raises
    ------
    DeliveryError
        If its format writes none.
    """
    if content.path is None:
        kind = content.product.requirement.format.type
        raise DeliveryError(
            f"The product {content.product.id} has the format {kind!r}, which writes no file that could be delivered.",
            hint="Deliver it by `type: cube`, or give it another format.",
            is_lasting=True,
        )
    return content.path
