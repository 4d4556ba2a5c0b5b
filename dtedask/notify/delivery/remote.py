"""Listeners to a server of notices on another host."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from dtedask.core.errors import DocumentError, ServerError, UnauthorizedError
from dtedask.core.nearest import did_you_mean
from dtedask.notify.client import RemoteLog
from dtedask.notify.delivery.matching import Wants, wants_of
from dtedask.notify.delivery.sources import OF_ALL_CUBES, LogSource, Source

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
        source = LogSource(self._log, listener.event)
        if listener.event in OF_ALL_CUBES and not listener.identifiers:
            return source, wants_of(listener)
        return source, wants_of(listener, _type_of(listener, schema[listener.event]))

    def version(self) -> object:
        """Return something that changes whenever there is news."""
        return self._log.version()

    def close(self) -> None:
        """Stop to wait for the server."""
        self._log.close()


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
