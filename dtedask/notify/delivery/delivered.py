"""What was delivered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dtedask.core.errors import TriggerError
from dtedask.notify.event import format_time

__all__ = ["Delivery"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What was delivered.

    Parameters
    ----------
    events : int
        Events that a listener asked for, counted for each listener once their triggers have ended.
    triggers : int
        Triggers that ran, the failed ones included, each attempt counted.
    failures : tuple of TriggerError
        One for each trigger that was given up; each is logged, and among the dead letters.
    postponed : tuple of TriggerError
        One for each attempt that failed and is to be repeated.
    due : datetime, optional
        When the first of them is to be repeated; nothing more can be delivered to that listener until then.
    """

    events: int = 0
    triggers: int = 0
    failures: tuple[TriggerError, ...] = ()
    postponed: tuple[TriggerError, ...] = ()
    due: datetime | None = None

    def __add__(self, other: Delivery) -> Delivery:
        dues = [due for due in (self.due, other.due) if due is not None]
        return Delivery(
            self.events + other.events,
            self.triggers + other.triggers,
            self.failures + other.failures,
            self.postponed + other.postponed,
            min(dues, default=None),
        )

    def as_dict(self) -> dict[str, Any]:
        """Everything about it, ready for JSON."""
        return {
            "events": self.events,
            "triggers": self.triggers,
            "failures": [error.message for error in self.failures],
            "postponed": [error.message for error in self.postponed],
            "due": None if self.due is None else format_time(self.due),
        }
