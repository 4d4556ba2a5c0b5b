"""Dead letters: what could not be delivered, in full."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dtedask.notify.delivery.item import News
from dtedask.notify.event import format_time

__all__ = ["DeadLetter"]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A trigger that was given up for one piece of news.

    Parameters
    ----------
    number : int
        By which it is retried; 0 before it is written down.
    listener : str
        Whose trigger it is.
    document : str
        File that holds the listener; empty where it is in no file.
    event_type : str
        What the listener listens to.
    stream : str
        Cube or event type in which the news has its place.
    place : int
        That place.
    news : Event or Notification
        What the trigger was to do something with.
    trigger : int
        Place of the trigger among those of the listener, from 0; -1 where it is not known.
    label : str
        What the trigger is called: its label, or its type.
    error : str
        Why it failed last.
    attempts : int
        How often it was tried.
    time : datetime
        When it failed last, UTC.
    """

    number: int
    listener: str
    document: str
    event_type: str
    stream: str
    place: int
    news: News
    trigger: int
    label: str
    error: str
    attempts: int
    time: datetime

    def as_dict(self) -> dict[str, Any]:
        """Everything about it, ready for JSON."""
        return {
            "number": self.number,
            "listener": self.listener,
            "document": self.document,
            "event_type": self.event_type,
            "notification": self.news.as_dict(),
            "trigger": self.trigger,
            "label": self.label,
            "error": self.error,
            "attempts": self.attempts,
            "time": format_time(self.time),
        }

    def __repr__(self) -> str:
        tried = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
        return (
            f"<DeadLetter {self.number}: {self.label} of {self.listener!r} for {self.news.id}, {tried}: {self.error}>"
        )
