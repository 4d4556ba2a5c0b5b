"""Bringing news to listeners: at least once, in order, and what cannot be delivered is kept."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.notify.delivery.beginning import Mode, first_cursors
    from dtedask.notify.delivery.carrier import Carrier
    from dtedask.notify.delivery.delivered import Delivery
    from dtedask.notify.delivery.letters import DeadLetter
    from dtedask.notify.delivery.sources import CommitSource, LogSource, Source
    from dtedask.notify.delivery.state import DeliveryState

__all__ = [
    "Carrier",
    "CommitSource",
    "DeadLetter",
    "Delivery",
    "DeliveryState",
    "LogSource",
    "Mode",
    "Source",
    "first_cursors",
]

_HOMES = {
    "Carrier": "carrier",
    "CommitSource": "sources",
    "DeadLetter": "letters",
    "Delivery": "delivered",
    "DeliveryState": "state",
    "LogSource": "sources",
    "Mode": "beginning",
    "Source": "sources",
    "first_cursors": "beginning",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'dtedask.notify.delivery' has no attribute {name!r}")
    return getattr(import_module(f"dtedask.notify.delivery.{_HOMES[name]}"), name)
