"""How many requests a client may make: token buckets; time comes in as an argument."""

from __future__ import annotations

from collections import OrderedDict

_MOST_CLIENTS = 100_000


class Rates:
    """Allows each client so many requests a second, and as many at once.

    Parameters
    ----------
    rate : float
        Requests a second.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._burst = max(1.0, rate)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, client: str, now: float) -> float:
        """Count a request of a client; says how many seconds too early it came, 0 where it may be served."""
        left, seen = self._buckets.pop(client, (self._burst, now))
        left = min(self._burst, left + max(0.0, now - seen) * self.rate)
        is_allowed = left >= 1
        self._buckets[client] = (left - 1 if is_allowed else left, max(now, seen))
        while len(self._buckets) > _MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if is_allowed else (1 - left) / self.rate
