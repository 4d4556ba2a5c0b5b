"""Listeners to a server of notices on another host."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from dtedask.core.errors import DocumentError, ServerError, UnauthorizedError
from dtedask.core.nearest import did_you_mean
from dtedask.notify.client import RemoteLog
from dtedask.notify.client.problems import NoSuchRouteError
from dtedask.notify.delivery.matching import Wants, keys_of, wants_of
from dtedask.notify.delivery.sources import OF_ALL_CUBES, LogSource, Source
from dtedask.notify.delivery.watched import WatchedSource

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from dtedask.notify.client import NotifyClient
    from dtedask.notify.event_types import EventType
    from dtedask.notify.listeners import Listener

__all__ = ["ServerSources"]

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0

logger = logging.getLogger(__name__)


class ServerSources:
    """The event types of a server; each is one stream that the server numbers.

    Parameters
    ----------
    client : NotifyClient
        Of the server; it stays open.
    """

    look_again_s = 30.0

    def __init__(self, client: NotifyClient) -> None:
        self._client = client
        self._log = RemoteLog(client)
        self._schema: Mapping[str, Any] | None = None
        self._has_log = True
        self._watching: list[WatchedSource] = []
        self._shared: dict[str, LogSource] = {}

    def wait(self, stop: threading.Event, *, once: bool) -> bool:
        """Wait until the server answers; False where `stop` was set before.

        Raises
        ------
        ServerError
            If `once` and it does not answer, or if it wants other credentials.
        """
        pause_s = FIRST_WAIT_S
        while True:
            try:
                self._schema = self._client.schema()
                self._has_log = _has_log(self._log)
            except ServerError as error:
                if once or isinstance(error, UnauthorizedError):
                    raise
                logger.warning("%s Trying again in %g s.", error, pause_s)
                if stop.wait(pause_s):
                    return False
                pause_s = min(2 * pause_s, LONGEST_WAIT_S)
            else:
                return True

    def find(self, listener: Listener) -> tuple[Source, Wants]:
        """Find the source of a listener, and what it asks for.

        Raises
        ------
        DocumentError
            Naming file and line of an event type, or of a key, that the server does not know.
        """
        schema = self._client.schema() if self._schema is None else self._schema
        if listener.event not in schema:
            raise listener.mistake(
                "event",
                f"{self._client.url} has no event type {listener.event!r}.",
                did_you_mean(listener.event, schema),
            )
        if not self._has_log:
            return self._watched(listener, schema[listener.event])
        source = self._shared.setdefault(listener.event, LogSource(self._log, listener.event))
        if listener.event in OF_ALL_CUBES and not listener.identifiers:
            return source, wants_of(listener)
        return source, wants_of(listener, _type_of(listener, schema[listener.event]))

    def _watched(self, listener: Listener, schema: Mapping[str, Any]) -> tuple[Source, Wants]:
        """Ask the server for what the listener asks for; of a MARS request by the keys that it requires."""
        if listener.event in OF_ALL_CUBES and not listener.identifiers:
            required = {name for name, key in schema.get("identifier", {}).items() if key.get("required")}
            asked = {key: value for key, value in keys_of(listener.request).items() if key in required}
            wants = wants_of(listener)
        else:
            asked, wants = keys_of(listener.identifiers or listener.request), lambda _news: True
        source = WatchedSource(self._client, listener.event, asked)
        self._watching.append(source)
        return source, wants

    def version(self) -> object:
        """Return something that changes whenever there is news."""
        return tuple(source.version() for source in self._watching) if self._watching else self._log.version()

    def close(self) -> None:
        """Stop to wait for the server."""
        self._log.close()
        for source in self._watching:
            source.close()


def _has_log(log: RemoteLog) -> bool:
    """Whether a server gives its log in pages; ECMWF's does not."""
    try:
        log.heads()
    except NoSuchRouteError:
        return False
    return True


def _type_of(listener: Listener, schema: Mapping[str, Any]) -> EventType | None:
    """Return the event type that a server describes; None where nothing of it need be known."""
    if not (listener.identifiers or listener.request):
        return None
    from dtedask.notify.event_types import load_event_types

    try:
        return load_event_types({listener.event: schema})[listener.event]
    except DocumentError as error:
        raise listener.mistake(
            "event", f"the server describes {listener.event!r} in a way that is not known here: {error.message}"
        ) from error
