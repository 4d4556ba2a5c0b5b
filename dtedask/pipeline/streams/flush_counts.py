"""Which sources have sent a flush, until all have."""

from __future__ import annotations

from collections.abc import Hashable, KeysView
from dataclasses import dataclass, field
from typing import Generic, TypeVar

__all__ = ["FlushCounts"]

Flush = TypeVar("Flush", bound=Hashable)


@dataclass(slots=True)
class FlushCounts(Generic[Flush]):
    """Flushes that not all sources have sent.

    Parameters
    ----------
    counts : dict
        For each flush, how often each source has sent it: one may be steps ahead of another.
    """

    counts: dict[Flush, dict[str, int]] = field(default_factory=dict)

    def add(self, flush: Flush, source: str) -> None:
        """Note that a source has sent a flush."""
        sent = self.counts.setdefault(flush, {})
        sent[source] = sent.get(source, 0) + 1

    def sent_by(self, flush: Flush) -> KeysView[str]:
        """Sources that have sent a flush which is still waiting."""
        return self.counts.get(flush, {}).keys()

    def take(self, flush: Flush) -> None:
        """Note that a flush went on, once for each source that has sent it."""
        left = {source: count - 1 for source, count in self.counts.pop(flush).items() if count > 1}
        if left:
            self.counts[flush] = left
