"""`GET /api/v1/log`: the log in pages, for servers and listeners on other hosts that follow all of it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from dtedask.core.errors import DtedaskError, UnknownEventTypeError
from dtedask.notify.event import parse_time
from dtedask.serve.notify import answers
from dtedask.serve.notify.problems import ProblemError, invalid, problem_of

if TYPE_CHECKING:
    from dtedask.notify.filters import Filter
    from dtedask.serve.notify.service import Service

_LARGEST = 2**63 - 2
_MOST = 1000
_LARGEST_PAGE = 8 << 20
_LONGEST_WAIT_S = 30.0
_LOOKS_S = 0.02

Number = Annotated[int, Query(ge=0, le=_LARGEST)]


def add_log(router: APIRouter, service: Service, responses: Mapping[int | str, dict[str, Any]]) -> None:
    """Add the routes to those of a service."""

    @router.get("/api/v1/log", tags=["log"], responses={**responses})
    async def heads(
        request: Request,
        version: Annotated[str, Query(max_length=64, description="What the last answer said.")] = "",
        wait: Annotated[
            float, Query(ge=0, le=_LONGEST_WAIT_S, description="Wait so many seconds for another version.")
        ] = 0.0,
    ) -> answers.LogHeads:
        """Give the highest number of each event type, at once or when something has come."""
        identity = await _identify(service, request)
        found = await _changed(service, request, identity, version, wait)
        return answers.LogHeads(version=_digest(found), heads=found)

    @router.get("/api/v1/log/{event_type}", tags=["log"], response_model=answers.LogPage, responses={**responses})
    async def page(
        event_type: str,
        request: Request,
        after: Annotated[Number, Query(description="The number behind which to begin.")] = 0,
        until: Annotated[Number | None, Query(description="The last number.")] = None,
        limit: Annotated[int, Query(ge=1, le=_MOST, description="Look at so many at most.")] = _MOST,
    ) -> Response:
        """Give the next notifications of an event type; `upto` says up to which number this is everything."""
        allowed = await _readable(service, request, event_type)
        found = await service.hub.call(_page, service, event_type, after, limit, until, allowed)
        return Response(found, media_type="application/json")

    @router.get("/api/v1/log/{event_type}/at", tags=["log"], responses={**responses})
    async def sequence_at(
        event_type: str, request: Request, time: Annotated[str, Query(description="A time, RFC 3339.")]
    ) -> answers.LogPlace:
        """Give the number of the first notification at or after a time; one behind the last where there is none."""
        await _readable(service, request, event_type)
        try:
            moment = parse_time(time)
        except ValueError as error:
            raise invalid("Log", f"time is {time!r}; it must be a time such as 2026-03-01T12:00:00Z.") from error
        return answers.LogPlace(sequence=await service.hub.call(service.streams.sequence_at, event_type, moment))


async def _identify(service: Service, request: Request) -> Any:
    try:
        return await service.identify(request.scope)
    except DtedaskError as error:
        raise problem_of(error, challenge=service.access.challenge) from error


async def _readable(service: Service, request: Request, name: str) -> Filter | None:
    """Find what of an event type may be read; None for all."""
    identity = await _identify(service, request)
    try:
        return service.access.check_read(identity, await service.event_type(name))
    except UnknownEventTypeError as error:
        raise ProblemError(404, str(error), code="UNKNOWN_EVENT_TYPE") from error
    except DtedaskError as error:
        raise problem_of(error, challenge=service.access.challenge) from error


async def _changed(service: Service, request: Request, identity: Any, version: str, wait_s: float) -> dict[str, int]:
    """Give the heads when they are others than a version says, or when it was waited for long enough."""
    end = time.monotonic() + wait_s
    seen: object = None
    while True:
        now = await service.hub.call(service.streams.version)
        if now != seen:
            seen = now
            found: dict[str, int] = await service.hub.call(_heads, service, identity)
            if _digest(found) != version:
                return found
        if time.monotonic() >= end or service.hub.is_stopping or await request.is_disconnected():
            return found
        await asyncio.sleep(_LOOKS_S)


def _heads(service: Service, identity: Any) -> dict[str, int]:
    heads, types = service.streams.heads(), service.types
    return {
        name: number
        for name, number in heads.items()
        if name in types and service.access.may_read(identity, types[name])
    }


def _digest(heads: Mapping[str, int]) -> str:
    return hashlib.sha256(json.dumps(sorted(heads.items())).encode()).hexdigest()[:16]


def _page(
    service: Service, event_type: str, after: int, limit: int, until: int | None, allowed: Filter | None
) -> bytes:
    found = service.streams.page(event_type, after, limit=limit, until=until)
    events: list[bytes] = []
    upto, is_end, size = after, len(found) < limit, 0
    for one in found:
        event = b""
        if allowed is None or allowed.matches(one):
            event = json.dumps(one.cloud_event(service.options.source), separators=(",", ":")).encode()
        if events and size + len(event) > _LARGEST_PAGE:
            is_end = False
            break
        if event:
            events.append(event)
        size, upto = size + len(event), one.sequence
    head = json.dumps({"upto": upto, "is_end": is_end}, separators=(",", ":")).encode()
    return b'%b,"notifications":[%b]}' % (head[:-1], b",".join(events))
