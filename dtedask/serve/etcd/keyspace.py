"""The keys that etcd would hold: notifications under the names that Aviso 1 gives them, and what else clients keep."""

from __future__ import annotations

import heapq
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Union

from dtedask.notify.event import format_time
from dtedask.notify.notification import Draft
from dtedask.notify.streams.rows import from_microseconds, to_microseconds
from dtedask.serve.etcd.index import Entry, Index, Place, Status
from dtedask.serve.etcd.layouts import NOTHING, Layout
from dtedask.serve.etcd.wire import GatewayError, KeyValue, RangeRequest

if TYPE_CHECKING:
    from dtedask.notify.notification import Notification
    from dtedask.notify.streams import Streams

__all__ = ["CONFIGURATION", "Found", "Keyspace", "Sees", "What", "Write"]

CONFIGURATION = b"/ec/config/"
"""What is kept as it is, here and nowhere else: files that clients load."""

What = Union["Notification", str, bytes]
"""A notification, the name of an event type for the status of its folders, or the key of a file."""

Sees = Callable[[What], bool]
"""Whether somebody may see it."""

_AT_ONCE = 2000
_PAGE = 1000
_FORGET_EACH_S = 60.0


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
        self._index = index
        self._layouts = {layout.event_type: layout for layout in layouts}
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: object = None
        self._forgot = -_FORGET_EACH_S
        self._counts: dict[tuple[bytes, bytes, int], int] = {}

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
            keys.extend(self._filled(wanted[start : start + _PAGE], request.keys_only, sees))
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
            before = self._filled(found, False, sees)
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
        self._index.close()

    def _catch_up(self) -> None:
        self._end_leases()
        version = self._streams.version()
        if version == self._seen:
            return
        while not self._read_some():
            pass
        if time.monotonic() - self._forgot > _FORGET_EACH_S:
            self._forget()
            self._forgot = time.monotonic()
        self._seen = version

    def _read_some(self) -> bool:
        """Read the next notifications of all types, in order of their times; True when there are no more."""
        with self._index.database.write() as connection:
            cursors = self._index.cursors(connection)
            news = [self._after(name, cursors.get(name, 0)) for name in self._layouts]
            count = 0
            for notification in heapq.merge(*news, key=attrgetter("time")):
                self._note(connection, notification)
                cursors[notification.event_type] = notification.sequence
                count += 1
                if count == _AT_ONCE:
                    break
            if count:
                for name, sequence in cursors.items():
                    self._index.set_cursor(connection, name, sequence)
            return count < _AT_ONCE

    def _after(self, event_type: str, sequence: int) -> Iterator[Notification]:
        while page := self._streams.page(event_type, sequence, limit=_PAGE):
            yield from page
            sequence = page[-1].sequence

    def _note(self, connection: sqlite3.Connection, notification: Notification) -> None:
        layout = self._layouts[notification.event_type]
        time_us = to_microseconds(notification.time)
        revision = self._next(connection, time_us)
        key = layout.key(notification.identifier).encode()
        self._index.put(connection, key, revision, Place(notification.event_type, notification.sequence))
        folder = layout.folder(notification.identifier).encode()
        last = self._index.latest(connection, folder)
        status = _status(notification.event_type, time_us, last)
        self._index.put(connection, folder, revision, status)

    def _next(self, connection: sqlite3.Connection, time_us: int = 0) -> int:
        revision = max(self._index.number(connection, "revision") + 1, time_us)
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
        asked = (request.key, request.range_end, revision)
        if asked not in self._counts:
            if len(self._counts) > 100:
                self._counts.clear()
            self._counts[asked] = self._index.count(connection, request, revision)
        return self._counts[asked]

    def _sorted(self, entries: Iterable[Entry], request: RangeRequest) -> list[Entry]:
        found = list(entries)
        order = {"CREATE": attrgetter("created"), "MOD": attrgetter("revision"), "VERSION": attrgetter("version")}
        if request.target in order and request.order != "NONE":
            found.sort(key=order[request.target])
        elif request.target == "VALUE" and request.order != "NONE":
            raise GatewayError(12, "keys are not sorted by their values here")
        return found[::-1] if request.order == "DESCEND" else found

    def _filled(self, entries: Sequence[Entry], keys_only: bool, sees: Sees) -> list[KeyValue]:
        """Add values; those of notifications are in the log, and keys whose notification is gone are left out."""
        places = [entry.held for entry in entries if isinstance(entry.held, Place)]
        there = self._notifications(places)
        found = []
        for entry in entries:
            value = self._value(entry, there, sees)
            if value is not None:
                given = b"" if keys_only else value
                found.append(KeyValue(entry.key, given, entry.created, entry.revision, entry.version, entry.lease))
        return found

    def _value(self, entry: Entry, there: Mapping[Place, Notification], sees: Sees) -> bytes | None:
        if isinstance(entry.held, Place):
            notification = there.get(entry.held)
            return None if notification is None or not sees(notification) else _payload(notification.payload)
        if isinstance(entry.held, Status):
            return _rendered(entry, entry.held) if sees(entry.held.event_type) else None
        return entry.held if sees(entry.key) else None

    def _notifications(self, places: Iterable[Place]) -> dict[Place, Notification]:
        found = {}
        ordered = sorted(places, key=attrgetter("event_type", "sequence"))
        for event_type, group in groupby(ordered, key=attrgetter("event_type")):
            wanted = [place.sequence for place in group]
            while wanted:
                last = wanted[min(len(wanted), _PAGE) - 1]
                page = self._streams.page(event_type, wanted[0] - 1, limit=_PAGE, until=last)
                found.update({Place(event_type, one.sequence): one for one in page})
                read = page[-1].sequence if len(page) == _PAGE else last
                wanted = [sequence for sequence in wanted if sequence > read]
        return found


def _payload(payload: Any) -> bytes:
    if payload is None:
        return NOTHING.encode()
    return (payload if isinstance(payload, str) else json.dumps(payload, separators=(",", ":"))).encode()


def _status(event_type: str, time_us: int, last: Entry | None) -> Status:
    """Chain a status to the one before it, the way clients of Aviso 1 do, which look for times along the chain."""
    if last is None or not isinstance(last.held, Status):
        return Status(event_type, time_us, None, None)
    is_same_day = from_microseconds(last.held.time).date() == from_microseconds(time_us).date()
    return Status(event_type, time_us, last.revision, last.held.day_before if is_same_day else last.revision)


def _rendered(entry: Entry, status: Status) -> bytes:
    # Where there was no day before, the first revision: clients go there and begin with it, while they would leave out
    # all but the last notification if nothing were said.
    day_before = entry.created if status.day_before is None else status.day_before
    fields = {
        "etcd_user": None,
        "message": f"notification below {entry.key.decode(errors='replace')}",
        "engine": "ETCD_REST",
        "date_time": format_time(from_microseconds(status.time)),
        **({} if status.before is None else {"prev_rev": status.before}),
        "last_prev_day_rev": day_before,
    }
    return json.dumps(fields).encode()


def _meets(prefix: bytes, request: RangeRequest) -> bool:
    if not request.range_end:
        return request.key.startswith(prefix)
    behind = prefix[:-1] + bytes([prefix[-1] + 1])
    return request.key < behind and (request.range_end == b"\0" or request.range_end > prefix)
