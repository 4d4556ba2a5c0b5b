"""What the slower routes answer, as the OpenAPI document describes it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

_STRICT = ConfigDict(extra="forbid")


class ErrorBody(BaseModel):
    """What is wrong with a request, or with the server."""

    code: str = Field(description="For programs; it stays as it is.")
    error: str = Field(description="What kind of error it is, for people.")
    message: str = Field(description="What is wrong, with the value, and what to do.")
    details: str = Field(description="As `message`.")
    request_id: str = Field(description="Name of the request in the log of the server; also the header X-Request-ID.")


class NotificationBody(BaseModel):
    """What is to be sent."""

    model_config = _STRICT

    event_type: str = Field(min_length=1)
    identifier: dict[str, Any] = Field(default={}, description="What it is about, as the event type declares it.")
    payload: Any = Field(default=None, description="Anything else.")


class NotificationAnswer(BaseModel):
    """The notification is in the log."""

    status: str
    request_id: str
    processed_at: str
    notification_id: str = Field(description="Such as `flight@3`.")


class WatchBody(BaseModel):
    """What is to be heard of."""

    model_config = _STRICT

    event_type: str = Field(min_length=1)
    identifier: dict[str, Any] = Field(
        default={},
        description="Values, lists of values, or one of eq, in, gt, gte, lt, lte, between; `polygon` or `point`.",
    )
    point: Any = Field(default=None, description="Only what lies around this point, `latitude,longitude`.")
    from_id: str | int | None = Field(default=None, description="Begin with history, at this number.")
    from_date: str | None = Field(default=None, description="Begin with history, at this time.")


class ReplayBody(WatchBody):
    """What is to be told again; `from_id` or `from_date` is needed."""

    to_id: str | int | None = Field(default=None, description="The last number.")
    to_date: str | None = Field(default=None, description="The last time.")


class LogHeads(BaseModel):
    """How far the log has come."""

    version: str = Field(description="Another one where something has come.")
    heads: dict[str, int] = Field(description="The highest number of each event type that may be read.")


class LogPage(BaseModel):
    """Part of the log."""

    upto: int = Field(description="Everything up to this number was looked at.")
    is_end: bool = Field(description="Whether there is no more.")
    notifications: list[dict[str, Any]] = Field(description="CloudEvents.")


class LogPlace(BaseModel):
    """A place in the log."""

    sequence: int


class SchemaCatalog(BaseModel):
    """All event types."""

    status: str = "success"
    event_types: list[str]
    total_schemas: int
    schema_: dict[str, Any] = Field(alias="schema")


class SchemaAnswer(BaseModel):
    """One event type."""

    status: str = "success"
    event_type: str
    schema_: dict[str, Any] = Field(alias="schema")


class WipeBody(BaseModel):
    """Which event type is to be emptied."""

    model_config = _STRICT

    stream_name: str = Field(min_length=1)


class AdminAnswer(BaseModel):
    """It is done."""

    success: bool
    message: str
    request_id: str


class DeleteAnswer(AdminAnswer):
    """It is gone."""

    notification_id: str


class Health(BaseModel):
    """The server is alive."""

    status: str
    version: str
