"""What became of each product: made, delivered, waiting for which input, late and why."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dtedask.products.status.compact import compact as compact
    from dtedask.products.status.finding import status as status
    from dtedask.products.status.overview import Status as Status
    from dtedask.products.status.product_status import ProductStatus as ProductStatus

_HOMES = {"ProductStatus": "product_status", "Status": "overview", "compact": "compact", "status": "finding"}
__all__ = ["ProductStatus", "Status", "compact", "status"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'dtedask.products.status' has no attribute {name!r}")
    return getattr(import_module(f"dtedask.products.status.{_HOMES[name]}"), name)
