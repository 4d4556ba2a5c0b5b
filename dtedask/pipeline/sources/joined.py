"""Several sources as one: their steps in one order of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import groupby
from typing import Any

from dtedask.pipeline.sources.order import order_of
from dtedask.pipeline.sources.source import AtRest, Moment, Unread

__all__ = ["JoinedSource"]


class JoinedSource(AtRest):
    """Fields of several sources.

    Parameters
    ----------
    parts : sequence of AtRest
        The sources.
    """

    def __init__(self, parts: Sequence[AtRest]) -> None:
        super().__init__()
        self._parts = parts

    @property
    def identity(self) -> dict[str, Any]:
        """See `Source`."""
        return {"kind": "several", "parts": [part.identity for part in self._parts]}

    @property
    def total(self) -> int | None:
        """See `Source`."""
        found = [part.total for part in self._parts]
        return None if None in found else sum(total for total in found if total is not None)

    def steps(self, after: Moment | None = None) -> Iterator[tuple[Moment, Sequence[Unread]]]:
        """See `AtRest`."""
        joined = merge(*(part.steps(after) for part in self._parts), key=lambda step: step[0])
        for moment, steps in groupby(joined, key=lambda step: step[0]):
            fields = [one for _, found in steps for one in found]
            yield moment, sorted(fields, key=lambda one: order_of(one.description.keys))
