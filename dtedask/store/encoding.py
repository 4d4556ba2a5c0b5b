"""Fields of a cube as GRIB2 messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dtedask.core.errors import NotFoundError
from dtedask.request import parse_step
from dtedask.store.chunks import ChunkCodec

if TYPE_CHECKING:
    import numpy as np

    from dtedask.store.selection import Record


def values_of(record: Record) -> np.ndarray:
    """Values of a field in the order of its grid.

    Raises
    ------
    NotFoundError
        If the field is gone.
    DamagedError
        If its checksum does not match.
    """
    selection = record.selection
    (data,) = selection.snapshot.read_chunks([record.chunk])
    if data is None:
        raise NotFoundError(f"The field {record.chunk} of the cube {selection.snapshot.url!r} does not exist.")
    codec = selection.variable.codec
    assert isinstance(codec, ChunkCodec)
    place = f"the field {record.chunk} of the cube {selection.snapshot.url!r}"
    return codec.decode(data, record.grid.shape, place)


def encode_record(record: Record) -> bytes:
    """A field as a GRIB2 message.

    Raises
    ------
    GribUnsupportedError
        If GRIB2 or ecCodes cannot hold it.
    """
    from dtedask.grib import encode

    selection = record.selection
    found = selection.variable.attributes
    attributes = {name: value for name, value in found.items() if name.startswith("GRIB_")}
    return encode(values_of(record), record.keys, record.grid, attributes=attributes, interval=_interval(record))


def _interval(record: Record) -> tuple[int, int] | None:
    length = record.selection.variable.attributes.get("interval_s")
    if length is None:
        return None
    end = parse_step(record.keys["step"]).end_s
    return (end - int(length) if length else 0, end)
