"""Answers of a server that are errors, as our errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dtedask.core.errors import (
    ForbiddenError,
    NoticeError,
    NotificationError,
    ServerError,
    UnauthorizedError,
    UnknownEventTypeError,
)

if TYPE_CHECKING:
    from dtedask.notify.client.short import Answer

__all__ = ["GoneError", "NoSuchRouteError", "PassingError", "error_of", "unreachable"]

_NOT_TAKEN = (425, 429, 503)
_PASSING = (*_NOT_TAKEN, 408, 502, 504)
_SHOWN = 300


class PassingError(ServerError):
    """A server that cannot answer now: another attempt may succeed.

    Attributes
    ----------
    wait_s : float
        How long the server asks to wait.
    """

    def __init__(self, message: str, *, hint: str = "", wait_s: float = 0.0) -> None:
        super().__init__(message, hint=hint)
        self.wait_s = wait_s


class NoSuchRouteError(ServerError):
    """A server that does not know what is asked of it."""


class GoneError(NotificationError):
    """A notification that is not there."""


def error_of(answer: Answer, url: str, *, is_repeatable: bool = True) -> NoticeError:
    """Turn an answer into an error with the server's own words.

    Parameters
    ----------
    answer : Answer
        The answer.
    url : str
        Of the server.
    is_repeatable : bool
        Whether asking again does no harm where the server may have done it.
    """
    status, body, said = answer.status, answer.body, _said(answer.body)
    message = said.get("message") or said.get("error") or body[:_SHOWN].decode(errors="replace").strip()
    text = f"The server {url} says {status} {answer.reason}".rstrip()
    text += f": {message}" if message else "."
    if status == 401:
        return UnauthorizedError(text, hint="Name the variables with credentials by --auth bearer:$TOKEN.")
    if status == 403:
        return ForbiddenError(text)
    if status == 404 and said.get("code") in ("UNKNOWN_EVENT_TYPE", "NOT_FOUND_EVENT_TYPE"):
        return UnknownEventTypeError(str(message))
    if status == 404 and (said.get("code") == "NOTIFICATION_NOT_FOUND" or said.get("success") is False):
        return GoneError(str(message))
    if status in (404, 405):
        return NoSuchRouteError(text)
    if status in (400, 409, 413, 422):
        return NotificationError(str(message) or text)
    if status in (_PASSING if is_repeatable else _NOT_TAKEN):
        return PassingError(text, wait_s=_seconds(answer.headers.get("Retry-After", "")))
    return ServerError(text, hint="The log of the server says why." if status >= 500 else "")


def unreachable(url: str, error: Exception) -> PassingError:
    """Return the error for a server that does not answer."""
    return PassingError(
        f"The server {url} cannot be reached: {error or type(error).__name__}.",
        hint="Check its address, and that it runs: `dtedask notify serve`.",
    )


def _said(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(text: str) -> float:
    try:
        return max(0.0, float(text))
    except ValueError:
        return 0.0
