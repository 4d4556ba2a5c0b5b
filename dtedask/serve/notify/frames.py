"""Server-sent events as bytes: notifications, and what a stream says about itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from math import isinf
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from dtedask.notify.notification import Notification

Reason = Literal["server_shutdown", "max_duration_reached", "end_of_stream"]

_encode = json.JSONEncoder(separators=(",", ":")).encode

LIVE = b"event: live-notification\n"
REPLAY = b"event: replay\n"

_REASONS: dict[Reason, str] = {
    "server_shutdown": "The server ends; come again.",
    "max_duration_reached": "The stream was open for as long as it may be; come again.",
    "end_of_stream": "This was all.",
}


def data_of(notification: Notification, source: str) -> bytes:
    """Render a notification once for all who get it, without the line that says whether it is live or replayed."""
    event = notification.cloud_event(source)
    return b"data: %b\n\n" % _encode(event).encode()


def opened(event_type: str, request_id: str, now: datetime, *, after: int, closes_in_s: float) -> bytes:
    """Say that a stream without history has begun."""
    return _frame(
        "live-notification",
        type="connection_established",
        topic=event_type,
        sequence=after,
        timestamp=_text(now),
        connection_will_close_in_seconds=None if isinf(closes_in_s) else round(closes_in_s),
        request_id=request_id,
    )


def replay_started(
    event_type: str,
    request_id: str,
    now: datetime,
    *,
    first: int | None,
    date: datetime | None,
    last: int | None,
    page: int,
) -> bytes:
    """Say that history begins."""
    return _frame(
        "replay-control",
        type="replay_started",
        topic=event_type,
        from_sequence=first,
        from_date=_text(date) if date else None,
        to_sequence=last,
        batch_size=page,
        timestamp=_text(now),
        request_id=request_id,
    )


def replay_completed(event_type: str, now: datetime) -> bytes:
    """Say that history has been told."""
    return _frame("replay-control", type="replay_completed", topic=event_type, timestamp=_text(now))


def replay_limited(event_type: str, now: datetime, *, limit: int) -> bytes:
    """Say that there is more history than is replayed at once."""
    return _frame(
        "replay-control",
        type="notification_replay_limit_reached",
        topic=event_type,
        max_allowed=limit,
        message=f"At most {limit} notifications are replayed at once, and there are more.",
        timestamp=_text(now),
    )


def heartbeat(event_type: str, now: datetime) -> bytes:
    """Say that the stream is alive."""
    return _frame("heartbeat", timestamp=_text(now), topic=event_type)


def failed(event_type: str, request_id: str, message: str) -> bytes:
    """Say that the stream cannot go on."""
    return _frame("error", error="stream_processing_failed", message=message, topic=event_type, request_id=request_id)


def closing(event_type: str, request_id: str, now: datetime, reason: Reason) -> bytes:
    """Say why the stream ends."""
    return _frame(
        "connection-closing",
        reason=reason,
        timestamp=_text(now),
        message=_REASONS[reason],
        topic=event_type,
        request_id=request_id,
    )


def _frame(event: str, **data: Any) -> bytes:
    return f"event: {event}\ndata: {_encode(data)}\n\n".encode()


def _text(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
