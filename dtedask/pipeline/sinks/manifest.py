"""What sinks acknowledge: each field that was written, and all of a flush."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

Keys = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Written:
    """One field that a sink has taken for good, as a manifest says it.

    Parameters
    ----------
    keys : tuple of (str, str)
        MARS keys of the field.
    location : str
        Where it is: path or URL, for cubes and Zarr with the key of the chunk.
    checksum : str
        Of what lies there, ``crc32c:`` and eight hexadecimal digits; each sink says of what.
    size_bytes : int
        How many bytes the checksum is of.
    offset : int, optional
        Where it begins in its file.
    sink : str
        Which sink took it, such as ``1:file``.
    is_new : bool
        False if the very same stood there already.
    """

    keys: Keys
    location: str
    checksum: str
    size_bytes: int
    offset: int | None = None
    sink: str = ""
    is_new: bool = True

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        place = {} if self.offset is None else {"offset": self.offset}
        return {
            "keys": dict(self.keys),
            "sink": self.sink,
            "location": self.location,
            **place,
            "length": self.size_bytes,
            "checksum": self.checksum,
            "new": self.is_new,
        }


@dataclass(frozen=True, slots=True)
class Manifest(Sequence[Written]):
    """All that the sinks of one action acknowledged for one flush.

    Parameters
    ----------
    pipeline : str
        Name of the pipeline.
    position : int
        Which of its actions the sinks belong to, from 0.
    plan_hash : str
        Digest of the plan.
    flush : tuple of (str, str)
        Keys of the flush, such as date, time and step.
    written : tuple of Written
        The fields, sink by sink.
    """

    pipeline: str
    position: int
    plan_hash: str
    flush: Keys
    written: tuple[Written, ...] = ()

    @overload
    def __getitem__(self, index: int) -> Written: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Written]: ...
    def __getitem__(self, index: int | slice) -> Written | Sequence[Written]:
        return self.written[index]

    def __len__(self) -> int:
        return len(self.written)

    def __iter__(self) -> Iterator[Written]:
        return iter(self.written)

    @property
    def new(self) -> int:
        """How many fields were not there before."""
        return sum(one.is_new for one in self.written)

    @property
    def unchanged(self) -> int:
        """How many stood there already."""
        return len(self.written) - self.new

    @property
    def id(self) -> str:
        """What the flush is called: the same for the same flush of the same plan with the same fields, run again."""
        content = sorted((one.keys, one.sink, one.checksum) for one in self.written)
        said = [self.plan_hash, self.pipeline, self.position, self.flush, content]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "id": self.id,
            "pipeline": self.pipeline,
            "position": self.position,
            "plan": self.plan_hash,
            "flush": dict(self.flush),
            "new": self.new,
            "unchanged": self.unchanged,
            "fields": [one.as_dict() for one in self.written],
        }


def flush_keys(keys: Mapping[str, Any]) -> Keys:
    """Keys of a flush, as a manifest has them."""
    return tuple((key, str(value)) for key, value in keys.items())


def field_keys(keys: Mapping[str, Any]) -> Keys:
    """Keys of a field, as a manifest has them."""
    return tuple((key, str(value)) for key, value in keys.items())
