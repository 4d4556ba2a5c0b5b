"""Errors as answers: ``{code, error, message, details, request_id}``, as aviso-server's clients know them."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException

from dtedask.core.errors import (
    DtedaskError,
    ForbiddenError,
    NotificationError,
    UnauthorizedError,
    UnknownEventTypeError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Send

logger = logging.getLogger(__name__)

_HTTP = {
    400: ("INVALID_REQUEST", "Bad Request"),
    401: ("UNAUTHORIZED", "Unauthorized"),
    403: ("FORBIDDEN", "Forbidden"),
    404: ("NOT_FOUND", "Not Found"),
    405: ("METHOD_NOT_ALLOWED", "Method Not Allowed"),
    409: ("CONFLICT", "Conflict"),
    413: ("PAYLOAD_TOO_LARGE", "Payload Too Large"),
    422: ("INVALID_REQUEST_SHAPE", "Invalid Request"),
    429: ("TOO_MANY_REQUESTS", "Too Many Requests"),
    500: ("INTERNAL_ERROR", "Internal Error"),
    503: ("SERVICE_UNAVAILABLE", "Service Unavailable"),
}


class ProblemError(Exception):
    """An answer that says what is wrong.

    Parameters
    ----------
    status : int
        Status of HTTP.
    message : str
        What is wrong, and what to do.
    code, error : str, optional
        Code for programs and category for people; those of the status by default.
    headers : mapping, optional
        Further headers of the answer.
    **more
        Further fields of the answer.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str = "",
        error: str = "",
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        usual = _HTTP.get(status, ("ERROR", "Error"))
        self.status = status
        self.message = message
        self.code = code or usual[0]
        self.error = error or usual[1]
        self.headers = dict(headers or {})
        self.more = more

    def body(self, request_id: str) -> bytes:
        """Render the answer."""
        return json.dumps(
            {
                "code": self.code,
                "error": self.error,
                "message": self.message,
                "details": self.message,
                "request_id": request_id,
                **self.more,
            },
            separators=(",", ":"),
        ).encode()


def problem_of(error: Exception, *, kind: str = "", challenge: str = "") -> ProblemError:
    """Turn an error into an answer.

    Parameters
    ----------
    error : Exception
        What happened.
    kind : {"Notification", "Watch", "Replay"}, optional
        Kind of the request, for its code.
    challenge : str
        What a client without credentials is asked for.
    """
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, HTTPException):
        return _http_problem(error)
    if isinstance(error, DtedaskError):
        return _own_problem(error, kind, challenge)
    logger.error("A request failed.", exc_info=error)
    return ProblemError(500, "The server failed; its log says why.")


def invalid(kind: str, message: str) -> ProblemError:
    """Give the answer to a request of a kind that cannot be fulfilled as it is."""
    return ProblemError(400, message, code=f"INVALID_{kind.upper()}_REQUEST", error=f"Invalid {kind} Request")


async def answer(send: Send, problem: ProblemError, request_id: str) -> None:
    """Send an answer by ASGI."""
    body = problem.body(request_id)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    headers += [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _http_problem(error: HTTPException) -> ProblemError:
    message = str(error.detail)
    if error.status_code == 404:
        message = "There is nothing at this path; /docs lists what there is."
    elif error.status_code == 405:
        message = f"This path does not know the method; it knows {(error.headers or {}).get('Allow', 'others')}."
    return ProblemError(error.status_code, message, headers=error.headers)


def _own_problem(error: DtedaskError, kind: str, challenge: str) -> ProblemError:
    match error:
        case UnauthorizedError():
            return ProblemError(401, str(error), headers={"WWW-Authenticate": challenge} if challenge else {})
        case ForbiddenError():
            return ProblemError(403, str(error))
        case NotificationError() if kind:
            return invalid(kind, str(error))
        case UnknownEventTypeError():
            return ProblemError(404, str(error), code="UNKNOWN_EVENT_TYPE")
        case NotificationError():
            return ProblemError(400, str(error))
    logger.error("A request failed: %s", error)
    return _failed(error, kind)


def _failed(error: DtedaskError, kind: str) -> ProblemError:
    if kind == "Notification":
        return ProblemError(500, str(error), code="NOTIFICATION_STORAGE_FAILED", error="Notification Storage Failed")
    if kind:
        return ProblemError(500, str(error), code="SSE_STREAM_INITIALIZATION_FAILED", error="Stream Creation Failed")
    return ProblemError(500, str(error))
