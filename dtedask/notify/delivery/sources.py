"""Where news comes from: the commits of a root, and any log of notifications."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Protocol

from dtedask.notify.delivery.item import Item, end_of, heard_commits, place_of

if TYPE_CHECKING:
    from dtedask.notify.event_log import EventLog
    from dtedask.notify.log import Entry, NoticeLog

__all__ = ["CommitSource", "LogSource", "Source"]

ALL_CUBES = ("*",)


class Source(Protocol):
    """News of one event type, in order, in one or several streams that are numbered each for itself.

    A cursor is a place in each stream. Safe to use from several threads.
    """

    @property
    def event_type(self) -> str:
        """What it gives news of."""
        ...

    @property
    def cubes(self) -> Sequence[str]:
        """Patterns of the cubes whose commits it gives; none for sent events."""
        ...

    def heads(self) -> Mapping[str, int]:
        """Give the last place in each stream, also where what stood there is gone."""
        ...

    def items(self, after: Mapping[str, int]) -> Iterator[Item]:
        """Yield what comes after these places, in order; a page is in memory at a time."""
        ...

    def version(self) -> object:
        """Return something that changes whenever there is news; cheap to ask for."""
        ...


class CommitSource:
    """The commits of a root: each cube is a stream, and all come in the order in which they were logged.

    Places come from the history of the cube, not from the log: they hold where a log is made anew from the history.

    Parameters
    ----------
    log : NoticeLog
        The log of the root.
    event_type : str
        Name of the event type.
    cubes : sequence of str
        Patterns of the cubes.
    """

    def __init__(self, log: NoticeLog, event_type: str = "data", cubes: Sequence[str] = ALL_CUBES) -> None:
        self.log = log
        self.event_type = event_type
        self.cubes = tuple(cubes)

    def heads(self) -> dict[str, int]:
        """Give the end of the last commit of each cube."""
        return {cube: end_of(sequence) for cube, sequence in self.log.heads().items() if self._has(cube)}

    def items(self, after: Mapping[str, int]) -> Iterator[Item]:
        """Yield the events of all commits after these places."""
        heads = self.log.heads()
        begin = {cube: heard_commits(after.get(cube, 0)) if self._has(cube) else head for cube, head in heads.items()}
        for entry in self.log.entries(after=begin):
            if self._has(entry.cube):
                yield from (item for item in _items_of(entry) if item.place > after.get(entry.cube, 0))

    def version(self) -> object:
        """Return something that changes whenever another connection has written to the log."""
        return self.log.version()

    def _has(self, cube: str) -> bool:
        return self.cubes == ALL_CUBES or any(fnmatchcase(cube, pattern) for pattern in self.cubes)


class LogSource:
    """One event type of a log of notifications.

    Parameters
    ----------
    log : EventLog
        The log.
    event_type : str
        Name of the event type.
    """

    cubes = ()

    def __init__(self, log: EventLog, event_type: str) -> None:
        self.log = log
        self.event_type = event_type

    def heads(self) -> dict[str, int]:
        """Give the highest number of the type."""
        return {self.event_type: self.log.heads().get(self.event_type, 0)}

    def items(self, after: Mapping[str, int]) -> Iterator[Item]:
        """Yield the notifications after a number."""
        place = after.get(self.event_type, 0)
        while page := self.log.page(self.event_type, place):
            for notification in page:
                yield Item(self.event_type, notification.sequence, notification)
            place = page[-1].sequence

    def version(self) -> object:
        """Return something that changes whenever anyone has written to the log."""
        return self.log.version()


def _items_of(entry: Entry) -> Iterator[Item]:
    """Yield the events of a commit; the last has the place that ends it, so that a cursor there stands for it all."""
    if not entry.events:
        yield Item(entry.cube, end_of(entry.sequence), None)
    for number, event in enumerate(entry.events, start=1):
        is_last = number == len(entry.events)
        yield Item(entry.cube, end_of(entry.sequence) if is_last else place_of(entry.sequence, event.index), event)
