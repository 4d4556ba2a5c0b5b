"""What is known of one product that is waited for, and whether it is still ordered in the same way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.products.live.events import State
    from dtedask.products.live.order import Order
    from dtedask.products.requirement import Requirement

__all__ = ["Entry", "is_same"]


@dataclass(slots=True, eq=False)
class Entry:
    """A product, and how it stands with it."""

    order: Order
    state: State = "waiting"
    is_touched: bool = False  # something came, and its requirement is looked at again
    is_again: bool = False  # something came while it was being made
    is_dropped: bool = False  # nobody wants it any more, and it is being made
    quiet_at: datetime | None = None
    again_at: datetime | None = None
    attempts: int = 0
    error: str = ""
    is_there: bool = False  # made of whatever there was
    is_told: bool = False  # that it is late


def is_same(one: Requirement, other: Requirement) -> bool:
    """Whether two requirements of one name ask for the same, delivered in the same way."""
    parts = ("digest", "owner", "request", "how", "format", "delivery", "file_name", "deadline", "priority")
    return all(getattr(one, part) == getattr(other, part) for part in parts)
