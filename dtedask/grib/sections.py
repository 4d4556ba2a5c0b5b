"""Find where a message ends and where its sections are, without ecCodes."""

from __future__ import annotations

from dataclasses import dataclass

from dtedask.grib.sources import Source

END = b"7777"
_HEAD = 2048
_LARGE = 0x800000
_SAME_BITMAP, _NO_BITMAP = 254, 255
_MARKS_MISSING = frozenset({2, 3})
_SHORTEST = {1: 21, 2: 5, 3: 14, 4: 9, 5: 11, 6: 6, 7: 5}
_FOLLOWERS = {1: {2, 3}, 2: {3}, 3: {4}, 4: {5}, 5: {6}, 6: {7}, 7: {2, 3, 4}}


class BrokenMessageError(Exception):
    """Bytes that are no whole message; `is_cut` when they just end too early."""

    def __init__(self, reason: str, *, is_cut: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_cut = is_cut


@dataclass(frozen=True, slots=True)
class Frame:
    """A message that is whole: its place, its head and the places of its sections in it.

    Parameters
    ----------
    edition, offset, length : int
        Edition 1 or 2, and place in the source in bytes.
    head : bytes
        The first bytes: at least all sections before the first bitmap or data.
    data_head : bytes
        The first bytes of the section that says how values are packed: 5 in edition 2, 4 in edition 1.
    sections : tuple of (int, int, int)
        Number, start and end of each section, from the start of the message. A constant field of edition 1 has
        sections 1, 2 (grid), 3 (bitmap), 4 (data).
    """

    edition: int
    offset: int
    length: int
    head: bytes
    data_head: bytes
    sections: tuple[tuple[int, int, int], ...]

    @property
    def has_several_fields(self) -> bool:
        """Whether sections repeat: a message of edition 2 with more than one field."""
        return len(self.sections) > 7 or sum(number == 7 for number, _, _ in self.sections) > 1

    @property
    def may_miss_points(self) -> bool:
        """Whether there is a bitmap, or a packing that marks missing values itself (complex packing of edition 2)."""
        if self.edition == 1:
            return bool(self.head[15] & 0x40)
        if self.head[self.sections[-2][1] + 5] != _NO_BITMAP:
            return True
        return self.data_head[10] in _MARKS_MISSING and self.data_head[9] == 0 and self.data_head[22] != 0

    def section(self, wanted: int) -> bytes:
        """Bytes of a section before the first bitmap or data; empty when there is none."""
        for number, start, end in self.sections:
            if number == wanted:
                return self.head[start:end]
        return b""


def read_frame(source: Source, offset: int) -> Frame | None:
    """Measure the message at an offset; None at the end of the source.

    Raises
    ------
    BrokenMessageError
        If there is no whole message at `offset`.
    """
    head = source.read(offset, _HEAD)
    if not head:
        return None
    if head[:4] != b"GRIB":
        if b"GRIB".startswith(head):
            raise BrokenMessageError(f"the source ends after {len(head)} bytes of a message", is_cut=True)
        raise BrokenMessageError(f"no message starts here, but {head[:8]!r}")
    if len(head) < 16:
        raise BrokenMessageError(f"the source ends after {len(head)} bytes of a message", is_cut=True)
    edition = head[7]
    if edition == 2:
        frame = _edition_2(source, offset, head)
    elif edition == 1:
        frame = _edition_1(source, offset, head)
    else:
        raise BrokenMessageError(f"GRIB edition {edition} is not known")
    _check_end(source, frame)
    return frame


def _check_end(source: Source, frame: Frame) -> None:
    end = source.read(frame.offset + frame.length - 4, 4)
    if len(end) < 4:
        raise BrokenMessageError(f"the message has {frame.length} bytes but the source ends before", is_cut=True)
    if end != END:
        raise BrokenMessageError(f"the message of {frame.length} bytes does not end in '7777' but {end!r}")


class _Reader:
    """Bytes of one message, by offset from its start; extends the head as sections before the data need."""

    def __init__(self, source: Source, offset: int, head: bytes) -> None:
        self._source = source
        self._offset = offset
        self.head = head

    def number(self, start: int, size: int) -> int:
        part = self.head[start : start + size]
        if len(part) != size:
            part = self._source.read(self._offset + start, size)
            if len(part) < size:
                raise BrokenMessageError("the source ends inside the message", is_cut=True)
        return int.from_bytes(part, "big")

    def extend(self, end: int) -> None:
        """Make the head reach at least to `end`."""
        if end > len(self.head):
            self.head = self._source.read(self._offset, end)
            if len(self.head) < end:
                raise BrokenMessageError("the source ends inside the message", is_cut=True)


def _edition_2(source: Source, offset: int, head: bytes) -> Frame:
    length = int.from_bytes(head[8:16], "big")
    reader = _Reader(source, offset, head)
    sections = []
    position, last = 16, 0
    while position < length - 4:
        size, number = divmod(reader.number(position, 5), 256)
        is_expected = number == 1 if last == 0 else number in _FOLLOWERS[last]
        if not is_expected or size < _SHORTEST[number] or position + size > length - 4:
            raise BrokenMessageError(f"section {number} of {size} bytes cannot follow section {last} at {position}")
        if number < 6:
            reader.extend(position + size)
        elif number == 6:
            reader.extend(position + 6)
        sections.append((number, position, position + size))
        position, last = position + size, number
    if last != 7:
        raise BrokenMessageError(f"the message of {length} bytes has no data section")
    start = next(start for number, start, _ in sections if number == 5)
    return Frame(2, offset, length, reader.head, reader.head[start : start + 24], tuple(sections))


def _edition_1(source: Source, offset: int, head: bytes) -> Frame:
    length = int.from_bytes(head[4:7], "big")
    reader = _Reader(source, offset, head)
    starts = [(1, 8)]
    size = reader.number(8, 3)
    if size < 28:
        raise BrokenMessageError(f"section 1 of {size} bytes is too short")
    position, flags = 8 + size, reader.number(15, 1)
    for number, flag, shortest in ((2, 0x80, 32), (3, 0x40, 6)):
        if flags & flag:
            starts.append((number, position))
            size = reader.number(position, 3)
            if size < shortest:
                raise BrokenMessageError(f"section {number} of {size} bytes is too short")
            position += size
    starts.append((4, position))
    length = _length_1(length, reader.number(position, 3))
    if position + 11 > length - 4:
        raise BrokenMessageError(f"the sections do not fit into the message of {length} bytes")
    reader.extend(starts[1][1] if starts[1][0] != 2 else starts[2][1])
    ends = [start for _, start in starts[1:]] + [length - 4]
    sections = tuple((number, start, end) for (number, start), end in zip(starts, ends, strict=True))
    return Frame(1, offset, length, reader.head, source.read(offset + position, 24), sections)


def _length_1(length: int, data_size: int) -> int:
    """Undo ecCodes' trick for messages above 8 MB: the length counts in 120 bytes, section 4 says how many too many."""
    if length & _LARGE and data_size < 120:
        return (length & (_LARGE - 1)) * 120 - data_size + 4
    return length


def split_fields(message: bytes, frame: Frame) -> list[bytes]:
    """Build one message for each field of a message of several; sections and bitmaps that repeat are copied."""
    found: list[bytes] = []
    current: dict[int, bytes] = {}
    bitmap = b""
    for number, start, end in frame.sections:
        part = message[start:end]
        if number == 6:
            part = bitmap if part[5] == _SAME_BITMAP else part
            bitmap = part
        current = {key: kept for key, kept in current.items() if key < number} | {number: part}
        if number == 7:
            found.append(_message(message[:8], current))
    return found


def _message(start: bytes, sections: dict[int, bytes]) -> bytes:
    body = b"".join(sections[number] for number in sorted(sections))
    return start + (16 + len(body) + 4).to_bytes(8, "big") + body + END
