"""Notifications as rows of a table: times as microseconds, the rest as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dtedask.core.errors import NotificationError
from dtedask.notify.notification import Draft, Notification

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Row:
    """What is written of a draft."""

    event_type: str
    identifier: str
    payload: str | None


def encode(draft: Draft) -> Row:
    """Make a draft ready for writing.

    Raises
    ------
    NotificationError
        If JSON cannot hold it.
    """
    return Row(draft.event_type, *encode_parts(draft))


def encode_parts(draft: Draft | Notification) -> tuple[str, str | None]:
    """Write identifier and payload as JSON."""
    payload = None if draft.payload is None else _json(draft, "payload", draft.payload)
    return _json(draft, "identifier", dict(draft.identifier)), payload


def notification(event_type: str, sequence: int, time: int, identifier: str, payload: str | None) -> Notification:
    """Make a notification of a row."""
    return Notification(
        event_type,
        sequence,
        json.loads(identifier),
        None if payload is None else json.loads(payload),
        from_microseconds(time),
    )


def to_microseconds(time: datetime) -> int:
    """Count microseconds since 1970; a time without zone is UTC."""
    zoned = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    return (zoned - _EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    """Undo `to_microseconds`."""
    return _EPOCH + timedelta(microseconds=count)


def _json(draft: Draft | Notification, what: str, value: object) -> str:
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise NotificationError(
            f"JSON cannot hold the {what} of a notification of {draft.event_type!r}: {error}.",
            hint="Use texts, finite numbers, lists and mappings.",
        ) from error
