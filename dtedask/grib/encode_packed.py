"""Write a field whose values are integers under a scale as a GRIB2 message that decodes to the very values."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtedask.core.scale import Scale
from dtedask.geo import Grid
from dtedask.grib.decode import decode
from dtedask.grib.encode import encode
from dtedask.grib.encode_grid import message_order
from dtedask.grib.scan import describe
from dtedask.grib.sections import END, read_frame
from dtedask.grib.sources import MemorySource

_SIMPLE, _BITS = 0, 16


def encode_packed(
    values: NDArray[np.float64],
    keys: Mapping[str, str],
    grid: Grid,
    scale: Scale,
    *,
    attributes: Mapping[str, Any] | None = None,
    interval: tuple[int, int] | None = None,
) -> bytes:
    """Encode a field so that ecCodes decodes its values to the last bit of float64.

    ecCodes finds the old scale again where the smallest integer is 0 and there is no decimal factor; such a field is
    packed by CCSDS. Others are packed simply under the scale that is given, and those that this cannot hold as IEEE
    numbers of 64 bits.

    Parameters
    ----------
    values : numpy.ndarray of float64
        As many as the grid has points, in its order; NaN is missing.
    keys, grid, attributes, interval
        As for `encode`.
    scale : Scale
        Under which all values are integers, or with 0 bits for a constant.

    Raises
    ------
    GribUnsupportedError
        As `encode`.
    """

    def encoded(**options: Any) -> bytes:
        return encode(values, keys, grid, attributes=attributes, interval=interval, **options)

    for message in _packed(encoded, values, grid, scale):
        if _holds(message, values):
            return message
    return encoded(packing="grid_ieee")


def _packed(encoded: Any, values: NDArray[np.float64], grid: Grid, scale: Scale) -> Iterator[bytes]:
    if not scale.has_single_reference:
        return
    yield encoded(bits_per_value=scale.bits or _BITS, decimal_scale=scale.decimal)
    data = np.ascontiguousarray(message_order(values.reshape(grid.shape), grid)).ravel()
    integers = scale.integers(data[~np.isnan(data)])
    if integers is not None and scale.bits:
        yield _replace(encoded(packing="grid_simple"), integers, scale)


def _holds(message: bytes, values: NDArray[np.float64]) -> bool:
    decoded = decode(message, describe(message).order, dtype="float64").ravel()
    return np.array_equal(decoded, values.ravel(), equal_nan=True)


def _replace(message: bytes, integers: NDArray[np.unsignedinteger], scale: Scale) -> bytes:
    """Put integers and their scale into a message of simple packing."""
    frame = read_frame(MemorySource(message), 0)
    assert frame is not None
    body = b"".join(
        _section_5(message[start:end], scale) if number == 5 else message[start:end]
        for number, start, end in frame.sections[:-1]
    )
    packed = _pack(integers, scale.bits)
    body += struct.pack(">IB", len(packed) + 5, 7) + packed
    return message[:8] + (16 + len(body) + len(END)).to_bytes(8, "big") + body + END


def _section_5(section: bytes, scale: Scale) -> bytes:
    head = struct.pack(">fHHB", scale.reference, _signed(scale.binary), _signed(scale.decimal), scale.bits)
    return section[:9] + _SIMPLE.to_bytes(2, "big") + head + section[20:]


def _signed(number: int) -> int:
    return number if number >= 0 else 0x8000 | -number


def _pack(integers: NDArray[np.unsignedinteger], bits: int) -> bytes:
    every = np.unpackbits(integers.astype(">u4").view(np.uint8)).reshape(-1, 32)
    return np.packbits(every[:, 32 - bits :]).tobytes()
