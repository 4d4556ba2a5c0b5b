"""Where news comes from: the commits of a root, and any log of notifications."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Protocol

from dtedask.core.errors import InvalidValueError
from dtedask.notify.delivery.item import Item, end_of, heard_commits, place_of
from dtedask.notify.delivery.moments import Moment
from dtedask.notify.event import EVENT_TYPE, Event, format_time

if TYPE_CHECKING:
    from dtedask.notify.event_log import EventLog
    from dtedask.notify.log import Entry, NoticeLog

__all__ = ["ALL_CUBES", "OF_ALL_CUBES", "CommitSource", "LogSource", "Source"]

ALL_CUBES = ("*",)
OF_ALL_CUBES = (EVENT_TYPE, "mars")
"""Event types of all commits of a root; the second one is Aviso's name."""


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

    def open(self, cursors: Mapping[str, int], *, once: bool) -> None:
        """Get ready to give what comes after a cursor; with `once`, only what is there now."""
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

    def before(self, moment: Moment) -> Mapping[str, int]:
        """Give the last places before a moment; the heads where it is still to come.

        Raises
        ------
        InvalidValueError
            If the moment is one of something else.
        """
        ...

    def through(self, moment: Moment) -> Mapping[str, int] | None:
        """Give the last places up to a moment and with it; None where it is still to come."""
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
    numbers : callable, optional
        Gives the log of the same commits as notifications, which are numbered; asked where somebody names a number.
    """

    def __init__(
        self,
        log: NoticeLog,
        event_type: str = EVENT_TYPE,
        cubes: Sequence[str] = ALL_CUBES,
        *,
        numbers: Callable[[], EventLog] | None = None,
    ) -> None:
        self.log = log
        self.event_type = event_type
        self.cubes = tuple(cubes)
        self._numbers = numbers

    def open(self, cursors: Mapping[str, int], *, once: bool) -> None:
        """Do nothing: the log is there."""

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

    def before(self, moment: Moment) -> dict[str, int]:
        """Give the last places before a moment; the heads where it is still to come."""
        if moment.time is not None:
            return self._until("time < ?", format_time(moment.time))
        event = self._find(moment)
        position = None if event is None else self._position(event[0], event[1])
        if event is None or position is None:
            return self.heads()
        cube, commit, index = event
        places = self._until("position < ?", position)
        return {**places, cube: place_of(commit, index - 1) if index else end_of(commit - 1)}

    def through(self, moment: Moment) -> dict[str, int] | None:
        """Give the last places up to a moment and with it; None where it is still to come."""
        if moment.time is not None:
            return self._until("time <= ?", format_time(moment.time)) if moment.time <= datetime.now(UTC) else None
        if moment.number == 0:
            return {}
        event = self._find(moment)
        position = None if event is None else self._position(event[0], event[1])
        if event is None or position is None:
            return None
        cube, commit, index = event
        places = self._until("position < ?", position)
        return {**places, cube: end_of(commit) if index is None else self._place(cube, commit, index)}

    def _find(self, moment: Moment) -> tuple[str, int, int | None] | None:
        """Say which cube, commit and event a moment names; None where it is still to come."""
        if moment.number is None:
            raise ValueError(f"{moment} is a time")
        if moment.name in ("", self.event_type, *(OF_ALL_CUBES if self.event_type in OF_ALL_CUBES else ())):
            return self._numbered(moment)
        heads = self.heads()
        if moment.name not in heads:
            known = ", ".join(sorted(heads)) or "there is none yet"
            raise InvalidValueError(
                f"{moment.text!r} is no place in event type {self.event_type!r}.",
                hint=f"Name a notification ({self.event_type}@1), or a commit of a cube (CUBE@1): {known}.",
            )
        return (moment.name, moment.number, moment.index)

    def _numbered(self, moment: Moment) -> tuple[str, int, int | None] | None:
        if self._numbers is None:
            raise InvalidValueError(
                f"The number {moment.text!r} is not known here.", hint="Name a commit (CUBE@1), or a time."
            )
        page = self._numbers().page(self.event_type, max((moment.number or 0) - 1, 0), limit=1)
        event = Event.from_notification(page[0]) if page else None
        return None if event is None else (event.cube, event.sequence, event.index)

    def _position(self, cube: str, commit: int) -> int | None:
        """Position of the first commit of a cube that is not before a number; the number itself may be purged."""
        with self.log.database.read() as connection:
            found = connection.execute(
                "SELECT position FROM commits WHERE cube = ? AND sequence >= ? ORDER BY sequence LIMIT 1",
                (cube, commit),
            ).fetchone()
        return None if found is None else int(found[0])

    def _place(self, cube: str, commit: int, index: int) -> int:
        """Place of an event: the last one of a commit ends it."""
        with self.log.database.read() as connection:
            last = connection.execute(
                "SELECT MAX(number) FROM events WHERE cube = ? AND sequence = ?", (cube, commit)
            ).fetchone()[0]
        return end_of(commit) if last is None or index >= last else place_of(commit, index)

    def _until(self, condition: str, value: object) -> dict[str, int]:
        with self.log.database.read() as connection:
            rows = connection.execute(
                f"SELECT cube, MAX(sequence) FROM commits WHERE {condition} GROUP BY cube", (value,)
            ).fetchall()
        return {cube: end_of(sequence) for cube, sequence in rows if self._has(cube)}

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

    def open(self, cursors: Mapping[str, int], *, once: bool) -> None:
        """Do nothing: the log is there."""

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

    def before(self, moment: Moment) -> dict[str, int]:
        """Give the number before a moment; the head where it is still to come."""
        number = self._number(moment)
        return {self.event_type: min(number - 1, self.heads()[self.event_type])}

    def through(self, moment: Moment) -> dict[str, int] | None:
        """Give the number of a moment; None where it is still to come."""
        if moment.time is not None:
            if moment.time > datetime.now(UTC):
                return None
            after = moment.time + timedelta(microseconds=1)
            return {self.event_type: self.log.sequence_at(self.event_type, after) - 1}
        number = self._number(moment)
        return {self.event_type: number} if number <= self.heads()[self.event_type] else None

    def _number(self, moment: Moment) -> int:
        if moment.time is not None:
            return self.log.sequence_at(self.event_type, moment.time)
        if moment.number is None or moment.name not in ("", self.event_type) or moment.index is not None:
            raise InvalidValueError(
                f"{moment.text!r} is no notification of event type {self.event_type!r}.",
                hint=f"Write {self.event_type}@{moment.number}, or a time.",
            )
        return moment.number


def _items_of(entry: Entry) -> Iterator[Item]:
    """Yield the events of a commit; the last has the place that ends it, so that a cursor there stands for it all."""
    if not entry.events:
        yield Item(entry.cube, end_of(entry.sequence), None)
    for number, event in enumerate(entry.events, start=1):
        is_last = number == len(entry.events)
        yield Item(entry.cube, end_of(entry.sequence) if is_last else place_of(entry.sequence, event.index), event)
