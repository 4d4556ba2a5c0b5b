"""What keys hold: payloads of notifications out of the log, and the status of folders."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Union

from dtedask.notify.event import format_time
from dtedask.notify.streams.rows import from_microseconds
from dtedask.serve.etcd.index import Entry, Place, Status
from dtedask.serve.etcd.layouts import NOTHING
from dtedask.serve.etcd.wire import KeyValue

if TYPE_CHECKING:
    from dtedask.notify.notification import Notification
    from dtedask.notify.streams import Streams

__all__ = ["Sees", "Values", "What"]

What = Union["Notification", str, bytes]
"""A notification, the name of an event type for the status of its folders, or the key of a file."""

Sees = Callable[[What], bool]
"""Whether somebody may see it."""

_PAGE = 1000
_GAP = 8


class Values:
    """Finds what keys hold.

    Parameters
    ----------
    streams : Streams
        The log.
    """

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def filled(self, entries: Sequence[Entry], keys_only: bool, sees: Sees) -> list[KeyValue]:
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
                run = _run(wanted)
                page = self._streams.page(event_type, wanted[0] - 1, limit=_PAGE, until=wanted[run - 1])
                found.update({Place(event_type, one.sequence): one for one in page})
                wanted = wanted[run:]
        return found


def _run(wanted: Sequence[int]) -> int:
    """How many numbers lie so close together that they are read at once, with what is between them."""
    last = 0
    while last + 1 < len(wanted) and wanted[last + 1] - wanted[last] <= _GAP and wanted[last + 1] - wanted[0] < _PAGE:
        last += 1
    return last + 1


def _payload(payload: Any) -> bytes:
    if payload is None:
        return NOTHING.encode()
    return (payload if isinstance(payload, str) else json.dumps(payload, separators=(",", ":"))).encode()


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
