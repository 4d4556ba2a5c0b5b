"""The sink `memory`: fields stay in this process, for notebooks and tests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from dtedask.pipeline.sink import Sink, Written

if TYPE_CHECKING:
    from dtedask.pipeline.message import Message


class MemorySink(Sink):
    """Keeps the messages: `fields` are those that were flushed."""

    def __init__(self, options: object, context: object) -> None:
        super().__init__(options, context)  # type: ignore[arg-type]
        self.fields: list[Message] = []
        self._waiting: list[Message] = []

    def take(self, message: Message) -> None:
        """See `Sink`."""
        self._waiting.append(message)

    def flush(self, message: Message) -> Iterable[Written]:  # noqa: ARG002 - all of them do the same
        """See `Sink`."""
        taken, self._waiting = self._waiting, []
        start = len(self.fields)
        self.fields += taken
        return [_written(one, start + place) for place, one in enumerate(taken)]


def _written(message: Message, place: int) -> Written:
    data = message.data if message.data is not None else np.ascontiguousarray(message.values).tobytes()
    keys = tuple((key, str(value)) for key, value in message.keys.items())
    return Written(keys, f"memory:{place}", f"sha256:{hashlib.sha256(data).hexdigest()}", len(data))
