"""One event type of a server that gives no log in pages, such as ECMWF's aviso-server: heard by its watch."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import InvalidValueError, NoticeError
from dtedask.notify.delivery.item import Item
from dtedask.notify.delivery.moments import Moment

if TYPE_CHECKING:
    from dtedask.notify.client import NotifyClient
    from dtedask.notify.notification import Notification

__all__ = ["WatchedSource"]

KEPT = 1000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

logger = logging.getLogger(__name__)


class WatchedSource:
    """Notifications of one event type, as they come over one connection.

    Where a listener has not heard of anything yet, its cursor is a time: the server does not say which number is the
    last one.

    Parameters
    ----------
    client : NotifyClient
        Of the server.
    event_type : str
        Name of the event type.
    identifier : mapping of str to value
        The filter that the server is given.
    """

    cubes = ()

    def __init__(self, client: NotifyClient, event_type: str, identifier: Mapping[str, Any]) -> None:
        self.event_type = event_type
        self._since = f"{event_type} since"
        self._client = client
        self._identifier = dict(identifier)
        self._come: deque[Notification] = deque()
        self._last = 0
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._error: NoticeError | None = None

    def heads(self) -> dict[str, int]:
        """Give the number of the last notification that has come; before listening begins, the time.

        Raises
        ------
        NoticeError
            If the server gives no more.
        """
        if self._error is not None:
            raise self._error
        if self._thread is None:
            return {self._since: (datetime.now(UTC) - EPOCH) // timedelta(microseconds=1)}
        return {self.event_type: self._last}

    def open(self, cursors: Mapping[str, int], *, once: bool) -> None:
        """Begin to hear of what comes after a cursor; with `once`, hear of all that the server has, and end."""
        place, since = cursors.get(self.event_type, 0), cursors.get(self._since)
        start: dict[str, Any] = {"from_id": place + 1}
        if not place and since is not None:
            start = {"from_date": EPOCH + timedelta(microseconds=since)}
        self._last = place
        hear = self._client.replay if once else self._client.watch
        heard = hear(self.event_type, self._identifier, **start, stop=self._stop)
        if once:
            self._come.extend(heard)
            self._last = self._come[-1].sequence if self._come else place
        self._thread = threading.Thread(
            target=self._hear, args=(iter(()) if once else heard,), name=f"watch-{self.event_type}", daemon=True
        )
        self._thread.start()

    def items(self, after: Mapping[str, int]) -> Iterator[Item]:
        """Yield what has come after a number, and forget what was before."""
        place = after.get(self.event_type, 0)
        with self._changed:
            while self._come and self._come[0].sequence <= place:
                self._come.popleft()
            found = list(self._come)
            self._changed.notify_all()
        return (Item(self.event_type, one.sequence, one) for one in found)

    def version(self) -> object:
        """Return something that changes whenever something has come."""
        return self._last

    def before(self, moment: Moment) -> dict[str, int]:
        """Give the number before a moment, or the time."""
        if moment.time is not None:
            return {self._since: (moment.time - EPOCH) // timedelta(microseconds=1)}
        if moment.number is None or moment.name not in ("", self.event_type) or moment.index is not None:
            raise InvalidValueError(
                f"{moment.text!r} is no notification of event type {self.event_type!r}.",
                hint=f"Write {self.event_type}@{moment.number}, or a time.",
            )
        return {self.event_type: moment.number - 1}

    def through(self, moment: Moment) -> dict[str, int] | None:
        """Refuse: what has come does not say what is still to come."""
        raise InvalidValueError(
            f"{self._client.url} does not say where {moment} is: listening to it cannot end there.",
            hint="Leave out the end, or ask for the past with `dtedask notify replay --to`.",
        )

    def close(self) -> None:
        """Hear of nothing more."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _hear(self, heard: Iterator[Notification]) -> None:
        try:
            for one in heard:
                with self._changed:
                    self._changed.wait_for(lambda: len(self._come) < KEPT or self._stop.is_set())
                    if self._stop.is_set():
                        return
                    self._come.append(one)
                    self._last = one.sequence
        except NoticeError as error:
            logger.error("Event type %s of %s cannot be watched any more: %s", self.event_type, self._client.url, error)
            self._error = error
