"""Rows and columns of a grid from coded angles, free of the rounding of their coding."""

from __future__ import annotations

from typing import Any

from dtedask.core.errors import GribUnsupportedError
from dtedask.geo import ScanMode
from dtedask.geo.grids.angles import columns_between, snap, tidy
from dtedask.grib.handles import Handle

__all__ = ["columns", "degrees", "read_scan_mode", "rows", "snap", "tidy"]


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


def columns(handle: Handle, mode: ScanMode, count: int) -> tuple[dict[str, Any], int]:
    """Return west, east and step of the columns, and the roll that brings a global grid to longitude 0."""
    first = degrees(handle, "longitudeOfFirstGridPointInDegrees")
    last = degrees(handle, "longitudeOfLastGridPointInDegrees")
    west, east = (last, first) if mode.columns_reversed else (first, last)
    increment = handle.get("iDirectionIncrementInDegrees", float, 0.0)
    return columns_between(west, east, count, increment=increment, resolution=_resolution(handle))


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
