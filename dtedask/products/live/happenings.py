"""What people are told of products that are made as the model runs."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from dtedask.core.commit import Commit
from dtedask.core.errors import DtedaskError
from dtedask.products.finishing.outcome import Outcome
from dtedask.products.live.events import Close, Late, Opened
from dtedask.products.planning.plan import ProductPlan
from dtedask.products.requirement import Cycle, Requirement
from dtedask.products.status.compact import compact_text

__all__ = ["Broken", "Happening", "log", "why"]
logger = logging.getLogger("dtedask.products.live")


@dataclass(frozen=True, slots=True, eq=False)
class Broken:
    """A requirement that gives no products for a cycle, and why."""

    requirement: Requirement
    cycle: Cycle
    error: DtedaskError


Happening = Commit | Opened | ProductPlan | Outcome | Late | Broken | Close
"""A commit has come; a cycle was opened or more of it is known; a plan was begun; a product came to a place, or failed;
it is late; a requirement is broken; a cycle is waited for no more."""


def why(late: Late) -> str:
    """Why a product is late, in words."""
    match late.state:
        case "waiting":
            return f"it waits for {compact_text(map(dict, late.missing))}"
        case "failed":
            return f"it failed: {late.error}"
        case "settling":
            return "more of what it takes may come"
        case _:
            return "it is being made"


def log(happening: Happening) -> None:
    """Write one line to the log."""
    match happening:
        case Late():
            logger.warning("%s is late: due at %s, %s", happening.product.id, _time(happening), why(happening))
        case Broken():
            logger.warning("%s gives no products of %s: %s", happening.requirement, happening.cycle, happening.error)
        case Close():
            level = logging.WARNING if happening.undelivered else logging.INFO
            names = ", ".join(product.id for product in happening.undelivered[:5])
            count = len(happening.undelivered)
            logger.log(level, "Cycle %s is closed; %d were not delivered %s", happening.cycle, count, names)
        case Opened():
            logger.info("Cycle %s: %d products are waited for", happening.cycle, len(happening.orders))
        case ProductPlan():
            logger.info("Making %d products", len(happening.products))
        case Outcome():
            level = logging.INFO if happening.is_delivered else logging.WARNING
            said = "delivered" if happening.is_delivered else str(happening.error)
            logger.log(level, "%s, %s: %s", happening.product.id, happening.target or "not made", said)
        case Commit():
            logger.debug("%r", happening)


def _time(late: Late) -> str:
    return f"{late.due:%Y-%m-%d %H:%M}"
