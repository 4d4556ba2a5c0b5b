"""What of the notifications that were sent is old enough to go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.notify.streams.known_types import KnownTypes


@dataclass(frozen=True, slots=True)
class Trim:
    """Instruction: remove notifications of a type that are older than a time, or more than so many."""

    event_type: str
    before: datetime | None
    keep: int | None


def due_trims(types: KnownTypes, now: datetime) -> list[Trim]:
    """Say what may go at a time; types of commits go with the history of their cubes.

    Parameters
    ----------
    types : mapping of str to EventType
        The types with their retention.
    now : datetime
        The time.
    """
    found = []
    for event_type in types.values():
        age, count = event_type.retention.age, event_type.retention.count
        if not event_type.cubes and (age is not None or count is not None):
            found.append(Trim(event_type.name, None if age is None else now - age, count))
    return found
