"""Where a transform has to give values: on rings that ducc0 knows how to do exactly, or at points one by one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.grid import Grid
from dtedask.geo.grids.rows import Rows

_CIRCLE = 360.0
_TOLERANCE = 1e-9
_MOST_UNUSED = 64  # how much longer a whole ring may be than the part of it that is wanted


@dataclass(frozen=True, slots=True, eq=False)
class Rings:
    """Rings of equally spaced points around the globe.

    Parameters
    ----------
    colatitude, first : numpy.ndarray of float64, shape (rings,)
        Radians; `first` is the longitude of the first point.
    count, start : numpy.ndarray of uint64, shape (rings,)
        Points of each ring, and the place of the first.
    taken : numpy.ndarray of int64, or None
        Places of the grid's points among those of the rings; None where they are the same.
    """

    colatitude: NDArray[np.float64]
    first: NDArray[np.float64]
    count: NDArray[np.uint64]
    start: NDArray[np.uint64]
    taken: NDArray[np.int64] | None = None

    @property
    def size(self) -> int:
        """Number of points of the rings."""
        return int(self.count.sum())


@dataclass(frozen=True, slots=True, eq=False)
class Scattered:
    """Any points: colatitude and longitude in radians, shape (size, 2)."""

    places: NDArray[np.float64]

    @property
    def size(self) -> int:
        """Number of points."""
        return len(self.places)


@lru_cache(16)
def places_of_grid(grid: Grid) -> Rings | Scattered:
    """Find how the points of a grid stand; not to be changed.

    Raises
    ------
    GridError
        If the grid has no points that are known.
    """
    if grid.kind == "sh":
        raise GridError(
            f"{grid.label} is a spectral grid and has no points.", hint="Change truncations by spectral.truncate."
        )
    if grid.kind == "healpix" and grid.description["ordering"] == "nested":
        return _nested_healpix(grid)
    rows = grid.structure()
    rings = None if rows is None else rings_of_rows(rows)
    if rings is not None:
        return rings
    points = grid.points()
    longitude = np.deg2rad(points.longitude % _CIRCLE)
    return Scattered(np.stack([np.deg2rad(90.0 - points.latitude), longitude], axis=1))


def rings_of_rows(rows: Rows) -> Rings | None:
    """Rings that hold the points of rows, or None where the distances of points do not divide the circle."""
    whole = np.rint(_CIRCLE / rows.step).astype(np.int64)
    fits = np.abs(whole * rows.step - _CIRCLE) <= _TOLERANCE * whole
    if not fits.all() or whole.sum() > _MOST_UNUSED * rows.size:
        return None
    start = np.cumsum(whole) - whole
    taken = None
    if not np.array_equal(whole, rows.count):
        row = np.repeat(np.arange(len(whole)), rows.count)
        column = np.arange(rows.size) - rows.first[row]
        taken = start[row] + column % whole[row]
    return Rings(
        np.deg2rad(90.0 - rows.latitude),
        np.deg2rad(rows.west),
        whole.astype(np.uint64),
        start.astype(np.uint64),
        taken,
    )


def _nested_healpix(grid: Grid) -> Rings:
    from dtedask.geo.healpix import places_of, reordered

    rings = places_of_grid(reordered(grid, "ring"))
    assert isinstance(rings, Rings)
    return Rings(
        rings.colatitude, rings.first, rings.count, rings.start, places_of(int(grid.description["nside"]), "nested")
    )
