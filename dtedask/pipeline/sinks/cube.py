"""The sink `cube`: fields go into the cubes of a root, all of a flush in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.errors import FieldError, PlanError
from dtedask.grib import Field
from dtedask.pipeline.sink import Sink, SinkOptions, Written
from dtedask.request import is_key

if TYPE_CHECKING:
    from dtedask.grib import FieldDescription
    from dtedask.pipeline.action import Context
    from dtedask.pipeline.message import Message
    from dtedask.store import Store


class CubeOptions(SinkOptions):
    """Where to."""

    url: str = ""
    """Folder or URL of the root; by default that of ``--output``."""


class CubeSink(Sink):
    """Archives fields by `store`; a flush is one commit in each cube."""

    Options = CubeOptions

    def __init__(self, options: CubeOptions, context: Context) -> None:
        super().__init__(options, context)
        self._store: Store | None = None
        self._waiting: list[Message] = []

    @property
    def root(self) -> str:
        """Folder or URL of the root."""
        return str(self.options.url or self.context.output)

    def take(self, message: Message) -> None:
        """See `Sink`."""
        self._opened().archive_fields([_field(message)])
        self._waiting.append(message)

    def flush(self, message: Message) -> Iterable[Written]:  # noqa: ARG002 - every flush commits
        """See `Sink`."""
        if not self._waiting:
            return []
        self._opened().flush(f"plan {self.context.pipeline}")
        taken, self._waiting = self._waiting, []
        return [_written(one, self.root) for one in taken]

    def close(self) -> None:
        """See `Sink`."""
        if self._store is not None:
            self._store.discard()

    def _opened(self) -> Store:
        if self._store is None:
            import dtedask

            if not self.root:
                raise PlanError(
                    f"The sink 'cube' of the pipeline {self.context.pipeline!r} does not know where to write.",
                    hint="Give it a url, or the run an output (--output).",
                )
            self._store = dtedask.open(self.root)
        return self._store


def described(message: Message) -> FieldDescription:
    """What the field of a message is, with the keys that it has now."""
    if message.description is None:
        raise FieldError(f"The {message} has no grid, and cannot be archived.", hint="Encode it first.")
    keys = {key: str(value) for key, value in message.keys.items() if is_key(key)}
    return replace(message.description, keys=keys)


def _field(message: Message) -> Field:
    return Field(described(message), np.asarray(message.values), message.coordinates or {})


def _written(message: Message, root: str) -> Written:
    values: Any = np.ascontiguousarray(message.values)
    keys = tuple((key, str(value)) for key, value in message.keys.items())
    return Written(keys, root, f"sha256:{hashlib.sha256(values.tobytes()).hexdigest()}", values.nbytes)
