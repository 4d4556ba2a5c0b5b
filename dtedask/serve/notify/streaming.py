"""`POST /api/v1/watch` and `/api/v1/replay`: streams of server-sent events."""

from __future__ import annotations

import asyncio
import logging
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

from dtedask.core.errors import DtedaskError
from dtedask.serve.notify.hub import clock
from dtedask.serve.notify.problems import ProblemError, problem_of
from dtedask.serve.notify.requests import StreamRequest, read_body, read_stream
from dtedask.serve.notify.service import request_id_of
from dtedask.serve.notify.stream import Stream
from dtedask.serve.notify.subscription import Subscription
from dtedask.serve.notify.wire import wire_of

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from dtedask.notify.event_types import EventType
    from dtedask.notify.filters import Filter
    from dtedask.serve.access import Identity
    from dtedask.serve.notify.ring import Item
    from dtedask.serve.notify.service import Service

logger = logging.getLogger(__name__)


class StreamEndpoint:
    """Serves streams.

    Parameters
    ----------
    service : Service
        What is served.
    kind : {"Watch", "Replay"}
        Whether live events follow the history.
    """

    def __init__(self, service: Service, kind: str) -> None:
        self._service = service
        self._kind = kind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one stream until its end."""
        with ExitStack() as place:
            try:
                event_type, wanted, request = await self._accept(scope, receive, place)
                subscription, head = await self._subscription(event_type, wanted, request, request_id_of(scope))
            except (ProblemError, DtedaskError) as error:
                challenge = self._service.access.challenge
                raise problem_of(error, kind=self._kind, challenge=challenge) from error
            await self._run(event_type, subscription, head, scope, receive, send)

    async def _run(
        self, event_type: EventType, subscription: Subscription, head: int, scope: Scope, receive: Receive, send: Send
    ) -> None:
        service = self._service
        service.metrics.opened(self._kind.lower(), event_type.name)
        with service.hub.listening(event_type.name, head) as channel:
            wire = wire_of(scope)
            stream = Stream(service.hub, channel, subscription, send, wire)
            gone = asyncio.create_task(stream.wait_until_gone(receive))
            try:
                await stream.run()
            except TimeoutError:
                service.metrics.dropped()
                logger.info("A client of %s did not read and was dropped.", event_type.name)
                if wire is not None:
                    wire.abort()
            finally:
                gone.cancel()

    async def _accept(
        self, scope: Scope, receive: Receive, place: ExitStack
    ) -> tuple[EventType, Filter, StreamRequest]:
        service = self._service
        identity = await service.identify(scope)
        request = read_stream(await read_body(scope, receive, service.options.body_limit), self._kind)
        event_type = await service.event_type(request.event_type)
        allowed = service.access.check_read(identity, event_type)
        place.enter_context(service.places.held(_client_of(scope, identity)))
        make_filter = event_type.filter
        if event_type.cubes:  # asks the cubes for their axes
            wanted = await service.hub.call(make_filter, request.identifier, point=request.point)
        else:
            wanted = make_filter(request.identifier, point=request.point)
        return event_type, wanted if allowed is None else wanted & allowed, request

    async def _subscription(
        self, event_type: EventType, wanted: Filter, request: StreamRequest, request_id: str
    ) -> tuple[Subscription, int]:
        hub, options, name = self._service.hub, self._service.options, event_type.name
        head = (await hub.call(self._service.streams.heads)).get(name, 0)
        after = head
        if request.from_id is not None:
            after = max(request.from_id - 1, 0)
        elif request.from_date is not None:
            after = await hub.call(self._service.streams.sequence_at, name, request.from_date) - 1
        is_replay = self._kind == "Replay"
        key = wanted.canonical

        def is_wanted(item: Item) -> bool:
            return item.passes(key, wanted)

        return Subscription(
            name,
            request_id,
            after,
            is_wanted,
            "replay" if is_replay else "watch" if request.has_start else "live",
            until=await self._end(name, request, head) if is_replay else None,
            limit=_least(event_type.max_historical, options.replay_limit),
            heartbeat_s=options.heartbeat_s,
            ends_at=float("inf") if is_replay else clock() + options.max_duration_s,
            date=request.from_date,
            page=options.page,
        ), head

    async def _end(self, name: str, request: StreamRequest, head: int) -> int:
        if request.to_id is not None:
            return min(request.to_id, head)
        if request.to_date is not None:
            behind = request.to_date + timedelta(microseconds=1)
            last: int = await self._service.hub.call(self._service.streams.sequence_at, name, behind) - 1
            return min(last, head)
        return head


def _client_of(scope: Scope, identity: Identity) -> str:
    """Whose streams are counted together: a user's, or those from an address."""
    if not identity.is_anonymous:
        return identity.name
    return str((scope.get("client") or ("",))[0])


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)
