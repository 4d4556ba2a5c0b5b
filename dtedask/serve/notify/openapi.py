"""The OpenAPI document: FastAPI's, with the fast routes beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dtedask.serve.notify import answers
from dtedask.serve.notify.routes import errors

if TYPE_CHECKING:
    from fastapi import FastAPI
    from pydantic import BaseModel

_STREAM_TEXT = (
    "Server-sent events. Notifications are CloudEvents 1.0 under the names `live-notification` and `replay`; "
    "`replay-control`, `heartbeat`, `connection-closing` and `error` say how the stream goes."
)


def complete(app: FastAPI) -> None:
    """Let an application describe also the routes that FastAPI does not know."""
    original = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = original()
            _drop_validation_errors(document)
            document["paths"] = {**_fast_paths(document), **document["paths"]}
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]


def _fast_paths(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    stream = {"text/event-stream": {"schema": {"type": "string"}}}
    sent = {"application/json": {"schema": _reference(schemas, answers.NotificationAnswer)}}
    read = (400, 401, 403, 413, 429, 500, 503)
    return {
        "/api/v1/notification": _post(
            schemas,
            "Send a notification",
            "It is in the log, durably, before the answer.",
            tag="notification",
            body=answers.NotificationBody,
            answer=sent,
            statuses=(400, 401, 403, 413, 429, 500),
        ),
        "/api/v1/watch": _post(
            schemas,
            "Hear of notifications",
            f"{_STREAM_TEXT} With a start, history comes first.",
            tag="stream",
            body=answers.WatchBody,
            answer=stream,
            statuses=read,
        ),
        "/api/v1/replay": _post(
            schemas,
            "Hear of past notifications",
            f"{_STREAM_TEXT} It ends where history ends.",
            tag="stream",
            body=answers.ReplayBody,
            answer=stream,
            statuses=read,
        ),
    }


def _post(
    schemas: dict[str, Any],
    summary: str,
    text: str,
    *,
    tag: str,
    body: type[BaseModel],
    answer: dict[str, Any],
    statuses: tuple[int, ...],
) -> dict[str, Any]:
    error = {"application/json": {"schema": _reference(schemas, answers.ErrorBody)}}
    described = errors(*statuses)
    return {
        "post": {
            "tags": [tag],
            "summary": summary,
            "description": text,
            "operationId": summary.lower().replace(" ", "_"),
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": _reference(schemas, body)}},
            },
            "responses": {
                "200": {"description": "Done." if tag == "notification" else "The stream.", "content": answer},
                **{str(s): {"description": described[s]["description"], "content": error} for s in statuses},
            },
        }
    }


def _reference(schemas: dict[str, Any], model: type[BaseModel]) -> dict[str, str]:
    if model.__name__ not in schemas:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _drop_validation_errors(document: dict[str, Any]) -> None:
    """FastAPI describes its own errors, which this server gives another shape."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for methods in document["paths"].values():
        for operation in methods.values():
            unwanted = operation["responses"].get("422", {})
            if "HTTPValidationError" in str(unwanted):
                del operation["responses"]["422"]
