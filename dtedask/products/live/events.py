"""What happens to products, and what is to be done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from dtedask.products.live.order import Need, Order
    from dtedask.products.product import Product
    from dtedask.products.requirement import Cycle, Requirement

__all__ = [
    "Close",
    "Committed",
    "Delivered",
    "Event",
    "Expand",
    "Failed",
    "Found",
    "Instruction",
    "Lacking",
    "Late",
    "Old",
    "Opened",
    "Required",
    "Start",
    "State",
    "Tick",
]

State = Literal["waiting", "settling", "running", "delivered", "failed"]
"""Inputs are missing; they are there, more may come; it is being made or delivered; it is there; it failed."""


@dataclass(frozen=True, slots=True)
class Required:
    """These are the requirements from now on."""

    requirements: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """There are fields of these cycles."""

    cycles: tuple[Cycle, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """What some requirements ask for in one cycle: the answer to `Expand`.

    Of the `present` needs there are fields; the `delivered` products, by their ids, are at all of their places, as they
    were made of whatever there was.
    """

    cycle: Cycle
    requirements: tuple[Requirement, ...]
    orders: tuple[Order, ...]
    present: frozenset[Need]
    delivered: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Committed:
    """Fields that were written, new or again, and fields that were wiped; by all of their keys."""

    written: tuple[Mapping[str, str], ...]
    wiped: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Delivered:
    """A product is at all of its places, as it is made of what there was when it was started."""

    product: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A product could not be made, or is not at all of its places; a lasting failure is not tried again as it is."""

    product: str
    error: str
    is_lasting: bool = False


@dataclass(frozen=True, slots=True)
class Lacking:
    """Inputs that were taken for present are not there: somebody has wiped them meanwhile."""

    product: str
    missing: tuple[Need, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True, slots=True)
class Expand:
    """Find out what these requirements ask for in a cycle, and say it: `Opened`."""

    cycle: Cycle
    requirements: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True)
class Start:
    """Make and deliver these products, the most urgent one first; each ends `Delivered`, `Failed` or `Lacking`."""

    products: tuple[Product, ...]


@dataclass(frozen=True, slots=True)
class Late:
    """Tell that a product is not there though it is due, and why."""

    product: Product
    due: datetime
    state: State
    missing: tuple[Need, ...]
    error: str


@dataclass(frozen=True, slots=True)
class Close:
    """A cycle is waited for no more; these products were never delivered."""

    cycle: Cycle
    undelivered: tuple[Product, ...]


@dataclass(frozen=True, slots=True)
class Old:
    """Tell that fields came of a cycle that is too old to be waited for; once for each."""

    cycle: Cycle


Event = Required | Found | Opened | Committed | Delivered | Failed | Lacking | Tick
Instruction = Expand | Start | Late | Close | Old
