"""Which log a listener listens to, and what it asks for there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtedask.core.errors import UnknownEventTypeError
from dtedask.notify.delivery.matching import Wants, wants_of
from dtedask.notify.delivery.sources import ALL_CUBES, OF_ALL_CUBES, CommitSource, LogSource, Source
from dtedask.notify.event import EVENT_TYPE

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from typing import Any, TypeAlias

    from dtedask.notify.event_types import EventTypes
    from dtedask.notify.listeners import Listener
    from dtedask.notify.log import NoticeLog
    from dtedask.notify.streams import Streams

    Types: TypeAlias = EventTypes | str | os.PathLike[str] | Mapping[str, Any]

__all__ = ["RootSources"]


class RootSources:
    """The logs of one root: its commits, and what is sent there.

    Event types are looked up, and the log of what is sent is opened, when the first listener needs them.

    Parameters
    ----------
    log : NoticeLog
        The log of the commits.
    types : EventTypes or its document, optional
        The event types that are sent; by default `dissemination`.
    """

    look_again_s = 1.0

    def __init__(self, log: NoticeLog, types: Types | None = None) -> None:
        self._log = log
        self._given = types
        self._types: EventTypes | None = None
        self._streams: Streams | None = None
        self._shared: dict[str, Source] = {}

    def find(self, listener: Listener) -> tuple[Source, Wants]:
        """Find the source of a listener, and what it asks for.

        Raises
        ------
        DocumentError
            Naming file and line of an event type, or of a key, that is not known.
        """
        if (found := self.find_commits(listener)) is not None:
            return found
        try:
            event_type = self.types[listener.event]
        except UnknownEventTypeError as error:
            raise listener.mistake("event", error.message, error.hint) from error
        source = self._shared.setdefault(event_type.name, LogSource(self.streams, event_type.name))
        return source, wants_of(listener, event_type)

    def find_commits(self, listener: Listener) -> tuple[Source, Wants] | None:
        """Find the commits that a listener listens to, and what it asks for; None where it listens to something else.

        Raises
        ------
        DocumentError
            Naming file and line of a key that is not known.
        """
        if self._given is None and listener.event in OF_ALL_CUBES and not listener.identifiers:
            return self._commits(EVENT_TYPE, ALL_CUBES), wants_of(listener)
        event_type = self.types.get(listener.event)
        if event_type is None or not event_type.is_of_commits:
            return None
        cubes = tuple(event_type.cubes)
        return self._commits(EVENT_TYPE if cubes == ALL_CUBES else event_type.name, cubes), wants_of(
            listener, event_type
        )

    @property
    def types(self) -> EventTypes:
        """All event types."""
        if self._types is None:
            from dtedask.notify.completeness.drafts import completeness_types
            from dtedask.notify.event_types import EventTypes, load_event_types

            # Where nothing is declared, `mars` is the commits of the root.
            given = EventTypes([load_event_types()["dissemination"]]) if self._given is None else self._given
            self._types = (completeness_types() | load_event_types(given)).with_cubes(self._log.root)
        return self._types

    @property
    def streams(self) -> Streams:
        """The log of all event types."""
        if self._streams is None:
            from dtedask.notify.streams import open_streams

            self._streams = open_streams(self._log.root, self.types)
        return self._streams

    def version(self) -> object:
        """Return something that changes whenever there is news."""
        return (self._log.version(), None if self._streams is None else self._streams.sent.version())

    def close(self) -> None:
        """Let go of files."""
        if self._streams is not None:
            self._streams.close()

    def _commits(self, name: str, cubes: tuple[str, ...]) -> Source:
        return self._shared.setdefault(name, CommitSource(self._log, name, cubes, numbers=lambda: self.streams))
