"""Between the log and the streams: who has read how far, and who waits for more."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import DtedaskError
from dtedask.serve.notify.ring import Item, Ring, render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dtedask.notify.event_log import EventLog
    from dtedask.notify.notification import Notification
    from dtedask.serve.notify.options import ServeOptions
    from dtedask.serve.notify.stream import Stream

logger = logging.getLogger(__name__)

_TROUBLE_S = 1.0
_AT_ONCE = 100


class Channel:
    """One event type that somebody listens to."""

    def __init__(self, ring: Ring) -> None:
        self.ring = ring
        self.listeners = 0
        self.waiting: set[Stream] = set()

    def wake(self) -> None:
        """Serve all streams that wait, some at a time so that requests need not wait for all."""
        self._wake_some(list(self.waiting))

    def _wake_some(self, streams: list[Stream]) -> None:
        for stream in streams[:_AT_ONCE]:
            if stream in self.waiting:
                stream.wake()
        if len(streams) > _AT_ONCE:
            asyncio.get_running_loop().call_soon(self._wake_some, streams[_AT_ONCE:])


class Hub:
    """Reads the log for all streams; runs in one event loop.

    A thread looks whether the log has changed; what is new is read once, rendered once, and kept in a ring from which
    all streams are served. A stream that is behind the ring reads pages of the log in threads, and holds nobody.

    Parameters
    ----------
    log : EventLog
        The log.
    options : ServeOptions
        Sizes and times.
    """

    def __init__(self, log: EventLog, options: ServeOptions) -> None:
        self.log = log
        self.options = options
        self.is_stopping = False
        self._channels: dict[str, Channel] = {}
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="notices-read")
        self._stop = threading.Event()
        self._watcher: threading.Thread | None = None
        self._has_listeners = threading.Event()
        self._refreshing = asyncio.Lock()
        self._is_stale = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look for changes."""
        loop = asyncio.get_running_loop()
        self._watcher = threading.Thread(target=self._watch, args=(loop,), name="notices-watch", daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """Tell all streams to end."""
        self.is_stopping = True
        for channel in self._channels.values():
            channel.wake()

    def close(self) -> None:
        """Let go of the threads."""
        self._stop.set()
        self._has_listeners.set()
        if self._watcher is not None:
            self._watcher.join()
        self._pool.shutdown(cancel_futures=True)

    async def call(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Call something that may wait for a disk or a network, in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: function(*arguments, **options))

    @contextmanager
    def listening(self, event_type: str, head: int) -> Iterator[Channel]:
        """Hold a channel.

        Parameters
        ----------
        event_type : str
            Its event type.
        head : int
            A number that the log has given already; where nobody listens yet, the ring begins there.
        """
        channel = self._channels.get(event_type)
        if channel is None:
            channel = self._channels[event_type] = Channel(Ring(head, self.options.ring))
            self.changed()  # what was written since the head was found was nobody's until now
        channel.listeners += 1
        self._has_listeners.set()
        try:
            yield channel
        finally:
            channel.listeners -= 1
            if not channel.listeners:
                del self._channels[event_type]
            if not self._channels:
                self._has_listeners.clear()

    async def read(
        self, event_type: str, channel: Channel, after: int, until: int | None
    ) -> tuple[Sequence[Item], int, bool]:
        """Read a page: its items, up to which number this is everything, and whether there is no more."""
        limit = self.options.page
        if channel.ring.has(after):
            return channel.ring.read(after, limit, until)
        top = channel.ring.top  # before the page is read: it has everything up to there
        items = await self.call(self._page, event_type, after, limit, until)
        if len(items) >= limit:
            return items, items[-1].sequence, False
        upto = max(after, top, items[-1].sequence if items else 0)
        return items, upto if until is None else min(upto, until), True

    def appended(self, notifications: Sequence[Notification]) -> None:
        """Take what this server has just written, and wake those who wait for it."""
        by_type: dict[str, list[Notification]] = {}
        for notification in notifications:
            if notification.event_type in self._channels:
                by_type.setdefault(notification.event_type, []).append(notification)
        for event_type, some in by_type.items():
            channel = self._channels[event_type]
            if _follows(channel.ring.top, some):
                channel.ring.extend(render(some, self.options.source), some[-1].sequence)
                channel.wake()
            else:
                self.changed()

    def forget(self, event_type: str, sequence: int | None = None) -> None:
        """Tell no more of one notification, or of all."""
        channel = self._channels.get(event_type)
        if channel is not None and sequence is not None:
            channel.ring.remove(sequence)
        elif channel is not None:
            channel.ring.clear()

    def changed(self) -> None:
        """Look into the log: somebody has written."""
        self._is_stale = True
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._refresh())

    def counts(self) -> Mapping[str, int]:
        """Say how many streams each event type has."""
        return {name: channel.listeners for name, channel in self._channels.items()}

    async def _refresh(self) -> None:
        while self._is_stale and not self.is_stopping:
            self._is_stale = False
            try:
                for event_type, channel in list(self._channels.items()):
                    await self._refresh_one(event_type, channel)
            except DtedaskError as error:
                logger.warning("Cannot read the log of notices, trying again in %g s: %s", _TROUBLE_S, error)
                await asyncio.sleep(_TROUBLE_S)
                self._is_stale = True

    async def _refresh_one(self, event_type: str, channel: Channel) -> None:
        is_full = True
        while is_full:
            after = channel.ring.top
            items = await self.call(self._page, event_type, after, self.options.page, None)
            is_full = len(items) >= self.options.page
            if items:
                _take(channel, items)

    def _page(self, event_type: str, after: int, limit: int, until: int | None) -> list[Item]:
        return render(self.log.page(event_type, after, limit=limit, until=until), self.options.source)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        seen: object = None
        while not self._stop.is_set():
            self._has_listeners.wait()
            try:
                now = self.log.version()
                if now != seen:
                    self._look(loop)
                    seen = now
            except DtedaskError as error:
                logger.warning("Cannot look into the log of notices, trying again in %g s: %s", _TROUBLE_S, error)
                self._stop.wait(_TROUBLE_S)
            self._stop.wait(self.options.poll_s)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read in this thread what is new, which saves two changes of threads for each event."""
        for event_type, channel in list(self._channels.items()):
            after, is_full = channel.ring.top, True
            while is_full and not self._stop.is_set():
                items = self._page(event_type, after, self.options.page, None)
                is_full = len(items) >= self.options.page
                if items:
                    after = items[-1].sequence
                    loop.call_soon_threadsafe(_take, channel, items)


def _take(channel: Channel, items: Sequence[Item]) -> None:
    if channel.ring.extend(items, items[-1].sequence):
        channel.wake()


def _follows(top: int, notifications: Sequence[Notification]) -> bool:
    """Whether nothing can lie between what is known and these."""
    return notifications[0].sequence == top + 1 and notifications[-1].sequence == top + len(notifications)


def clock() -> float:
    """Tell the time of the streams, in seconds since 1970; it never goes back."""
    return _EPOCH + time.monotonic()


_EPOCH = time.time() - time.monotonic()
