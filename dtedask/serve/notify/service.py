"""What the routes of a server share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from dtedask.serve.access import ANYBODY
from dtedask.serve.notify.hub import Hub
from dtedask.serve.notify.metrics import Metrics
from dtedask.serve.notify.places import Places
from dtedask.serve.notify.rates import Rates
from dtedask.serve.notify.writer import Writer

if TYPE_CHECKING:
    from starlette.types import Scope

    from dtedask.notify.event_types import EventType, EventTypes
    from dtedask.notify.streams import Streams
    from dtedask.serve.access import Access, Identity
    from dtedask.serve.notify.options import ServeOptions


@dataclass(slots=True)
class Service:
    """A log of notifications, who may use it, and who listens.

    Parameters
    ----------
    streams : Streams
        The log and its event types.
    access : Access
        Who may do what.
    options : ServeOptions
        Limits and times.
    """

    streams: Streams
    access: Access
    options: ServeOptions
    hub: Hub = field(init=False)
    writer: Writer = field(init=False)
    metrics: Metrics = field(init=False)
    rates: Rates | None = field(init=False)
    places: Places = field(init=False)
    _sent: dict[str, EventType] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.hub = Hub(self.streams, self.options)
        self.writer = Writer(self.streams, self.hub.appended)
        self.metrics = Metrics(self.hub)
        self.rates = Rates(self.options.rate) if self.options.rate else None
        self.places = Places(self.options.connections, self.options.connections_each)

    @property
    def types(self) -> EventTypes:
        """The event types."""
        return cast("EventTypes", self.streams.types)

    async def identify(self, scope: Scope) -> Identity:
        """Find out who makes a request; raises UnauthorizedError."""
        if self.access.is_open:
            return ANYBODY
        # In a thread: passwords are slow to check.
        found: Identity = await self.hub.call(self.access.authenticate, headers_of(scope))
        return found

    async def event_type(self, name: str) -> EventType:
        """Find an event type; raises UnknownEventTypeError."""
        found = self._sent.get(name)
        if found is None:
            found = await self.hub.call(self.types.__getitem__, name)  # looks for cubes
            if not found.cubes:
                self._sent[name] = found
        return found

    def close(self) -> None:
        """Let go of threads and files."""
        self.writer.close()
        self.hub.close()
        self.streams.close()


def headers_of(scope: Scope) -> Mapping[str, str]:
    """Give the headers of a request, their names in lower case."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def request_id_of(scope: Scope) -> str:
    """Give the name of a request."""
    return str(scope.get("state", {}).get("request_id", ""))
