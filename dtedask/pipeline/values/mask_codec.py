"""Masks as bytes, in MultIO's form: bits, or lengths of runs, whichever is shorter.

Five bytes come first: the highest bit of the first says which form it is; for runs the next bit is the value of the
first run, and six bits are the width of a length, less 1; then the number of points as four bytes, big end first. Bits
fill bytes from the lowest; lengths of runs, each less 1, stand one after the other, highest bit first.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import FieldError

__all__ = ["decode_mask", "encode_mask"]

Mask = NDArray[np.bool_]
_HEADER = 5
_RUNS = 0x80
_STARTS_TRUE = 0x40
_MOST_POINTS = 2**32 - 1


def encode_mask(mask: Mask, *, form: Literal["bits", "runs"] | None = None) -> bytes:
    """Write a mask.

    Parameters
    ----------
    mask : numpy.ndarray of bool
        Whether a point counts; taken as one row of points.
    form : {"bits", "runs"}, optional
        How; by default what is shorter.

    Raises
    ------
    FieldError
        If it has more points than the form can count.
    """
    points = np.ascontiguousarray(mask, dtype=bool).ravel()
    if points.size > _MOST_POINTS:
        raise FieldError(
            f"A mask of {points.size:,} points is too large.", hint=f"At most {_MOST_POINTS:,} are possible."
        )
    bits = None if form == "runs" else _bits(points)
    runs = None if form == "bits" or not points.size else _runs(points)
    if bits is not None and (runs is None or len(bits) < len(runs)):
        return bits
    return runs if runs is not None else _bits(points)


def decode_mask(data: bytes) -> Mask:
    """Read a mask that `encode_mask` or MultIO wrote.

    Returns
    -------
    numpy.ndarray of bool, shape (points,)

    Raises
    ------
    FieldError
        If the bytes are cut, or do not add up.
    """
    if len(data) < _HEADER:
        raise FieldError(f"A mask of {len(data)} bytes is cut: its header has {_HEADER}.", hint="Send it again.")
    size = int.from_bytes(data[1:_HEADER], "big")
    body = np.frombuffer(data, np.uint8, offset=_HEADER)
    points = _from_runs(data[0], body, size) if data[0] & _RUNS else _from_bits(body, size)
    if points.size != size:
        raise FieldError(f"A mask of {size} points has {points.size} in its {len(data)} bytes.", hint="Send it again.")
    return points


def _bits(points: Mask) -> bytes:
    return bytes([0]) + points.size.to_bytes(4, "big") + np.packbits(points, bitorder="little").tobytes()


def _from_bits(body: NDArray[np.uint8], size: int) -> Mask:
    count = size if body.size == (size + 7) // 8 else None
    return np.unpackbits(body, count=count, bitorder="little").astype(bool)


def _runs(points: Mask) -> bytes:
    ends = np.flatnonzero(np.append(points[1:] != points[:-1], True)) + 1
    lengths = np.diff(ends, prepend=0) - 1
    width = max(1, int(lengths.max()).bit_length())
    shifts = np.arange(width - 1, -1, -1)
    bits = ((lengths[:, None] >> shifts) & 1).astype(np.uint8)
    first = _RUNS | (_STARTS_TRUE if points[0] else 0) | (width - 1)
    return bytes([first]) + points.size.to_bytes(4, "big") + np.packbits(bits.ravel()).tobytes()


def _from_runs(first: int, body: NDArray[np.uint8], size: int) -> Mask:
    width = (first & (_STARTS_TRUE - 1)) + 1
    count = body.size * 8 // width
    bits = np.unpackbits(body, count=count * width).reshape(count, width).astype(np.uint64)
    lengths = bits @ (np.uint64(1) << np.arange(width - 1, -1, -1, dtype=np.uint64)) + np.uint64(1)
    used = int(np.searchsorted(np.cumsum(lengths), size)) + 1
    values = (np.arange(min(used, count)) % 2 == 0) == bool(first & _STARTS_TRUE)
    lengths = np.minimum(lengths[:used], np.uint64(size + 1))
    return np.repeat(values, lengths.astype(np.int64))
