"""Read stored notifications from a stream of JetStream."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from dtedask.notify.event import format_time
from dtedask.notify.jetstream.connection import Connection
from dtedask.notify.jetstream.library import Msg
from dtedask.notify.jetstream.names import Names
from dtedask.notify.notification import Notification

__all__ = ["NO_MESSAGE", "NO_STREAM", "Reader"]

NO_MESSAGE = 10037
NO_STREAM = 10059

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FEW = 8
_SECOND = 10**9
_PATIENCE_S = 2.0

logger = logging.getLogger(__name__)


class Reader:
    """Reads streams; its coroutines run in the connection's thread.

    One message is asked of the stream's leader, which has all that was acknowledged. Many come through a consumer
    that is thrown away; it may live on a replica that is behind, so that the leader is asked for what follows.
    """

    def __init__(self, connection: Connection, names: Names) -> None:
        self._connection = connection
        self._names = names

    async def page(
        self, event_type: str, after: int, limit: int, until: int | None, known_head: int
    ) -> list[Notification]:
        """Read the next notifications, as `EventLog.page` does; the known head only decides how they are asked for."""
        found: list[Notification] = []
        last, asked = after, 0
        while len(found) < limit and (until is None or last < until):
            if known_head - last > _FEW or asked >= _FEW:
                count = limit - len(found) if until is None else min(limit - len(found), until - last)
                messages = await self._many(event_type, last + 1, count)
                known_head = asked = 0
            else:
                message = await self.first(event_type, last + 1)
                messages = [] if message is None else [message]
                asked += 1
                if message is None:
                    break
            for sequence, time, data in messages:
                last = sequence
                if until is not None and sequence > until:
                    break
                found.extend(self._notifications(event_type, sequence, time, data))
        return found

    async def first(self, event_type: str, sequence: int) -> tuple[int, datetime, bytes] | None:
        """Give the first message that has this number or a higher one: its number, time and data."""
        answer = await self._connection.ask(
            f"STREAM.MSG.GET.{self._names.stream(event_type)}",
            {"seq": max(sequence, 1), "next_by_subj": self._names.subject(event_type)},
            absent=(NO_MESSAGE, NO_STREAM),
        )
        if answer is None:
            return None
        message = answer["message"]
        data = base64.b64decode(message.get("data") or "")
        return message["seq"], datetime.fromisoformat(message["time"]), data

    async def sequence_at(self, event_type: str, time: datetime) -> int:
        """Give the number of the first message at or after a time, or one behind the head."""
        stream = self._names.stream(event_type)
        start = {"deliver_policy": "by_start_time", "opt_start_time": format_time(time)}
        consumer = await self._consumer(stream, start)
        if consumer is None:
            return 1
        await self._forget(stream, consumer["name"])
        found = await self.first(event_type, consumer["delivered"]["stream_seq"] + 1)
        if found is not None:
            return found[0]
        state = await self._connection.ask(f"STREAM.INFO.{stream}", absent=(NO_STREAM,))
        return 1 if state is None else int(state["state"]["last_seq"]) + 1

    async def first_of_last(self, event_type: str, count: int) -> int:
        """Give the number from which on there are so many messages, or the least that there is."""
        stream = self._names.stream(event_type)
        answer = await self._connection.ask(f"STREAM.INFO.{stream}", absent=(NO_STREAM,))
        if answer is None:
            return 1
        state = answer["state"]
        highest = int(state["last_seq"]) - count + 1
        # Of the numbers before it some are taken by what was deleted: find the highest with enough behind it.
        lowest = max(highest - int(state.get("num_deleted", 0)), 1)
        while lowest < highest:
            middle = (lowest + highest + 1) // 2
            if await self._count(stream, middle) >= count:
                lowest = middle
            else:
                highest = middle - 1
        return lowest

    async def _count(self, stream: str, first: int) -> int:
        consumer = await self._consumer(stream, {"deliver_policy": "by_start_sequence", "opt_start_seq": first})
        if consumer is None:
            return 0
        await self._forget(stream, consumer["name"])
        return int(consumer["num_pending"])

    async def _many(self, event_type: str, first: int, count: int) -> list[tuple[int, datetime, bytes]]:
        stream = self._names.stream(event_type)
        start = {"deliver_policy": "by_start_sequence", "opt_start_seq": max(first, 1)}
        consumer = await self._consumer(stream, start)
        if consumer is None:
            return []
        try:
            return await self._fetch(stream, consumer["name"], min(count, consumer["num_pending"]))
        finally:
            await self._forget(stream, consumer["name"])

    async def _fetch(self, stream: str, consumer: str, count: int) -> list[tuple[int, datetime, bytes]]:
        if count <= 0:
            return []
        client, received = self._connection.client, list[Msg]()
        over = asyncio.Event()

        async def take(message: Msg) -> None:
            if message.reply:
                received.append(message)
            if not message.reply or len(received) == count:  # one without a reply says that no more come
                over.set()

        inbox = client.new_inbox()
        subscription = await client.subscribe(inbox, cb=take, pending_msgs_limit=-1, pending_bytes_limit=-1)
        try:
            await self._connection.tell(
                f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}",
                {"batch": count, "expires": int(_PATIENCE_S * _SECOND)},
                reply=inbox,
            )
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    await over.wait()
            except TimeoutError:
                logger.debug("notices on NATS: %d of %d messages of %s came", len(received), count, stream)
        finally:
            await subscription.unsubscribe()
        return [_stored(message) for message in received]

    async def _consumer(self, stream: str, start: dict[str, Any]) -> dict[str, Any] | None:
        settings = {
            **start,
            "ack_policy": "none",
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": 10 * _SECOND,
        }
        return await self._connection.ask(
            f"CONSUMER.CREATE.{stream}", {"stream_name": stream, "config": settings}, absent=(NO_STREAM,)
        )

    async def _forget(self, stream: str, consumer: str) -> None:
        await self._connection.tell(f"$JS.API.CONSUMER.DELETE.{stream}.{consumer}")

    def _notifications(self, event_type: str, sequence: int, time: datetime, data: bytes) -> Iterable[Notification]:
        try:
            body = json.loads(data)
            yield Notification(event_type, sequence, body["identifier"], body["payload"], time)
        except (ValueError, KeyError, TypeError) as error:
            logger.warning("notices on NATS: left out %s@%d, which is no notification: %r", event_type, sequence, error)


def _stored(message: Msg) -> tuple[int, datetime, bytes]:
    words = message.reply.split(
        "."
    )  # $JS.ACK.stream.consumer.deliveries.number.count.time.left, or with domain and hash
    number, time_ns = (words[5], words[7]) if len(words) == 9 else (words[7], words[9])
    return int(number), _EPOCH + timedelta(microseconds=int(time_ns) // 1000), message.data
