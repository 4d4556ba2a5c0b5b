"""The fields of GRIB files: files, patterns and folders at rest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.grib import coordinates, decode, scan
from dtedask.grib.files import SourceFile, expand
from dtedask.pipeline.sources.order import Moment, moment_key, order_of
from dtedask.pipeline.sources.source import AtRest, DType, Unread

if TYPE_CHECKING:
    from dtedask.geo import PointOrder
    from dtedask.grib import Message as GribMessage
    from dtedask.pipeline.message import Message

__all__ = ["FileSource", "messages_of_files", "unread_of"]


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads and decodes a message where it lies.

    Parameters
    ----------
    message : dtedask.grib.Message
        Which.
    dtype : {"float32", "float64"}
        What values are rounded to before they are given as float64.
    """

    message: GribMessage
    dtype: DType

    def __call__(self) -> np.ndarray:
        """Its values."""
        return values_of(self.message.read(), self.message.field.order, self.dtype)


def values_of(data: bytes, order: PointOrder, dtype: DType) -> np.ndarray:
    """Decode a message to float64, rounded as a cube would hold it or not at all."""
    return np.asarray(decode(data, order, dtype=dtype), dtype=np.float64)


class FileSource(AtRest):
    """GRIB files, scanned once; their fields are read when they are asked for.

    Parameters
    ----------
    names : iterable of str
        Files, patterns such as ``"run/*.grib2"``, and folders: all GRIB below them.
    dtype : {"float32", "float64"}
        What values are rounded to: float32 gives what a cube of the same files gives.

    Raises
    ------
    NotFoundError
        If a name stands for nothing.
    """

    def __init__(self, names: Iterable[str], *, dtype: DType = "float32") -> None:
        super().__init__()
        self._files = list(dict.fromkeys(SourceFile.at(path) for name in names for path in expand(name)))
        self._dtype = dtype
        self._scanned: list[GribMessage] | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """See `Source`: files with their sizes and times."""
        tags = "\n".join(sorted(file.tag for file in self._files))
        return {
            "kind": "files",
            "names": [file.path for file in self._files][:10],
            "files": len(self._files),
            "digest": hashlib.sha256(tags.encode()).hexdigest(),
        }

    @property
    def total(self) -> int | None:
        """See `Source`."""
        return len(self._found())

    def steps(self, after: Moment | None = None) -> Iterator[tuple[Moment, Sequence[Unread]]]:
        """See `AtRest`."""
        for moment, group in groupby(self._found(), key=lambda message: moment_key(message.field.keys)):
            if after is None or moment >= after:
                yield moment, [unread_of(message, self._dtype) for message in group]

    def _found(self) -> list[GribMessage]:
        if self._scanned is None:
            found = [message for file in self._files for message in scan(file.path)]
            self._scanned = sorted(found, key=lambda message: order_of(message.field.keys))
        return self._scanned


def unread_of(message: GribMessage, dtype: DType) -> Unread:
    """A message as a field that is not read yet."""
    return Unread(
        description=message.field,
        read=Reading(message, dtype),
        coordinates=partial(coordinates, message),
        origin=f"{message.location}:{message.offset}",
        token=hashlib.sha256(
            f"{message.location}:{message.offset}:{message.version}:{dtype}".encode() + (message.data or b"")
        ).hexdigest()[:32],
    )


def messages_of_files(paths: Iterable[str]) -> Iterator[Message]:
    """Give the fields of files in the order of their valid times; after each time a flush of the kind ``step``.

    Parameters
    ----------
    paths : iterable of str
        GRIB files.

    Yields
    ------
    Message
        Fields, decoded to float64, and flushes.
    """
    yield from FileSource(paths, dtype="float64").messages()
