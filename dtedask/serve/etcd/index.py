"""Which keys there are and were: a file of references to notifications, and of what clients keep besides."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dtedask.core.errors import NoticeError
from dtedask.notify.database import Database, Kind
from dtedask.serve.etcd.wire import RangeRequest

__all__ = ["Entry", "Index", "Place", "Status", "following"]

_SCHEMA = """
CREATE TABLE entries (
    key BLOB NOT NULL, revision INTEGER NOT NULL, created INTEGER NOT NULL, version INTEGER NOT NULL,
    lease INTEGER NOT NULL DEFAULT 0, event_type TEXT, sequence INTEGER, time INTEGER, before INTEGER,
    day_before INTEGER, value BLOB,
    PRIMARY KEY (key, revision)) WITHOUT ROWID;
CREATE INDEX entries_by_revision ON entries (revision);
CREATE INDEX entries_by_notification ON entries (event_type, sequence);
CREATE INDEX entries_by_lease ON entries (lease) WHERE lease > 0;
CREATE TABLE cursors (event_type TEXT PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE leases (id INTEGER PRIMARY KEY, ends REAL NOT NULL);
CREATE TABLE numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""
_KIND = Kind(
    "index of keys of etcd",
    _SCHEMA,
    NoticeError,
    "Check that its disk is there, writable and not full.",
)
_COLUMNS = "key, revision, created, version, lease, event_type, sequence, time, before, day_before, value"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a notification is.

    Parameters
    ----------
    event_type : str
        Its event type.
    sequence : int
        Its number.
    """

    event_type: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Status:
    """The status of a folder: when it changed last, and the revisions of the status before it.

    Parameters
    ----------
    event_type : str
        Event type of its notifications.
    time : int
        Microseconds since 1970.
    before : int, optional
        Revision of the one before it.
    day_before : int, optional
        Revision of the last one of a day before its own.
    """

    event_type: str
    time: int
    before: int | None
    day_before: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A key at a revision; version 0 says that it was deleted.

    Parameters
    ----------
    key : bytes
        The key.
    revision, created, version, lease : int
        As etcd has them.
    held : Place, Status or bytes
        What it holds.
    """

    key: bytes
    revision: int
    created: int
    version: int
    lease: int
    held: Place | Status | bytes


class Index:
    """Keys of all revisions, in a SQLite file.

    Methods take the connection of a transaction of `database`.

    Parameters
    ----------
    path : Path
        The file. When it is lost it is made again from the log: what clients keep besides notifications is lost then.
    """

    def __init__(self, path: Path) -> None:
        self.database = Database(path, _KIND)

    def number(self, connection: sqlite3.Connection, name: str) -> int:
        """Give a number that is kept, such as the last revision."""
        row = connection.execute("SELECT value FROM numbers WHERE name = ?", (name,)).fetchone()
        return 1 if row is None else int(row[0])

    def set_number(self, connection: sqlite3.Connection, name: str, value: int) -> None:
        """Keep a number."""
        connection.execute("INSERT OR REPLACE INTO numbers VALUES (?, ?)", (name, value))

    def cursors(self, connection: sqlite3.Connection) -> dict[str, int]:
        """Give up to which number each event type has been read."""
        return dict(connection.execute("SELECT event_type, sequence FROM cursors"))

    def set_cursor(self, connection: sqlite3.Connection, event_type: str, sequence: int) -> None:
        """Keep up to which number an event type has been read."""
        connection.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", (event_type, sequence))

    def latest(self, connection: sqlite3.Connection, key: bytes) -> Entry | None:
        """Give the last entry of a key, also of one that was deleted."""
        row = connection.execute(
            f"SELECT {_COLUMNS} FROM entries WHERE key = ? ORDER BY revision DESC LIMIT 1", (key,)
        ).fetchone()
        return None if row is None else _entry(row)

    def put(
        self, connection: sqlite3.Connection, key: bytes, revision: int, held: Place | Status | bytes, lease: int = 0
    ) -> None:
        """Write a key."""
        self.add(connection, following(self.latest(connection, key), key, revision, held, lease))

    def add(self, connection: sqlite3.Connection, entry: Entry) -> None:
        """Write an entry."""
        self._write(connection, entry)

    def remove(self, connection: sqlite3.Connection, key: bytes, revision: int) -> None:
        """Delete a key."""
        self._write(connection, Entry(key, revision, 0, 0, 0, b""))

    def places(self, connection: sqlite3.Connection, key: bytes) -> list[Place]:
        """Give all notifications that ever had a key."""
        rows = connection.execute("SELECT event_type, sequence FROM entries WHERE key = ? AND sequence > 0", (key,))
        return [Place(*row) for row in rows]

    def lease(self, connection: sqlite3.Connection, place: Place, lease: int) -> None:
        """Let the key of a notification end with a lease."""
        connection.execute(
            "UPDATE entries SET lease = ? WHERE event_type = ? AND sequence = ?",
            (lease, place.event_type, place.sequence),
        )

    def revision_of(self, connection: sqlite3.Connection, place: Place) -> int | None:
        """Give the revision of a notification."""
        row = connection.execute(
            "SELECT revision FROM entries WHERE event_type = ? AND sequence = ?", (place.event_type, place.sequence)
        ).fetchone()
        return None if row is None else int(row[0])

    def range(self, connection: sqlite3.Connection, request: RangeRequest, revision: int) -> Iterator[Entry]:
        """Find keys as they were at a revision, in order of the keys, without sorting and limit."""
        where, values = _between(request)
        at_least = request.mod[0]
        if at_least > 1:
            # What changed since then is little: it is found by its revisions, not among all keys.
            where, values = f"revision >= ? AND {where}", [at_least, *values]
        rows = connection.execute(
            f"SELECT {_COLUMNS}, MAX(revision) FROM entries {'INDEXED BY entries_by_revision' if at_least > 1 else ''}"
            f" WHERE {where} AND revision <= ? GROUP BY key ORDER BY key",
            [*values, revision],
        )
        for row in rows:
            entry = _entry(row[:-1])
            if entry.version and _is_within(entry.revision, request.mod) and _is_within(entry.created, request.created):
                yield entry

    def count(self, connection: sqlite3.Connection, request: RangeRequest, revision: int) -> int:
        """Count the keys between two at a revision, whenever they changed."""
        where, values = _between(request)
        return int(
            connection.execute(
                "SELECT COUNT(*) FROM (SELECT version, MAX(revision) FROM entries"
                f" WHERE {where} AND revision <= ? GROUP BY key HAVING version > 0)",
                [*values, revision],
            ).fetchone()[0]
        )

    def growth(self, connection: sqlite3.Connection, request: RangeRequest, after: int, until: int) -> int:
        """Count how many more keys there are between two at a revision than at one before it."""
        where, values = _between(request)
        changed = connection.execute(
            "SELECT key, version, MAX(revision) FROM entries INDEXED BY entries_by_revision"
            f" WHERE revision > ? AND revision <= ? AND {where} GROUP BY key",
            [after, until, *values],
        ).fetchall()
        before = "SELECT version FROM entries WHERE key = ? AND revision <= ? ORDER BY revision DESC LIMIT 1"
        difference = 0
        for key, version, _ in changed:
            had = connection.execute(before, (key, after)).fetchone()
            difference += (1 if version else 0) - (1 if had is not None and had[0] else 0)
        return difference

    def forget(self, connection: sqlite3.Connection, event_type: str, before: int) -> int:
        """Forget notifications below a number, and the status that came with them; gives their last revision, or 0."""
        row = connection.execute(
            "SELECT MAX(revision) FROM entries WHERE event_type = ? AND sequence < ?", (event_type, before)
        ).fetchone()
        if row[0] is None:
            return 0
        connection.execute("DELETE FROM entries WHERE event_type = ? AND sequence < ?", (event_type, before))
        connection.execute(
            "DELETE FROM entries WHERE event_type = ? AND sequence IS NULL AND revision <= ? AND revision <"
            " (SELECT MAX(revision) FROM entries AS others WHERE others.key = entries.key)",
            (event_type, row[0]),
        )
        return int(row[0])

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    def _write(self, connection: sqlite3.Connection, entry: Entry) -> None:
        place = entry.held if isinstance(entry.held, Place) else None
        status = entry.held if isinstance(entry.held, Status) else None
        value = entry.held if isinstance(entry.held, bytes) else None
        connection.execute(
            f"INSERT OR REPLACE INTO entries ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                entry.key,
                entry.revision,
                entry.created,
                entry.version,
                entry.lease,
                place.event_type if place else status.event_type if status else None,
                place.sequence if place else None,
                status.time if status else None,
                status.before if status else None,
                status.day_before if status else None,
                value,
            ),
        )


def following(last: Entry | None, key: bytes, revision: int, held: Place | Status | bytes, lease: int = 0) -> Entry:
    """Make the entry of a key that follows its last one, if it has one."""
    is_new = last is None or last.version == 0
    created, version = (revision, 1) if last is None or is_new else (last.created, last.version + 1)
    return Entry(key, revision, created, version, lease, held)


def _entry(row: Sequence[object]) -> Entry:
    key, revision, created, version, lease, event_type, sequence, time, before, day_before, value = row
    held: object
    if sequence is not None:
        held = Place(event_type, sequence)  # type: ignore[arg-type]
    elif time is not None:
        held = Status(event_type, time, before, day_before)  # type: ignore[arg-type]
    else:
        held = value or b""
    return Entry(key, revision, created, version, lease, held)  # type: ignore[arg-type]


def _between(request: RangeRequest) -> tuple[str, list[object]]:
    if not request.range_end:
        return "key = ?", [request.key]
    if request.range_end == b"\0":
        return "key >= ?", [request.key]
    return "key >= ? AND key < ?", [request.key, request.range_end]


def _is_within(revision: int, limits: tuple[int, int]) -> bool:
    first, last = limits
    return (not first or revision >= first) and (not last or revision <= last)
