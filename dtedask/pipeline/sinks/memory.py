"""The sink `memory`: fields stay in this process, for notebooks and tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from dtedask.pipeline.sink import Sink, SinkOptions
from dtedask.pipeline.sinks.checksum import checksum_of, checksum_of_values
from dtedask.pipeline.sinks.manifest import Written, field_keys

if TYPE_CHECKING:
    from dtedask.pipeline.action import Context
    from dtedask.pipeline.message import Message

_shelves: dict[str, list[Message]] = {}


class MemoryOptions(SinkOptions):
    """Fields stay in this process; ``dtedask.pipeline.sinks.memory.kept(name)`` gives them."""

    name: str = "memory"
    """Under which name."""


class MemorySink(Sink):
    """Keeps the messages that were flushed; all sinks of one name share them."""

    Options = MemoryOptions

    def __init__(self, options: MemoryOptions, context: Context) -> None:
        super().__init__(options, context)
        self._waiting: list[Message] = []

    def take(self, message: Message) -> None:
        """See `Sink`."""
        self._waiting.append(message)

    def flush(self, message: Message) -> Iterable[Written]:  # noqa: ARG002 - all of them do the same
        """See `Sink`."""
        taken, self._waiting = self._waiting, []
        start = keep(self.options.name, taken)
        return [_written(one, f"memory:{self.options.name}/{start + place}") for place, one in enumerate(taken)]


def keep(name: str, messages: Iterable[Message]) -> int:
    """Keep messages behind those of the name; returns how many there were before."""
    shelf = _shelves.setdefault(name, [])
    before = len(shelf)
    shelf.extend(messages)
    return before


def kept(name: str = "memory") -> list[Message]:
    """Messages that sinks of a name have kept in this process, in the order in which they were flushed."""
    return list(_shelves.get(name, ()))


def forget(name: str = "memory") -> None:
    """Let go of what sinks of a name have kept."""
    _shelves.pop(name, None)


def _written(message: Message, location: str) -> Written:
    keys = field_keys(message.keys)
    if message.data is not None:
        return Written(keys, location, checksum_of(message.data), len(message.data))
    checksum, size = checksum_of_values(np.asarray(message.values))
    return Written(keys, location, checksum, size)
