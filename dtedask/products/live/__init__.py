"""Products as the model runs: each is made when the last of its inputs is there."""

from dtedask.products.live.events import (
    Close,
    Committed,
    Delivered,
    Event,
    Expand,
    Failed,
    Found,
    Instruction,
    Lacking,
    Late,
    Opened,
    Required,
    Start,
    State,
    Tick,
)
from dtedask.products.live.order import Need, Order, need_of
from dtedask.products.live.orders import Orders, Pacing

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
    "Need",
    "Opened",
    "Order",
    "Orders",
    "Pacing",
    "Required",
    "Start",
    "State",
    "Tick",
    "need_of",
]
