"""How long things are waited for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

__all__ = ["Pacing"]


@dataclass(frozen=True, slots=True)
class Pacing:
    """How long things are waited for.

    Parameters
    ----------
    open_for : timedelta, optional
        How long after its base time a cycle is waited for; None for ever.
    idle : timedelta
        How long nothing must have come for a product that takes all there is.
    retry : timedelta
        After how long a failed product is tried again for the first time.
    retry_most : timedelta
        After how long at most.
    """

    open_for: timedelta | None = timedelta(hours=48)
    idle: timedelta = timedelta(minutes=5)
    retry: timedelta = timedelta(seconds=10)
    retry_most: timedelta = timedelta(minutes=10)
