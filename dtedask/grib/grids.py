"""Read the grid of a message, and how its points stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import eccodes
import numpy as np

from dtedask.core.errors import GribUnsupportedError
from dtedask.geo import Grid, PointOrder
from dtedask.grib.handles import Handle

_Read = Callable[[Handle], tuple[Grid, PointOrder]]


def read_grid(handle: Handle) -> tuple[Grid, PointOrder]:
    """Return the grid of a message in canonical form, and the order of the message's points.

    Raises
    ------
    GribUnsupportedError
        If the description contradicts itself or the number of values.
    """
    kind = handle.text("gridType", "unknown")
    grid, order = _READERS.get(kind, _other)(handle)
    points = handle.integer("numberOfDataPoints", grid.size)
    if kind != "sh" and points != grid.size:
        raise GribUnsupportedError(
            f"The grid {grid.label} has {grid.size} points but the message says {points}.",
            hint="The grid section is damaged: fetch the message again.",
        )
    return grid, order


def _scan(handle: Handle) -> dict[str, bool]:
    return {
        "columns_reversed": handle.integer("iScansNegatively") == 1,
        "rows_reversed": handle.integer("jScansPositively") == 1,
        "rows_fastest": handle.integer("jPointsAreConsecutive") == 1,
        "alternating": handle.integer("alternativeRowScanning") == 1,
    }


def _resolution(handle: Handle) -> float:
    return 1e-3 if handle.integer("edition") == 1 else 1e-6


def _snap(angle: float, resolution: float) -> float:
    """Angle without the rounding of its coding: thirds, ninths, twelfths and minutes are what they were meant to be."""
    if abs(round(angle, 2) - angle) < 1e-9:
        return round(angle, 2) + 0.0
    for parts in (3, 9, 12, 60):
        meant = round(angle * parts) / parts
        if abs(meant - angle) <= 0.51 * resolution:
            return round(meant, 9) + 0.0
    return round(angle, 6) + 0.0


def _degrees(handle: Handle, key: str) -> float:
    return _snap(handle.need(key, float), _resolution(handle))


def _columns(handle: Handle, scan: dict[str, bool], count: int) -> tuple[dict[str, Any], int]:
    """West, east and step of the columns, and the roll that brings a global grid to longitude 0."""
    first = _degrees(handle, "longitudeOfFirstGridPointInDegrees")
    last = _degrees(handle, "longitudeOfLastGridPointInDegrees")
    west, east = (last, first) if scan["columns_reversed"] else (first, last)
    span = (east - west) % 360.0 or (360.0 if count > 1 else 0.0)
    step = span / (count - 1) if count > 1 else handle.get("iDirectionIncrementInDegrees", float, 0.0)
    if count > 1 and abs(step * count - 360.0) <= 3 * _resolution(handle) + 1e-6 * step:
        return _round_the_globe(west % 360.0, count)
    west %= 360.0
    if west + span >= 360.0 and span < 359.999:
        west -= 360.0
    return {"west": _tidy(west), "east": _tidy(west + span), "dx": _tidy(step), "periodic": False}, 0


def _round_the_globe(west: float, count: int) -> tuple[dict[str, Any], int]:
    step = 360.0 / count
    passed = round(west / step)
    start = west - passed * step
    if abs(start) < min(1e-3, step / 10):
        start = 0.0
    elif start < 0:
        passed, start = passed - 1, start + step
    start = _tidy(start)
    columns = {"west": start, "east": _tidy(start + 360.0 - step), "dx": _tidy(step), "periodic": True}
    return columns, (count - passed) % count


def _tidy(value: float) -> float:
    return round(value, 9) + 0.0


def _rows(handle: Handle, scan: dict[str, bool], count: int) -> dict[str, Any]:
    first = _degrees(handle, "latitudeOfFirstGridPointInDegrees")
    last = _degrees(handle, "latitudeOfLastGridPointInDegrees")
    north, south = (last, first) if scan["rows_reversed"] else (first, last)
    if north < south:
        raise GribUnsupportedError(
            f"The first latitude is {first} and the last {last}, against the direction of the rows.",
            hint="Correct 'jScansPositively' with grib_set.",
        )
    step = (north - south) / (count - 1) if count > 1 else handle.get("jDirectionIncrementInDegrees", float, 0.0)
    return {"north": north, "south": south, "dy": _tidy(step)}


def _latlon(handle: Handle) -> tuple[dict[str, Any], PointOrder]:
    shape = (handle.need("Nj"), handle.need("Ni"))
    scan = _scan(handle)
    columns, roll = _columns(handle, scan, shape[1])
    return columns | _rows(handle, scan, shape[0]), PointOrder(shape, **scan, roll=roll)


def _regular_ll(handle: Handle) -> tuple[Grid, PointOrder]:
    description, order = _latlon(handle)
    rows, columns = order.shape
    described = description | {"ni": columns, "nj": rows}
    return Grid.of("regular_ll", described, ("latitude", "longitude"), order.shape), order


def _rotated_ll(handle: Handle) -> tuple[Grid, PointOrder]:
    description, order = _latlon(handle)
    rows, columns = order.shape
    described = description | {
        "ni": columns,
        "nj": rows,
        "south_pole_latitude": _degrees(handle, "latitudeOfSouthernPoleInDegrees"),
        "south_pole_longitude": _degrees(handle, "longitudeOfSouthernPoleInDegrees") % 360.0,
        "angle": _tidy(handle.get("angleOfRotationInDegrees", float, 0.0)),
    }
    return Grid.of("rotated_ll", described, ("y", "x"), order.shape), order


def _gaussian_rows(handle: Handle, scan: dict[str, bool], number: int, count: int) -> dict[str, Any]:
    """Nothing for a global grid, else the first row (from the north) and how many follow."""
    if count == 2 * number:
        return {}
    key = "latitudeOfLastGridPointInDegrees" if scan["rows_reversed"] else "latitudeOfFirstGridPointInDegrees"
    latitudes = np.asarray(eccodes.codes_get_gaussian_latitudes(number))
    first = int(np.abs(latitudes - handle.need(key, float)).argmin())
    return {"rows": [first, count]}


def _regular_gg(handle: Handle) -> tuple[Grid, PointOrder]:
    shape = (handle.need("Nj"), handle.need("Ni"))
    number, scan = _gaussian_number(handle), _scan(handle)
    columns, roll = _columns(handle, scan, shape[1])
    rows = _gaussian_rows(handle, scan, number, shape[0])
    description = {"n": number, "ni": shape[1]} | rows | columns
    return (
        Grid.of("regular_gg", description, ("latitude", "longitude"), shape),
        PointOrder(shape, **scan, roll=roll),
    )


def _gaussian_number(handle: Handle) -> int:
    number: int = handle.need("N")
    if not 0 < number <= 100_000:
        raise GribUnsupportedError(f"The Gaussian number {number} is impossible.", hint="The grid section is damaged.")
    return number


def _row_lengths(handle: Handle, scan: dict[str, bool]) -> list[int]:
    lengths = [int(length) for length in handle.array("pl", int)]
    return lengths[::-1] if scan["rows_reversed"] else lengths


def _reduced_gg(handle: Handle) -> tuple[Grid, PointOrder]:
    number, scan = _gaussian_number(handle), _scan(handle)
    lengths = _row_lengths(handle, scan)
    description: dict[str, Any] = {"n": number, "pl": lengths}
    size = sum(lengths)
    points = handle.integer("numberOfDataPoints", size)
    if points != size or len(lengths) != 2 * number:
        west, east = (_degrees(handle, f"longitudeOf{end}GridPointInDegrees") for end in ("First", "Last"))
        rows = _gaussian_rows(handle, scan, number, len(lengths)) or {"rows": [0, len(lengths)]}
        description |= rows | {"west": west, "east": east, "size": points}
        size = points
    return _reduced("reduced_gg", description, size, lengths, scan)


def _reduced_ll(handle: Handle) -> tuple[Grid, PointOrder]:
    scan = _scan(handle)
    lengths = _row_lengths(handle, scan)
    west, east = (_degrees(handle, f"longitudeOf{end}GridPointInDegrees") for end in ("First", "Last"))
    description = {"pl": lengths, "west": west, "east": east} | _rows(handle, scan, len(lengths))
    return _reduced("reduced_ll", description, sum(lengths), lengths, scan)


def _reduced(
    kind: str, description: dict[str, Any], size: int, lengths: list[int], scan: dict[str, bool]
) -> tuple[Grid, PointOrder]:
    grid = Grid.of(kind, description, ("values",), (size,))
    if not any(scan.values()):
        return grid, PointOrder((size,))
    if scan["rows_fastest"] or size != sum(lengths):
        raise GribUnsupportedError(
            f"The scan order of this {kind} grid is not known.", hint="Bring it to the usual order with grib_set."
        )
    return grid, PointOrder((size,), **scan, row_lengths=tuple(lengths))


def _healpix(handle: Handle) -> tuple[Grid, PointOrder]:
    nside, ordering = handle.need("Nside"), handle.text("orderingConvention", "ring")
    description: dict[str, Any] = {"nside": nside, "ordering": ordering}
    first = handle.get("longitudeOfFirstGridPointInDegrees", float, 45.0)
    if first != 45.0:
        description["first_longitude"] = _tidy(first)
    size = 12 * nside * nside
    return Grid.of("healpix", description, ("values",), (size,)), PointOrder((size,))


def _unstructured(handle: Handle) -> tuple[Grid, PointOrder]:
    size = handle.need("numberOfDataPoints")
    description = {
        "number": handle.integer("numberOfGridUsed"),
        "reference": handle.integer("numberOfGridInReference"),
        "uuid": handle.text("uuidOfHGrid"),
        "size": size,
        "coordinates": "not in the message: only the grid's number and UUID are",
    }
    return Grid.of("unstructured", description, ("values",), (size,)), PointOrder((size,))


def _spectral(handle: Handle) -> tuple[Grid, PointOrder]:
    bounds = [handle.need(key) for key in ("J", "K", "M")]
    if len(set(bounds)) > 1:
        raise GribUnsupportedError(
            f"Spherical harmonics with J, K, M = {bounds} are not triangular.", hint="Only J = K = M is supported."
        )
    size = (bounds[0] + 1) * (bounds[0] + 2)
    return Grid.of("sh", {"truncation": bounds[0]}, ("values",), (size,)), PointOrder((size,))


def _other(handle: Handle) -> tuple[Grid, PointOrder]:
    """Any other grid: told apart by what ecCodes says of it, with its points where ecCodes knows them."""
    description = {key: value for key, value in handle.namespace("geography") if key != "gridType"}
    kind = handle.text("gridType", "unknown").replace("/", "_")
    columns, rows = handle.get("Nx", int) or handle.get("Ni", int), handle.get("Ny", int) or handle.get("Nj", int)
    points = handle.need("numberOfDataPoints")
    if not columns or not rows or columns * rows != points:
        return Grid.of(kind, description | {"size": points}, ("values",), (points,)), PointOrder((points,))
    shape = (rows, columns)
    return Grid.of(kind, description, ("y", "x"), shape), PointOrder(shape, **_scan(handle))


_READERS: dict[str, _Read] = {
    "regular_ll": _regular_ll,
    "rotated_ll": _rotated_ll,
    "regular_gg": _regular_gg,
    "reduced_gg": _reduced_gg,
    "reduced_ll": _reduced_ll,
    "healpix": _healpix,
    "unstructured_grid": _unstructured,
    "sh": _spectral,
}
