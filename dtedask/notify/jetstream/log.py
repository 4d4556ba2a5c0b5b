"""The log of notifications on NATS JetStream."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from dtedask.core.errors import NoticeError
from dtedask.notify.jetstream.connection import Connection
from dtedask.notify.jetstream.library import Msg
from dtedask.notify.jetstream.names import Names
from dtedask.notify.jetstream.options import JetStreamOptions
from dtedask.notify.jetstream.reading import NO_MESSAGE, NO_STREAM, Reader
from dtedask.notify.notification import Draft, Notification
from dtedask.notify.streams.rows import encode

__all__ = ["JetStreamLog"]

_SECOND = 10**9
_LARGEST = 2**63 - 1
_TWICE_WITHIN = 120 * _SECOND
_OTHERWISE_CONFIGURED = 10058
_NOT_DELETED = 10057
_LOOK_AGAIN_S = 5.0

logger = logging.getLogger(__name__)


class JetStreamLog:
    """Notifications of several event types on one NATS server or cluster: an `EventLog`.

    Each type has a stream of its own, kept in files; the number of a notification is its number in the stream, so that
    all servers at one NATS give the same. Times are those of the NATS server. Safe to use from several threads: one
    thread of its own holds the connection.

    Parameters
    ----------
    url : str
        Such as ``nats://host:4222``, or ``tls://``; several, joined by commas, are the servers of one cluster.
    keep : mapping of str to (timedelta or None, int or None)
        How long and how many notifications of a type are kept; those of types that are not named stay for ever.
    options : JetStreamOptions, optional
        By default those of the settings ``dtedask.notify.nats``.

    Raises
    ------
    MissingExtraError
        If nats-py is not installed.
    NoticeError
        If no server answers or it does not let us in.
    """

    def __init__(
        self,
        url: str,
        *,
        keep: Mapping[str, tuple[timedelta | None, int | None]] | None = None,
        options: JetStreamOptions | None = None,
    ) -> None:
        self._options = JetStreamOptions.of_settings() if options is None else options
        self._keep = {} if keep is None else dict(keep)
        self._names = Names(self._options.name)
        self._lock = threading.Lock()
        self._version = 0
        self._heads: dict[str, int] = {}
        self._made: set[str] = set()
        self._connection = Connection(url, self._options, subject=self._names.all_written, heard=self._on_written)
        self._reader = Reader(self._connection, self._names)
        self._connection.keep_doing(self._look_again)

    def append(self, drafts: Sequence[Draft]) -> Sequence[Notification]:
        """Write notifications; they are in the server's files when it returns.

        JetStream has no transactions over messages: what was stored of a batch that fails in the midst is removed
        again, but others may have read it. What cannot be stored at all is found before the first is sent.
        """
        messages = [(self._names.subject(draft.event_type), self._body(draft)) for draft in drafts]
        return self._connection.run(self._append(drafts, messages)) if messages else []

    def page(
        self, event_type: str, after: int, *, limit: int = 1000, until: int | None = None
    ) -> Sequence[Notification]:
        """Read the next notifications of a type, as the protocol says."""
        if after >= _LARGEST:
            return []
        head = self._heads.get(event_type, after + limit)
        return self._connection.run(self._reader.page(event_type, max(after, 0), limit, until, head))

    def heads(self) -> Mapping[str, int]:
        """Give the highest number ever given of each type."""
        return self._connection.run(self._ask_heads())

    def sequence_at(self, event_type: str, time: datetime) -> int:
        """Give the number of the first notification at or after a time, by the clock of the NATS server."""
        return self._connection.run(self._reader.sequence_at(event_type, time))

    def version(self) -> object:
        """Return something that changes whenever anyone has written."""
        return self._version

    def delete(self, event_type: str, sequence: int) -> bool:
        """Remove one notification and overwrite it on the disk."""
        return 0 < sequence <= _LARGEST and self._connection.run(self._delete(event_type, sequence))

    def wipe(self, event_type: str) -> int:
        """Remove all notifications of a type; numbers go on where they were."""
        return self._connection.run(self._purge(event_type, {}))

    def trim(self, event_type: str, *, before: datetime | None = None, keep: int | None = None) -> int:
        """Remove notifications that are older than a time, or more than so many."""
        return self._connection.run(self._trim(event_type, before, keep))

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def __repr__(self) -> str:
        return f"JetStreamLog({self._connection.url!r})"

    def _body(self, draft: Draft) -> bytes:
        row = encode(draft)
        data = f'{{"identifier":{row.identifier},"payload":{row.payload or "null"}}}'.encode()
        room = self._connection.max_size_bytes - 200  # the id of the message goes along
        if len(data) > room:
            raise NoticeError(
                f"A notification of {draft.event_type} has {len(data)} bytes; NATS takes at most {room}.",
                hint="Send the address of large data, not the data, or raise max_payload of the NATS server.",
            )
        return data

    async def _append(self, drafts: Sequence[Draft], messages: Sequence[tuple[str, bytes]]) -> list[Notification]:
        for event_type in {draft.event_type for draft in drafts}:
            await self._make_stream(event_type)
        numbers, reason = await self._connection.publish(messages)
        stored = [
            (draft.event_type, number) for draft, number in zip(drafts, numbers, strict=True) if number is not None
        ]
        if reason:
            for event_type, number in stored:
                await self._delete(event_type, number)
            raise NoticeError(f"NATS at {self._connection.url} did not store {len(drafts)} notifications: {reason}.")
        for event_type, number in stored:
            self._wrote(event_type, number)
        there = {event_type: await self._between(event_type, stored) for event_type, _ in dict(stored).items()}
        return [
            there[draft.event_type].get(number) or _gone(draft, number)
            for draft, (_, number) in zip(drafts, stored, strict=True)
        ]

    async def _between(self, event_type: str, stored: Sequence[tuple[str, int]]) -> dict[int, Notification]:
        """Read again what was stored: only the server knows the times."""
        numbers = [number for name, number in stored if name == event_type]
        first, last = min(numbers), max(numbers)
        page = await self._reader.page(event_type, first - 1, last - first + 1, last, last)
        return {notification.sequence: notification for notification in page}

    async def _make_stream(self, event_type: str) -> None:
        if event_type in self._made:
            return
        age, count = self._keep.get(event_type, (None, None))
        age_ns = 0 if age is None else int(age.total_seconds() * _SECOND)
        config = {
            "name": self._names.stream(event_type),
            "description": f"dtedask: notifications of {event_type}",
            "subjects": [self._names.subject(event_type)],
            "storage": "file",
            "retention": "limits",
            "discard": "old",
            "max_age": age_ns,
            "max_msgs": -1 if count is None else count,
            "num_replicas": self._options.replicas,
            "duplicate_window": min(_TWICE_WITHIN, age_ns or _TWICE_WITHIN),
            "republish": {
                "src": self._names.subject(event_type),
                "dest": self._names.written(event_type),
                "headers_only": True,
            },
        }
        made = await self._connection.ask(f"STREAM.CREATE.{config['name']}", config, absent=(_OTHERWISE_CONFIGURED,))
        if made is None and event_type in self._keep:
            logger.info("notices on NATS: the stream %s gets the retention of this server", config["name"])
            await self._connection.ask(f"STREAM.UPDATE.{config['name']}", config)
        self._made.add(event_type)

    async def _ask_heads(self) -> dict[str, int]:
        heads: dict[str, int] = {}
        read, total = 0, 1
        while read < total:
            answer = await self._connection.ask("STREAM.LIST", {"subject": self._names.all_subjects, "offset": read})
            streams = (answer or {}).get("streams") or []
            read, total = read + len(streams), answer["total"] if answer and streams else 0
            for stream in streams:
                event_type = self._names.event_type(stream["config"]["subjects"][0])
                if stream["state"]["last_seq"]:
                    heads[event_type] = stream["state"]["last_seq"]
        self._heads.update(heads)
        return heads

    async def _delete(self, event_type: str, sequence: int) -> bool:
        stream = self._names.stream(event_type)
        there = await self._connection.ask(
            f"STREAM.MSG.GET.{stream}", {"seq": sequence}, absent=(NO_MESSAGE, NO_STREAM)
        )
        if there is None:
            return False
        done = await self._connection.ask(f"STREAM.MSG.DELETE.{stream}", {"seq": sequence}, absent=(_NOT_DELETED,))
        await self._tell_all(event_type)
        return done is not None

    async def _purge(self, event_type: str, what: Mapping[str, Any]) -> int:
        answer = await self._connection.ask(
            f"STREAM.PURGE.{self._names.stream(event_type)}", what, absent=(NO_STREAM,), again=False
        )
        await self._tell_all(event_type)
        return 0 if answer is None else int(answer["purged"])

    async def _trim(self, event_type: str, before: datetime | None, keep: int | None) -> int:
        removed = 0
        if before is not None and (first := await self._reader.sequence_at(event_type, before)) > 1:
            removed += await self._purge(event_type, {"seq": first})
        if keep is not None and (first := await self._reader.first_of_last(event_type, keep)) > 1:
            removed += await self._purge(event_type, {"seq": first})
        return removed

    async def _tell_all(self, event_type: str) -> None:
        self._version += 1
        await self._connection.tell(self._names.written(event_type))

    async def _look_again(self) -> None:
        """Find what nobody told us of: the server tells of each message once, and a leader may die in between."""
        await asyncio.sleep(_LOOK_AGAIN_S)
        before = dict(self._heads)
        if await self._ask_heads() != before:
            self._version += 1

    def _wrote(self, event_type: str, sequence: int) -> None:
        with self._lock:
            self._heads[event_type] = max(sequence, self._heads.get(event_type, 0))
            self._version += 1

    def _on_written(self, message: Msg | None) -> None:
        number = "" if message is None else (message.headers or {}).get("Nats-Sequence", "")
        if message is not None and number:
            self._wrote(self._names.event_type(message.subject), int(number))
        else:
            self._version += 1


def _gone(draft: Draft, sequence: int) -> Notification:
    """Give what retention has removed before it could be read again."""
    return Notification(draft.event_type, sequence, draft.identifier, draft.payload, datetime.now(UTC))
