"""From what became of products at each place to what the state machine is told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dtedask.products.live.events import Delivered, Failed

if TYPE_CHECKING:
    from dtedask.core.errors import DtedaskError
    from dtedask.products.finishing.outcome import Outcome
    from dtedask.products.product import Product

__all__ = ["ends_of"]


def ends_of(products: Iterable[Product], outcomes: Iterable[Outcome]) -> list[Delivered | Failed]:
    """How each of some products has ended: delivered at all of its places, or failed with all that went wrong."""
    by_product: dict[str, list[Outcome]] = {product.id: [] for product in products}
    for outcome in outcomes:
        by_product[outcome.product.id].append(outcome)
    return [_end(name, found) for name, found in by_product.items()]


def _end(name: str, outcomes: list[Outcome]) -> Delivered | Failed:
    if not outcomes:
        return Failed(name, "What was made is there no more.")
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    if not errors:
        return Delivered(name)
    return Failed(name, " ".join(dict.fromkeys(map(str, errors))), is_lasting=all(map(_is_lasting, errors)))


def _is_lasting(error: DtedaskError) -> bool:
    return bool(getattr(error, "is_lasting", False))
