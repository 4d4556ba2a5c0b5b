"""The scale of a message's packed integers, read without ecCodes."""

from __future__ import annotations

import struct

from dtedask.core.scale import Scale
from dtedask.grib.sections import BrokenMessageError, read_frame
from dtedask.grib.sources import MemorySource

# Templates of section 5 that begin with reference, exponents and bits: simple, matrix, complex and second order, JPEG
# 2000, PNG, CCSDS, and the numbers that these had before.
_SCALED = frozenset({0, 1, 2, 3, 40, 41, 42, 40000, 40010, 50001, 50002})
_SPECTRAL = 0x80


def scale_of(message: bytes | memoryview) -> Scale | None:
    """Scale of the packed integers of a message of one field; None where values are not packed so.

    Whether the values are those of integers under this scale is for `Scale.integers` to say.
    """
    try:
        frame = read_frame(MemorySource(message), 0)
    except BrokenMessageError:
        return None
    if frame is None or frame.has_several_fields:
        return None
    data = frame.data_head
    if frame.edition == 1:
        if len(data) < 11 or data[3] & _SPECTRAL:
            return None
        return Scale(_ibm(data[6:10]), _signed(data[4:6]), _signed(frame.head[34:36]), data[10])
    if len(data) < 20 or int.from_bytes(data[9:11], "big") not in _SCALED:
        return None
    (reference,) = struct.unpack(">f", data[11:15])
    return Scale(reference, _signed(data[15:17]), _signed(data[17:19]), data[19])


def _signed(data: bytes) -> int:
    """A number of two bytes whose first bit is its sign."""
    number = int.from_bytes(data, "big")
    return -(number & 0x7FFF) if number & 0x8000 else number


def _ibm(data: bytes) -> float:
    """A number of IBM's format: a sign, seven bits of a power of 16, 24 bits behind the point."""
    mantissa = int.from_bytes(data[1:], "big") * 16.0 ** ((data[0] & 0x7F) - 70)
    return -mantissa if data[0] & 0x80 else mantissa
