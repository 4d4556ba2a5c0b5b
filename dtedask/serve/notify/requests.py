"""Bodies of requests: read, and checked as far as that goes without the event type."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dtedask.core.nearest import did_you_mean
from dtedask.serve.notify.problems import ProblemError, invalid

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

_NOTIFICATION = ("event_type", "identifier", "payload")
_STREAM = ("event_type", "identifier", "point", "from_id", "from_date", "to_id", "to_date")
_LARGEST = 2**63 - 2
_MILLISECOND_DIGITS = 12


@dataclass(frozen=True, slots=True)
class NotificationRequest:
    """What is to be sent."""

    event_type: str
    identifier: Mapping[str, Any]
    payload: Any


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """What is to be watched or replayed.

    Parameters
    ----------
    event_type : str
        Its event type.
    identifier : mapping
        The filter.
    point : object
        A point, or None.
    from_id, to_id : int, optional
        First and last number.
    from_date, to_date : datetime, optional
        First and last time, UTC.
    """

    event_type: str
    identifier: Mapping[str, Any]
    point: Any = None
    from_id: int | None = None
    from_date: datetime | None = None
    to_id: int | None = None
    to_date: datetime | None = None

    @property
    def has_start(self) -> bool:
        """Whether history is asked for."""
        return self.from_id is not None or self.from_date is not None


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Read the body of a request.

    Raises
    ------
    ProblemError
        If it is too large.
    """
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(int(declared), limit)
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        body += message.get("body", b"")
        if len(body) > limit:
            raise _too_large(len(body), limit)
        if not message.get("more_body", False):
            return bytes(body)


class ClientGoneError(Exception):
    """The client went away before it had said what it wants."""


def read_notification(body: bytes) -> NotificationRequest:
    """Read what is to be sent; raises ProblemError."""
    fields = _fields(body, _NOTIFICATION, "Notification")
    return NotificationRequest(
        _event_type(fields, "Notification"), _identifier(fields, "Notification"), fields.get("payload")
    )


def read_stream(body: bytes, kind: str) -> StreamRequest:
    """Read what is to be watched or replayed.

    Parameters
    ----------
    body : bytes
        The body of the request.
    kind : {"Watch", "Replay"}
        For its errors, and whether it needs a start.

    Raises
    ------
    ProblemError
        If it cannot be understood.
    """
    fields = _fields(body, _STREAM, kind)
    event_type, identifier = _event_type(fields, kind), dict(_identifier(fields, kind))
    request = StreamRequest(
        event_type,
        identifier,
        fields.get("point"),
        _number(fields, "from_id", kind),
        _date(fields, "from_date", kind),
        _number(fields, "to_id", kind),
        _date(fields, "to_date", kind),
    )
    _check_ends(request, kind)
    return request


def _check_ends(request: StreamRequest, kind: str) -> None:
    if request.from_id is not None and request.from_date is not None:
        raise invalid(kind, "Both from_id and from_date are given. Leave one out.")
    if request.to_id is not None and request.to_date is not None:
        raise invalid(kind, "Both to_id and to_date are given. Leave one out.")
    has_end = request.to_id is not None or request.to_date is not None
    if kind == "Watch" and has_end:
        raise invalid(kind, "A watch has no end. Leave to_id and to_date out, or ask /api/v1/replay.")
    if kind == "Replay" and not request.has_start:
        raise invalid(kind, "Neither from_id nor from_date is given. Say where the replay begins.")
    if request.from_id is not None and request.to_id is not None and request.to_id < request.from_id:
        raise invalid(kind, f"to_id {request.to_id} lies before from_id {request.from_id}.")
    if request.from_date and request.to_date and request.to_date < request.from_date:
        raise invalid(kind, f"to_date {request.to_date:%FT%TZ} lies before from_date {request.from_date:%FT%TZ}.")


def _fields(body: bytes, known: tuple[str, ...], kind: str) -> Mapping[str, Any]:
    label = f"Invalid {kind} Request"
    try:
        fields = _decode(body.decode())
    except (ValueError, RecursionError) as error:
        raise ProblemError(400, f"The body is not JSON: {error}.", code="INVALID_JSON", error=label) from error
    if not isinstance(fields, dict):
        raise _shape(kind, f"The body is {_kind_of(fields)}; it must be an object.")
    for name in fields:
        if name not in known:
            guess = did_you_mean(name, known)
            raise ProblemError(
                400,
                f"Unknown field {name!r}. {guess or 'Known are ' + ', '.join(known) + '.'}",
                code="UNKNOWN_FIELD",
                error=label,
            )
    return fields


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


_decode = json.JSONDecoder(parse_constant=_refuse_constant).decode


def _event_type(fields: Mapping[str, Any], kind: str) -> str:
    value = fields.get("event_type")
    if not isinstance(value, str) or not value:
        raise _shape(kind, f"event_type is {_kind_of(value)}; it must be a text.")
    return value


def _identifier(fields: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    value = fields.get("identifier", {})
    if not isinstance(value, dict):
        raise _shape(kind, f"identifier is {_kind_of(value)}; it must be an object.")
    return value


def _number(fields: Mapping[str, Any], name: str, kind: str) -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    text = str(value).strip() if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or int(text) > _LARGEST:
        raise invalid(kind, f'{name} is {value!r}; it must be a whole number from 0 on, such as "42".')
    return int(text)


def _date(fields: Mapping[str, Any], name: str, kind: str) -> datetime | None:
    value = fields.get(name)
    if value is None:
        return None
    try:
        return _parse_date(str(value).strip())
    except (ValueError, OverflowError) as error:
        raise invalid(
            kind, f'{name} is {value!r}; it must be a time such as "2026-03-01T12:00:00Z" or seconds since 1970.'
        ) from error


def _parse_date(text: str) -> datetime:
    if text.isascii() and text.isdigit():
        seconds = int(text) / 1000 if len(text) >= _MILLISECOND_DIGITS else int(text)
        return datetime.fromtimestamp(seconds, UTC)
    time = datetime.fromisoformat(text)
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _shape(kind: str, message: str) -> ProblemError:
    return ProblemError(400, message, code="INVALID_REQUEST_SHAPE", error=f"Invalid {kind} Request")


def _too_large(size: int, limit: int) -> ProblemError:
    return ProblemError(
        413, f"The body has {size} bytes or more; {limit} are allowed.", headers={"Connection": "close"}
    )


def _kind_of(value: object) -> str:
    if value is None:
        return "missing"
    return {
        bool: "a truth value",
        int: "a number",
        float: "a number",
        str: "an empty text" if not value else "a text",
        list: "a list",
    }.get(type(value), "an object")
