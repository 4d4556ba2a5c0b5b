"""What deliveries are given: the file or folder of a product."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dtedask.core.errors import DeliveryError, DocumentError
from dtedask.products.format import Format, format_class

if TYPE_CHECKING:
    from dtedask.products.delivery import Content

__all__ = ["media_type_of", "path_of"]


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


def media_type_of(content: Content) -> str:
    """What kind of file a product is, such as ``application/x-netcdf``."""
    try:
        return format_class(content.product.requirement.format.type).media_type
    except DocumentError:  # one whose class is known to its maker only
        return Format.media_type
