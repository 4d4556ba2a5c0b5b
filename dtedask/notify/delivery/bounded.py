"""A source up to a moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.notify.delivery.item import Item
    from dtedask.notify.delivery.moments import Moment
    from dtedask.notify.delivery.sources import Source

__all__ = ["BoundedSource"]


class BoundedSource:
    """A source that ends at a moment, which may still be to come.

    Parameters
    ----------
    source : Source
        What is bounded.
    end : Moment
        The last that is wanted.
    """

    def __init__(self, source: Source, end: Moment) -> None:
        self._source = source
        self._end = end

    @property
    def event_type(self) -> str:
        """What it gives news of."""
        return self._source.event_type

    @property
    def cubes(self) -> Sequence[str]:
        """Patterns of the cubes whose commits it gives."""
        return self._source.cubes

    def open(self, cursors: Mapping[str, int], *, once: bool) -> None:
        """Get ready to give what comes after a cursor."""
        self._source.open(cursors, once=once)

    def heads(self) -> dict[str, int]:
        """Give the last place in each stream that is there and wanted."""
        return self._limits()[0]

    def items(self, after: Mapping[str, int]) -> Iterator[Item]:
        """Yield what comes after these places and is wanted."""
        limits = self.heads()
        if any(limit > after.get(stream, 0) for stream, limit in limits.items()):
            yield from (item for item in self._source.items(after) if item.place <= limits.get(item.stream, 0))

    def version(self) -> object:
        """Return something that changes whenever there is news."""
        return self._source.version()

    def before(self, moment: Moment) -> Mapping[str, int]:
        """Give the last places before a moment."""
        return self._source.before(moment)

    def through(self, moment: Moment) -> Mapping[str, int] | None:
        """Give the last places up to a moment and with it."""
        return self._source.through(moment)

    def is_over(self, heard: Mapping[str, int]) -> bool:
        """Whether all that is wanted has come and was heard of."""
        limits, is_there = self._limits()
        return is_there and all(heard.get(stream, 0) >= limit for stream, limit in limits.items())

    def _limits(self) -> tuple[dict[str, int], bool]:
        # First the heads: where the moment is still to come after that, all of them are before it.
        heads, end = self._source.heads(), self._source.through(self._end)
        if end is None:
            return dict(heads), False
        return {stream: min(head, end.get(stream, 0)) for stream, head in heads.items()}, True
