"""What a log wants to know of event types."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol


class KnownRetention(Protocol):
    """How long notifications are kept, at most."""

    @property
    def age(self) -> timedelta | None:
        """No longer than that."""
        ...

    @property
    def count(self) -> int | None:
        """No more than so many."""
        ...


class KnownType(Protocol):
    """An event type."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def cubes(self) -> tuple[str, ...]:
        """Patterns of cubes whose commits it tells of; none where it is sent."""
        ...

    @property
    def retention(self) -> KnownRetention:
        """How long its notifications are kept."""
        ...


KnownTypes = Mapping[str, KnownType]
"""Event types by name."""
