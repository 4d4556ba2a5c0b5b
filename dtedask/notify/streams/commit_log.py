"""The log of notices, seen as notifications: what was committed, as opposed to what was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

from dtedask.core.errors import NoticeError
from dtedask.notify.event import Event, format_time, parse_time
from dtedask.notify.event_rows import COLUMNS, event_of
from dtedask.notify.notification import Draft, Notification
from dtedask.notify.streams.halving import first_since
from dtedask.notify.streams.numbering import (
    ALL,
    Numbering,
    count_commits,
    is_counted,
    is_one_cube,
    matches,
    numbering_of,
)

if TYPE_CHECKING:
    import sqlite3

    from dtedask.notify.log import NoticeLog
    from dtedask.notify.streams.known_types import KnownTypes

_LARGEST = (1 << 63) - 1
_COLUMNS = f"c.cube, c.sequence, c.snapshot, c.root, c.time, {', '.join(f'e.{name}' for name in COLUMNS)}"


class CommitLog:
    """Event types of commits: views of the log of notices, which nobody can append to.

    Events of one cube are numbered by the cube, the same in every log that knows the cube; those of several cubes by
    this log. Each type has the numbers from 1 on without holes, but for commits that were purged before they came into
    the log.

    Parameters
    ----------
    log : NoticeLog
        The log, with a connection that nobody else writes by, else `version` does not notice it.
    types : mapping of str to EventType
        What types there are; those without cubes are not for this log.
    """

    def __init__(self, log: NoticeLog, types: KnownTypes) -> None:
        self.log = log
        self.types = types

    def append(self, drafts: Sequence[Draft]) -> list[Notification]:
        """Refuse: only commits write here."""
        for draft in drafts:
            refuse_to_send(draft)
        return []

    def page(self, event_type: str, after: int, *, limit: int = 1000, until: int | None = None) -> list[Notification]:
        """Read the next notifications of a type, as in `EventLog`."""
        last = _LARGEST if until is None else min(until, _LARGEST)
        if limit < 1 or after >= last:
            return []
        numbering = self._numbering(event_type)
        with self.log.database.read() as connection:
            rows = _rows(connection, numbering, max(after, 0), limit, last)
        return [_notification(event_type, row, self.log.root) for row in rows]

    def heads(self) -> dict[str, int]:
        """Give the number of the newest event of each type, also of events that are gone."""
        found = {name: self.types[name].cubes for name in self.types}
        for name, cubes in found.items():
            if cubes and is_counted(cubes):
                count_commits(self.log.database, name, cubes)
        with self.log.database.read() as connection:
            by_cube = dict(connection.execute("SELECT cube, number FROM heads"))
            total = connection.execute("SELECT MAX(total) FROM heads").fetchone()[0] or 0
            counted = dict(connection.execute("SELECT type, number FROM patterns"))
        heads = {name: _head(name, cubes, by_cube, total, counted) for name, cubes in found.items() if cubes}
        return {name: head for name, head in heads.items() if head}

    def sequence_at(self, event_type: str, time: datetime) -> int:
        """Give the number of the first notification at or after a time; one behind the head where there is none."""
        cubes, text = self.types[event_type].cubes, format_time(time)
        numbering = self._numbering(event_type)
        with self.log.database.read() as connection:
            heads = connection.execute("SELECT cube, sequence FROM heads").fetchall()
            found = [
                position
                for cube, head in heads
                if matches(cube, cubes) and (position := _position_at(connection, cube, head, text)) is not None
            ]
            if found:
                names = {**numbering.names, "position": min(found)}
                row = connection.execute(
                    f"SELECT {numbering.first} FROM {numbering.commits}"
                    f" WHERE {numbering.where} AND c.position = :position",
                    names,
                ).fetchone()
                if row is not None:
                    return int(row[0]) + 1
        return self.heads().get(event_type, 0) + 1

    def version(self) -> tuple[object, ...]:
        """Return something that changes whenever a commit was logged."""
        return self.log.version()

    def delete(self, event_type: str, sequence: int) -> bool:
        """Refuse: commits stay."""
        raise _stays(event_type, f"delete notification {sequence}")

    def wipe(self, event_type: str) -> int:
        """Refuse: commits stay."""
        raise _stays(event_type, "wipe notifications")

    def trim(self, event_type: str, *, before: datetime | None = None, keep: int | None = None) -> int:  # noqa: ARG002
        """Refuse: commits stay."""
        raise _stays(event_type, "trim notifications")

    def close(self) -> None:
        """Close the log; the next use opens it again."""
        self.log.close()

    def __repr__(self) -> str:
        return f"CommitLog({str(self.log.path)!r})"

    def _numbering(self, event_type: str) -> Numbering:
        cubes = self.types[event_type].cubes
        if is_counted(cubes):
            count_commits(self.log.database, event_type, cubes)
        return numbering_of(event_type, cubes)


def refuse_to_send(draft: Draft) -> NoReturn:
    """Raise the error for drafts of types that only commits make."""
    raise NoticeError(
        f"Notifications of {draft.event_type!r} are made by commits and cannot be sent.",
        hint="Archive fields, or send an event type without `cubes`.",
    )


def _stays(event_type: str, what: str) -> NoticeError:
    return NoticeError(
        f"Cannot {what} of {event_type!r}: they are the commits of cubes.",
        hint="They go with the history of the cubes (`dtedask store purge`).",
    )


def _head(name: str, cubes: tuple[str, ...], by_cube: Mapping[str, int], total: int, counted: Mapping[str, int]) -> int:
    if is_one_cube(cubes):
        return by_cube.get(cubes[0], 0)
    return total if ALL in cubes else counted.get(name, 0)


def _rows(
    connection: sqlite3.Connection, numbering: Numbering, after: int, limit: int, last: int
) -> list[tuple[Any, ...]]:
    """Rows of a page: the rest of the commit in which it begins, then the commits that follow."""
    first, where = numbering.first, numbering.where
    select = (
        f"SELECT {first}, {_COLUMNS} FROM {numbering.commits}"
        f" CROSS JOIN events e ON e.cube = c.cube AND e.sequence = c.sequence WHERE {where}"
    )
    names = {**numbering.names, "after": after, "last": last}
    names["start"] = connection.execute(
        f"SELECT MAX({first}) FROM {numbering.commits} WHERE {where} AND {first} <= :after", names
    ).fetchone()[0]
    found = []
    if names["start"] is not None:
        found = connection.execute(
            f"{select} AND {first} = :start AND e.number >= :after - :start ORDER BY c.position, e.number LIMIT :limit",
            {**names, "limit": limit},
        ).fetchall()
    if len(found) < limit:
        found += connection.execute(
            f"{select} AND {first} > :after AND {first} < :last ORDER BY {first}, c.position, e.number LIMIT :limit",
            {**names, "limit": limit - len(found)},
        ).fetchall()
    return [row for row in found if row[0] + row[6] < last]


def _position_at(connection: sqlite3.Connection, cube: str, head: int, time: str) -> int | None:
    """Position of the first commit of a cube with events that is not before a time; those of one cube are in order."""

    def look(sequence: int) -> tuple[int, str] | None:
        row: tuple[int, str] | None = connection.execute(
            "SELECT sequence, time FROM commits WHERE cube = ? AND sequence >= ? ORDER BY sequence LIMIT 1",
            (cube, sequence),
        ).fetchone()
        return row

    row = connection.execute(
        "SELECT position FROM commits WHERE cube = ? AND sequence >= ? AND size > 0 ORDER BY sequence LIMIT 1",
        (cube, first_since(look, 1, head + 1, time)),
    ).fetchone()
    return None if row is None else int(row[0])


def _notification(event_type: str, row: tuple[Any, ...], root: str) -> Notification:
    first, cube, sequence, snapshot, written_root, time, *of_event = row
    event = event_of(cube, sequence, snapshot, root or written_root, _time(time), of_event)
    return notification_of(event, event_type, first + event.index + 1)


def notification_of(event: Event, event_type: str, sequence: int) -> Notification:
    """Make a notification of the event of a commit."""
    payload = event.as_dict()
    del payload["request"], payload["time"]
    identifier: dict[str, Any] = event.keys
    if event.area is not None:
        north, west, south, east = event.area
        identifier["polygon"] = [[north, west], [north, east], [south, east], [south, west], [north, west]]
    return Notification(event_type, sequence, identifier, payload, event.time)


@lru_cache(maxsize=64)
def _time(text: str) -> datetime:
    return parse_time(text)
