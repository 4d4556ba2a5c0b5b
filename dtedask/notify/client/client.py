"""The client: it sends notifications, and hears of those that others send."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from dtedask.core.errors import NotificationError
from dtedask.notify.client.auth import Auth, read_auth
from dtedask.notify.client.cursor import Cursor
from dtedask.notify.client.problems import GoneError
from dtedask.notify.event import format_time, parse_time
from dtedask.notify.notification import Draft, Notification

__all__ = ["NotifyClient", "Sent"]


@dataclass(frozen=True, slots=True)
class Sent:
    """What a server says of a notification that it has logged.

    Parameters
    ----------
    id : str
        Of the notification, such as ``flight@3``; empty where the server does not tell it.
    request_id : str
        Name of the request in the log of the server.
    time : datetime
        When it was logged, UTC.
    """

    id: str
    request_id: str
    time: datetime


class NotifyClient:
    """A client of one server. Safe to use from several threads.

    Parameters
    ----------
    url : str
        Of the server, ``http://127.0.0.1:8765``.
    auth : Auth or str, optional
        Credentials: `Bearer`, `Basic`, or text as `read_auth` takes it. They are not sent unencrypted to other hosts.
    timeout_s : float
        How long an answer may take, in seconds.
    silence_s : float
        How long a stream may be silent, heartbeats included, before it is given up and opened again, in seconds.
    ca_bundle : str, optional
        File with the certificates of the authorities to trust; certificates are verified in any case.

    Raises
    ------
    SettingError
        If the URL is none, or holds a password.
    """

    def __init__(
        self,
        url: str,
        *,
        auth: Auth | str | None = None,
        timeout_s: float = 30.0,
        silence_s: float = 75.0,
        ca_bundle: str | None = None,
    ) -> None:
        from dtedask.notify.client.connection import Connection

        who = read_auth(auth) if isinstance(auth, str) else auth
        self._connection = Connection(url, auth=who, timeout_s=timeout_s, silence_s=silence_s, ca_bundle=ca_bundle)
        self.url = self._connection.url

    def send(self, event_type: str, identifier: Mapping[str, Any] | None = None, payload: Any = None) -> Sent:
        """Send a notification; it is in the log of the server, durably, when this returns.

        Raises
        ------
        NotificationError
            If its event type does not allow it, with the server's words.
        UnauthorizedError, ForbiddenError
            If the server wants other credentials.
        ServerError
            If the server cannot take it, or was lost before it answered: then it is not known whether it took it.
        """
        body = {"event_type": event_type, "identifier": dict(identifier or {})}
        if payload is not None:
            body["payload"] = payload
        said = self.request("POST", "/api/v1/notification", body)
        return Sent(
            str(said.get("notification_id") or ""), str(said.get("request_id", "")), parse_time(said["processed_at"])
        )

    def send_many(self, drafts: Iterable[Draft], *, threads: int = 1) -> list[Sent]:
        """Send notifications.

        Parameters
        ----------
        drafts : iterable of Draft
            What to send.
        threads : int
            How many at a time; with more than one they come in any order.

        Raises
        ------
        NotificationError, UnauthorizedError, ForbiddenError, ServerError
            As `send`; those before were sent.
        """
        if threads == 1:
            return [self.send(one.event_type, one.identifier, one.payload) for one in drafts]
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(threads, thread_name_prefix="dtedask-notify") as pool:
            return list(pool.map(lambda one: self.send(one.event_type, one.identifier, one.payload), drafts))

    def watch(
        self,
        event_type: str,
        identifier: Mapping[str, Any] | None = None,
        *,
        from_id: int | None = None,
        from_date: datetime | None = None,
        point: Any = None,
        stop: threading.Event | None = None,
    ) -> Iterator[Notification]:
        """Hear of notifications as they are logged, each once and in order, however often the connection is cut.

        Parameters
        ----------
        event_type : str
            The event type.
        identifier : mapping, optional
            Filter: values, lists of values, or one of eq, in, gt, gte, lt, lte, between.
        from_id : int, optional
            Begin with the history, at this number.
        from_date : datetime, optional
            Begin with the history, at this time; a time without zone is UTC.
        point : str, optional
            Only what lies around this point, ``"latitude,longitude"``.
        stop : threading.Event, optional
            Ends it when it is set, also while it waits.

        Raises
        ------
        NotificationError, UnauthorizedError, ForbiddenError
            If the server does not allow it.
        ServerError
            If the server cannot be reached at the beginning; later it is tried for as long as it takes.
        """
        body = _stream_body(event_type, identifier, point)
        cursor = Cursor(event_type, is_replay=False, start=_start(from_id, from_date))
        return self._connection.follow("/api/v1/watch", body, cursor, stop or threading.Event())

    def replay(
        self,
        event_type: str,
        identifier: Mapping[str, Any] | None = None,
        *,
        from_id: int | None = None,
        from_date: datetime | None = None,
        to_id: int | None = None,
        to_date: datetime | None = None,
        point: Any = None,
        stop: threading.Event | None = None,
    ) -> Iterator[Notification]:
        """Hear of the history: as `watch`, up to a number or time, or to the end; by default from the beginning."""
        body = _stream_body(event_type, identifier, point)
        if to_id is not None:
            body["to_id"] = str(to_id)
        if to_date is not None:
            body["to_date"] = format_time(to_date)
        start = _start(from_id, from_date) or {"from_id": "1"}
        return self._connection.follow(
            "/api/v1/replay", body, Cursor(event_type, True, start), stop or threading.Event()
        )

    def schema(self, event_type: str | None = None) -> dict[str, Any]:
        """Give the schema of an event type, or those of all that may be read, by name."""
        path = "/api/v1/schema" if event_type is None else f"/api/v1/schema/{quote(event_type, safe='')}"
        found: dict[str, Any] = self.request("GET", path)["schema"]
        return found

    def delete(self, notification_id: str) -> bool:
        """Delete a notification, named as ``flight@3``; False where there is none."""
        try:
            self.request("DELETE", f"/api/v1/admin/notification/{quote(notification_id, safe='@')}")
        except GoneError:
            return False
        return True

    def wipe(self, event_type: str | None = None) -> str:
        """Delete all notifications of an event type, or of all; returns the server's words."""
        if event_type is None:
            said = self.request("DELETE", "/api/v1/admin/wipe/all")
        else:
            said = self.request("DELETE", "/api/v1/admin/wipe/stream", {"stream_name": event_type})
        return str(said.get("message", ""))

    def request(self, method: str, path: str, body: Any = None, *, params: Mapping[str, Any] | None = None) -> Any:
        """Send one request and return the JSON of its answer; tried again where the server did not take it.

        Raises
        ------
        NotificationError, UnauthorizedError, ForbiddenError, ServerError
            What the server answered instead.
        """
        return self._connection.request(method, path, body, params=params)

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._connection.is_closed

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"NotifyClient({self.url!r})"


def _stream_body(event_type: str, identifier: Mapping[str, Any] | None, point: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"event_type": event_type, "identifier": dict(identifier or {})}
    if point is not None:
        body["point"] = point if isinstance(point, str) or not isinstance(point, Sequence) else list(point)
    return body


def _start(from_id: int | None, from_date: datetime | None) -> dict[str, str]:
    if from_id is not None and from_date is not None:
        raise NotificationError("Both from_id and from_date are given.", hint="Leave one out.")
    if from_id is not None:
        return {"from_id": str(from_id)}
    return {} if from_date is None else {"from_date": format_time(from_date)}
