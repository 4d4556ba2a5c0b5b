"""Fields of a cube as GRIB2 messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dtedask.core.errors import GribUnsupportedError, NotFoundError
from dtedask.request import is_key, parse_step
from dtedask.store.chunks import ChunkCodec
from dtedask.store.upkeep.affected import Place

if TYPE_CHECKING:
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
    values = np.empty(record.grid.shape, codec.dtype)
    codec.decode_into(values, data, Place(selection.snapshot, record.chunk))
    return values


def encode_record(record: Record) -> bytes:
    """A field as a GRIB2 message; keys that MARS does not have are not in it.

    Raises
    ------
    GribUnsupportedError
        If GRIB2 or ecCodes cannot hold it, such as a field without a date.
    """
    from dtedask.grib import encode

    selection = record.selection
    found = selection.variable.attributes
    attributes = {name: value for name, value in found.items() if name.startswith("GRIB_")}
    keys = {key: value for key, value in record.keys.items() if is_key(key)}
    if not _has_year_and_month(keys.get("date", "")):
        said = ",".join(f"{key}={value}" for key, value in keys.items() if key in ("date", "year", "month"))
        raise GribUnsupportedError(
            f"The field with {said or 'no date'} cannot be said in GRIB2, which needs a day.",
            hint="Read it with `retrieve`.",
        )
    keys.setdefault("time", "0000")
    return encode(values_of(record), keys, record.grid, attributes=attributes, interval=_interval(record))


def _has_year_and_month(date: str) -> bool:
    """Whether a date in canonical form has year and month: that of a climatology has none."""
    return len(date) >= len("202401")


def _interval(record: Record) -> tuple[int, int] | None:
    length = record.selection.variable.attributes.get("interval_s")
    if length is None:
        return None
    end = parse_step(record.keys["step"]).end_s
    return (end - int(length) if length else 0, end)
