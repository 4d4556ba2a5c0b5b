"""What every request passes: its name, the limits, errors as answers, the access log."""

from __future__ import annotations

import logging
import time
import uuid
from typing import TYPE_CHECKING

from dtedask.serve.notify.problems import ProblemError, answer, problem_of
from dtedask.serve.notify.requests import ClientGoneError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from dtedask.serve.notify.service import Service

logger = logging.getLogger("dtedask.serve.access")

_FREE = frozenset({"/health", "/ready", "/metrics"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Door:
    """Wraps the application.

    Parameters
    ----------
    app : ASGI application
        What is inside.
    service : Service
        Its limits and counters.
    fast : mapping of str to ASGI application
        What answers POST at a path, without the layers between; `app` answers all else there.
    """

    def __init__(self, app: ASGIApp, service: Service, fast: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._service = service
        self._fast = fast

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request in."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        app = self._fast.get(scope["path"]) if scope["method"] == "POST" else None
        await _Visit(self._service, scope, send).run(app or self._app, receive)


class _Visit:
    """One request."""

    def __init__(self, service: Service, scope: Scope, send: Send) -> None:
        self._service = service
        self._scope = scope
        self._send = send
        self._id = str(uuid.uuid4())
        self._status = 0
        scope.setdefault("state", {})["request_id"] = self._id

    async def run(self, app: ASGIApp, receive: Receive) -> None:
        """Serve it."""
        begin = time.perf_counter()
        try:
            self._check_rate()
            await app(self._scope, receive, self._pass)
        except ClientGoneError:
            pass
        except Exception as error:
            problem = problem_of(error, challenge=self._service.access.challenge)
            if self._status:
                raise
            await answer(self._pass, problem, self._id)
        finally:
            method = self._scope["method"]
            self._service.metrics.answered(method if method in _METHODS else "other", self._status)
            if logger.isEnabledFor(logging.INFO):
                self._log(time.perf_counter() - begin)

    async def _pass(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            message["headers"] = [*message.get("headers", ()), (b"x-request-id", self._id.encode())]
        await self._send(message)

    def _check_rate(self) -> None:
        rates, client = self._service.rates, self._scope.get("client")
        if rates is None or client is None or self._scope["path"] in _FREE:
            return
        wait_s = rates.wait_s(client[0], time.monotonic())
        if wait_s:
            raise ProblemError(
                429,
                f"You make more than {rates.rate:g} requests a second. Come again later.",
                headers={"Retry-After": str(int(wait_s) + 1)},
            )

    def _log(self, seconds: float) -> None:
        # Neither headers nor the query: both may hold secrets.
        client = self._scope.get("client") or ("-", 0)
        logger.info(
            '%s "%s %s" %d %.1f ms %s',
            client[0],
            self._scope["method"],
            self._scope["path"].encode("unicode_escape").decode(),
            self._status,
            seconds * 1000,
            self._id,
        )
