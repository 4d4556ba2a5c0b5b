"""See in the bytes of a message's sections what it says, apart from what merely counts along.

Date, time, step, member and level of an instantaneous field on a pressure or model level change from message to
message while nothing else does: ecCodes' concepts (parameter, level type, grid, ...) do not look at them. Everything
else is the *template* of the message; equal templates mean the same.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from dtedask.grib.sections import Frame

_SECONDS_2 = {0: 60, 1: 3600, 2: 86400, 10: 10800, 11: 21600, 12: 43200, 13: 1}
_SECONDS_1 = {0: 60, 1: 3600, 2: 86400, 10: 10800, 11: 21600, 12: 43200}
_LENGTHS_2 = {0: 34, 1: 37, 8: 58, 11: 61}
_PRESSURE, _HYBRID = 100, 105
_PRESSURE_1, _HYBRID_1 = 100, 109
_PACKINGS = {
    0: "grid_simple",
    2: "grid_complex",
    3: "grid_complex_spatial_differencing",
    40: "grid_jpeg",
    41: "grid_png",
    42: "grid_ccsds",
}
_LOCAL_WITH_MEMBER = frozenset({1, 30, 36})


class Observed(NamedTuple):
    """What the bytes of one message say.

    Parameters
    ----------
    template : tuple
        All that decides what the message means; hashable.
    date, time : str
        As MARS writes them; "" where they are part of the template.
    start_s, step_s : int
        Start of the statistical interval (of the step, when instantaneous) and end of the step, in seconds.
    number, level : int or None
        Member, and level in hPa or model levels.
    packing : str
        ecCodes' packingType, "" where it is part of the template.
    bits_per_value : int
        Bits of each packed value.
    has_bitmap : bool
        Whether points may be missing.
    """

    template: tuple[object, ...]
    date: str
    time: str
    start_s: int
    step_s: int
    number: int | None
    level: int | None
    packing: str
    bits_per_value: int
    has_bitmap: bool


def observe(frame: Frame) -> Observed:
    """Split what a message's sections say into a template and what counts along."""
    return _observe_2(frame) if frame.edition == 2 else _observe_1(frame)


def exactly(frame: Frame) -> Observed:
    """Take all sections as the template: nothing counts along."""
    packing, bits, has_bitmap, template = _packing_2(frame) if frame.edition == 2 else _packing_1(frame)
    first, last = frame.sections[0], frame.sections[1]
    for section in frame.sections:
        if section[0] <= (4 if frame.edition == 2 else 2):
            last = section
    if frame.edition == 1 and last[0] != 2:
        last = first
    head = frame.head[first[1] : last[2]]
    return Observed((head, frame.head[6:8], *template), "", "", 0, 0, None, None, packing, bits, has_bitmap)


def _packing_2(frame: Frame) -> tuple[str, int, bool, tuple[object, ...]]:
    data = frame.data_head
    number = data[9] << 8 | data[10]
    indicator = frame.head[frame.sections[-2][1] + 5]
    packing = _PACKINGS.get(number, "")
    bits = data[19] if packing else 0
    template = () if packing and indicator in (0, 255) else (data[9:12], data[19:20], indicator)
    return packing if not template else "", bits, frame.may_miss_points, template


def _packing_1(frame: Frame) -> tuple[str, int, bool, tuple[object, ...]]:
    data = frame.data_head
    kind = data[3] >> 4
    has_bitmap = frame.may_miss_points
    if kind:
        return "", 0, has_bitmap, (kind, data[10:11], data[13:14])
    return "grid_simple", data[10], has_bitmap, ()


def _observe_2(frame: Frame) -> Observed:
    head, sections = frame.head, frame.sections
    start, end = sections[0][1], sections[0][2]
    product, product_end = sections[-4][1], sections[-4][2]
    number = head[product + 7] << 8 | head[product + 8]
    unit = _SECONDS_2.get(head[product + 17])
    if unit is None or product_end - product < _LENGTHS_2.get(number, product_end):
        return exactly(frame)
    is_interval = number in (8, 11)
    if is_interval and head[product + (44 if number == 11 else 41)] != 1:
        return exactly(frame)
    step = head[product + 18 : product + 22]
    date, time = _date(head[start + 12 : start + 18])
    if step[0] & 0x80 or not date:
        return exactly(frame)
    begin = finish = int.from_bytes(step, "big") * unit
    members = head[product + 34 : product + 37] if number in (1, 11) else b""
    tail = product + 34 + len(members)
    if is_interval:
        length_unit = _SECONDS_2.get(head[tail + 14])
        if length_unit is None:
            return exactly(frame)
        finish += int.from_bytes(head[tail + 15 : tail + 19], "big") * length_unit
        tail += 7
    level, level_bytes = _level_2(head[product + 22 : product + 34])
    packing, bits, has_bitmap, packed = _packing_2(frame)
    template = (
        head[6:8] + head[start : start + 12] + head[start + 18 : end],
        head[end : sections[-4][1]],
        head[product : product + 18],
        level_bytes,
        members[::2],
        head[tail:product_end],
        is_interval and begin == 0,
        *packed,
    )
    member = members[1] if members else None
    return Observed(template, date, time, begin, finish, member, level, packing, bits, has_bitmap)


def _level_2(surfaces: bytes) -> tuple[int | None, bytes]:
    """Level, and the bytes without it, of a field on one pressure or model level."""
    if surfaces[1] == 0 and surfaces[6] == 255:
        value = int.from_bytes(surfaces[2:6], "big")
        if surfaces[0] == _PRESSURE and value % 100 == 0 and 100 <= value < 200_000:
            return value // 100, surfaces[:1] + surfaces[6:]
        if surfaces[0] == _HYBRID and 0 < value < 10_000:
            return value, surfaces[:1] + surfaces[6:]
    return None, surfaces


def _observe_1(frame: Frame) -> Observed:
    head = frame.head
    section, end = frame.sections[0][1], frame.sections[0][2]
    unit = _SECONDS_1.get(head[section + 17])
    indicator = head[section + 20]
    century = (head[section + 24] - 1) * 100 + head[section + 12]
    date, time = (
        _date(century.to_bytes(2, "big") + head[section + 13 : section + 17] + b"\0") if century > 0 else ("", "")
    )
    if unit is None or indicator not in (0, 1, 10) or not date:
        return exactly(frame)
    step = unit * (head[section + 18] << 8 | head[section + 19] if indicator == 10 else head[section + 18])
    has_member = end - section > 50 and head[section + 40] in _LOCAL_WITH_MEMBER
    member = head[section + 49] if has_member else None
    level_type = head[section + 9]
    level = head[section + 10] << 8 | head[section + 11] if level_type in (_PRESSURE_1, _HYBRID_1) else None
    packing, bits, has_bitmap, packed = _packing_1(frame)
    grid = frame.sections[1]
    template = (
        head[7:8] + head[section + 3 : section + 7],
        head[section + 7] & 0xBF,
        head[section + 8 : section + 10],
        b"" if level is not None else head[section + 10 : section + 12],
        head[section + 17 : section + 18],
        b"" if indicator == 10 else head[section + 19 : section + 20],
        head[section + 20 : section + 24],
        head[section + 25 : section + 26],
        head[section + 28 : section + 49] + head[section + 50 : end] if has_member else head[section + 28 : end],
        head[grid[1] : grid[2]] if grid[0] == 2 else b"",
        *packed,
    )
    return Observed(template, date, time, step, step, member, level, packing, bits, has_bitmap)


_dates: dict[bytes, tuple[str, str]] = {}


def _date(coded: bytes) -> tuple[str, str]:
    """Date and time of seven bytes as MARS writes them; "" when impossible or when there are seconds."""
    known = _dates.get(coded)
    if known is None:
        if len(_dates) > 10_000:
            _dates.clear()
        known = _dates[coded] = _read_date(coded)
    return known


def _read_date(coded: bytes) -> tuple[str, str]:
    year, (month, day, hour, minute) = coded[0] << 8 | coded[1], coded[2:6]
    try:
        datetime(year, month, day, hour, minute, tzinfo=UTC)
    except ValueError:
        return "", ""
    return f"{year:04d}{month:02d}{day:02d}", f"{hour:02d}{minute:02d}"
