"""A log of notifications on another host."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from dtedask.core.errors import NoticeError, NotificationError, ServerError
from dtedask.notify.client.client import NotifyClient, Sent
from dtedask.notify.client.problems import NoSuchRouteError
from dtedask.notify.event import format_time
from dtedask.notify.notification import Draft, Notification

__all__ = ["RemoteLog"]

logger = logging.getLogger(__name__)

_PATH = "/api/v1/log"
_WAIT_S = 20.0
_AGAIN_S = 1.0
_PAGE = 1000
_LARGEST = 2**63 - 2


class RemoteLog:
    """The log of a server, read and written over HTTP; an `EventLog`.

    Parameters
    ----------
    client : NotifyClient
        Of the server. It stays open when the log is closed.
    """

    def __init__(self, client: NotifyClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._heads: dict[str, int] = {}
        self._changes = 0
        self._stop = threading.Event()
        self._watcher: threading.Thread | None = None

    def append(self, drafts: Sequence[Draft]) -> Sequence[Notification]:
        """See `EventLog`; the server writes them one by one, and those before one that fails are written."""
        for draft in drafts:
            _check(draft)
        numbers = [self._number(one) for one in self._client.send_many(drafts)]
        self._changed()
        wanted = [(draft.event_type, number) for draft, number in zip(drafts, numbers, strict=True)]
        there = {name: self._between(name, [n for one, n in wanted if one == name]) for name, _ in wanted}
        return [there[name][number] for name, number in wanted]

    def page(
        self, event_type: str, after: int, *, limit: int = 1000, until: int | None = None
    ) -> Sequence[Notification]:
        """See `EventLog`."""
        found: list[Notification] = []
        after, until = max(after, 0), None if until is None else min(until, _LARGEST)
        while len(found) < limit and after < _LARGEST and (until is None or after < until):
            asked = {"after": after, "limit": min(limit - len(found), _PAGE)} | (
                {} if until is None else {"until": until}
            )
            said = self._get(f"{_PATH}/{quote(event_type, safe='')}", asked)
            found += [Notification.from_cloud_event(one) for one in said["notifications"]]
            after = int(said["upto"])
            if said["is_end"]:
                break
        return found

    def heads(self) -> Mapping[str, int]:
        """See `EventLog`; of the types that may be read."""
        return {str(name): int(number) for name, number in self._get(_PATH)["heads"].items()}

    def sequence_at(self, event_type: str, time: datetime) -> int:
        """See `EventLog`."""
        said = self._get(f"{_PATH}/{quote(event_type, safe='')}/at", {"time": format_time(time)})
        return int(said["sequence"])

    def version(self) -> object:
        """See `EventLog`: a thread waits for the server to say that there is more."""
        with self._lock:
            if self._watcher is None or not self._watcher.is_alive():
                self._stop = threading.Event()
                self._watcher = threading.Thread(
                    target=self._watch, args=(self._stop,), name="dtedask-notify-log", daemon=True
                )
                self._watcher.start()
            return self._changes

    def delete(self, event_type: str, sequence: int) -> bool:
        """See `EventLog`."""
        return 0 < sequence <= _LARGEST and self._client.delete(f"{event_type}@{sequence}")

    def wipe(self, event_type: str) -> int:
        """See `EventLog`."""
        if event_type not in self.heads():
            return 0
        words = self._client.wipe(event_type).split()
        return int(words[0]) if words and words[0].isdigit() else 0

    def trim(self, event_type: str, *, before: datetime | None = None, keep: int | None = None) -> int:  # noqa: ARG002
        """See `EventLog`: the server does it by itself, so nothing is done here."""
        return 0

    def close(self) -> None:
        """Stop to wait for the server."""
        self._stop.set()
        with self._lock:
            self._watcher = None

    def _number(self, sent: Sent) -> int:
        number = sent.id.rpartition("@")[2]
        if not number.isdigit():
            raise ServerError(f"The server {self._client.url} does not say which number a notification was given.")
        return int(number)

    def _between(self, event_type: str, numbers: Sequence[int]) -> dict[int, Notification]:
        """Read notifications as the server has them: their time, and what it added."""
        found: dict[int, Notification] = {}
        after, until = min(numbers) - 1, max(numbers)
        while page := self.page(event_type, after, until=until):
            found |= {one.sequence: one for one in page}
            after = page[-1].sequence
        return found

    def _get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        try:
            return self._client.request("GET", path, params=params)
        except NoSuchRouteError as error:
            raise NoSuchRouteError(
                f"The server {self._client.url} has no {_PATH}: {error.message}",
                hint="It is no `dtedask notify serve`; watch and replay work all the same.",
            ) from error

    def _changed(self) -> None:
        with self._lock:
            self._changes += 1

    def _watch(self, stop: threading.Event) -> None:
        """Wait for other heads; what cannot be known, as before the first answer, counts as a change."""
        heads: Mapping[str, int] | None = None
        version, was_lost = "", False
        while not (stop.is_set() or self._client.is_closed):
            begin = time.monotonic()
            try:
                said = self._get(_PATH, {"wait": _WAIT_S, "version": version} if version else None)
            except NoticeError as error:
                if not (was_lost or self._client.is_closed):
                    logger.warning("%s", error)
                was_lost = True
                stop.wait(_AGAIN_S)
                continue
            if was_lost or said["heads"] != heads:
                self._changed()
            elif time.monotonic() - begin < _AGAIN_S and version == said["version"]:
                stop.wait(_AGAIN_S)  # a server that does not wait
            was_lost, heads, version = False, said["heads"], said["version"]


def _check(draft: Draft) -> None:
    try:
        json.dumps([dict(draft.identifier), draft.payload], allow_nan=False)
    except (TypeError, ValueError) as error:
        raise NotificationError(
            f"JSON cannot hold the payload of a notification of {draft.event_type!r}: {error}."
        ) from error
