"""One stream at work: what its subscription says is done at once where nothing has to be waited for."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

from dtedask.core.errors import DtedaskError
from dtedask.serve.notify.hub import clock
from dtedask.serve.notify.subscription import (
    End,
    Failed,
    Instruction,
    Opened,
    Page,
    Read,
    Stopping,
    Subscription,
    Wait,
    Woken,
    Write,
)

if TYPE_CHECKING:
    from starlette.types import Receive, Send

    from dtedask.serve.notify.hub import Channel, Hub
    from dtedask.serve.notify.wire import Wire

logger = logging.getLogger(__name__)

_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]


class Stream:
    """Serves a subscription until its end, or until the client is gone.

    A stream that waits is served by whoever wakes it, without a turn of its own in the event loop: a thousand streams
    of one event cost a thousand writes and little else. Its own task goes on only where it must wait for the log, or
    for a client that reads too slowly.

    Parameters
    ----------
    hub : Hub
        Reads the log.
    channel : Channel
        Its event type.
    subscription : Subscription
        What it does.
    send : callable
        Of ASGI.
    wire : Wire, optional
        The connection itself, where the server gives it; it is faster than `send`.
    """

    def __init__(
        self, hub: Hub, channel: Channel, subscription: Subscription, send: Send, wire: Wire | None = None
    ) -> None:
        self._hub = hub
        self._channel = channel
        self._subscription = subscription
        self._send = send
        self._wire = wire
        self._write_timeout_s = hub.options.write_timeout_s
        self._todo: deque[Instruction] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._until = 0.0
        self._is_gone = False
        self._is_started = False

    async def run(self) -> None:
        """Serve; raises TimeoutError where the client does not read."""
        self._todo.extend(self._subscription.handle(Opened(clock())))
        try:
            while not self._is_gone:
                match self._advance():
                    case Write(data):
                        await self._write(data)
                    case Read() as wanted:
                        self._todo.extend(self._subscription.handle(await self._read(wanted)))
                    case Wait(until):
                        await self._wait(until)
                    case End():
                        await self._send({"type": "http.response.body", "body": b""})
                        return
                if self._hub.is_stopping:
                    self._todo.clear()
                    self._todo.extend(self._subscription.handle(Stopping(clock())))
        finally:
            self._channel.waiting.discard(self)
            if self._timer is not None:
                self._timer.cancel()

    def wake(self) -> None:
        """Serve what is new; called by the hub while the stream waits."""
        if self._is_gone or self._hub.is_stopping or self._wire is None or self._wire.is_paused:
            self._go_on()
            return
        self._todo.extend(self._subscription.handle(Woken(clock())))
        one = self._advance()
        if isinstance(one, Wait):
            self._until = one.until
        else:
            self._todo.appendleft(one)
            self._go_on()

    async def wait_until_gone(self, receive: Receive) -> None:
        """Notice that the client went away."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self._is_gone = True
        self._go_on()

    def _advance(self) -> Instruction:
        """Do all that can be done at once; gives the first instruction that cannot."""
        while True:
            one = self._todo.popleft()
            if isinstance(one, Write) and self._is_started and self._wire is not None and not self._wire.is_paused:
                self._wire.write_chunk(one.data)
            elif isinstance(one, Read) and self._channel.ring.has(one.after):
                found = self._channel.ring.read(one.after, self._hub.options.page, one.until)
                self._todo.extend(self._subscription.handle(Page(clock(), *found)))
            else:
                return one

    async def _read(self, wanted: Read) -> Page | Failed:
        event_type = self._subscription.event_type
        try:
            found = await self._hub.read(event_type, self._channel, wanted.after, wanted.until)
        except DtedaskError as error:
            logger.warning("A stream of %s failed: %s", event_type, error)
            return Failed(clock(), str(error))
        return Page(clock(), *found)

    async def _wait(self, until: float) -> None:
        if self._channel.ring.top <= self._subscription.after and not (self._is_gone or self._hub.is_stopping):
            self._until = until
            self._waiter = asyncio.get_running_loop().create_future()
            self._channel.waiting.add(self)
            if self._timer is None:
                self._look_at_the_clock()
            await self._waiter
        if not self._todo:
            self._todo.extend(self._subscription.handle(Woken(clock())))

    async def _write(self, data: bytes) -> None:
        async with asyncio.timeout(self._write_timeout_s):
            if not self._is_started:
                self._is_started = True
                await self._send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    def _go_on(self) -> None:
        self._channel.waiting.discard(self)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _look_at_the_clock(self) -> None:
        """One timer for each stream: it looks whether the time has come, which each event puts off."""
        wait_s = self._until - clock()
        if wait_s <= 0:
            self._go_on()
            wait_s = self._hub.options.heartbeat_s
        self._timer = asyncio.get_running_loop().call_later(max(wait_s, 0.001), self._look_at_the_clock)
