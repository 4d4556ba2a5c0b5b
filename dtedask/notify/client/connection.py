"""One server over HTTP: requests with answers in JSON, and streams that are opened again where they were cut."""

from __future__ import annotations

import json
import random
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from dtedask.core.errors import NotificationError, ServerError, SettingError
from dtedask.notify.client.guard import Guard
from dtedask.notify.client.problems import PassingError, error_of, unreachable
from dtedask.notify.client.short import Answer, LostError, NotSentError, ShortRequests

if TYPE_CHECKING:
    import httpx

    from dtedask.notify.client.auth import Auth
    from dtedask.notify.client.cursor import Cursor
    from dtedask.notify.notification import Notification

__all__ = ["Connection"]

_FIRST_S = 10.0  # servers of Aviso promise their first event within
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 30.0
_LIVED_S = 5.0
_ATTEMPTS = 3
_OPENED_ATTEMPTS = 3  # a server that answers, and is lost again, is waited for no longer than after so many
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Connection:
    """Connections to one server; as `NotifyClient`."""

    def __init__(
        self, url: str, *, auth: Auth | None, timeout_s: float, silence_s: float, ca_bundle: str | None
    ) -> None:
        self.url = _checked(url)
        self._auth = auth
        if auth is not None and not _is_private(self.url):
            raise SettingError(
                f"Credentials would go to {self.url} for all to read.", hint="Take https, or leave --auth out."
            )
        self._silence_s = silence_s
        context = _context(self.url, ca_bundle)
        self._short = ShortRequests(self.url, context, timeout_s)
        self._timeout_s = timeout_s
        self._streams: httpx.Client | None = None
        self._verify: Any = context if context is not None else True
        self._lock = threading.Lock()

    def request(self, method: str, path: str, body: Any = None, *, params: Mapping[str, Any] | None = None) -> Any:
        """Send one request and return the JSON of its answer; tried again where the server did not take it.

        Raises
        ------
        NotificationError, UnauthorizedError, ForbiddenError, ServerError
            What the server answered instead.
        """
        for attempt in range(_ATTEMPTS - 1):
            try:
                return self._ask(method, path, body, params)
            except PassingError as error:
                time.sleep(max(_wait_s(attempt), min(error.wait_s, _LONGEST_WAIT_S)))
        return self._ask(method, path, body, params)

    def follow(self, path: str, body: dict[str, Any], cursor: Cursor, stop: threading.Event) -> Iterator[Notification]:
        """Yield the notifications of a stream, which is opened again wherever it was cut."""
        attempt, has_begun = 0, False
        while not stop.is_set() and not cursor.is_complete:
            wait_s, opened_at = 0.0, time.monotonic()
            try:
                yield from self._stream(path, {**body, **cursor.ask()}, cursor, stop)
            except PassingError as error:
                if stop.is_set():
                    return
                if not has_begun and not cursor.is_opened and attempt >= _ATTEMPTS - 1:
                    raise
                wait_s = min(error.wait_s, _LONGEST_WAIT_S)
            has_begun = has_begun or cursor.is_opened
            attempt += 1
            if cursor.told or time.monotonic() - opened_at > _LIVED_S:
                attempt = 0
            elif cursor.is_opened:
                attempt = min(attempt, _OPENED_ATTEMPTS)
            if not cursor.goes_on_at_once:
                stop.wait(max(wait_s, _wait_s(attempt)))

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._short.is_closed

    def close(self) -> None:
        """Close the connections."""
        self._short.close()
        if self._streams is not None:
            self._streams.close()

    def _client(self) -> httpx.Client:
        """Return the client for streams, made when it is first needed."""
        import httpx

        with self._lock:
            if self._streams is None:
                self._streams = httpx.Client(
                    base_url=self.url,
                    verify=self._verify,
                    follow_redirects=False,
                    limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
                    headers={"User-Agent": "dtedask"},
                )
            return self._streams

    def _headers(self) -> dict[str, str]:
        return {"Authorization": self._auth.header()} if self._auth is not None else {}

    def _ask(self, method: str, path: str, body: Any, params: Mapping[str, Any] | None) -> Any:
        content = None if body is None else _json(body)
        headers = self._headers() | ({"Content-Type": "application/json"} if content is not None else {})
        target = f"{path}?{urlencode(params)}" if params else path
        try:
            answer = self._short.ask(method, target, content, headers)
        except NotSentError as error:
            raise unreachable(self.url, error) from error
        except LostError as error:
            if method == "GET":
                raise unreachable(self.url, error) from error
            raise ServerError(
                f"The server {self.url} was lost before it answered: {error}.",
                hint="It is not known whether it took the request; `dtedask notify replay` shows what it has.",
            ) from error
        if not 200 <= answer.status < 300:
            raise error_of(answer, self.url, is_repeatable=method == "GET")
        try:
            return json.loads(answer.body)
        except ValueError as error:
            raise ServerError(f"{self.url} is no server of notices: its answer to {path} is not JSON.") from error

    def _stream(self, path: str, body: dict[str, Any], cursor: Cursor, stop: threading.Event) -> Iterator[Notification]:
        import httpx
        from httpx_sse import EventSource, SSEError

        guard: Guard | None = None
        try:
            with (
                self._opened(path, body) as answer,
                Guard(answer, stop, first_s=_FIRST_S, silence_s=self._silence_s) as guard,
            ):
                for event in EventSource(answer).iter_sse():
                    guard.heard()
                    if stop.is_set():
                        return
                    found = cursor.handle(event.event, event.data)
                    if found is not None:
                        yield found
        except SSEError as error:
            raise ServerError(f"{self.url} is no server of notices: {error}.") from error
        except httpx.HTTPError as error:
            if guard is not None and guard.was_silent:
                raise PassingError(f"The server {self.url} is silent.", hint="It is tried again.") from error
            raise unreachable(self.url, error) from error

    @contextmanager
    def _opened(self, path: str, body: dict[str, Any]) -> Iterator[httpx.Response]:
        import httpx

        headers = self._headers() | {
            "Accept": "text/event-stream", "Cache-Control": "no-store", "Content-Type": "application/json",
        }  # fmt: skip
        timeout = httpx.Timeout(_FIRST_S)
        with self._client().stream("POST", path, content=_json(body), headers=headers, timeout=timeout) as answer:
            if not answer.is_success:
                told = Answer(answer.status_code, answer.reason_phrase, Message(), answer.read())
                told.headers["Retry-After"] = answer.headers.get("Retry-After", "")
                raise error_of(told, self.url)
            answer.request.extensions["timeout"]["read"] = None  # from now on the guard says how long it may take
            yield answer


def _json(body: Any) -> bytes:
    try:
        return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise NotificationError(f"It cannot be sent as JSON: {error}.") from error


def _wait_s(attempt: int) -> float:
    """Wait longer and longer, and not all at the same time."""
    longest = min(_FIRST_WAIT_S * 2.0**attempt, _LONGEST_WAIT_S)
    return longest * (0.5 + random.random() / 2)


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingError(f"{url[:40]!r} is no server.", hint="Write http://127.0.0.1:8765, or https://.")
    if "@" in parts.netloc:
        raise SettingError("The URL of the server holds a password.", hint="Write --auth basic:$USER:$PASSWORD.")
    return url.rstrip("/")


def _is_private(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in _LOOPBACK


def _context(url: str, ca_bundle: str | None) -> ssl.SSLContext | None:
    """Say which certificates to trust; None where nothing is encrypted."""
    if not url.startswith("https://"):
        return None
    try:
        return ssl.create_default_context(cafile=str(Path(ca_bundle).expanduser()) if ca_bundle else None)
    except (OSError, ssl.SSLError) as error:
        raise SettingError(f"The certificates {ca_bundle!r} cannot be read: {error.strerror or error}.") from error
