"""The sink `cube`: fields go into the cubes of a root, all of a flush in one transaction for each cube."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field as OptionField

from dtedask.core.errors import FieldError, PlanError
from dtedask.grib import Field, scan
from dtedask.pipeline.sink import Sink, SinkOptions
from dtedask.pipeline.sinks.checksum import checksum_of_values
from dtedask.pipeline.sinks.contents import field_of, is_grib
from dtedask.pipeline.sinks.manifest import Keys, Written, field_keys
from dtedask.store.pool import decoding_pool

if TYPE_CHECKING:
    from dtedask.core.commit import Commit
    from dtedask.grib import FieldDescription
    from dtedask.pipeline.action import Context
    from dtedask.pipeline.message import Message
    from dtedask.store import Store
    from dtedask.store.placed import Placed
    from dtedask.store.schema import Schema

_USUAL = "float32"  # what values of a cube are rounded to, where its schema says nothing else


class CubeOptions(SinkOptions):
    """Fields go into the cubes of a root: all of a flush become visible at once, in one transaction for each cube."""

    url: str = ""
    """Folder or URL of the root, or a roots document; by default that of ``--output``."""
    schema_: str = OptionField("", alias="schema")
    """File of the schema of a root that does not exist yet; a root keeps its own."""
    layout: str = ""
    """How arrays of a root are laid out that does not exist yet: ``map`` or ``messages``."""
    branch: str = "main"
    """Write to this branch of the cubes, which exists."""
    message: str = ""
    """What the history says of the commits; by default the name of the pipeline and the keys of the flush."""


class CubeSink(Sink):
    """Archives fields by `store`; a flush is one commit in each cube.

    The commit's `notes` name plan, pipeline and flush: what was committed is known to
    be done, however the process ends, and the same flush again changes nothing.
    """

    Options = CubeOptions

    def __init__(self, options: CubeOptions, context: Context) -> None:
        super().__init__(options, context)
        self._store: Store | None = None
        self._waiting: dict[Keys, Message] = {}
        self._checksums: dict[Keys, Future[tuple[str, int]]] = {}

    @property
    def root(self) -> str:
        """Folder or URL of the root."""
        url = str(self.options.url)
        if not url:
            return str(self.context.output)
        return url if "://" in url else str(self.context.folder / url)

    def take(self, message: Message) -> None:
        """See `Sink`."""
        store = self._opened()
        if message.data is not None and not is_grib(message.data):
            message = message.replaced(values=field_of(message)[1], data=None)
        if message.data is not None:
            store.archive(message.data)
        else:
            store.archive_fields([_field(message)], ahead=True)
        keys = field_keys(message.keys)
        self._waiting.pop(keys, None)
        self._waiting[keys] = message
        if message.data is None:
            self._checksums[keys] = decoding_pool().submit(checksum_of_values, np.asarray(message.values), _USUAL)

    def flush(self, message: Message) -> Iterable[Written]:
        """See `Sink`."""
        if not self._waiting:
            return []
        store, taken = self._opened(), list(self._waiting.values())
        described_ = [_description(one) for one in taken]
        commits = store.flush(self._said(message), notes=self._notes(message))
        known = [self._checksums.get(keys) for keys in self._waiting]
        written = _written(taken, described_, store.placed(described_), commits, known)
        self._waiting.clear()
        self._checksums.clear()
        return written

    def close(self) -> None:
        """See `Sink`."""
        if self._store is not None:
            self._store.discard()

    def _said(self, flush: Message) -> str:
        shown = ",".join(f"{key}={value}" for key, value in flush.keys.items() if key != "flushKind")
        return str(self.options.message) or f"plan {self.context.pipeline}" + (f": {shown}" if shown else "")

    def _notes(self, flush: Message) -> dict[str, str]:
        keys = {key: str(value) for key, value in flush.keys.items()}
        content = json.dumps([self.context.plan_hash, self.context.pipeline, self.context.position, keys])
        return {
            "plan": self.context.plan_hash,
            "pipeline": self.context.pipeline,
            "flush": json.dumps(keys),
            "flush-id": hashlib.sha256(content.encode()).hexdigest()[:32],
        }

    def _opened(self) -> Store:
        if self._store is None:
            import dtedask

            if not self.root:
                raise PlanError(
                    f"The sink '{self.options.type}' of the pipeline {self.context.pipeline!r} does not know where to "
                    "write.",
                    hint="Give it a url, or the run an output (--output).",
                )
            self._store = dtedask.open(self.root, schema=self._schema(), branch=self.options.branch)
        return self._store

    def _schema(self) -> Schema | None:
        """Schema of a root that does not exist yet; of one that does, `open` leaves it as it is."""
        from dtedask.store.schema import default_schema, load_schema

        if not self.options.schema_ and not self.options.layout:
            return None
        schema = load_schema(self.context.folder / self.options.schema_) if self.options.schema_ else default_schema()
        return schema.model_copy(update={"layout": self.options.layout}) if self.options.layout else schema


def described(message: Message) -> FieldDescription:
    """What the field of a message is, with the keys that it has now."""
    if message.description is None:
        raise FieldError(f"The {message} has no grid, and cannot be archived.", hint="Encode it first.")
    return replace(message.description, keys=message.mars_keys)


def _description(message: Message) -> FieldDescription:
    """What stands in the cube: an encoded message says it itself."""
    return described(message) if message.data is None else next(iter(scan(message.data))).field


def _field(message: Message) -> Field:
    return Field(described(message), np.asarray(message.values), message.coordinates or {})


def _written(
    taken: Sequence[Message],
    fields: Sequence[FieldDescription],
    places: Sequence[Placed],
    commits: Sequence[Commit],
    checksums: Sequence[Future[tuple[str, int]] | None],
) -> list[Written]:
    found = []
    for message, field, place, known in zip(taken, fields, places, checksums, strict=True):
        if known is not None and place.is_exact and place.dtype == _USUAL:
            checksum, size = known.result()
        else:
            values = message.values if message.data is None and place.is_exact else place.values()
            checksum, size = checksum_of_values(np.asarray(values), place.dtype)
        is_new = any(_is_part_of(field, place, commit) for commit in commits)
        keys = tuple(field.keys.items())
        found.append(Written(keys, f"{place.url}/{place.chunk}", checksum, size, is_new=is_new))
    return found


def _is_part_of(field: FieldDescription, place: Placed, commit: Commit) -> bool:
    """Whether a commit wrote a field, which it did not where the very same stood there already."""
    if commit.cube != place.cube:
        return False
    if not commit.unchanged:
        return True
    variable = place.chunk.partition("/c/")[0]
    return any(
        variable == f"{change.group}/{change.variable}"
        and all(field.keys.get(key, value) in value.split("/") for key, value in change.request if key != "type")
        for change in commit.changes
    )
