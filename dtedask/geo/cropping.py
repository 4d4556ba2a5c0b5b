"""Part of a grid, and where its points stand in the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.grid import Grid
from dtedask.geo.grids.rows import Points, Rows

_CIRCLE = 360.0
_NEAR = 1e-8  # of the radius: points that are one point
_NEAR_DEGREES = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Cropped:
    """The points of a grid in an area.

    Parameters
    ----------
    grid : Grid
        The points, as a grid of their own.
    places : numpy.ndarray of int64, shape (grid.size,)
        Where each of them stands in the whole grid.
    """

    grid: Grid
    places: NDArray[np.int64]


def cropped(grid: Grid, area: Sequence[float]) -> Cropped:
    """Cut an area out of a grid.

    Parameters
    ----------
    grid : Grid
        The whole grid.
    area : sequence of float
        North, west, south, east in degrees, the MARS order, edges included; of turned grids in their own system.

    Returns
    -------
    Cropped
        Its points run from the west edge of the area to the east one, also across Greenwich.

    Raises
    ------
    GridError
        If no point lies in the area, or the points in it are no grid.
    """
    part = grid.within(area)
    if part == grid or (part.size == grid.size and len(grid.shape) == 1):
        return Cropped(grid, np.arange(grid.size, dtype=np.int64))
    return Cropped(part, places_in(grid, part))


def places_in(whole: Grid, part: Grid) -> NDArray[np.int64]:
    """Where the points of a part stand in the whole grid.

    Returns
    -------
    numpy.ndarray of int64, shape (part.size,)
        In the order of the part's points.

    Raises
    ------
    GridError
        If a point of the part is no point of the whole.
    """
    rows, of_part = whole.structure(), part.structure()
    found = _by_rows(rows, of_part) if rows is not None and of_part is not None else None
    if found is None:
        found = _by_distance(whole.points(), part.points())
    if found is None:
        raise GridError(
            f"The grid {part.label} is no part of {whole.label}.", hint="Cut it out of the grid with `cropped`."
        )
    return found


def _by_rows(whole: Rows, part: Rows) -> NDArray[np.int64] | None:
    """Rows are found by their latitude, points by their distance from the first of the row."""
    row = np.searchsorted(-whole.latitude, -part.latitude - _NEAR_DEGREES)
    if (row >= whole.latitude.size).any() or np.abs(whole.latitude[row] - part.latitude).max() > _NEAR_DEGREES:
        return None
    step, count = whole.step[row], whole.count[row]
    from_first = (part.west - whole.west[row] + _NEAR_DEGREES) % _CIRCLE - _NEAR_DEGREES
    start = np.round(from_first / step).astype(np.int64)
    several = part.count > 1
    is_same = np.abs(start * step - from_first) < _NEAR_DEGREES
    is_same &= ~several | (np.abs(part.step - step) < _NEAR_DEGREES)
    is_same &= whole.is_periodic[row] | (start + part.count <= count)
    if not is_same.all():
        return None
    column = np.arange(int(part.count.sum())) - np.repeat(part.first, part.count)
    return np.repeat(whole.first[row], part.count) + (np.repeat(start, part.count) + column) % np.repeat(
        count, part.count
    )


def _by_distance(whole: Points, part: Points) -> NDArray[np.int64] | None:
    from scipy.spatial import KDTree

    distance, found = KDTree(_on_sphere(whole)).query(_on_sphere(part), distance_upper_bound=_NEAR)
    return found.astype(np.int64) if np.isfinite(distance).all() else None


def _on_sphere(points: Points) -> NDArray[np.float64]:
    latitude, longitude = np.deg2rad(points.latitude), np.deg2rad(points.longitude)
    across = np.cos(latitude)
    return np.column_stack([across * np.cos(longitude), across * np.sin(longitude), np.sin(latitude)])
