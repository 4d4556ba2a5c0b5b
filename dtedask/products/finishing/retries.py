"""How often and how long after each other deliveries are tried."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Retries"]


@dataclass(frozen=True, slots=True)
class Retries:
    """Pauses between attempts: each longer than the one before.

    Parameters
    ----------
    times : int
        How often a delivery is tried again after it failed.
    first_s : float
        The first pause, seconds.
    factor : float
        How many times as long the next one is.
    longest_s : float
        No pause is longer, seconds.
    """

    times: int = 4
    first_s: float = 1.0
    factor: float = 3.0
    longest_s: float = 60.0

    def pauses(self) -> Iterator[float]:
        """Seconds to wait before each further attempt."""
        pause = self.first_s
        for _ in range(self.times):
            yield min(pause, self.longest_s)
            pause *= self.factor
