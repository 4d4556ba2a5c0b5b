"""The log of notifications in one SQLite file: what was sent, as opposed to what was committed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from dtedask.core.errors import NoticeError
from dtedask.notify.database import Database, Kind
from dtedask.notify.notification import Draft, Notification
from dtedask.notify.streams.group_commit import GroupCommit
from dtedask.notify.streams.halving import first_since
from dtedask.notify.streams.rows import Row, encode, encode_parts, from_microseconds, notification, to_microseconds

if TYPE_CHECKING:
    import sqlite3

LARGEST = (1 << 63) - 1
"""The largest number that the file can hold."""

_SCHEMA = """
CREATE TABLE event_types (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, head INTEGER NOT NULL);
CREATE TABLE notifications (
    type INTEGER NOT NULL, sequence INTEGER NOT NULL, time INTEGER NOT NULL, identifier TEXT NOT NULL, payload TEXT,
    PRIMARY KEY (type, sequence)) WITHOUT ROWID
"""
KIND = Kind(
    "log of notifications",
    _SCHEMA,
    NoticeError,
    "Check that its disk is there, writable and not full; the setting dtedask.notify.log moves it.",
    remedy="`dtedask notify recover` saves what can be read of it, under the same numbers.",
)
_TYPE = "(SELECT number FROM event_types WHERE name = :type)"
_REMOVED_AT_ONCE = 10_000


def _now() -> datetime:
    return datetime.now(UTC)


class SqliteEventLog:
    """Notifications of any event types in a SQLite file.

    Safe to use from several threads and processes at once. Those who append at the same time share a transaction and a
    sync of the disk; those who read wait for nobody.

    Numbers begin with 1 for each event type and never go back. Times of a type never go back either: where the clock
    did, a notification gets the time of the one before it.

    Parameters
    ----------
    path : str or os.PathLike
        The file. It is made when it is first used.
    now : callable () -> datetime
        The clock.
    """

    def __init__(self, path: str | os.PathLike[str], *, now: Callable[[], datetime] = _now) -> None:
        self.path = Path(path)
        self._now = now
        self._written = Database(self.path, KIND)
        self._read = Database(self.path, KIND)
        self._append: GroupCommit[Sequence[Row], list[tuple[int, int]]] = GroupCommit(self._write)

    def append(self, drafts: Sequence[Draft]) -> list[Notification]:
        """Write notifications behind the others of their types, all or none; on disk when it returns.

        Raises
        ------
        NotificationError
            If JSON cannot hold an identifier or a payload.
        NoticeError
            If they cannot be written, such as for a full disk. None is written then.
        """
        if not drafts:
            return []
        places = self._append([encode(draft) for draft in drafts])
        return [
            Notification(draft.event_type, sequence, draft.identifier, draft.payload, from_microseconds(time))
            for draft, (sequence, time) in zip(drafts, places, strict=True)
        ]

    def page(self, event_type: str, after: int, *, limit: int = 1000, until: int | None = None) -> list[Notification]:
        """Read the next notifications of a type, as in `EventLog`."""
        last = LARGEST if until is None else min(until, LARGEST)
        if limit < 1 or after >= last:
            return []
        with self._read.read() as connection:
            rows = connection.execute(
                f"SELECT sequence, time, identifier, payload FROM notifications WHERE type = {_TYPE}"
                " AND sequence > :after AND sequence <= :last ORDER BY sequence LIMIT :limit",
                {"type": event_type, "after": max(after, 0), "last": last, "limit": min(limit, LARGEST)},
            ).fetchall()
        return [notification(event_type, *row) for row in rows]

    def heads(self) -> dict[str, int]:
        """Give the highest number ever given of each type, also of notifications that are gone."""
        with self._read.read() as connection:
            return dict(connection.execute("SELECT name, head FROM event_types ORDER BY name"))

    def sequence_at(self, event_type: str, time: datetime) -> int:
        """Give the number of the first notification at or after a time; one behind the head where there is none."""
        with self._read.read() as connection:
            return _sequence_at(connection, event_type, to_microseconds(time))

    def version(self) -> tuple[object, ...]:
        """Return something that changes whenever anyone has written, this log included."""
        # The connection that reads does not write, so that it takes notice of the one that does.
        return self._read.version()

    def delete(self, event_type: str, sequence: int) -> bool:
        """Remove one notification; False where it is not there."""
        if not 0 < sequence <= LARGEST:
            return False
        with self._written.write() as connection:
            found = connection.execute(
                f"DELETE FROM notifications WHERE type = {_TYPE} AND sequence = :sequence",
                {"type": event_type, "sequence": sequence},
            )
            return found.rowcount > 0

    def wipe(self, event_type: str) -> int:
        """Remove all notifications of a type and give their count; numbers go on where they were."""
        return self._remove(event_type, self.heads().get(event_type, 0))

    def trim(self, event_type: str, *, before: datetime | None = None, keep: int | None = None) -> int:
        """Remove notifications that are older than a time, or more than so many; returns how many that were."""
        last = 0
        with self._read.read() as connection:
            if before is not None:
                last = _sequence_at(connection, event_type, to_microseconds(before)) - 1
            if keep is not None:
                last = max(last, _last_beyond(connection, event_type, keep))
        return self._remove(event_type, last)

    def copy(self, event_type: str, notifications: Sequence[Notification], head: int) -> None:
        """Write notifications of another log under the numbers that they have there; those that are here stay.

        Parameters
        ----------
        event_type : str
            The type of all of them.
        notifications : sequence of Notification
            What was read from there.
        head : int
            All up to this number are here now, or are gone there.
        """
        with self._written.write() as connection:
            end = _ends(connection, {event_type: None})[event_type]
            connection.executemany(
                "INSERT OR IGNORE INTO notifications VALUES (?, ?, ?, ?, ?)",
                [
                    (end.number, one.sequence, to_microseconds(one.time), *encode_parts(one))
                    for one in notifications
                    if one.sequence > end.sequence  # others copy too, and what was copied may be removed since
                ],
            )
            connection.execute(
                "UPDATE event_types SET head = :head WHERE number = :number AND head < :head",
                {"head": head, "number": end.number},
            )

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._written.close()
        self._read.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"SqliteEventLog({str(self.path)!r})"

    def _write(self, groups: Sequence[Sequence[Row]]) -> list[list[tuple[int, int]]]:
        with self._written.write() as connection:
            # Read in the transaction: another process may have written until now.
            ends = _ends(connection, dict.fromkeys(row.event_type for rows in groups for row in rows))
            now = to_microseconds(self._now())
            found, inserted = [], []
            for rows in groups:
                places = []
                for row in rows:
                    end = ends[row.event_type]
                    end.sequence, end.time = end.sequence + 1, max(end.time, now)
                    places.append((end.sequence, end.time))
                    inserted.append((end.number, end.sequence, end.time, row.identifier, row.payload))
                found.append(places)
            connection.executemany("INSERT INTO notifications VALUES (?, ?, ?, ?, ?)", inserted)
            connection.executemany(
                "UPDATE event_types SET head = ? WHERE number = ?",
                [(end.sequence, end.number) for end in ends.values()],
            )
        return found

    def _remove(self, event_type: str, last: int) -> int:
        """Remove all up to a number, some at a time so that those who append need not wait."""
        count = 0
        while True:
            with self._written.write() as connection:
                names = {"type": event_type, "last": last, "some": _REMOVED_AT_ONCE}
                end = connection.execute(
                    f"SELECT MAX(sequence) FROM (SELECT sequence FROM notifications WHERE type = {_TYPE}"
                    " AND sequence <= :last ORDER BY sequence LIMIT :some)",
                    names,
                ).fetchone()[0]
                if end is None:
                    return count
                count += connection.execute(
                    f"DELETE FROM notifications WHERE type = {_TYPE} AND sequence <= :last", {**names, "last": end}
                ).rowcount


class _End:
    """Where a type ends: number of the type, highest number given, time of the last notification that is there."""

    __slots__ = ("number", "sequence", "time")

    def __init__(self, number: int, sequence: int, time: int) -> None:
        self.number = number
        self.sequence = sequence
        self.time = time


def _ends(connection: sqlite3.Connection, names: dict[str, None]) -> dict[str, _End]:
    found = {}
    for name in names:
        connection.execute("INSERT OR IGNORE INTO event_types (name, head) VALUES (?, 0)", (name,))
        number, head = connection.execute("SELECT number, head FROM event_types WHERE name = ?", (name,)).fetchone()
        last = connection.execute(
            "SELECT time FROM notifications WHERE type = ? ORDER BY sequence DESC LIMIT 1", (number,)
        ).fetchone()
        found[name] = _End(number, head, last[0] if last else 0)
    return found


def _sequence_at(connection: sqlite3.Connection, event_type: str, time: int) -> int:
    found = connection.execute(
        "SELECT number, head, (SELECT MIN(sequence) FROM notifications WHERE type = number) FROM event_types"
        " WHERE name = ?",
        (event_type,),
    ).fetchone()
    if found is None:
        return 1
    number, head, first = found

    def look(sequence: int) -> tuple[int, int] | None:
        row: tuple[int, int] | None = connection.execute(
            "SELECT sequence, time FROM notifications WHERE type = ? AND sequence >= ? ORDER BY sequence LIMIT 1",
            (number, sequence),
        ).fetchone()
        return row

    return first_since(look, first or head + 1, head + 1, time)


def _last_beyond(connection: sqlite3.Connection, event_type: str, keep: int) -> int:
    """Give the last number that is too many where so many are kept."""
    row = connection.execute(
        f"SELECT sequence FROM notifications WHERE type = {_TYPE} ORDER BY sequence DESC LIMIT 1 OFFSET :keep",
        {"type": event_type, "keep": max(keep, 0)},
    ).fetchone()
    return int(row[0]) if row else 0
