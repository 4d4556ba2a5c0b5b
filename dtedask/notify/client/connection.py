"""One server over HTTP: requests with answers in JSON, and streams that are opened again where they were cut."""

from __future__ import annotations

import json
import random
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from dtedask.core.errors import NotificationError, ServerError, SettingError
from dtedask.notify.client.guard import Guard
from dtedask.notify.client.problems import PassingError, error_of, unreachable

if TYPE_CHECKING:
    from dtedask.notify.client.auth import Auth
    from dtedask.notify.client.cursor import Cursor
    from dtedask.notify.notification import Notification

__all__ = ["Connection"]

_FIRST_S = 10.0  # servers of Aviso promise their first event within
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 30.0
_LIVED_S = 5.0
_ATTEMPTS = 3
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
        self._http = httpx.Client(
            base_url=self.url,
            timeout=httpx.Timeout(timeout_s),
            verify=_verify(ca_bundle),
            follow_redirects=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
            headers={"User-Agent": "dtedask"},
        )

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
            attempt = 0 if cursor.told or time.monotonic() - opened_at > _LIVED_S else attempt + 1
            if not cursor.goes_on_at_once:
                stop.wait(max(wait_s, _wait_s(attempt)))

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._http.is_closed

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _headers(self) -> dict[str, str]:
        return {"Authorization": self._auth.header()} if self._auth is not None else {}

    def _ask(self, method: str, path: str, body: Any, params: Mapping[str, Any] | None) -> Any:
        content = None if body is None else _json(body)
        headers = self._headers() | ({"Content-Type": "application/json"} if content is not None else {})
        try:
            answer = self._http.request(method, path, content=content, headers=headers, params=params)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise unreachable(self.url, error) from error
        except RuntimeError as error:
            raise ServerError(f"The client of {self.url} is closed.") from error
        except httpx.HTTPError as error:
            what = str(error) or type(error).__name__
            if method == "GET":
                raise unreachable(self.url, error) from error
            raise ServerError(
                f"The server {self.url} was lost before it answered: {what}.",
                hint="It is not known whether it took the request; `dtedask notify replay` shows what it has.",
            ) from error
        if not answer.is_success:
            raise error_of(answer, answer.content, self.url, is_repeatable=method == "GET")
        try:
            return answer.json()
        except ValueError as error:
            raise ServerError(f"{self.url} is no server of notices: its answer to {path} is not JSON.") from error

    def _stream(self, path: str, body: dict[str, Any], cursor: Cursor, stop: threading.Event) -> Iterator[Notification]:
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
        headers = self._headers() | {
            "Accept": "text/event-stream", "Cache-Control": "no-store", "Content-Type": "application/json",
        }  # fmt: skip
        timeout = httpx.Timeout(_FIRST_S)
        with self._http.stream("POST", path, content=_json(body), headers=headers, timeout=timeout) as answer:
            if not answer.is_success:
                raise error_of(answer, answer.read(), self.url)
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


def _verify(ca_bundle: str | None) -> Any:
    if ca_bundle is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(Path(ca_bundle).expanduser()))
    except (OSError, ssl.SSLError) as error:
        raise SettingError(f"The certificates {ca_bundle!r} cannot be read: {error.strerror or error}.") from error
