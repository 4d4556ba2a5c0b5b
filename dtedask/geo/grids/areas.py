"""Areas of the cells around the points of a grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.cells.rows import own_boxes
from dtedask.geo.grids.maps import KINDS, plane
from dtedask.geo.projection import unproject

if TYPE_CHECKING:
    from dtedask.geo.grid import Grid

_Array = NDArray[np.float64]
EARTH_RADIUS_M = 6_371_229.0


def areas(grid: Grid) -> _Array:
    """Return the area of the cell of each point, in square metres on a sphere of 6,371,229 m.

    Cells of rows reach half way to the rows and points beside them, those of Gaussian rows as far as the weights of the
    quadrature say; the outermost reach to the pole if there is no room for another row, and those of an area end with
    its points. They are MIR's. Cells of HEALPix are equal. Cells on a map are those between lines half way between its
    points. Cells of all others hold what is nearest to their point.

    Raises
    ------
    GridError
        If the grid does not say where its points are.
    """
    place = grid.description
    if grid.kind == "healpix":
        return np.full(grid.size, 4.0 * np.pi * EARTH_RADIUS_M**2 / (12 * place["nside"] ** 2))
    boxes = own_boxes(place)
    if boxes is not None:
        return EARTH_RADIUS_M**2 * boxes.areas()
    if grid.kind in KINDS:
        return _of_map(place)
    return _nearest(*grid.points())


def _of_map(place: dict[str, Any]) -> _Array:
    y, x = plane(place)
    across = np.append(x - place["dx"] / 2.0, x[-1] + place["dx"] / 2.0)
    down = np.append(y + place["dy"] / 2.0, y[-1] - place["dy"] / 2.0)
    corners = unit_vectors(*unproject(place, *np.meshgrid(across, down)))
    west_north, east_north = corners[:-1, :-1], corners[:-1, 1:]
    west_south, east_south = corners[1:, :-1], corners[1:, 1:]
    halves = triangle(west_north, west_south, east_south) + triangle(west_north, east_south, east_north)
    found: _Array = EARTH_RADIUS_M**2 * halves.ravel()
    return found


def unit_vectors(latitude: _Array, longitude: _Array) -> _Array:
    """Return points as vectors of length 1, shape (..., 3)."""
    height, turn = np.deg2rad(latitude), np.deg2rad(longitude)
    return np.stack([np.cos(height) * np.cos(turn), np.cos(height) * np.sin(turn), np.sin(height)], axis=-1)


def triangle(a: _Array, b: _Array, c: _Array) -> _Array:
    """Return the areas of triangles on the unit sphere, positive if a, b, c run counter-clockwise seen from outside.

    The formula of Van Oosterom and Strackee (1983), IEEE Transactions on Biomedical Engineering 30; differences are
    taken first, so that small triangles keep their digits.
    """
    volume = np.einsum("...i,...i->...", a, np.cross(b - a, c - a))
    sides = 1.0 + sum(np.einsum("...i,...i->...", one, other) for one, other in ((a, b), (b, c), (c, a)))
    found: _Array = 2.0 * np.arctan2(volume, sides)
    return found


def _nearest(latitude: _Array, longitude: _Array) -> _Array:
    from scipy.spatial import SphericalVoronoi

    cells = SphericalVoronoi(unit_vectors(latitude, longitude), 1.0)
    found: _Array = EARTH_RADIUS_M**2 * cells.calculate_areas()
    return found
