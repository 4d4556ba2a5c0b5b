"""The other sides of benchmarks/notify.py: a bare server, and who listens.

python benchmarks/_notify_side.py mock                        a server that keeps nothing and checks nothing
python benchmarks/_notify_side.py listen URL TYPE [FILTER]    ECMWF's client; prints each notification and the time
python benchmarks/_notify_side.py many URL TYPE COUNT EVENTS  so many listeners on raw sockets; prints their delays
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from statistics import median
from urllib.parse import urlsplit

import uvloop

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
BEGUN = b'{"type":"connection_established","topic":"free","timestamp":"2024-01-01T00:00:00Z"}'
STARTED = b"event: live-notification\ndata: %b\n\n" % BEGUN
ANSWER = b'{"status":"success","request_id":"0","processed_at":"2024-01-01T00:00:00Z"}'
DONE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER)


class Mock(asyncio.Protocol):
    """Passes notifications to all who watch, as fast as Python can."""

    watchers: set[asyncio.Transport] = set()  # noqa: RUF012 - one server
    number = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._received = b""

    def connection_lost(self, _error: Exception | None) -> None:
        self.watchers.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, rest = self._received.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            if len(rest) < length:
                return
            self._received = rest[length:]
            self._answer(head, rest[:length])

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"POST /api/v1/notification"):
            self._tell(json.loads(body))
            self._transport.write(DONE)
        else:
            self._transport.write(HEAD + b"%x\r\n%b\r\n" % (len(STARTED), STARTED))
            self.watchers.add(self._transport)

    def _tell(self, sent: dict[str, object]) -> None:
        Mock.number += 1
        event = {
            "specversion": "1.0",
            "id": f"{sent['event_type']}@{Mock.number}",
            "type": f"int.ecmwf.aviso.{sent['event_type']}",
            "source": "http://mock",
            "time": "2024-01-01T00:00:00Z",
            "data": {"identifier": sent["identifier"], "payload": sent.get("payload")},
        }
        frame = b"event: live-notification\ndata: %b\n\n" % json.dumps(event, separators=(",", ":")).encode()
        chunk = b"%x\r\n%b\r\n" % (len(frame), frame)
        for watcher in self.watchers:
            watcher.write(chunk)


async def mock() -> None:
    """Serve until killed; prints the address."""
    server = await asyncio.get_running_loop().create_server(Mock, "127.0.0.1", 0, backlog=4096)
    say(url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    await server.serve_forever()


def listen(url: str, event_type: str, chosen: str = "{}") -> None:
    """Listen by ECMWF's client."""
    import pyaviso

    client = pyaviso.AvisoClient(base_url=url)
    with client.listen(event_type, filter=json.loads(chosen)) as found:
        for one in found:
            say(payload=one.payload, identifier=one.identifier, at=time.monotonic())


class Listener(asyncio.Protocol):
    """One that watches."""

    delays: list[float] = []  # noqa: RUF012 - all of them together
    open_ones = 0

    def __init__(
        self, request: bytes, all_open: asyncio.Event, all_heard: asyncio.Event, wanted: tuple[int, int]
    ) -> None:
        self._request, self._all_open, self._all_heard = request, all_open, all_heard
        self._count, self._total = wanted

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        if b"connection_established" in data:
            Listener.open_ones += 1
            if Listener.open_ones == self._count:
                self._all_open.set()
        for part in data.split(b'"sent_at":"')[1:]:
            Listener.delays.append(now - float(part.partition(b'"')[0]))
        if len(Listener.delays) == self._total:
            self._all_heard.set()


async def many(url: str, event_type: str, count: int, events: int) -> None:
    """Watch by many connections of one process."""
    address = urlsplit(url)
    body = json.dumps({"event_type": event_type, "identifier": {}}).encode()
    head = f"POST /api/v1/watch HTTP/1.1\r\nhost: {address.netloc}\r\ncontent-type: application/json\r\n"
    request = head.encode() + b"content-length: %d\r\n\r\n%b" % (len(body), body)
    all_open, all_heard, loop = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop()
    for _ in range(count):
        await loop.create_connection(
            lambda: Listener(request, all_open, all_heard, (count, count * events)), address.hostname, address.port
        )
    async with asyncio.timeout(60):
        await all_open.wait()
    say(ready=True)
    async with asyncio.timeout(60 + events):
        await all_heard.wait()
    delays = sorted(Listener.delays)
    say(median_ms=1e3 * median(delays), p99_ms=1e3 * delays[int(0.99 * (len(delays) - 1))], count=len(delays))


def say(**what: object) -> None:
    """One line of JSON."""
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["mock"]:
            uvloop.run(mock())
        case ["listen", *arguments]:
            listen(*arguments)
        case ["many", url, event_type, count, events]:
            uvloop.run(many(url, event_type, int(count), int(events)))
