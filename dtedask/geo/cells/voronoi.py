"""Cells of points without any structure: what is nearer to a point than to all others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GridError
from dtedask.geo.cells.polygon_kernels import cut_by_plane
from dtedask.geo.cells.polygons import Polygons

_FAR = 1.3
_WIDE = 3.0
_NEIGHBOURS = 4
_SIDES = 8


def voronoi(points: NDArray[np.float64]) -> Polygons:
    """Make the cells of points on the sphere (the dual of their Delaunay triangulation).

    Parameters
    ----------
    points : numpy.ndarray of float64, shape (n, 3)
        Unit vectors. Where they leave almost half of the globe free, they are taken for those of a part of
        the globe: cells at its edge end half a distance between neighbours away from their point.

    Raises
    ------
    GridError
        If points coincide or there are fewer than four.
    """
    from scipy.spatial import SphericalVoronoi

    try:
        made = SphericalVoronoi(points, 1.0, threshold=1e-12)
    except ValueError as error:
        raise GridError(
            f"The cells of {len(points)} points cannot be made: {error}", hint="Leave out points that coincide."
        ) from error
    made.sort_vertices_of_regions()
    counts = np.array([len(region) for region in made.regions], np.int64)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    vertices = made.vertices[np.concatenate(made.regions)]
    vertices /= np.linalg.norm(vertices, axis=1)[:, None]
    polygons = _outside_in(Polygons(starts, vertices), points)
    reach = np.linalg.norm(polygons.vertices - np.repeat(points, counts, axis=0), axis=1)
    return polygons if reach.max() < _FAR else _ended(polygons, points, np.maximum.reduceat(reach, starts[:-1]))


def _outside_in(polygons: Polygons, points: NDArray[np.float64]) -> Polygons:
    """Turn polygons around that run clockwise seen from outside."""
    starts, vertices = polygons.starts, polygons.vertices
    following = np.arange(starts[-1]) + 1
    following[starts[1:] - 1] = starts[:-1]
    cross = np.cross(vertices, vertices[following])
    is_clockwise = np.einsum("ni,ni->n", np.add.reduceat(cross, starts[:-1]), points) < 0.0
    counts = np.diff(starts)
    within = np.arange(starts[-1]) - np.repeat(starts[:-1], counts)
    last = np.repeat(starts[1:] - 1, counts)
    order = np.where(np.repeat(is_clockwise, counts), last - within, np.arange(starts[-1]))
    return Polygons(starts, vertices[order])


def _ended(polygons: Polygons, points: NDArray[np.float64], reaches: NDArray[np.float64]) -> Polygons:
    """Cut cells that reach far beyond their neighbours by eight planes half-way to where the next point would be."""
    from scipy.spatial import cKDTree

    distance, _ = cKDTree(points).query(points, k=min(_NEIGHBOURS + 1, len(points)))
    spacing = distance[:, 1:].mean(axis=1)
    cells = np.split(polygons.vertices, polygons.starts[1:-1])
    for place in np.flatnonzero(reaches > _WIDE * spacing):
        cells[place] = _cut_around(cells[place], points[place], 0.5 * spacing[place])
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum([len(cell) for cell in cells])])
    return Polygons(starts, np.concatenate(cells))


def _cut_around(cell: NDArray[np.float64], point: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
    """Return the part of a cell in an octagon around its point."""
    axis = np.eye(3)[np.argmin(abs(point))]
    east = np.cross(axis, point) / np.linalg.norm(np.cross(axis, point))
    north = np.cross(point, east)
    room = np.empty((len(cell) + 2 * _SIDES, 3))
    for angle in np.arange(_SIDES) * (2.0 * np.pi / _SIDES):
        plane = np.sin(reach) * point - np.cos(reach) * (np.cos(angle) * east + np.sin(angle) * north)
        count = cut_by_plane(np.ascontiguousarray(cell), len(cell), plane[0], plane[1], plane[2], room)
        cell = room[:count].copy()
    return cell
