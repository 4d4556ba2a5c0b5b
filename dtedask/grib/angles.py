"""Rows and columns of a grid from coded angles, free of the rounding of their coding."""

from __future__ import annotations

from typing import Any

from dtedask.core.errors import GribUnsupportedError
from dtedask.geo import ScanMode
from dtedask.grib.handles import Handle


def read_scan_mode(handle: Handle) -> ScanMode:
    """Return the scanning mode of a message."""
    return ScanMode(
        handle.integer("iScansNegatively") == 1,
        handle.integer("jScansPositively") == 1,
        handle.integer("jPointsAreConsecutive") == 1,
        handle.integer("alternativeRowScanning") == 1,
    )


def degrees(handle: Handle, key: str) -> float:
    """Return an angle as it was meant before it was coded in milli- or microdegrees."""
    return snap(handle.need(key, float), _resolution(handle))


def _resolution(handle: Handle) -> float:
    return 1e-3 if handle.integer("edition") == 1 else 1e-6


def snap(angle: float, resolution: float) -> float:
    """Undo the rounding of an angle to multiples of `resolution`: thirds, ninths, twelfths and minutes become exact."""
    if abs(round(angle, 2) - angle) < 1e-9:
        return round(angle, 2) + 0.0
    for parts in (3, 9, 12, 60):
        meant = round(angle * parts) / parts
        if abs(meant - angle) <= 0.51 * resolution:
            return tidy(meant)
    return round(angle, 6) + 0.0


def tidy(value: float) -> float:
    """Round to 9 decimals, without a negative zero."""
    return round(value, 9) + 0.0


def columns(handle: Handle, mode: ScanMode, count: int) -> tuple[dict[str, Any], int]:
    """Return west, east and step of the columns, and the roll that brings a global grid to longitude 0."""
    first = degrees(handle, "longitudeOfFirstGridPointInDegrees")
    last = degrees(handle, "longitudeOfLastGridPointInDegrees")
    west, east = (last, first) if mode.columns_reversed else (first, last)
    span = (east - west) % 360.0 or (360.0 if count > 1 else 0.0)
    step = span / (count - 1) if count > 1 else handle.get("iDirectionIncrementInDegrees", float, 0.0)
    if count > 1 and abs(step * count - 360.0) <= 3 * _resolution(handle):
        return _round_the_globe(west % 360.0, count)
    west %= 360.0
    if west + span >= 360.0 and span < 359.999:
        west -= 360.0
    return {"west": tidy(west), "east": tidy(west + span), "dx": _step(step), "periodic": False}, 0


def _round_the_globe(west: float, count: int) -> tuple[dict[str, Any], int]:
    step = 360.0 / count
    passed = round(west / step)
    start = west - passed * step
    if abs(start) < min(1e-3, step / 10):
        start = 0.0
    elif start < 0:
        passed, start = passed - 1, start + step
    start = tidy(start)
    described = {"west": start, "east": tidy(start + 360.0 - step), "dx": tidy(step), "periodic": True}
    return described, (count - passed) % count


def rows(handle: Handle, mode: ScanMode, count: int) -> dict[str, Any]:
    """Return north, south and step of the rows."""
    first = degrees(handle, "latitudeOfFirstGridPointInDegrees")
    last = degrees(handle, "latitudeOfLastGridPointInDegrees")
    north, south = (last, first) if mode.rows_reversed else (first, last)
    if north < south:
        raise GribUnsupportedError(
            f"The first latitude is {first} and the last {last}, against the direction of the rows.",
            hint="Correct 'jScansPositively' with grib_set.",
        )
    step = (north - south) / (count - 1) if count > 1 else handle.get("jDirectionIncrementInDegrees", float, 0.0)
    return {"north": north, "south": south, "dy": _step(step)}


def _step(step: float) -> float:
    return tidy(step) if 0 <= step <= 360 else 0.0
