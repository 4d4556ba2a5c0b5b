"""The routes that need not be fast: event types, deletion, health."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

import dtedask
from dtedask.core.errors import DtedaskError, ForbiddenError, UnauthorizedError, UnknownEventTypeError
from dtedask.serve.notify import answers
from dtedask.serve.notify.log_routes import add_log
from dtedask.serve.notify.metrics import CONTENT_TYPE
from dtedask.serve.notify.page import page_of
from dtedask.serve.notify.problems import ProblemError
from dtedask.serve.notify.service import Service, request_id_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dtedask.notify.event_types import EventType
    from dtedask.serve.access import Identity

_ERRORS = {
    400: "The request cannot be fulfilled as it is.",
    401: "Credentials are missing or wrong.",
    403: "The credentials do not allow it.",
    404: "It does not exist.",
    409: "It cannot be changed.",
    413: "The body is too large.",
    422: "The request has another shape.",
    429: "Too many requests.",
    500: "The server failed.",
    503: "The server cannot serve it now.",
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe errors for the OpenAPI document."""
    return {status: {"model": answers.ErrorBody, "description": _ERRORS[status]} for status in (*statuses, 429)}


def make_router(service: Service) -> APIRouter:
    """Make the routes of a service."""
    router = APIRouter()
    _add_schema(router, service)
    add_log(router, service, errors(400, 401, 403, 404, 422, 500))
    _add_admin(router, service)
    _add_health(router, service)
    return router


def _add_schema(router: APIRouter, service: Service) -> None:
    @router.get("/api/v1/schema", tags=["schema"], responses=errors(401, 500))
    async def all_event_types(request: Request) -> answers.SchemaCatalog:
        """List the event types that you may read."""
        identity = await _identify(service, request)
        schema = await service.hub.call(_schemas, service, identity)
        return answers.SchemaCatalog(event_types=list(schema), total_schemas=len(schema), schema=schema)

    @router.get("/api/v1/schema/{event_type}", tags=["schema"], responses=errors(401, 403, 404, 500))
    async def one_event_type(event_type: str, request: Request) -> answers.SchemaAnswer:
        """Describe an event type."""
        identity = await _identify(service, request)
        try:
            found = await service.event_type(event_type)
        except UnknownEventTypeError as error:
            raise ProblemError(404, str(error), code="UNKNOWN_EVENT_TYPE") from error
        service.access.check_read(identity, found)
        return answers.SchemaAnswer(event_type=event_type, schema=await service.hub.call(found.schema))


def _add_admin(router: APIRouter, service: Service) -> None:
    @router.delete(
        "/api/v1/admin/notification/{notification_id}",
        tags=["admin"],
        responses=errors(400, 401, 403, 404, 409, 500),
    )
    async def delete_notification(notification_id: str, request: Request) -> answers.DeleteAnswer:
        """Delete one notification, named as `flight@3`."""
        await _administer(service, request)
        name, sequence = _parsed(notification_id)
        event_type = await _of_sent(service, name, notification_id=notification_id)
        if not await _call(service, service.streams.delete, event_type.name, sequence):
            raise ProblemError(
                404,
                f"There is no notification {notification_id!r}.",
                code="NOTIFICATION_NOT_FOUND",
                success=False,
                notification_id=notification_id,
            )
        service.hub.forget(event_type.name, sequence)
        return answers.DeleteAnswer(
            success=True,
            message="The notification is deleted.",
            notification_id=notification_id,
            request_id=request_id_of(request.scope),
        )

    @router.delete(
        "/api/v1/admin/wipe/stream", tags=["admin"], responses=errors(400, 401, 403, 404, 409, 413, 422, 500)
    )
    async def wipe_stream(body: answers.WipeBody, request: Request) -> answers.AdminAnswer:
        """Delete all notifications of an event type; numbers go on where they were."""
        await _administer(service, request)
        event_type = await _of_sent(service, body.stream_name)
        count = await _wipe(service, [event_type.name])
        return _done(request, f"{count} notifications of {event_type.name} are deleted.")

    @router.delete("/api/v1/admin/wipe/all", tags=["admin"], responses=errors(401, 403, 500))
    async def wipe_all(request: Request) -> answers.AdminAnswer:
        """Delete all notifications that were sent; those of commits stay as long as the commits."""
        await _administer(service, request)
        count = await _wipe(service, await _call(service, _sent_names, service))
        return _done(request, f"{count} notifications are deleted.")


def _add_health(router: APIRouter, service: Service) -> None:
    @router.get("/health", tags=["health"], responses=errors())
    async def health() -> answers.Health:
        """Say that the server is alive."""
        return answers.Health(status="ok", version=dtedask.__version__)

    @router.get("/ready", tags=["health"], responses=errors(503))
    async def ready() -> answers.Health:
        """Say whether the log can be read."""
        try:
            await service.hub.call(service.streams.heads)
        except DtedaskError as error:
            raise ProblemError(503, str(error), headers={"Retry-After": "5"}) from error
        if service.hub.is_stopping:
            raise ProblemError(503, "The server ends.", headers={"Retry-After": "5"})
        return answers.Health(status="ready", version=dtedask.__version__)

    @router.get(
        "/metrics",
        tags=["health"],
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **errors()},
    )
    async def metrics() -> Response:
        """Tell Prometheus how it goes."""
        return Response(service.metrics.text(), headers={"content-type": CONTENT_TYPE})

    @router.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        return HTMLResponse(page_of(request.app.openapi()))


def _schemas(service: Service, identity: Identity) -> dict[str, Any]:
    types = service.types
    found = {name: types[name] for name in types}
    return {name: one.schema() for name, one in found.items() if service.access.may_read(identity, one)}


async def _identify(service: Service, request: Request) -> Identity:
    return await service.identify(request.scope)


async def _administer(service: Service, request: Request) -> None:
    identity = await _identify(service, request)
    if service.access.may_administer(identity):
        return
    if identity.is_anonymous:
        raise UnauthorizedError("Say who you are: only administrators may delete notifications.")
    raise ForbiddenError("Only administrators may delete notifications.")


async def _call(service: Service, function: Any, *arguments: Any) -> Any:
    return await service.hub.call(function, *arguments)


async def _wipe(service: Service, names: Sequence[str]) -> int:
    count = 0
    for name in names:
        count += await _call(service, service.streams.wipe, name)
        service.hub.forget(name)
    return count


def _sent_names(service: Service) -> list[str]:
    types = service.types
    return [name for name in types if not types[name].cubes]


def _done(request: Request, message: str) -> answers.AdminAnswer:
    return answers.AdminAnswer(success=True, message=message, request_id=request_id_of(request.scope))


def _parsed(notification_id: str) -> tuple[str, int]:
    name, _, number = notification_id.strip().rpartition("@")
    if name and number.isascii() and number.isdigit() and 0 < int(number) < 2**63:
        return name, int(number)
    raise ProblemError(
        400,
        f"{notification_id!r} names no notification; write EVENT_TYPE@NUMBER, such as flight@3.",
        code="INVALID_NOTIFICATION_ID",
        success=False,
        notification_id=notification_id,
    )


async def _of_sent(service: Service, name: str, **more: Any) -> EventType:
    """Find an event type whose notifications may be deleted, however its letters are written."""
    known = {one.lower(): one for one in await _call(service, list, service.types)}
    try:
        event_type = await service.event_type(known.get(name.lower(), name))
    except UnknownEventTypeError as error:
        raise ProblemError(404, str(error), code="UNKNOWN_EVENT_TYPE", success=False, **more) from error
    if event_type.cubes:
        raise ProblemError(
            409,
            f"{event_type.name!r} tells of commits, and goes with them: `dtedask store purge`.",
            code="READ_ONLY_EVENT_TYPE",
            success=False,
            **more,
        )
    return event_type
