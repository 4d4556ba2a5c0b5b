"""The application: routes, errors, and what begins and ends with it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

import dtedask
from dtedask.serve.access import Access
from dtedask.serve.notify.door import Door
from dtedask.serve.notify.openapi import complete
from dtedask.serve.notify.options import ServeOptions
from dtedask.serve.notify.problems import ProblemError, problem_of
from dtedask.serve.notify.publish import Publish
from dtedask.serve.notify.routes import make_router
from dtedask.serve.notify.service import Service, request_id_of
from dtedask.serve.notify.streaming import StreamEndpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from dtedask.notify.streams import Streams

TITLE = "dtedask: notifications"


def create_app(streams: Streams, *, access: Access | None = None, options: ServeOptions | None = None) -> FastAPI:
    """Make the application that serves a log of notifications.

    Parameters
    ----------
    streams : Streams
        The log; it is closed with the application.
    access : Access, optional
        Who may do what; by default everyone may do everything.
    options : ServeOptions, optional
        Limits and times; by default those of the settings.

    Returns
    -------
    FastAPI
        An ASGI application; ``app.state.service`` is what its routes share.
    """
    service = Service(streams, access or Access(), options or ServeOptions.from_settings())

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        service.hub.start()
        try:
            yield
        finally:
            service.hub.stop()
            service.close()

    app = FastAPI(
        title=TITLE,
        description="Notifications of data that exist and of anything else, in the way of ECMWF's Aviso.",
        version=dtedask.__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.service = service
    fast: dict[str, ASGIApp] = {
        "/api/v1/notification": Publish(service),
        "/api/v1/watch": StreamEndpoint(service, "Watch"),
        "/api/v1/replay": StreamEndpoint(service, "Replay"),
    }
    for path, endpoint in fast.items():
        app.router.routes.append(Route(path, endpoint, methods=["POST"], include_in_schema=False))
    app.include_router(make_router(service))
    app.add_exception_handler(HTTPException, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_wrong_shape)
    app.add_middleware(Door, service=service, fast=fast)
    complete(app)
    return app


async def _on_problem(request: Request, error: Exception) -> Response:
    return _response(request, problem_of(error))


async def _on_wrong_shape(request: Request, error: Exception) -> Response:
    details = error.errors() if isinstance(error, RequestValidationError) else []
    if any(one["type"] == "json_invalid" for one in details):
        return _response(
            request, ProblemError(400, "The body is not JSON.", code="INVALID_JSON", error="Invalid Request")
        )
    where = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in details)
    return _response(request, ProblemError(422, f"The request has another shape: {where}."))


def _response(request: Request, problem: ProblemError) -> Response:
    return Response(
        problem.body(request_id_of(request.scope)),
        problem.status,
        headers=problem.headers,
        media_type="application/json",
    )
