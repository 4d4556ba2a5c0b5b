"""Find messages whose sections contradict each other: ecCodes trusts them, and may end the process if it should not.

The sizes are checked while scanning; what the data section says of itself, before decoding.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dtedask.grib.sections import BrokenMessageError, Frame, read_frame
from dtedask.grib.sources import MemorySource, Source

_MOST_POINTS = 1 << 30
_SPECTRAL = frozenset({50, 51, 53})
_NO_BITMAP = 255
_REDUCIBLE = frozenset({0, 4, 10, 14, 20, 24, 30, 34})
_COMPLEX, _DIFFERENCED, _IEEE = 2, 3, 4
_JPEG, _PNG = 40, 41
_CHECKED = frozenset({_COMPLEX, _DIFFERENCED, _JPEG, _PNG})


def read_checked(source: Source, offset: int) -> Frame | None:
    """Measure the message at an offset and check its sizes; None at the end of the source.

    Raises
    ------
    BrokenMessageError
        If there is no whole message at `offset`, or points, bitmap and packed values contradict each other.
    """
    frame = read_frame(source, offset)
    if frame is not None and frame.edition == 1:
        _check_lists(frame.section(2))
    elif frame is not None and not frame.has_several_fields:
        _check_sizes(frame)
    return frame


def check_data(message: bytes | memoryview) -> Frame:
    """Check a message of one field with its data section, and return where its sections are.

    Raises
    ------
    BrokenMessageError
        If the bytes are no whole message of one field, or the data section contradicts the others.
    """
    frame = read_checked(MemorySource(message), 0)
    if frame is None or frame.has_several_fields:
        raise BrokenMessageError("nothing is there" if frame is None else "it has several fields")
    if frame.edition == 2 and frame.data_head[10] in _CHECKED:
        start, end = frame.sections[-1][1] + 5, frame.sections[-1][2]
        kind = frame.data_head[9] << 8 | frame.data_head[10]
        if kind in (_COMPLEX, _DIFFERENCED):
            _check_groups(frame.section(5), bytes(message[start:end]))
        elif kind == _JPEG:
            _check_jpeg(int.from_bytes(frame.data_head[5:9], "big"), bytes(message[start : start + 64]))
        elif kind == _PNG:
            _check_png(int.from_bytes(frame.data_head[5:9], "big"), bytes(message[start:end]))
    return frame


def _check_lists(grid: bytes) -> None:
    """Check that the vertical coordinates and the row lengths of edition 1 lie inside its grid section."""
    if not grid:
        return
    levels, place = grid[3], grid[4] - 1
    is_reduced = grid[6:8] == b"\xff\xff" and grid[5] in _REDUCIBLE
    rows = int.from_bytes(grid[8:10], "big") if is_reduced else 0
    if (levels or is_reduced) and place + 4 * levels + 2 * rows > len(grid):
        raise BrokenMessageError(f"the grid section of {len(grid)} bytes is too short for its lists")


def _check_sizes(frame: Frame) -> None:
    head, data = frame.head, frame.data_head
    (_, grid, _), (_, bitmap, bitmap_end), (_, start, end) = frame.sections[-5], frame.sections[-2], frame.sections[-1]
    points = int.from_bytes(head[grid + 6 : grid + 10], "big")
    packed, kind = int.from_bytes(data[5:9], "big"), data[9] << 8 | data[10]
    bits = data[19] if len(data) > 19 and kind != _IEEE else 0
    if points > _MOST_POINTS or bits > 64:
        raise BrokenMessageError(f"{points} points of {bits} bits are more than a message can have")
    if kind in _SPECTRAL:
        return
    if head[bitmap + 5] == _NO_BITMAP and packed != points:
        raise BrokenMessageError(f"{packed} packed values for {points} points without a bitmap")
    if packed > points:
        raise BrokenMessageError(f"{packed} packed values are too many for {points} points")
    if head[bitmap + 5] == 0 and 8 * (bitmap_end - bitmap - 6) < points:
        raise BrokenMessageError(f"the bitmap is too short for {points} points")
    if kind == 0 and 8 * (end - start - 5) < packed * bits:
        raise BrokenMessageError(f"the data section is too short for {packed} values of {bits} bits")


def _check_groups(section: bytes, data: bytes) -> None:
    """Check that the groups of complex packing hold all values and lie inside the data section."""
    if len(section) < (49 if section[10] == _DIFFERENCED else 47):
        raise BrokenMessageError(f"section 5 of {len(section)} bytes is too short for complex packing")
    packed, bits = int.from_bytes(section[5:9], "big"), section[19]
    groups, _, width_bits, shortest, increment, last, length_bits = struct.unpack(">IBBIBIB", section[31:47])
    if groups == 0:
        return
    if groups > packed:
        raise BrokenMessageError(f"{groups} groups are too many for {packed} values")
    place = (section[47] + 1) * section[48] if section[10] == _DIFFERENCED else 0
    place += (groups * bits + 7) // 8
    widths = section[35] + _unpack(data, place, groups, width_bits)
    place += (groups * width_bits + 7) // 8
    lengths = shortest + increment * _unpack(data, place, groups, length_bits)
    lengths[-1] = last
    place += (groups * length_bits + 7) // 8
    if lengths.sum() != packed or widths.max() > 64 or 8 * (len(data) - place) < (lengths * widths).sum():
        raise BrokenMessageError(f"the {groups} groups of the data section do not hold {packed} values")


def _unpack(data: bytes, start: int, count: int, bits: int) -> NDArray[np.int64]:
    part = np.frombuffer(data, "u1")[start : start + (count * bits + 7) // 8]
    if bits > 32 or 8 * part.size < count * bits:
        raise BrokenMessageError(f"the data section is too short for {count} groups")
    ones = np.unpackbits(part)[: count * bits].reshape(count, bits).astype(np.int64)
    return ones @ (1 << np.arange(bits, dtype=np.int64)[::-1])


def _check_jpeg(packed: int, data: bytes) -> None:
    """Check that a JPEG 2000 image is one tile of one component with one pixel a value."""
    if not data:
        return
    start = data.find(b"\xff\x51") + 6
    if start < 6 or len(data) < start + 34:
        raise BrokenMessageError("the data section is no JPEG 2000 image")
    width, height, *rest = struct.unpack_from(">IIIIIIIIH", data, start)
    if width * height != packed or rest != [0, 0, width, height, 0, 0, 1]:
        raise BrokenMessageError(f"the image of {width} x {height} pixels does not hold {packed} values")


def _check_png(packed: int, data: bytes) -> None:
    """Check a PNG image to the last byte: libpng ends the process when it finds a fault."""
    if not data:
        return
    chunks = dict(_png_chunks(data))
    if len(chunks.get(b"IHDR", b"")) != 13 or data[:8] != b"\x89PNG\r\n\x1a\n":
        raise BrokenMessageError("the data section is no PNG image")
    width, height, depth, colour, *methods = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    bits = depth * {0: 1, 2: 3, 6: 4}.get(colour, 0)
    if width * height != packed or not bits or any(methods):
        raise BrokenMessageError(f"the image of {width} x {height} pixels does not hold {packed} values")
    row = 1 + (width * bits + 7) // 8
    try:
        pixels = zlib.decompress(b"".join(body for kind, body in _png_chunks(data) if kind == b"IDAT"))
    except zlib.error as error:
        raise BrokenMessageError(f"the image of the data section is damaged: {error}") from error
    if len(pixels) != row * height or max(pixels[::row]) > 4:
        raise BrokenMessageError("the image of the data section is damaged")


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place, kind = 8, b""
    while kind != b"IEND":
        if len(data) < place + 12:
            raise BrokenMessageError("the image of the data section is cut")
        size = int.from_bytes(data[place : place + 4], "big")
        kind, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + size]
        check = data[place + 8 + size : place + 12 + size]
        if zlib.crc32(kind + body).to_bytes(4, "big") != check:
            raise BrokenMessageError("the image of the data section is damaged")
        yield kind, body
        place += 12 + size
