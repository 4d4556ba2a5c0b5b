"""`POST /api/v1/notification`: it is in the log, durably, before the answer."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dtedask.core.errors import DtedaskError
from dtedask.notify.event import format_time
from dtedask.serve.notify.problems import ProblemError, problem_of
from dtedask.serve.notify.requests import read_body, read_notification
from dtedask.serve.notify.service import request_id_of

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from dtedask.notify.notification import Draft
    from dtedask.serve.notify.service import Service

_encode = json.JSONEncoder(separators=(",", ":")).encode
_JSON = (b"content-type", b"application/json")


class Publish:
    """Takes notifications; plain ASGI, since a framework would take longer than the disk."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        begin = time.perf_counter()
        known = "unknown"
        try:
            draft = await self._draft(scope, receive)
            known = draft.event_type
            written = await self._service.writer.append([draft])
        except (ProblemError, DtedaskError) as error:
            self._service.metrics.notified(known, "error")
            raise problem_of(error, kind="Notification", challenge=self._service.access.challenge) from error
        self._service.metrics.notified(known, "success", time.perf_counter() - begin)
        body = _encode(
            {
                "status": "success",
                "request_id": request_id_of(scope),
                "processed_at": format_time(datetime.now(UTC)),
                "notification_id": written[0].id,
            }
        ).encode()
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": 200, "headers": [_JSON, length]})
        await send({"type": "http.response.body", "body": body})

    async def _draft(self, scope: Scope, receive: Receive) -> Draft:
        service = self._service
        identity = await service.identify(scope)
        request = read_notification(await read_body(scope, receive, service.options.body_limit))
        event_type = await service.event_type(request.event_type)
        if not service.access.may_write(identity, event_type):
            service.access.check_write(identity, event_type, {})
        draft = event_type.draft(request.identifier, request.payload)
        service.access.check_write(identity, event_type, draft.identifier)
        return draft
