"""Fields of a cube as GRIB2 messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dtedask.core.errors import GribUnsupportedError, NotFoundError
from dtedask.request import is_key
from dtedask.store.intervals import interval_of
from dtedask.store.layouts import IntegerCodec, MessageCodec
from dtedask.store.layouts.local_packs import PackedChunk, packed_or_read
from dtedask.store.opaque import OpaqueCodec
from dtedask.store.upkeep.affected import Place
from dtedask.store.views.rekey import rekeyed

if TYPE_CHECKING:
    from dtedask.core.scale import Scale
    from dtedask.geo import Grid
    from dtedask.grib.encode import Packing
    from dtedask.store.identity import Address
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
    codec = record.selection.variable.codec
    assert not isinstance(codec, OpaqueCodec)
    values = np.empty(record.grid.shape, codec.dtype)
    codec.decode_into(values, _stored(record), Place(record.selection.snapshot, record.chunk))
    return values


def _stored(record: Record) -> bytes:
    snapshot, codec = record.selection.snapshot, record.selection.variable.codec
    if isinstance(codec, MessageCodec):
        (found,) = packed_or_read(snapshot, [record.chunk])
        data = found.read() if isinstance(found, PackedChunk) else found
    else:
        (data,) = snapshot.read_chunks([record.chunk])
    if data is None:
        raise NotFoundError(f"The field {record.chunk} of the cube {snapshot.url!r} does not exist.")
    return data


def encode_record(record: Record) -> bytes:
    """A field as a GRIB message: as it came where messages are kept, else as GRIB2, encoded anew.

    Integers of grib-int are encoded under their scale, so that ecCodes decodes the very values.

    Keys that MARS does not have are not in it.

    Raises
    ------
    GribUnsupportedError
        If GRIB2 or ecCodes cannot hold it, such as a field without a date.
    """
    selection = record.selection
    if isinstance(selection.variable.codec, MessageCodec):
        message = selection.variable.codec.message(_stored(record), Place(selection.snapshot, record.chunk))
        seen_as = selection.snapshot.seen_as
        return rekeyed(message, seen_as) if seen_as else message
    if isinstance(selection.variable.codec, IntegerCodec):
        values, scale = _scaled(record, selection.variable.codec)
        return _encode(values, record.keys, record.grid, selection.variable.attributes, scale=scale)
    return _encode(values_of(record), record.keys, record.grid, selection.variable.attributes)


def _scaled(record: Record, codec: IntegerCodec) -> tuple[np.ndarray, Scale | None]:
    """Values as ecCodes decoded them, and the scale of their integers; None with plain values."""
    data, place = _stored(record), Place(record.selection.snapshot, record.chunk)
    scale = codec.scale(data, place)
    exact = codec if scale is None else replace(codec, dtype="float64")
    return exact.decode(data, record.grid.shape, place), scale


def encode_exactly(values: np.ndarray, address: Address) -> bytes:
    """Values as the GRIB2 message that an address asks for, every bit of them kept.

    Parameters
    ----------
    values : numpy.ndarray, shape of the grid
        float32 or float64.
    address : Address
        Place of the field.

    Raises
    ------
    GribUnsupportedError
        If GRIB2 or ecCodes cannot hold it.
    """
    message = _encode(values, address.keys, address.grid, dict(address.variable.attributes), packing="grid_ieee")
    _check_bits(message, values, address)
    return message


def _check_bits(message: bytes, values: np.ndarray, address: Address) -> None:
    """Decode what was encoded: spectral fields are packed in any case, and GRIB has one number that means missing."""
    from dtedask.grib import decode, describe

    said = decode(message, describe(message).order, dtype=str(values.dtype))
    bits = f"u{values.dtype.itemsize}"
    differs = (said.view(bits) != np.ascontiguousarray(values).view(bits)) & ~(np.isnan(said) & np.isnan(values))
    if differs.any():
        raise GribUnsupportedError(
            f"{int(differs.sum())} of {values.size} values would change in GRIB2, of {address}.",
            hint="Keep it in layout 'map'.",
        )


def _encode(
    values: np.ndarray,
    all_keys: Mapping[str, str],
    grid: Grid,
    attributes: Mapping[str, Any],
    *,
    packing: Packing = "grid_ccsds",
    scale: Scale | None = None,
) -> bytes:
    from dtedask.grib import encode, encode_packed

    keys = {key: value for key, value in all_keys.items() if is_key(key)}
    if not _has_year_and_month(keys.get("date", "")):
        dated = ",".join(f"{key}={value}" for key, value in keys.items() if key in ("date", "year", "month"))
        raise GribUnsupportedError(
            f"The field with {dated or 'no date'} cannot be said in GRIB2, which needs a day.",
            hint="Read it with `retrieve`.",
        )
    keys.setdefault("time", "0000")
    told = {name: value for name, value in attributes.items() if name.startswith("GRIB_")}
    interval = interval_of(attributes, keys)
    if scale is not None:
        return encode_packed(values, keys, grid, scale, attributes=told, interval=interval)
    return encode(values, keys, grid, attributes=told, interval=interval, packing=packing)


def _has_year_and_month(date: str) -> bool:
    """Whether a date in canonical form has year and month: that of a climatology has none."""
    return len(date) >= len("202401")
