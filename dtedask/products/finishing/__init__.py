"""From the fields of a product to what lies at each place of delivery: written once, checked, delivered, recorded."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.products.finishing.finishing import Finishing as Finishing
    from dtedask.products.finishing.finishing import finish as finish
    from dtedask.products.finishing.outcome import Outcome as Outcome
    from dtedask.products.finishing.retries import Retries as Retries

_HOMES = {"Finishing": "finishing", "Outcome": "outcome", "Retries": "retries", "finish": "finishing"}
__all__ = ["Finishing", "Outcome", "Retries", "finish"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'dtedask.products.finishing' has no attribute {name!r}")
    return getattr(import_module(f"dtedask.products.finishing.{_HOMES[name]}"), name)
