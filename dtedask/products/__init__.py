"""Products: what was ordered is made of model fields once, and delivered to everybody who ordered it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dtedask.products.delivery import Content as Content
    from dtedask.products.delivery import Delivery as Delivery
    from dtedask.products.delivery import DeliveryOptions as DeliveryOptions
    from dtedask.products.delivery import Receipt as Receipt
    from dtedask.products.forgetting import Forgotten as Forgotten
    from dtedask.products.forgetting import forget as forget
    from dtedask.products.format import Format as Format
    from dtedask.products.format import FormatOptions as FormatOptions
    from dtedask.products.node import Node as Node
    from dtedask.products.node import Nodes as Nodes
    from dtedask.products.operation import Operation as Operation
    from dtedask.products.product import Part as Part
    from dtedask.products.product import Product as Product
    from dtedask.products.report import Report as Report
    from dtedask.products.requirement import Cycle as Cycle
    from dtedask.products.requirement import PostProcessing as PostProcessing
    from dtedask.products.requirement import Requirement as Requirement
    from dtedask.products.requirements.loading import Requirements as Requirements
    from dtedask.products.requirements.loading import load_requirements as load_requirements
    from dtedask.products.run import Products as Products

_HOMES = {
    "Content": "delivery",
    "Cycle": "requirement",
    "Delivery": "delivery",
    "DeliveryOptions": "delivery",
    "Forgotten": "forgetting",
    "Format": "format",
    "FormatOptions": "format",
    "Node": "node",
    "Nodes": "node",
    "Operation": "operation",
    "Part": "product",
    "PostProcessing": "requirement",
    "Product": "product",
    "Products": "run",
    "Receipt": "delivery",
    "Report": "report",
    "Requirement": "requirement",
    "Requirements": "requirements.loading",
    "forget": "forgetting",
    "load_requirements": "requirements.loading",
}
__all__ = [
    "Content",
    "Cycle",
    "Delivery",
    "DeliveryOptions",
    "Forgotten",
    "Format",
    "FormatOptions",
    "Node",
    "Nodes",
    "Operation",
    "Part",
    "PostProcessing",
    "Product",
    "Products",
    "Receipt",
    "Report",
    "Requirement",
    "Requirements",
    "forget",
    "load_requirements",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'dtedask.products' has no attribute {name!r}")
    return getattr(import_module(f"dtedask.products.{_HOMES[name]}"), name)
