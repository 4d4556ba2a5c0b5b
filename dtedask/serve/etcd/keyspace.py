"""The keys that etcd would hold: notifications under the names that Aviso 1 gives them, and what else clients keep."""

from __future__ import annotations

import heapq
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING

from dtedask.notify.notification import Draft
from dtedask.notify.streams.rows import from_microseconds, to_microseconds
from dtedask.serve.etcd.index import Entry, Index, Place, Status, following
from dtedask.serve.etcd.layouts import Layout
from dtedask.serve.etcd.values import Sees, Values
from dtedask.serve.etcd.wire import GatewayError, KeyValue, RangeRequest

if TYPE_CHECKING:
    from dtedask.notify.notification import Notification
    from dtedask.notify.streams import Streams

__all__ = ["CONFIGURATION", "Found", "Keyspace", "Write"]

CONFIGURATION = b"/ec/config/"
"""What is kept as it is, here and nowhere else: files that clients load."""

_AT_ONCE = 2000
_PAGE = 1000
_FORGET_EACH_S = 60.0
_COUNTS = 100


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a question for keys.

    Parameters
    ----------
    revision : int
        Of the server, now.
    keys : sequence of KeyValue
        As many as were wanted.
    count : int
        How many there are, before they are chosen by revisions and limited.
    has_more : bool
        Whether the limit left some out.
    """

    revision: int
    keys: Sequence[KeyValue]
    count: int
    has_more: bool


@dataclass(frozen=True, slots=True)
class Write:
    """What is to be written under a key.

    Parameters
    ----------
    key : bytes
        The key.
    lease : int
        What it ends with; 0 for nothing.
    held : Draft or bytes or None
        A notification, or the bytes of a key of the configuration; None for what is made here: nothing is written.
    """

    key: bytes
    lease: int
    held: Draft | bytes | None


class Keyspace:
    """Keys and their revisions over a log of notifications.

    A revision is the time of its notification in microseconds since 1970, or one more than the revision before it where
    that is higher: whatever is seen later has a higher one. The index remembers them; when it is lost they are made
    again, nearly the same.

    Parameters
    ----------
    streams : Streams
        The log.
    index : Index
        Remembers revisions.
    layouts : sequence of Layout
        Keys of notifications.
    clock : callable () -> float
        Seconds since 1970, for leases.
    """

    def __init__(
        self, streams: Streams, index: Index, layouts: Sequence[Layout], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._streams = streams
        self._values = Values(streams)
        self._index = index
        self._layouts = {layout.event_type: layout for layout in layouts}
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: object = None
        self._is_closed = False
        self._forgot = -_FORGET_EACH_S
        self._counts: dict[tuple[bytes, bytes], tuple[int, int]] = {}

    def range(self, request: RangeRequest, sees: Sees) -> Found:
        """Find keys that somebody may see."""
        self.catch_up()
        with self._index.database.read() as connection:
            now = self._index.number(connection, "revision")
            self._check_revision(connection, request.revision, now)
            revision = request.revision if request.revision > 0 else now
            entries = self._index.range(connection, request, revision)
            wanted = [] if request.count_only else self._sorted(entries, request)
            count = self._count(connection, request, revision)
        limit = request.limit if request.limit > 0 else len(wanted)
        keys: list[KeyValue] = []
        for start in range(0, len(wanted), _PAGE):
            keys.extend(self._values.filled(wanted[start : start + _PAGE], request.keys_only, sees))
            if len(keys) > limit:
                break
        return Found(now, keys[:limit], count, len(keys) > limit)

    def write(self, writes: Sequence[Write], removals: Sequence[RangeRequest]) -> tuple[int, int, list[int]]:
        """Remove keys and then write others; gives the revisions before and after, and how many each removal took."""
        with self._lock:
            self._check_leases({write.lease for write in writes} - {0})
            self._catch_up()
            with self._index.database.read() as connection:
                before = self._index.number(connection, "revision")
            removed = [len(self._remove(removal)) for removal in removals]
            drafts = [(write, write.held) for write in writes if isinstance(write.held, Draft)]
            notifications = self._streams.append([draft for _, draft in drafts]) if drafts else ()
            self._catch_up()
            with self._index.database.write() as connection:
                for (write, _), notification in zip(drafts, notifications, strict=True):
                    if write.lease:
                        place = Place(notification.event_type, notification.sequence)
                        self._index.lease(connection, place, write.lease)
                kept = [(write, write.held) for write in writes if isinstance(write.held, bytes)]
                if kept:
                    revision = self._next(connection)
                    for write, content in kept:
                        self._index.put(connection, write.key, revision, content, write.lease)
                return before, self._index.number(connection, "revision"), removed

    def remove(self, request: RangeRequest, sees: Sees) -> tuple[int, list[KeyValue]]:
        """Remove keys, and give them as they were."""
        with self._lock:
            self._catch_up()
            with self._index.database.read() as connection:
                found = list(self._index.range(connection, request, self._index.number(connection, "revision")))
            before = self._values.filled(found, False, sees)
            self._remove(request)
            with self._index.database.read() as connection:
                return self._index.number(connection, "revision"), before

    def grant(self, lease: int, ttl_s: int) -> tuple[int, int]:
        """Begin a lease; gives its id and the revision."""
        with self._lock, self._index.database.write() as connection:
            if lease and connection.execute("SELECT 1 FROM leases WHERE id = ?", (lease,)).fetchone():
                raise GatewayError(9, "etcdserver: lease already exists")
            ends = self._clock() + ttl_s
            made = connection.execute("INSERT INTO leases (id, ends) VALUES (?, ?)", (lease or None, ends)).lastrowid
            return int(made or 0), self._index.number(connection, "revision")

    def keep_file(self, key: bytes, content: bytes) -> None:
        """Write a key of the configuration, unless it holds that already or somebody else has written it."""
        with self._lock, self._index.database.write() as connection:
            last = self._index.latest(connection, key)
            mine = self._index.number(connection, f"mine:{key.decode()}")
            if last is None or (last.held != content and last.revision == mine):
                revision = self._next(connection)
                self._index.put(connection, key, revision, content)
                self._index.set_number(connection, f"mine:{key.decode()}", revision)

    def layout_of(self, key: str) -> tuple[Layout, dict[str, str] | None] | None:
        """Find whose key it is, and which identifier it stands for: none for the status of a folder."""
        for layout in self._layouts.values():
            if layout.is_folder(key):
                return layout, None
            identifier = layout.identifier(key)
            if identifier is not None:
                return layout, identifier
        return None

    def event_types_in(self, request: RangeRequest) -> list[str]:
        """Give the event types whose keys may be among those that are asked for."""
        return [name for name, layout in self._layouts.items() if _meets(layout.prefix.encode(), request)]

    @property
    def layouts(self) -> Mapping[str, Layout]:
        """Layouts by event type."""
        return self._layouts

    def catch_up(self) -> None:
        """Take notice of what was written to the log, and of leases that have ended."""
        with self._lock:
            self._catch_up()

    def close(self) -> None:
        """Close the index."""
        self._is_closed = True
        with self._lock:
            self._index.close()

    def _catch_up(self) -> None:
        self._end_leases()
        version = self._streams.version()
        if version == self._seen:
            return
        while not self._read_some():
            if self._is_closed:
                return
        if time.monotonic() - self._forgot > _FORGET_EACH_S:
            self._forget()
            self._forgot = time.monotonic()
        self._seen = version

    def _read_some(self) -> bool:
        """Read the next notifications of all types, in order of their times; True when there are no more."""
        with self._index.database.write() as connection:
            cursors = self._index.cursors(connection)
            news = [self._after(name, cursors.get(name, 0)) for name in self._layouts]
            revision, count, folders = self._index.number(connection, "revision"), 0, dict[bytes, Entry]()
            for notification in islice(heapq.merge(*news, key=attrgetter("time")), _AT_ONCE):
                revision = max(revision + 1, to_microseconds(notification.time))
                self._note(connection, notification, revision, folders)
                cursors[notification.event_type] = notification.sequence
                count += 1
            if count:
                for name, sequence in cursors.items():
                    self._index.set_cursor(connection, name, sequence)
                self._index.set_number(connection, "revision", revision)
            return count < _AT_ONCE

    def _after(self, event_type: str, sequence: int) -> Iterator[Notification]:
        while page := self._streams.page(event_type, sequence, limit=_PAGE):
            yield from page
            sequence = page[-1].sequence

    def _note(
        self,
        connection: sqlite3.Connection,
        notification: Notification,
        revision: int,
        folders: dict[bytes, Entry],
    ) -> None:
        layout = self._layouts[notification.event_type]
        key = layout.key(notification.identifier).encode()
        self._index.put(connection, key, revision, Place(notification.event_type, notification.sequence))
        folder = layout.folder(notification.identifier).encode()
        last = folders.get(folder) or self._index.latest(connection, folder)
        status = _status(notification.event_type, to_microseconds(notification.time), last)
        folders[folder] = following(last, folder, revision, status)
        self._index.add(connection, folders[folder])

    def _next(self, connection: sqlite3.Connection) -> int:
        revision = self._index.number(connection, "revision") + 1
        self._index.set_number(connection, "revision", revision)
        return revision

    def _remove(self, request: RangeRequest) -> list[Entry]:
        self._catch_up()
        with self._index.database.read() as connection:
            now = self._index.number(connection, "revision")
            entries = list(self._index.range(connection, request, now))
            places = {place for entry in entries for place in self._index.places(connection, entry.key)}
        for place in places:
            self._streams.delete(place.event_type, place.sequence)
        if entries:
            with self._index.database.write() as connection:
                revision = self._next(connection)
                for entry in entries:
                    self._index.remove(connection, entry.key, revision)
        return entries

    def _end_leases(self) -> None:
        with self._index.database.read() as connection:
            ended = connection.execute("SELECT id FROM leases WHERE ends <= ?", (self._clock(),)).fetchall()
            keys = [
                key
                for (lease,) in ended
                for (key,) in connection.execute("SELECT DISTINCT key FROM entries WHERE lease = ?", (lease,))
                if (last := self._index.latest(connection, key)) is not None and last.lease == lease
            ]
        if not ended:
            return
        with self._index.database.write() as connection:
            connection.executemany("DELETE FROM leases WHERE id = ?", ended)
        for key in keys:
            self._remove(RangeRequest(key))

    def _forget(self) -> None:
        with self._index.database.write() as connection:
            for name in self._layouts:
                first = self._streams.page(name, 0, limit=1)
                cursor = self._index.cursors(connection).get(name, 0)
                gone = self._index.forget(connection, name, first[0].sequence if first else cursor + 1)
                if gone:
                    self._counts.clear()
                if gone > self._index.number(connection, "compacted"):
                    self._index.set_number(connection, "compacted", gone)

    def _check_revision(self, connection: sqlite3.Connection, revision: int, now: int) -> None:
        if revision > now:
            raise GatewayError(11, "etcdserver: mvcc: required revision is a future revision")
        if 0 < revision < self._index.number(connection, "compacted"):
            raise GatewayError(11, "etcdserver: mvcc: required revision has been compacted")

    def _check_leases(self, leases: Iterable[int]) -> None:
        self._end_leases()
        with self._index.database.read() as connection:
            for lease in leases:
                if connection.execute("SELECT 1 FROM leases WHERE id = ?", (lease,)).fetchone() is None:
                    raise GatewayError(5, "etcdserver: requested lease not found")

    def _count(self, connection: sqlite3.Connection, request: RangeRequest, revision: int) -> int:
        """Count keys; who polls pays for what has changed, not for all."""
        asked = (request.key, request.range_end)
        known, count = self._counts.get(asked, (-1, 0))
        if 0 < known <= revision:
            count += self._index.growth(connection, request, known, revision) if known < revision else 0
        else:
            count = self._index.count(connection, request, revision)
        if len(self._counts) >= _COUNTS:
            self._counts.clear()
        self._counts[asked] = (revision, count)
        return count

    def _sorted(self, entries: Iterable[Entry], request: RangeRequest) -> list[Entry]:
        found = list(entries)
        order = {"CREATE": attrgetter("created"), "MOD": attrgetter("revision"), "VERSION": attrgetter("version")}
        if request.target == "VALUE":
            raise GatewayError(12, "keys are not sorted by their values here")
        if request.target in order:  # in rising order where none is asked for, and equal ones by their keys, as in etcd
            found.sort(key=order[request.target], reverse=request.order == "DESCEND")
        elif request.order == "DESCEND":
            found.reverse()
        return found


def _status(event_type: str, time_us: int, last: Entry | None) -> Status:
    """Chain a status to the one before it, the way clients of Aviso 1 do, which look for times along the chain."""
    if last is None or not isinstance(last.held, Status):
        return Status(event_type, time_us, None, None)
    is_same_day = from_microseconds(last.held.time).date() == from_microseconds(time_us).date()
    return Status(event_type, time_us, last.revision, last.held.day_before if is_same_day else last.revision)


def _meets(prefix: bytes, request: RangeRequest) -> bool:
    if not request.range_end:
        return request.key.startswith(prefix)
    behind = prefix[:-1] + bytes([prefix[-1] + 1])
    return request.key < behind and (request.range_end == b"\0" or request.range_end > prefix)
