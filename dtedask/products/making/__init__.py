"""From a plan to products: one graph, every value made once, the most urgent products first."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dtedask.products.making.made import Made as Made
    from dtedask.products.making.progress import Making as Making
    from dtedask.products.making.run import make as make

_HOMES = {"Made": "made", "Making": "progress", "make": "run"}
__all__ = ["Made", "Making", "make"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'dtedask.products.making' has no attribute {name!r}")
    return getattr(import_module(f"dtedask.products.making.{_HOMES[name]}"), name)
