"""The box that holds all points of a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from dtedask.geo.grid import Grid
    from dtedask.geo.grids.rows import Rows

_CIRCLE = 360.0
_NOISE = 1e-9


class BoundingBox(NamedTuple):
    """A box of latitudes and longitudes, in the order of MARS.

    Parameters
    ----------
    north, west, south, east : float
        Degrees. `east` is not below `west`: a box across the date line goes from 170 to 190, one across Greenwich from
        -10 to 10, and one around the globe is 360 degrees wide.
    """

    north: float
    west: float
    south: float
    east: float


def bounding_box(grid: Grid) -> BoundingBox:
    """Return the smallest box that holds a grid's points.

    It goes around the globe where rows do, and to a pole where the cells of the outermost points reach it.
    """
    if grid.kind in ("healpix", "cubed_sphere"):
        return BoundingBox(90.0, 0.0, -90.0, _CIRCLE)
    rows = grid.structure()
    if rows is not None:
        return _of_rows(rows)
    latitude, longitude = grid.points()
    is_placed = np.isfinite(latitude)
    west, east = _arc(longitude[is_placed])
    north, south = float(latitude[is_placed].max()), float(latitude[is_placed].min())
    if len(grid.shape) == 2:
        turns = _turns_around_a_pole(longitude.reshape(grid.shape))
        is_north = abs(north) >= abs(south)
        north, south = (90.0 if turns and is_north else north), (-90.0 if turns and not is_north else south)
        west, east = (0.0, _CIRCLE) if turns else (west, east)
    elif east - west == _CIRCLE:
        spacing = 2.0 * _CIRCLE / np.sqrt(latitude.size)
        north, south = (90.0 if 90.0 - north < spacing else north), (-90.0 if south + 90.0 < spacing else south)
    return BoundingBox(north, west, south, east)


def _of_rows(rows: Rows) -> BoundingBox:
    latitude = rows.latitude
    gap = abs(latitude[0] - latitude[1]) if latitude.size > 1 else 0.0
    north, south = float(latitude[0]), float(latitude[-1])
    if not rows.is_periodic.any():
        has_points = rows.count > 0
        west = float(rows.west[has_points].min())
        east = float((rows.west + (rows.count - 1) * rows.step)[has_points].max())
        return BoundingBox(north, west, south, east)
    return BoundingBox(90.0 if 90.0 - north < gap else north, 0.0, -90.0 if south + 90.0 < gap else south, _CIRCLE)


def _arc(longitude: NDArray[np.float64]) -> tuple[float, float]:
    """Find the shortest arc that holds all longitudes, from west to east: the circle but the widest gap."""
    found = np.unique(longitude % _CIRCLE)
    gaps = np.diff(found, append=found[0] + _CIRCLE)
    widest = int(gaps.argmax())
    if found.size > 2 and gaps[widest] <= 2.0 * _CIRCLE / np.sqrt(longitude.size):
        return 0.0, _CIRCLE
    west, east = float(found[(widest + 1) % found.size]), float(found[widest])
    return (west, east) if west <= east else (west - _CIRCLE, east)


def _turns_around_a_pole(longitude: NDArray[np.float64]) -> bool:
    """Whether the outline of a map goes around a pole."""
    outline = np.concatenate([longitude[0], longitude[1:, -1], longitude[-1, -2::-1], longitude[-2::-1, 0]])
    outline = outline[np.isfinite(outline)]
    steps = (np.diff(outline, append=outline[:1]) + 180.0) % _CIRCLE - 180.0
    return bool(abs(steps.sum()) > 180.0)
